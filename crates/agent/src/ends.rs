//! How deliveries ended, word for word: a server that was put back from an older copy orders them again, and is told the end
//! as it was.
//!
//! - What is kept is the fold of the journal of deliveries, as the ledger is; a compacted journal holds both.
//! - Sentences, refusals and exit codes stay as long as the ledger remembers the delivery; of what programs printed the
//!   latest megabyte stays.

use std::collections::BTreeMap;

use escadre_model::DeliveryId;
use escadre_rollout::{
    Report,
    delivery::{Entry, REMEMBERED},
};
use serde::{Deserialize, Serialize};

/// Bytes that are kept of what programs printed, over all deliveries.
const OUTPUT: usize = 1 << 20;

/// A line of the journal of deliveries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Line {
    /// All that the lines before it said.
    Whole {
        /// The ledger's own snapshot.
        ledger: Entry,
        /// How deliveries ended.
        ends: Ends,
    },
    /// An entry of the ledger, as it is.
    #[serde(untagged)]
    Entry(Entry),
}

/// How the latest deliveries ended, and up to which report the server has all.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ends {
    /// The server has acknowledged all reports up to this number.
    stored: u64,
    ended: BTreeMap<DeliveryId, End>,
}

/// The last words on a delivery that count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct End {
    /// The real end, with what its action gave; before the end, the report of what the action gave.
    report: Report,
    /// Number of the last report that told it.
    told: u64,
}

impl Ends {
    /// What the lines of a journal say, and the entries for the ledger.
    pub(crate) fn recover(lines: Vec<Line>) -> (Self, Vec<Entry>) {
        let mut ends = Self::default();
        let mut entries = Vec::with_capacity(lines.len());
        for line in lines {
            let entry = match line {
                Line::Whole { ledger, ends: kept } => {
                    ends = kept;
                    ledger
                }
                Line::Entry(entry) => entry,
            };
            ends.fold(&entry);
            entries.push(entry);
        }
        (ends, entries)
    }

    /// Takes an entry that stands in the journal. True if it tells an end that was told again before: the server
    /// does not take it.
    pub(crate) fn fold(&mut self, entry: &Entry) -> bool {
        match entry {
            Entry::Snapshot(kept) => self.stored = kept.stored,
            Entry::Stored(upto) => self.stored = *upto,
            Entry::Renumbered { first } => self.stored = first.saturating_sub(1),
            Entry::Step { report, .. } => return self.fold_report(report),
            Entry::Epoch(_) | Entry::Ordered(_) => {}
        }
        false
    }

    /// Number of the oldest report that is still here, or of the next one.
    pub(crate) fn first_report(&self) -> u64 {
        self.stored.saturating_add(1)
    }

    /// The report, with the real end in the place of one that is only told again.
    pub(crate) fn complete(&self, report: &Report) -> Report {
        match self.ended.get(&report.delivery) {
            Some(end) if end.is_told_again_by(report) => Report {
                sequence: report.sequence,
                ..end.report.clone()
            },
            _ => report.clone(),
        }
    }

    fn fold_report(&mut self, report: &Report) -> bool {
        let known = self.ended.get_mut(&report.delivery);
        if let Some(end) = known
            && end.is_told_again_by(report)
        {
            let once_more = end.told > end.report.sequence;
            end.told = report.sequence;
            return once_more;
        }
        let before = self.ended.remove(&report.delivery);
        if report.state.is_final() || report.outcome.is_some() {
            let given = before
                .filter(|end| !end.report.state.is_final())
                .and_then(|end| end.report.outcome);
            let mut report = report.clone();
            report.outcome = report.outcome.or(given);
            let told = report.sequence;
            self.ended.insert(report.delivery, End { report, told });
            self.make_room();
        }
        false
    }

    fn make_room(&mut self) {
        if self.ended.len() > REMEMBERED {
            let oldest = self.ended.iter().min_by_key(|(_, end)| end.told);
            if let Some(id) = oldest.map(|(id, _)| *id) {
                self.ended.remove(&id);
            }
        }
        let mut printed: Vec<(u64, &mut String)> = self
            .ended
            .values_mut()
            .filter_map(|end| Some((end.told, &mut end.report.outcome.as_mut()?.output)))
            .filter(|(_, output)| !output.is_empty())
            .collect();
        let mut bytes: usize = printed.iter().map(|(_, output)| output.len()).sum();
        if bytes <= OUTPUT {
            return;
        }
        printed.sort_unstable_by_key(|(told, _)| *told);
        for (_, output) in printed {
            if bytes <= OUTPUT {
                return;
            }
            bytes -= std::mem::take(output).len();
        }
    }
}

impl End {
    fn is_told_again_by(&self, report: &Report) -> bool {
        self.report.state.is_final()
            && report.state == self.report.state
            && report.sequence > self.report.sequence
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use escadre_model::{
        RolloutId, Timestamp,
        delivery::{DeliveryState, Refusal},
    };
    use escadre_rollout::{
        Outcome, Wish,
        delivery::{Effect, Event, Fault, Ledger, Order, Orders, Terms},
    };

    /// A ledger with its journal in memory.
    #[derive(Default)]
    struct Host {
        ledger: Ledger,
        ends: Ends,
        lines: Vec<Line>,
        /// Ends that were told once more than again.
        insisted: usize,
    }

    impl Host {
        fn handle(&mut self, second: i64, event: Event) {
            let now = Timestamp::from_second(second).expect("in range");
            for effect in self.ledger.handle(now, event) {
                if let Effect::Journal(entry) = effect {
                    self.insisted += usize::from(self.ends.fold(&entry));
                    self.lines.push(Line::Entry(entry));
                }
            }
        }

        fn orders(&mut self, second: i64, stored: u64, deliveries: &[Order]) {
            let orders = Orders {
                epoch: 1,
                reports_stored: stored,
                deliveries: deliveries.to_vec(),
            };
            self.handle(second, Event::Orders(orders));
        }

        /// All that was told is stored, and nothing is ordered.
        fn settle(&mut self, second: i64) {
            let last = self.ledger.unsent().last().expect("reports").sequence;
            self.orders(second, last, &[]);
        }

        /// Ends, and begins again with what the journal says, through its JSON.
        fn restart(&mut self, compacted: bool) {
            if compacted {
                self.lines = vec![Line::Whole {
                    ledger: self.ledger.snapshot(),
                    ends: self.ends.clone(),
                }];
            }
            let json = serde_json::to_string(&self.lines).expect("JSON");
            let (ends, entries) = Ends::recover(serde_json::from_str(&json).expect("lines"));
            assert_eq!(ends, self.ends, "the fold of the journal");
            (self.ends, self.ledger) = (ends, Ledger::recover(entries));
        }
    }

    fn order(number: u8) -> Order {
        Order {
            id: DeliveryId::from_random([number; 16]),
            rollout: RolloutId::from_random([1; 16]),
            bundle: "hello@1.0".parse().expect("a bundle"),
            not_before: None,
            expires: None,
            wish: Wish::Go,
        }
    }

    /// Three deliveries: one that works, one whose action fails, one that is refused.
    fn three_ends() -> Host {
        let mut host = Host::default();
        let outcome = |exit_code| Outcome {
            exit_code: Some(exit_code),
            output: "printed".to_owned(),
            duration_ms: 5,
            attempts: 1,
        };
        for (number, second) in [(1, 100), (2, 200), (3, 300)] {
            let id = order(number).id;
            let stored = host.ends.stored;
            host.orders(second, stored, &[order(number)]);
            let refusal = Refusal::UnknownPublisher {
                key: "stranger".to_owned(),
            };
            let fetched = if number == 3 {
                Err(Fault::Refused(refusal))
            } else {
                Ok(Terms::default())
            };
            host.handle(second + 1, Event::Fetched(id, fetched));
            host.handle(second + 2, Event::Prepared(id, Ok(())));
            let fault = (number == 2).then(|| "the action ended with exit code 7".to_owned());
            let code = if number == 2 { 7 } else { 0 };
            host.handle(second + 3, Event::Applied(id, outcome(code), fault));
            host.handle(second + 4, Event::Observed(id, None));
            host.settle(second + 5);
        }
        host
    }

    #[test]
    fn a_restored_server_is_told_the_real_ends() {
        for restart in [None, Some(false), Some(true)] {
            let mut host = three_ends();
            if let Some(compacted) = restart {
                host.restart(compacted);
            }
            let first = host.ends.first_report();
            host.orders(900, 3, &[order(1), order(2), order(3)]);
            assert_eq!(host.ends.first_report(), first, "what is gone stays gone");
            let told: Vec<Report> = host
                .ledger
                .unsent()
                .map(|r| host.ends.complete(r))
                .collect();
            let [worked, failed, refused] = &told[..] else {
                panic!("three ends: {told:?}");
            };
            assert_eq!(worked.sequence, first, "without a hole");
            assert_eq!(
                (worked.state, worked.message.as_str(), worked.at.as_second()),
                (DeliveryState::Succeeded, "", 104)
            );
            let given = |report: &Report| report.outcome.clone().map(|o| (o.exit_code, o.output));
            assert_eq!(given(worked), Some((Some(0), "printed".to_owned())));
            assert_eq!(
                (failed.state, failed.message.as_str(), failed.at.as_second()),
                (
                    DeliveryState::Failed,
                    "the action ended with exit code 7",
                    203
                )
            );
            assert_eq!(given(failed), Some((Some(7), "printed".to_owned())));
            assert_eq!(refused.state, DeliveryState::Refused);
            assert!(matches!(
                refused.refusal,
                Some(Refusal::UnknownPublisher { .. })
            ));
            assert_eq!(host.insisted, 0);
        }
    }

    #[test]
    fn a_server_that_never_takes_an_end_is_noticed() {
        let mut host = three_ends();
        for (round, insisted) in [0, 1, 2].into_iter().enumerate() {
            let stored = host
                .ledger
                .unsent()
                .last()
                .map_or(host.ends.stored, |r| r.sequence);
            host.orders(900, stored, &[order(2)]);
            assert_eq!(host.insisted, insisted, "in round {round}");
        }
    }

    #[test]
    fn a_journal_of_an_older_agent_is_read() {
        let mut host = three_ends();
        host.lines = vec![Line::Entry(host.ledger.snapshot())];
        let json = serde_json::to_string(&[host.ledger.snapshot()]).expect("JSON");
        let (ends, entries) = Ends::recover(serde_json::from_str(&json).expect("lines"));
        assert_eq!(ends.stored, host.ends.stored);
        assert_eq!(Ledger::recover(entries), host.ledger);
    }

    #[test]
    fn what_is_kept_has_bounds() {
        let mut ends = Ends::default();
        for number in 0..(REMEMBERED as u64 + 10) {
            let mut id = [0; 16];
            id[..8].copy_from_slice(&number.to_be_bytes());
            ends.fold(&Entry::Step {
                report: Report {
                    sequence: number + 1,
                    delivery: DeliveryId::from_random(id),
                    state: DeliveryState::Failed,
                    at: Timestamp::UNIX_EPOCH,
                    progress: None,
                    outcome: Some(Outcome {
                        output: "x".repeat(64 << 10),
                        ..Outcome::default()
                    }),
                    refusal: None,
                    message: "why".to_owned(),
                },
                terms: None,
            });
        }
        assert_eq!(ends.ended.len(), REMEMBERED);
        let printed = |end: &End| end.report.outcome.as_ref().map_or(0, |o| o.output.len());
        let bytes: usize = ends.ended.values().map(printed).sum();
        assert_eq!(bytes, OUTPUT);
        let latest = ends.ended.values().max_by_key(|end| end.told);
        assert_eq!(
            latest.map(printed),
            Some(64 << 10),
            "the latest stays whole"
        );
    }
}
