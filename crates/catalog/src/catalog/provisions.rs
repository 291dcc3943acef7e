//! Who provides what: the index from names to packages that a builder lays at its end.

use std::collections::{HashMap, HashSet};

use escadre_model::version;

use super::{
    CatalogBuilder, RelationKind,
    layout::{self, RECORD, field},
    relations::op_number,
};
use crate::{error::CatalogError, package::Op, rpmmd::filelists::FileOwner};

impl CatalogBuilder {
    /// Paths that some package asks for and none provides yet.
    pub fn unanswered_paths(&self) -> HashSet<String> {
        let mut provided = HashSet::new();
        self.each_provision(|_, name, _| {
            provided.insert(name);
        });
        (0..self.names.len() as u32)
            .filter(|name| !provided.contains(name))
            .filter_map(|name| std::str::from_utf8(self.names.get(name)).ok())
            .filter(|text| text.starts_with('/'))
            .map(str::to_owned)
            .collect()
    }

    /// Notes that packages have these files. What no package of this name, version and architecture has is passed over.
    pub fn add_files(&mut self, owners: &[FileOwner]) -> Result<(), CatalogError> {
        let text = |package: u32, field| self.words.get(self.record(package, field));
        let mut packages: HashMap<&[u8], Vec<u32>> = HashMap::new();
        for package in 0..self.len() as u32 {
            packages
                .entry(self.names.get(self.record(package, field::NAME)))
                .or_default()
                .push(package);
        }
        let mut found = Vec::new();
        for owner in owners {
            let named = packages
                .get(owner.name.as_bytes())
                .into_iter()
                .flatten()
                .copied();
            let same = |&package: &u32| {
                text(package, field::VERSION) == owner.evr.as_bytes()
                    && text(package, field::ARCH) == owner.arch.as_bytes()
            };
            found.extend(named.filter(same).map(|package| (package, &owner.path)));
        }
        for (package, path) in found {
            let name = self.names.intern("names", path.as_bytes())?;
            self.late.push((package, name));
        }
        Ok(())
    }

    /// Packages by name, newest first, and among equals in the order they were added; marks those that came earlier.
    pub(super) fn by_name(&mut self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.len() as u32).collect();
        order.sort_by_key(|&package| self.record(package, field::NAME));
        let same_name =
            |a: &u32, b: &u32| self.record(*a, field::NAME) == self.record(*b, field::NAME);
        let mut duplicates = Vec::new();
        for run in order.chunk_by_mut(same_name).filter(|run| run.len() > 1) {
            let version = |package: u32| {
                let bytes = self.words.get(self.record(package, field::VERSION));
                std::str::from_utf8(bytes).unwrap_or_default()
            };
            run.sort_by(|&a, &b| version::compare(self.kind, version(b), version(a)));
            let identity = |package: u32| {
                [field::VERSION, field::ARCH].map(|field| self.record(package, field))
            };
            let mut seen: Vec<([u32; 2], u32)> = run
                .iter()
                .map(|&package| (identity(package), package))
                .collect();
            seen.sort_unstable();
            duplicates.extend(
                seen.windows(2)
                    .filter(|pair| pair[0].0 == pair[1].0)
                    .map(|pair| pair[1].1),
            );
        }
        for duplicate in duplicates {
            self.records[duplicate as usize * RECORD + field::FLAGS] |= layout::FLAG_DUPLICATE;
        }
        order
    }

    fn is_duplicate(&self, package: u32) -> bool {
        self.record(package, field::FLAGS) & layout::FLAG_DUPLICATE != 0
    }

    /// For each name: who has it (newest first), then who provides it (catalog order).
    pub(super) fn provider_index(
        &self,
        real: &[u32],
    ) -> Result<(Vec<u32>, Vec<u32>), CatalogError> {
        let names = self.names.len();
        let mut counts = vec![0u32; names + 1];
        let mut count = |name: u32| {
            if let Some(count) = counts.get_mut(name as usize + 1) {
                *count += 1;
            }
        };
        real.iter()
            .filter(|&&p| !self.is_duplicate(p))
            .for_each(|&p| count(self.record(p, field::NAME)));
        self.each_provision(|_, name, _| count(name));
        let mut total = 0u32;
        for count in &mut counts {
            total = total
                .checked_add(*count)
                .ok_or(CatalogError::TooMany("provisions"))?;
            *count = total;
        }
        let mut next = counts.clone();
        let mut entries = vec![0u32; total as usize * 2];
        let mut put = |name: u32, first: u32, second: u32| {
            let at = next[name as usize] as usize * 2;
            entries[at] = first;
            entries[at + 1] = second;
            next[name as usize] += 1;
        };
        for &package in real.iter().filter(|&&p| !self.is_duplicate(p)) {
            let version =
                op_number(Op::Equal) << layout::OP_SHIFT | self.record(package, field::VERSION);
            put(
                self.record(package, field::NAME),
                package | layout::PROVIDER_REAL,
                version,
            );
        }
        self.each_provision(|package, name, range| put(name, package, range));
        Ok((counts, entries))
    }

    /// Calls with package, name and range of every provision, but for a package's own name in its own version.
    fn each_provision(&self, mut call: impl FnMut(u32, u32, u32)) {
        for &(package, name) in &self.late {
            if !self.is_duplicate(package) {
                call(package, name, 0);
            }
        }
        for package in 0..self.len() as u32 {
            if self.is_duplicate(package) {
                continue;
            }
            let own = self.record(package, field::NAME);
            let start = self.record(package, field::RELATIONS) as usize;
            let end = if package as usize + 1 < self.len() {
                self.record(package + 1, field::RELATIONS) as usize
            } else {
                self.relations.len()
            };
            let mut blocks = self.relations.get(start..end).unwrap_or_default();
            while let Some((&header, rest)) = blocks.split_first() {
                let (block, after) = rest.split_at((header as usize & 0x00FF_FFFF).min(rest.len()));
                if header >> 24 == RelationKind::Provides as u32 {
                    provisions(block, |name, range| {
                        if name != own {
                            call(package, name, range);
                        }
                    });
                }
                blocks = after;
            }
        }
    }
}

fn provisions(mut block: &[u32], mut call: impl FnMut(u32, u32)) {
    while let Some((&word, rest)) = block.split_first() {
        let (range, after) = match rest.split_first() {
            Some((&range, after)) if word & layout::ATOM_RANGE != 0 => (range, after),
            _ => (0, rest),
        };
        call(word & layout::NAME_BITS, range);
        block = after;
    }
}
