//! The work list of a resolution (the DrakX reference §6.1).

use std::collections::{BTreeSet, VecDeque};

use escadre_catalog::Property;

use super::{
    Urpm,
    state::Cause,
    universe::{PackageId, provides, written},
};

/// How many properties one resolution may look at, beyond a hundred for each package of the media.
const STEPS: usize = 100_000;

/// What is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    /// One of these packages.
    Packages(Vec<PackageId>),
    /// Something that provides this.
    Property(Property),
}

impl What {
    /// As the original wrote it: ids or a property.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Packages(ids) => ids
                .iter()
                .map(|id| id.0.to_string())
                .collect::<Vec<_>>()
                .join("|"),
            Self::Property(property) => written(property),
        }
    }
}

/// Something that is wanted, and for whom.
#[derive(Debug, Clone)]
pub(super) struct Want {
    pub(super) what: What,
    /// The package that needs it.
    pub(super) from: Option<PackageId>,
    /// The property that it stands for, when a choice has been made.
    pub(super) property: Option<String>,
    /// An installed package would lose this name, because of that selected one.
    pub(super) promote: Option<(String, PackageId)>,
    /// The package that only suggests it.
    pub(super) suggested_by: Option<PackageId>,
}

impl Want {
    pub(super) fn new(what: What) -> Self {
        Self {
            what,
            from: None,
            property: None,
            promote: None,
            suggested_by: None,
        }
    }
}

/// A name that installed packages may miss because of a selected one.
pub(super) struct Difference {
    pub(super) name: String,
    pub(super) package: PackageId,
}

/// What is left to do.
#[derive(Default)]
pub(super) struct Agenda {
    pub(super) wants: VecDeque<Want>,
    /// Choices that were put off.
    pub(super) choices: VecDeque<Want>,
    pub(super) differences: VecDeque<Difference>,
}

impl Agenda {
    fn is_done(&self) -> bool {
        self.wants.is_empty() && self.choices.is_empty() && self.differences.is_empty()
    }

    /// Puts wants in front, in their order.
    pub(super) fn first(&mut self, wants: Vec<Want>) {
        for want in wants.into_iter().rev() {
            self.wants.push_front(want);
        }
    }

    pub(super) fn lost(&mut self, names: BTreeSet<String>, package: PackageId) {
        self.differences
            .extend(names.into_iter().map(|name| Difference { name, package }));
    }
}

impl Urpm {
    /// Resolves requested packages with what they need, then what is suggested. What became selected, in order.
    pub(crate) fn resolve(&mut self, requested: &[PackageId], no_suggests: bool) -> Vec<PackageId> {
        let wants: Vec<Want> = requested
            .iter()
            .map(|id| Want::new(What::Packages(vec![*id])))
            .collect();
        for want in &wants {
            for id in self.candidates(&want.what, false) {
                self.marks[id.index()].requested = true;
            }
        }
        let mut selected = self.work(wants);
        let mut next = 0;
        while !no_suggests && next < selected.len() {
            let id = selected[next];
            next += 1;
            let wants = self.suggestions(id);
            if !wants.is_empty() {
                selected.extend(self.work(wants));
            }
        }
        selected.retain(|id| self.state.selected.contains_key(id));
        selected
    }

    /// Wants for what a package suggests, unless it was suggested before or is provided by something installed.
    fn suggestions(&self, id: PackageId) -> Vec<Want> {
        let package = self.universe.package(id);
        let mut suggested: Vec<(String, &Property)> = package
            .recommends
            .iter()
            .map(|property| (written(property), property))
            .collect();
        suggested.sort_by(|a, b| a.0.cmp(&b.0));
        suggested.dedup_by(|a, b| a.0 == b.0);
        suggested.retain(|(text, _)| {
            let before = self
                .installed
                .named(&package.name)
                .any(|old| old.recommends.iter().any(|other| written(other) == *text));
            !before && self.installed.providing(text).next().is_none()
        });
        let wants = suggested.into_iter().map(|(_, property)| Want {
            suggested_by: Some(id),
            ..Want::new(What::Property(property.clone()))
        });
        wants.collect()
    }

    /// Works until nothing is left to do. What became selected and stayed so.
    fn work(&mut self, wants: Vec<Want>) -> Vec<PackageId> {
        let mut agenda = Agenda {
            wants: wants.into(),
            ..Agenda::default()
        };
        let mut selected = Vec::new();
        let mut steps = self
            .universe
            .len()
            .saturating_mul(100)
            .saturating_add(STEPS);
        while !agenda.is_done() && steps > 0 {
            while let Some(want) = agenda.wants.pop_front() {
                steps = steps.saturating_sub(1);
                if steps == 0 {
                    self.log.line(
                        "ERROR: selection stopped: the packages need each other in too many ways",
                    );
                    break;
                }
                if let Some(id) = self.choose(&want, &mut agenda) {
                    self.take(id, want, &mut agenda, &mut selected);
                }
            }
            if let Some(difference) = agenda.differences.pop_front() {
                self.handle_difference(&difference, &mut agenda);
            } else if let Some(want) = agenda.choices.pop_front() {
                agenda.wants.push_back(want);
            }
        }
        selected.retain(|id| self.state.selected.contains_key(id));
        selected
    }

    /// Selects a package for a want, with what follows from it.
    fn take(
        &mut self,
        id: PackageId,
        want: Want,
        agenda: &mut Agenda,
        selected: &mut Vec<PackageId>,
    ) {
        if self.state.selected.contains_key(&id) {
            return;
        }
        let marks = self.marks[id.index()];
        if marks.installed && !marks.upgrade && !self.may_replace_newer(id, &want.what) {
            return;
        }
        selected.push(id);
        self.state.selected.insert(id, self.cause_of(&want));
        self.marks[id.index()].required = true;
        let mut lost = BTreeSet::new();
        let universe = self.universe.clone();
        let package = universe.package(id);
        if package.arch != "src" {
            self.deprecate(id, &mut lost);
        }
        if !self.agrees_with_selected(id, &want, agenda) {
            return;
        }
        let required = self
            .unsatisfied(package, None)
            .into_iter()
            .map(|property| Want {
                from: Some(id),
                promote: want.promote.clone(),
                ..Want::new(What::Property(property.clone()))
            });
        agenda.first(required.collect());
        for property in &package.requires {
            let requiring = self
                .state
                .what_requires
                .entry(property.name.clone())
                .or_default();
            requiring.insert(id);
        }
        self.handle_installed_conflicts(id, agenda, &mut lost);
        agenda.lost(lost, id);
    }

    fn cause_of(&self, want: &Want) -> Cause {
        let property = match (&want.property, &want.what) {
            (Some(property), _) => property.clone(),
            (None, What::Property(property)) => written(property),
            (None, What::Packages(_)) => String::new(),
        };
        Cause {
            from: want.from.or(want.suggested_by),
            property,
            suggested: want.suggested_by.is_some(),
        }
    }

    /// A version that is installed, or an older one, is not selected unless only it provides what is wanted.
    fn may_replace_newer(&mut self, id: PackageId, what: &What) -> bool {
        let universe = self.universe.clone();
        let package = universe.package(id);
        for installed in self.installed.clone().named(&package.name) {
            if universe.compare_packages(package, installed).is_gt() {
                continue;
            }
            let satisfied = match what {
                What::Packages(_) => true,
                What::Property(property) => {
                    property.name.starts_with(|c: char| c.is_ascii_digit())
                        || provides(installed, property)
                }
            };
            if satisfied {
                let (own, theirs) = (self.full_name(id).to_owned(), installed.full_name());
                if own != theirs {
                    self.state.backtrack(&own).keep.push(theirs);
                }
                return false;
            }
        }
        true
    }
}
