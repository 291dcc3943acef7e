//! What resolvo asks: the candidates of a name, the dependencies of a package.

use std::fmt::Display;

use escadre_catalog::{
    PackageId,
    catalog::{Demand, Group, RelationKind},
};
use resolvo::{
    Candidates, Condition, ConditionId, ConditionalRequirement, Dependencies, DependencyProvider,
    Interner, KnownDependencies, NameId, Requirement, SolvableId, SolverCache, StringId,
    VersionSetId, VersionSetUnionId,
};

use super::{FEW, Provider};
use crate::{
    memory::{ListId, NOTHING, RICH},
    rich::{Clause, clauses},
};

impl Provider<'_> {
    /// What resolvo is told of a package; `Err` with the reason if it can never be there.
    fn dependencies(&self, package: PackageId) -> Result<KnownDependencies, String> {
        let needs = self.needs(package);
        let numbers = self.memory.borrow().numbers(needs.requires).to_vec();
        let mut known = KnownDependencies::default();
        let groups = self.catalog.relations(package).of(RelationKind::Requires);
        for (group, list) in groups.zip(numbers) {
            match list {
                NOTHING | RICH => {}
                list => match self.requirement_of(list) {
                    Some(requirement) => known.requirements.push(requirement.into()),
                    None => {
                        return Err(format!("requires {group}, {}", self.nothing_answers(group)));
                    }
                },
            }
        }
        for clause in self.memory.borrow().rich(package) {
            known.requirements.push(self.conditional(clause));
        }
        known.constrains = self.bans_of(package, needs.bans);
        Ok(known)
    }

    fn requirement_of(&self, list: ListId) -> Option<Requirement> {
        if let Some(&known) = self.requirements.borrow().get(&list) {
            return known;
        }
        let requirement = self.requirement(self.memory.borrow().list(list));
        self.requirements.borrow_mut().insert(list, requirement);
        requirement
    }

    fn conditional(&self, clause: &Clause) -> ConditionalRequirement {
        let requirement = self.requirement(&clause.packages);
        ConditionalRequirement {
            condition: self.all_conditions(&clause.conditions),
            requirement: requirement.unwrap_or(Requirement::Single(self.empty())),
        }
    }

    /// The rest of a sentence about a dependency that nothing meets.
    fn nothing_answers(&self, group: Group<'_>) -> String {
        if let Some(Demand::Rich(text)) = group.atoms().next().map(|atom| atom.demand)
            && let Err(why) = clauses(self, text)
        {
            return format!("which {why}");
        }
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

    fn bans_of(&self, package: PackageId, lists: (u32, u32)) -> Vec<VersionSetId> {
        let own = self.slot(package);
        let installed = self.is_installed(package);
        let memory = self.memory.borrow();
        let mut all = Vec::new();
        for &list in memory.numbers(lists) {
            let packages = memory.list(list);
            let beside = |other: &&PackageId| {
                self.slot(**other) == own || (installed && self.is_installed(**other))
            };
            // One that names the package itself conflicts with all others of what it provides.
            if packages.iter().any(|other| beside(&other)) {
                let others: Vec<PackageId> =
                    packages.iter().filter(|o| !beside(o)).copied().collect();
                all.extend(self.sets_of(&others, true));
                continue;
            }
            let mut bans = self.bans.borrow_mut();
            let sets = bans
                .entry(list)
                .or_insert_with(|| self.sets_of(packages, true));
            all.extend_from_slice(sets);
        }
        all
    }

    fn candidates(&self, slot: NameId) -> Candidates {
        let list = self.named(slot);
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
        if self.restrictions.contains_key(&self.real_name(slot).0) {
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
        self.catalog.name_text(self.real_name(name)).to_owned()
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
        match self.dependencies(PackageId(solvable.into_raw())) {
            Ok(known) => Dependencies::Known(known),
            Err(reason) => Dependencies::Unknown(self.string(reason)),
        }
    }
}
