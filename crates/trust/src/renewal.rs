//! The way back for a machine that was away until its certificate had expired: a laptop in a cupboard for four months.
//!
//! Such a machine cannot speak mutual TLS any more, yet it still holds the key that it was enrolled with. It shows its
//! old certificate and a request made with the very same key. Both together prove who it is: the certificate was good
//! when it ended, and the request's signature shows possession of its key. A copy of both, replayed by somebody else,
//! yields a certificate for a key that he does not have.
//!
//! Absent on purpose: the decision. The caller checks revocation for the [`PeerIdentity`] given back, then issues.

use std::{sync::Arc, time::Duration};

use escadre_model::Timestamp;
use rcgen::PublicKeyData;
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, UnixTime},
    server::{WebPkiClientVerifier, danger::ClientCertVerifier},
};

use crate::{
    Authority, PeerIdentity, TrustError,
    authority::{certificate_from_pem, parse_request},
    identity::{public_key_of, validity},
    tls::provider,
};

/// For how long after its end a certificate still shows who comes back; after that, the machine is enrolled anew.
pub const RETURN_GRACE: Duration = Duration::from_secs(400 * 24 * 3600);

impl Authority {
    /// Who the holder of an expired (or still good) certificate is, if the request was made with the same key.
    pub fn returning_peer(
        &self,
        certificate_pem: &str,
        request_pem: &str,
        now: Timestamp,
    ) -> Result<PeerIdentity, TrustError> {
        let request = parse_request(request_pem)?;
        if certificate_pem.len() > 16 * 1024 {
            return Err(refused("the certificate is too large"));
        }
        let certificate = certificate_from_pem(certificate_pem)?;
        let (from, until) = validity(&certificate)?;
        let gone = now.as_second().saturating_sub(until.as_second());
        if from > now || u64::try_from(gone).is_ok_and(|gone| gone > RETURN_GRACE.as_secs()) {
            return Err(refused("the certificate ended too long ago: enrol again"));
        }
        let last_good = u64::try_from(until.as_second().min(now.as_second())).unwrap_or(0);
        self.agent_verifier()?
            .verify_client_cert(
                &certificate,
                &[],
                UnixTime::since_unix_epoch(Duration::from_secs(last_good)),
            )
            .map_err(|error| refused(&error.to_string()))?;
        if public_key_of(&certificate)? != request.public_key.subject_public_key_info() {
            return Err(refused("it was not made with the key of the certificate"));
        }
        PeerIdentity::of(&certificate)
    }

    fn agent_verifier(&self) -> Result<Arc<dyn ClientCertVerifier>, TrustError> {
        let mut roots = RootCertStore::empty();
        let root: CertificateDer<'static> = self.certificate().clone();
        roots
            .add(root)
            .map_err(|error| TrustError::Tls(error.to_string()))?;
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider())
            .build()
            .map_err(|error| TrustError::Tls(error.to_string()))
    }
}

fn refused(reason: &str) -> TrustError {
    TrustError::Request(reason.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AgentKey;
    use escadre_model::HostId;

    const DAY: u64 = 24 * 3600;

    fn day(day: u64) -> Timestamp {
        Timestamp::from_second(1_800_000_000).expect("a time") + Duration::from_secs(day * DAY)
    }

    #[test]
    fn a_machine_comes_back_after_months() -> Result<(), TrustError> {
        let home = tempfile::tempdir().expect("a temporary folder");
        let authority = Authority::create(&home.path().join("ca"), day(0))?;
        let key = AgentKey::create(&home.path().join("agent.key"))?;
        let host = HostId::from_random([4; 16]);
        let old = authority.issue_agent(&key.request()?, host, day(0))?;
        for (when, welcome) in [
            (0, true),
            (89, true),
            (91, true),
            (300, true),
            (489, true),
            (491, false),
        ] {
            let peer = authority.returning_peer(&old, &key.request()?, day(when));
            assert_eq!(
                peer.map(|peer| peer.host).ok(),
                welcome.then_some(host),
                "day {when}"
            );
        }
        Ok(())
    }

    #[test]
    fn nobody_else_comes_back_as_that_machine() -> Result<(), TrustError> {
        let home = tempfile::tempdir().expect("a temporary folder");
        let authority = Authority::create(&home.path().join("ca"), day(0))?;
        let other = Authority::create(&home.path().join("other"), day(0))?;
        let key = AgentKey::create(&home.path().join("agent.key"))?;
        let thief = AgentKey::create(&home.path().join("thief.key"))?;
        let host = HostId::from_random([4; 16]);
        let old = authority.issue_agent(&key.request()?, host, day(0))?;
        let check = |certificate: &str, request: &str, expected: &str| {
            let error = authority
                .returning_peer(certificate, request, day(120))
                .err()
                .map(|e| e.to_string());
            assert!(
                error.as_deref().is_some_and(|e| e.contains(expected)),
                "{expected}: {error:?}"
            );
        };
        check(&old, &thief.request()?, "not made with the key");
        check(
            &other.issue_agent(&key.request()?, host, day(0))?,
            &key.request()?,
            "UnknownIssuer",
        );
        check(
            &other.certificate_pem().repeat(40),
            &key.request()?,
            "too large",
        );
        check("", &key.request()?, "a certificate");
        check(&old, "", "certificate request");
        check(
            authority.certificate_pem(),
            &key.request()?,
            "CaUsedAsEndEntity",
        );
        Ok(())
    }
}
