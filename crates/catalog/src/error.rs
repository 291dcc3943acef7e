//! What can go wrong with a whole input; what is wrong with a part of it is a [`escadre_model::Problem`].

use std::io;

/// Why a file could not be read to its end, or a catalog not be built or opened.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// The source of the bytes failed: disk, decompressor, limit.
    #[error("read {file} near line {line}")]
    Read {
        /// Name of the file, as given.
        file: String,
        /// Last line that was read.
        line: u32,
        /// What the reader said.
        #[source]
        source: io::Error,
    },
    /// One stanza or one text is larger than any real one.
    #[error("{file}:{line}: {what} is larger than {limit} bytes; this is no package list")]
    Oversized {
        /// Name of the file, as given.
        file: String,
        /// Line where it begins.
        line: u32,
        /// What is too large.
        what: &'static str,
        /// The bound.
        limit: usize,
    },
    /// XML that cannot be followed further.
    #[error("{file}: malformed XML at byte {position}: {message}")]
    Xml {
        /// Name of the file, as given.
        file: String,
        /// Where.
        position: u64,
        /// What the XML reader said.
        message: String,
    },
    /// More packages, names or bytes than the index can number.
    #[error("too many {0} for one catalog")]
    TooMany(&'static str),
    /// A stored index that is not (or no longer) one: rebuild it.
    #[error("the stored index is unusable ({0}); it must be built again")]
    Index(&'static str),
}
