//! What can fail between chunks and folders, and the refusal that it means for a delivery.

use std::{
    io,
    path::{Path, PathBuf},
};

use escadre_bundle::{BundleError, ChunkHash};
use escadre_model::delivery::Refusal;

/// The failed step.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// The system said no.
    #[error("cannot {step} `{}`: {source}", path.display())]
    Io {
        /// What was tried (`open`, `write`, …).
        step: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A path, a chunk or a tree against the rules of bundles.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// Something in a folder or an archive that content cannot be.
    #[error("entry {path:?}: {reason}")]
    Entry {
        /// Its path, as far as it can be shown.
        path: String,
        /// What it is, and what would be accepted.
        reason: String,
    },
    /// An archive that is none, is cut short, or is of a kind that is not read here.
    #[error("`{}` is no good archive: {detail}", path.display())]
    Archive {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// More bytes than can be meant.
    #[error("`{}` unpacks to more than {limit} bytes; if this is meant, unpack it and give the folder", path.display())]
    Bomb {
        /// The archive or folder.
        path: PathBuf,
        /// The bound that was passed.
        limit: u64,
    },
    /// A chunk that is not there, or was not good and is in quarantine now.
    #[error("chunk {hash} is missing")]
    Missing {
        /// Its name.
        hash: ChunkHash,
    },
    /// A refusal that was found out here.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A thread of the work ended before it should have.
    #[error("a thread that {work} ended too early")]
    Thread {
        /// What it did.
        work: &'static str,
    },
}

impl BlobError {
    /// The refusal that an agent reports for it; none when the fault is the host's (a read error, a missing right).
    pub fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::Bundle(error) => Some(error.refusal()),
            Self::Entry { .. } | Self::Bomb { .. } => Some(Refusal::UnsafeContent {
                detail: self.to_string(),
            }),
            Self::Archive { path, .. } => Some(Refusal::Corrupt {
                what: path.display().to_string(),
            }),
            Self::Missing { hash } => Some(Refusal::Corrupt {
                what: format!("chunk {hash}"),
            }),
            Self::Refused(refusal) => Some(refusal.clone()),
            Self::Io { .. } | Self::Thread { .. } => None,
        }
    }

    pub(crate) fn entry(path: &[u8], reason: impl Into<String>) -> Self {
        let shown = String::from_utf8_lossy(path).chars().take(200).collect();
        Self::Entry {
            path: shown,
            reason: reason.into(),
        }
    }
}

/// Gives a system's error its step and path.
pub(crate) trait At<T> {
    fn at(self, step: &'static str, path: impl AsRef<Path>) -> Result<T, BlobError>;
}

impl<T, E: Into<io::Error>> At<T> for Result<T, E> {
    fn at(self, step: &'static str, path: impl AsRef<Path>) -> Result<T, BlobError> {
        self.map_err(|error| BlobError::Io {
            step,
            path: path.as_ref().to_owned(),
            source: error.into(),
        })
    }
}
