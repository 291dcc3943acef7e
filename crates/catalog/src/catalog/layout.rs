//! Where everything lies in a catalog's one buffer: little-endian words in sections, so that opening it copies nothing.
//!
//! Any change here needs a new [`FORMAT`]: an index of another format is rebuilt, never read.

/// First bytes of a catalog's buffer.
pub(crate) const MAGIC: [u8; 8] = *b"escpkgs\0";
/// Number of this layout.
pub(crate) const FORMAT: u32 = 2;
/// Bytes before the first section: magic, format, kind, seeds, hash, table of sections.
pub(crate) const HEADER: usize = 8 + 4 + 4 + 4 + 4 + 32 + SECTIONS * 8;
/// Where the hash of everything behind it stands.
pub(crate) const HASH_AT: usize = 24;
/// How many sections there are.
pub(crate) const SECTIONS: usize = 10;

/// The sections, in the order of the buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    /// Names of packages and of all that is provided or required.
    NameBytes,
    /// Start of each name, and the end of the last.
    NameOffsets,
    /// Hash table of the names.
    NameTable,
    /// Versions, architectures, sections, tasks.
    WordBytes,
    /// Start of each word, and the end of the last.
    WordOffsets,
    /// One record a package, [`RECORD`] words each.
    Records,
    /// Dependencies of all packages, in their order.
    Relations,
    /// Start of the providers of each name, and the end of the last.
    ProviderOffsets,
    /// Providers: two words each.
    Providers,
    /// The sources that the packages came from: numbers of words.
    Sources,
}

/// All sections, in order.
pub(crate) const ALL: [Section; SECTIONS] = [
    Section::NameBytes,
    Section::NameOffsets,
    Section::NameTable,
    Section::WordBytes,
    Section::WordOffsets,
    Section::Records,
    Section::Relations,
    Section::ProviderOffsets,
    Section::Providers,
    Section::Sources,
];

/// Words of a package's record.
pub(crate) const RECORD: usize = 11;
/// Fields of a record.
pub(crate) mod field {
    pub(crate) const NAME: usize = 0;
    pub(crate) const VERSION: usize = 1;
    pub(crate) const ARCH: usize = 2;
    /// Multi-arch (bits 0–1), priority (2–4), essential (5), duplicate (6), source (16–31).
    pub(crate) const FLAGS: usize = 3;
    /// Start in the relations; they end where the next package's begin.
    pub(crate) const RELATIONS: usize = 4;
    pub(crate) const SIZE: usize = 5;
    pub(crate) const FILE_SIZE: usize = 7;
    pub(crate) const GROUP: usize = 9;
    /// Tasks, as one text.
    pub(crate) const TASKS: usize = 10;
}

pub(crate) const FLAG_ESSENTIAL: u32 = 1 << 5;
pub(crate) const FLAG_DUPLICATE: u32 = 1 << 6;

/// Bits of the first word of an atom, above the 26 bits of its name.
pub(crate) const NAME_BITS: u32 = (1 << 26) - 1;
/// Another alternative of the same dependency follows.
pub(crate) const ATOM_MORE: u32 = 1 << 31;
/// Written `:any`.
pub(crate) const ATOM_ANY: u32 = 1 << 30;
/// Needed before unpacking, or by a scriptlet.
pub(crate) const ATOM_BEFORE: u32 = 1 << 29;
/// A second word follows: operator and version.
pub(crate) const ATOM_RANGE: u32 = 1 << 28;

/// Shift of the operator in the second word of an atom; the version's number is below it.
pub(crate) const OP_SHIFT: u32 = 29;
/// In place of an operator: the "version" is the text of a rich dependency.
pub(crate) const OP_RICH: u32 = 7;

/// In the first word of a provider: the package has this very name.
pub(crate) const PROVIDER_REAL: u32 = 1 << 31;
