//! All packages of some repositories in one compact buffer, which is also its form on disk.
//!
//! Invariants:
//! - One kind of package (and so one order of versions) in a catalog.
//! - Ids are positions: packages in the order they were added, names by first appearance.
//! - A catalog made from foreign bytes may hold nonsense but never panics: what is out of bounds reads as empty.
//!
//! Absent on purpose: what is needed only to show or to fetch a package; that lies in [`Details`].

mod builder;
mod details;
mod index;
mod intern;
mod layout;
mod provisions;
mod relations;
#[cfg(test)]
mod tests;

use std::ops::Range;

use escadre_model::inventory::PackageKind;

use self::layout::{Section, field};
pub use self::{
    builder::{AtomFlags, CatalogBuilder, PackageHead, RelationSink},
    details::{Checksum, Details, PackageDetails},
    relations::{Atom, Atoms, Demand, Group, Groups, RelationKind, Relations},
};
use crate::package::{Op, ranges_overlap};

/// A package of a catalog: its position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackageId(pub u32);

/// A name in a catalog: of a package, or of what is provided or required.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NameId(pub u32);

/// What a Debian package says about other architectures.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MultiArch {
    /// Nothing: it serves its own architecture.
    #[default]
    No,
    /// May be installed for several architectures at once.
    Same,
    /// Serves packages of every architecture.
    Foreign,
    /// Serves those that ask with `:any`.
    Allowed,
}

/// Debian's priority; `Optional` elsewhere.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// Without it nothing works.
    Required,
    /// Expected on any system.
    Important,
    /// Of a default system.
    Standard,
    /// All others.
    #[default]
    Optional,
    /// Special needs only.
    Extra,
}

/// One that provides a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Provider<'a> {
    /// The package.
    pub package: PackageId,
    /// It has the name itself, rather than providing it.
    pub real: bool,
    /// In which version.
    pub op: Op,
    /// Empty without a version.
    pub version: &'a str,
}

/// All packages of some repositories.
#[derive(Clone)]
pub struct Catalog {
    kind: PackageKind,
    name_seed: u32,
    bytes: Vec<u8>,
    sections: [(usize, usize); layout::SECTIONS],
}

impl std::fmt::Debug for Catalog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Catalog")
            .field("kind", &self.kind)
            .field("packages", &self.len())
            .finish_non_exhaustive()
    }
}

impl Catalog {
    /// dpkg or rpm.
    pub fn kind(&self) -> PackageKind {
        self.kind
    }

    /// How many packages there are.
    pub fn len(&self) -> usize {
        self.section(Section::Records).len() / (layout::RECORD * 4)
    }

    /// Whether there is no package.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All packages, in the order they were added.
    pub fn ids(&self) -> impl ExactSizeIterator<Item = PackageId> + use<> {
        (0..self.len() as u32).map(PackageId)
    }

    /// How many names there are.
    pub fn names(&self) -> usize {
        (self.section(Section::NameOffsets).len() / 4).saturating_sub(1)
    }

    /// The name of a package.
    pub fn name(&self, package: PackageId) -> &str {
        self.name_text(self.name_of(package))
    }

    /// The name of a package, as a number.
    pub fn name_of(&self, package: PackageId) -> NameId {
        NameId(self.record(package, field::NAME))
    }

    /// `[epoch:]version[-release]`.
    pub fn version(&self, package: PackageId) -> &str {
        self.word(self.record(package, field::VERSION))
    }

    /// Architecture, as the distribution names it.
    pub fn arch(&self, package: PackageId) -> &str {
        self.word(self.record(package, field::ARCH))
    }

    /// Architecture as a number: equal numbers are equal architectures.
    pub fn arch_number(&self, package: PackageId) -> u32 {
        self.record(package, field::ARCH)
    }

    /// Section (Debian) or group (rpm).
    pub fn group(&self, package: PackageId) -> &str {
        self.word(self.record(package, field::GROUP))
    }

    /// Tasks of the installer that it belongs to.
    pub fn tasks(&self, package: PackageId) -> impl Iterator<Item = &str> {
        self.word(self.record(package, field::TASKS))
            .split(',')
            .map(str::trim)
            .filter(|task| !task.is_empty())
    }

    /// Size once installed, in bytes.
    pub fn size(&self, package: PackageId) -> u64 {
        self.wide(package, field::SIZE)
    }

    /// Size of the package file, in bytes.
    pub fn file_size(&self, package: PackageId) -> u64 {
        self.wide(package, field::FILE_SIZE)
    }

    /// What it says about other architectures.
    pub fn multi_arch(&self, package: PackageId) -> MultiArch {
        match self.record(package, field::FLAGS) & 3 {
            1 => MultiArch::Same,
            2 => MultiArch::Foreign,
            3 => MultiArch::Allowed,
            _ => MultiArch::No,
        }
    }

    /// Debian's priority.
    pub fn priority(&self, package: PackageId) -> Priority {
        match (self.record(package, field::FLAGS) >> 2) & 7 {
            0 => Priority::Required,
            1 => Priority::Important,
            2 => Priority::Standard,
            4 => Priority::Extra,
            _ => Priority::Optional,
        }
    }

    /// Whether the system cannot be without it.
    pub fn is_essential(&self, package: PackageId) -> bool {
        self.record(package, field::FLAGS) & layout::FLAG_ESSENTIAL != 0
    }

    /// Whether the same name, version and architecture came earlier: such a package is found by id only.
    pub fn is_duplicate(&self, package: PackageId) -> bool {
        self.record(package, field::FLAGS) & layout::FLAG_DUPLICATE != 0
    }

    /// The source that it came from, as the builder was told.
    pub fn source(&self, package: PackageId) -> &str {
        let number = self.record(package, field::FLAGS) >> 16;
        self.word(self.at(Section::Sources, number as usize))
    }

    /// Its dependencies and all other relations.
    pub fn relations(&self, package: PackageId) -> Relations<'_> {
        let start = self.record(package, field::RELATIONS) as usize * 4;
        let all = self.section(Section::Relations);
        let next = PackageId(package.0.saturating_add(1));
        let end = if (next.0 as usize) < self.len() {
            self.record(next, field::RELATIONS) as usize * 4
        } else {
            all.len()
        };
        Relations {
            catalog: self,
            bytes: all.get(start..end).unwrap_or_default(),
        }
    }

    /// The number of a name, if anything has, provides or asks for it.
    pub fn name_id(&self, name: &str) -> Option<NameId> {
        let table = self.section(Section::NameTable);
        intern::look_up(
            self.name_seed,
            table.len() / 4,
            name.as_bytes(),
            |place| word_at(table, place),
            |number| self.text(Section::NameOffsets, Section::NameBytes, number),
        )
        .map(NameId)
    }

    /// The text of a name.
    pub fn name_text(&self, name: NameId) -> &str {
        str_of(self.text(Section::NameOffsets, Section::NameBytes, name.0))
    }

    /// All that have or provide a name: those that have it first, newest first; then the others in catalog order.
    pub fn providers(&self, name: NameId) -> impl ExactSizeIterator<Item = Provider<'_>> + Clone {
        self.provider_words(name).map(|[first, range]| {
            let (op, version) = self.range(range);
            Provider {
                package: PackageId(first & !layout::PROVIDER_REAL),
                real: first & layout::PROVIDER_REAL != 0,
                op,
                version,
            }
        })
    }

    /// Those of the [`Self::providers`] that answer a demand: each with whether it has the name itself.
    pub fn answering(
        &self,
        name: NameId,
        op: Op,
        version: &str,
    ) -> impl Iterator<Item = (PackageId, bool)> {
        let package = |first: u32| PackageId(first & !layout::PROVIDER_REAL);
        self.provider_words(name)
            .filter(move |&[first, range]| {
                // Most demands have no range, and then none has to be read.
                let (provided, at) = if op == Op::Any {
                    (Op::Any, "")
                } else {
                    self.range(range)
                };
                let provider = Provider {
                    package: package(first),
                    real: first & layout::PROVIDER_REAL != 0,
                    op: provided,
                    version: at,
                };
                self.answers(&provider, op, version)
            })
            .map(move |[first, _]| (package(first), first & layout::PROVIDER_REAL != 0))
    }

    /// The packages that have a name, newest first.
    pub fn packages_named(&self, name: NameId) -> impl Iterator<Item = PackageId> + Clone {
        self.provider_words(name)
            .take_while(|[first, _]| first & layout::PROVIDER_REAL != 0)
            .map(|[first, _]| PackageId(first & !layout::PROVIDER_REAL))
    }

    fn provider_words(&self, name: NameId) -> impl ExactSizeIterator<Item = [u32; 2]> + Clone {
        let all = self.section(Section::Providers);
        let offsets = self.section(Section::ProviderOffsets);
        let start = word_at(offsets, name.0 as usize) as usize * 8;
        let end = word_at(offsets, (name.0 as usize).saturating_add(1)) as usize * 8;
        let (entries, _) = all.get(start..end).unwrap_or_default().as_chunks::<8>();
        entries
            .iter()
            .map(|entry| [word_at(entry, 0), word_at(entry, 1)])
    }

    /// Finds a package; without a version the newest, without an architecture the first of any.
    pub fn find(&self, name: &str, version: Option<&str>, arch: Option<&str>) -> Option<PackageId> {
        self.packages_named(self.name_id(name)?).find(|&id| {
            version.is_none_or(|v| self.version(id) == v) && arch.is_none_or(|a| self.arch(id) == a)
        })
    }

    /// Whether what is provided answers the demand, by the rule of the kind: in Debian an unversioned provision answers no
    /// versioned demand; in rpm it answers all.
    pub fn answers(&self, provider: &Provider<'_>, op: Op, version: &str) -> bool {
        match self.kind {
            _ if op == Op::Any => true,
            PackageKind::Deb if provider.op == Op::Any => false,
            kind => ranges_overlap(kind, (provider.op, provider.version), (op, version)),
        }
    }

    fn section(&self, section: Section) -> &[u8] {
        let (start, end) = self.sections[section as usize];
        self.bytes.get(start..end).unwrap_or_default()
    }

    fn at(&self, section: Section, index: usize) -> u32 {
        word_at(self.section(section), index)
    }

    fn record(&self, package: PackageId, field: usize) -> u32 {
        self.at(
            Section::Records,
            package.0 as usize * layout::RECORD + field,
        )
    }

    fn wide(&self, package: PackageId, field: usize) -> u64 {
        u64::from(self.record(package, field)) | u64::from(self.record(package, field + 1)) << 32
    }

    fn text(&self, offsets: Section, bytes: Section, number: u32) -> &[u8] {
        let (start, end) = (
            self.at(offsets, number as usize),
            self.at(offsets, (number as usize).saturating_add(1)),
        );
        let range: Range<usize> = start as usize..end as usize;
        self.section(bytes).get(range).unwrap_or_default()
    }

    fn word(&self, number: u32) -> &str {
        str_of(self.text(Section::WordOffsets, Section::WordBytes, number))
    }

    fn range(&self, word: u32) -> (Op, &str) {
        match relations::op_of(word >> layout::OP_SHIFT) {
            Op::Any => (Op::Any, ""),
            op => (op, self.word(word & ((1 << layout::OP_SHIFT) - 1))),
        }
    }

    fn demand(&self, word: u32) -> Demand<'_> {
        if word >> layout::OP_SHIFT == layout::OP_RICH {
            return Demand::Rich(self.word(word & ((1 << layout::OP_SHIFT) - 1)));
        }
        let (op, version) = self.range(word);
        Demand::Range(op, version)
    }
}

fn word_at(bytes: &[u8], index: usize) -> u32 {
    let start = index.saturating_mul(4);
    bytes
        .get(start..)
        .and_then(|rest| rest.first_chunk::<4>())
        .map_or(0, |word| u32::from_le_bytes(*word))
}

fn str_of(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}
