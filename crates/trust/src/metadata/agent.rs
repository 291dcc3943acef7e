//! The agent's side: what it believes, kept on its own disk, moved forward only by what verifies.
//!
//! `tough` does the client's workflow of the TUF specification (§5). Two things around it are ours:
//!
//! - **The clock.** `tough` reads the system's clock, and refuses to work after any step back of it. Here the time is an
//!   argument; expiry is checked against the later of it and the newest time at which an update was accepted. A clock
//!   set back cannot make old metadata young; a clock far ahead makes everything look expired, and is healed by being
//!   set right, since a refused update leaves no trace.
//! - **The store.** `tough` writes its files in place. Here it works on a copy, and what it accepted is written whole,
//!   root first, when the update is over: a power cut leaves the old state or one that is as good. A new root is kept
//!   even if the rest is refused, as the specification asks (§5.3.8), so that a rotation cannot be held back.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use escadre_model::{BundleRef, Timestamp, delivery::Refusal};
use sha2::{Digest, Sha256};
use tough::{
    ExpirationEnforcement, Limits, Repository, RepositoryLoader,
    schema::{Role, Root, Signed, Target, Targets},
};
use url::Url;

use super::{
    document::{
        self, MAX_MANIFEST_BYTES, MAX_ROOT_BYTES, MAX_SNAPSHOT_BYTES, MAX_TARGETS_BYTES,
        MAX_TIMESTAMP_BYTES,
    },
    installation,
    keys::Fingerprint,
    refusal::{self, UpdateError},
    root, targets,
    transport::{Bridge, TrustTransport},
};
use crate::{
    TrustError,
    secret::{create_private_folder, read_bounded, read_if_there, write_private},
};

const PINNED_FILE: &str = "pinned-root.json";
const ROOT_FILE: &str = "root.json";
const KEPT_FILES: [&str; 4] = [ROOT_FILE, "timestamp.json", "snapshot.json", "targets.json"];
const TIME_FILE: &str = "newest-time";
const SCRATCH_PREFIX: &str = "update-";
const MAX_ROOT_UPDATES: u64 = 1024;

/// What an agent believes, in a folder of its own.
#[derive(Debug)]
pub struct AgentTrust {
    folder: PathBuf,
}

/// The list of bundles as it was verified in one update.
#[derive(Debug, Clone)]
pub struct TrustedView {
    targets: Targets,
    root_version: u64,
    expires: Vec<(&'static str, Timestamp)>,
}

/// What the publishers signed about one manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestEntry {
    /// SHA-256 of its bytes.
    pub sha256: [u8; 32],
    /// Their number.
    pub length: u64,
    /// Its name on the server.
    pub file: String,
}

impl AgentTrust {
    /// Begins to trust, at enrolment: the root must be the one of the enrolment text, and signed by its own publishers.
    pub fn pin(folder: &Path, root: &[u8], fingerprint: &Fingerprint) -> Result<Self, UpdateError> {
        if Fingerprint::of(root) != *fingerprint {
            let detail = format!(
                "the root's fingerprint is {}, not {fingerprint}",
                Fingerprint::of(root)
            );
            return Err(Refusal::BadSignature { detail }.into());
        }
        let parsed = document::parse::<Root>(root)?;
        root::check_roles(&parsed.signed)?;
        document::verify(&parsed.signed, &parsed)?;
        create_private_folder(folder)?;
        write_private(&folder.join(PINNED_FILE), root)?;
        Self::open(folder).map_err(UpdateError::from)
    }

    /// Opens what [`AgentTrust::pin`] began.
    pub fn open(folder: &Path) -> Result<Self, TrustError> {
        document::parse::<Root>(&read_bounded(&folder.join(PINNED_FILE), MAX_ROOT_BYTES)?)?;
        remove_leftovers(folder)?;
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    /// Fetches and verifies the newest metadata. On any error the agent believes what it believed before.
    pub async fn update(
        &mut self,
        transport: Arc<dyn TrustTransport>,
        now: Timestamp,
    ) -> Result<TrustedView, UpdateError> {
        let now = self.latest(now)?;
        let scratch = tempfile::Builder::new()
            .prefix(SCRATCH_PREFIX)
            .tempdir_in(&self.folder)
            .map_err(TrustError::write(&self.folder))?;
        for file in KEPT_FILES {
            if let Some(content) = read_if_there(&self.folder.join(file), MAX_TARGETS_BYTES)? {
                write_private(&scratch.path().join(file), &content)?;
            }
        }
        let (trusted, trusted_bytes) = self.root()?;
        let bridge = Bridge::new(transport);
        let base = Url::parse(Bridge::BASE).expect("the constant is a URL");
        let loaded = RepositoryLoader::new(&trusted_bytes, base.clone(), base)
            .transport(bridge.clone())
            .limits(limits())
            .datastore(scratch.path())
            .expiration_enforcement(ExpirationEnforcement::Unsafe)
            .load()
            .await;
        let view = match &loaded {
            Ok(repository) => {
                TrustedView::of(repository, &trusted.signed, now).map_err(UpdateError::from)
            }
            Err(error) => Err(refusal::reason(error, bridge.into_seen(), &trusted.signed)),
        };
        self.keep(scratch.path(), &trusted.signed, view.is_ok(), now)?;
        view
    }

    /// The view of the last accepted update, for a machine without a link. What the publishers signed must not have
    /// expired; the server's freshness is not asked for, since nobody is there to give it: use it for what was ordered
    /// while there was a link, not for anything new.
    pub fn stored(&self) -> Result<Option<TrustedView>, TrustError> {
        let Some(bytes) = read_if_there(&self.folder.join("targets.json"), MAX_TARGETS_BYTES)?
        else {
            return Ok(None);
        };
        let (root, _) = self.root()?;
        let list = document::parse::<Targets>(&bytes)?;
        document::verify(&root.signed, &list)?;
        let expires = vec![
            ("root", root.signed.expires),
            ("targets", list.signed.expires),
        ];
        Ok(Some(TrustedView {
            targets: list.signed,
            root_version: root.signed.version.get(),
            expires,
        }))
    }

    /// The later of this time and the newest one at which an update was accepted.
    fn latest(&self, now: Timestamp) -> Result<Timestamp, TrustError> {
        let known = read_if_there(&self.folder.join(TIME_FILE), 64)?.and_then(|text| {
            String::from_utf8_lossy(&text)
                .trim()
                .parse::<Timestamp>()
                .ok()
        });
        Ok(known.map_or(now, |known| known.max(now)))
    }

    /// The newest root that was accepted, else the pinned one.
    fn root(&self) -> Result<(Signed<Root>, Vec<u8>), TrustError> {
        if let Some(bytes) = read_if_there(&self.folder.join(ROOT_FILE), MAX_ROOT_BYTES)? {
            match document::parse::<Root>(&bytes) {
                Ok(root) => return Ok((root, bytes)),
                Err(error) => {
                    tracing::warn!(%error, "the stored root is damaged; beginning again at the pinned one")
                }
            }
        }
        let bytes = read_bounded(&self.folder.join(PINNED_FILE), MAX_ROOT_BYTES)?;
        Ok((document::parse::<Root>(&bytes)?, bytes))
    }

    /// Makes what was accepted permanent: everything, or the root alone.
    fn keep(
        &self,
        scratch: &Path,
        trusted: &Root,
        accepted: bool,
        now: Timestamp,
    ) -> Result<(), TrustError> {
        for file in KEPT_FILES {
            if file != ROOT_FILE && !accepted {
                return Ok(());
            }
            let Some(content) = read_if_there(&scratch.join(file), MAX_TARGETS_BYTES)? else {
                continue;
            };
            if file == ROOT_FILE {
                let root = document::parse::<Root>(&content)?.signed;
                if is_followed_by(trusted, &root).is_err() {
                    return Ok(());
                }
            }
            if read_if_there(&self.folder.join(file), MAX_TARGETS_BYTES)?.as_ref() != Some(&content)
            {
                write_private(&self.folder.join(file), &content)?;
            }
        }
        write_private(&self.folder.join(TIME_FILE), format!("{now}\n").as_bytes())
    }
}

impl TrustedView {
    fn of(repository: &Repository, trusted: &Root, now: Timestamp) -> Result<Self, Refusal> {
        let refused = |error: TrustError| Refusal::Metadata {
            detail: error.to_string(),
        };
        let root = &repository.root().signed;
        is_followed_by(trusted, root).map_err(refused)?;
        let targets = repository.targets().signed.clone();
        installation::check_list(root, &targets).map_err(refused)?;
        targets::listed(&targets).map_err(refused)?;
        let expires = vec![
            ("root", root.expires()),
            ("timestamp", repository.timestamp().signed.expires()),
            ("snapshot", repository.snapshot().signed.expires()),
            ("targets", targets.expires()),
        ];
        let view = Self {
            targets,
            root_version: root.version.get(),
            expires,
        };
        view.check_expiry(now).map(|()| view)
    }

    /// Refused once any of the metadata behind this view has expired.
    pub fn check_expiry(&self, now: Timestamp) -> Result<(), Refusal> {
        match self.expires.iter().find(|(_, at)| *at <= now) {
            None => Ok(()),
            Some((what, at)) => Err(Refusal::Expired {
                what: format!("{what} metadata"),
                at: at.to_string(),
            }),
        }
    }

    /// Version of the root behind this view.
    pub fn root_version(&self) -> u64 {
        self.root_version
    }

    /// Version of the list.
    pub fn targets_version(&self) -> u64 {
        self.targets.version.get()
    }

    /// What the publishers signed about a bundle's manifest.
    pub fn entry(&self, bundle: &BundleRef) -> Result<ManifestEntry, Refusal> {
        let unsigned = || Refusal::BadSignature {
            detail: format!("no publisher has signed {bundle}, or it was recalled"),
        };
        let name = targets::target_name(bundle).map_err(|_| unsigned())?;
        let target: &Target = self.targets.targets.get(&name).ok_or_else(unsigned)?;
        let sha256 = <[u8; 32]>::try_from(&target.hashes.sha256[..]).map_err(|_| unsigned())?;
        Ok(ManifestEntry {
            sha256,
            length: target.length,
            file: targets::manifest_file(bundle, &sha256),
        })
    }

    /// Checks a manifest that is at hand, from wherever it came.
    pub fn check_manifest(
        &self,
        bundle: &BundleRef,
        manifest: &[u8],
        now: Timestamp,
    ) -> Result<(), Refusal> {
        self.check_expiry(now)?;
        let entry = self.entry(bundle)?;
        if manifest.len() as u64 == entry.length && Sha256::digest(manifest)[..] == entry.sha256[..]
        {
            return Ok(());
        }
        Err(Refusal::Corrupt {
            what: format!("the manifest of {bundle}"),
        })
    }

    /// Fetches a bundle's manifest and gives it only if it is what the publishers signed.
    pub async fn verified_manifest(
        &self,
        transport: &dyn TrustTransport,
        bundle: &BundleRef,
        now: Timestamp,
    ) -> Result<Vec<u8>, UpdateError> {
        self.check_expiry(now)?;
        let entry = self.entry(bundle)?;
        if entry.length > MAX_MANIFEST_BYTES {
            return Err(Refusal::Metadata {
                detail: format!("the manifest of {bundle} is too large"),
            }
            .into());
        }
        let fetched = transport.fetch(&entry.file, entry.length).await;
        let manifest = match fetched {
            Ok(Some(manifest)) => manifest,
            Ok(None) => {
                let detail = format!("the server has no manifest of {bundle}, though it is signed");
                return Err(Refusal::Metadata { detail }.into());
            }
            Err(source) => {
                return Err(UpdateError::Unreachable {
                    name: entry.file,
                    source,
                });
            }
        };
        self.check_manifest(bundle, &manifest, now)?;
        Ok(manifest)
    }
}

/// What `tough` does not ask of a root whose signatures it has verified.
fn is_followed_by(trusted: &Root, root: &Root) -> Result<(), TrustError> {
    installation::check_root(trusted, root)?;
    root::check_roles(root)
}

/// A process that was killed in the middle of an update leaves its copy behind.
fn remove_leftovers(folder: &Path) -> Result<(), TrustError> {
    for entry in fs::read_dir(folder).map_err(TrustError::read(folder))? {
        let entry = entry.map_err(TrustError::read(folder))?;
        if entry
            .file_name()
            .to_string_lossy()
            .starts_with(SCRATCH_PREFIX)
        {
            fs::remove_dir_all(entry.path()).map_err(TrustError::write(entry.path()))?;
        }
    }
    Ok(())
}

fn limits() -> Limits {
    Limits {
        max_root_size: MAX_ROOT_BYTES,
        max_targets_size: MAX_TARGETS_BYTES,
        max_timestamp_size: MAX_TIMESTAMP_BYTES,
        max_snapshot_size: MAX_SNAPSHOT_BYTES,
        max_root_updates: MAX_ROOT_UPDATES,
    }
}
