//! What resolvo asks: the candidates of a name, the dependencies of a package.

use std::fmt::Display;

use escadre_catalog::{
    PackageId,
    catalog::{Demand, Group, RelationKind},
};
use escadre_model::inventory::PackageKind;
use resolvo::{
    Candidates, Condition, ConditionId, ConditionalRequirement, Dependencies, DependencyProvider,
    Interner, KnownDependencies, NameId, Requirement, SolvableId, SolverCache, StringId,
    VersionSetId, VersionSetUnionId,
};

use super::{FEW, Provider};
use crate::rich::{Clause, clauses};

impl<'c> Provider<'c> {
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
