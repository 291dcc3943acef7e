//! The server's copy of the metadata and manifests: accepts what publishers signed, keeps it fresh, serves it.
//!
//! Invariants:
//! - Nothing is accepted that does not follow, by signatures and by version, from what is there (compare-and-swap).
//! - Versions of snapshot and timestamp never go back, not even after the folder was restored from an old backup: they
//!   are at least the seconds of the clock. (Agents that saw a newer one would refuse for ever.)
//! - Each file is written whole; `timestamp.json` last. A crash in between leaves the old state, or one that the next
//!   [`MetadataFolder::freshen`] completes.

use std::{
    collections::HashMap,
    fs,
    num::NonZeroU64,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use escadre_model::{BundleRef, Timestamp};
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use tough::schema::{
    Hashes, Metafile, Role, Root, Signed, Snapshot, Targets, Timestamp as TimestampRole,
};

use super::{
    document::{self, Lifetimes, MAX_MANIFEST_BYTES, MAX_TARGETS_BYTES, SPECIFICATION},
    installation,
    keys::{Fingerprint, PublicKey},
    names::{TIMESTAMP_FILE, is_served, version_in},
    online::OnlineKeys,
    root::{self, RootSummary},
    targets,
};
use crate::{
    TrustError,
    secret::{create_private_folder, read_bounded, read_if_there, write_private},
};

/// How many old snapshots and lists stay for agents that are in the middle of an update.
const KEPT_VERSIONS: usize = 8;

/// The folder, with the lock that makes accepting a compare-and-swap.
#[derive(Debug)]
pub struct MetadataFolder {
    folder: PathBuf,
    writing: Mutex<()>,
}

/// How trust stands, for the healthcheck and the first page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustStatus {
    /// SHA-256 of the current root, which goes into enrolment texts.
    pub root_fingerprint: Fingerprint,
    /// Version of the root.
    pub root_version: u64,
    /// When the root expires: publishers must act before.
    pub root_expires: Timestamp,
    /// Version of the list of bundles.
    pub targets_version: u64,
    /// When the list expires: publishers must act before.
    pub targets_expires: Timestamp,
    /// When the timestamp expires: the server acts by itself; past it, agents refuse.
    pub timestamp_expires: Timestamp,
    /// The publishers.
    pub publishers: Vec<PublicKey>,
    /// How many must sign.
    pub threshold: u64,
}

/// A metadata file as it lies on disk, and what it says.
type Stored<T> = (Vec<u8>, Signed<T>);

impl MetadataFolder {
    /// Opens the folder, making it (0700) if need be. It is empty until the first [`MetadataFolder::publish`].
    pub fn open(folder: &Path) -> Result<Self, TrustError> {
        create_private_folder(folder)?;
        create_private_folder(&folder.join("manifests"))?;
        Ok(Self {
            folder: folder.to_owned(),
            writing: Mutex::new(()),
        })
    }

    /// The current root, for publishers and for machines that enrol. Nothing in an empty folder.
    pub fn root(&self) -> Result<Option<Vec<u8>>, TrustError> {
        let newest = self.versions("root.json")?.pop();
        newest
            .map(|version| self.metadata(&format!("{version}.root.json")))
            .transpose()
    }

    /// The current list of bundles, for publishers.
    pub fn targets(&self) -> Result<Option<Vec<u8>>, TrustError> {
        match self.parsed_root()? {
            None => Ok(None),
            Some(root) => self
                .newest::<Targets>(&root.signed, "targets.json")?
                .map(|(bytes, _)| Ok(bytes))
                .transpose(),
        }
    }

    /// The published bundles.
    pub fn bundles(&self) -> Result<Vec<BundleRef>, TrustError> {
        let Some(bytes) = self.targets()? else {
            return Ok(Vec::new());
        };
        Ok(
            targets::listed(&document::parse::<Targets>(&bytes)?.signed)?
                .into_keys()
                .collect(),
        )
    }

    /// How trust stands; nothing in an empty folder.
    pub fn status(&self) -> Result<Option<TrustStatus>, TrustError> {
        let (Some(root_bytes), Some(list)) = (self.root()?, self.targets()?) else {
            return Ok(None);
        };
        let root = RootSummary::read(&root_bytes)?;
        let list = document::parse::<Targets>(&list)?.signed;
        let timestamp = document::parse::<TimestampRole>(&self.metadata(TIMESTAMP_FILE)?)?.signed;
        Ok(Some(TrustStatus {
            root_fingerprint: Fingerprint::of(&root_bytes),
            root_version: root.version,
            root_expires: root.expires,
            targets_version: list.version.get(),
            targets_expires: list.expires,
            timestamp_expires: timestamp.expires,
            publishers: root.publishers,
            threshold: root.threshold,
        }))
    }

    /// Keeps a manifest, so that a list that names it can be accepted.
    pub fn store_manifest(&self, bundle: &BundleRef, manifest: &[u8]) -> Result<(), TrustError> {
        if manifest.len() as u64 > MAX_MANIFEST_BYTES {
            let reason =
                format!("the manifest of {bundle} is larger than {MAX_MANIFEST_BYTES} bytes");
            return Err(TrustError::MetadataText {
                role: "targets",
                reason,
            });
        }
        let path = self
            .folder
            .join(targets::manifest_file(bundle, &Sha256::digest(manifest)));
        if let Some(parent) = path.parent() {
            create_private_folder(parent)?;
        }
        write_private(&path, manifest)
    }

    /// Takes what publishers signed: a new root, a new list, or both at once (both the first time, and whenever the
    /// publishers change). All or nothing; then makes snapshot and timestamp.
    pub fn publish(
        &self,
        new_root: Option<&[u8]>,
        new_targets: Option<&[u8]>,
        online: &OnlineKeys,
        lifetimes: &Lifetimes,
        now: Timestamp,
    ) -> Result<(), TrustError> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let current = self.parsed_root()?;
        let root = next_root(current.as_ref(), new_root)?;
        document::check_expiry(&root.signed, now)?;
        check_online(&root.signed, online)?;
        let list = match (new_targets, &current) {
            (Some(bytes), current) => {
                self.acceptable(&root.signed, current.as_ref(), bytes, now)?
            }
            (None, Some(current)) => {
                let newest = self.newest::<Targets>(&current.signed, "targets.json")?;
                let list = newest.ok_or_else(no_list)?.1;
                document::verify(&root.signed, &list)?;
                list
            }
            (None, None) => return Err(no_list()),
        };
        let (root, list) = (root.signed.version, list.signed.version);
        if let Some(bytes) = new_targets {
            write_private(&self.folder.join(format!("{list}.targets.json")), bytes)?;
        }
        if let Some(bytes) = new_root {
            write_private(&self.folder.join(format!("{root}.root.json")), bytes)?;
        }
        tracing::info!(root, targets = list, "trust metadata published");
        self.freshen_locked(online, lifetimes, now).map(drop)
    }

    /// Signs a new timestamp, and a new snapshot where one is needed. Gives the time when this one expires.
    pub fn freshen(
        &self,
        online: &OnlineKeys,
        lifetimes: &Lifetimes,
        now: Timestamp,
    ) -> Result<Timestamp, TrustError> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        self.freshen_locked(online, lifetimes, now)
    }

    /// A third of the timestamp's life is over, or there is none: time to [`MetadataFolder::freshen`].
    pub fn is_due(&self, lifetimes: &Lifetimes, now: Timestamp) -> Result<bool, TrustError> {
        let Some(bytes) = read_if_there(&self.folder.join(TIMESTAMP_FILE), MAX_TARGETS_BYTES)?
        else {
            return Ok(true);
        };
        let left = document::parse::<TimestampRole>(&bytes)?
            .signed
            .expires
            .as_second()
            - now.as_second();
        Ok(left < i64::try_from(lifetimes.timestamp.as_secs() / 3 * 2).unwrap_or(i64::MAX))
    }

    /// The file of a name that an agent asks for; nothing for any other name, whatever it holds.
    pub fn read(&self, name: &str) -> Result<Option<Vec<u8>>, TrustError> {
        if !is_served(name) {
            return Ok(None);
        }
        read_if_there(&self.folder.join(name), MAX_MANIFEST_BYTES)
    }

    fn freshen_locked(
        &self,
        online: &OnlineKeys,
        lifetimes: &Lifetimes,
        now: Timestamp,
    ) -> Result<Timestamp, TrustError> {
        let root = self.parsed_root()?.ok_or_else(no_list)?.signed;
        check_online(&root, online)?;
        let (list_bytes, list) = self
            .newest::<Targets>(&root, "targets.json")?
            .ok_or_else(no_list)?;
        let snapshot =
            self.fresh_snapshot(&root, (&list_bytes, &list.signed), online, lifetimes, now)?;
        let old = read_if_there(&self.folder.join(TIMESTAMP_FILE), MAX_TARGETS_BYTES)?
            .and_then(|bytes| document::parse::<TimestampRole>(&bytes).ok())
            .map_or(0, |old| old.signed.version.get());
        let mut timestamp = Signed {
            signed: TimestampRole::new(
                SPECIFICATION.to_owned(),
                version_after(old, now),
                document::expiry(now, lifetimes.timestamp)?,
            ),
            signatures: Vec::new(),
        };
        timestamp
            .signed
            .meta
            .insert("snapshot.json".to_owned(), snapshot);
        document::sign(&mut timestamp, &online.timestamp)?;
        write_private(
            &self.folder.join(TIMESTAMP_FILE),
            &document::bytes(&timestamp)?,
        )?;
        self.forget_old_versions()?;
        Ok(timestamp.signed.expires)
    }

    /// The current snapshot's line for the timestamp; makes a new one when the list, the key or the time asks for it.
    fn fresh_snapshot(
        &self,
        root: &Root,
        (list_bytes, list): (&[u8], &Targets),
        online: &OnlineKeys,
        lifetimes: &Lifetimes,
        now: Timestamp,
    ) -> Result<Metafile, TrustError> {
        let wanted = metafile(list_bytes, list.version);
        let half_life = document::expiry(now, lifetimes.snapshot / 2)?;
        if let Some((bytes, old)) = self.newest::<Snapshot>(root, "snapshot.json")? {
            let lists_it = old.signed.meta.get("targets.json") == Some(&wanted);
            if lists_it && old.signed.expires > half_life {
                return Ok(metafile(&bytes, old.signed.version));
            }
        }
        let old = self.versions("snapshot.json")?.pop().unwrap_or(0);
        let version = version_after(old, now);
        let expires = document::expiry(now, lifetimes.snapshot)?;
        let mut snapshot = Signed {
            signed: Snapshot::new(SPECIFICATION.to_owned(), version, expires),
            signatures: Vec::new(),
        };
        snapshot
            .signed
            .meta
            .insert("targets.json".to_owned(), wanted);
        document::sign(&mut snapshot, &online.snapshot)?;
        let bytes = document::bytes(&snapshot)?;
        write_private(
            &self.folder.join(format!("{version}.snapshot.json")),
            &bytes,
        )?;
        Ok(metafile(&bytes, version))
    }

    /// A list that follows the current one, with all its manifests here.
    fn acceptable(
        &self,
        root: &Root,
        current_root: Option<&Signed<Root>>,
        bytes: &[u8],
        now: Timestamp,
    ) -> Result<Signed<Targets>, TrustError> {
        let list = document::parse::<Targets>(bytes)?;
        installation::check_list(root, &list.signed)?;
        document::verify(root, &list)?;
        document::check_expiry(&list.signed, now)?;
        let current = match current_root {
            Some(current) => self
                .newest::<Targets>(&current.signed, "targets.json")?
                .map(|(_, list)| list.signed),
            None => None,
        };
        let wanted = current.as_ref().map_or(Ok(1), |list| {
            document::next_version(list).map(NonZeroU64::get)
        })?;
        let offered = list.signed.version.get();
        if offered != wanted {
            return Err(TrustError::MetadataVersion {
                role: "targets",
                offered,
                wanted,
            });
        }
        self.check_bundles(current.as_ref(), &list.signed)?;
        Ok(list)
    }

    /// No bundle has changed, and each new one's manifest is here.
    fn check_bundles(&self, current: Option<&Targets>, list: &Targets) -> Result<(), TrustError> {
        let before = current
            .map(targets::listed)
            .transpose()?
            .unwrap_or_default();
        for (bundle, target) in targets::listed(list)? {
            match before.get(&bundle) {
                Some(old) if *old == target => continue,
                Some(_) => return Err(TrustError::BundleChanged { bundle }),
                None => {}
            }
            let sha256 = &target.hashes.sha256;
            let path = self.folder.join(targets::manifest_file(&bundle, sha256));
            let manifest = read_if_there(&path, MAX_MANIFEST_BYTES)?.unwrap_or_default();
            let is_it = Sha256::digest(&manifest)[..] == sha256[..];
            if manifest.len() as u64 != target.length || !is_it {
                return Err(TrustError::ManifestMissing { bundle });
            }
        }
        Ok(())
    }

    fn parsed_root(&self) -> Result<Option<Signed<Root>>, TrustError> {
        self.root()?
            .map(|bytes| document::parse::<Root>(&bytes))
            .transpose()
    }

    /// The newest file of a role that verifies under this root. (A newer one that does not was left by a crash.)
    fn newest<T: Role + Serialize + DeserializeOwned>(
        &self,
        root: &Root,
        suffix: &str,
    ) -> Result<Option<Stored<T>>, TrustError> {
        for version in self.versions(suffix)?.into_iter().rev() {
            let bytes = self.metadata(&format!("{version}.{suffix}"))?;
            let document = document::parse::<T>(&bytes)?;
            if document.signed.version().get() == version
                && document::verify(root, &document).is_ok()
            {
                return Ok(Some((bytes, document)));
            }
        }
        Ok(None)
    }

    fn metadata(&self, name: &str) -> Result<Vec<u8>, TrustError> {
        read_bounded(&self.folder.join(name), MAX_TARGETS_BYTES)
    }

    fn versions(&self, suffix: &str) -> Result<Vec<u64>, TrustError> {
        let mut versions = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(TrustError::read(&self.folder))? {
            let name = entry.map_err(TrustError::read(&self.folder))?.file_name();
            versions.extend(name.to_str().and_then(|name| version_in(name, suffix)));
        }
        versions.sort_unstable();
        Ok(versions)
    }

    fn forget_old_versions(&self) -> Result<(), TrustError> {
        for suffix in ["snapshot.json", "targets.json"] {
            let versions = self.versions(suffix)?;
            for version in versions.iter().rev().skip(KEPT_VERSIONS) {
                let path = self.folder.join(format!("{version}.{suffix}"));
                fs::remove_file(&path).map_err(TrustError::write(&path))?;
            }
        }
        Ok(())
    }
}

/// The root that will count: the new one if it follows the current one, else the current one.
fn next_root(
    current: Option<&Signed<Root>>,
    new_root: Option<&[u8]>,
) -> Result<Signed<Root>, TrustError> {
    match (new_root, current) {
        (Some(bytes), current) => {
            let root = document::parse::<Root>(bytes)?;
            root::check_succession(current, &root)?;
            Ok(root)
        }
        (None, Some(root)) => Ok(root.clone()),
        (None, None) => Err(no_list()),
    }
}

fn check_online(root: &Root, online: &OnlineKeys) -> Result<(), TrustError> {
    if RootSummary::of(root)?.online == online.public() {
        return Ok(());
    }
    Err(TrustError::OnlineKeys(online.public().to_string()))
}

fn metafile(bytes: &[u8], version: NonZeroU64) -> Metafile {
    Metafile {
        length: Some(bytes.len() as u64),
        hashes: Some(Hashes {
            sha256: Sha256::digest(bytes).to_vec().into(),
            _extra: HashMap::new(),
        }),
        version,
        _extra: HashMap::new(),
    }
}

fn version_after(old: u64, now: Timestamp) -> NonZeroU64 {
    let clock = u64::try_from(now.as_second()).unwrap_or(0);
    NonZeroU64::new(clock.max(old.saturating_add(1))).unwrap_or(NonZeroU64::MIN)
}

fn no_list() -> TrustError {
    TrustError::RootUnknown {
        reason: "no root and list of bundles are published yet".to_owned(),
    }
}
