//! The catalog as resolvo sees it.
//!
//! A solver name is a real package name (and, in Debian, a foreign architecture); virtual names never become one. A
//! dependency is a union of *sets*: for each real name, the packages of it that answer. A conflict is a set of what remains
//! allowed of a name. Nothing is converted before the solver asks for it.

use std::{
    cell::{Cell, RefCell},
    collections::{HashMap, HashSet},
    fmt::Display,
};

use escadre_catalog::{
    Catalog, Op, PackageId,
    catalog::{Atom, Demand, Group, MultiArch, RelationKind},
};
use escadre_model::inventory::PackageKind;
use resolvo::{
    Candidates, Condition, ConditionId, ConditionalRequirement, Dependencies, DependencyProvider,
    Interner, KnownDependencies, NameId, Requirement, SolvableId, SolverCache, StringId,
    VersionSetId, VersionSetUnionId,
};

use crate::{
    request::{Request, Wanted, atom_range},
    rich::{Clause, clauses},
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
    /// Rank of each architecture number that counts; the native one and independent packages have 0.
    architectures: Vec<(u32, u32)>,
    every_architecture: bool,
    installed: HashMap<u32, PackageId>,
    /// For each name, the installed package of it is obsoleted by these.
    pub(crate) restrictions: HashMap<u32, Vec<Restriction<'c>>>,
    sets: RefCell<Vec<Set>>,
    pool: RefCell<Vec<PackageId>>,
    unions: RefCell<Vec<(u32, u32)>>,
    union_sets: RefCell<Vec<VersionSetId>>,
    conditions: RefCell<Vec<Condition>>,
    strings: RefCell<Vec<String>>,
    /// What a dependency became; none where nothing answers it.
    requirements: RefCell<HashMap<&'c [u8], Option<Requirement>>>,
    bans: RefCell<HashMap<&'c [u8], Vec<VersionSetId>>>,
    empty_set: Cell<Option<VersionSetId>>,
}

/// A forbidden or pinned range of a name.
pub(crate) struct Restriction<'c> {
    pub(crate) wanted: &'c Wanted,
    pub(crate) pin: bool,
}

impl<'c> Provider<'c> {
    pub(crate) fn new(catalog: &'c Catalog, request: &'c Request) -> Self {
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
            architectures: Vec::new(),
            every_architecture: request.options.architectures.is_empty(),
            installed: HashMap::new(),
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
        provider.architectures = provider.architecture_ranks();
        for &package in &request.installed {
            provider
                .installed
                .insert(provider.slot(package).into_raw(), package);
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
            if seen.contains(&number) {
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
        self.installed.get(&self.slot(package).into_raw()) == Some(&package)
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
        let mut known = HashSet::new();
        let mut real = 0;
        for provider in self.catalog.providers(atom.name) {
            let Some(rank) = self.rank(provider.package) else {
                continue;
            };
            if !self.catalog.answers(&provider, op, version)
                || !self.crosses(provider.package, rank, atom, asking)
            {
                continue;
            }
            // A package may provide a name twice.
            let new = if found.is_empty() {
                true
            } else {
                known.insert(provider.package) && found[0] != provider.package
            };
            if new {
                found.push(provider.package);
                real += usize::from(provider.real);
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

    fn string(&self, text: String) -> StringId {
        let mut strings = self.strings.borrow_mut();
        strings.push(text);
        StringId(strings.len() as u32 - 1)
    }

    pub(crate) fn text(&self, id: StringId) -> String {
        self.strings
            .borrow()
            .get(id.0 as usize)
            .cloned()
            .unwrap_or_default()
    }

    fn set(&self, name: NameId, packages: &[PackageId], negated: bool) -> VersionSetId {
        let (mut sets, mut pool) = (self.sets.borrow_mut(), self.pool.borrow_mut());
        let start = pool.len();
        pool.extend_from_slice(packages);
        // Many members are searched by halves.
        if packages.len() > FEW {
            pool[start..].sort_unstable();
        }
        let start = start as u32;
        sets.push(Set {
            name,
            start,
            end: pool.len() as u32,
            negated,
        });
        VersionSetId(sets.len() as u32 - 1)
    }

    /// The packages, cut into sets of one solver name each, in order of first appearance.
    fn sets_of(&self, packages: &[PackageId], negated: bool) -> Vec<VersionSetId> {
        let mut by_name: Vec<(NameId, Vec<PackageId>)> = Vec::new();
        let mut places: HashMap<u32, usize> = HashMap::new();
        for &package in packages {
            let slot = self.slot(package);
            match by_name.last_mut() {
                Some((name, list)) if *name == slot => list.push(package),
                _ if packages.len() == 1 => by_name.push((slot, vec![package])),
                _ => {
                    let place = *places.entry(slot.into_raw()).or_insert(by_name.len());
                    match by_name.get_mut(place) {
                        Some((_, list)) => list.push(package),
                        None => by_name.push((slot, vec![package])),
                    }
                }
            }
        }
        by_name
            .into_iter()
            .map(|(name, list)| self.set(name, &list, negated))
            .collect()
    }

    /// One of the packages; none if there are none.
    pub(crate) fn requirement(&self, packages: &[PackageId]) -> Option<Requirement> {
        let sets = self.sets_of(packages, false);
        match sets.as_slice() {
            [] => None,
            [one] => Some(Requirement::Single(*one)),
            _ => {
                let (mut unions, mut all) =
                    (self.unions.borrow_mut(), self.union_sets.borrow_mut());
                let start = all.len() as u32;
                all.extend_from_slice(&sets);
                unions.push((start, all.len() as u32));
                Some(Requirement::Union(VersionSetUnionId(
                    unions.len() as u32 - 1,
                )))
            }
        }
    }

    /// The packages of a requirement that was made here.
    pub(crate) fn packages_of(&self, requirement: Requirement) -> Vec<PackageId> {
        let sets: Vec<VersionSetId> = match requirement {
            Requirement::Single(set) => vec![set],
            Requirement::Union(union) => self.version_sets_in_union(union).collect(),
        };
        let (all, pool) = (self.sets.borrow(), self.pool.borrow());
        sets.iter()
            .filter_map(|set| all.get(set.0 as usize))
            .flat_map(|set| {
                pool.get(set.start as usize..set.end as usize)
                    .unwrap_or_default()
            })
            .copied()
            .collect()
    }

    fn empty(&self) -> VersionSetId {
        if let Some(set) = self.empty_set.get() {
            return set;
        }
        let set = self.set(NameId::from_raw(0), &[], false);
        self.empty_set.set(Some(set));
        set
    }

    fn condition(&self, packages: &[PackageId]) -> Option<ConditionId> {
        let sets = self.sets_of(packages, false);
        let mut conditions = self.conditions.borrow_mut();
        let mut add = |condition| {
            conditions.push(condition);
            ConditionId::new(conditions.len() as u32 - 1)
        };
        sets.into_iter()
            .map(Condition::Requirement)
            .map(&mut add)
            .collect::<Vec<_>>()
            .into_iter()
            .reduce(|a, b| add(Condition::Binary(resolvo::LogicalOperator::Or, a, b)))
    }

    fn all_conditions(&self, sets: &[Vec<PackageId>]) -> Option<ConditionId> {
        let ids: Vec<ConditionId> = sets.iter().filter_map(|set| self.condition(set)).collect();
        let mut conditions = self.conditions.borrow_mut();
        ids.into_iter().reduce(|a, b| {
            conditions.push(Condition::Binary(resolvo::LogicalOperator::And, a, b));
            ConditionId::new(conditions.len() as u32 - 1)
        })
    }

    /// A dependency of a package; `Err` with the reason if nothing can meet it.
    fn group(
        &self,
        package: PackageId,
        group: Group<'c>,
        into: &mut Vec<ConditionalRequirement>,
    ) -> Result<(), String> {
        if let Some(Demand::Rich(text)) = group.atoms().next().map(|atom| atom.demand) {
            return self.rich(package, text, into);
        }
        let native = self.rank(package).unwrap_or(0);
        let known = if native == 0 {
            self.requirements.borrow().get(group.key()).copied()
        } else {
            None
        };
        let requirement = match known {
            Some(requirement) => requirement,
            None => {
                let packages = self.group_answers(group, native);
                let requirement = self.requirement(&packages);
                // A package may meet its own dependency; such an answer is no matter of the other packages' cache.
                if packages.contains(&package) {
                    return Ok(());
                }
                if native == 0 {
                    self.requirements
                        .borrow_mut()
                        .insert(group.key(), requirement);
                }
                requirement
            }
        };
        match requirement {
            Some(requirement) => into.push(requirement.into()),
            None => return Err(format!("requires {group}, {}", self.nothing_answers(group))),
        }
        Ok(())
    }

    /// The packages that meet a dependency of a package, in the order of the distribution.
    pub(crate) fn group_answers_for(&self, package: PackageId, group: Group<'_>) -> Vec<PackageId> {
        self.group_answers(group, self.rank(package).unwrap_or(0))
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

    fn group_answers(&self, group: Group<'_>, asking: u32) -> Vec<PackageId> {
        let mut packages: Vec<PackageId> = Vec::new();
        for atom in group.atoms() {
            let more = self.answers(&atom, Some(asking));
            if packages.is_empty() {
                packages = more;
            } else {
                let known: HashSet<PackageId> = packages.iter().copied().collect();
                packages.extend(more.into_iter().filter(|package| !known.contains(package)));
            }
        }
        packages
    }

    fn rich(
        &self,
        package: PackageId,
        text: &str,
        into: &mut Vec<ConditionalRequirement>,
    ) -> Result<(), String> {
        let clauses = clauses(self, text).map_err(|why| format!("requires {text}, which {why}"))?;
        for Clause {
            conditions,
            packages,
        } in clauses
        {
            if packages.contains(&package) || conditions.iter().any(Vec::is_empty) {
                continue;
            }
            let condition = self.all_conditions(&conditions);
            let requirement = self.requirement(&packages);
            match (requirement, condition) {
                (None, None) => return Err(format!("requires {text}, which no package provides")),
                (requirement, condition) => {
                    let requirement = requirement.unwrap_or(Requirement::Single(self.empty()));
                    into.push(ConditionalRequirement {
                        condition,
                        requirement,
                    });
                }
            }
        }
        Ok(())
    }

    /// The rest of a sentence about a dependency that nothing meets.
    fn nothing_answers(&self, group: Group<'_>) -> String {
        let mut there: Vec<String> = Vec::new();
        for atom in group.atoms() {
            let packages = self
                .catalog
                .packages_named(atom.name)
                .filter(|&package| self.rank(package).is_some());
            there.extend(packages.take(2).map(|package| {
                format!(
                    "{} {}",
                    self.catalog.name(package),
                    self.catalog.version(package)
                )
            }));
        }
        if there.is_empty() {
            "which no package provides".to_owned()
        } else {
            format!("but there is only {}", there.join(" and "))
        }
    }

    fn bans_of(&self, package: PackageId) -> Vec<VersionSetId> {
        let relations = self.catalog.relations(package);
        let own = self.slot(package);
        let mut all = Vec::new();
        for kind in [
            RelationKind::Conflicts,
            RelationKind::Breaks,
            RelationKind::Obsoletes,
        ] {
            for group in relations.of(kind) {
                let known = self
                    .bans
                    .borrow()
                    .get(group.key())
                    .filter(|_| kind != RelationKind::Obsoletes)
                    .cloned();
                // Not if it names the package itself: that one may conflict with all others of what it provides.
                if let Some(known) =
                    known.filter(|sets| sets.iter().all(|&set| self.version_set_name(set) != own))
                {
                    all.extend_from_slice(&known);
                    continue;
                }
                let mut packages = self.banned(group, kind);
                let named = packages.len();
                packages.retain(|&other| self.slot(other) != own);
                if self.is_installed(package) {
                    packages.retain(|&other| !self.is_installed(other));
                }
                let sets = self.sets_of(&packages, true);
                all.extend_from_slice(&sets);
                if packages.len() == named && kind != RelationKind::Obsoletes {
                    self.bans.borrow_mut().insert(group.key(), sets);
                }
            }
        }
        all
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

    fn candidates(&self, slot: NameId) -> Candidates {
        let names = (self.catalog.names() as u32).max(1);
        let name = escadre_catalog::NameId(slot.into_raw() % names);
        let packages = self
            .catalog
            .packages_named(name)
            .filter(|&package| self.rank(package).is_some() && self.slot(package) == slot);
        let mut list: Vec<PackageId> = packages.collect();
        if self.catalog.kind() == PackageKind::Rpm && list.len() > 1 {
            list.sort_by_key(|&package| self.rank(package));
        }
        let mut candidates = Candidates {
            candidates: list
                .iter()
                .map(|package| SolvableId::from_raw(package.0))
                .collect(),
            ..Candidates::default()
        };
        if let Some(installed) = self.installed_of(slot) {
            let id = SolvableId::from_raw(installed.0);
            candidates.favored = Some(id);
            candidates.locked = self.request.options.keep_versions.then_some(id);
        }
        if self.restrictions.contains_key(&name.0) {
            let out = |&package: &PackageId| {
                let why = self
                    .restriction(package)
                    .filter(|_| !self.is_installed(package))?;
                Some((SolvableId::from_raw(package.0), self.string(why)))
            };
            candidates.excluded = list.iter().filter_map(out).collect();
        }
        candidates
    }
}

impl Interner for Provider<'_> {
    type NameId = NameId;
    type SolvableId = SolvableId;

    fn display_solvable(&self, solvable: SolvableId) -> impl Display + '_ {
        let package = PackageId(solvable.into_raw());
        format!(
            "{} {}",
            self.catalog.name(package),
            self.catalog.version(package)
        )
    }

    fn display_name(&self, name: NameId) -> impl Display + '_ {
        self.catalog
            .name_text(escadre_catalog::NameId(
                name.into_raw() % (self.catalog.names() as u32).max(1),
            ))
            .to_owned()
    }

    fn display_version_set(&self, set: VersionSetId) -> impl Display + '_ {
        let packages = self.packages_of(Requirement::Single(set));
        packages
            .iter()
            .map(|&package| self.catalog.version(package))
            .collect::<Vec<_>>()
            .join(", ")
    }

    fn display_string(&self, id: StringId) -> impl Display + '_ {
        self.text(id)
    }

    fn version_set_name(&self, set: VersionSetId) -> NameId {
        self.sets
            .borrow()
            .get(set.0 as usize)
            .map_or(NameId::from_raw(0), |set| set.name)
    }

    fn solvable_name(&self, solvable: SolvableId) -> NameId {
        self.slot(PackageId(solvable.into_raw()))
    }

    fn version_sets_in_union(
        &self,
        union: VersionSetUnionId,
    ) -> impl Iterator<Item = VersionSetId> {
        let (start, end) = self
            .unions
            .borrow()
            .get(union.0 as usize)
            .copied()
            .unwrap_or_default();
        let sets = self
            .union_sets
            .borrow()
            .get(start as usize..end as usize)
            .unwrap_or_default()
            .to_vec();
        sets.into_iter()
    }

    fn resolve_condition(&self, condition: ConditionId) -> Condition {
        let known = self
            .conditions
            .borrow()
            .get(condition.as_u32() as usize)
            .cloned();
        known.unwrap_or(Condition::Requirement(VersionSetId(0)))
    }
}

impl DependencyProvider for Provider<'_> {
    async fn filter_candidates(
        &self,
        candidates: &[SolvableId],
        set: VersionSetId,
        inverse: bool,
    ) -> Vec<SolvableId> {
        let (sets, pool) = (self.sets.borrow(), self.pool.borrow());
        let Some(set) = sets.get(set.0 as usize) else {
            return Vec::new();
        };
        let members = pool
            .get(set.start as usize..set.end as usize)
            .unwrap_or_default();
        let wanted = set.negated == inverse;
        let holds = |package: &PackageId| {
            if members.len() > FEW {
                members.binary_search(package).is_ok()
            } else {
                members.contains(package)
            }
        };
        candidates
            .iter()
            .copied()
            .filter(|candidate| holds(&PackageId(candidate.into_raw())) == wanted)
            .collect()
    }

    async fn get_candidates(&self, name: NameId) -> Option<Candidates> {
        Some(self.candidates(name))
    }

    /// The candidates come in the order to try already.
    async fn sort_candidates(&self, _: &SolverCache<Self>, _: &mut [SolvableId]) {}

    async fn get_dependencies(&self, solvable: SolvableId) -> Dependencies {
        let package = PackageId(solvable.into_raw());
        let mut known = KnownDependencies::default();
        let installed = self.is_installed(package);
        for group in self.catalog.relations(package).of(RelationKind::Requires) {
            match self.group(package, group, &mut known.requirements) {
                Ok(()) => {}
                // What is installed and broken already is not ours to mend.
                Err(_) if installed => {}
                Err(reason) => return Dependencies::Unknown(self.string(reason)),
            }
        }
        known.constrains = self.bans_of(package);
        Dependencies::Known(known)
    }
}
