//! The sets of packages that resolvo was told of, by number.

use std::collections::HashMap;

use escadre_catalog::PackageId;
use resolvo::{
    Condition, ConditionId, Interner, NameId, Requirement, StringId, VersionSetId,
    VersionSetUnionId,
};

use super::{FEW, Provider, Set};

impl Provider<'_> {
    pub(super) fn string(&self, text: String) -> StringId {
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

    pub(super) fn set(&self, name: NameId, packages: &[PackageId], negated: bool) -> VersionSetId {
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
    pub(super) fn sets_of(&self, packages: &[PackageId], negated: bool) -> Vec<VersionSetId> {
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

    pub(super) fn empty(&self) -> VersionSetId {
        if let Some(set) = self.empty_set.get() {
            return set;
        }
        let set = self.set(NameId::from_raw(0), &[], false);
        self.empty_set.set(Some(set));
        set
    }

    pub(super) fn condition(&self, packages: &[PackageId]) -> Option<ConditionId> {
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

    pub(super) fn all_conditions(&self, sets: &[Vec<PackageId>]) -> Option<ConditionId> {
        let ids: Vec<ConditionId> = sets.iter().filter_map(|set| self.condition(set)).collect();
        let mut conditions = self.conditions.borrow_mut();
        ids.into_iter().reduce(|a, b| {
            conditions.push(Condition::Binary(resolvo::LogicalOperator::And, a, b));
            ConditionId::new(conditions.len() as u32 - 1)
        })
    }
}
