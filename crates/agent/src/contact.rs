//! The rhythm of contacts: at once when there is something to tell, when the server calls, else when it said; and with longer
//! and longer pauses while nobody answers.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

use tokio::time::Instant;

use escadre_api::agent::{Contact, Orders};

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(120);
/// Between two messages while much is to be told: a link that is back is not flooded.
const PACE: Duration = Duration::from_millis(250);
/// If the server says nothing else.
const EVERY: Duration = Duration::from_secs(60);

/// What a contact brings that the server is to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Brought {
    /// Number of the first result.
    results: Option<u64>,
    /// Number of the first report.
    reports: Option<u64>,
    inventory: bool,
}

impl Brought {
    pub(crate) fn of(contact: &Contact) -> Self {
        Self {
            results: contact.results.first().map(|result| result.sequence),
            reports: contact.reports.first().map(|report| report.sequence),
            inventory: contact.inventory.is_some(),
        }
    }

    /// The server answered, and has not taken a part of it: the same again at once would fare no better.
    pub(crate) fn is_refused(&self, orders: &Orders) -> bool {
        let lacks = |first: Option<u64>, stored| first.is_some_and(|first| stored < first);
        lacks(self.results, orders.results_stored)
            || lacks(self.reports, orders.reports_stored)
            || (self.inventory && orders.want_inventory)
    }
}

/// When to speak next.
#[derive(Debug)]
pub(crate) struct Rhythm {
    /// Next contact.
    due: Instant,
    /// A contact is under way.
    busy: bool,
    /// The next one not before, whoever calls.
    earliest: Instant,
    /// Something came up meanwhile.
    again: bool,
    faults: u32,
    every: Duration,
}

impl Rhythm {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            due: now,
            busy: false,
            earliest: now,
            again: false,
            faults: 0,
            every: EVERY,
        }
    }

    /// There is something to tell, and so much time to collect more of it before.
    pub(crate) fn within(&mut self, pause: Duration, now: Instant) {
        if !self.busy && self.faults == 0 {
            self.due = self.due.min(now + pause);
        }
    }

    /// There is something to tell or to hear. A server that does not answer is not asked more often for it.
    pub(crate) fn hurry(&mut self, now: Instant) {
        if self.busy {
            self.again = true;
        } else if self.faults == 0 {
            self.due = self.due.min(now.max(self.earliest));
        }
    }

    pub(crate) fn begin(&mut self, now: Instant) {
        (self.busy, self.again) = (true, false);
        self.earliest = now + PACE;
    }

    /// When to speak; none while a contact is under way.
    pub(crate) fn next(&self) -> Option<Instant> {
        (!self.busy).then_some(self.due)
    }

    /// The server answered; `more` is waiting to be told.
    pub(crate) fn answered(&mut self, now: Instant, every_s: u32, more: bool) {
        self.every = Duration::from_secs(u64::from(every_s.clamp(5, 24 * 3600)));
        self.faults = 0;
        self.busy = false;
        let pause = if more || self.again {
            PACE
        } else {
            jittered(self.every)
        };
        self.due = now + pause;
    }

    /// It did not, or it did not take what it was told.
    pub(crate) fn failed(&mut self, now: Instant) {
        let pause = FIRST_PAUSE
            .saturating_mul(1 << self.faults.min(8))
            .min(LONGEST_PAUSE);
        self.faults = self.faults.saturating_add(1);
        self.busy = false;
        self.due = now + jittered(pause);
    }

    pub(crate) fn faults(&self) -> u32 {
        self.faults
    }
}

/// Three quarters to five quarters of it: a fleet that lost its server does not come back in one instant.
fn jittered(pause: Duration) -> Duration {
    let chance = RandomState::new().hash_one(0u8) % 1024;
    pause.mul_f64(0.75 + chance as f64 / 2048.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use escadre_model::Timestamp;

    #[test]
    fn what_is_not_taken_is_seen() {
        let brought = |results, reports, inventory| Brought {
            results,
            reports,
            inventory,
        };
        // (what was brought, results and reports stored, an inventory is wanted) → refused
        let cases = [
            (brought(None, None, false), (59, 5, true), false),
            (brought(Some(63), None, false), (59, 5, false), true),
            (brought(Some(63), None, false), (62, 5, false), true),
            (brought(Some(63), None, false), (63, 5, false), false),
            (brought(Some(63), Some(7), false), (70, 5, false), true),
            (brought(Some(63), Some(7), false), (70, 7, false), false),
            (brought(None, None, true), (0, 0, true), true),
            (brought(None, None, true), (0, 0, false), false),
        ];
        for (brought, (results_stored, reports_stored, want_inventory), refused) in cases {
            let orders = Orders {
                revision: 1,
                epoch: 1,
                now: Timestamp::UNIX_EPOCH,
                contact_every_s: 60,
                want_inventory,
                results_stored,
                reports_stored,
                checks: None,
                run_now: Vec::new(),
                deliveries: Vec::new(),
            };
            assert_eq!(
                brought.is_refused(&orders),
                refused,
                "{brought:?} {orders:?}"
            );
        }
    }

    #[test]
    fn pauses_grow_and_end_with_an_answer() {
        let start = Instant::now();
        let mut rhythm = Rhythm::new(start);
        let mut last = Duration::ZERO;
        for fault in 0..20 {
            rhythm.begin(start);
            rhythm.failed(start);
            let pause = rhythm.due - start;
            assert!(
                pause >= FIRST_PAUSE.mul_f64(0.75) && pause <= LONGEST_PAUSE.mul_f64(1.25),
                "{pause:?}"
            );
            assert!(
                fault > 5 || pause > last,
                "it grows: {pause:?} after {last:?}"
            );
            last = pause;
            rhythm.hurry(start);
            assert_eq!(rhythm.due, start + pause, "a silent server is not pressed");
        }
        rhythm.begin(start);
        rhythm.hurry(start);
        rhythm.answered(start, 60, false);
        assert_eq!(rhythm.due, start + PACE, "something came up meanwhile");
        rhythm.begin(start);
        rhythm.answered(start, 60, false);
        assert!(rhythm.due >= start + Duration::from_secs(45));
        rhythm.hurry(start);
        assert_eq!(rhythm.due, start + PACE, "never more often than this");
    }
}
