//! Conflicts, obsoletes, and what installed packages lose by a selection (the DrakX reference §6.1).

use std::collections::BTreeSet;

use escadre_catalog::{Op, Package, Property};
use escadre_model::version;

use super::{
    Urpm, fits_installed, overlap,
    resolve::{Agenda, Difference, Want, What},
    universe::{PackageId, obsoletes, provides, written},
};

impl Urpm {
    /// Rejects in advance what a package conflicts with; gives the package up if that is selected already.
    pub(super) fn agrees_with_selected(
        &mut self,
        id: PackageId,
        want: &Want,
        agenda: &mut Agenda,
    ) -> bool {
        let universe = self.universe.clone();
        let full_name = self.full_name(id).to_owned();
        for conflict in &universe.package(id).conflicts {
            for &other in universe.providers(&conflict.name) {
                if other == id || !provides(universe.package(other), conflict) {
                    continue;
                }
                let other_name = self.full_name(other).to_owned();
                if self.state.selected.contains_key(&other) {
                    self.unselect(&[id]);
                    self.state.avoid(&full_name, &other_name);
                    let again = self.backtrack(want, agenda);
                    agenda.first(again.into_iter().collect());
                    return false;
                }
                self.state.avoid(&other_name, &full_name);
            }
        }
        true
    }

    /// Older versions, and what the package obsoletes, are to be avoided; installed ones go.
    pub(super) fn deprecate(&mut self, id: PackageId, lost: &mut BTreeSet<String>) {
        let universe = self.universe.clone();
        let package = universe.package(id);
        let own = Property::versioned(
            &*package.name,
            Op::Less,
            format!("{}:{}-{}", package.epoch, package.version, package.release),
        );
        self.deprecate_property(id, &own, lost);
        for obsolete in package
            .obsoletes
            .iter()
            .filter(|obsolete| obsolete.name != package.name)
        {
            self.deprecate_property(id, obsolete, lost);
        }
    }

    fn deprecate_property(&mut self, id: PackageId, old: &Property, lost: &mut BTreeSet<String>) {
        let universe = self.universe.clone();
        let package = universe.package(id);
        let full_name = self.full_name(id).to_owned();
        for &other in universe.providers(&old.name) {
            let theirs = universe.package(other);
            if theirs.name == package.name || (theirs.name == old.name && accepts(old, theirs)) {
                let other_name = self.full_name(other).to_owned();
                self.state.avoid(&other_name, &full_name);
            }
        }
        for installed in self.installed.clone().named(&old.name) {
            let satisfied = accepts(old, installed);
            if installed.name != package.name {
                if satisfied {
                    self.remove_installed(installed, &full_name, true, lost);
                }
                continue;
            }
            if old.op != Op::Any && version::rpm(&installed.evr(), &old.version).is_gt() {
                self.unselect(&[id]);
            } else {
                self.remove_installed(installed, &full_name, satisfied, lost);
            }
        }
    }

    /// An installed package goes; the names that nothing selected provides in the same way are lost.
    fn remove_installed(
        &mut self,
        installed: &Package,
        from: &str,
        obsoleted: bool,
        lost: &mut BTreeSet<String>,
    ) {
        if !self.state.reject_installed(installed, from, obsoleted) {
            return;
        }
        for provide in &installed.provides {
            let kept = self.universe.providers(&provide.name).iter().any(|id| {
                let same = |other: &Property| {
                    other.name == provide.name
                        && other.op == provide.op
                        && other.version == provide.version
                };
                self.state.selected.contains_key(id)
                    && self.universe.package(*id).provides.iter().any(same)
            });
            if !kept {
                lost.insert(provide.name.clone());
            }
        }
    }

    /// Installed packages that conflict with a selected one, either way round: upgraded if that helps, else removed.
    pub(super) fn handle_installed_conflicts(
        &mut self,
        id: PackageId,
        agenda: &mut Agenda,
        lost: &mut BTreeSet<String>,
    ) {
        let universe = self.universe.clone();
        let installed = self.installed.clone();
        let package = universe.package(id);
        let full_name = self.full_name(id).to_owned();
        for conflict in &package.conflicts {
            for other in installed.providing(&conflict.name) {
                if conflict.name.starts_with('/') {
                    self.remove_installed(other, &full_name, false, lost);
                } else if provides(other, conflict) {
                    self.handle_conflict(id, other, conflict, agenda, lost);
                }
            }
        }
        let mut seen = BTreeSet::new();
        for other in package
            .provides
            .iter()
            .flat_map(|provide| installed.conflicting(&provide.name))
        {
            if !seen.insert(other.full_name()) {
                continue;
            }
            for conflict in other
                .conflicts
                .iter()
                .filter(|conflict| provides(package, conflict))
            {
                self.handle_conflict(id, other, conflict, agenda, lost);
            }
        }
    }

    fn handle_conflict(
        &mut self,
        id: PackageId,
        other: &Package,
        conflict: &Property,
        agenda: &mut Agenda,
        lost: &mut BTreeSet<String>,
    ) {
        let newer = Property::versioned(&*other.name, Op::Greater, other.evr());
        let mut better: Vec<PackageId> = self.candidates(&What::Property(newer), true);
        better.retain(|id| {
            let package = self.universe.package(*id);
            package.name == other.name && !provides(package, conflict)
        });
        if better.is_empty() {
            better = self.obsoleting(other);
            better.retain(|id| !provides(self.universe.package(*id), conflict));
        }
        if better.is_empty() {
            let full_name = self.full_name(id).to_owned();
            self.remove_installed(other, &full_name, false, lost);
        } else {
            agenda.wants.push_front(Want::new(What::Packages(better)));
        }
    }

    /// Packages that could take the place of an installed one because they obsolete it.
    fn obsoleting(&self, old: &Package) -> Vec<PackageId> {
        let old_name = old.full_name();
        let fits = |id: &PackageId| {
            let entry = self.universe.entry(*id);
            !self.marks(*id).skip
                && entry.distance > 0
                && !self.state.is_rejected(&entry.full_name)
                && obsoletes(&entry.package, old)
                && entry.full_name != old_name
                && fits_installed(old, &entry.package)
        };
        self.universe
            .obsoleting(&old.name)
            .iter()
            .copied()
            .filter(fits)
            .collect()
    }

    /// A name is no longer provided: whoever needs it is upgraded, gets another provider, or goes.
    pub(super) fn handle_difference(&mut self, difference: &Difference, agenda: &mut Agenda) {
        for package in self.installed.clone().requiring(&difference.name) {
            self.settle_dependant(package, None, difference, agenda);
        }
        let universe = self.universe.clone();
        for id in self.requiring(&difference.name) {
            if self.state.selected.contains_key(&id) {
                self.settle_dependant(universe.package(id), Some(id), difference, agenda);
            }
        }
    }

    fn settle_dependant(
        &mut self,
        package: &Package,
        id: Option<PackageId>,
        difference: &Difference,
        agenda: &mut Agenda,
    ) {
        let unsatisfied: Vec<Property> = self
            .unsatisfied(package, Some(&difference.name))
            .into_iter()
            .cloned()
            .collect();
        if unsatisfied.is_empty() {
            return;
        }
        let promoted = |ids: Vec<PackageId>| Want {
            promote: Some((difference.name.clone(), difference.package)),
            ..Want::new(What::Packages(ids))
        };
        let newer = self.newer_or_obsoleting(package);
        if !newer.is_empty() {
            agenda.wants.push_back(promoted(newer));
            return;
        }
        let providers = self.other_providers(package, &unsatisfied);
        if providers.iter().all(|ids| !ids.is_empty()) {
            agenda.wants.extend(providers.into_iter().map(promoted));
            return;
        }
        let cause = self.full_name(difference.package).to_owned();
        match id {
            Some(id) => {
                self.unselect(&[id]);
                self.state.avoid(&package.full_name(), &cause);
            }
            None => {
                let mut lost = BTreeSet::new();
                self.remove_installed(package, &cause, false, &mut lost);
                agenda.lost(lost, difference.package);
            }
        }
    }

    /// For each property, the packages other than this one that provide it.
    fn other_providers(&self, package: &Package, properties: &[Property]) -> Vec<Vec<PackageId>> {
        let own = package.full_name();
        let providers = properties.iter().map(|property| {
            let mut ids = self.candidates(&What::Property(property.clone()), true);
            ids.retain(|id| self.full_name(*id) != own);
            ids
        });
        providers.collect()
    }

    fn newer_or_obsoleting(&self, package: &Package) -> Vec<PackageId> {
        let mut found = self.candidates(&What::Property(Property::any(&*package.name)), true);
        found.retain(|id| {
            let other = self.universe.package(*id);
            let better = if other.name == package.name {
                self.universe.compare_packages(package, other).is_lt()
            } else {
                obsoletes(other, package)
            };
            better && fits_installed(package, other)
        });
        if found.is_empty() {
            self.obsoleting(package)
        } else {
            found
        }
    }

    /// What was to be promoted cannot be: the installed packages that need the name go.
    pub(super) fn give_up_installed(
        &mut self,
        name: &str,
        selected: PackageId,
        agenda: &mut Agenda,
    ) {
        let cause = self.full_name(selected).to_owned();
        for package in self.installed.clone().requiring(name) {
            if self.unsatisfied(package, Some(name)).is_empty() {
                continue;
            }
            let mut lost = BTreeSet::new();
            self.remove_installed(package, &cause, false, &mut lost);
            agenda.lost(lost, selected);
        }
    }

    /// Packages of the media that conflict with one, either way round, as written; for those who ask why.
    pub fn conflicts_between(&self, a: PackageId, b: PackageId) -> Option<String> {
        let (a, b) = (self.universe.package(a), self.universe.package(b));
        let one_way = |from: &Package, to: &Package| {
            let conflict = from
                .conflicts
                .iter()
                .find(|conflict| to.provides.iter().any(|provide| overlap(provide, conflict)))?;
            Some(format!(
                "{} conflicts with {}",
                from.name,
                written(conflict)
            ))
        };
        one_way(a, b).or_else(|| one_way(b, a))
    }
}

/// Whether the version of a package lies in the range of a property.
fn accepts(property: &Property, package: &Package) -> bool {
    property
        .op
        .accepts(version::rpm(&package.evr(), &property.version))
}
