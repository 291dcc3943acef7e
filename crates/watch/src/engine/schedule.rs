//! When checks run, where this engine starts them: without drift, and never twice at a time.

use escadre_model::check::{CheckCommand, StateKind};
use escadre_model::{CheckName, HostId, Timestamp};

use super::Engine;
use crate::record::seconds_after;
use crate::{CheckRecord, Effect, HistoryKind, RunOrder, Runner};

/// Seconds beyond a check's own time-out after which a run that has not answered is lost.
const LOST_AFTER_S: u32 = 60;

impl Engine {
    /// Does what is due for a check, and moves its timer.
    pub(super) fn check_due(
        &mut self,
        now: Timestamp,
        host: HostId,
        name: &CheckName,
        effects: &mut Vec<Effect>,
    ) {
        self.run_due(now, host, name, effects);
        let record = self.check_mut(host, name);
        if record.is_some_and(|r| {
            r.status.stale_since.is_none() && r.stale_at().is_some_and(|due| due <= now)
        }) {
            self.stale_due(now, host, name, effects);
        }
        if self
            .check_mut(host, name)
            .is_some_and(|record| is_due(record.silence_due, now))
        {
            self.silence_due(now, host, name, effects);
        }
        self.arm(host, name);
    }

    fn run_due(
        &mut self,
        now: Timestamp,
        host: HostId,
        name: &CheckName,
        effects: &mut Vec<Effect>,
    ) {
        let Some(record) = self.check_mut(host, name) else {
            return;
        };
        if is_due(record.lost_at, now) {
            record.lost_at = None;
            let kind = HistoryKind::Lost;
            effects.push(Effect::history(host, Some(name), now, kind));
        }
        if record.lost_at.is_none() && is_due(record.status.next_run, now) {
            let due = record.status.next_run.unwrap_or(now);
            record.lost_at = Some(record.lost_after(now));
            effects.push(Effect::Run(RunOrder {
                host,
                check: name.clone(),
                due,
                forced: false,
            }));
        }
    }

    /// After a result: the next time, counted from when this run was due.
    pub(super) fn plan_next(&mut self, now: Timestamp, host: HostId, name: &CheckName) {
        let Some(record) = self.check_mut(host, name) else {
            return;
        };
        if record.lost_at.take().is_none() {
            return;
        }
        let definition = &record.definition;
        let soft = record.status.kind == StateKind::Soft && definition.retry_s > 0;
        let step = if soft {
            definition.retry_s
        } else {
            definition.interval_s
        };
        record.status.next_run = match (step, record.status.next_run) {
            (0, _) | (_, None) => None,
            (step, Some(due)) => Some(next_after(due, step, now)),
        };
    }

    pub(super) fn run_now(
        &mut self,
        now: Timestamp,
        host: HostId,
        check: Option<CheckName>,
        effects: &mut Vec<Effect>,
    ) {
        let Some(record) = self.hosts.get_mut(&host) else {
            return;
        };
        let here = record.runner == Runner::Here;
        let mut started = Vec::new();
        for (name, record) in &mut record.checks {
            let wanted = check.as_ref().is_none_or(|check| check == name);
            if !wanted
                || record.definition.command == CheckCommand::Passive
                || record.lost_at.is_some()
            {
                continue;
            }
            if here {
                record.status.next_run = Some(now);
                record.lost_at = Some(record.lost_after(now));
            }
            started.push(name.clone());
        }
        for name in started {
            self.arm(host, &name);
            effects.push(Effect::Run(RunOrder {
                host,
                check: name,
                due: now,
                forced: true,
            }));
        }
    }
}

impl CheckRecord {
    pub(super) fn lost_after(&self, now: Timestamp) -> Timestamp {
        seconds_after(now, self.definition.timeout_s.saturating_add(LOST_AFTER_S))
    }
}

/// The first of `due + step`, `due + 2 × step`, … that is later than now.
fn next_after(due: Timestamp, step: u32, now: Timestamp) -> Timestamp {
    let late = now.as_second().saturating_sub(due.as_second()).max(0);
    let steps = late / i64::from(step) + 1;
    let ahead = u64::try_from(steps)
        .unwrap_or(1)
        .saturating_mul(u64::from(step));
    let next = due
        .checked_add(std::time::Duration::from_secs(ahead))
        .unwrap_or(Timestamp::MAX);
    if next > now {
        next
    } else {
        seconds_after(next, step)
    }
}

fn is_due(due: Option<Timestamp>, now: Timestamp) -> bool {
    due.is_some_and(|due| due <= now)
}
