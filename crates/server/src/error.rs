//! What keeps a server from starting, and how the faults of lower floors look to who asked for an operation.

use std::path::PathBuf;

use escadre_api::{ApiError, ErrorKind};
use escadre_blobs::BlobError;
use escadre_store::StoreError;
use escadre_trust::TrustError;

/// Why the server did not start. Nothing is half-written then.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The state folder cannot be made or used.
    #[error(
        "cannot {step} {path}: {source}; choose another state folder with --state, or give this one to the user who runs the server"
    )]
    Folder {
        /// What was tried.
        step: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// Another server runs on the same folder.
    #[error(
        "another server is running on {path}; stop it first, or choose another state folder with --state"
    )]
    Held {
        /// The folder.
        path: PathBuf,
    },
    /// The folder holds an installation that lacks a part.
    #[error(
        "{path} holds half an installation: {missing} is missing; restore it from a backup, or move the folder away to begin anew"
    )]
    HalfMade {
        /// The folder.
        path: PathBuf,
        /// What is not there.
        missing: String,
    },
    /// The folder holds something else.
    #[error(
        "{path} holds `{found}`, which is not ours, and no installation; choose an empty state folder with --state"
    )]
    NotOurs {
        /// The folder.
        path: PathBuf,
        /// What was found.
        found: String,
    },
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A key, a certificate or the trust metadata cannot be used.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The folder of chunks cannot be used.
    #[error(transparent)]
    Blobs(#[from] BlobError),
    /// The publisher's key is locked, and the first root wants its signature.
    #[error(
        "the publisher's key in {path} has a passphrase, so the server cannot found trust with it; name an empty folder with --publisher-key, and hand over to this key afterwards: escadre publisher change"
    )]
    PublisherLocked {
        /// Its folder.
        path: PathBuf,
    },
    /// Another owner has the lease of this shard.
    #[error(
        "another server owns the work of this database; stop it, or wait until its lease is over"
    )]
    Owned,
    /// What was remembered cannot be taken up.
    #[error("what the last run left cannot be taken up: {reason}")]
    Remembered {
        /// What is wrong.
        reason: String,
    },
}

/// What a fault of the store is to who asked.
pub(crate) fn of_store(error: StoreError) -> ApiError {
    let (kind, code) = match &error {
        StoreError::DiskFull { .. } => (ErrorKind::Unavailable, "store.full"),
        StoreError::ReadOnly { .. } => (ErrorKind::Unavailable, "store.read_only"),
        StoreError::Overloaded | StoreError::Busy { .. } => (ErrorKind::Unavailable, "store.busy"),
        StoreError::Closed => (ErrorKind::Unavailable, "server.stopping"),
        StoreError::StaleEpoch { .. } => (ErrorKind::Unavailable, "server.replaced"),
        StoreError::Corrupt { .. } => (ErrorKind::Internal, "store.corrupt"),
        _ => (ErrorKind::Internal, "store.failed"),
    };
    tracing::error!(%error, code, "the store refuses");
    ApiError::new(kind, code, error.to_string())
}

/// What a fault of trust is to who asked.
pub(crate) fn of_trust(error: TrustError) -> ApiError {
    let kind = match &error {
        TrustError::Read { .. } | TrustError::Write { .. } | TrustError::Random(_) => {
            ErrorKind::Internal
        }
        TrustError::MetadataVersion { .. } => ErrorKind::Conflict,
        _ => ErrorKind::Invalid,
    };
    ApiError::new(kind, "trust.refused", error.to_string())
}

/// What a fault of the chunks is to who asked.
pub(crate) fn of_blobs(error: BlobError) -> ApiError {
    let kind = match &error {
        BlobError::Io { .. } | BlobError::Thread { .. } => ErrorKind::Internal,
        _ => ErrorKind::Invalid,
    };
    ApiError::new(kind, "bundle.content", error.to_string())
}

/// A fault of ours.
pub(crate) fn internal(what: impl std::fmt::Display) -> ApiError {
    tracing::error!(%what, "internal fault");
    ApiError::new(ErrorKind::Internal, "server.internal", what.to_string())
}

/// Runs what blocks on a thread that may.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome,
        Err(error) => Err(internal(error)),
    }
}
