//! The groups screen: boxes, and the size that moves as they are ticked (the DrakX reference §8).

use crate::{
    compss::Group,
    flags::Flags,
    group_sizes::GroupSizes,
    log::Log,
    sizes::{self, MEGABYTE},
};

/// The least room for which there is anything to choose, in megabytes.
const LEAST_ROOM: f64 = 200.0;

/// The groups screen.
#[derive(Debug)]
pub struct GroupsScreen<'a> {
    /// The groups, in order.
    pub groups: &'a [Group],
    ticked: &'a mut [bool],
    log: &'a mut Log,
    sizes: GroupSizes,
    system_size: i64,
    stable: Flags,
    available: f64,
    /// Bytes at the last reckoning.
    size: Option<i64>,
    /// The size became smaller once: everything is unselected at the end.
    shrunk: bool,
    /// Individual selection was asked for.
    pub individual: bool,
}

/// What is known before the screen is shown.
pub(crate) struct Reckoning {
    pub(crate) sizes: GroupSizes,
    /// Bytes of the system without any group.
    pub(crate) system_size: i64,
    /// Room in bytes, not corrected.
    pub(crate) available: f64,
}

impl<'a> GroupsScreen<'a> {
    pub(crate) fn new(
        groups: &'a [Group],
        ticked: &'a mut [bool],
        flags: &Flags,
        log: &'a mut Log,
        reckoning: Reckoning,
    ) -> Self {
        let mut stable = flags.clone();
        for flag in groups.iter().flat_map(Group::category_flags) {
            stable.set(flag, false);
        }
        Self {
            groups,
            ticked,
            log,
            stable,
            sizes: reckoning.sizes,
            system_size: reckoning.system_size,
            available: reckoning.available / MEGABYTE,
            size: None,
            shrunk: false,
            individual: false,
        }
    }

    /// Whether there is too little room to choose anything.
    pub(crate) fn is_pointless(&self) -> bool {
        self.available < LEAST_ROOM
    }

    /// Whether a group is ticked.
    pub fn is_ticked(&self, index: usize) -> bool {
        self.ticked.get(index).copied().unwrap_or_default()
    }

    /// Whether no group is ticked.
    pub fn is_empty(&self) -> bool {
        !self.ticked.contains(&true)
    }

    /// Ticks a group or takes the tick away; the size follows with [`Self::size_text`].
    pub fn tick(&mut self, index: usize, on: bool) {
        if let Some(ticked) = self.ticked.get_mut(index) {
            *ticked = on;
        }
    }

    /// Takes every tick away.
    pub fn untick_all(&mut self) {
        self.ticked.fill(false);
    }

    /// Reckons the size of what is ticked, logs it, and gives the text that is shown.
    pub fn size_text(&mut self) -> String {
        let mut flags = self.stable.clone();
        let ticked = self
            .groups
            .iter()
            .zip(self.ticked.iter())
            .filter(|(_, ticked)| **ticked);
        flags.extend(ticked.flat_map(|(group, _)| group.category_flags()));
        let (chosen, packages) = self.sizes.chosen(&flags);
        let shown = chosen.map(|size| size.to_string()).unwrap_or_default();
        self.log
            .line(format!("computed size {shown} (flags {})", flags.joined()));
        let names = packages.into_iter().collect::<Vec<_>>().join(" ");
        self.log.line(format!("chooseGroups: {names}"));
        let size = self.system_size.saturating_add(chosen.unwrap_or_default());
        self.shrunk |= self.size.is_some_and(|before| before > size);
        self.size = Some(size);
        format!(
            "Total size: {} / {} MB",
            self.corrected().trunc(),
            self.available.trunc()
        )
    }

    fn corrected(&self) -> f64 {
        sizes::correct(self.size.unwrap_or_default() as f64 / MEGABYTE)
    }

    /// Whether what is ticked fits, or nothing is.
    pub(crate) fn is_acceptable(&self) -> bool {
        self.corrected() < self.available || self.is_empty()
    }

    /// Whether everything must be unselected, since something was unticked.
    pub(crate) fn must_unselect(&self) -> bool {
        self.shrunk
    }
}
