//! From a bare set of packages to a solution: walks from the wishes along the dependencies and notes who asked.
//!
//! What the walk does not reach is dropped: each package that is kept has all its dependencies met within what is kept.

use std::collections::{HashMap, HashSet, VecDeque};

use escadre_catalog::{
    PackageId, RelationKind,
    catalog::{Demand, Group},
};

use crate::{
    provider::Provider,
    rich::clauses,
    solution::{Change, Chosen, Reason, Solution},
};

/// Gives each package of `chosen` its reason. `wishes` are the answers to each wish, in order.
pub(crate) fn explain(
    provider: &Provider<'_>,
    chosen: &HashSet<PackageId>,
    wishes: &[(String, Vec<PackageId>)],
    kinds: &[RelationKind],
) -> Solution {
    let mut walk = Walk {
        provider,
        chosen,
        reasons: HashMap::new(),
        order: Vec::new(),
        queue: VecDeque::new(),
    };
    for (wish, answers) in wishes {
        walk.reach_one(answers, || Reason::Requested(wish.clone()));
    }
    walk.run(kinds);
    for &package in &provider.request.installed {
        if chosen.contains(&package) {
            walk.reach(package, Reason::Installed);
        }
    }
    // What is installed may have been put in another version, for which nobody asked by name.
    for &package in &provider.request.installed {
        let slot = provider.slot(package);
        if let Some(&other) = chosen
            .iter()
            .find(|&&other| other != package && provider.slot(other) == slot)
        {
            walk.reach(other, Reason::Installed);
        }
    }
    walk.run(kinds);
    let mut reasons = walk.reasons;
    let packages: Vec<Chosen> = walk
        .order
        .into_iter()
        .filter_map(|package| {
            reasons.remove(&package).map(|reason| Chosen {
                package,
                reason,
                change: change(provider, package),
            })
        })
        .collect();
    Solution {
        removed: removed(provider, &packages),
        packages,
    }
}

fn change(provider: &Provider<'_>, package: PackageId) -> Change {
    match provider.installed_of(provider.slot(package)) {
        Some(installed) if installed == package => Change::Kept,
        Some(installed) => Change::Replaces(installed),
        None => Change::New,
    }
}

fn removed(provider: &Provider<'_>, packages: &[Chosen]) -> Vec<PackageId> {
    let slots: HashSet<u32> = packages
        .iter()
        .map(|chosen| provider.slot(chosen.package).into_raw())
        .collect();
    let gone = |package: &&PackageId| !slots.contains(&provider.slot(**package).into_raw());
    provider
        .request
        .installed
        .iter()
        .filter(gone)
        .copied()
        .collect()
}

struct Walk<'w, 'c> {
    provider: &'w Provider<'c>,
    chosen: &'w HashSet<PackageId>,
    reasons: HashMap<PackageId, Reason>,
    order: Vec<PackageId>,
    queue: VecDeque<PackageId>,
}

impl Walk<'_, '_> {
    fn reach(&mut self, package: PackageId, reason: Reason) {
        if let std::collections::hash_map::Entry::Vacant(place) = self.reasons.entry(package) {
            place.insert(reason);
            self.order.push(package);
            self.queue.push_back(package);
        }
    }

    /// Unless one of the answers is reached already, reaches the first that is in the solution.
    fn reach_one(&mut self, answers: &[PackageId], reason: impl FnOnce() -> Reason) {
        if answers
            .iter()
            .any(|package| self.reasons.contains_key(package))
        {
            return;
        }
        if let Some(&package) = answers.iter().find(|package| self.chosen.contains(package)) {
            self.reach(package, reason());
        }
    }

    fn run(&mut self, kinds: &[RelationKind]) {
        while let Some(package) = self.queue.pop_front() {
            for &kind in kinds {
                let groups: Vec<Group<'_>> =
                    self.provider.catalog.relations(package).of(kind).collect();
                for group in groups {
                    self.follow(package, kind, group);
                }
            }
        }
    }

    fn follow(&mut self, by: PackageId, kind: RelationKind, group: Group<'_>) {
        let reason = || Reason::Asked {
            by,
            kind,
            dependency: group.to_string(),
        };
        if let Some(Demand::Rich(text)) = group.atoms().next().map(|atom| atom.demand) {
            for clause in clauses(self.provider, text).unwrap_or_default() {
                let holds =
                    |set: &Vec<PackageId>| set.iter().any(|package| self.chosen.contains(package));
                if clause.conditions.iter().all(holds) {
                    self.reach_one(&clause.packages, reason);
                }
            }
            return;
        }
        let answers = self.provider.group_answers_for(by, group);
        self.reach_one(&answers, reason);
    }
}
