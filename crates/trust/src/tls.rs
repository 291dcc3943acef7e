//! Every TLS configuration of the program: who listens, who calls, and whom they believe.
//!
//! Invariants:
//! - One provider (aws-lc-rs), named here and never installed globally. TLS 1.3 between our own programs; 1.2 too for
//!   browsers and other people's tools.
//! - The agents' listener asks for a certificate and takes clients without one, because a machine that enrols has none
//!   yet: what such a client may call is the server's decision. A certificate that *is* shown must be good.
//! - No session is resumed there: each connection verifies the certificate and asks the revocation hook again.
//!
//! Absent on purpose: any way to skip verification.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, Error, RootCertStore,
    ServerConfig, SignatureScheme,
    client::{
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_cert_signed_by_trust_anchor,
    },
    crypto::{CryptoProvider, aws_lc_rs, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::{
        ClientHello, NoServerSessionStorage, ParsedCertificate, ResolvesServerCert,
        WebPkiClientVerifier,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
    sign::CertifiedKey,
};

use crate::{
    Authority, Credentials, PeerIdentity, TrustError, authority::certificate_from_pem,
    metadata::Fingerprint,
};

/// Says whether a peer is refused although its certificate is valid. Asked at each handshake; ask it per request too
/// where connections live long.
pub type RevocationCheck = Arc<dyn Fn(&PeerIdentity) -> bool + Send + Sync>;

/// The server's certificate, exchangeable while connections are served: hand clones to both configurations.
#[derive(Debug, Clone)]
pub struct ServerIdentity(Arc<RwLock<Arc<CertifiedKey>>>);

impl ServerIdentity {
    /// The identity with its first certificate.
    pub fn new(credentials: &Credentials) -> Result<Self, TrustError> {
        Ok(Self(Arc::new(RwLock::new(certified(credentials)?))))
    }

    /// New connections get this certificate from now on.
    pub fn replace(&self, credentials: &Credentials) -> Result<(), TrustError> {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = certified(credentials)?;
        Ok(())
    }

    /// The certificate in use, to see when it is due ([`crate::identity::is_due`]).
    pub fn certificate(&self) -> Option<CertificateDer<'static>> {
        self.current().cert.first().cloned()
    }

    fn current(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ResolvesServerCert for ServerIdentity {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current())
    }
}

/// For the port of agents and relays: mutual TLS 1.3, the client's certificate optional (see the module's head).
pub fn server_config_for_agents(
    authority: &Authority,
    identity: &ServerIdentity,
    is_revoked: RevocationCheck,
) -> Result<ServerConfig, TrustError> {
    let roots = Arc::new(root_store(authority.certificate())?);
    let webpki = WebPkiClientVerifier::builder_with_provider(roots, provider())
        .allow_unauthenticated()
        .build()
        .map_err(unbuilt)?;
    let verifier = AgentVerifier { webpki, is_revoked };
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(unbuilt)?
        .with_client_cert_verifier(Arc::new(verifier))
        .with_cert_resolver(Arc::new(identity.clone()));
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.alpn_protocols = protocols();
    Ok(config)
}

/// For both UIs and the REST API: TLS 1.3 or 1.2, no client certificate.
pub fn server_config_for_people(identity: &ServerIdentity) -> Result<ServerConfig, TrustError> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(unbuilt)?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(identity.clone()));
    config.alpn_protocols = protocols();
    Ok(config)
}

/// For an enrolled agent: believes this installation's CA alone, shows its own certificate.
pub fn client_config_for_agent(
    ca_pem: &str,
    credentials: &Credentials,
) -> Result<ClientConfig, TrustError> {
    let roots = root_store(&certificate_from_pem(ca_pem)?)?;
    let mut config = client_builder()?
        .with_root_certificates(roots)
        .with_client_auth_cert(credentials.chain.clone(), credentials.key.clone_key())
        .map_err(unbuilt)?;
    config.alpn_protocols = protocols();
    Ok(config)
}

/// For the command line with a token: believes this installation's CA alone, shows no certificate.
pub fn client_config_for_people(ca_pem: &str) -> Result<ClientConfig, TrustError> {
    let roots = root_store(&certificate_from_pem(ca_pem)?)?;
    let mut config = client_builder()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols();
    Ok(config)
}

/// For a machine that enrols: believes a server whose chain holds the CA of this fingerprint, whatever its name; the
/// machine may know the server by an address that no certificate holds.
pub fn client_config_for_enrolment(ca: Fingerprint) -> Result<ClientConfig, TrustError> {
    let verifier = PinnedAuthority {
        ca,
        provider: provider(),
    };
    let mut config = client_builder()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = protocols();
    Ok(config)
}

/// Verifies by webpki (chain to our CA, purpose client, dates), then by identity and revocation.
struct AgentVerifier {
    webpki: Arc<dyn ClientCertVerifier>,
    is_revoked: RevocationCheck,
}

impl fmt::Debug for AgentVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AgentVerifier")
    }
}

impl ClientCertVerifier for AgentVerifier {
    fn client_auth_mandatory(&self) -> bool {
        self.webpki.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.webpki.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self
            .webpki
            .verify_client_cert(end_entity, intermediates, now)?;
        let peer = PeerIdentity::of(end_entity).map_err(|error| {
            tracing::warn!(%error, "a client shows a certificate of our CA that names no host");
            Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure)
        })?;
        if (self.is_revoked)(&peer) {
            tracing::warn!(host = %peer.host, serial = peer.serial, "a revoked certificate is shown");
            return Err(Error::InvalidCertificate(CertificateError::Revoked));
        }
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.webpki.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.webpki.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.webpki.supported_verify_schemes()
    }
}

/// Verifies that the chain holds the pinned CA and that this CA signed the server's certificate for servers.
#[derive(Debug)]
struct PinnedAuthority {
    ca: Fingerprint,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for PinnedAuthority {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let pinned = intermediates
            .iter()
            .find(|certificate| Fingerprint::of(certificate) == self.ca)
            .ok_or(Error::InvalidCertificate(CertificateError::UnknownIssuer))?;
        let mut roots = RootCertStore::empty();
        roots.add(pinned.clone().into_owned())?;
        let algorithms = self.provider.signature_verification_algorithms.all;
        let parsed = ParsedCertificate::try_from(end_entity)?;
        verify_server_cert_signed_by_trust_anchor(&parsed, &roots, &[], now, algorithms)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("only TLS 1.3 is spoken here".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn protocols() -> Vec<Vec<u8>> {
    vec![b"h2".to_vec(), b"http/1.1".to_vec()]
}

fn client_builder() -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, TrustError>
{
    ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(unbuilt)
}

fn root_store(certificate: &CertificateDer<'_>) -> Result<RootCertStore, TrustError> {
    let mut roots = RootCertStore::empty();
    roots
        .add(certificate.clone().into_owned())
        .map_err(unbuilt)?;
    Ok(roots)
}

fn certified(credentials: &Credentials) -> Result<Arc<CertifiedKey>, TrustError> {
    let certified = CertifiedKey::from_der(
        credentials.chain.clone(),
        credentials.key.clone_key(),
        &provider(),
    );
    certified.map(Arc::new).map_err(unbuilt)
}

fn unbuilt(error: impl fmt::Display) -> TrustError {
    TrustError::Tls(error.to_string())
}
