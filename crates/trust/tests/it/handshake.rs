//! Real TLS handshakes over an in-memory pipe: who gets in, and above all who does not.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use escadre_model::{HostId, Timestamp};
use escadre_trust::{
    AgentKey, Authority, Credentials, Fingerprint, PeerIdentity, SecretString, ServerNames,
    tls::{
        RevocationCheck, ServerIdentity, client_config_for_agent, client_config_for_enrolment,
        client_config_for_people, server_config_for_agents, server_config_for_people,
    },
};
use rustls::{
    ClientConfig, ServerConfig,
    pki_types::{ServerName, UnixTime},
};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::fleet::days;

/// The real time: `rustls` reads the clock by itself.
fn now() -> Timestamp {
    Timestamp::from_second(UnixTime::now().as_secs().try_into().expect("small")).expect("a time")
}

struct House {
    home: TempDir,
    authority: Authority,
    identity: ServerIdentity,
}

impl House {
    fn new() -> Self {
        let home = tempfile::tempdir().expect("a temporary folder");
        let authority = Authority::create(&home.path().join("ca"), now()).expect("a CA");
        let identity = ServerIdentity::new(&server(&authority, now())).expect("an identity");
        Self {
            home,
            authority,
            identity,
        }
    }

    fn agent_at(&self, host: HostId, when: Timestamp) -> Credentials {
        let folder = tempfile::tempdir_in(self.home.path()).expect("a temporary folder");
        let path = folder.path().join("agent.key");
        let key = AgentKey::create(&path).expect("a key");
        let request = key.request().expect("a request");
        key.with_certificate(
            &self
                .authority
                .issue_agent(&request, host, when)
                .expect("issued"),
        )
        .expect("fits")
    }

    fn agent(&self) -> Credentials {
        self.agent_at(host(), now())
    }

    fn for_agents(&self) -> ServerConfig {
        server_config_for_agents(&self.authority, &self.identity, Arc::new(|_| false))
            .expect("a configuration")
    }

    fn as_agent(&self, credentials: &Credentials) -> ClientConfig {
        client_config_for_agent(self.authority.certificate_pem(), credentials)
            .expect("a configuration")
    }
}

fn host() -> HostId {
    HostId::from_random([5; 16])
}

fn server(authority: &Authority, when: Timestamp) -> Credentials {
    let names = ServerNames {
        names: vec!["fleet.example".to_owned()],
        addresses: vec!["192.0.2.7".parse().expect("one")],
    };
    authority.issue_server(&names, when).expect("issued")
}

/// One byte there and back. Gives who the server saw, or what either side says.
async fn meet(
    server: ServerConfig,
    client: ClientConfig,
    name: &str,
) -> Result<Option<PeerIdentity>, String> {
    let (here, there) = duplex(64 * 1024);
    let serve = async {
        let mut stream = TlsAcceptor::from(Arc::new(server))
            .accept(there)
            .await
            .map_err(|e| format!("server: {e}"))?;
        let byte = stream.read_u8().await.map_err(|e| format!("server: {e}"))?;
        stream
            .write_u8(byte)
            .await
            .map_err(|e| format!("server: {e}"))?;
        let _ = stream.shutdown().await;
        let (_, connection) = stream.get_ref();
        let peer = connection
            .peer_certificates()
            .and_then(|chain| chain.first());
        peer.map(PeerIdentity::of)
            .transpose()
            .map_err(|e| format!("server: {e}"))
    };
    let call = async {
        let name = ServerName::try_from(name.to_owned()).expect("a name");
        let connector = TlsConnector::from(Arc::new(client));
        let mut stream = connector
            .connect(name, here)
            .await
            .map_err(|e| format!("client: {e}"))?;
        stream
            .write_u8(42)
            .await
            .map_err(|e| format!("client: {e}"))?;
        stream.read_u8().await.map_err(|e| format!("client: {e}"))
    };
    match tokio::join!(serve, call) {
        (Ok(peer), Ok(42)) => Ok(peer),
        (served, called) => Err(format!("{:?} {:?}", served.err(), called.err())),
    }
}

async fn refused(server: ServerConfig, client: ClientConfig, name: &str, reason: &str) {
    let met = meet(server, client, name).await;
    let error = met
        .err()
        .unwrap_or_else(|| panic!("let in, though: {reason}"));
    assert!(error.contains(reason), "{error}");
}

#[tokio::test]
async fn an_agent_is_known_by_its_certificate() {
    let house = House::new();
    for name in [
        "localhost",
        "127.0.0.1",
        "::1",
        "fleet.example",
        "192.0.2.7",
    ] {
        let met = meet(
            house.for_agents(),
            house.as_agent(&house.agent_at(host(), now())),
            name,
        )
        .await;
        assert_eq!(
            met.map(|peer| peer.map(|peer| peer.host)),
            Ok(Some(host())),
            "{name}"
        );
    }
    let people =
        client_config_for_people(house.authority.certificate_pem()).expect("a configuration");
    assert_eq!(
        meet(house.for_agents(), people, "localhost").await,
        Ok(None),
        "no certificate: let in as nobody"
    );
}

#[tokio::test]
async fn agents_that_do_not_get_in() {
    let house = House::new();
    let other = House::new();
    let stranger = house.as_agent(&other.agent());
    refused(house.for_agents(), stranger, "localhost", "UnknownCA").await;
    let as_server = house.as_agent(&server(&house.authority, now()));
    refused(
        house.for_agents(),
        as_server,
        "localhost",
        "usage for client authentication",
    )
    .await;
    let expired = house.as_agent(&house.agent_at(host(), now() - days(91)));
    refused(
        house.for_agents(),
        expired,
        "localhost",
        "certificate expired",
    )
    .await;
    let early = house.as_agent(&house.agent_at(host(), now() + days(2)));
    refused(house.for_agents(), early, "localhost", "not valid yet").await;
    let mut old = ClientConfig::builder_with_provider(Arc::new(
        rustls::crypto::aws_lc_rs::default_provider(),
    ))
    .with_protocol_versions(&[&rustls::version::TLS12])
    .expect("a version")
    .with_root_certificates(rustls::RootCertStore::empty())
    .with_no_client_auth();
    old.alpn_protocols = vec![b"h2".to_vec()];
    refused(house.for_agents(), old, "localhost", "ProtocolVersion").await;
}

#[tokio::test]
async fn a_revoked_agent_is_refused_at_its_next_connection() {
    let house = House::new();
    let is_revoked = Arc::new(AtomicBool::new(false));
    let hook: RevocationCheck = {
        let is_revoked = Arc::clone(&is_revoked);
        Arc::new(move |peer| peer.host == host() && is_revoked.load(Ordering::SeqCst))
    };
    let server =
        server_config_for_agents(&house.authority, &house.identity, hook).expect("a configuration");
    let client = house.as_agent(&house.agent());
    assert!(
        meet(server.clone(), client.clone(), "localhost")
            .await
            .is_ok()
    );
    is_revoked.store(true, Ordering::SeqCst);
    // The very same configurations, so that a session could be resumed if there were any.
    refused(server.clone(), client, "localhost", "Revoked").await;
    let other = house.as_agent(&house.agent_at(HostId::from_random([6; 16]), now()));
    assert!(
        meet(server, other, "localhost").await.is_ok(),
        "only that host"
    );
}

#[tokio::test]
async fn servers_that_an_agent_does_not_believe() {
    let house = House::new();
    let other = House::new();
    let client = || house.as_agent(&house.agent());
    let listening = |credentials: &Credentials| {
        server_config_for_people(&ServerIdentity::new(credentials).expect("an identity"))
            .expect("a configuration")
    };
    refused(other.for_agents(), client(), "localhost", "UnknownIssuer").await;
    refused(
        listening(&house.agent()),
        client(),
        "localhost",
        "usage for server authentication",
    )
    .await;
    refused(
        listening(&server(&house.authority, now() - days(100))),
        client(),
        "localhost",
        "certificate expired",
    )
    .await;
    refused(
        house.for_agents(),
        client(),
        "other.example",
        "not valid for name",
    )
    .await;
    // For the right name, signed by the right CA, and made for a client.
    let path = house.home.path().join("forged.key");
    let key = AgentKey::create(&path).expect("a key");
    let pem = house
        .authority
        .issue_agent(&key.request().expect("one"), host(), now())
        .expect("issued");
    let pinned =
        client_config_for_enrolment(house.authority.fingerprint()).expect("a configuration");
    let chain = format!("{pem}{}", house.authority.certificate_pem());
    let credentials = Credentials::from_pem(
        &chain,
        &SecretString::new(std::fs::read_to_string(&path).expect("it")),
    )
    .expect("fits");
    refused(
        listening(&credentials),
        pinned,
        "localhost",
        "usage for server authentication",
    )
    .await;
}

#[tokio::test]
async fn enrolment_believes_the_pinned_ca_alone() {
    let house = House::new();
    let other = House::new();
    let pin = |fingerprint| client_config_for_enrolment(fingerprint).expect("a configuration");
    let good = pin(house.authority.fingerprint());
    assert_eq!(
        meet(house.for_agents(), good.clone(), "10.1.2.3").await,
        Ok(None),
        "whatever the name"
    );
    refused(other.for_agents(), good.clone(), "localhost", "UnknownCA").await;
    refused(
        house.for_agents(),
        pin(Fingerprint::of(b"something")),
        "localhost",
        "UnknownCA",
    )
    .await;
    // Somebody in the middle shows the real CA's certificate beside one of his own.
    let key = rcgen::KeyPair::generate().expect("a key");
    let params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).expect("params");
    let own = params.self_signed(&key).expect("signed").pem();
    let chain = format!("{own}{}", house.authority.certificate_pem());
    let credentials =
        Credentials::from_pem(&chain, &SecretString::new(key.serialize_pem())).expect("fits");
    let middle = server_config_for_people(&ServerIdentity::new(&credentials).expect("one"))
        .expect("a configuration");
    refused(middle, good.clone(), "localhost", "UnknownCA").await;
    let late =
        ServerIdentity::new(&server(&house.authority, now() - days(100))).expect("an identity");
    refused(
        server_config_for_people(&late).expect("one"),
        good,
        "localhost",
        "certificate expired",
    )
    .await;
}

#[tokio::test]
async fn the_servers_certificate_is_exchanged_while_it_serves() {
    let house = House::new();
    let old = House::new();
    house
        .identity
        .replace(&server(&house.authority, now() - days(100)))
        .expect("replaced");
    let config = house.for_agents();
    let people =
        client_config_for_people(house.authority.certificate_pem()).expect("a configuration");
    refused(
        config.clone(),
        people.clone(),
        "localhost",
        "certificate expired",
    )
    .await;
    house
        .identity
        .replace(&server(&house.authority, now()))
        .expect("replaced");
    assert!(
        meet(config, people, "localhost").await.is_ok(),
        "the same configuration, the new certificate"
    );
    assert_ne!(house.identity.certificate(), old.identity.certificate());
    let web = server_config_for_people(&house.identity).expect("a configuration");
    let with_12 = ClientConfig::builder_with_provider(Arc::new(
        rustls::crypto::aws_lc_rs::default_provider(),
    ))
    .with_protocol_versions(&[&rustls::version::TLS12])
    .expect("a version");
    let mut roots = rustls::RootCertStore::empty();
    roots
        .add(house.authority.certificate().clone())
        .expect("a CA");
    let mut with_12 = with_12.with_root_certificates(roots).with_no_client_auth();
    with_12.alpn_protocols = vec![b"http/1.1".to_vec()];
    assert_eq!(
        meet(web, with_12, "localhost").await,
        Ok(None),
        "browsers may speak TLS 1.2"
    );
}
