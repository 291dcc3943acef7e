//! The server's side of trust: its CA, its certificate, the metadata that publishers signed, and its own two keys for
//! freshness. Whatever blocks here runs on a thread that may block.

use std::{
    net::IpAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use escadre_api::{ApiError, ApiResult, ErrorKind};
use escadre_model::{BundleRef, Timestamp};
use escadre_trust::{
    Authority, Fingerprint, Lifetimes, MetadataFolder, OnlineKeys, Publisher, RootPlan,
    ServerNames,
    metadata::{RootSummary, TrustStatus, is_complete_root},
    tls::ServerIdentity,
};
use serde::Deserialize;

use crate::{
    StartError, clock,
    error::{blocking, of_trust},
    server::FirstTrust,
};

/// Keys and metadata.
pub(crate) struct Trust {
    pub(crate) authority: Authority,
    pub(crate) identity: ServerIdentity,
    pub(crate) online: OnlineKeys,
    pub(crate) metadata: MetadataFolder,
    pub(crate) lifetimes: Lifetimes,
    names: ServerNames,
    publisher_folder: Option<PathBuf>,
    /// Held while a list is made and published, so that two uploads do not build on the same one. In it lies a root
    /// that waits for the list which its publishers sign: the first one, or one with other publishers.
    signing: tokio::sync::Mutex<Option<Vec<u8>>>,
}

/// What the signed list says of a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Signatures {
    /// Bundles in the list.
    pub(crate) bundles: Vec<BundleRef>,
    /// Key ids of who signed it.
    pub(crate) signers: Vec<String>,
}

/// Makes the keys of a new installation below a folder, and founds trust if a publisher is at hand.
pub(crate) fn make(
    folder: &Path,
    publisher_folder: Option<&Path>,
    first: Option<&FirstTrust>,
    now: Timestamp,
) -> Result<(), StartError> {
    Authority::create(&folder.join("ca"), now)?;
    let online = OnlineKeys::create(&folder.join("online"))?;
    let metadata = MetadataFolder::open(&folder.join("trust"))?;
    let lifetimes = Lifetimes::default();
    if let Some(first) = first {
        metadata.publish(
            Some(&first.root),
            Some(&first.targets),
            &online,
            &lifetimes,
            now,
        )?;
    } else if let Some(publisher_folder) = publisher_folder {
        let publisher = open_or_create(publisher_folder)?;
        let plan = RootPlan {
            publishers: vec![publisher.public_key()],
            threshold: 1,
            online: online.public(),
            lifetimes,
        };
        let (root, targets) = publisher.found(&plan, now)?;
        metadata.publish(Some(&root), Some(&targets), &online, &lifetimes, now)?;
    }
    Ok(())
}

fn open_or_create(folder: &Path) -> Result<Publisher, StartError> {
    if !Publisher::exists(folder) {
        return Ok(Publisher::create(folder, None)?);
    }
    if Publisher::is_locked(folder)? {
        return Err(StartError::PublisherLocked {
            path: folder.to_owned(),
        });
    }
    Ok(Publisher::open(folder, None)?)
}

impl Trust {
    /// Opens what [`make`] made.
    pub(crate) fn open(
        folder: &Path,
        mut addresses: Vec<IpAddr>,
        names: Vec<String>,
        publisher_folder: Option<PathBuf>,
        now: Timestamp,
    ) -> Result<Self, StartError> {
        let authority = Authority::open(&folder.join("ca"))?;
        let (more, names): (Vec<String>, Vec<String>) = names
            .into_iter()
            .partition(|name| name.parse::<IpAddr>().is_ok());
        addresses.extend(
            more.iter()
                .filter_map(|address| address.parse::<IpAddr>().ok()),
        );
        let names = ServerNames { names, addresses };
        let identity = ServerIdentity::new(&authority.issue_server(&names, now)?)?;
        let trust = Self {
            authority,
            identity,
            online: OnlineKeys::open(&folder.join("online"))?,
            metadata: MetadataFolder::open(&folder.join("trust"))?,
            lifetimes: Lifetimes::default(),
            names,
            publisher_folder,
            signing: tokio::sync::Mutex::new(None),
        };
        trust.freshen(now)?;
        Ok(trust)
    }

    /// Signs freshness anew where it is due, and takes the next certificate where that is due.
    pub(crate) fn freshen(&self, now: Timestamp) -> Result<(), StartError> {
        if self.metadata.root()?.is_some() && self.metadata.is_due(&self.lifetimes, now)? {
            let expires = self.metadata.freshen(&self.online, &self.lifetimes, now)?;
            tracing::info!(%expires, "trust metadata freshened");
        }
        if let Some(certificate) = self.identity.certificate()
            && escadre_trust::identity::is_due(&certificate, now)?
        {
            self.identity
                .replace(&self.authority.issue_server(&self.names, now)?)?;
            tracing::info!("the server has its next certificate");
        }
        Ok(())
    }

    /// How trust stands; nothing before a publisher founded it.
    pub(crate) fn status(&self) -> ApiResult<Option<TrustStatus>> {
        self.metadata.status().map_err(of_trust)
    }

    /// The folder of a publisher's key that lies on this machine.
    pub(crate) fn publisher_here(&self) -> Option<&Path> {
        self.publisher_folder
            .as_deref()
            .filter(|folder| Publisher::exists(folder))
    }

    /// What the signed list holds.
    pub(crate) fn signatures(&self) -> ApiResult<Signatures> {
        let bundles = self.metadata.bundles().map_err(of_trust)?;
        let list = self
            .metadata
            .targets()
            .map_err(of_trust)?
            .unwrap_or_default();
        Ok(Signatures {
            bundles,
            signers: signers(&list),
        })
    }

    /// A file of the metadata by its TUF name; `root.json` and `targets.json` are the current ones.
    pub(crate) fn file(&self, name: &str) -> ApiResult<Option<Vec<u8>>> {
        match name {
            "root.json" => self.metadata.root(),
            "targets.json" => self.metadata.targets(),
            name => self.metadata.read(name),
        }
        .map_err(of_trust)
    }

    /// The root that a new machine begins with: the one that its enrolment text pins, from which it follows the later
    /// ones by their signatures; without a pin the current one.
    pub(crate) fn root_for(&self, pinned: Option<&Fingerprint>) -> ApiResult<Vec<u8>> {
        let none = |message: &str| ApiError::new(ErrorKind::Conflict, "trust.none", message);
        let current = self.metadata.root().map_err(of_trust)?;
        let current = current.ok_or_else(|| none("no publisher has founded trust here yet"))?;
        let Some(pinned) = pinned.filter(|pinned| Fingerprint::of(&current) != **pinned) else {
            return Ok(current);
        };
        let newest = RootSummary::read(&current).map_err(of_trust)?.version;
        for version in (1..newest).rev() {
            let older = self
                .metadata
                .read(&format!("{version}.root.json"))
                .map_err(of_trust)?;
            if let Some(root) = older.filter(|root| Fingerprint::of(root) == *pinned) {
                return Ok(root);
            }
        }
        Err(none(
            "the enrolment text pins a root that this server does not have",
        ))
    }

    /// Takes a root that publishers signed. One that the present list does not fit to waits for the next list.
    pub(crate) async fn put_root(self: &Arc<Self>, root: Vec<u8>) -> ApiResult<Signatures> {
        let mut waiting = self.signing.lock().await;
        let (trust, offered) = (Arc::clone(self), root.clone());
        let outcome = blocking(move || trust.accept(Some(&offered), None)).await;
        match outcome {
            Ok(signatures) => {
                *waiting = None;
                Ok(signatures)
            }
            Err(error) => {
                let trust = Arc::clone(self);
                let (root, signatures) = blocking(move || {
                    let current = trust.metadata.root().map_err(of_trust)?;
                    let is_good = is_complete_root(current.as_deref(), &root).unwrap_or(false);
                    let online = RootSummary::read(&root).map(|summary| summary.online);
                    if is_good && online.is_ok_and(|online| online == trust.online.public()) {
                        return Ok((root, trust.signatures()?));
                    }
                    Err(error)
                })
                .await?;
                tracing::info!("a root waits for the list that its publishers sign");
                *waiting = Some(root);
                Ok(signatures)
            }
        }
    }

    /// Takes a list that publishers signed, together with the root that waits for it, if one does.
    pub(crate) async fn put_targets(self: &Arc<Self>, targets: Vec<u8>) -> ApiResult<Signatures> {
        let mut waiting = self.signing.lock().await;
        let (trust, root) = (Arc::clone(self), waiting.clone());
        let signatures = blocking(move || {
            let with_root = root
                .as_deref()
                .map(|root| trust.accept(Some(root), Some(&targets)));
            match with_root {
                Some(Ok(signatures)) => Ok((signatures, true)),
                // Perhaps it is a list for the present root, and the other one goes on waiting.
                None | Some(Err(_)) => Ok((trust.accept(None, Some(&targets))?, false)),
            }
        });
        let (signatures, took_root) = signatures.await?;
        if took_root {
            *waiting = None;
        }
        Ok(signatures)
    }

    fn accept(&self, root: Option<&[u8]>, targets: Option<&[u8]>) -> ApiResult<Signatures> {
        let now = clock::now();
        let published = self
            .metadata
            .publish(root, targets, &self.online, &self.lifetimes, now);
        published.map_err(of_trust)?;
        self.signatures()
    }

    /// Signs a bundle with the publisher's key if that lies here, open. `None`: it does not.
    pub(crate) async fn sign_here(
        self: &Arc<Self>,
        bundle: BundleRef,
        manifest: Vec<u8>,
    ) -> ApiResult<Option<Signatures>> {
        let _signing = self.signing.lock().await;
        let trust = Arc::clone(self);
        blocking(move || {
            let Some(folder) = trust.publisher_here() else {
                return Ok(None);
            };
            if Publisher::is_locked(folder).map_err(of_trust)? {
                return Ok(None);
            }
            let publisher = Publisher::open(folder, None).map_err(of_trust)?;
            let (root, list) = trust.current()?;
            let key = publisher.public_key();
            let summary = RootSummary::read(&root).map_err(of_trust)?;
            if !summary.publishers.contains(&key) || summary.threshold > 1 {
                return Ok(None);
            }
            let now = clock::now();
            let next = publisher
                .add_target((&root, &list), &bundle, &manifest, &trust.lifetimes, now)
                .map_err(of_trust)?;
            trust
                .metadata
                .publish(None, Some(&next), &trust.online, &trust.lifetimes, now)
                .map_err(of_trust)?;
            trust.signatures().map(Some)
        })
        .await
    }

    fn current(&self) -> ApiResult<(Vec<u8>, Vec<u8>)> {
        match (
            self.metadata.root().map_err(of_trust)?,
            self.metadata.targets().map_err(of_trust)?,
        ) {
            (Some(root), Some(list)) => Ok((root, list)),
            _ => Err(ApiError::new(
                ErrorKind::Conflict,
                "trust.none",
                "no publisher has founded trust here yet",
            )),
        }
    }
}

/// Key ids of the signatures of a metadata file.
fn signers(list: &[u8]) -> Vec<String> {
    #[derive(Deserialize)]
    struct Signature {
        keyid: String,
    }
    #[derive(Deserialize)]
    struct Signed {
        signatures: Vec<Signature>,
    }
    let signed = serde_json::from_slice::<Signed>(list);
    signed.map_or_else(
        |_| Vec::new(),
        |signed| signed.signatures.into_iter().map(|one| one.keyid).collect(),
    )
}
