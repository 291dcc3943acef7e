//! Definitions come, change and go; the state is kept by name.

use std::collections::BTreeMap;

use escadre_model::check::{CheckCommand, StateKind};
use escadre_model::{CheckName, HostId, Timestamp};

use super::{Engine, Subject};
use crate::machine::{Pace, is_fine};
use crate::{CheckRecord, Effect, HostRecord, Runner, Watched};

impl Engine {
    pub(super) fn define(
        &mut self,
        now: Timestamp,
        host: HostId,
        runner: Runner,
        checks: Vec<Watched>,
        effects: &mut Vec<Effect>,
    ) {
        let wanted: BTreeMap<CheckName, Watched> = checks
            .into_iter()
            .map(|watched| (watched.definition.name.clone(), watched))
            .collect();
        let record = self
            .hosts
            .entry(host)
            .or_insert_with(|| HostRecord::new(host, runner));
        let moved = record.runner != runner;
        record.runner = runner;
        let gone: Vec<_> = record
            .checks
            .keys()
            .filter(|name| !wanted.contains_key(*name))
            .cloned()
            .collect();
        for check in gone {
            self.drop_check(host, &check);
            effects.push(Effect::Removed { host, check });
        }
        for (name, watched) in wanted {
            self.define_check(now, host, &name, watched, moved, effects);
        }
    }

    fn define_check(
        &mut self,
        now: Timestamp,
        host: HostId,
        name: &CheckName,
        watched: Watched,
        moved: bool,
        effects: &mut Vec<Effect>,
    ) {
        let spread = self.settings.first_spread_s;
        let Some(record) = self.hosts.get_mut(&host) else {
            return;
        };
        let depth = record.downtime_depth(name);
        let runner = record.runner;
        let Watched { definition, policy } = watched;
        let known = record.checks.contains_key(name);
        let check = record.checks.entry(name.clone()).or_insert_with(|| {
            let mut check = CheckRecord::new(definition.clone(), policy.clone(), now);
            check.status.downtimes = depth;
            check
        });
        if known && !moved && check.definition == definition && check.policy == policy {
            return;
        }
        let anew = !known || moved || check.definition.command != definition.command;
        let timing = check.definition.interval_s != definition.interval_s;
        check.definition = definition;
        check.policy = policy;
        if anew || timing {
            check.first_run(host, runner, now, spread);
        }
        effects.push(Effect::updated(host, name));
        self.fit_attempts(now, host, name, effects);
        self.arm(host, name);
    }

    /// After the attempts allowed have changed: a soft problem that has had enough of them is hard.
    fn fit_attempts(
        &mut self,
        now: Timestamp,
        host: HostId,
        name: &CheckName,
        effects: &mut Vec<Effect>,
    ) {
        let Some(check) = self.check_mut(host, name) else {
            return;
        };
        check.status.max_attempts = check.definition.max_attempts.max(1);
        check.status.attempt = check.status.attempt.min(check.status.max_attempts);
        let status = &check.status;
        if !is_fine(status.state)
            && status.kind == StateKind::Soft
            && status.attempt >= status.max_attempts
        {
            let state = status.state;
            self.apply(now, (host, name), state, Pace::Exhausted, now, effects);
        }
    }

    pub(super) fn forget(&mut self, host: HostId, effects: &mut Vec<Effect>) {
        let Some(record) = self.hosts.get(&host) else {
            return;
        };
        let checks: Vec<_> = record.checks.keys().cloned().collect();
        let downtimes: Vec<_> = record
            .downtimes
            .iter()
            .map(|(downtime, _)| downtime.id)
            .collect();
        for check in checks {
            self.drop_check(host, &check);
            effects.push(Effect::Removed { host, check });
        }
        for id in downtimes {
            self.disarm_downtime(host, id);
        }
        self.hosts.remove(&host);
    }

    fn drop_check(&mut self, host: HostId, name: &CheckName) {
        let Some(record) = self
            .hosts
            .get_mut(&host)
            .and_then(|h| h.checks.remove(name))
        else {
            return;
        };
        if let Some(due) = record.armed {
            self.agenda
                .remove(&(due, host, Subject::Check(name.clone())));
        }
    }
}

impl CheckRecord {
    /// Plans the first run under a definition; none where nothing is run here.
    fn first_run(&mut self, host: HostId, runner: Runner, now: Timestamp, spread: u32) {
        let idle =
            self.definition.interval_s == 0 || self.definition.command == CheckCommand::Passive;
        self.lost_at = None;
        self.status.next_run = if idle || runner == Runner::Elsewhere {
            None
        } else {
            let window = spread.min(self.definition.interval_s);
            Some(crate::record::seconds_after(
                now,
                offset(host, &self.definition.name, window),
            ))
        };
    }
}

/// A place in the window that depends on the names only (FNV-1a), so that checks do not all run in one second.
fn offset(host: HostId, check: &CheckName, window: u32) -> u32 {
    if window == 0 {
        return 0;
    }
    let name = format!("{host}/{check}");
    let hash = name.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    hash % window
}
