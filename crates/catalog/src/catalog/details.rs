//! What is needed to show or to fetch a package, and by no solver: summary, path, checksum.
//!
//! Kept apart from the [`Catalog`](super::Catalog) so that a warm start reads it only when asked.

use super::{PackageId, layout::FORMAT, word_at};
use crate::error::CatalogError;

const MAGIC: [u8; 8] = *b"escdetl\0";
const HASH_AT: usize = 16;
const HEADER: usize = HASH_AT + 32;

const NO_DIGIT: u8 = 0xFF;
/// The value of each hexadecimal digit: there are millions of them in the lists of a distribution.
const DIGITS: [u8; 256] = {
    let mut digits = [NO_DIGIT; 256];
    let mut value = 0;
    while value < 16 {
        digits[b"0123456789abcdef"[value] as usize] = value as u8;
        digits[b"0123456789ABCDEF"[value] as usize] = value as u8;
        value += 1;
    }
    digits
};

/// A checksum of a package file, the strongest that the source gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checksum {
    /// SHA-256.
    Sha256([u8; 32]),
    /// SHA-512.
    Sha512([u8; 64]),
}

impl Checksum {
    /// Reads 64 or 128 hexadecimal digits.
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0u8; 64];
        if text.len() != 64 && text.len() != 128 {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let digits = [pair[0], pair[1]].map(|c| DIGITS[usize::from(c)]);
            if digits.contains(&NO_DIGIT) {
                return None;
            }
            *byte = digits[0] << 4 | digits[1];
        }
        match text.len() {
            64 => bytes.first_chunk::<32>().map(|half| Self::Sha256(*half)),
            _ => Some(Self::Sha512(bytes)),
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Sha256(bytes) => bytes,
            Self::Sha512(bytes) => bytes,
        }
    }
}

impl std::fmt::Display for Checksum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.bytes()
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The details of one package.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct PackageDetails<'a> {
    /// One line.
    pub summary: &'a str,
    /// Path of the file below the root of its source.
    pub path: &'a str,
    /// Checksum of the file.
    pub checksum: Option<Checksum>,
}

#[derive(Debug, Default)]
pub(super) struct DetailsBuilder {
    first: u32,
    offsets: Vec<u32>,
    bytes: Vec<u8>,
}

impl DetailsBuilder {
    pub(super) fn push(&mut self, id: u32, details: &PackageDetails<'_>) {
        if self.offsets.is_empty() {
            self.first = id;
        }
        // Beyond 4 GiB of details the rest of them reads as empty.
        self.offsets
            .push(u32::try_from(self.bytes.len()).unwrap_or(u32::MAX));
        let path = cut(details.path, usize::from(u16::MAX));
        let checksum = details.checksum.as_ref().map_or(&[][..], Checksum::bytes);
        self.bytes.push(checksum.len() as u8);
        self.bytes
            .extend_from_slice(&(path.len() as u16).to_le_bytes());
        self.bytes.extend_from_slice(checksum);
        self.bytes.extend_from_slice(path.as_bytes());
        self.bytes
            .extend_from_slice(cut(details.summary, 1000).as_bytes());
    }

    pub(super) fn finish(self) -> Details {
        let mut bytes = Vec::with_capacity(HEADER + 8 + self.offsets.len() * 4 + self.bytes.len());
        bytes.extend_from_slice(&MAGIC);
        for word in [FORMAT, 0] {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
        bytes.resize(HEADER, 0);
        for word in [self.first, self.offsets.len() as u32]
            .into_iter()
            .chain(self.offsets)
        {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
        bytes.extend_from_slice(&self.bytes);
        let hash = hash_of(&bytes);
        bytes[HASH_AT..HEADER].copy_from_slice(&hash);
        Details { bytes }
    }
}

fn cut(text: &str, limit: usize) -> &str {
    &text[..text.floor_char_boundary(limit)]
}

fn hash_of(bytes: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&bytes[..HASH_AT]).update(&bytes[HEADER..]);
    *hasher.finalize().as_bytes()
}

/// The details of all packages of a catalog.
#[derive(Clone)]
pub struct Details {
    bytes: Vec<u8>,
}

impl std::fmt::Debug for Details {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Details")
            .field("bytes", &self.bytes.len())
            .finish()
    }
}

impl Details {
    /// The form to be stored.
    pub fn to_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Opens the stored form.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, CatalogError> {
        let header = bytes
            .get(..HEADER + 8)
            .ok_or(CatalogError::Index("cut short"))?;
        if header[..8] != MAGIC || word_at(header, 2) != FORMAT {
            return Err(CatalogError::Index("of another format"));
        }
        if hash_of(&bytes) != header[HASH_AT..HEADER] {
            return Err(CatalogError::Index("damaged"));
        }
        Ok(Self { bytes })
    }

    /// The details of a package; empty ones for a package that has none here.
    pub fn of(&self, package: PackageId) -> PackageDetails<'_> {
        self.entry(package).unwrap_or_default()
    }

    fn entry(&self, package: PackageId) -> Option<PackageDetails<'_>> {
        let body = self.bytes.get(HEADER..)?;
        let (first, count) = (word_at(body, 0), word_at(body, 1));
        let index = package
            .0
            .checked_sub(first)
            .filter(|&index| index < count)? as usize;
        let entries = body.get(8 + count as usize * 4..)?;
        let start = word_at(body, 2 + index) as usize;
        let end = if index + 1 < count as usize {
            word_at(body, 3 + index) as usize
        } else {
            entries.len()
        };
        let (&checksum_length, rest) = entries.get(start..end)?.split_first()?;
        let (path_length, rest) = rest.split_first_chunk::<2>()?;
        let (checksum, rest) = rest.split_at_checked(usize::from(checksum_length))?;
        let (path, summary) =
            rest.split_at_checked(usize::from(u16::from_le_bytes(*path_length)))?;
        let checksum = match checksum.len() {
            32 => checksum
                .first_chunk::<32>()
                .map(|bytes| Checksum::Sha256(*bytes)),
            64 => checksum
                .first_chunk::<64>()
                .map(|bytes| Checksum::Sha512(*bytes)),
            _ => None,
        };
        Some(PackageDetails {
            summary: super::str_of(summary),
            path: super::str_of(path),
            checksum,
        })
    }
}
