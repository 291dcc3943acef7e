//! A server with its agent port, and a scripted agent.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use escadre_api::{
    Actor, Operations, Role,
    account::{TokenKind, TokenNew},
    agent::{Contact, DeliveryReport, Enrol, Enrolled, NumberedResult, Orders},
};
use escadre_model::{
    CheckName, DeliveryId, HostId, Timestamp,
    check::{CheckResult, CheckState, Perf},
    delivery::DeliveryState,
    inventory::{InstalledPackage, InterfaceAddress, Inventory, Network},
};
use escadre_server::{Server, ServerConfig, listener};
use escadre_trust::{AgentKey, EnrolmentText, tls};
use reqwest::{Client, StatusCode};
use tempfile::TempDir;
use tokio::sync::watch;

/// How long something that must happen may take.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// A folder with a publisher's key beside the state.
pub(crate) struct Place {
    folder: TempDir,
}

/// A server that runs.
pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) agents: SocketAddr,
    stop: watch::Sender<bool>,
    port: tokio::task::JoinHandle<()>,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn config(&self, agents: SocketAddr) -> ServerConfig {
        let loopback = SocketAddr::from(([127, 0, 0, 1], 1));
        ServerConfig {
            state_dir: self.path("state"),
            config_address: loopback,
            view_address: loopback,
            agent_address: agents,
            names: Vec::new(),
            publisher_dir: Some(self.path("publisher")),
            publisher_root: None,
        }
    }

    /// Starts a server here; again, when one was here before.
    pub(crate) async fn start(&self) -> World {
        let port = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let agents = port.local_addr().expect("an address");
        let server = Server::start(self.config(agents)).await.expect("a server");
        let (stop, mut stopping) = watch::channel(false);
        let told = async move {
            let _ = stopping.wait_for(|stop| *stop).await;
        };
        let port = listener::serve(port, Some(server.agent_tls()), server.agent_router(), told);
        World {
            server,
            agents,
            stop,
            port: tokio::spawn(port),
        }
    }
}

/// Somebody with a role.
pub(crate) fn actor(role: Role) -> Actor {
    Actor {
        name: format!("the {role}"),
        role,
        via: "session",
        address: "192.0.2.7".to_owned(),
        request: "test".to_owned(),
    }
}

pub(crate) fn admin() -> Actor {
    actor(Role::Administrator)
}

/// Waits until something is so; it has to come by itself.
pub(crate) async fn until<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut look: impl FnMut() -> F,
) -> T {
    let look = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(SOON, look)
        .await
        .unwrap_or_else(|_| panic!("it does not happen: {what}"))
}

impl World {
    pub(crate) fn ops(&self) -> std::sync::Arc<dyn Operations> {
        self.server.operations()
    }

    pub(crate) async fn stop(self) {
        self.stop.send_replace(true);
        self.port.await.expect("the port ends well");
        self.server.shutdown().await;
    }

    pub(crate) async fn enrolment(&self) -> String {
        let new = TokenNew {
            name: "for a test".to_owned(),
            kind: TokenKind::Enrolment,
            role: None,
            site: Some("bordeaux".to_owned()),
            tags: vec!["front".to_owned()],
            lifetime_s: None,
        };
        self.ops()
            .token_create(&admin(), new)
            .await
            .expect("a token")
            .secret
    }

    /// Asks to enrol; what comes back as it is.
    pub(crate) async fn try_enrol(
        &self,
        text: &str,
        hostname: &str,
        key: &AgentKey,
    ) -> reqwest::Response {
        let pinned = EnrolmentText::parse(text).expect("an enrolment text");
        let config = tls::client_config_for_enrolment(pinned.ca).expect("a TLS configuration");
        let client = Client::builder()
            .tls_backend_preconfigured(config)
            .build()
            .expect("a client");
        let enrol = Enrol {
            token: text.to_owned(),
            csr: key.request().expect("a request"),
            hostname: hostname.to_owned(),
            agent_version: "0.1.0".to_owned(),
        };
        client
            .post(self.url("enrol"))
            .json(&enrol)
            .send()
            .await
            .expect("an answer")
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("https://{}/agent/v1/{path}", self.agents)
    }

    /// A machine that becomes a host.
    pub(crate) async fn enrol(&self, hostname: &str, keys: &Path) -> Agent {
        let text = self.enrolment().await;
        let path = keys.join(format!(
            "{hostname}-{}.key",
            text.len() + self.hosts().await
        ));
        let key = AgentKey::create(&path).expect("a key");
        let answer = self.try_enrol(&text, hostname, &key).await;
        assert_eq!(answer.status(), StatusCode::OK);
        let enrolled: Enrolled = answer.json().await.expect("a document");
        let credentials = key
            .with_certificate(&enrolled.certificate)
            .expect("credentials");
        let config =
            tls::client_config_for_agent(&enrolled.ca, &credentials).expect("a TLS configuration");
        let client = Client::builder()
            .tls_backend_preconfigured(config)
            .build()
            .expect("a client");
        Agent {
            id: enrolled.host,
            name: enrolled.name,
            client,
            address: self.agents,
            results: 0,
            reports: 0,
            revision: 0,
        }
    }

    async fn hosts(&self) -> usize {
        self.ops()
            .hosts(&admin(), Default::default())
            .await
            .expect("hosts")
            .len()
    }
}

/// An agent that says what a test wants.
pub(crate) struct Agent {
    pub(crate) id: HostId,
    pub(crate) name: String,
    pub(crate) client: Client,
    pub(crate) address: SocketAddr,
    pub(crate) results: u64,
    pub(crate) reports: u64,
    pub(crate) revision: u64,
}

impl Agent {
    pub(crate) fn url(&self, path: &str) -> String {
        format!("https://{}/agent/v1/{path}", self.address)
    }

    pub(crate) fn contact(&self) -> Contact {
        Contact {
            sent: Timestamp::now(),
            agent_version: "0.1.0".to_owned(),
            revision: self.revision,
            inventory: None,
            results: Vec::new(),
            reports: Vec::new(),
            results_from: None,
            reports_from: None,
        }
    }

    /// The next result of a check.
    pub(crate) fn result(&mut self, check: &str, state: CheckState, value: f64) -> NumberedResult {
        self.results += 1;
        NumberedResult {
            sequence: self.results,
            check: CheckName(check.to_owned()),
            result: CheckResult {
                state,
                output: format!("{check} is {}", state.word()),
                long_output: String::new(),
                perf: vec![Perf {
                    label: "value".to_owned(),
                    value,
                    unit: String::new(),
                    warning: None,
                    critical: None,
                    min: None,
                    max: None,
                }],
                // A second apart, as if they had waited for the link.
                started: Timestamp::now()
                    - Duration::from_secs(60_u64.saturating_sub(self.results)),
                duration_ms: 1,
            },
        }
    }

    /// The next report of a delivery.
    pub(crate) fn report(&mut self, delivery: DeliveryId, state: DeliveryState) -> DeliveryReport {
        self.reports += 1;
        DeliveryReport {
            sequence: self.reports,
            delivery,
            state,
            at: Timestamp::now(),
            progress: None,
            outcome: None,
            refusal: None,
            message: String::new(),
        }
    }

    pub(crate) async fn send(&mut self, contact: &Contact) -> Orders {
        let answer = self
            .client
            .post(self.url("contact"))
            .json(contact)
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status(), StatusCode::OK, "{:?}", answer.text().await);
        let orders: Orders = answer.json().await.expect("orders");
        self.revision = orders.revision;
        orders
    }

    pub(crate) async fn say(
        &mut self,
        results: Vec<NumberedResult>,
        reports: Vec<DeliveryReport>,
    ) -> Orders {
        let contact = Contact {
            results,
            reports,
            ..self.contact()
        };
        self.send(&contact).await
    }
}

/// An inventory with some packages.
pub(crate) fn inventory(packages: &[(&str, &str)]) -> Box<Inventory> {
    let package = |(name, version): &(&str, &str)| InstalledPackage {
        name: (*name).into(),
        version: (*version).into(),
        arch: "amd64".into(),
        ..InstalledPackage::default()
    };
    let mut inventory = Inventory {
        packages: packages.iter().map(package).collect(),
        ..Inventory::default()
    };
    inventory.os.id = "debian".into();
    inventory.os.name = "Debian GNU/Linux 12 (bookworm)".into();
    let address = InterfaceAddress {
        ip: [10, 1, 0, 4].into(),
        prefix: 16,
    };
    inventory.networks.push(Network {
        addresses: vec![address],
        ..Network::default()
    });
    Box::new(inventory)
}
