//! Individual selection: a tree of packages, each of which can be ticked with what comes and goes (the DrakX reference §9).

use std::collections::BTreeSet;

use crate::{
    package_list::{self, PackageListError},
    sizes::{self, MEGABYTE},
    step::Step,
    urpm::PackageId,
};

/// How a package stands in the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeState {
    /// Of the base: stays.
    Base,
    /// Installed and up to date: stays.
    Installed,
    /// Going to be installed.
    Selected,
    /// Not going to be.
    Unselected,
}

/// What comes with a tick: shown for confirmation when it is more than what was ticked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirmation {
    /// True for packages that come, false for packages that go.
    pub selection: bool,
    /// Names, sorted.
    pub packages: Vec<String>,
}

impl Confirmation {
    /// The sentence above the names.
    pub fn sentence(&self) -> &'static str {
        if self.selection {
            "The following packages are going to be installed"
        } else {
            "The following packages are going to be removed"
        }
    }
}

/// Why a tick did nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is of the base.
    #[error("This is a mandatory package, it can not be unselected")]
    Mandatory,
    /// It is there.
    #[error("You can not unselect this package. It is already installed")]
    Installed,
    /// It is an upgrade.
    #[error("You can not unselect this package. It must be upgraded")]
    MustUpgrade,
    /// Nothing would change.
    #[error("You can not select/unselect this package")]
    Impossible(Vec<String>),
    /// Too little room.
    #[error("You can not select this package as there is not enough space left to install it")]
    NoRoom,
    /// The person said no.
    #[error("")]
    Declined,
    /// No such package.
    #[error("unknown package `{0}'")]
    Unknown(String),
}

/// Texts of the rates, as shown.
pub fn importance(rate: u8) -> &'static str {
    match rate {
        5 => "must have",
        4 => "important",
        3 => "very nice",
        2 => "nice",
        1 => "maybe",
        _ => "",
    }
}

/// Packages of a group in the tree: the important ones, and those under "Other". Both sorted.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Branch {
    /// Rate 3 and above.
    pub first: Vec<String>,
    /// Below.
    pub other: Vec<String>,
}

/// Individual selection of a step.
#[derive(Debug)]
pub struct IndividualScreen<'a> {
    step: &'a mut Step,
    /// "Show automatically selected packages": asks before more changes than was ticked.
    pub show_automatic: bool,
}

impl<'a> IndividualScreen<'a> {
    pub(crate) fn new(step: &'a mut Step) -> Self {
        Self {
            step,
            show_automatic: true,
        }
    }

    /// The step that is on screen.
    pub fn step(&self) -> &Step {
        self.step
    }

    /// How a package stands; nothing for one that is not shown.
    pub fn state(&self, name: &str) -> Option<NodeState> {
        let urpm = &self.step.urpm;
        let id = urpm
            .universe()
            .best(name)
            .filter(|id| !urpm.universe().is_ignored(*id))?;
        let marks = urpm.marks(id);
        if urpm.universe().package(id).arch == "src" {
            return None;
        }
        Some(if marks.base {
            NodeState::Base
        } else if marks.installed && !marks.upgrade {
            NodeState::Installed
        } else if marks.is_selected() {
            NodeState::Selected
        } else {
            NodeState::Unselected
        })
    }

    /// The packages of a group.
    pub fn branch(&self, group: usize) -> Branch {
        let mut branch = Branch::default();
        let Some(group) = self.step.groups.get(group) else {
            return branch;
        };
        let flags: Vec<String> = group.category_flags().collect();
        for (id, rating) in self.step.ratings.iter() {
            if rating.rate > 0 && rating.clauses.iter().any(|clause| clause.touches(&flags)) {
                let name = self.step.urpm.universe().package(id).name.clone();
                let list = if rating.rate >= 3 {
                    &mut branch.first
                } else {
                    &mut branch.other
                };
                list.push(name);
            }
        }
        branch.first.sort();
        branch.other.sort();
        branch
    }

    /// `Total size: … MB`
    pub fn size_text(&self) -> String {
        format!(
            "Total size: {} / {} MB",
            self.corrected().trunc(),
            (self.step.available / MEGABYTE).trunc()
        )
    }

    fn corrected(&self) -> f64 {
        sizes::correct(self.step.urpm.selected_size() as f64 / MEGABYTE)
    }

    /// Ticks or unticks one package, as a click on it does.
    pub fn click(
        &mut self,
        name: &str,
        confirm: impl FnOnce(&Confirmation) -> bool,
    ) -> Result<Vec<String>, Refusal> {
        let Some(id) = self.step.urpm.package_by_name(name) else {
            return Err(Refusal::Unknown(name.to_owned()));
        };
        let marks = self.step.urpm.marks(id);
        if marks.base {
            Err(Refusal::Mandatory)
        } else if marks.installed && !marks.upgrade {
            Err(Refusal::Installed)
        } else if marks.is_selected() && marks.installed {
            Err(Refusal::MustUpgrade)
        } else {
            self.toggle(&[id], confirm)
        }
    }

    /// Selects packages if at least one is not selected, else unselects them. The names that changed.
    pub fn toggle(
        &mut self,
        ids: &[PackageId],
        confirm: impl FnOnce(&Confirmation) -> bool,
    ) -> Result<Vec<String>, Refusal> {
        let urpm = &mut self.step.urpm;
        let selection = ids.iter().any(|id| !urpm.marks(*id).is_selected());
        let changed = if selection {
            urpm.resolve(ids, false)
        } else {
            urpm.unselect(ids)
        };
        let names = |step: &Step| -> BTreeSet<String> {
            changed
                .iter()
                .map(|id| step.urpm.universe().package(*id).name.clone())
                .collect()
        };
        if changed.is_empty() {
            return Err(Refusal::Impossible(self.step.urpm.rejections()));
        }
        let refusal = if self.corrected() > self.step.available / MEGABYTE {
            Some(Refusal::NoRoom)
        } else if changed.len() > ids.len() && self.show_automatic {
            let confirmation = Confirmation {
                selection,
                packages: names(self.step).into_iter().collect(),
            };
            (!confirm(&confirmation)).then_some(Refusal::Declined)
        } else {
            None
        };
        let Some(refusal) = refusal else {
            return Ok(names(self.step).into_iter().collect());
        };
        if selection {
            self.step.urpm.unselect(&changed);
        } else {
            self.step.urpm.resolve(&changed, false);
        }
        Err(refusal)
    }

    /// Loads a list: it replaces the whole selection but the base and the default packages.
    pub fn load(&mut self, text: &str) -> Result<(), PackageListError> {
        self.step.urpm.log.line("load package selection");
        let names = package_list::parse(text)?;
        self.step.unselect_most();
        self.step
            .urpm
            .select_by_names(names.iter().map(String::as_str), false);
        Ok(())
    }

    /// The text of the list file for what is selected.
    pub fn save(&mut self) -> String {
        self.step.urpm.log.line("save package selection");
        package_list::write(&package_list::leaves(&self.step.urpm))
    }
}
