//! What can be had and what is there: the packages of all media in order, and those that are installed.
//!
//! Invariant: the id of a package is its position over all media. Where the original followed the order of a hash,
//! packages come sorted by name, then by id.

use std::collections::HashMap;

use escadre_catalog::{Op, Package, Property};
use escadre_model::{inventory::PackageKind, version};
use std::cmp::Ordering;

use super::arch;

/// Position of a package over all media.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackageId(pub u32);

impl PackageId {
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// A source of packages.
#[derive(Debug, Default, Clone)]
pub struct Medium {
    /// Name.
    pub name: String,
    /// Switched off: what is on it comes in as a dependency only.
    pub ignored: bool,
    /// Its packages, in order.
    pub packages: Vec<Package>,
}

/// A package of the media.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) package: Package,
    pub(crate) full_name: String,
    pub(crate) medium: u32,
    /// Distance of its architecture; 0 does not run here.
    pub(crate) distance: u8,
}

/// The packages of all media, with indexes.
#[derive(Debug, Default)]
pub struct Universe {
    entries: Vec<Entry>,
    media: Vec<(String, bool)>,
    provides: HashMap<String, Vec<PackageId>>,
    obsoletes: HashMap<String, Vec<PackageId>>,
    pub(super) arch: String,
}

impl Universe {
    /// Numbers the packages of the media, for a machine of this architecture.
    pub fn new(media: Vec<Medium>, machine_arch: &str) -> Self {
        let mut universe = Self {
            arch: machine_arch.to_owned(),
            ..Self::default()
        };
        for (index, medium) in media.into_iter().enumerate() {
            universe.media.push((medium.name, medium.ignored));
            universe
                .entries
                .extend(medium.packages.into_iter().map(|package| Entry {
                    full_name: package.full_name(),
                    medium: u32::try_from(index).unwrap_or(u32::MAX),
                    distance: arch::distance(machine_arch, &package.arch),
                    package,
                }));
        }
        universe.index();
        universe
    }

    fn index(&mut self) {
        let mut order: Vec<PackageId> = self.ids().collect();
        order.sort_by(|a, b| {
            self.package(*a)
                .name
                .cmp(&self.package(*b).name)
                .then(a.cmp(b))
        });
        for id in order {
            let package = &self.entries[id.index()].package;
            for (properties, index) in [
                (&package.provides, &mut self.provides),
                (&package.obsoletes, &mut self.obsoletes),
            ] {
                for property in properties {
                    let ids = index.entry(property.name.clone()).or_default();
                    if ids.last() != Some(&id) {
                        ids.push(id);
                    }
                }
            }
        }
    }

    /// Every id, in media order.
    pub fn ids(&self) -> impl Iterator<Item = PackageId> + use<> {
        (0..u32::try_from(self.entries.len()).unwrap_or(u32::MAX)).map(PackageId)
    }

    /// How many packages there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The package of an id.
    pub fn package(&self, id: PackageId) -> &Package {
        &self.entries[id.index()].package
    }

    pub(crate) fn entry(&self, id: PackageId) -> &Entry {
        &self.entries[id.index()]
    }

    /// Whether the medium of a package is switched off.
    pub fn is_ignored(&self, id: PackageId) -> bool {
        self.media
            .get(self.entry(id).medium as usize)
            .is_some_and(|medium| medium.1)
    }

    /// Name of the medium of a package.
    pub fn medium_name(&self, id: PackageId) -> &str {
        self.media
            .get(self.entry(id).medium as usize)
            .map_or("", |medium| medium.0.as_str())
    }

    /// Names of the media, in order.
    pub fn media_names(&self) -> impl Iterator<Item = &str> {
        self.media.iter().map(|medium| medium.0.as_str())
    }

    /// Whether a package runs on the machine.
    pub fn is_compatible(&self, id: PackageId) -> bool {
        self.entry(id).distance > 0
    }

    /// Packages that provide a name in some version, sorted by name.
    pub fn providers(&self, name: &str) -> &[PackageId] {
        self.provides.get(name).map_or(&[], Vec::as_slice)
    }

    pub(super) fn obsoleting(&self, name: &str) -> &[PackageId] {
        self.obsoletes.get(name).map_or(&[], Vec::as_slice)
    }

    /// The package of a name that runs here, the most recent one.
    pub fn best(&self, name: &str) -> Option<PackageId> {
        let mut best: Option<PackageId> = None;
        for &id in self.providers(name) {
            if !self.is_compatible(id) || self.package(id).name != name {
                continue;
            }
            if best.is_none_or(|best| self.compare(id, best).is_gt()) {
                best = Some(id);
            }
        }
        best
    }

    /// Order of two packages: version, then how near the architecture is.
    pub(crate) fn compare(&self, a: PackageId, b: PackageId) -> Ordering {
        self.compare_packages(self.package(a), self.package(b))
    }

    pub(super) fn compare_packages(&self, a: &Package, b: &Package) -> Ordering {
        compare_versions(a, b).then_with(|| {
            let (near, far) = (
                arch::distance(&self.arch, &a.arch),
                arch::distance(&self.arch, &b.arch),
            );
            match (near, far) {
                (0, 0) => a.arch.cmp(&b.arch),
                (0, _) => Ordering::Less,
                (_, 0) => Ordering::Greater,
                (near, far) => far.cmp(&near),
            }
        })
    }
}

fn compare_versions(a: &Package, b: &Package) -> Ordering {
    let epochs = a.epoch.cmp(&b.epoch);
    epochs
        .then_with(|| version::rpm_part(&a.version, &b.version))
        .then_with(|| version::rpm_part(&a.release, &b.release))
}

/// Whether a package provides something that the property can mean.
pub(crate) fn provides(package: &Package, property: &Property) -> bool {
    package
        .provides
        .iter()
        .any(|provide| provide.overlaps(PackageKind::Rpm, property))
}

/// Whether a package obsoletes another, by name and version.
pub(super) fn obsoletes(package: &Package, other: &Package) -> bool {
    let exact = Property::versioned(&*other.name, Op::Equal, other.evr());
    package
        .obsoletes
        .iter()
        .any(|obsolete| obsolete.overlaps(PackageKind::Rpm, &exact))
}

/// A property as a synthesis writes it: `name`, `name[*]`, `name[>= 2]`.
pub(crate) fn written(property: &Property) -> String {
    let mut text = property.name.clone();
    if property.before {
        text.push_str("[*]");
    }
    if property.op != Op::Any {
        let sign = if property.op == Op::Equal {
            "=="
        } else {
            property.op.sign()
        };
        text.extend(["[", sign, " ", property.version.as_str(), "]"]);
    }
    text
}

/// What is installed, with the indexes that a resolution asks.
#[derive(Debug, Default)]
pub struct Installed {
    packages: Vec<Package>,
    names: HashMap<String, Vec<usize>>,
    provides: HashMap<String, Vec<usize>>,
    requires: HashMap<String, Vec<usize>>,
    conflicts: HashMap<String, Vec<usize>>,
    sizes: HashMap<String, u64>,
}

impl Installed {
    /// Indexes the installed packages.
    pub fn new(packages: Vec<Package>) -> Self {
        let mut installed = Self::default();
        for (index, package) in packages.iter().enumerate() {
            installed
                .names
                .entry(package.name.clone())
                .or_default()
                .push(index);
            let size = installed.sizes.entry(package.name.clone()).or_default();
            *size = size.saturating_add(package.size);
            for (properties, map) in [
                (&package.provides, &mut installed.provides),
                (&package.requires, &mut installed.requires),
                (&package.conflicts, &mut installed.conflicts),
            ] {
                for property in properties {
                    let indexes = map.entry(property.name.clone()).or_default();
                    if indexes.last() != Some(&index) {
                        indexes.push(index);
                    }
                }
            }
        }
        installed.packages = packages;
        installed
    }

    /// The installed packages.
    pub fn packages(&self) -> &[Package] {
        &self.packages
    }

    /// Size of all installed packages of a name.
    pub fn size(&self, name: &str) -> u64 {
        self.sizes.get(name).copied().unwrap_or_default()
    }

    /// Installed packages of a name.
    pub fn named<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Package> + use<'a> {
        self.found(&self.names, name)
    }

    pub(super) fn providing<'a>(
        &'a self,
        name: &str,
    ) -> impl Iterator<Item = &'a Package> + use<'a> {
        self.found(&self.provides, name)
    }

    /// Whether something installed provides what a property can mean.
    pub(crate) fn satisfies(&self, property: &Property) -> bool {
        self.providing(&property.name)
            .any(|package| provides(package, property))
    }

    pub(super) fn requiring<'a>(
        &'a self,
        name: &str,
    ) -> impl Iterator<Item = &'a Package> + use<'a> {
        self.found(&self.requires, name)
    }

    pub(super) fn conflicting<'a>(
        &'a self,
        name: &str,
    ) -> impl Iterator<Item = &'a Package> + use<'a> {
        self.found(&self.conflicts, name)
    }

    fn found<'a>(
        &'a self,
        map: &'a HashMap<String, Vec<usize>>,
        name: &str,
    ) -> impl Iterator<Item = &'a Package> + use<'a> {
        map.get(name)
            .into_iter()
            .flatten()
            .map(|index| &self.packages[*index])
    }
}
