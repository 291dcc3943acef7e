//! Freshness: what was not heard of for too long is stale; and when it stays silent, that is the problem.
//!
//! A stale check keeps its last known state beside. After as much silence again it becomes a hard problem: critical for
//! the host's own check, unknown for the others; but theirs waits as long as the host itself is stale or down, because
//! then the host's silence is the problem and theirs only follows.

use escadre_model::check::CheckState;
use escadre_model::{CheckName, HostId, Timestamp};

use super::Engine;
use crate::machine::Pace;
use crate::record::seconds_after;
use crate::{Effect, HistoryKind, Runner};

impl Engine {
    /// News that was taken at a time: ends the staleness if it is recent enough.
    pub(super) fn freshen(
        &mut self,
        now: Timestamp,
        host: HostId,
        name: &CheckName,
        taken: Timestamp,
        effects: &mut Vec<Effect>,
    ) {
        let Some(record) = self.check_mut(host, name) else {
            return;
        };
        record.fresh_at = taken;
        let fresh = record.definition.freshness_s == 0
            || seconds_after(taken, record.definition.freshness_s) > now;
        if !fresh && record.status.stale_since.is_some() {
            // News, but old: more may follow, so the silence counts anew.
            record.silence_due = Some(seconds_after(now, record.definition.freshness_s));
        }
        if !fresh || record.status.stale_since.take().is_none() {
            return;
        }
        record.silence_due = None;
        effects.push(Effect::StaleEnded {
            host,
            check: name.clone(),
            at: now,
        });
        let kind = HistoryKind::Fresh;
        effects.push(Effect::history(host, Some(name), now, kind));
        if name.0 == CheckName::HOST {
            self.watch_silence(now, host);
        }
    }

    /// The host is back: those of its checks that are still stale have their time to be heard again.
    pub(super) fn watch_silence(&mut self, now: Timestamp, host: HostId) {
        let Some(record) = self.hosts.get_mut(&host) else {
            return;
        };
        let mut moved = Vec::new();
        for (name, check) in &mut record.checks {
            if check.status.stale_since.is_some() && !check.silent {
                check.silence_due = Some(seconds_after(now, check.definition.freshness_s));
                moved.push(name.clone());
            }
        }
        for name in moved {
            self.arm(host, &name);
        }
    }

    pub(super) fn stale_due(
        &mut self,
        now: Timestamp,
        host: HostId,
        name: &CheckName,
        effects: &mut Vec<Effect>,
    ) {
        let listening = self.listening_since;
        let Some(record) = self.check_mut(host, name) else {
            return;
        };
        let freshness = record.definition.freshness_s;
        let since = seconds_after(record.fresh_at, freshness);
        record.status.stale_since = Some(since);
        if !record.silent {
            let counted = listening.map_or(since, |listening| since.max(listening));
            record.silence_due = Some(seconds_after(counted, freshness));
        }
        effects.push(Effect::StaleBegan {
            host,
            check: name.clone(),
            since,
        });
        let kind = HistoryKind::Stale;
        effects.push(Effect::history(host, Some(name), now, kind));
        effects.push(Effect::updated(host, name));
    }

    pub(super) fn silence_due(
        &mut self,
        now: Timestamp,
        host: HostId,
        name: &CheckName,
        effects: &mut Vec<Effect>,
    ) {
        let own = name.0 == CheckName::HOST;
        let follows = !own
            && self
                .hosts
                .get(&host)
                .is_some_and(|record| record.is_stale() || record.is_down());
        let Some(record) = self.check_mut(host, name) else {
            return;
        };
        record.silence_due = None;
        effects.push(Effect::updated(host, name));
        if follows {
            return;
        }
        let words = if own {
            "no word from the agent for"
        } else {
            "no result for"
        };
        record.silent = true;
        record.status.output = format!("{words} {}", span(record.fresh_at, now));
        record.status.long_output.clear();
        record.status.perf.clear();
        let state = if own {
            CheckState::Critical
        } else {
            CheckState::Unknown
        };
        self.apply(now, (host, name), state, Pace::Exhausted, now, effects);
    }

    /// Silence counts from now on, for everything; runs that were under way are gone.
    pub(super) fn resume(&mut self, now: Timestamp) {
        self.listening_since = Some(now);
        for record in self.hosts.values_mut() {
            let here = record.runner == Runner::Here;
            for check in record.checks.values_mut() {
                let from_now = seconds_after(now, check.definition.freshness_s);
                check.silence_due = check.silence_due.map(|due| due.max(from_now));
                if here && check.lost_at.take().is_some() {
                    check.status.next_run = check.status.next_run.map(|due| due.min(now));
                }
            }
        }
        self.arm_everything();
    }

    /// The clock was set back: nothing that is counted waits longer than if it were counted from now.
    pub(super) fn set_back(&mut self, now: Timestamp) {
        self.listening_since = self.listening_since.map(|since| since.min(now));
        for check in self
            .hosts
            .values_mut()
            .flat_map(|host| host.checks.values_mut())
        {
            let (freshness, interval) = (check.definition.freshness_s, check.definition.interval_s);
            check.fresh_at = check.fresh_at.min(now);
            check.silence_due = check
                .silence_due
                .map(|due| due.min(seconds_after(now, freshness)));
            check.status.next_run = check
                .status
                .next_run
                .map(|due| due.min(seconds_after(now, interval)));
            check.lost_at = check.lost_at.map(|due| due.min(check.lost_after(now)));
            check.told_at = check.told_at.map(|told| told.min(now));
            check.problem_since = check.problem_since.map(|since| since.min(now));
            check.status.checked = check.status.checked.map(|checked| checked.min(now));
            check.last = check
                .last
                .map(|(sequence, started)| (sequence, started.min(now)));
        }
        self.arm_everything();
    }
}

/// A span in its two largest units: `45 s`, `3 min`, `2 h 5 min`, `4 d 1 h`.
fn span(from: Timestamp, to: Timestamp) -> String {
    let seconds = to.as_second().saturating_sub(from.as_second()).max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) if seconds % 60 == 0 => format!("{minutes} min"),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, _, _) => format!("{hours} h {} min", minutes % 60),
        _ => format!("{days} d {} h", hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_for_people() {
        for (seconds, text) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (150, "2 min 30 s"),
            (7500, "2 h 5 min"),
            (349_200, "4 d 1 h"),
        ] {
            assert_eq!(
                span(
                    Timestamp::UNIX_EPOCH,
                    seconds_after(Timestamp::UNIX_EPOCH, seconds)
                ),
                text
            );
        }
    }
}
