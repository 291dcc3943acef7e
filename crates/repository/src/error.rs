//! What can go wrong between a repository and its catalog.

use std::{io, path::PathBuf};

use escadre_catalog::CatalogError;

/// Why a repository could not be opened, or a package not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    /// A location that is neither a path nor an address that we follow.
    #[error("`{0}` is no repository location; give a folder, file:, http: or https:")]
    Location(String),
    /// A file could not be read or written.
    #[error("{action} {path}")]
    File {
        /// What was tried: `read`, `write`, ….
        action: &'static str,
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A server did not give a file.
    #[error("fetch {url}: {message}")]
    Http {
        /// Its address.
        url: String,
        /// What the server or the connection said.
        message: String,
    },
    /// There is nothing of a repository.
    #[error("no package index in {place}; looked for {wanted}")]
    Missing {
        /// Where.
        place: String,
        /// What was looked for.
        wanted: String,
    },
    /// Sources of .deb and of .rpm in one catalog.
    #[error(
        "{other} does not hold the same kind of packages as {first}; choose from .deb or from .rpm, not from both"
    )]
    Mixed {
        /// The sources before it.
        first: String,
        /// The one that does not fit.
        other: String,
    },
    /// The metadata bear no signature.
    #[error(
        "{place} is not signed; accept that with an explicit word only (allow unsigned) if you know its origin"
    )]
    Unsigned {
        /// Which repository.
        place: String,
    },
    /// The signature is bad, or by nobody we know.
    #[error("the signature of {place} is not good: {reason}")]
    Signature {
        /// Which file.
        place: String,
        /// What gpgv said.
        reason: String,
    },
    /// The metadata are older than they allow themselves to be.
    #[error("{place} expired on {date}; refresh the mirror, or check the clock of this machine")]
    Expired {
        /// Which file.
        place: String,
        /// Its `Valid-Until`.
        date: String,
    },
    /// A file is not what the signed metadata say.
    #[error(
        "{file} does not match its checksum: {reason}; the mirror is broken, in the middle of an update, or tampered with"
    )]
    Checksum {
        /// Which file.
        file: String,
        /// What differs.
        reason: String,
    },
    /// A compressed file unfolds beyond all measure.
    #[error("{file} unfolds beyond {limit}; it is no package index")]
    Bomb {
        /// Which file.
        file: String,
        /// The bound that was passed.
        limit: String,
    },
    /// The content is no catalog.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// A program of the system that is needed.
    #[error("run {program}: {message}")]
    Program {
        /// Which.
        program: &'static str,
        /// What it said.
        message: String,
    },
    /// A package has no file in its repository.
    #[error("the catalog does not say where {0} lies")]
    NoFile(String),
}

impl RepositoryError {
    pub(crate) fn file(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File {
            action,
            path,
            source,
        }
    }
}
