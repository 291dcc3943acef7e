//! Filling a catalog: the readers push packages and relations, [`CatalogBuilder::finish`] lays the indexes.

use escadre_model::inventory::PackageKind;

use super::{
    Catalog, Details, MultiArch, PackageDetails, PackageId, Priority, RelationKind,
    details::DetailsBuilder,
    index,
    intern::Interner,
    layout::{self, RECORD},
    relations::op_number,
};
use crate::{
    error::CatalogError,
    package::{Op, Package, Property},
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
    pub(super) kind: PackageKind,
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
            self.names.intern("names", head.name)?,
            self.words.intern("words", head.version)?,
            self.words.intern("words", head.arch)?,
            flags,
            relations,
            head.size as u32,
            (head.size >> 32) as u32,
            head.file_size as u32,
            (head.file_size >> 32) as u32,
            self.words.intern("words", head.group)?,
            self.words.intern("words", head.tasks)?,
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

    pub(super) fn record(&self, package: u32, field: usize) -> u32 {
        self.records[package as usize * RECORD + field]
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
        let mut word = self.builder.names.intern("names", name)?;
        let more = if flags.more { layout::ATOM_MORE } else { 0 };
        let any = if flags.any_arch { layout::ATOM_ANY } else { 0 };
        let before = if flags.before { layout::ATOM_BEFORE } else { 0 };
        word |= more | any | before;
        if op == Op::Any {
            self.builder.relations.push(word);
        } else {
            let version = self.builder.words.intern("words", version)?;
            self.builder.relations.push(word | layout::ATOM_RANGE);
            self.builder
                .relations
                .push(op_number(op) << layout::OP_SHIFT | version);
        }
        Ok(())
    }

    /// Adds a rich dependency, as text.
    pub fn rich(&mut self, expression: &[u8]) -> Result<(), CatalogError> {
        let name = self.builder.names.intern("names", expression)?;
        let word = self.builder.words.intern("words", expression)?;
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
