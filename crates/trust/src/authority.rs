//! The installation CA: it says who speaks, and nothing about what may run.
//!
//! Invariants:
//! - ECDSA P-256 throughout. A server's certificate is good for servers only, an agent's for clients only.
//! - The name in an agent's certificate is the `HostId` that the caller gives; whatever the request asks for beside its
//!   public key is ignored. Who may call [`Authority::issue_agent`], and for whom, is the caller's decision.
//! - Certificates begin a day early, so that a clock that is off does not keep a machine out.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::Path,
    time::Duration,
};

use escadre_model::{HostId, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DistinguishedName,
    DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, PKCS_ED25519, SanType, SerialNumber,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject};

use crate::{
    SecretString, TrustError,
    identity::{host_uri, serial_of},
    metadata::Fingerprint,
    secret::{
        self, create_private, create_private_folder, read_bounded, read_secret_text, write_public,
    },
};

const DAY: Duration = Duration::from_secs(24 * 3600);
const EARLY: Duration = DAY;
const CA_LIFE: Duration = Duration::from_secs(20 * 365 * 24 * 3600);

/// How long an agent's certificate lives; it asks for the next when a third is left ([`crate::identity::is_due`]).
pub const AGENT_LIFE: Duration = Duration::from_secs(90 * 24 * 3600);
/// How long a server's certificate lives; the server makes its next one itself.
pub const SERVER_LIFE: Duration = Duration::from_secs(90 * 24 * 3600);

const CERTIFICATE_FILE: &str = "ca.pem";
const KEY_FILE: &str = "ca.key";
const MAX_REQUEST_BYTES: usize = 16 * 1024;

/// The CA with its key. Lives on the server.
pub struct Authority {
    certificate: CertificateDer<'static>,
    certificate_pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// The names and addresses under which people and agents reach the server. Loopback is always among them.
#[derive(Debug, Clone, Default)]
pub struct ServerNames {
    /// DNS names: the host's own, aliases.
    pub names: Vec<String>,
    /// Addresses that it listens on.
    pub addresses: Vec<IpAddr>,
}

/// A certificate chain with the key of its first certificate, ready for TLS.
pub struct Credentials {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: PrivateKeyDer<'static>,
}

impl Authority {
    /// Makes a new CA in a folder of its own (0700): `ca.pem`, `ca.key`. An existing key is never overwritten.
    pub fn create(folder: &Path, now: Timestamp) -> Result<Self, TrustError> {
        create_private_folder(folder)?;
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(unmade("the CA's key"))?;
        let tag = hex::encode(secret::random::<4>()?);
        let mut params = params(&format!("Escadre installation {tag}"), now, CA_LIFE)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params
            .self_signed(&key)
            .map_err(unmade("the CA's certificate"))?;
        create_private(&folder.join(KEY_FILE), key.serialize_pem().as_bytes())?;
        write_public(&folder.join(CERTIFICATE_FILE), certificate.pem().as_bytes())?;
        Self::open(folder)
    }

    /// Opens a CA that [`Authority::create`] made.
    pub fn open(folder: &Path) -> Result<Self, TrustError> {
        let key_path = folder.join(KEY_FILE);
        let key = KeyPair::from_pem(&read_secret_text(&key_path)?).map_err(|error| {
            TrustError::KeyFile {
                path: key_path,
                reason: error.to_string(),
            }
        })?;
        let pem = read_bounded(&folder.join(CERTIFICATE_FILE), 64 * 1024)?;
        let certificate_pem = String::from_utf8_lossy(&pem).into_owned();
        let certificate = certificate_from_pem(&certificate_pem)?;
        let issuer =
            Issuer::from_ca_cert_der(&certificate, key).map_err(unmade("the CA's certificate"))?;
        Ok(Self {
            certificate,
            certificate_pem,
            issuer,
        })
    }

    /// The CA's certificate, for agents, browsers and `curl --cacert`.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// The CA's certificate in DER.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// SHA-256 of the CA's certificate, which goes into the enrolment text.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.certificate)
    }

    /// A new key and certificate for the server. Never written to disk: a start makes a new one.
    pub fn issue_server(
        &self,
        names: &ServerNames,
        now: Timestamp,
    ) -> Result<Credentials, TrustError> {
        let key =
            KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(unmade("the server's key"))?;
        let mut params = params("Escadre server", now, SERVER_LIFE)?;
        params.subject_alt_names = names.alternatives()?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let certificate = params
            .signed_by(&key, &self.issuer)
            .map_err(unmade("the server's certificate"))?;
        Ok(Credentials {
            chain: vec![certificate.der().clone(), self.certificate.clone()],
            key: PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        })
    }

    /// A certificate for an agent (PEM), from its request. Check first that the host may have it: that the token is good,
    /// or for a renewal that the peer is that very host and not revoked.
    pub fn issue_agent(
        &self,
        request_pem: &str,
        host: HostId,
        now: Timestamp,
    ) -> Result<String, TrustError> {
        let request = parse_request(request_pem)?;
        let mut params = params(&host.to_string(), now, AGENT_LIFE)?;
        let uri = host_uri(host)
            .try_into()
            .map_err(unmade("the agent's certificate"))?;
        params.subject_alt_names = vec![SanType::URI(uri)];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = params
            .signed_by(&request.public_key, &self.issuer)
            .map_err(unmade("the agent's certificate"))?;
        tracing::info!(%host, serial = serial_of(certificate.der())?, "agent certificate issued");
        Ok(certificate.pem())
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Authority({})", self.fingerprint())
    }
}

impl ServerNames {
    fn alternatives(&self) -> Result<Vec<SanType>, TrustError> {
        let mut found = Vec::new();
        for name in std::iter::once("localhost").chain(self.names.iter().map(String::as_str)) {
            let name = name
                .try_into()
                .map_err(unmade("the server's certificate"))?;
            found.push(SanType::DnsName(name));
        }
        let loopback = [
            IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(Ipv6Addr::LOCALHOST),
        ];
        let addresses = loopback
            .iter()
            .chain(&self.addresses)
            .filter(|address| !address.is_unspecified());
        found.extend(addresses.map(|address| SanType::IpAddress(*address)));
        let mut unique = Vec::new();
        for name in found {
            if !unique.contains(&name) {
                unique.push(name);
            }
        }
        Ok(unique)
    }
}

impl Credentials {
    /// From PEM texts: certificates, first the one of the key, and the key in PKCS#8.
    pub fn from_pem(certificates: &str, key: &SecretString) -> Result<Self, TrustError> {
        let chain = CertificateDer::pem_slice_iter(certificates.as_bytes())
            .take(8)
            .collect::<Result<Vec<_>, _>>()
            .map_err(unmade("a certificate chain"))?;
        let key =
            PrivateKeyDer::from_pem_slice(key.expose().as_bytes()).map_err(unmade("a key"))?;
        Ok(Self { chain, key })
    }

    /// The certificate of the key, in DER.
    pub fn certificate(&self) -> Option<&CertificateDer<'static>> {
        self.chain.first()
    }
}

impl Clone for Credentials {
    fn clone(&self) -> Self {
        Self {
            chain: self.chain.clone(),
            key: self.key.clone_key(),
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({} certificates, key …)", self.chain.len())
    }
}

/// A request whose signature shows possession of its key, which is of a kind that we take.
pub(crate) fn parse_request(
    request_pem: &str,
) -> Result<CertificateSigningRequestParams, TrustError> {
    if request_pem.len() > MAX_REQUEST_BYTES {
        return Err(TrustError::Request(format!(
            "larger than {MAX_REQUEST_BYTES} bytes"
        )));
    }
    let request = CertificateSigningRequestParams::from_pem(request_pem)
        .map_err(|error| TrustError::Request(error.to_string()))?;
    let algorithm = request.public_key.algorithm();
    if algorithm != &PKCS_ECDSA_P256_SHA256 && algorithm != &PKCS_ED25519 {
        return Err(TrustError::Request(
            "its key is neither ECDSA P-256 nor Ed25519".to_owned(),
        ));
    }
    Ok(request)
}

/// The first certificate of a PEM text.
pub fn certificate_from_pem(pem: &str) -> Result<CertificateDer<'static>, TrustError> {
    CertificateDer::from_pem_slice(pem.as_bytes()).map_err(unmade("a certificate"))
}

fn params(
    common_name: &str,
    now: Timestamp,
    life: Duration,
) -> Result<CertificateParams, TrustError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    let since_1970 = u64::try_from(now.as_second())
        .map(Duration::from_secs)
        .unwrap_or_default();
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    params.not_before = epoch + since_1970.saturating_sub(EARLY);
    params.not_after = epoch
        + since_1970
            .saturating_add(life)
            .min(Duration::from_secs(YEAR_9000));
    let mut serial = secret::random::<16>()?;
    serial[0] = serial[0] & 0x7f | 0x40;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

/// Dates past the year 9999 have no form in a certificate.
const YEAR_9000: u64 = 221_845_392_000;

fn unmade<E: fmt::Display>(what: &'static str) -> impl FnOnce(E) -> TrustError {
    move |error| TrustError::Certificate {
        what,
        reason: error.to_string(),
    }
}
