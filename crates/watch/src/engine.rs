//! The engine: events in, effects out. Each part of its work has a file of its own.

mod define;
mod freshness;
mod operator;
mod results;
mod schedule;

use std::collections::{BTreeMap, BTreeSet};

use escadre_model::check::CheckState;
use escadre_model::{CheckName, HostId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    CheckRecord, CheckStatus, DowntimeId, Effect, Event, HostRecord, Settings, Snapshot,
    SnapshotError,
};

/// Where a host stands, by its check named `host`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It answers.
    Up,
    /// Nothing has been heard of it yet.
    Pending,
    /// Nothing fresh is heard of it.
    Stale,
    /// It does not answer.
    Down,
}

impl Standing {
    /// The stable word used in JSON, CSS classes and message keys.
    pub fn word(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Pending => "pending",
            Self::Stale => "stale",
            Self::Down => "down",
        }
    }
}

/// What a timer is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    Check(CheckName),
    Downtime(DowntimeId),
}

/// The state machine behind all checks. See the crate's head.
#[derive(Debug, Clone, Default)]
pub struct Engine {
    settings: Settings,
    hosts: BTreeMap<HostId, HostRecord>,
    /// One timer per check (its earliest) and per downtime, moved as they move: always exact.
    agenda: BTreeSet<(Timestamp, HostId, Subject)>,
    listening_since: Option<Timestamp>,
    clock: Option<Timestamp>,
}

impl Engine {
    /// An engine that watches nothing yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            ..Self::default()
        }
    }

    /// Takes up what another engine left. The caller then sends [`Event::Resume`], unless no time has passed.
    pub fn restore(snapshot: Snapshot) -> Result<Self, SnapshotError> {
        if snapshot.format != Snapshot::FORMAT {
            return Err(SnapshotError::Format {
                found: snapshot.format,
                known: Snapshot::FORMAT,
            });
        }
        let mut engine = Self::new(snapshot.settings);
        engine.listening_since = snapshot.listening_since;
        engine.clock = snapshot.clock;
        engine.hosts = snapshot
            .hosts
            .into_iter()
            .map(|record| (record.host, record))
            .collect();
        engine.arm_everything();
        Ok(engine)
    }

    /// All that is remembered.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            format: Snapshot::FORMAT,
            settings: self.settings.clone(),
            listening_since: self.listening_since,
            clock: self.clock,
            hosts: self.hosts.values().cloned().collect(),
        }
    }

    /// Takes an event at a time and says what is to be done. What was due before is done first.
    ///
    /// Whatever changes in a host's record comes with an effect that names the host; only a sign of life from a host that
    /// is up does not, so a store that wants it at the next start writes all records when it stops.
    ///
    /// A time before the last one is a clock that was set back: what had been counted to go on later is brought forward.
    pub fn handle(&mut self, now: Timestamp, event: Event) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.clock.is_some_and(|clock| now < clock) {
            self.set_back(now);
        }
        self.clock = Some(now);
        if event == Event::Resume {
            self.resume(now);
        }
        self.fire(now, &mut effects);
        self.dispatch(now, event, &mut effects);
        self.fire(now, &mut effects);
        effects
    }

    fn dispatch(&mut self, now: Timestamp, event: Event, effects: &mut Vec<Effect>) {
        match event {
            Event::Define {
                host,
                runner,
                checks,
            } => self.define(now, host, runner, checks, effects),
            Event::HostGone { host } => self.forget(host, effects),
            Event::Result(result) => self.take_result(now, result, effects),
            Event::Heard { host } => self.hear(now, host, effects),
            Event::RunNow { host, check } => self.run_now(now, host, check, effects),
            Event::Acknowledge {
                host,
                check,
                acknowledgement,
                notify,
            } => {
                self.acknowledge(now, (host, check), acknowledgement, notify, effects);
            }
            Event::RemoveAcknowledgement { host, check } => {
                self.remove_acknowledgement(now, host, check, effects);
            }
            Event::PlanDowntime { host, downtime } => {
                self.plan_downtime(now, host, downtime, effects)
            }
            Event::CancelDowntime { host, id } => self.cancel_downtime(now, host, id, effects),
            Event::SetNotifications { host, check, on } => {
                self.set_notifications(host, check, on, effects)
            }

            Event::Resume | Event::Tick => {}
        }
    }

    /// When [`Event::Tick`] is to be sent next. It may change with every event.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.agenda.first().map(|(due, _, _)| *due)
    }

    /// What is known of a check.
    pub fn status(&self, host: HostId, check: &CheckName) -> Option<&CheckStatus> {
        self.hosts
            .get(&host)?
            .checks
            .get(check)
            .map(|record| &record.status)
    }

    /// All that is remembered of a host, to be stored when one of its checks was updated.
    pub fn host(&self, host: HostId) -> Option<&HostRecord> {
        self.hosts.get(&host)
    }

    /// All hosts, in the order of their ids.
    pub fn hosts(&self) -> impl Iterator<Item = &HostRecord> {
        self.hosts.values()
    }

    /// Where a host stands.
    pub fn standing(&self, host: HostId) -> Option<Standing> {
        let own = self.hosts.get(&host)?.own_check();
        Some(
            match own.map(|check| (check.status.state, check.status.stale_since)) {
                None => Standing::Pending,
                Some((CheckState::Ok, None)) => Standing::Up,
                Some((CheckState::Pending, None)) => Standing::Pending,
                Some((CheckState::Ok | CheckState::Pending, Some(_))) => Standing::Stale,
                Some(_) => Standing::Down,
            },
        )
    }

    /// Does everything that is due. Ends, because whatever fires moves its own timer beyond `now` or drops it.
    fn fire(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        while let Some((due, host, subject)) = self
            .agenda
            .first()
            .filter(|(due, _, _)| *due <= now)
            .cloned()
        {
            match &subject {
                Subject::Check(check) => self.check_due(now, host, check, effects),
                Subject::Downtime(id) => self.downtime_due(now, host, *id, effects),
            }
            self.agenda.remove(&(due, host, subject));
        }
    }

    /// Puts the timer of a check where it belongs now.
    fn arm(&mut self, host: HostId, check: &CheckName) {
        let Some(record) = self
            .hosts
            .get_mut(&host)
            .and_then(|h| h.checks.get_mut(check))
        else {
            return;
        };
        let due = record.due();
        if due == record.armed {
            return;
        }
        if let Some(old) = std::mem::replace(&mut record.armed, due) {
            self.agenda
                .remove(&(old, host, Subject::Check(check.clone())));
        }
        if let Some(due) = due {
            self.agenda
                .insert((due, host, Subject::Check(check.clone())));
        }
    }

    fn arm_everything(&mut self) {
        self.agenda.clear();
        for (host, record) in &mut self.hosts {
            for (name, check) in &mut record.checks {
                check.armed = check.due();
                if let Some(due) = check.armed {
                    self.agenda
                        .insert((due, *host, Subject::Check(name.clone())));
                }
            }
            for (downtime, begun) in &record.downtimes {
                let due = if *begun {
                    downtime.until
                } else {
                    downtime.from
                };
                self.agenda
                    .insert((due, *host, Subject::Downtime(downtime.id)));
            }
        }
    }

    fn check_mut(&mut self, host: HostId, check: &CheckName) -> Option<&mut CheckRecord> {
        self.hosts.get_mut(&host)?.checks.get_mut(check)
    }
}
