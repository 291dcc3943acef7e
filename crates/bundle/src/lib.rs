//! What a bundle is, without I/O: its manifest in one and only one byte form, the paths that content may have, the cutting
//! of content into chunks named by their hash, and the words of a command line.
//!
//! Invariants:
//! - Pure: no file, clock, thread or randomness. Streams come in as [`std::io::Read`].
//! - A [`Manifest`] that [`Manifest::parse`] returns obeys every rule of this crate: its paths stay inside, its sizes are
//!   bounded and add up, its program is part of the content. Who unpacks it still creates files with care.
//! - Same manifest, same bytes, for ever: what is signed is what is parsed.
//!
//! Absent on purpose: signatures (`trust`), storage and unpacking (`blobs`), running anything (`agent`), and the progress of a
//! delivery (`rollout`).

mod action;
mod chunk;
mod codec;
mod content;
mod error;
mod hash;
mod manifest;
mod packages;
mod path;
mod words;

pub use action::{Action, Command, Notice, Observation, Seconds, Undo};
pub use chunk::{Chunker, Cut, Cutting};
pub use codec::{Chunk, Decoder, Encoder, LONGEST_STORED, StoredChunk};
pub use content::{ChunkRef, Content, Entry, EntryKind, FileContent};
pub use error::BundleError;
pub use hash::{ChunkHash, FileHash, ManifestHash};
pub use manifest::{Conditions, FORMAT, Manifest};
pub use packages::{PackageChange, PackageSet, PackageVersion};
pub use path::{ContentPath, LinkTarget};
pub use words::{join_words, split_words};

/// What is refused for its size alone, before anything is allocated for it.
pub mod limits {
    /// Bytes of a manifest.
    pub const MANIFEST: usize = 64 << 20;
    /// Entries of a bundle's content.
    pub const ENTRIES: usize = 500_000;
    /// Bytes of one file.
    pub const FILE: u64 = 1 << 40;
    /// Bytes of a chunk, uncompressed.
    pub const CHUNK: u32 = 1 << 20;
    /// Bytes of a path.
    pub const PATH: usize = 1024;
    /// Bytes of one name in a path.
    pub const NAME: usize = 255;
    /// Folders above one entry.
    pub const DEPTH: usize = 64;
    /// Bytes of any text: description, notice, command line, one argument.
    pub const TEXT: usize = 32 << 10;
    /// Elements of any list that is not content: arguments, observations, exit codes, conditions.
    pub const LIST: usize = 1024;
    /// Package changes of one transaction.
    pub const PACKAGES: usize = 100_000;
}
