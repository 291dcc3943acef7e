//! From a bare set of packages to a solution: walks from the wishes along the dependencies and notes who asked.
//!
//! What the walk does not reach is dropped: each package that is kept has all its dependencies met within what is kept.

use std::collections::{HashSet, VecDeque};

use escadre_catalog::{PackageId, RelationKind, catalog::Group};

use crate::{
    descent::is_list,
    provider::Provider,
    solution::{Change, Chosen, Reason, Solution},
};

/// Gives each package of `chosen` its reason. `wishes` are the answers to each wish, in order.
pub(crate) fn explain(
    provider: &Provider<'_>,
    chosen: Vec<PackageId>,
    wishes: &[Vec<PackageId>],
    weak: &[RelationKind],
) -> Solution {
    let mut places = vec![Place::Absent; provider.catalog.len()];
    for &package in &chosen {
        if let Some(place) = places.get_mut(package.0 as usize) {
            *place = Place::Chosen;
        }
    }
    let mut walk = Walk {
        provider,
        places,
        reached: Vec::with_capacity(chosen.len()),
        queue: VecDeque::new(),
    };
    for (wanted, answers) in provider.request.wanted.iter().zip(wishes) {
        walk.reach_one(answers, || Reason::Requested(wanted.to_string()));
    }
    walk.run(weak);
    for &package in &provider.request.installed {
        if walk.place(package) == Place::Chosen {
            walk.reach(package, Reason::Installed);
        }
    }
    // What is installed may have been put in another version, for which nobody asked by name.
    if !provider.request.installed.is_empty() {
        for &package in &chosen {
            let installed = provider.installed_of(provider.slot(package));
            if installed.is_some_and(|installed| installed != package) {
                walk.reach(package, Reason::Installed);
            }
        }
    }
    walk.run(weak);
    let packages = walk.reached;
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
    if provider.request.installed.is_empty() {
        return Vec::new();
    }
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

/// Where a package stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Absent,
    Chosen,
    Reached,
}

struct Walk<'w, 'c> {
    provider: &'w Provider<'c>,
    places: Vec<Place>,
    reached: Vec<Chosen>,
    queue: VecDeque<PackageId>,
}

impl Walk<'_, '_> {
    fn place(&self, package: PackageId) -> Place {
        self.places
            .get(package.0 as usize)
            .copied()
            .unwrap_or(Place::Absent)
    }

    fn reach(&mut self, package: PackageId, reason: Reason) {
        let Some(place) = self.places.get_mut(package.0 as usize) else {
            return;
        };
        if *place != Place::Reached {
            *place = Place::Reached;
            let change = change(self.provider, package);
            self.reached.push(Chosen {
                package,
                reason,
                change,
            });
            self.queue.push_back(package);
        }
    }

    /// Unless one of the answers is reached already, reaches the first that is in the solution.
    fn reach_one(&mut self, answers: &[PackageId], reason: impl FnOnce() -> Reason) {
        let mut first = None;
        for &package in answers {
            match self.place(package) {
                Place::Reached => return,
                Place::Chosen if first.is_none() => first = Some(package),
                Place::Chosen | Place::Absent => {}
            }
        }
        if let Some(package) = first {
            self.reach(package, reason());
        }
    }

    fn run(&mut self, weak: &[RelationKind]) {
        let provider = self.provider;
        while let Some(by) = self.queue.pop_front() {
            let kind = RelationKind::Requires;
            let requires = provider.needs(by).requires;
            let groups = provider.catalog.relations(by).of(kind);
            let memory = provider.memory.borrow();
            let lists = memory.numbers(requires);
            for (group, &list) in groups.zip(lists).filter(|(_, list)| is_list(**list)) {
                self.reach_one(memory.list(list), || asked(by, kind, group));
            }
            self.follow_rich(by);
            drop(memory);
            for &kind in weak {
                for group in provider.catalog.relations(by).of(kind) {
                    let list = provider.answers_for(by, group);
                    let memory = provider.memory.borrow();
                    self.reach_one(memory.list(list), || asked(by, kind, group));
                }
            }
        }
    }

    fn follow_rich(&mut self, by: PackageId) {
        let provider = self.provider;
        let memory = provider.memory.borrow();
        for clause in memory.rich(by) {
            let chosen = |package: &PackageId| self.place(*package) != Place::Absent;
            if clause.conditions.iter().all(|set| set.iter().any(chosen)) {
                self.reach_one(&clause.packages, || Reason::Asked {
                    by,
                    kind: RelationKind::Requires,
                    dependency: clause.text.to_string(),
                });
            }
        }
    }
}

fn asked(by: PackageId, kind: RelationKind, group: Group<'_>) -> Reason {
    Reason::Asked {
        by,
        kind,
        dependency: group.to_string(),
    }
}
