//! Deliveries counted by state, kept as they change.

use escadre_model::delivery::DeliveryState;

use crate::report::Progress;

/// How many deliveries are in which state, and how many bytes they have.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Counts {
    by_state: [u32; DeliveryState::ALL.len()],
    /// Sums over all deliveries.
    bytes: Progress,
}

impl Counts {
    /// Deliveries in a state.
    pub fn of(&self, state: DeliveryState) -> u32 {
        self.by_state[state as usize]
    }

    /// All deliveries.
    pub fn total(&self) -> u32 {
        self.by_state.iter().sum()
    }

    /// Deliveries that are not final.
    pub fn open(&self) -> u32 {
        self.sum(|state| !state.is_final())
    }

    /// Deliveries that ended otherwise than wanted.
    pub fn failures(&self) -> u32 {
        self.sum(DeliveryState::is_failure)
    }

    /// Bytes of content that hosts have, want and fetched, as far as they told.
    pub fn bytes(&self) -> Progress {
        self.bytes
    }

    /// Every state that occurs, with its number.
    pub fn iter(&self) -> impl Iterator<Item = (DeliveryState, u32)> + '_ {
        DeliveryState::ALL
            .into_iter()
            .zip(self.by_state)
            .filter(|(_, count)| *count > 0)
    }

    fn sum(&self, wanted: impl Fn(DeliveryState) -> bool) -> u32 {
        self.iter()
            .filter(|(state, _)| wanted(*state))
            .map(|(_, count)| count)
            .sum()
    }

    pub(super) fn add(&mut self, state: DeliveryState) {
        self.by_state[state as usize] += 1;
    }

    pub(super) fn remove(&mut self, state: DeliveryState) {
        let count = &mut self.by_state[state as usize];
        *count = count.saturating_sub(1);
    }

    /// Takes in that one delivery's progress went from `old` to `new`. Hosts are not believed to add up: sums saturate.
    pub(super) fn progress(&mut self, old: Option<Progress>, new: Option<Progress>) {
        let (old, new) = (old.unwrap_or_default(), new.unwrap_or_default());
        let step = |sum: u64, old: u64, new: u64| sum.saturating_sub(old).saturating_add(new);
        self.bytes.have = step(self.bytes.have, old.have, new.have);
        self.bytes.total = step(self.bytes.total, old.total, new.total);
        self.bytes.fetched = step(self.bytes.fetched, old.fetched, new.fetched);
    }
}
