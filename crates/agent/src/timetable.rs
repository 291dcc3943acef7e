//! When each check runs: timers, and a spread so that a machine does not run all of them in one instant.
//!
//! Softness is judged by the server; here only the next run is chosen: after `retry_s` while a problem is not yet confirmed by
//! `max_attempts` results, else after `interval_s`.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use escadre_model::{
    CheckName,
    check::{CheckCommand, CheckDefinition, CheckState},
};
use tokio::time::Instant;

/// The shortest time between two runs of a check, whatever is ordered.
const SHORTEST: Duration = Duration::from_secs(1);
/// First runs are spread over so long.
const SPREAD: Duration = Duration::from_secs(10);

/// The checks of this host.
#[derive(Debug, Default)]
pub(crate) struct Timetable {
    rows: BTreeMap<CheckName, Row>,
}

#[derive(Debug)]
struct Row {
    definition: CheckDefinition,
    due: Instant,
    running: bool,
    /// What it gave last.
    state: Option<CheckState>,
    /// Problems in a row.
    problems: u32,
}

impl Timetable {
    /// These checks from now on; what is known of those that stay is kept.
    pub(crate) fn set(&mut self, definitions: Vec<CheckDefinition>, now: Instant) {
        let names: BTreeSet<CheckName> = definitions
            .iter()
            .map(|definition| definition.name.clone())
            .collect();
        self.rows.retain(|name, _| names.contains(name));
        for definition in definitions {
            if matches!(definition.command, CheckCommand::Passive) {
                self.rows.remove(&definition.name);
                continue;
            }
            match self.rows.get_mut(&definition.name) {
                Some(row) if row.definition == definition => {}
                Some(row) => (row.definition, row.due) = (definition, now),
                None => {
                    let due = now + spread(&definition.name.0);
                    self.rows.insert(
                        definition.name.clone(),
                        Row {
                            definition,
                            due,
                            running: false,
                            state: None,
                            problems: 0,
                        },
                    );
                }
            }
        }
    }

    /// Runs these at once.
    pub(crate) fn hurry(&mut self, names: &[CheckName], now: Instant) {
        for name in names {
            if let Some(row) = self.rows.get_mut(name) {
                row.due = now;
            }
        }
    }

    /// Takes what is due; each is running until [`Timetable::done`].
    pub(crate) fn take_due(&mut self, now: Instant) -> Vec<CheckDefinition> {
        let due = self
            .rows
            .values_mut()
            .filter(|row| !row.running && row.due <= now);
        due.map(|row| {
            row.running = true;
            row.definition.clone()
        })
        .collect()
    }

    /// A check has run; true if its state is another than before.
    pub(crate) fn done(&mut self, name: &CheckName, state: CheckState, now: Instant) -> bool {
        let Some(row) = self.rows.get_mut(name) else {
            return false;
        };
        row.running = false;
        let changed = row.state.replace(state) != Some(state);
        row.problems = if state == CheckState::Ok {
            0
        } else {
            row.problems.saturating_add(1)
        };
        let soft = row.problems > 0 && row.problems < row.definition.max_attempts;
        let seconds = if soft {
            row.definition.retry_s
        } else {
            row.definition.interval_s
        };
        row.due = now + Duration::from_secs(seconds.into()).max(SHORTEST);
        changed
    }

    /// When the next is due.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.rows
            .values()
            .filter(|row| !row.running)
            .map(|row| row.due)
            .min()
    }
}

/// Different for each check, the same each time.
fn spread(name: &str) -> Duration {
    let hash = blake3::hash(name.as_bytes());
    SPREAD.mul_f64(f64::from(hash.as_bytes()[0]) / 256.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str) -> CheckDefinition {
        CheckDefinition {
            name: CheckName(name.to_owned()),
            command: CheckCommand::Plugin {
                argv: vec!["true".to_owned()],
            },
            interval_s: 300,
            retry_s: 60,
            max_attempts: 3,
            timeout_s: 10,
            freshness_s: 0,
        }
    }

    #[test]
    fn soft_problems_are_retried_sooner() {
        let start = Instant::now();
        let mut table = Timetable::default();
        table.set(vec![check("a")], start);
        let name = CheckName("a".to_owned());
        for (state, seconds) in [
            (CheckState::Ok, 300),
            (CheckState::Critical, 60),
            (CheckState::Warning, 60),
            (CheckState::Critical, 300),
            (CheckState::Critical, 300),
            (CheckState::Ok, 300),
        ] {
            table.hurry(std::slice::from_ref(&name), start);
            assert_eq!(table.take_due(start).len(), 1);
            assert_eq!(table.next(), None, "it runs");
            table.done(&name, state, start);
            assert_eq!(
                table.next(),
                Some(start + Duration::from_secs(seconds)),
                "{state:?}"
            );
        }
    }

    #[test]
    fn new_orders_keep_what_stays() {
        let start = Instant::now();
        let mut table = Timetable::default();
        table.set(vec![check("a"), check("b")], start);
        let due = table.rows[&CheckName("a".to_owned())].due;
        assert!(due < start + SPREAD);
        table.set(
            vec![
                check("a"),
                CheckDefinition {
                    interval_s: 0,
                    ..check("c")
                },
            ],
            start + SPREAD,
        );
        assert_eq!(table.rows.len(), 2);
        assert_eq!(table.rows[&CheckName("a".to_owned())].due, due);
        let c = CheckName("c".to_owned());
        table.done(&c, CheckState::Ok, start);
        assert_eq!(table.rows[&c].due, start + SHORTEST, "never without end");
    }
}
