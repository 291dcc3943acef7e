//! The rhythm of contacts: at once when there is something to tell, when the server calls, else when it said; and with longer
//! and longer pauses while nobody answers.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

use tokio::time::Instant;

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(120);
/// Between two messages while much is to be told: a link that is back is not flooded.
const PACE: Duration = Duration::from_millis(250);
/// If the server says nothing else.
const EVERY: Duration = Duration::from_secs(60);

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

    /// It did not.
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
