//! The step that chooses packages, from the room on the target to the final selection (the DrakX reference §7).
//!
//! Whoever runs it answers its questions through [`Dialogue`]: a person on a screen, or a script.

use crate::{
    compss::{self, Group},
    era::Era,
    flags::Flags,
    group_sizes::GroupSizes,
    pass::{self, PassEnd},
    rating::Ratings,
    screens::{
        desktop::Desktop,
        groups::{GroupsScreen, Reckoning},
        individual::IndividualScreen,
        minimal::Minimal,
    },
    sizes::{self, MEGABYTE},
    urpm::Urpm,
};

/// The highest rate: the level of the first pass, always.
pub const RATE_MAX: u8 = 5;
/// The limit of a pass from which on a desktop is asked for, in bytes.
const DESKTOP_ROOM: f64 = 2_500_000_000.0;
/// How often the groups screen may come again.
const DISPLAYS: usize = 1000;

/// Who answers.
pub trait Dialogue {
    /// Which desktop; one is preselected.
    fn desktop(&mut self, preselected: Desktop) -> Desktop;
    /// The groups screen is shown. False to leave it without a change.
    fn groups(&mut self, screen: &mut GroupsScreen<'_>) -> bool;
    /// No group is ticked. False to go back to the groups.
    fn minimal(&mut self, boxes: &mut Minimal, era: Era) -> bool;
    /// Individual selection. False for "Previous".
    fn individual(&mut self, screen: &mut IndividualScreen<'_>) -> bool;
    /// Something is wrong.
    fn warn(&mut self, text: &str);
}

/// Why the step could not go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StepError {
    /// What must be installed does not fit; the installer reboots.
    #[error(
        "Your system does not have enough space left for installation or upgrade ({needed}MB > {room}MB)"
    )]
    NotEnoughSpace {
        /// Megabytes of what is selected.
        needed: i64,
        /// Megabytes that there are.
        room: i64,
    },
}

/// Everything that the step works on.
#[derive(Debug, Clone)]
pub struct Step {
    /// Packages and what is selected of them.
    pub urpm: Urpm,
    /// Rates and conditions.
    pub ratings: Ratings,
    /// Flags that are set.
    pub flags: Flags,
    /// Groups.
    pub groups: Vec<Group>,
    /// Which of them are ticked.
    pub ticked: Vec<bool>,
    /// Packages that every installation of this kind gets.
    pub default_packages: Vec<String>,
    /// Level of the second pass.
    pub level: u8,
    /// Which installer is followed.
    pub era: Era,
    /// Room in bytes, the reserve already taken off.
    pub available: f64,
    /// The machine has a system that is upgraded.
    pub upgrade: bool,
    /// Documentation is left out.
    pub no_docs: bool,
}

impl Step {
    /// Ticks the groups that are ticked from the start, and sets their flags.
    pub fn tick_defaults(&mut self) {
        self.ticked = self.groups.iter().map(|group| group.default).collect();
        self.set_categories();
    }

    /// The groups that are ticked.
    pub fn ticked_groups(&self) -> impl Iterator<Item = &Group> {
        self.groups
            .iter()
            .zip(&self.ticked)
            .filter(|(_, ticked)| **ticked)
            .map(|(group, _)| group)
    }

    fn set_categories(&mut self) {
        let ticked: Vec<&Group> = self
            .groups
            .iter()
            .zip(&self.ticked)
            .filter(|(_, ticked)| **ticked)
            .map(|(group, _)| group)
            .collect();
        self.flags.set_categories(ticked);
    }

    /// Selects the default packages.
    pub fn select_defaults(&mut self) {
        let names = self.default_packages.clone();
        self.urpm
            .select_by_names(names.iter().map(String::as_str), false);
    }

    /// Unselects all but the base, then selects the default packages again.
    pub fn unselect_most(&mut self) {
        self.urpm.unselect_all();
        self.select_defaults();
    }

    /// One pass with the flags as they are.
    pub fn pass(&mut self, level: u8, limit: f64) -> PassEnd {
        pass::run(
            &mut self.urpm,
            &self.ratings,
            &mut self.flags,
            level,
            limit,
            self.era,
        )
    }

    /// The limit of the passes, in bytes.
    pub fn limit(&self) -> f64 {
        sizes::limit(self.available)
    }

    /// Runs the whole step.
    pub fn choose(&mut self, dialogue: &mut dyn Dialogue) -> Result<PassEnd, StepError> {
        let limit = self.limit();
        let line = format!(
            "available size {} (corrected {})",
            sizes::written(self.available),
            sizes::written(limit)
        );
        self.urpm.log.line(line);
        self.pass(RATE_MAX, limit);
        self.check_room(limit, dialogue)?;
        let show_groups = !self.upgrade && self.ask_desktop(limit, dialogue);
        let mut individual = false;
        let mut end = PassEnd {
            level: self.level,
            cut_at: None,
        };
        for _ in 0..DISPLAYS {
            if show_groups {
                self.choose_groups(&mut individual, dialogue);
            }
            end = self.pass(self.level, limit);
            if !individual || dialogue.individual(&mut IndividualScreen::new(self)) {
                break;
            }
        }
        Ok(end)
    }

    fn check_room(&mut self, limit: f64, dialogue: &mut dyn Dialogue) -> Result<(), StepError> {
        let size = self.urpm.selected_size() as f64;
        if size < limit {
            return Ok(());
        }
        let error = StepError::NotEnoughSpace {
            needed: (size / MEGABYTE) as i64,
            room: (limit / MEGABYTE) as i64,
        };
        self.urpm.log.line(error.to_string());
        dialogue.warn(&error.to_string());
        Err(error)
    }

    /// Asks for a desktop, if both can be had and there is room. Whether the groups screen follows.
    fn ask_desktop(&mut self, limit: f64, dialogue: &mut dyn Dialogue) -> bool {
        let tasks = [self.era.kde_task(), "task-gnome-minimal"];
        let tasks_there = tasks
            .into_iter()
            .all(|task| self.urpm.package_by_name(task).is_some());
        if !tasks_there || limit < DESKTOP_ROOM {
            if self.era != Era::Y2008 {
                self.urpm.log.line(if tasks_there {
                    "not asking for desktop since not enough place"
                } else {
                    "not asking for desktop since kde and gnome are not available on media (useful for mini iso)"
                });
            }
            return true;
        }
        let desktop = dialogue.desktop(Desktop::preselected(&self.flags, self.era));
        self.urpm
            .log
            .line(format!("chosen Desktop: {}", desktop.word()));
        if desktop == Desktop::Custom {
            return true;
        }
        desktop.set_flags(&mut self.flags);
        self.urpm.log.line(format!("flags {}", self.flags.joined()));
        self.unselect_most();
        false
    }

    /// The groups screen, with the question that follows when nothing is ticked.
    fn choose_groups(&mut self, individual: &mut bool, dialogue: &mut dyn Dialogue) {
        for _ in 0..DISPLAYS {
            let Some(must_unselect) = self.show_groups(individual, dialogue) else {
                return;
            };
            self.set_categories();
            let line = format!(
                "compssUsersChoice selected: {}",
                compss::quoted(self.ticked_groups())
            );
            self.urpm.log.line(line);
            if self.upgrade {
                return;
            }
            if must_unselect {
                self.unselect_most();
            }
            if self.ticked.contains(&true) || self.ask_minimal(dialogue) {
                return;
            }
        }
    }

    /// Shows the groups until what is ticked fits. Whether everything must be unselected; nothing if it was left.
    fn show_groups(&mut self, individual: &mut bool, dialogue: &mut dyn Dialogue) -> Option<bool> {
        let reckoning = self.reckon_groups();
        let log = &mut self.urpm.log;
        let mut screen =
            GroupsScreen::new(&self.groups, &mut self.ticked, &self.flags, log, reckoning);
        screen.individual = *individual;
        if screen.is_pointless() {
            screen.untick_all();
            return Some(screen.must_unselect());
        }
        for _ in 0..DISPLAYS {
            if !dialogue.groups(&mut screen) {
                return None;
            }
            *individual = screen.individual;
            if screen.is_acceptable() {
                return Some(screen.must_unselect());
            }
            dialogue.warn("Selected size is larger than available space");
        }
        None
    }

    /// The size of the system alone and of what the groups would add; the selection stays as it was.
    fn reckon_groups(&mut self) -> Reckoning {
        let saved = self.urpm.save();
        self.unselect_most();
        let mut system = Flags::from_iter(["CAT_SYSTEM"]);
        pass::run(
            &mut self.urpm,
            &self.ratings,
            &mut system,
            self.level,
            0.0,
            self.era,
        );
        let system_size = self.urpm.selected_size();
        let sizes = GroupSizes::new(&mut self.urpm, &self.ratings, self.level);
        self.urpm.restore(saved);
        self.urpm.log.line(format!("system_size: {system_size}"));
        Reckoning {
            sizes,
            system_size,
            available: self.available,
        }
    }

    /// Asks what the smallest installation shall have. False to go back to the groups.
    fn ask_minimal(&mut self, dialogue: &mut dyn Dialogue) -> bool {
        let mut boxes = Minimal {
            with_x: self.flags.is_set("CAT_X"),
            suggests: false,
            docs: !self.no_docs,
            truly_minimal: false,
        };
        if !dialogue.minimal(&mut boxes, self.era) {
            return false;
        }
        let boxes = boxes.settled();
        self.flags.set("CAT_X", boxes.with_x);
        if boxes.truly_minimal {
            self.flags.set("CAT_SYSTEM", false);
        }
        self.no_docs = !boxes.docs;
        self.flags.set("CAT_MINIMAL_DOCS", boxes.docs);
        if self.era != Era::Y2008 {
            self.urpm.options.no_suggests = !boxes.suggests;
            if !boxes.suggests {
                self.level = RATE_MAX;
            }
        }
        self.unselect_most();
        true
    }
}
