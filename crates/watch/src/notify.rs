//! When people are told: the part of Nagios's rules that belongs to a check and its host.
//!
//! Nothing here knows who they are.

use escadre_model::Timestamp;
use escadre_model::check::{CheckState, StateKind};

use crate::CheckRecord;
use crate::machine::{Transition, is_fine};
use crate::record::seconds_after;

/// What the rules ask of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Tell the problem.
    Problem,
    /// Tell the recovery.
    Recovery,
    /// Say nothing.
    Silence,
}

/// Whether a result is to be told. `host_down` is true only for the services of a host that is down.
pub(crate) fn verdict(
    record: &CheckRecord,
    told: &Transition,
    host_down: bool,
    at: Timestamp,
) -> Verdict {
    let open = record.policy.notify && record.status.downtimes == 0 && !host_down;
    if !open || !record.policy.notify_states.contains(&told.to) {
        Verdict::Silence
    } else if told.to == CheckState::Ok {
        // Only those who heard of the problem hear of its end.
        if record.status.notified > 0 {
            Verdict::Recovery
        } else {
            Verdict::Silence
        }
    } else if is_problem_due(
        record,
        told.hard_change || (told.alert && record.policy.volatile),
        at,
    ) {
        Verdict::Problem
    } else {
        Verdict::Silence
    }
}

fn is_problem_due(record: &CheckRecord, is_news: bool, at: Timestamp) -> bool {
    let status = &record.status;
    if is_fine(status.state) || status.kind == StateKind::Soft || status.acknowledgement.is_some() {
        return false;
    }
    match (status.notified, record.told_at) {
        (0, _) | (_, None) => {
            let begun = record.problem_since.unwrap_or(status.since);
            at >= seconds_after(begun, record.policy.first_notification_delay_s)
        }
        (_, Some(told_at)) => {
            let again = record.policy.renotify_s;
            is_news || (again > 0 && at >= seconds_after(told_at, again))
        }
    }
}
