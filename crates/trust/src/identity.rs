//! Who a peer is: the agent's key and request on one side, the `HostId` in a verified certificate on the other.
//!
//! The identity is the URI `escadre:host:h-…` in the certificate and nothing else: no field of any message says who
//! speaks. The agent's key is made by the agent and never leaves it.

use std::path::Path;

use escadre_model::{HostId, Timestamp};
use rcgen::{CertificateParams, DistinguishedName, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls::pki_types::CertificateDer;
use x509_parser::{certificate::X509Certificate, extensions::GeneralName, prelude::FromDer};

use crate::{
    Credentials, SecretString, TrustError,
    secret::{create_private, read_secret_text},
};

const URI_PREFIX: &str = "escadre:host:";

/// The private key of an agent, in a file of the agent's.
pub struct AgentKey {
    key: KeyPair,
}

/// What a verified client certificate says.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PeerIdentity {
    /// The host.
    pub host: HostId,
    /// The certificate's serial number in hexadecimal, for revocation and the audit log.
    pub serial: String,
}

impl AgentKey {
    /// Makes a key (ECDSA P-256) in a file that only its owner may read. Never overwrites.
    pub fn create(path: &Path) -> Result<Self, TrustError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(|error| {
            TrustError::KeyFile {
                path: path.to_owned(),
                reason: error.to_string(),
            }
        })?;
        create_private(path, key.serialize_pem().as_bytes())?;
        Ok(Self { key })
    }

    /// Opens a key that [`AgentKey::create`] made.
    pub fn open(path: &Path) -> Result<Self, TrustError> {
        let key =
            KeyPair::from_pem(&read_secret_text(path)?).map_err(|error| TrustError::KeyFile {
                path: path.to_owned(),
                reason: error.to_string(),
            })?;
        Ok(Self { key })
    }

    /// The certificate request (PEM) that proves possession of the key. It claims no name: the server gives it.
    pub fn request(&self) -> Result<String, TrustError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        let request = params
            .serialize_request(&self.key)
            .and_then(|request| request.pem());
        request.map_err(|error| TrustError::Request(error.to_string()))
    }

    /// The key with the certificate that the server gave for it.
    pub fn with_certificate(&self, certificate_pem: &str) -> Result<Credentials, TrustError> {
        Credentials::from_pem(
            certificate_pem,
            &SecretString::new(self.key.serialize_pem()),
        )
    }
}

impl std::fmt::Debug for AgentKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AgentKey(…)")
    }
}

impl PeerIdentity {
    /// Reads a certificate **that TLS has verified** (`peer_certificates` of the connection, the first).
    pub fn of(certificate: &CertificateDer<'_>) -> Result<Self, TrustError> {
        let parsed = parse(certificate)?;
        let names = parsed
            .subject_alternative_name()
            .map_err(|error| TrustError::PeerIdentity(error.to_string()))?
            .map(|extension| extension.value.general_names.as_slice())
            .unwrap_or_default();
        let [GeneralName::URI(uri)] = names else {
            return Err(TrustError::PeerIdentity(
                "it does not have exactly one name".to_owned(),
            ));
        };
        let host = uri
            .strip_prefix(URI_PREFIX)
            .and_then(|id| id.parse().ok())
            .ok_or_else(|| TrustError::PeerIdentity(format!("`{uri}` is no host's name")))?;
        Ok(Self {
            host,
            serial: hex::encode(parsed.raw_serial()),
        })
    }
}

/// From when until when a certificate is valid.
pub fn validity(certificate: &CertificateDer<'_>) -> Result<(Timestamp, Timestamp), TrustError> {
    let parsed = parse(certificate)?;
    let at = |seconds: i64| {
        Timestamp::from_second(seconds)
            .map_err(|error| TrustError::PeerIdentity(format!("its dates: {error}")))
    };
    let validity = parsed.validity();
    Ok((
        at(validity.not_before.timestamp())?,
        at(validity.not_after.timestamp())?,
    ))
}

/// Less than a third of the certificate's life is left: time for the next.
pub fn is_due(certificate: &CertificateDer<'_>, now: Timestamp) -> Result<bool, TrustError> {
    let (from, until) = validity(certificate)?;
    let life = until.as_second().saturating_sub(from.as_second());
    Ok(until.as_second().saturating_sub(now.as_second()) < life / 3)
}

pub(crate) fn host_uri(host: HostId) -> String {
    format!("{URI_PREFIX}{host}")
}

/// The public key of a certificate (SubjectPublicKeyInfo, DER).
pub(crate) fn public_key_of(certificate: &CertificateDer<'_>) -> Result<Vec<u8>, TrustError> {
    Ok(parse(certificate)?.public_key().raw.to_vec())
}

pub(crate) fn serial_of(certificate: &CertificateDer<'_>) -> Result<String, TrustError> {
    Ok(hex::encode(parse(certificate)?.raw_serial()))
}

fn parse<'a>(certificate: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>, TrustError> {
    match X509Certificate::from_der(certificate) {
        Ok(([], parsed)) => Ok(parsed),
        Ok(_) => Err(TrustError::PeerIdentity(
            "bytes follow the certificate".to_owned(),
        )),
        Err(error) => Err(TrustError::PeerIdentity(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Authority, ServerNames};
    use std::time::Duration;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    #[test]
    fn a_request_becomes_a_certificate_of_the_given_host_only() -> Result<(), TrustError> {
        let home = tempfile::tempdir().expect("a temporary folder");
        let authority = Authority::create(&home.path().join("ca"), at(1_800_000_000))?;
        let key = AgentKey::create(&home.path().join("agent.key"))?;
        assert!(
            AgentKey::create(&home.path().join("agent.key")).is_err(),
            "a key is never overwritten"
        );
        let host = HostId::from_random([9; 16]);
        let pem = authority.issue_agent(&key.request()?, host, at(1_800_000_000))?;
        let credentials = AgentKey::open(&home.path().join("agent.key"))?.with_certificate(&pem)?;
        let certificate = credentials.certificate().expect("one certificate");
        let peer = PeerIdentity::of(certificate)?;
        assert_eq!((peer.host, peer.serial.len()), (host, 32));
        let (from, until) = validity(certificate)?;
        assert_eq!(
            (from, until),
            (at(1_800_000_000 - 86_400), at(1_800_000_000 + 90 * 86_400))
        );
        for (day, due) in [(0, false), (59, false), (60, true), (91, true)] {
            assert_eq!(
                is_due(
                    certificate,
                    at(1_800_000_000) + Duration::from_secs(day * 86_400)
                )?,
                due,
                "day {day}"
            );
        }
        Ok(())
    }

    #[test]
    fn a_request_cannot_choose_its_name_or_purpose() -> Result<(), TrustError> {
        let home = tempfile::tempdir().expect("a temporary folder");
        let authority = Authority::create(&home.path().join("ca"), at(1_800_000_000))?;
        let victim = HostId::from_random([1; 16]);
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).expect("params");
        params.subject_alt_names.push(rcgen::SanType::URI(
            host_uri(victim).try_into().expect("a URI"),
        ));
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let request = params
            .serialize_request(&key)
            .and_then(|r| r.pem())
            .expect("a request");
        let own = HostId::from_random([2; 16]);
        let certificate = crate::authority::certificate_from_pem(&authority.issue_agent(
            &request,
            own,
            at(1_800_000_000),
        )?)?;
        assert_eq!(PeerIdentity::of(&certificate)?.host, own);
        let parsed = parse(&certificate)?;
        let usage = parsed
            .extended_key_usage()
            .ok()
            .flatten()
            .expect("has usages")
            .value
            .clone();
        assert_eq!(
            (usage.client_auth, usage.server_auth, parsed.is_ca()),
            (true, false, false)
        );
        Ok(())
    }

    #[test]
    fn hostile_requests_and_certificates_are_errors() -> Result<(), TrustError> {
        let home = tempfile::tempdir().expect("a temporary folder");
        let authority = Authority::create(&home.path().join("ca"), at(1_800_000_000))?;
        let key = AgentKey::create(&home.path().join("agent.key"))?;
        let host = HostId::from_random([9; 16]);
        let good = key.request()?;
        let altered = {
            let mut lines: Vec<String> = good.lines().map(str::to_owned).collect();
            let other = if lines[2].starts_with('A') { "B" } else { "A" };
            lines[2].replace_range(..1, other);
            lines.join("\n")
        };
        let large = "x".repeat(100_000);
        for bad in [
            "",
            "-----BEGIN CERTIFICATE REQUEST-----",
            &good[..good.len() / 2],
            &altered,
            &large,
        ] {
            assert!(authority.issue_agent(bad, host, at(1_800_000_000)).is_err());
        }
        assert!(PeerIdentity::of(&CertificateDer::from(vec![0x30, 0x82, 0xff])).is_err());
        let server = authority.issue_server(&ServerNames::default(), at(1_800_000_000))?;
        assert!(
            PeerIdentity::of(server.certificate().expect("one")).is_err(),
            "a server is no host"
        );
        assert!(matches!(
            Authority::create(&home.path().join("ca"), at(0)),
            Err(TrustError::AlreadyThere { .. })
        ));
        Ok(())
    }
}
