//! What the catalog answers to each dependency, remembered: equal dependencies of many packages are looked up once, and a
//! second question about the same machine finds everything ready.
//!
//! Invariants: a memory belongs to one catalog, one set of installed packages and one list of architectures; wishes,
//! forbidden packages and pins play no part in it.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
};

use escadre_catalog::PackageId;

use crate::rich::Clause;

/// Maps by the fast hasher.
pub(crate) type FastMap<K, V> = HashMap<K, V, BuildHasherDefault<Fold>>;

/// The number of a remembered list of packages.
pub(crate) type ListId = u32;

/// In place of a list: nothing is asked (met by the package itself, or no matter of ours).
pub(crate) const NOTHING: ListId = u32::MAX;
/// In place of a list: a rich dependency, whose clauses are apart.
pub(crate) const RICH: ListId = u32::MAX - 1;

/// Who asks for a list: other rules, another answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asking {
    /// A dependency of a package of the machine's own architecture.
    Dependency,
    /// A conflict.
    Conflict,
    /// An obsoletion: real names only.
    Obsoletion,
}

/// What a package asks for, in numbers of lists.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Needs {
    /// One for each dependency, in the order of the distribution.
    pub(crate) requires: (u32, u32),
    /// One for each conflict.
    pub(crate) bans: (u32, u32),
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub(crate) architectures: Option<Vec<(u32, u32)>>,
    pool: Vec<PackageId>,
    lists: Vec<(u32, u32)>,
    short: [FastMap<u64, ListId>; 3],
    long: [FastMap<Box<[u8]>, ListId>; 3],
    /// For each package one more than its place in `needs`; 0 if it was not looked at.
    places: Vec<u32>,
    needs: Vec<Needs>,
    numbers: Vec<ListId>,
    rich: FastMap<u32, Vec<Clause>>,
}

/// Multiplies and folds, eight bytes at a time.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Fold(u64);

/// The words of a dependency, as a key: most have one or two.
fn short_key(bytes: &[u8]) -> Option<u64> {
    let mut word = [0; 8];
    word.get_mut(..bytes.len())?.copy_from_slice(bytes);
    // A dependency of one word never has the bit that announces a second.
    Some(u64::from_le_bytes(word))
}

impl Memory {
    /// The list of a dependency, by its bytes.
    pub(crate) fn known(&self, asking: Asking, bytes: &[u8]) -> Option<ListId> {
        match short_key(bytes) {
            Some(key) => self.short[asking as usize].get(&key).copied(),
            None => self.long[asking as usize].get(bytes).copied(),
        }
    }

    /// Keeps a list under the bytes of its dependency.
    pub(crate) fn keep(&mut self, asking: Asking, bytes: &[u8], list: ListId) {
        match short_key(bytes) {
            Some(key) => self.short[asking as usize].insert(key, list),
            None => self.long[asking as usize].insert(bytes.into(), list),
        };
    }

    /// Keeps packages as a list of its own.
    pub(crate) fn add(&mut self, packages: &[PackageId]) -> ListId {
        let start = self.pool.len() as u32;
        self.pool.extend_from_slice(packages);
        self.lists.push((start, self.pool.len() as u32));
        self.lists.len() as u32 - 1
    }

    /// The packages of a list.
    pub(crate) fn list(&self, list: ListId) -> &[PackageId] {
        let (start, end) = self.lists.get(list as usize).copied().unwrap_or_default();
        self.pool
            .get(start as usize..end as usize)
            .unwrap_or_default()
    }

    /// What a package needs, if it was looked at already.
    pub(crate) fn needs(&self, package: PackageId) -> Option<Needs> {
        let place = self.places.get(package.0 as usize)?.checked_sub(1)?;
        self.needs.get(place as usize).copied()
    }

    /// Keeps what a package needs.
    pub(crate) fn keep_needs(
        &mut self,
        package: PackageId,
        requires: &[ListId],
        bans: &[ListId],
        rich: Vec<Clause>,
    ) -> Needs {
        let start = self.numbers.len() as u32;
        self.numbers.extend_from_slice(requires);
        let middle = self.numbers.len() as u32;
        self.numbers.extend_from_slice(bans);
        let needs = Needs {
            requires: (start, middle),
            bans: (middle, self.numbers.len() as u32),
        };
        if !rich.is_empty() {
            self.rich.insert(package.0, rich);
        }
        let at = package.0 as usize;
        if self.places.len() <= at {
            self.places.resize(at + 1, 0);
        }
        self.needs.push(needs);
        self.places[at] = self.needs.len() as u32;
        needs
    }

    /// The numbers of a range of [`Needs`].
    pub(crate) fn numbers(&self, (start, end): (u32, u32)) -> &[ListId] {
        self.numbers
            .get(start as usize..end as usize)
            .unwrap_or_default()
    }

    /// Whether any package that was looked at has a rich dependency.
    pub(crate) fn has_rich(&self) -> bool {
        !self.rich.is_empty()
    }

    /// The clauses of a package's rich dependencies.
    pub(crate) fn rich(&self, package: PackageId) -> &[Clause] {
        self.rich.get(&package.0).map_or(&[], Vec::as_slice)
    }
}

impl Hasher for Fold {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u64(&mut self, word: u64) {
        let product = u128::from(self.0 ^ word ^ 0x243F_6A88_85A3_08D3)
            .wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
        self.0 = (product as u64) ^ ((product >> 64) as u64);
    }

    fn write_u32(&mut self, word: u32) {
        self.write_u64(u64::from(word));
    }

    fn write_usize(&mut self, word: usize) {
        self.write_u64(word as u64);
    }
}
