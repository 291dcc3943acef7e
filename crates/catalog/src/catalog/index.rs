//! The catalog's buffer: put together from a builder, opened from bytes, taken apart again to go on.
//!
//! The buffer is the index on disk: a header with a BLAKE3 hash over all that follows it, then the sections. Whatever is
//! wrong with bytes that come from disk (cut, altered, of another format) is one error, upon which the caller rebuilds.

use escadre_model::inventory::PackageKind;

use super::{
    Catalog, CatalogBuilder, Group, NameId, RelationKind,
    intern::Interner,
    layout::{ALL, FORMAT, HASH_AT, HEADER, MAGIC, RECORD, SECTIONS, Section},
    relations::take_word,
    word_at,
};
use crate::error::CatalogError;

/// Where the table of sections stands.
const TABLE_AT: usize = HASH_AT + 32;

impl Catalog {
    /// The index, to be stored as it is.
    pub fn to_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The hash of the index: equal hashes are equal catalogs.
    pub fn hash(&self) -> [u8; 32] {
        self.bytes
            .get(HASH_AT..)
            .and_then(|rest| rest.first_chunk::<32>())
            .copied()
            .unwrap_or_default()
    }

    /// Opens a stored index.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, CatalogError> {
        let header = bytes
            .get(..HEADER)
            .ok_or(CatalogError::Index("cut short"))?;
        if header[..8] != MAGIC {
            return Err(CatalogError::Index("not an index"));
        }
        if word_at(header, 2) != FORMAT {
            return Err(CatalogError::Index("of another format"));
        }
        let kind = match word_at(header, 3) {
            0 => PackageKind::Deb,
            1 => PackageKind::Rpm,
            _ => return Err(CatalogError::Index("of an unknown kind")),
        };
        if hash_of(&bytes) != header[HASH_AT..HASH_AT + 32] {
            return Err(CatalogError::Index("damaged"));
        }
        let sections = section_table(&bytes)?;
        let catalog = Self {
            kind,
            name_seed: word_at(header, 4),
            bytes,
            sections,
        };
        let whole_records = catalog
            .section(Section::Records)
            .len()
            .is_multiple_of(RECORD * 4);
        if !whole_records || catalog.len() > 1 << 30 {
            return Err(CatalogError::Index("of broken records"));
        }
        Ok(catalog)
    }
}

/// Covers all but the hash itself.
fn hash_of(bytes: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&bytes[..HASH_AT]).update(&bytes[TABLE_AT..]);
    *hasher.finalize().as_bytes()
}

fn section_table(bytes: &[u8]) -> Result<[(usize, usize); SECTIONS], CatalogError> {
    let mut sections = [(0, 0); SECTIONS];
    let mut table = &bytes[TABLE_AT..HEADER];
    for section in &mut sections {
        let broken = || CatalogError::Index("of broken sections");
        let (start, rest) = take_word(table).ok_or_else(broken)?;
        let (end, rest) = take_word(rest).ok_or_else(broken)?;
        *section = (start as usize, end as usize);
        if start > end || end as usize > bytes.len() {
            return Err(broken());
        }
        table = rest;
    }
    Ok(sections)
}

/// Makes the buffer. Each part of the builder is dropped as soon as it is copied.
pub(super) fn assemble(
    kind: PackageKind,
    builder: CatalogBuilder,
    provider_offsets: &[u32],
    providers: &[u32],
) -> Result<Catalog, CatalogError> {
    let CatalogBuilder {
        names,
        words,
        records,
        relations,
        sources,
        ..
    } = builder;
    let name_seed = names.seed;
    let word_count = names.offsets.len()
        + names.table.len()
        + words.offsets.len()
        + records.len()
        + relations.len();
    let size = HEADER
        + names.bytes.len()
        + words.bytes.len()
        + (word_count + provider_offsets.len() + providers.len()) * 4;
    let mut bytes = Vec::with_capacity(size + sources.len() * 4 + 16);
    bytes.extend_from_slice(&MAGIC);
    for word in [FORMAT, u32::from(kind == PackageKind::Rpm), name_seed, 0] {
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    bytes.resize(HEADER, 0);
    let mut sections = [(0, 0); SECTIONS];
    let Interner {
        bytes: name_bytes,
        offsets: name_offsets,
        table: name_table,
        ..
    } = names;
    let Interner {
        bytes: word_bytes,
        offsets: word_offsets,
        ..
    } = words;
    for section in ALL {
        let start = bytes.len();
        match section {
            Section::NameBytes => bytes.extend_from_slice(&name_bytes),
            Section::WordBytes => bytes.extend_from_slice(&word_bytes),
            Section::NameOffsets => put(&mut bytes, &name_offsets),
            Section::NameTable => put(&mut bytes, &name_table),
            Section::WordOffsets => put(&mut bytes, &word_offsets),
            Section::Records => put(&mut bytes, &records),
            Section::Relations => put(&mut bytes, &relations),
            Section::ProviderOffsets => put(&mut bytes, provider_offsets),
            Section::Providers => put(&mut bytes, providers),
            Section::Sources => put(&mut bytes, &sources),
        }
        sections[section as usize] = (start, bytes.len());
    }
    if u32::try_from(bytes.len()).is_err() {
        return Err(CatalogError::TooMany("bytes"));
    }
    for (index, &(start, end)) in sections.iter().enumerate() {
        let at = TABLE_AT + index * 8;
        bytes[at..at + 4].copy_from_slice(&(start as u32).to_le_bytes());
        bytes[at + 4..at + 8].copy_from_slice(&(end as u32).to_le_bytes());
    }
    let hash = hash_of(&bytes);
    bytes[HASH_AT..HASH_AT + 32].copy_from_slice(&hash);
    Ok(Catalog {
        kind,
        name_seed,
        bytes,
        sections,
    })
}

fn put(bytes: &mut Vec<u8>, words: &[u32]) {
    bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
}

/// A builder that holds what the catalog holds.
pub(super) fn to_builder(catalog: &Catalog) -> CatalogBuilder {
    let words_of = |section: Section| -> Vec<u32> {
        catalog
            .section(section)
            .chunks_exact(4)
            .map(|chunk| word_at(chunk, 0))
            .collect()
    };
    let names = Interner {
        bytes: catalog.section(Section::NameBytes).to_vec(),
        offsets: words_of(Section::NameOffsets),
        table: words_of(Section::NameTable),
        seed: catalog.name_seed,
    };
    let mut words = Interner {
        bytes: catalog.section(Section::WordBytes).to_vec(),
        offsets: words_of(Section::WordOffsets),
        ..Interner::default()
    };
    words.rebuild();
    let mut builder = CatalogBuilder::from_parts(catalog.kind, names, words);
    builder.records = words_of(Section::Records);
    builder.relations = words_of(Section::Relations);
    builder.sources = words_of(Section::Sources);
    builder.late = late_files(catalog);
    builder
}

/// Files that are in the index of providers and in no relation of their package: they came from a file list.
fn late_files(catalog: &Catalog) -> Vec<(u32, u32)> {
    let names = (0..catalog.names() as u32)
        .map(NameId)
        .filter(|&name| catalog.name_text(name).starts_with('/'));
    let pairs = names.flat_map(|name| {
        catalog
            .providers(name)
            .map(move |provider| (provider.package, name))
    });
    pairs
        .filter(|&(package, name)| {
            let mut own = catalog
                .relations(package)
                .of(RelationKind::Provides)
                .flat_map(Group::atoms);
            !own.any(|atom| atom.name == name)
        })
        .map(|(package, name)| (package.0, name.0))
        .collect()
}
