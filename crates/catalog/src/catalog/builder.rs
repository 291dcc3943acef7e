//! Filling a catalog: the readers push packages and relations, [`CatalogBuilder::finish`] lays the indexes.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

use escadre_model::{inventory::PackageKind, version};

use super::{
    Catalog, Details, MultiArch, PackageDetails, PackageId, Priority, RelationKind,
    details::DetailsBuilder,
    index,
    intern::Interner,
    layout::{self, RECORD, field},
    relations::op_number,
};
use crate::{
    error::CatalogError,
    package::{Op, Package, Property},
    rpmmd::filelists::FileOwner,
};

/// What a package is, but for its relations.
#[derive(Debug, Default, Clone, Copy)]
pub struct PackageHead<'a> {
    /// Name.
    pub name: &'a [u8],
    /// `[epoch:]version[-release]`.
    pub version: &'a [u8],
    /// Architecture.
    pub arch: &'a [u8],
    /// Section or group.
    pub group: &'a [u8],
    /// Tasks, separated by commas.
    pub tasks: &'a [u8],
    /// Installed size in bytes.
    pub size: u64,
    /// Size of the file in bytes.
    pub file_size: u64,
    /// What it says about other architectures.
    pub multi_arch: MultiArch,
    /// Debian's priority.
    pub priority: Priority,
    /// Essential.
    pub essential: bool,
}

/// A catalog under construction.
#[derive(Debug)]
pub struct CatalogBuilder {
    kind: PackageKind,
    pub(super) names: Interner,
    pub(super) words: Interner,
    pub(super) records: Vec<u32>,
    pub(super) relations: Vec<u32>,
    pub(super) sources: Vec<u32>,
    /// Files found to be provided after their package was added: package and name.
    pub(super) late: Vec<(u32, u32)>,
    details: DetailsBuilder,
}

/// Takes the relations of one kind of one package, alternative by alternative.
#[derive(Debug)]
pub struct RelationSink<'a> {
    builder: &'a mut CatalogBuilder,
    header: usize,
    kind: RelationKind,
}

impl CatalogBuilder {
    /// An empty catalog of a kind.
    pub fn new(kind: PackageKind) -> Self {
        let mut words = Interner::default();
        // Number 0 is the empty word, so that 0 in a record means "not said".
        let empty = words.intern("words", b"");
        debug_assert!(matches!(empty, Ok(0)), "the first word has number 0");
        Self {
            kind,
            names: Interner::default(),
            words,
            records: Vec::new(),
            relations: Vec::new(),
            sources: Vec::new(),
            late: Vec::new(),
            details: DetailsBuilder::default(),
        }
    }

    /// Goes on where a catalog ends, so that ids stay what they were. Its details are not taken over.
    pub fn continuing(catalog: &Catalog) -> Self {
        index::to_builder(catalog)
    }

    pub(super) fn from_parts(kind: PackageKind, names: Interner, words: Interner) -> Self {
        Self {
            names,
            words,
            ..Self::new(kind)
        }
    }

    /// How many packages there are so far.
    pub fn len(&self) -> usize {
        self.records.len() / RECORD
    }

    /// Whether there is no package yet.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Packages added from now on come from this source.
    pub fn begin_source(&mut self, name: &str) -> Result<(), CatalogError> {
        if self.sources.len() >= usize::from(u16::MAX) {
            return Err(CatalogError::TooMany("sources"));
        }
        let word = self.words.intern("words", name.as_bytes())?;
        self.sources.push(word);
        Ok(())
    }

    /// Adds a package; its relations follow by [`Self::relate`].
    pub fn package(
        &mut self,
        head: &PackageHead<'_>,
        details: &PackageDetails<'_>,
    ) -> Result<PackageId, CatalogError> {
        if self.sources.is_empty() {
            self.begin_source("")?;
        }
        let id = u32::try_from(self.len())
            .ok()
            .filter(|&id| id < 1 << 30)
            .ok_or(CatalogError::TooMany("packages"))?;
        let relations =
            u32::try_from(self.relations.len()).map_err(|_| CatalogError::TooMany("relations"))?;
        let mut flags = (self.sources.len() as u32 - 1) << 16
            | head.multi_arch as u32
            | (head.priority as u32) << 2;
        if head.essential {
            flags |= layout::FLAG_ESSENTIAL;
        }
        let record = [
            self.names.intern("names", &text(head.name))?,
            self.words.intern("words", &text(head.version))?,
            self.words.intern("words", &text(head.arch))?,
            flags,
            relations,
            head.size as u32,
            (head.size >> 32) as u32,
            head.file_size as u32,
            (head.file_size >> 32) as u32,
            self.words.intern("words", &text(head.group))?,
            self.words.intern("words", &text(head.tasks))?,
        ];
        self.records.extend_from_slice(&record);
        self.details.push(id, details);
        Ok(PackageId(id))
    }

    /// Opens a list of relations of the package that was added last. Call [`RelationSink::close`] at its end.
    pub fn relate(&mut self, kind: RelationKind) -> RelationSink<'_> {
        let header = self.relations.len();
        self.relations.push(0);
        RelationSink {
            builder: self,
            header,
            kind,
        }
    }

    /// Adds an owned package. Requirements of a .deb may hold alternatives in the name (`a | b (>= 2)`).
    pub fn owned(&mut self, package: &Package) -> Result<PackageId, CatalogError> {
        let evr = package.evr();
        let head = PackageHead {
            name: package.name.as_bytes(),
            version: evr.as_bytes(),
            arch: package.arch.as_bytes(),
            group: package.group.as_bytes(),
            size: package.size,
            file_size: package.filesize,
            priority: Priority::Optional,
            ..PackageHead::default()
        };
        let path = if self.kind == PackageKind::Rpm {
            package.full_name() + ".rpm"
        } else {
            String::new()
        };
        let details = PackageDetails {
            summary: &package.summary,
            path: &path,
            checksum: None,
        };
        let id = self.package(&head, &details)?;
        for (kind, properties) in [
            (RelationKind::Requires, &package.requires),
            (RelationKind::Recommends, &package.recommends),
            (RelationKind::Suggests, &package.suggests),
            (RelationKind::Conflicts, &package.conflicts),
            (RelationKind::Obsoletes, &package.obsoletes),
            (RelationKind::Provides, &package.provides),
        ] {
            self.owned_relations(kind, properties)?;
        }
        Ok(id)
    }

    fn owned_relations(
        &mut self,
        kind: RelationKind,
        properties: &[Property],
    ) -> Result<(), CatalogError> {
        if properties.is_empty() {
            return Ok(());
        }
        let deb = self.kind == PackageKind::Deb;
        let mut sink = self.relate(kind);
        for property in properties {
            if deb && property.op == Op::Any {
                crate::debian::relation::push_group(
                    &mut sink,
                    property.name.as_bytes(),
                    property.before,
                )?;
            } else {
                sink.property(property)?;
            }
        }
        sink.close()
    }

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

    /// Lays the indexes.
    pub fn finish(mut self) -> Result<(Catalog, Details), CatalogError> {
        let details = std::mem::take(&mut self.details).finish();
        let order = self.by_name();
        let (offsets, providers) = self.provider_index(&order)?;
        drop(order);
        Ok((
            index::assemble(self.kind, self, &offsets, &providers)?,
            details,
        ))
    }

    fn record(&self, package: u32, field: usize) -> u32 {
        self.records[package as usize * RECORD + field]
    }

    /// Packages by name, newest first, and among equals in the order they were added; marks those that came earlier.
    fn by_name(&mut self) -> Vec<u32> {
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
    fn provider_index(&self, real: &[u32]) -> Result<(Vec<u32>, Vec<u32>), CatalogError> {
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

/// Bytes that are no UTF-8 are replaced, so that every text of a catalog can be shown.
fn text(bytes: &[u8]) -> Cow<'_, [u8]> {
    match std::str::from_utf8(bytes) {
        Ok(_) => Cow::Borrowed(bytes),
        Err(_) => Cow::Owned(String::from_utf8_lossy(bytes).into_owned().into_bytes()),
    }
}

impl RelationSink<'_> {
    /// Adds an alternative. `more` says that another one of the same dependency follows.
    pub fn atom(
        &mut self,
        name: &[u8],
        (op, version): (Op, &[u8]),
        flags: AtomFlags,
    ) -> Result<(), CatalogError> {
        let mut word = self.builder.names.intern("names", &text(name))?;
        let more = if flags.more { layout::ATOM_MORE } else { 0 };
        let any = if flags.any_arch { layout::ATOM_ANY } else { 0 };
        let before = if flags.before { layout::ATOM_BEFORE } else { 0 };
        word |= more | any | before;
        if op == Op::Any {
            self.builder.relations.push(word);
        } else {
            let version = self.builder.words.intern("words", &text(version))?;
            self.builder.relations.push(word | layout::ATOM_RANGE);
            self.builder
                .relations
                .push(op_number(op) << layout::OP_SHIFT | version);
        }
        Ok(())
    }

    /// Adds a rich dependency, as text.
    pub fn rich(&mut self, expression: &[u8]) -> Result<(), CatalogError> {
        let name = self.builder.names.intern("names", &text(expression))?;
        let word = self.builder.words.intern("words", &text(expression))?;
        self.builder.relations.push(name | layout::ATOM_RANGE);
        self.builder
            .relations
            .push(layout::OP_RICH << layout::OP_SHIFT | word);
        Ok(())
    }

    /// Adds a property of an rpm: rich if it is in parentheses with blanks.
    pub fn property(&mut self, property: &Property) -> Result<(), CatalogError> {
        if property.name.starts_with('(') && property.name.contains(' ') {
            return self.rich(property.name.as_bytes());
        }
        let flags = AtomFlags {
            before: property.before,
            ..AtomFlags::default()
        };
        self.atom(
            property.name.as_bytes(),
            (property.op, property.version.as_bytes()),
            flags,
        )
    }

    /// Ends the list.
    pub fn close(self) -> Result<(), CatalogError> {
        let length = self.builder.relations.len() - self.header - 1;
        if length == 0 {
            self.builder.relations.pop();
            return Ok(());
        }
        let length = u32::try_from(length)
            .ok()
            .filter(|&n| n < 1 << 24)
            .ok_or(CatalogError::TooMany("dependencies"))?;
        self.builder.relations[self.header] = (self.kind as u32) << 24 | length;
        Ok(())
    }
}

/// What else is said of an alternative.
#[derive(Debug, Default, Clone, Copy)]
pub struct AtomFlags {
    /// Another alternative follows.
    pub more: bool,
    /// Written `:any`.
    pub any_arch: bool,
    /// Needed before unpacking, or by a scriptlet.
    pub before: bool,
}
