//! Every way in which a bundle can be wrong, and the refusal that an agent answers with.

use escadre_model::{ByteCount, delivery::Refusal};

use crate::hash::ChunkHash;

/// Why a manifest, a path, a chunk or a command line is not acceptable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// Not a manifest at all.
    #[error("the manifest is no valid JSON of its format: {detail}")]
    Syntax {
        /// What the parser says, with line and column.
        detail: String,
    },
    /// A manifest of another age.
    #[error("the manifest has format {found}, this program knows format {known}; update it first")]
    Format {
        /// In the manifest.
        found: u32,
        /// Known here.
        known: u32,
    },
    /// The same values have another byte form.
    #[error("the manifest is not in its canonical byte form (first difference at byte {at})")]
    NotCanonical {
        /// Offset of the first byte that differs.
        at: usize,
    },
    /// A limit is exceeded.
    #[error("{what} is {found}, more than the limit of {limit}")]
    TooLarge {
        /// What.
        what: String,
        /// How much there is.
        found: u64,
        /// How much may be.
        limit: u64,
    },
    /// A path that content may not have.
    #[error("entry {path:?}: {reason}")]
    Path {
        /// The path, as it was given.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Two entries that some file systems take for one.
    #[error(
        "entries {first:?} and {second:?} are one and the same where letter case does not count"
    )]
    Collision {
        /// One.
        first: String,
        /// The other.
        second: String,
    },
    /// Entries do not fit together, or chunks do not add up.
    #[error("entry {path:?}: {reason}")]
    Entry {
        /// Which.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// The action, its undo, the notice or the conditions are not acceptable.
    #[error("{part}: {reason}")]
    Action {
        /// Which part of the manifest.
        part: &'static str,
        /// What is wrong, and what would be right.
        reason: String,
    },
    /// A command line that is no list of words.
    #[error("command line, column {column}: {reason}")]
    Words {
        /// Column in characters, from 1.
        column: usize,
        /// What is wrong.
        reason: &'static str,
    },
    /// A text that is no hash.
    #[error("`{text}` is not a {kind}: wants 64 hexadecimal digits in lower case")]
    Hash {
        /// Which kind of hash was wanted.
        kind: &'static str,
        /// What was given, cut short.
        text: String,
    },
    /// A chunk that does not decompress, or to more than it may.
    #[error("chunk {hash}: {reason}")]
    Chunk {
        /// Its name.
        hash: ChunkHash,
        /// What is wrong.
        reason: String,
    },
    /// A chunk cannot be compressed.
    #[error("cannot compress a chunk: {detail}")]
    Compress {
        /// What the library says.
        detail: String,
    },
}

impl BundleError {
    /// The refusal that an agent reports for it.
    pub fn refusal(&self) -> Refusal {
        match self {
            Self::Syntax { .. } | Self::NotCanonical { .. } => Refusal::Corrupt {
                what: "the manifest".to_owned(),
            },
            Self::Chunk { hash, .. } => Refusal::Corrupt {
                what: format!("chunk {hash}"),
            },
            other => Refusal::UnsafeContent {
                detail: other.to_string(),
            },
        }
    }

    pub(crate) fn path(path: &str, reason: &'static str) -> Self {
        let end = path
            .char_indices()
            .nth(200)
            .map_or(path.len(), |(at, _)| at);
        Self::Path {
            path: path[..end].to_owned(),
            reason,
        }
    }

    pub(crate) fn entry(path: &impl ToString, reason: impl Into<String>) -> Self {
        Self::Entry {
            path: path.to_string(),
            reason: reason.into(),
        }
    }

    pub(crate) fn action(part: &'static str, reason: impl Into<String>) -> Self {
        Self::Action {
            part,
            reason: reason.into(),
        }
    }

    /// Refuses more than `limit`.
    pub(crate) fn bound(what: &str, found: u64, limit: u64) -> Result<(), Self> {
        if found <= limit {
            Ok(())
        } else {
            Err(Self::TooLarge {
                what: what.to_owned(),
                found,
                limit,
            })
        }
    }

    /// Refuses a sum of sizes that does not fit.
    pub(crate) fn sum(what: &str, parts: impl IntoIterator<Item = u64>) -> Result<ByteCount, Self> {
        parts
            .into_iter()
            .try_fold(0u64, u64::checked_add)
            .map(ByteCount)
            .ok_or_else(|| Self::TooLarge {
                what: what.to_owned(),
                found: u64::MAX,
                limit: u64::MAX - 1,
            })
    }
}
