//! Dependencies in the way of the original's resolver (perl-URPM 3.33; the DrakX reference §6): one request after the
//! other, choices put off while anything else is left, the earlier selection stays.
//!
//! Invariants:
//! - The same requests in the same order give the same selection. Where the original followed the order of a hash,
//!   packages and properties are taken sorted by name.
//! - Every run ends: a request may take a bounded number of steps, whatever the packages say of each other.
//!
//! Absent on purpose: looking for the best of all solutions. That is what `escadre-solve` does.

mod arch;
mod choose;
mod conflicts;
mod preference;
mod resolve;
mod state;
mod universe;
mod unselect;

use std::{collections::BTreeSet, sync::Arc};

use escadre_catalog::{Package, Property};
use escadre_model::inventory::PackageKind;

pub use preference::{Entry as ListEntry, NameList};
pub use state::{Cause, State};
pub use universe::{Installed, Medium, PackageId, Universe};
pub(crate) use universe::{provides, written};

use crate::log::Log;

/// What is marked on a package of the media.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Marks {
    /// Some version of it is installed.
    pub installed: bool,
    /// Newer than what is installed, or not installed.
    pub upgrade: bool,
    /// Of the base: cannot be unselected.
    pub base: bool,
    /// Selected by a resolution.
    pub required: bool,
    /// Asked for.
    pub requested: bool,
    /// On the skip list: no candidate for anything.
    pub skip: bool,
}

impl Marks {
    /// Whether it is going to be installed.
    pub fn is_selected(self) -> bool {
        self.upgrade && (self.base || self.required)
    }

    /// Whether it is there, or going to be.
    pub fn is_available(self) -> bool {
        (self.installed && !self.upgrade) || self.is_selected()
    }
}

/// In which order things are visited that have none; only the order of log lines depends on it.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Visiting {
    /// By name.
    #[default]
    ByName,
    /// As in the recorded runs of the original: for replays.
    AsRecorded,
}

/// What changes how choices are made.
#[derive(Debug, Default, Clone)]
pub struct Options {
    /// In which order things are visited that have none.
    pub visiting: Visiting,
    /// Imposed preferences, then those of the distribution.
    pub preferences: NameList,
    /// Leave suggestions out.
    pub no_suggests: bool,
    /// Endings of the kernels that fit the machine (`-desktop`).
    pub kernel_extensions: Vec<String>,
}

/// A selection in the making.
#[derive(Debug, Clone)]
pub struct Urpm {
    pub(crate) universe: Arc<Universe>,
    pub(crate) installed: Arc<Installed>,
    /// What changes how choices are made.
    pub options: Options,
    /// Lines logged so far.
    pub log: Log,
    marks: Vec<Marks>,
    state: State,
}

/// What a selection was, to go back to it.
#[derive(Debug, Clone)]
pub struct Saved {
    marks: Vec<Marks>,
    state: State,
}

impl Urpm {
    /// Nothing selected yet; what is installed is marked.
    pub fn new(universe: Arc<Universe>, installed: Arc<Installed>, options: Options) -> Self {
        let mut urpm = Self {
            marks: vec![Marks::default(); universe.len()],
            universe,
            installed,
            options,
            log: Log::default(),
            state: State::default(),
        };
        urpm.mark_installed();
        urpm
    }

    fn mark_installed(&mut self) {
        for id in self
            .universe
            .ids()
            .filter(|id| self.universe.is_compatible(*id))
        {
            let package = self.universe.package(id);
            let marks = &mut self.marks[id.index()];
            marks.upgrade = true;
            for installed in self.installed.named(&package.name) {
                marks.installed = true;
                marks.upgrade &= self.universe.compare_packages(package, installed).is_gt();
            }
        }
    }

    /// Marks what a skip list names: packages that *provide* a name, or whose full name matches a pattern.
    pub fn skip(&mut self, list: &NameList) {
        for entry in &list.entries {
            match entry {
                ListEntry::Name(name) => {
                    for id in self.universe.providers(name) {
                        self.marks[id.index()].skip = true;
                    }
                }
                ListEntry::Pattern(regex) => {
                    for id in self.universe.ids() {
                        if regex.is_match(&self.universe.entry(id).full_name) {
                            self.marks[id.index()].skip = true;
                        }
                    }
                }
            }
        }
    }

    /// The marks of a package.
    pub fn marks(&self, id: PackageId) -> Marks {
        self.marks[id.index()]
    }

    /// The packages on the media.
    pub fn universe(&self) -> &Arc<Universe> {
        &self.universe
    }

    /// What is installed.
    pub fn installed(&self) -> &Arc<Installed> {
        &self.installed
    }

    /// Why a package was selected, if a resolution did it.
    pub fn cause(&self, id: PackageId) -> Option<&Cause> {
        self.state.selected.get(&id)
    }

    /// Why packages could not be selected, one line each.
    pub fn rejections(&self) -> Vec<String> {
        self.state.reasons(&|text| self.shown(text))
    }

    /// Full names of the installed packages that must go, and whether another takes their place.
    pub fn removals(&self) -> impl Iterator<Item = (&str, bool)> {
        let rejected = self
            .state
            .rejected
            .iter()
            .filter(|(_, rejection)| rejection.size.is_some());
        rejected.map(|(full_name, rejection)| (full_name.as_str(), !rejection.obsoleted.is_empty()))
    }

    /// What is selected, in media order.
    pub fn selected(&self) -> impl Iterator<Item = PackageId> + '_ {
        self.universe
            .ids()
            .filter(|id| self.marks(*id).is_selected())
    }

    /// Names of the packages with some mark, sorted.
    pub fn names(&self, wanted: impl Fn(Marks) -> bool) -> Vec<&str> {
        let marked = self.universe.ids().filter(|id| wanted(self.marks(*id)));
        let mut names: Vec<&str> = marked
            .map(|id| self.universe.package(id).name.as_str())
            .collect();
        names.sort_unstable();
        names
    }

    /// Bytes of the selection: what is selected, less what is installed of the same names or must go, once per name.
    pub fn selected_size(&self) -> i64 {
        let mut size: i64 = 0;
        let mut counted = BTreeSet::new();
        for id in self.selected() {
            let package = self.universe.package(id);
            size = size.saturating_add(signed(package.size));
            if counted.insert(package.name.as_str()) {
                size = size.saturating_sub(signed(self.installed.size(&package.name)));
            }
        }
        for full_name in self.state.rejected.keys() {
            let Some(name) = full_name.rsplitn(3, '-').nth(2) else {
                continue;
            };
            if counted.insert(name) {
                size = size.saturating_sub(signed(self.installed.size(name)));
            }
        }
        size
    }

    /// Looks for a package by name; logs one that is not there.
    pub fn package_by_name(&mut self, name: &str) -> Option<PackageId> {
        let best = self.universe.best(name);
        if best.is_none() {
            self.log.line(format!("unknown package `{name}'"));
        }
        best
    }

    /// Requests one package unless it is installed in this version, or its medium is off. What came in.
    pub fn select(&mut self, id: PackageId) -> Vec<PackageId> {
        let request = self.request(id);
        self.resolve_and_check(&request)
    }

    /// Requests packages by name, one after the other; of the base if so wished.
    pub fn select_by_names<'a>(&mut self, names: impl IntoIterator<Item = &'a str>, base: bool) {
        for name in names {
            let Some(id) = self.package_by_name(name) else {
                continue;
            };
            for id in self.select(id) {
                self.marks[id.index()].base |= base;
            }
        }
    }

    /// Whether a package may be asked for; a request with it, or an empty one.
    pub(crate) fn request(&self, id: PackageId) -> Vec<PackageId> {
        let marks = self.marks(id);
        let wanted = (marks.upgrade || !marks.installed) && !self.universe.is_ignored(id);
        if wanted { vec![id] } else { Vec::new() }
    }

    /// Resolves a request; logs it if something could not be selected (the original overlooked the package of id 0).
    pub(crate) fn resolve_and_check(&mut self, requested: &[PackageId]) -> Vec<PackageId> {
        let selected = self.resolve(requested, self.options.no_suggests);
        if requested
            .iter()
            .any(|id| id.0 != 0 && !self.state.selected.contains_key(id))
        {
            let reasons = self.rejections().join("\n");
            self.log.line(format!("ERROR: selection failed: {reasons}"));
        }
        selected
    }

    /// Unselects all but the base and upgrades, forgets everything, and requests again what stays.
    pub fn unselect_all(&mut self) {
        self.log.line("unselecting all packages...");
        let mut kept = Vec::new();
        for id in self.universe.ids() {
            let marks = &mut self.marks[id.index()];
            if marks.base || (marks.installed && marks.is_selected()) {
                kept.push(id);
            } else {
                marks.required = false;
                marks.requested = false;
            }
        }
        self.state = State::default();
        self.resolve_and_check(&kept);
    }

    /// Takes the selection away to try something; its memory starts anew.
    pub fn save(&mut self) -> Saved {
        Saved {
            marks: self.marks.clone(),
            state: std::mem::take(&mut self.state),
        }
    }

    /// Goes back to what was saved.
    pub fn restore(&mut self, saved: Saved) {
        self.state = saved.state;
        for (marks, old) in self.marks.iter_mut().zip(saved.marks) {
            marks.requested = old.requested;
            marks.required = old.required;
            marks.upgrade = old.upgrade;
        }
    }

    fn full_name(&self, id: PackageId) -> &str {
        &self.universe.entry(id).full_name
    }

    fn is_selected_or_installed(&self, name: &str) -> bool {
        self.universe
            .providers(name)
            .iter()
            .any(|id| self.marks(*id).is_available())
            || self.installed.named(name).next().is_some()
    }

    /// Ids in the text of a want, as full names.
    fn shown(&self, text: &str) -> String {
        match text.parse::<u32>() {
            Ok(id) if (id as usize) < self.universe.len() => {
                self.full_name(PackageId(id)).to_owned()
            }
            _ => text.to_owned(),
        }
    }

    /// What a package requires that neither what is selected, nor what is installed, nor it itself provides; sorted.
    fn unsatisfied<'p>(&self, package: &'p Package, name: Option<&str>) -> Vec<&'p Property> {
        let of_name = |property: &&Property| name.is_none_or(|name| property.name == name);
        let mut left: Vec<&Property> = Vec::new();
        for property in package.requires.iter().filter(of_name) {
            let installed = self.installed.providing(&property.name).any(|other| {
                !self.state.is_rejected(&other.full_name()) && provides(other, property)
            });
            let selected = || {
                self.universe.providers(&property.name).iter().any(|id| {
                    self.state.selected.contains_key(id)
                        && provides(self.universe.package(*id), property)
                })
            };
            if !installed && !selected() && !provides(package, property) {
                left.push(property);
            }
        }
        left.sort_by_cached_key(|property| written(property));
        left.dedup();
        left
    }
}

fn signed(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

/// Whether a package of another architecture than the installed one of its name may come in.
fn fits_installed(installed: &Package, package: &Package) -> bool {
    let free = |arch: &str| matches!(arch, "src" | "noarch");
    free(&package.arch) || installed.arch == "noarch" || installed.arch == package.arch
}

/// Overlap of two properties as rpm has it.
fn overlap(a: &Property, b: &Property) -> bool {
    a.overlaps(PackageKind::Rpm, b)
}

#[cfg(test)]
mod tests;
