//! Results of checks on their way to the server: kept through crashes and long silences, within bounds.
//!
//! A result gets its number only when it is sent for the first time, and keeps it then. So a box that is full can thin out what
//! has no number yet, and the numbers still rise without holes. What goes first is a result that repeats the one
//! before it of its check: changes of state are kept longest.

use std::{collections::VecDeque, path::Path};

use escadre_api::agent::NumberedResult;
use escadre_model::{CheckName, check::CheckResult};
use serde::{Deserialize, Serialize};

use crate::{error::AgentError, journal::Journal};

/// Results that wait at most.
pub(crate) const CAPACITY: usize = 4_000;
/// Results in one message.
const BATCH: usize = 200;

/// What stands in the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Entry {
    Whole(Box<Kept>),
    Result {
        check: CheckName,
        result: CheckResult,
    },
    /// The first so many results that have no number get one.
    Numbered(usize),
    Stored(u64),
    /// The server knows numbers that we do not: go on behind them.
    Renumbered(u64),
}

#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
struct Kept {
    /// The server has all up to this number.
    stored: u64,
    /// So many of the waiting ones have numbers, from `stored + 1`.
    numbered: usize,
    waiting: VecDeque<(CheckName, CheckResult)>,
    /// Thrown away for want of room since enrolment.
    dropped: u64,
}

/// The box.
#[derive(Debug)]
pub(crate) struct Outbox {
    journal: Journal<Entry>,
    kept: Kept,
}

impl Outbox {
    pub(crate) fn open(path: &Path) -> Result<Self, AgentError> {
        let (mut journal, entries) = Journal::open(path)?;
        let mut kept = Kept::default();
        for entry in entries {
            kept.fold(entry);
        }
        journal.tidy(&Entry::Whole(Box::new(kept.clone())));
        Ok(Self { journal, kept })
    }

    /// Keeps a result. It may be lost with the machine: the check will run again.
    pub(crate) fn push(&mut self, check: CheckName, result: CheckResult) -> Result<(), AgentError> {
        self.write(Entry::Result { check, result })
    }

    /// The next results to send, numbered; empty when there are none. The same again until they are stored.
    pub(crate) fn batch(&mut self) -> Result<Vec<NumberedResult>, AgentError> {
        if self.kept.numbered == 0 && !self.kept.waiting.is_empty() {
            self.write(Entry::Numbered(self.kept.waiting.len().min(BATCH)))?;
            self.journal.sync()?;
        }
        let numbered = self.kept.waiting.iter().take(self.kept.numbered);
        let first = self.kept.stored + 1;
        Ok(numbered
            .zip(first..)
            .map(|((check, result), sequence)| NumberedResult {
                sequence,
                check: check.clone(),
                result: result.clone(),
            })
            .collect())
    }

    /// Number of the oldest result that is still here, or of the next one.
    pub(crate) fn first(&self) -> u64 {
        self.kept.stored.saturating_add(1)
    }

    /// The server has all results up to this number.
    pub(crate) fn stored(&mut self, upto: u64) -> Result<(), AgentError> {
        let last = self.kept.stored + self.kept.numbered as u64;
        if upto > last {
            tracing::warn!(
                server = upto,
                own = last,
                "the server has results that this box does not know"
            );
            self.write(Entry::Renumbered(upto))
        } else if upto > self.kept.stored {
            self.write(Entry::Stored(upto))
        } else {
            Ok(())
        }
    }

    pub(crate) fn waiting(&self) -> usize {
        self.kept.waiting.len()
    }

    fn write(&mut self, entry: Entry) -> Result<(), AgentError> {
        self.journal.append(&entry)?;
        let dropped = self.kept.dropped;
        self.kept.fold(entry);
        if self.kept.dropped > dropped && self.kept.dropped.is_multiple_of(1_000) {
            tracing::warn!(
                dropped = self.kept.dropped,
                "results are thinned out: the server is away for long"
            );
        }
        if self.journal.is_long() {
            self.journal
                .tidy(&Entry::Whole(Box::new(self.kept.clone())));
        }
        Ok(())
    }
}

impl Kept {
    fn fold(&mut self, entry: Entry) {
        match entry {
            Entry::Whole(kept) => *self = *kept,
            Entry::Result { check, result } => {
                if self.waiting.len() >= CAPACITY {
                    self.thin_out();
                }
                self.waiting.push_back((check, result));
            }
            Entry::Numbered(count) => self.numbered = count.min(self.waiting.len()),
            Entry::Stored(upto) => {
                let count = usize::try_from(upto.saturating_sub(self.stored))
                    .unwrap_or(usize::MAX)
                    .min(self.numbered);
                self.waiting.drain(..count);
                self.numbered -= count;
                self.stored = upto;
            }
            Entry::Renumbered(upto) => {
                self.stored = upto;
                self.numbered = 0;
            }
        }
    }

    /// Makes room for one: the oldest that repeats the one before it of its check, else the oldest without a number.
    fn thin_out(&mut self) {
        let repetition = (self.numbered..self.waiting.len())
            .take(500)
            .find_map(|place| {
                let (check, result) = &self.waiting[place];
                let (next, (_, follower)) = self
                    .waiting
                    .iter()
                    .enumerate()
                    .skip(place + 1)
                    .find(|(_, (other, _))| other == check)?;
                (follower.state == result.state).then_some(next)
            });
        self.waiting.remove(repetition.unwrap_or(self.numbered));
        self.dropped += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use escadre_model::{Timestamp, check::CheckState};

    fn result(state: CheckState, second: i64) -> CheckResult {
        CheckResult {
            state,
            output: String::new(),
            long_output: String::new(),
            perf: Vec::new(),
            started: Timestamp::from_second(second).expect("a time"),
            duration_ms: 1,
        }
    }

    fn numbers(batch: &[NumberedResult]) -> Vec<(u64, i64)> {
        batch
            .iter()
            .map(|r| (r.sequence, r.result.started.as_second()))
            .collect()
    }

    #[test]
    fn numbers_stay_through_a_crash_and_have_no_holes() -> Result<(), AgentError> {
        let home = tempfile::tempdir().expect("a temporary folder");
        let path = home.path().join("results.journal");
        let load = CheckName("load".to_owned());
        let mut outbox = Outbox::open(&path)?;
        for second in 0..3 {
            outbox.push(load.clone(), result(CheckState::Ok, second))?;
        }
        let sent = outbox.batch()?;
        assert_eq!(numbers(&sent), [(1, 0), (2, 1), (3, 2)]);
        outbox.push(load.clone(), result(CheckState::Critical, 3))?;
        drop(outbox);
        let mut outbox = Outbox::open(&path)?;
        assert_eq!(outbox.batch()?, sent, "the same again until stored");
        outbox.stored(2)?;
        assert_eq!(numbers(&outbox.batch()?), [(3, 2)]);
        assert_eq!(outbox.first(), 3, "the oldest that is still here");
        outbox.stored(1)?;
        assert_eq!(outbox.first(), 3, "what is gone stays gone");
        outbox.stored(3)?;
        assert_eq!(outbox.first(), 4, "the next one");
        assert_eq!(numbers(&outbox.batch()?), [(4, 3)]);
        outbox.stored(9)?;
        assert_eq!(
            numbers(&outbox.batch()?),
            [(10, 3)],
            "behind what the server knows"
        );
        Ok(())
    }

    #[test]
    fn a_full_box_keeps_changes() -> Result<(), AgentError> {
        let home = tempfile::tempdir().expect("a temporary folder");
        let mut outbox = Outbox::open(&home.path().join("results.journal"))?;
        let load = CheckName("load".to_owned());
        for second in 0..(CAPACITY as i64 + 300) {
            let state = if second == 100 {
                CheckState::Critical
            } else {
                CheckState::Ok
            };
            outbox.push(load.clone(), result(state, second))?;
        }
        assert_eq!(outbox.waiting(), CAPACITY);
        let kept = outbox
            .kept
            .waiting
            .iter()
            .any(|(_, result)| result.state == CheckState::Critical);
        assert!(kept, "the one change is kept");
        assert_eq!(outbox.kept.dropped, 300);
        Ok(())
    }
}
