//! What a resolution remembers between requests: what is selected and why, what is rejected and by whom.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::universe::PackageId;

/// Why a package is selected.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Cause {
    /// The package that needs or suggests it; nothing for one that was asked for.
    pub from: Option<PackageId>,
    /// The property that it was taken for, as written; empty for one that was asked for.
    pub property: String,
    /// It is only suggested.
    pub suggested: bool,
}

/// Why a package is rejected.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Rejection {
    /// Size of an installed package that goes; nothing for one that is only to be avoided.
    pub(super) size: Option<u64>,
    /// Full names of those that make it go.
    pub(super) removed: BTreeSet<String>,
    /// Full names of those that replace it.
    pub(super) obsoleted: BTreeSet<String>,
    /// Who is the cause, by full name, and whether it is only to be avoided.
    pub(super) closure: BTreeMap<String, bool>,
    /// What is said about it.
    pub(super) backtrack: Option<Backtrack>,
}

/// What is said about a rejected package.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Backtrack {
    pub(super) conflicts: Vec<String>,
    pub(super) unsatisfied: Vec<String>,
    pub(super) promote: Vec<String>,
    pub(super) keep: Vec<String>,
}

/// Memory of a resolution.
#[derive(Debug, Default, Clone)]
pub struct State {
    pub(super) selected: BTreeMap<PackageId, Cause>,
    /// By full name.
    pub(super) rejected: BTreeMap<String, Rejection>,
    /// Selected packages by what they require.
    pub(super) what_requires: HashMap<String, BTreeSet<PackageId>>,
    /// Properties that have been given up once.
    pub(super) given_up: HashSet<String>,
    /// Packages that have been tried in another way.
    pub(super) tried: HashSet<PackageId>,
}

impl State {
    pub(super) fn is_rejected(&self, full_name: &str) -> bool {
        self.rejected.contains_key(full_name)
    }

    /// A package is to be avoided because of another.
    pub(super) fn avoid(&mut self, full_name: &str, from: &str) {
        if full_name != from {
            let rejection = self.rejected.entry(full_name.to_owned()).or_default();
            rejection.closure.insert(from.to_owned(), true);
        }
    }

    pub(super) fn backtrack(&mut self, full_name: &str) -> &mut Backtrack {
        let rejection = self.rejected.entry(full_name.to_owned()).or_default();
        rejection.backtrack.get_or_insert_with(Backtrack::default)
    }

    /// Forgets what a package was the cause of; the full names that are no longer rejected.
    pub(super) fn forget_cause(&mut self, from: &str) -> Vec<String> {
        let mut freed = Vec::new();
        self.rejected.retain(|full_name, rejection| {
            rejection.removed.remove(from);
            rejection.obsoleted.remove(from);
            if rejection.closure.remove(from).is_none() || !rejection.closure.is_empty() {
                return true;
            }
            freed.push(full_name.clone());
            false
        });
        freed
    }

    /// Notes that an installed package goes; true the first time.
    pub(super) fn reject_installed(
        &mut self,
        package: &escadre_catalog::Package,
        from: &str,
        obsoleted: bool,
    ) -> bool {
        let rejection = self.rejected.entry(package.full_name()).or_default();
        let first = rejection.size.is_none();
        rejection.size.get_or_insert(package.size);
        rejection.closure.insert(from.to_owned(), false);
        let list = if obsoleted {
            &mut rejection.obsoleted
        } else {
            &mut rejection.removed
        };
        list.insert(from.to_owned());
        first
    }

    /// Why packages could not be selected, one line each, sorted.
    pub(super) fn reasons(&self, name_of: &dyn Fn(&str) -> String) -> Vec<String> {
        let rejected = self.rejected.iter();
        rejected
            .filter_map(|(full_name, rejection)| Some((full_name, rejection.backtrack.as_ref()?)))
            .map(
                |(full_name, backtrack)| match backtrack.reason(name_of).as_str() {
                    "" => full_name.clone(),
                    reason => format!("{full_name} ({reason})"),
                },
            )
            .collect()
    }
}

impl Backtrack {
    fn reason(&self, name_of: &dyn Fn(&str) -> String) -> String {
        let mut parts: Vec<String> = self
            .conflicts
            .iter()
            .map(|name| format!("due to conflicts with {name}"))
            .collect();
        let mut seen = BTreeSet::new();
        for property in self.unsatisfied.iter().map(|property| name_of(property)) {
            if seen.insert(property.clone()) {
                parts.push(format!("due to unsatisfied {property}"));
            }
        }
        if !self.promote.is_empty() && self.keep.is_empty() {
            parts.push(format!("trying to promote {}", self.promote.join(", ")));
        }
        if !self.keep.is_empty() {
            parts.push(format!("in order to keep {}", self.keep.join(", ")));
        }
        parts.join(", ")
    }
}
