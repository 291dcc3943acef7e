//! The catalog as resolvo sees it.
//!
//! A solver name is a real package name (and, in Debian, a foreign architecture); virtual names never become one. A
//! dependency is a union of *sets*: for each real name, the packages of it that answer. A conflict is a set of what remains
//! allowed of a name. Nothing is converted before the solver asks for it.

mod dependencies;
mod lists;
mod sets;

use std::{
    cell::{Cell, RefCell},
    collections::{HashMap, HashSet},
};

use escadre_catalog::{
    Catalog, Op, PackageId,
    catalog::{Atom, Group, MultiArch, RelationKind},
};
use escadre_model::inventory::PackageKind;
use resolvo::{Condition, NameId, Requirement, VersionSetId};

use crate::{
    memory::{FastMap, ListId, Memory},
    request::{Request, Wanted, atom_range},
};

/// Up to so many packages are searched one by one.
const FEW: usize = 8;

/// Packages of one solver name.
struct Set {
    name: NameId,
    /// Where in the pool.
    start: u32,
    end: u32,
    /// All of the name but these.
    negated: bool,
}

/// The catalog, the request, and what resolvo was told so far.
pub(crate) struct Provider<'c> {
    pub(crate) catalog: &'c Catalog,
    pub(crate) request: &'c Request,
    /// What was looked up before.
    pub(crate) memory: &'c RefCell<Memory>,
    /// Rank of each architecture number that counts; the native one and independent packages have 0.
    architectures: Vec<(u32, u32)>,
    every_architecture: bool,
    installed: FastMap<u32, PackageId>,
    /// By package: whether it is installed.
    present: Vec<bool>,
    /// What the request says of a name.
    pub(crate) restrictions: HashMap<u32, Vec<Restriction<'c>>>,
    sets: RefCell<Vec<Set>>,
    pool: RefCell<Vec<PackageId>>,
    unions: RefCell<Vec<(u32, u32)>>,
    union_sets: RefCell<Vec<VersionSetId>>,
    conditions: RefCell<Vec<Condition>>,
    strings: RefCell<Vec<String>>,
    /// What a list became; none where it is empty.
    requirements: RefCell<FastMap<ListId, Option<Requirement>>>,
    bans: RefCell<FastMap<ListId, Vec<VersionSetId>>>,
    empty_set: Cell<Option<VersionSetId>>,
}

/// A forbidden or pinned range of a name.
pub(crate) struct Restriction<'c> {
    pub(crate) wanted: &'c Wanted,
    pub(crate) pin: bool,
}

impl<'c> Provider<'c> {
    pub(crate) fn new(
        catalog: &'c Catalog,
        request: &'c Request,
        memory: &'c RefCell<Memory>,
    ) -> Self {
        let mut restrictions: HashMap<u32, Vec<Restriction<'c>>> = HashMap::new();
        let forbidden = request
            .forbidden
            .iter()
            .map(|wanted| Restriction { wanted, pin: false });
        for restriction in forbidden.chain(
            request
                .pins
                .iter()
                .map(|wanted| Restriction { wanted, pin: true }),
        ) {
            if let Some(name) = catalog.name_id(&restriction.wanted.name) {
                restrictions.entry(name.0).or_default().push(restriction);
            }
        }
        let mut provider = Self {
            catalog,
            request,
            memory,
            architectures: Vec::new(),
            every_architecture: request.options.architectures.is_empty(),
            installed: FastMap::default(),
            present: vec![false; catalog.len()],
            restrictions,
            sets: RefCell::default(),
            pool: RefCell::default(),
            unions: RefCell::default(),
            union_sets: RefCell::default(),
            conditions: RefCell::default(),
            strings: RefCell::default(),
            requirements: RefCell::default(),
            bans: RefCell::default(),
            empty_set: Cell::new(None),
        };
        provider.architectures = memory
            .borrow_mut()
            .architectures
            .get_or_insert_with(|| provider.architecture_ranks())
            .clone();
        for &package in &request.installed {
            provider
                .installed
                .insert(provider.slot(package).into_raw(), package);
        }
        for &package in provider.installed.values() {
            if let Some(place) = provider.present.get_mut(package.0 as usize) {
                *place = true;
            }
        }
        provider
    }

    fn architecture_ranks(&self) -> Vec<(u32, u32)> {
        let mut ranks: Vec<(u32, u32)> = Vec::new();
        if self.every_architecture {
            return ranks;
        }
        let mut seen = Vec::new();
        for package in self.catalog.ids() {
            let number = self.catalog.arch_number(package);
            if seen.last() == Some(&number) || seen.contains(&number) {
                continue;
            }
            seen.push(number);
            let name = self.catalog.arch(package);
            let rank = match name {
                "all" | "noarch" | "" => Some(0),
                _ => self
                    .request
                    .options
                    .architectures
                    .iter()
                    .position(|known| known == name),
            };
            ranks.extend(
                rank.and_then(|rank| u32::try_from(rank).ok())
                    .map(|rank| (number, rank)),
            );
        }
        ranks
    }

    /// The rank of a package's architecture; none if it does not run here.
    fn rank(&self, package: PackageId) -> Option<u32> {
        if self.every_architecture {
            return Some(0);
        }
        let number = self.catalog.arch_number(package);
        self.architectures
            .iter()
            .find(|(known, _)| *known == number)
            .map(|&(_, rank)| rank)
    }

    /// The solver name of a package. Foreign architectures are names of their own in Debian; in rpm the best one wins.
    pub(crate) fn slot(&self, package: PackageId) -> NameId {
        let rank = match self.catalog.kind() {
            PackageKind::Deb => self.rank(package).unwrap_or(0),
            PackageKind::Rpm => 0,
        };
        NameId::from_raw(self.catalog.name_of(package).0 + rank * self.catalog.names() as u32)
    }

    /// Whether this very package is installed.
    pub(crate) fn is_installed(&self, package: PackageId) -> bool {
        self.present
            .get(package.0 as usize)
            .copied()
            .unwrap_or(false)
    }

    /// What is installed under a solver name.
    pub(crate) fn installed_of(&self, slot: NameId) -> Option<PackageId> {
        self.installed.get(&slot.into_raw()).copied()
    }

    /// The packages that answer an alternative asked by a package of some rank, best first.
    pub(crate) fn answers(&self, atom: &Atom<'_>, asking: Option<u32>) -> Vec<PackageId> {
        let Some((op, version)) = atom_range(atom) else {
            return Vec::new();
        };
        let mut found: Vec<PackageId> = Vec::new();
        let mut known: HashSet<PackageId> = HashSet::new();
        let mut real = 0;
        for (package, is_real) in self.catalog.answering(atom.name, op, version) {
            let Some(rank) = self.rank(package) else {
                continue;
            };
            if !self.crosses(package, rank, atom, asking) {
                continue;
            }
            // A package may provide a name twice.
            if found.len() == FEW {
                known.extend(&found);
            }
            let new = if found.len() < FEW {
                !found.contains(&package)
            } else {
                known.insert(package)
            };
            if new {
                found.push(package);
                real += usize::from(is_real);
            }
        }
        if found.len() - real > 1 {
            found[real..].sort_by_key(|&package| self.catalog.priority(package));
        }
        if found.is_empty() {
            self.answers_elsewhere(atom, op, version)
        } else {
            found
        }
    }

    /// `name:i386`: the package of that architecture.
    fn answers_elsewhere(&self, atom: &Atom<'_>, op: Op, version: &str) -> Vec<PackageId> {
        let Some((name, arch)) = self.catalog.name_text(atom.name).rsplit_once(':') else {
            return Vec::new();
        };
        if self.catalog.kind() == PackageKind::Rpm {
            return Vec::new();
        }
        let Some(name) = self.catalog.name_id(name) else {
            return Vec::new();
        };
        self.catalog
            .providers(name)
            .filter(|provider| {
                self.catalog.arch(provider.package) == arch && self.rank(provider.package).is_some()
            })
            .filter(|provider| self.catalog.answers(provider, op, version))
            .map(|provider| provider.package)
            .collect()
    }

    /// Whether a package serves one of another architecture (Debian's multi-arch).
    fn crosses(&self, package: PackageId, rank: u32, atom: &Atom<'_>, asking: Option<u32>) -> bool {
        let Some(asking) = asking else { return true };
        if rank == asking || self.catalog.kind() == PackageKind::Rpm {
            return true;
        }
        match self.catalog.multi_arch(package) {
            MultiArch::Foreign => true,
            MultiArch::Allowed => atom.any_arch,
            MultiArch::No | MultiArch::Same => false,
        }
    }

    /// The packages that a conflict names, whatever their architecture.
    fn banned(&self, group: Group<'_>, kind: RelationKind) -> Vec<PackageId> {
        let mut found = Vec::new();
        for atom in group.atoms() {
            match (kind, atom_range(&atom)) {
                // Obsoletes look at real names only.
                (RelationKind::Obsoletes, Some((op, version))) => found.extend(
                    self.catalog
                        .providers(atom.name)
                        .take_while(|provider| provider.real)
                        .filter(|provider| self.catalog.answers(provider, op, version))
                        .map(|provider| provider.package),
                ),
                _ => found.extend(self.answers(&atom, None)),
            }
        }
        found
    }

    /// Whether the request lets a package come in.
    pub(crate) fn may_come(&self, package: PackageId) -> bool {
        self.rank(package).is_some() && self.restriction(package).is_none()
    }

    /// For each installed package, those that obsolete it (rpm).
    pub(crate) fn obsoleting(&self) -> HashMap<PackageId, Vec<PackageId>> {
        let mut by_target: HashMap<PackageId, Vec<PackageId>> = HashMap::new();
        if self.installed.is_empty() || self.catalog.kind() != PackageKind::Rpm {
            return by_target;
        }
        for package in self.catalog.ids().filter(|&package| self.may_come(package)) {
            for group in self.catalog.relations(package).of(RelationKind::Obsoletes) {
                for target in self.banned(group, RelationKind::Obsoletes) {
                    if self.is_installed(target) && self.slot(target) != self.slot(package) {
                        by_target.entry(target).or_default().push(package);
                    }
                }
            }
        }
        by_target
    }

    /// Why a package is out by the request, if it is.
    fn restriction(&self, package: PackageId) -> Option<String> {
        let list = self.restrictions.get(&self.catalog.name_of(package).0)?;
        let kind = self.catalog.kind();
        let version = self.catalog.version(package);
        list.iter().find_map(|Restriction { wanted, pin }| {
            let order = escadre_model::version::compare(kind, version, &wanted.version);
            let inside = wanted.op.accepts(order);
            match (pin, inside) {
                (true, false) => Some(format!("pinned: only {wanted} may come in")),
                (false, true) => Some(format!("forbidden by the request ({wanted})")),
                _ => None,
            }
        })
    }
}
