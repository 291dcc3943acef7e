//! One installation in a temporary folder: CA, publisher, server, and what the server came to know.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use escadre_agent::{AgentError, EnrolOptions, Enrolment, RunOptions};
use escadre_api::agent::{Contact, DeliveryOrder, DeliveryReport, NumberedResult, Orders, Wish};
use escadre_blobs::{DiskBlobs, PackOptions, pack};
use escadre_bundle::{Action, Command, Content, Manifest};
use escadre_model::{
    BundleRef, DeliveryId, HostId, RolloutId, Timestamp, check::CheckDefinition,
    delivery::DeliveryState, inventory::Inventory,
};
use escadre_trust::{
    Authority, EnrolmentText, Fingerprint, Lifetimes, MetadataFolder, OnlineKeys, Publisher,
    RootPlan, ServerNames, Token, TokenKind,
    tls::{ServerIdentity, server_config_for_agents},
};
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::Notify, sync::oneshot, task::JoinHandle};
use tokio_rustls::TlsAcceptor;

use crate::wire::serve;

pub(crate) const LIVES: Lifetimes = Lifetimes {
    root: days(730),
    targets: days(365),
    snapshot: days(7),
    timestamp: days(3),
};

pub(crate) const fn days(days: u64) -> Duration {
    Duration::from_secs(days * 24 * 3600)
}

/// Everything that does not change, and the server behind a lock.
pub(crate) struct House {
    pub(crate) home: TempDir,
    pub(crate) authority: Authority,
    pub(crate) publisher: Publisher,
    pub(crate) online: OnlineKeys,
    pub(crate) blobs: DiskBlobs,
    pub(crate) token: Token,
    pub(crate) host: HostId,
    /// The first root, which agents pin.
    pub(crate) root: Vec<u8>,
    pub(crate) changed: Notify,
    server: Mutex<Server>,
}

/// What the server knows, and how it misbehaves.
pub(crate) struct Server {
    pub(crate) metadata: MetadataFolder,
    pub(crate) revision: u64,
    pub(crate) epoch: u64,
    pub(crate) checks: Vec<CheckDefinition>,
    pub(crate) deliveries: Vec<DeliveryOrder>,
    pub(crate) reports: Vec<DeliveryReport>,
    pub(crate) results: Vec<NumberedResult>,
    /// Results and reports that it once stored and has lost.
    pub(crate) lost: (u64, u64),
    pub(crate) inventory: Option<Inventory>,
    pub(crate) chunks_asked: usize,
    pub(crate) alters_chunks: bool,
    pub(crate) renewals: usize,
    /// Age of the certificate that an enrolment gives.
    pub(crate) certificate_days: u64,
    /// Epochs of the answers given.
    pub(crate) answers: Vec<u64>,
}

impl Server {
    /// Stores what is new, and answers.
    pub(crate) fn contact(&mut self, contact: Contact) -> Orders {
        self.answers.push(self.epoch);
        let (results, reports) = self.stored();
        let gone = |from: Option<u64>| from.expect("an agent says what it holds") - 1;
        self.lost.0 += gone(contact.results_from).saturating_sub(results);
        self.lost.1 += gone(contact.reports_from).saturating_sub(reports);
        for report in contact.reports {
            if report.sequence == self.stored().1 + 1 {
                if report.state.is_final() {
                    self.deliveries.retain(|order| order.id != report.delivery);
                }
                self.reports.push(report);
            }
        }
        for result in contact.results {
            if result.sequence == self.stored().0 + 1 {
                self.results.push(result);
            }
        }
        if let Some(inventory) = contact.inventory {
            self.inventory = Some(*inventory);
        }
        Orders {
            revision: self.revision,
            epoch: self.epoch,
            now: Timestamp::now(),
            contact_every_s: 60,
            want_inventory: false,
            results_stored: self.stored().0,
            reports_stored: self.stored().1,
            checks: (contact.revision != self.revision).then(|| self.checks.clone()),
            run_now: Vec::new(),
            deliveries: self.deliveries.clone(),
        }
    }

    /// Numbers of the last result and report that are stored or lost.
    fn stored(&self) -> (u64, u64) {
        let (results, reports) = (self.results.len() as u64, self.reports.len() as u64);
        (self.lost.0 + results, self.lost.1 + reports)
    }

    /// The states that a delivery went through.
    pub(crate) fn states(&self, delivery: DeliveryId) -> Vec<DeliveryState> {
        self.reports
            .iter()
            .filter(|report| report.delivery == delivery)
            .map(|report| report.state)
            .collect()
    }

    pub(crate) fn last(&self, delivery: DeliveryId) -> Option<&DeliveryReport> {
        self.reports
            .iter()
            .rfind(|report| report.delivery == delivery)
    }
}

impl House {
    pub(crate) fn new() -> Arc<Self> {
        let home = tempfile::tempdir().expect("a temporary folder");
        let path = |name: &str| home.path().join(name);
        let now = Timestamp::now();
        let publisher = Publisher::create(&path("publisher"), None).expect("a publisher");
        let online = OnlineKeys::create(&path("online")).expect("online keys");
        let (metadata, root) = found(&publisher, &online, &path("metadata"));
        let server = Server {
            metadata,
            revision: 1,
            epoch: 1,
            checks: Vec::new(),
            deliveries: Vec::new(),
            reports: Vec::new(),
            results: Vec::new(),
            lost: (0, 0),
            inventory: None,
            chunks_asked: 0,
            alters_chunks: false,
            renewals: 0,
            certificate_days: 0,
            answers: Vec::new(),
        };
        Arc::new(Self {
            authority: Authority::create(&path("ca"), now).expect("a CA"),
            blobs: DiskBlobs::open(path("blobs")).expect("a place for chunks"),
            token: Token::generate(TokenKind::Enrolment).expect("a token"),
            host: HostId::from_random([7; 16]),
            changed: Notify::new(),
            server: Mutex::new(server),
            publisher,
            online,
            root,
            home,
        })
    }

    pub(crate) fn with<T>(&self, look: impl FnOnce(&mut Server) -> T) -> T {
        look(
            &mut self
                .server
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner),
        )
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub(crate) fn text(&self) -> String {
        let token = Token::parse(TokenKind::Enrolment, self.token.reveal().expose())
            .expect("our own token");
        let text = EnrolmentText {
            token,
            ca: self.authority.fingerprint(),
            root: Fingerprint::of(&self.root),
        };
        text.reveal().expose().to_owned()
    }

    /// Begins to listen: on any port, or on that one again.
    pub(crate) async fn listen(self: &Arc<Self>, port: u16) -> (JoinHandle<()>, u16) {
        let credentials = self
            .authority
            .issue_server(&ServerNames::default(), Timestamp::now())
            .expect("a certificate");
        let identity = ServerIdentity::new(&credentials).expect("an identity");
        let config = server_config_for_agents(&self.authority, &identity, Arc::new(|_| false))
            .expect("a configuration");
        let listener = TcpListener::bind(("127.0.0.1", port))
            .await
            .expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let task = tokio::spawn(serve(
            listener,
            TlsAcceptor::from(Arc::new(config)),
            Arc::clone(self),
        ));
        (task, port)
    }

    pub(crate) async fn enrol(&self, port: u16) -> Result<Enrolment, AgentError> {
        escadre_agent::enrol(EnrolOptions {
            state_dir: self.path("agent"),
            server: format!("localhost:{port}"),
            token: self.text(),
            hostname: Some("alpha".to_owned()),
        })
        .await
    }

    /// Packs a folder of files; a name that ends in `.sh` is a program.
    pub(crate) fn pack(&self, files: &[(&str, &str)]) -> Content {
        let folder = tempfile::tempdir_in(self.home.path()).expect("a temporary folder");
        for (name, text) in files {
            fs::write(folder.path().join(name), text).expect("written");
            if name.ends_with(".sh") {
                let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
                fs::set_permissions(folder.path().join(name), mode).expect("made a program");
            }
        }
        self.pack_folder(folder.path())
    }

    pub(crate) fn pack_folder(&self, folder: &Path) -> Content {
        let packed = pack(folder, &self.blobs, &PackOptions::default(), &|_| {});
        packed.expect("packed").content
    }

    /// A bundle that runs a script.
    pub(crate) fn script(&self, name: &str, script: &str) -> Manifest {
        let content = self.pack(&[("run.sh", &format!("#!/bin/sh\n{script}\n"))]);
        let action = Action::Launch {
            command: Command::Argv(vec!["run.sh".to_owned(), "--quiet".to_owned()]),
        };
        Manifest::new(bundle(name), Timestamp::now(), content, action)
    }

    /// Signs and publishes.
    pub(crate) fn publish(&self, manifest: &Manifest) {
        let bytes = manifest.to_bytes().expect("a good manifest");
        self.with(|server| {
            publish(
                &server.metadata,
                &self.publisher,
                &self.online,
                &manifest.bundle,
                &bytes,
            )
        });
    }

    /// Orders a delivery.
    pub(crate) fn order(&self, name: &str, number: u8) -> DeliveryId {
        let id = DeliveryId::from_random([number; 16]);
        self.with(|server| {
            server.revision += 1;
            server.deliveries.push(DeliveryOrder {
                id,
                rollout: RolloutId::from_random([1; 16]),
                bundle: bundle(name),
                not_before: None,
                expires: None,
                wish: Wish::Go,
            });
        });
        self.changed.notify_waiters();
        id
    }

    /// Waits until the server knows something; says what it knew instead when it takes too long.
    pub(crate) async fn until<T>(&self, what: &str, look: impl Fn(&mut Server) -> Option<T>) -> T {
        let wait = async {
            loop {
                let changed = self.changed.notified();
                if let Some(found) = self.with(&look) {
                    return found;
                }
                // What a test itself changes is seen at the latest after this.
                let _ = tokio::time::timeout(Duration::from_millis(200), changed).await;
            }
        };
        match tokio::time::timeout(Duration::from_secs(40), wait).await {
            Ok(found) => found,
            Err(_) => panic!(
                "{what}: never; {:?}",
                self.with(|server| server.reports.clone())
            ),
        }
    }

    pub(crate) async fn end_of(&self, delivery: DeliveryId) -> DeliveryReport {
        self.until("an end", |server| {
            server
                .last(delivery)
                .filter(|report| report.state.is_final())
                .cloned()
        })
        .await
    }
}

/// An agent in this process.
pub(crate) struct Running {
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<Result<(), AgentError>>,
}

impl Running {
    pub(crate) fn begin(state: &Path) -> Self {
        let (stop, stopped) = oneshot::channel();
        let options = RunOptions::new(state);
        let task = tokio::spawn(escadre_agent::run(options, async { drop(stopped.await) }));
        Self {
            stop: Some(stop),
            task,
        }
    }

    pub(crate) async fn end(mut self) {
        drop(self.stop.take());
        self.task.await.expect("no panic").expect("a clean end");
    }
}

pub(crate) fn bundle(text: &str) -> BundleRef {
    text.parse().expect("a bundle")
}

/// A new repository of one publisher.
pub(crate) fn found(
    publisher: &Publisher,
    online: &OnlineKeys,
    folder: &Path,
) -> (MetadataFolder, Vec<u8>) {
    let now = Timestamp::now();
    let metadata = MetadataFolder::open(folder).expect("a folder");
    let plan = RootPlan {
        publishers: vec![publisher.public_key()],
        threshold: 1,
        online: online.public(),
        lifetimes: LIVES,
    };
    let (root, list) = publisher.found(&plan, now).expect("a first root");
    metadata
        .publish(Some(&root), Some(&list), online, &LIVES, now)
        .expect("accepted");
    (metadata, root)
}

pub(crate) fn publish(
    metadata: &MetadataFolder,
    publisher: &Publisher,
    online: &OnlineKeys,
    bundle: &BundleRef,
    manifest: &[u8],
) {
    let now = Timestamp::now();
    let root = metadata.root().expect("readable").expect("there");
    let list = metadata.targets().expect("readable").expect("there");
    let list = publisher
        .add_target((&root, &list), bundle, manifest, &LIVES, now)
        .expect("signed");
    metadata.store_manifest(bundle, manifest).expect("stored");
    metadata
        .publish(None, Some(&list), online, &LIVES, now)
        .expect("accepted");
}
