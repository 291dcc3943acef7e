//! What a package needs, as lists of packages in the order in which they are tried; made once and remembered.
//!
//! The rule for what is installed: it is taken as consistent. A dependency of an installed package that nothing installed
//! meets, as far as the catalog knows, asks for nothing; two installed packages never clash. What the inventory knows by
//! name and version only (a package of no repository) may well provide what the catalog misses. A dependency that something
//! installed does meet stays a demand: when the request takes that away or puts another version in its place, it has to be
//! met otherwise. The rule ends with the very package: another version of it counts as any package that comes in.

use std::collections::HashSet;

use escadre_catalog::{
    PackageId,
    catalog::{Demand, Group, RelationKind},
};
use escadre_model::inventory::PackageKind;
use resolvo::NameId;

use super::{FEW, Provider};
use crate::{
    memory::{Asking, ListId, NOTHING, Needs, RICH},
    rich::{Clause, clauses},
};

impl Provider<'_> {
    /// What a package needs.
    pub(crate) fn needs(&self, package: PackageId) -> Needs {
        if let Some(needs) = self.memory.borrow().needs(package) {
            return needs;
        }
        let relations = self.catalog.relations(package);
        let mut rich = Vec::new();
        let requires: Vec<ListId> = relations
            .of(RelationKind::Requires)
            .map(|group| self.demand(package, group, &mut rich))
            .collect();
        let mut bans = Vec::new();
        for (kind, asking) in [
            (RelationKind::Conflicts, Asking::Conflict),
            (RelationKind::Breaks, Asking::Conflict),
            (RelationKind::Obsoletes, Asking::Obsoletion),
        ] {
            let lists = relations.of(kind).map(|group| self.ban_list(group, asking));
            bans.extend(lists.filter(|&list| list != NOTHING));
        }
        let mut memory = self.memory.borrow_mut();
        memory.keep_needs(package, &requires, &bans, rich)
    }

    /// Whether any package that was looked at has a rich dependency.
    pub(crate) fn has_rich(&self) -> bool {
        self.memory.borrow().has_rich()
    }

    /// The packages that meet a dependency of a package, in the order in which they are tried: what is installed first, then
    /// in the order of the distribution.
    pub(crate) fn answers_for(&self, package: PackageId, group: Group<'_>) -> ListId {
        let asking = self.rank(package).unwrap_or(0);
        let known = self.memory.borrow().known(Asking::Dependency, group.key());
        if let (Some(list), 0) = (known, asking) {
            return list;
        }
        let mut packages: Vec<PackageId> = Vec::new();
        for atom in group.atoms() {
            let more = self.answers(&atom, Some(asking));
            if packages.is_empty() {
                packages = more;
            } else if packages.len() + more.len() <= FEW {
                more.into_iter().for_each(|package| {
                    if !packages.contains(&package) {
                        packages.push(package);
                    }
                });
            } else {
                let known: HashSet<PackageId> = packages.iter().copied().collect();
                packages.extend(more.into_iter().filter(|package| !known.contains(package)));
            }
        }
        let packages = self.in_order(packages);
        let mut memory = self.memory.borrow_mut();
        let list = memory.add(&packages);
        if asking == 0 {
            memory.keep(Asking::Dependency, group.key(), list);
        }
        list
    }

    /// The name that packages of a solver name have.
    pub(super) fn real_name(&self, slot: NameId) -> escadre_catalog::NameId {
        let names = (self.catalog.names() as u32).max(1);
        escadre_catalog::NameId(slot.into_raw() % names)
    }

    /// The packages of a solver name, in the order in which they are tried.
    pub(super) fn named(&self, slot: NameId) -> Vec<PackageId> {
        let packages = self.catalog.packages_named(self.real_name(slot));
        let mut list: Vec<PackageId> = packages
            .filter(|&package| self.rank(package).is_some() && self.slot(package) == slot)
            .collect();
        if self.catalog.kind() == PackageKind::Rpm && list.len() > 1 {
            list.sort_by_key(|&package| self.rank(package));
        }
        list
    }

    /// Brings what is installed to the front, and each name's versions together in the order of their name.
    pub(crate) fn in_order(&self, packages: Vec<PackageId>) -> Vec<PackageId> {
        if packages.len() < 2 {
            return packages;
        }
        let mut slots: Vec<NameId> = Vec::new();
        let mut seen = HashSet::new();
        for &package in &packages {
            let slot = self.slot(package);
            if slots.last() != Some(&slot) && seen.insert(slot.into_raw()) {
                slots.push(slot);
            }
        }
        let mut ordered = Vec::with_capacity(packages.len());
        if slots.len() == packages.len() {
            ordered = packages;
        } else {
            let wanted: HashSet<PackageId> = packages.iter().copied().collect();
            for &slot in &slots {
                let named = self.named(slot);
                ordered.extend(named.into_iter().filter(|other| wanted.contains(other)));
            }
        }
        if !self.installed.is_empty() {
            ordered.sort_by_key(|&package| !self.is_installed(package));
        }
        ordered
    }

    fn demand(&self, package: PackageId, group: Group<'_>, rich: &mut Vec<Clause>) -> ListId {
        if let Some(Demand::Rich(text)) = group.atoms().next().map(|atom| atom.demand) {
            return self.rich(package, text, rich);
        }
        let list = self.answers_for(package, group);
        let memory = self.memory.borrow();
        let packages = memory.list(list);
        // A package may meet its own dependency.
        let met = packages.contains(&package);
        if met || (self.is_installed(package) && !self.any_installed(packages)) {
            NOTHING
        } else {
            list
        }
    }

    fn any_installed(&self, packages: &[PackageId]) -> bool {
        packages.iter().any(|&package| self.is_installed(package))
    }

    fn rich(&self, package: PackageId, text: &str, into: &mut Vec<Clause>) -> ListId {
        let installed = self.is_installed(package);
        let found = match clauses(self, text) {
            Ok(found) => found,
            Err(_) if installed => return NOTHING,
            Err(_) => return self.impossible(),
        };
        for clause in found {
            let Clause {
                conditions,
                packages,
                ..
            } = &clause;
            let unmet = conditions.iter().all(|set| self.any_installed(set))
                && !self.any_installed(packages);
            if packages.contains(&package)
                || conditions.iter().any(Vec::is_empty)
                || (installed && unmet)
            {
                continue;
            }
            if conditions.is_empty() && packages.is_empty() {
                return self.impossible();
            }
            into.push(Clause {
                packages: self.in_order(clause.packages),
                ..clause
            });
        }
        RICH
    }

    fn impossible(&self) -> ListId {
        self.memory.borrow_mut().add(&[])
    }

    /// The packages that a conflict names; nothing if there are none.
    fn ban_list(&self, group: Group<'_>, asking: Asking) -> ListId {
        if let Some(list) = self.memory.borrow().known(asking, group.key()) {
            return list;
        }
        let kind = match asking {
            Asking::Obsoletion => RelationKind::Obsoletes,
            Asking::Dependency | Asking::Conflict => RelationKind::Conflicts,
        };
        let packages = self.banned(group, kind);
        let mut memory = self.memory.borrow_mut();
        let list = if packages.is_empty() {
            NOTHING
        } else {
            memory.add(&packages)
        };
        memory.keep(asking, group.key(), list);
        list
    }
}
