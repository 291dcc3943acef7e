//! The engine at work, and what comes of it.

use std::collections::BTreeSet;

use escadre_model::{CheckName, HostId, Timestamp};
use escadre_store::tables::{received, watch};
use escadre_watch::{Effect, Engine, Event, HistoryEntry, ResultEvent};

use super::{StoredResult, journal::Outcome};

/// The engine at work, and what comes of it.
pub(super) struct Work<'a> {
    now: Timestamp,
    engine: &'a mut Engine,
    changed: BTreeSet<HostId>,
    told: Told,
    pub(super) outcome: Outcome,
}

/// Who is to be told.
#[derive(Default)]
pub(super) struct Told {
    pub(super) hosts: BTreeSet<HostId>,
    pub(super) orders: BTreeSet<HostId>,
    pub(super) runs: Vec<(HostId, CheckName)>,
}

impl<'a> Work<'a> {
    pub(super) fn new(now: Timestamp, engine: &'a mut Engine) -> Self {
        Self {
            now,
            engine,
            changed: BTreeSet::new(),
            told: Told::default(),
            outcome: Outcome::default(),
        }
    }

    /// What a person wants changes the host's record, whether or not the engine names an effect.
    pub(super) fn command(&mut self, event: Event) {
        let host = match &event {
            Event::Define { host, .. }
            | Event::HostGone { host }
            | Event::Heard { host }
            | Event::RunNow { host, .. }
            | Event::Acknowledge { host, .. }
            | Event::RemoveAcknowledgement { host, .. }
            | Event::PlanDowntime { host, .. }
            | Event::CancelDowntime { host, .. }
            | Event::SetNotifications { host, .. } => *host,
            Event::Result(result) => result.host,
            Event::Resume | Event::Tick => {
                self.tick();
                return;
            }
        };
        if matches!(event, Event::Define { .. } | Event::HostGone { .. }) {
            self.told.orders.insert(host);
        }
        self.changed.insert(host);
        self.told.hosts.insert(host);
        self.handle(host, event);
    }

    pub(super) fn result(&mut self, one: &received::Received) {
        self.outcome.dealt_with.push(one.number);
        let stored: StoredResult = match serde_json::from_str(&one.document) {
            Ok(stored) => stored,
            Err(error) => {
                tracing::error!(%error, number = one.number, "a stored result cannot be read; left out");
                return;
            }
        };
        let (check, taken, perf) = (
            stored.check.clone(),
            stored.taken,
            stored.result.perf.clone(),
        );
        let event = Event::Result(ResultEvent {
            host: one.host,
            check: stored.check,
            sequence: Some(stored.sequence),
            taken,
            result: stored.result,
        });
        if self.handle(one.host, event) {
            self.outcome
                .perf
                .push((one.host, check, taken.min(self.now), perf));
        }
    }

    pub(super) fn tick(&mut self) {
        let effects = self.engine.handle(self.now, Event::Tick);
        self.take(effects);
    }

    /// False when the engine did not take it.
    pub(super) fn handle(&mut self, host: HostId, event: Event) -> bool {
        let effects = self.engine.handle(self.now, event);
        let dropped = effects
            .iter()
            .any(|effect| matches!(effect, Effect::Dropped { host: of, .. } if *of == host));
        self.take(effects);
        !dropped
    }

    fn take(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Updated { host, .. } | Effect::Removed { host, .. } => {
                    self.changed.insert(host);
                    self.told.hosts.insert(host);
                }
                Effect::History(entry) => {
                    self.changed.insert(entry.host);
                    self.outcome.history.extend(line(entry));
                }
                Effect::Run(order) => self.told.runs.push((order.host, order.check)),
                Effect::StaleBegan { host, .. } | Effect::StaleEnded { host, .. } => {
                    self.changed.insert(host);
                    self.told.hosts.insert(host);
                }
                Effect::ProblemBegan(change) => tracing::info!(
                    host = %change.host, check = %change.check, state = change.to.word(), "a problem began"
                ),
                Effect::Recovered(change) => {
                    tracing::info!(host = %change.host, check = %change.check, "a problem ended");
                }
                Effect::StateChanged(_) | Effect::Notify(_) | Effect::Dropped { .. } => {}
            }
        }
    }

    pub(super) fn finish<T>(mut self, answers: T) -> (Outcome, Told, T) {
        for host in std::mem::take(&mut self.changed) {
            let Some(record) = self.engine.host(host) else {
                continue;
            };
            match serde_json::to_string(record) {
                Ok(document) => self.outcome.records.push((host, document)),
                Err(error) => tracing::error!(%error, %host, "a host's record cannot be written"),
            }
        }
        (self.outcome, self.told, answers)
    }
}

fn line(entry: HistoryEntry) -> Option<watch::HistoryLine> {
    let document = serde_json::to_string(&entry.kind);
    let document = document
        .inspect_err(|error| tracing::error!(%error, "a line of history is lost"))
        .ok()?;
    Some(watch::HistoryLine {
        host: entry.host,
        name: entry.check.unwrap_or_else(|| CheckName(String::new())),
        at: entry.at,
        kind: entry.kind.word().to_owned(),
        document,
    })
}
