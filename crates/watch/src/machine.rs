//! The table of states: what a new state makes of a check, exactly as Nagios 4 has it.
//!
//! | before | result | attempt | kind |
//! |---|---|---|---|
//! | ok | ok | 1 | hard |
//! | soft problem | ok | told as one more, then 1 | told soft, then hard |
//! | hard problem | ok | told as it was, then 1 | hard |
//! | ok | problem | 1 | soft, or hard if one attempt is enough |
//! | soft problem | problem | one more | hard when it reaches the maximum |
//! | hard problem | problem | as it was | hard |
//! | any | problem while the host is down | 1 unless hard already | hard |

use escadre_model::Timestamp;
use escadre_model::check::{CheckState, StateKind};

use crate::CheckRecord;

/// How a problem becomes hard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    /// After as many results as the definition says.
    Attempts,
    /// At once, at attempt 1: the host is down, or the policy says so.
    AtOnce,
    /// At once, as if every attempt had been made: silence.
    Exhausted,
}

/// What a new state made of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Transition {
    /// State before.
    pub(crate) from: CheckState,
    /// State now.
    pub(crate) to: CheckState,
    /// Kind as it is told.
    pub(crate) kind: StateKind,
    /// Attempt as it is told.
    pub(crate) attempt: u32,
    /// There is something to tell in the history.
    pub(crate) alert: bool,
    /// The last hard state changed.
    pub(crate) hard_change: bool,
    /// A hard problem began from ok.
    pub(crate) began: bool,
    /// A hard problem ended.
    pub(crate) recovered: bool,
}

pub(crate) fn is_fine(state: CheckState) -> bool {
    matches!(state, CheckState::Ok | CheckState::Pending)
}

/// Takes a new state into the record's status. Output, freshness and schedule are the caller's.
pub(crate) fn judge(
    record: &mut CheckRecord,
    to: CheckState,
    pace: Pace,
    at: Timestamp,
) -> Transition {
    let from = record.status.state;
    let was = (is_fine(from), record.status.kind);
    let mut told = Transition {
        from,
        to,
        kind: StateKind::Hard,
        attempt: record.status.attempt,
        alert: true,
        hard_change: false,
        began: false,
        recovered: false,
    };
    if to == CheckState::Ok {
        become_ok(record, was, &mut told);
    } else {
        become_problem(record, was, pace, &mut told);
        record.problem_since.get_or_insert(at);
    }
    let status = &mut record.status;
    if status.state != to {
        status.state = to;
        status.since = at;
    }
    if status.kind == StateKind::Hard && status.hard_state != to {
        told.began = is_fine(status.hard_state) && !is_fine(to);
        told.recovered = !is_fine(status.hard_state) && is_fine(to);
        told.hard_change = true;
        status.hard_state = to;
        status.hard_since = at;
    }
    told
}

fn become_ok(record: &mut CheckRecord, was: (bool, StateKind), told: &mut Transition) {
    let status = &mut record.status;
    match was {
        (true, _) => told.alert = false,
        (false, StateKind::Soft) => {
            told.kind = StateKind::Soft;
            told.attempt = (status.attempt + 1).min(status.max_attempts);
        }
        (false, StateKind::Hard) => {}
    }
    status.attempt = 1;
    status.kind = StateKind::Hard;
}

fn become_problem(
    record: &mut CheckRecord,
    was: (bool, StateKind),
    pace: Pace,
    told: &mut Transition,
) {
    let volatile = record.policy.volatile;
    let status = &mut record.status;
    match (pace, was) {
        (_, (false, StateKind::Hard)) => told.alert = volatile || told.from != told.to,
        (Pace::AtOnce, _) => {
            status.attempt = 1;
            status.kind = StateKind::Hard;
        }
        (Pace::Exhausted, _) => {
            status.attempt = status.max_attempts;
            status.kind = StateKind::Hard;
        }
        (Pace::Attempts, (fine, _)) => {
            status.attempt = if fine {
                1
            } else {
                status.attempt.saturating_add(1).min(status.max_attempts)
            };
            status.kind = if status.attempt >= status.max_attempts {
                StateKind::Hard
            } else {
                StateKind::Soft
            };
        }
    }
    told.kind = status.kind;
    told.attempt = status.attempt;
}
