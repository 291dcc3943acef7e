//! What a publisher remembers of each installation that it serves: the root it follows and the newest list it has seen.
//!
//! In the publisher's folder, one folder for each: `followed/FINGERPRINT/{root.json,targets-seen}`, after the first root
//! that was followed there. Invariants:
//! - What is done for one installation never touches the memory of another, and founding or pinning forgets nothing.
//! - A memory only moves forward: to a later root, to a later list.
//!
//! Folders from when there was one memory (the two files beside the key) are taken up where they are met.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use tough::schema::{Role, RoleType, Root, Signed};

use super::{
    document::{self, MAX_ROOT_BYTES},
    installation,
    keys::Fingerprint,
};
use crate::{
    TrustError,
    secret::{create_private_folder, read_if_there, write_private},
};

const FOLDER: &str = "followed";
const ROOT_FILE: &str = "root.json";
const SEEN_FILE: &str = "targets-seen";

/// The memory of one installation.
#[derive(Debug)]
pub(crate) struct Followed {
    folder: PathBuf,
    root: Signed<Root>,
}

impl Followed {
    /// Begins to follow a root of an installation that was not followed before.
    pub(crate) fn begin(publisher: &Path, root: &[u8]) -> Result<(), TrustError> {
        take_up_single(publisher)?;
        let folder = place(publisher, root)?;
        write_private(&folder.join(ROOT_FILE), root)
    }

    /// The memory of the installation that this root claims to be of. The root is not believed by that: compare it.
    pub(crate) fn find(publisher: &Path, root: &Root) -> Result<Option<Self>, TrustError> {
        let all = Self::all(publisher)?;
        Ok(all.into_iter().find(|known| known.is_of(root)))
    }

    /// The root that is followed.
    pub(crate) fn root(&self) -> &Signed<Root> {
        &self.root
    }

    /// Follows a later root of the same installation. The caller has checked it.
    pub(crate) fn advance(&mut self, root: Signed<Root>, bytes: &[u8]) -> Result<(), TrustError> {
        write_private(&self.folder.join(ROOT_FILE), bytes)?;
        self.root = root;
        Ok(())
    }

    /// The version of the newest list seen; 0 before the first one.
    pub(crate) fn seen(&self) -> Result<u64, TrustError> {
        read_seen(&self.folder)
    }

    /// Remembers that this list was seen.
    pub(crate) fn see(&self, version: u64) -> Result<(), TrustError> {
        see(&self.folder, version)
    }

    fn all(publisher: &Path) -> Result<Vec<Self>, TrustError> {
        take_up_single(publisher)?;
        let parent = publisher.join(FOLDER);
        let entries = match fs::read_dir(&parent) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(TrustError::read(&parent))?,
        };
        let mut all = Vec::new();
        for entry in entries {
            let folder = entry.map_err(TrustError::read(&parent))?.path();
            // Without a root: left by a crash between making the folder and writing into it.
            if let Some(bytes) = read_if_there(&folder.join(ROOT_FILE), MAX_ROOT_BYTES)? {
                let root = document::parse::<Root>(&bytes)?;
                all.push(Self { folder, root });
            }
        }
        Ok(all)
    }

    /// By the installation's name; where roots have none, by the server's key, which no two installations share.
    fn is_of(&self, root: &Root) -> bool {
        let snapshot = |root| document::role_keys(root, RoleType::Snapshot);
        let known = &self.root.signed;
        installation::check_root(known, root).is_ok()
            && (installation::is_named(root) || snapshot(known) == snapshot(root))
    }
}

/// Whether a person who compared fingerprints may have this root followed instead of the known one.
pub(crate) fn check_pin(known: &Root, offered: &Root) -> Result<(), TrustError> {
    let (before, after) = (known.version().get(), offered.version().get());
    if after < before {
        return Err(TrustError::MetadataVersion {
            role: "root",
            offered: after,
            wanted: before,
        });
    }
    // An installation has one first root: another one with its name is an impostor's.
    if after == 1 && known != offered {
        return Err(TrustError::OtherInstallation { role: "root" });
    }
    Ok(())
}

/// The folder of a first root, made if need be.
fn place(publisher: &Path, root: &[u8]) -> Result<PathBuf, TrustError> {
    let parent = publisher.join(FOLDER);
    create_private_folder(&parent)?;
    let folder = parent.join(Fingerprint::of(root).to_string());
    create_private_folder(&folder)?;
    Ok(folder)
}

fn read_seen(folder: &Path) -> Result<u64, TrustError> {
    let text = read_if_there(&folder.join(SEEN_FILE), 64)?;
    Ok(text
        .and_then(|text| String::from_utf8_lossy(&text).trim().parse().ok())
        .unwrap_or(0))
}

fn see(folder: &Path, version: u64) -> Result<(), TrustError> {
    if version <= read_seen(folder)? {
        return Ok(());
    }
    write_private(&folder.join(SEEN_FILE), format!("{version}\n").as_bytes())
}

/// Moves the single memory of an older folder to its place. The old files go last, and what
/// is at the new place already stays or moves forward: a crash in between, and doing it again, lose nothing.
fn take_up_single(publisher: &Path) -> Result<(), TrustError> {
    let (old_root, old_seen) = (publisher.join(ROOT_FILE), publisher.join(SEEN_FILE));
    let Some(root) = read_if_there(&old_root, MAX_ROOT_BYTES)? else {
        return Ok(());
    };
    let folder = place(publisher, &root)?;
    see(&folder, read_seen(publisher)?)?;
    let new_root = folder.join(ROOT_FILE);
    if read_if_there(&new_root, MAX_ROOT_BYTES)?.is_none() {
        write_private(&new_root, &root)?;
    }
    fs::remove_file(&old_root).map_err(TrustError::write(&old_root))?;
    match fs::remove_file(&old_seen) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(TrustError::write(&old_seen)(error))
        }
        _ => Ok(()),
    }
}
