//! One publisher, one server, agents, and links that lie when told to.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use escadre_model::{BundleRef, Timestamp, delivery::Refusal};
use escadre_trust::{
    AgentTrust, FetchError, Fingerprint, Lifetimes, MetadataFolder, OnlineKeys, Publisher,
    RootPlan, TrustTransport, TrustedView, UpdateError, metadata::manifest_file,
};
use serde::Serialize;
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tough::schema::{
    Hashes, Metafile, Role, Signature, Signed, Snapshot, Timestamp as TimestampRole, key::Key,
};

pub(crate) const LIVES: Lifetimes = Lifetimes {
    root: days(730),
    targets: days(365),
    snapshot: days(7),
    timestamp: days(3),
};

pub(crate) const fn days(days: u64) -> Duration {
    Duration::from_secs(days * 24 * 3600)
}

/// The day when every story begins.
pub(crate) fn start() -> Timestamp {
    Timestamp::from_second(1_800_000_000).expect("a time")
}

pub(crate) fn bundle(text: &str) -> BundleRef {
    text.parse().expect("a bundle")
}

/// Everything of one installation, in one temporary folder.
pub(crate) struct Fleet {
    pub(crate) home: TempDir,
    pub(crate) publisher: Publisher,
    pub(crate) keys: PathBuf,
    pub(crate) online: OnlineKeys,
    pub(crate) server: MetadataFolder,
}

impl Fleet {
    /// One publisher, threshold 1, nothing published but an empty list.
    pub(crate) fn new() -> Self {
        let home = tempfile::tempdir().expect("a temporary folder");
        let keys = home.path().join("publisher");
        let publisher = Publisher::create(&keys, None).expect("a publisher");
        Self::founded_by(publisher, keys, home)
    }

    /// Another installation, founded with the key of this one.
    pub(crate) fn beside(&self) -> Self {
        let home = tempfile::tempdir().expect("a temporary folder");
        Self::founded_by(self.same_key(), self.keys.clone(), home)
    }

    /// The publisher's key, opened again.
    pub(crate) fn same_key(&self) -> Publisher {
        Publisher::open(&self.keys, None).expect("the key")
    }

    fn founded_by(publisher: Publisher, keys: PathBuf, home: TempDir) -> Self {
        let online = OnlineKeys::create(&home.path().join("online")).expect("online keys");
        let server = MetadataFolder::open(&home.path().join("server")).expect("a server's folder");
        let fleet = Self {
            home,
            publisher,
            keys,
            online,
            server,
        };
        let plan = fleet.plan(&[&fleet.publisher], 1);
        let (root, list) = fleet.publisher.found(&plan, start()).expect("a first root");
        fleet
            .server
            .publish(Some(&root), Some(&list), &fleet.online, &LIVES, start())
            .expect("accepted");
        fleet
    }

    /// The same, with a bundle published.
    pub(crate) fn with(name: &str) -> Self {
        let fleet = Self::new();
        fleet.publish(name, start());
        fleet
    }

    pub(crate) fn plan(&self, publishers: &[&Publisher], threshold: u32) -> RootPlan {
        RootPlan {
            publishers: publishers
                .iter()
                .map(|publisher| publisher.public_key())
                .collect(),
            threshold,
            online: self.online.public(),
            lifetimes: LIVES,
        }
    }

    pub(crate) fn root(&self) -> Vec<u8> {
        self.server.root().expect("readable").expect("there")
    }

    pub(crate) fn list(&self) -> Vec<u8> {
        self.server.targets().expect("readable").expect("there")
    }

    /// Publishes a bundle whose manifest is its own name.
    pub(crate) fn publish(&self, name: &str, now: Timestamp) {
        let (root, list) = (self.root(), self.list());
        let list = self
            .publisher
            .add_target((&root, &list), &bundle(name), name.as_bytes(), &LIVES, now)
            .expect("signed");
        self.server
            .store_manifest(&bundle(name), name.as_bytes())
            .expect("stored");
        self.server
            .publish(None, Some(&list), &self.online, &LIVES, now)
            .expect("accepted");
    }

    /// An agent that enrolled with the current root.
    pub(crate) fn agent(&self, name: &str) -> AgentTrust {
        let root = self.root();
        AgentTrust::pin(&self.home.path().join(name), &root, &Fingerprint::of(&root))
            .expect("the root is good")
    }

    /// A link that shows the server as it is now, until told otherwise.
    pub(crate) fn link(&self) -> Link {
        Link::of(&self.home.path().join("server"))
    }

    pub(crate) fn key_file(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }
}

fn add_files(base: &Path, folder: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).expect("readable") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            add_files(base, &path, files);
        } else {
            let name = path
                .strip_prefix(base)
                .expect("below")
                .to_string_lossy()
                .into_owned();
            files.insert(name, fs::read(&path).expect("readable"));
        }
    }
}

/// A link (or a relay, or a server): gives what it holds, fails where told to, and keeps a record.
#[derive(Clone, Default)]
pub(crate) struct Link {
    pub(crate) files: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    pub(crate) broken: Arc<Mutex<Option<String>>>,
    pub(crate) asked: Arc<Mutex<Vec<(String, u64)>>>,
}

impl Link {
    /// Gives the files of a folder as they are now.
    pub(crate) fn of(folder: &Path) -> Self {
        let link = Self::default();
        add_files(folder, folder, &mut link.files.lock().expect("no panic"));
        link
    }

    pub(crate) fn set(&self, name: &str, content: impl Into<Vec<u8>>) {
        self.files
            .lock()
            .expect("no panic")
            .insert(name.to_owned(), content.into());
    }

    pub(crate) fn remove(&self, name: &str) {
        self.files.lock().expect("no panic").remove(name);
    }

    pub(crate) fn get(&self, name: &str) -> Vec<u8> {
        self.files
            .lock()
            .expect("no panic")
            .get(name)
            .expect("the file is there")
            .clone()
    }

    /// The newest file of a role: its version, name and content.
    pub(crate) fn newest(&self, role: &str) -> (u64, String, Vec<u8>) {
        let files = self.files.lock().expect("no panic");
        let suffix = format!(".{role}.json");
        let versions = files
            .keys()
            .filter_map(|name| name.strip_suffix(&suffix)?.parse::<u64>().ok());
        let version = versions.max().expect("a version");
        let name = format!("{version}{suffix}");
        let content = files.get(&name).expect("there").clone();
        (version, name, content)
    }

    /// What a taken server can do with its own keys: any snapshot and timestamp that it likes, over this list.
    pub(crate) fn sign_as_server(
        &self,
        fleet: &Fleet,
        list: &[u8],
        list_version: u64,
        version: u64,
        now: Timestamp,
    ) {
        self.set(&format!("{list_version}.targets.json"), list);
        let online = fleet.home.path().join("online");
        let mut snapshot = Snapshot::new("1.0.0".to_owned(), number(version), now + days(7));
        snapshot
            .meta
            .insert("targets.json".to_owned(), metafile(list, list_version));
        let snapshot = forge(snapshot, &[&online.join("snapshot.pem")]);
        self.set(&format!("{version}.snapshot.json"), snapshot.clone());
        let mut timestamp = TimestampRole::new("1.0.0".to_owned(), number(version), now + days(3));
        timestamp
            .meta
            .insert("snapshot.json".to_owned(), metafile(&snapshot, version));
        self.set(
            "timestamp.json",
            forge(timestamp, &[&online.join("timestamp.pem")]),
        );
    }

    pub(crate) async fn update(
        &self,
        agent: &mut AgentTrust,
        now: Timestamp,
    ) -> Result<TrustedView, UpdateError> {
        agent.update(Arc::new(self.clone()), now).await
    }

    /// The refusal of an update that must be refused.
    pub(crate) async fn refusal(&self, agent: &mut AgentTrust, now: Timestamp) -> Refusal {
        match self.update(agent, now).await {
            Err(UpdateError::Refused(refusal)) => refusal,
            other => panic!("not refused: {other:?}"),
        }
    }
}

#[async_trait::async_trait]
impl TrustTransport for Link {
    async fn fetch(&self, name: &str, max_bytes: u64) -> Result<Option<Vec<u8>>, FetchError> {
        self.asked
            .lock()
            .expect("no panic")
            .push((name.to_owned(), max_bytes));
        if self.broken.lock().expect("no panic").as_deref() == Some(name) {
            return Err(FetchError("connection reset".to_owned()));
        }
        Ok(self.files.lock().expect("no panic").get(name).cloned())
    }
}

pub(crate) fn number(version: u64) -> std::num::NonZeroU64 {
    version.try_into().expect("not zero")
}

fn metafile(content: &[u8], version: u64) -> Metafile {
    let hashes = Hashes {
        sha256: Sha256::digest(content).to_vec().into(),
        _extra: Default::default(),
    };
    let length = Some(content.len() as u64);
    Metafile {
        length,
        hashes: Some(hashes),
        version: number(version),
        _extra: Default::default(),
    }
}

/// A private key file as whoever stole it opens it.
pub(crate) fn stolen(path: &Path) -> Ed25519KeyPair {
    let pem = fs::read_to_string(path).expect("readable");
    let (_, document) = pkcs8::SecretDocument::from_pem(&pem).expect("a PEM");
    Ed25519KeyPair::from_pkcs8_maybe_unchecked(document.as_bytes()).expect("a key")
}

/// Any metadata, signed by any keys.
pub(crate) fn forge<T: Role + Serialize>(role: T, keys: &[&Path]) -> Vec<u8> {
    let message = role.canonical_form().expect("canonical");
    let signatures = keys
        .iter()
        .map(|path| {
            let pair = stolen(path);
            let key: Key = hex::encode(pair.public_key().as_ref())
                .parse()
                .expect("a key");
            let keyid = key.key_id().expect("an id");
            Signature {
                keyid,
                sig: pair.sign(&message).as_ref().to_vec().into(),
            }
        })
        .collect();
    serde_json::to_vec(&Signed {
        signed: role,
        signatures,
    })
    .expect("JSON")
}

/// Where a bundle's manifest (its own name) lies.
pub(crate) fn manifest_name(name: &str) -> String {
    manifest_file(&bundle(name), &Sha256::digest(name.as_bytes()))
}
