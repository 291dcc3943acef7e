//! The state folder: one installation, one server at a time, whole or not there.
//!
//! ```text
//! STATE/lock            held while a server runs
//! STATE/server/         appears by one rename, complete: ca/ online/ trust/ store.db
//! STATE/chunks/         content of bundles
//! ```
//!
//! Other things of the same machine may lie beside them (`agent/`, the socket); nothing else may.

use std::{
    fs, io,
    os::{fd::OwnedFd, unix::fs::DirBuilderExt},
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, Mode, OFlags};

use crate::StartError;

const LOCK: &str = "lock";
const MADE: &str = "server";
const MAKING: &str = ".making";
/// What may lie in a state folder that holds no installation yet.
const KNOWN: [&str; 7] = [
    LOCK,
    MAKING,
    "agent",
    "chunks",
    "uploads",
    "escadre.sock",
    "lost+found",
];
/// What every installation has.
const PARTS: [&str; 4] = ["ca/ca.pem", "ca/ca.key", "online", "store.db"];

/// A state folder that is ours as long as this lives.
#[derive(Debug)]
pub(crate) struct StateFolder {
    root: PathBuf,
    _lock: OwnedFd,
}

/// What stands in a state folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// A whole installation.
    Installation,
    /// Nothing yet.
    Nothing,
}

impl StateFolder {
    /// Takes the folder, making it if need be, and says what it holds.
    pub(crate) fn take(root: &Path) -> Result<(Self, Found), StartError> {
        make_private(root)?;
        let found = look(root)?;
        let lock = lock(root)?;
        let folder = Self {
            root: root.to_owned(),
            _lock: lock,
        };
        make_private(&folder.chunks())?;
        if found == Found::Nothing {
            remove_all(&folder.making())?;
        }
        Ok((folder, found))
    }

    /// Where a new installation is made, before it is there.
    pub(crate) fn making(&self) -> PathBuf {
        self.root.join(MAKING)
    }

    /// Where the installation is.
    pub(crate) fn made(&self) -> PathBuf {
        self.root.join(MADE)
    }

    /// Where the content of bundles is.
    pub(crate) fn chunks(&self) -> PathBuf {
        self.root.join("chunks")
    }

    /// The folder as a whole.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Runs what makes an installation; when it succeeds, the installation is there, else nothing is.
    pub(crate) fn make<T>(
        &self,
        work: impl FnOnce(&Path) -> Result<T, StartError>,
    ) -> Result<T, StartError> {
        let making = self.making();
        make_private(&making)?;
        let made = work(&making).and_then(|value| {
            sync(&making)?;
            fs::rename(&making, self.made()).map_err(at("rename", &making))?;
            sync(&self.root)?;
            Ok(value)
        });
        if made.is_err() {
            remove_all(&making)?;
        }
        made
    }
}

/// A folder that only its owner may enter, with those above it; one that is there stays as it is.
fn make_private(path: &Path) -> Result<(), StartError> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(at("make", path))
}

fn look(root: &Path) -> Result<Found, StartError> {
    let made = root.join(MADE);
    if made.exists() {
        let missing = PARTS.into_iter().find(|part| !made.join(part).exists());
        return match missing {
            None => Ok(Found::Installation),
            Some(part) => Err(StartError::HalfMade {
                path: root.to_owned(),
                missing: format!("{MADE}/{part}"),
            }),
        };
    }
    for entry in fs::read_dir(root).map_err(at("read", root))? {
        let name = entry.map_err(at("read", root))?.file_name();
        if !KNOWN.iter().any(|known| name == *known) {
            let found = name.to_string_lossy().into_owned();
            return Err(StartError::NotOurs {
                path: root.to_owned(),
                found,
            });
        }
    }
    Ok(Found::Nothing)
}

fn lock(root: &Path) -> Result<OwnedFd, StartError> {
    let path = root.join(LOCK);
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC;
    let file = rustix::fs::open(&path, flags, Mode::from_raw_mode(0o600))
        .map_err(|error| at("write", &path)(error.into()))?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(error) if error == rustix::io::Errno::WOULDBLOCK => Err(StartError::Held {
            path: root.to_owned(),
        }),
        Err(error) => Err(at("lock", &path)(error.into())),
    }
}

fn sync(folder: &Path) -> Result<(), StartError> {
    fs::File::open(folder)
        .and_then(|handle| handle.sync_all())
        .map_err(at("write out", folder))
}

fn remove_all(path: &Path) -> Result<(), StartError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at("sweep", path)(error)),
        _ => Ok(()),
    }
}

fn at(step: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StartError {
    let path = path.to_owned();
    move |source| StartError::Folder { step, path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn installation(making: &Path) -> Result<(), StartError> {
        for part in PARTS {
            let path = making.join(part);
            fs::create_dir_all(path.parent().expect("below the folder"))
                .map_err(at("make", making))?;
            fs::write(path, "x").map_err(at("write", making))?;
        }
        Ok(())
    }

    #[test]
    fn an_installation_is_there_wholly_or_not_at_all() {
        let folder = tempfile::tempdir().expect("a folder");
        let (state, found) = StateFolder::take(folder.path()).expect("ours");
        assert_eq!(found, Found::Nothing);
        let failed: Result<(), StartError> = state.make(|making| {
            installation(making)?;
            Err(StartError::Owned)
        });
        assert!(failed.is_err());
        assert!(
            !state.making().exists() && !state.made().exists(),
            "nothing half-written"
        );
        state.make(installation).expect("made");
        drop(state);
        assert_eq!(
            StateFolder::take(folder.path()).expect("ours").1,
            Found::Installation
        );
        fs::remove_file(folder.path().join("server/ca/ca.key")).expect("removed");
        let error = StateFolder::take(folder.path()).expect_err("half an installation");
        assert!(
            error
                .to_string()
                .contains("server/ca/ca.key is missing; restore it"),
            "{error}"
        );
    }

    #[test]
    fn what_a_crash_left_while_making_is_swept() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(folder.path().join(".making/ca")).expect("left over");
        let (state, found) = StateFolder::take(folder.path()).expect("ours");
        assert_eq!((found, state.making().exists()), (Found::Nothing, false));
    }

    #[test]
    fn two_servers_and_foreign_folders_are_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let _first = StateFolder::take(folder.path()).expect("ours");
        let error = StateFolder::take(folder.path()).expect_err("held");
        assert!(matches!(error, StartError::Held { .. }), "{error}");
        let foreign = tempfile::tempdir().expect("a folder");
        fs::write(foreign.path().join("thesis.odt"), "x").expect("a file");
        let error = StateFolder::take(foreign.path()).expect_err("not ours");
        assert!(error.to_string().contains("thesis.odt"), "{error}");
        assert_eq!(
            fs::read_dir(foreign.path()).expect("readable").count(),
            1,
            "nothing was written there"
        );
        let file = foreign.path().join("thesis.odt");
        let error = StateFolder::take(&file.join("state")).expect_err("no folder");
        assert!(error.to_string().contains("--state"), "{error}");
    }
}
