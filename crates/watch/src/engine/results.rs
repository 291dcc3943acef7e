//! Results: taken if they are news, judged, told.

use escadre_model::check::{CheckCommand, CheckResult, CheckState};
use escadre_model::{CheckName, HostId, Timestamp};

use super::Engine;
use crate::machine::{Pace, Transition, is_fine, judge};
use crate::notify::{Verdict, verdict};
use crate::{
    CheckRecord, DropReason, Effect, HistoryKind, Notification, NotificationKind, ResultEvent,
    StateChange,
};
use crate::{perfdata, plugin_output};

impl Engine {
    pub(super) fn take_result(
        &mut self,
        now: Timestamp,
        event: ResultEvent,
        effects: &mut Vec<Effect>,
    ) {
        let ResultEvent {
            host,
            check,
            sequence,
            taken,
            result,
        } = event;
        let drop = |reason| Effect::Dropped {
            host,
            check: check.clone(),
            reason,
        };
        let Some(record) = self.check_mut(host, &check) else {
            effects.push(drop(DropReason::NotWatched));
            return;
        };
        if !record.is_news(sequence, &result) {
            effects.push(drop(DropReason::NotNew));
            return;
        }
        record.last = Some((sequence, result.started));
        let taken = taken.min(now);
        let state = read_state(&check, result.state);
        record.keep(taken, result);
        self.freshen(now, host, &check, taken, effects);
        let pace = self.pace(host, &check);
        self.apply(now, (host, &check), state, pace, taken, effects);
        self.plan_next(now, host, &check);
        effects.push(Effect::updated(host, &check));
        self.arm(host, &check);
    }

    pub(super) fn hear(&mut self, now: Timestamp, host: HostId, effects: &mut Vec<Effect>) {
        let name = CheckName(CheckName::HOST.to_owned());
        let Some(record) = self.check_mut(host, &name) else {
            return;
        };
        if record.definition.command != CheckCommand::Passive {
            return;
        }
        let calm = record.status.state == CheckState::Ok && record.status.stale_since.is_none();
        record.status.checked = Some(now);
        self.freshen(now, host, &name, now, effects);
        if !calm {
            if let Some(record) = self.check_mut(host, &name) {
                record.status.output = "the agent answers".to_owned();
                record.status.long_output.clear();
            }
            self.apply(
                now,
                (host, &name),
                CheckState::Ok,
                Pace::Attempts,
                now,
                effects,
            );
            effects.push(Effect::updated(host, &name));
        }
        self.arm(host, &name);
    }

    fn pace(&self, host: HostId, check: &CheckName) -> Pace {
        let Some(record) = self.hosts.get(&host) else {
            return Pace::Attempts;
        };
        let at_once = record
            .checks
            .get(check)
            .is_some_and(|check| check.policy.hard_at_once);
        if at_once || (check.0 != CheckName::HOST && record.is_down()) {
            Pace::AtOnce
        } else {
            Pace::Attempts
        }
    }

    /// Judges a state and tells what follows from it. `at` is when the state was seen.
    pub(super) fn apply(
        &mut self,
        now: Timestamp,
        (host, name): (HostId, &CheckName),
        state: CheckState,
        pace: Pace,
        at: Timestamp,
        effects: &mut Vec<Effect>,
    ) {
        let host_down = name.0 != CheckName::HOST
            && self
                .hosts
                .get(&host)
                .is_some_and(crate::HostRecord::is_down);
        let Some(record) = self.check_mut(host, name) else {
            return;
        };
        let told = judge(record, state, pace, at);
        let subject = (host, name);
        tell_change(subject, record, &told, at, effects);
        end_acknowledgement(subject, record, &told, at, effects);
        record.tell_people(subject, &told, host_down, (now, at), effects);
        if is_fine(state) {
            record.status.notified = 0;
            record.told_at = None;
            record.problem_since = None;
            record.silent = false;
        }
        if name.0 == CheckName::HOST && told.from != told.to && is_fine(state) {
            self.watch_silence(now, host);
        }
    }
}

impl CheckRecord {
    /// Tells people what the rules say they are to be told.
    fn tell_people(
        &mut self,
        subject: (HostId, &CheckName),
        told: &Transition,
        host_down: bool,
        (now, at): (Timestamp, Timestamp),
        effects: &mut Vec<Effect>,
    ) {
        let kind = match verdict(self, told, host_down, at) {
            Verdict::Silence => return,
            Verdict::Problem => NotificationKind::Problem,
            Verdict::Recovery => NotificationKind::Recovery,
        };
        self.status.notified = self.status.notified.saturating_add(1);
        self.told_at = Some(at);
        effects.push(Effect::Notify(self.notification(subject, kind, now)));
    }

    fn keep(&mut self, taken: Timestamp, result: CheckResult) {
        let status = &mut self.status;
        status.output = cut(result.output);
        status.long_output = cut(result.long_output);
        status.perf = result.perf;
        status.perf.truncate(perfdata::MAX_PERF);
        status.duration_ms = result.duration_ms;
        status.checked = Some(taken);
        self.silent = false;
    }

    pub(super) fn notification(
        &self,
        (host, check): (HostId, &CheckName),
        kind: NotificationKind,
        at: Timestamp,
    ) -> Notification {
        Notification {
            host,
            check: check.clone(),
            kind,
            state: self.status.state,
            output: self.status.output.clone(),
            number: self.status.notified,
            at,
        }
    }
}

/// No more of a text is kept than of a plugin's, whoever sent it.
fn cut(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(plugin_output::MAX_OUTPUT));
    text
}

/// A host is up or down: a warning is an answer, a plugin that cannot tell has none. Pending is nobody's result.
fn read_state(check: &CheckName, state: CheckState) -> CheckState {
    match (check.0 == CheckName::HOST, state) {
        (true, CheckState::Warning) => CheckState::Ok,
        (true, CheckState::Unknown | CheckState::Pending) => CheckState::Critical,
        (false, CheckState::Pending) => CheckState::Unknown,
        (_, state) => state,
    }
}

fn tell_change(
    (host, name): (HostId, &CheckName),
    record: &CheckRecord,
    told: &Transition,
    at: Timestamp,
    effects: &mut Vec<Effect>,
) {
    let change = StateChange {
        host,
        check: name.clone(),
        from: told.from,
        to: told.to,
        kind: told.kind,
        attempt: told.attempt,
        max_attempts: record.status.max_attempts,
        output: record.status.output.clone(),
        at,
    };
    if told.alert {
        let kind = HistoryKind::State {
            from: told.from,
            to: told.to,
            kind: told.kind,
            attempt: told.attempt,
            output: change.output.clone(),
        };
        effects.push(Effect::StateChanged(change.clone()));
        effects.push(Effect::history(host, Some(name), at, kind));
    }
    if told.began {
        effects.push(Effect::ProblemBegan(change));
    } else if told.recovered {
        effects.push(Effect::Recovered(change));
    }
}

fn end_acknowledgement(
    (host, name): (HostId, &CheckName),
    record: &mut CheckRecord,
    told: &Transition,
    at: Timestamp,
    effects: &mut Vec<Effect>,
) {
    let changed = told.from != told.to || told.hard_change;
    let ends = |a: &crate::Acknowledgement| is_fine(told.to) || (changed && !a.sticky);
    if record.status.acknowledgement.take_if(|a| ends(a)).is_some() {
        let kind = HistoryKind::AcknowledgementEnded;
        effects.push(Effect::history(host, Some(name), at, kind));
    }
}
