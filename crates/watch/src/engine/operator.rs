//! What people decide: acknowledgements, downtimes, notifications on and off.

use escadre_model::{CheckName, HostId, Timestamp};

use super::{Engine, Subject};
use crate::machine::{Pace, is_fine};
use crate::{Acknowledgement, Downtime, DowntimeId, Effect, HistoryKind, NotificationKind};

impl Engine {
    pub(super) fn acknowledge(
        &mut self,
        now: Timestamp,
        (host, name): (HostId, CheckName),
        acknowledgement: Acknowledgement,
        notify: bool,
        effects: &mut Vec<Effect>,
    ) {
        let Some(record) = self
            .check_mut(host, &name)
            .filter(|record| !is_fine(record.status.state))
        else {
            return;
        };
        let Acknowledgement {
            author, comment, ..
        } = acknowledgement.clone();
        record.status.acknowledgement = Some(Acknowledgement {
            at: now,
            ..acknowledgement
        });
        if notify && record.policy.notify {
            let kind = NotificationKind::Acknowledgement {
                author: author.clone(),
                comment: comment.clone(),
            };
            effects.push(Effect::Notify(record.notification(
                (host, &name),
                kind,
                now,
            )));
        }
        let kind = HistoryKind::Acknowledged { author, comment };
        effects.push(Effect::history(host, Some(&name), now, kind));
        effects.push(Effect::Updated { host, check: name });
    }

    pub(super) fn remove_acknowledgement(
        &mut self,
        now: Timestamp,
        host: HostId,
        name: CheckName,
        effects: &mut Vec<Effect>,
    ) {
        let Some(record) = self.check_mut(host, &name) else {
            return;
        };
        if record.status.acknowledgement.take().is_some() {
            let kind = HistoryKind::AcknowledgementEnded;
            effects.push(Effect::history(host, Some(&name), now, kind));
            effects.push(Effect::Updated { host, check: name });
        }
    }

    pub(super) fn set_notifications(
        &mut self,
        host: HostId,
        check: Option<CheckName>,
        on: bool,
        effects: &mut Vec<Effect>,
    ) {
        let Some(record) = self.hosts.get_mut(&host) else {
            return;
        };
        for (name, record) in &mut record.checks {
            if check.as_ref().is_none_or(|check| check == name) {
                record.policy.notify = on;
                effects.push(Effect::updated(host, name));
            }
        }
    }

    pub(super) fn plan_downtime(
        &mut self,
        now: Timestamp,
        host: HostId,
        downtime: Downtime,
        effects: &mut Vec<Effect>,
    ) {
        let id = downtime.id;
        let Some(begun) = self.hosts.get(&host).map(|record| record.is_begun(id)) else {
            return;
        };
        self.disarm_downtime(host, id);
        let Some(record) = self.hosts.get_mut(&host) else {
            return;
        };
        record.downtimes.retain(|(known, _)| known.id != id);
        if downtime.until > now || begun {
            effects.push(planned(host, &downtime));
            record.downtimes.push((downtime, begun));
            self.arm_downtime(host, id);
        }
    }

    pub(super) fn cancel_downtime(
        &mut self,
        now: Timestamp,
        host: HostId,
        id: DowntimeId,
        effects: &mut Vec<Effect>,
    ) {
        self.end_downtime(now, host, id, true, effects);
    }

    pub(super) fn downtime_due(
        &mut self,
        now: Timestamp,
        host: HostId,
        id: DowntimeId,
        effects: &mut Vec<Effect>,
    ) {
        let Some(record) = self.hosts.get_mut(&host) else {
            return;
        };
        let Some((downtime, begun)) = record
            .downtimes
            .iter_mut()
            .find(|(downtime, _)| downtime.id == id)
        else {
            return;
        };
        if *begun || downtime.until <= now {
            self.end_downtime(now, host, id, false, effects);
            return;
        }
        *begun = true;
        let downtime = downtime.clone();
        let kind = HistoryKind::DowntimeStarted {
            downtime: downtime.clone(),
        };
        effects.push(Effect::history(host, downtime.check.as_ref(), now, kind));
        self.count_downtimes(
            now,
            host,
            &downtime,
            NotificationKind::DowntimeStart,
            effects,
        );
        self.arm_downtime(host, id);
    }

    fn end_downtime(
        &mut self,
        now: Timestamp,
        host: HostId,
        id: DowntimeId,
        cancelled: bool,
        effects: &mut Vec<Effect>,
    ) {
        self.disarm_downtime(host, id);
        let Some(record) = self.hosts.get_mut(&host) else {
            return;
        };
        let Some(place) = record
            .downtimes
            .iter()
            .position(|(downtime, _)| downtime.id == id)
        else {
            return;
        };
        let (downtime, begun) = record.downtimes.remove(place);
        effects.push(planned(host, &downtime));
        if !begun {
            return;
        }
        let kind = HistoryKind::DowntimeEnded {
            downtime: downtime.clone(),
            cancelled,
        };
        effects.push(Effect::history(host, downtime.check.as_ref(), now, kind));
        let kind = if cancelled {
            NotificationKind::DowntimeCancelled
        } else {
            NotificationKind::DowntimeEnd
        };
        self.count_downtimes(now, host, &downtime, kind, effects);
        self.tell_silence(now, host, effects);
    }

    /// Counts anew the downtimes of the checks that one concerns; the check it is named for is told of at the edge.
    fn count_downtimes(
        &mut self,
        now: Timestamp,
        host: HostId,
        downtime: &Downtime,
        kind: NotificationKind,
        effects: &mut Vec<Effect>,
    ) {
        let Some(record) = self.hosts.get_mut(&host) else {
            return;
        };
        let told = downtime
            .check
            .as_ref()
            .map_or(CheckName::HOST, |check| &check.0);
        let depths: Vec<_> = record
            .checks
            .keys()
            .map(|name| record.downtime_depth(name))
            .collect();
        for ((name, check), depth) in record.checks.iter_mut().zip(depths) {
            let before = std::mem::replace(&mut check.status.downtimes, depth);
            if before == depth {
                continue;
            }
            if name.0 == told && check.policy.notify && (before == 0 || depth == 0) {
                effects.push(Effect::Notify(check.notification(
                    (host, name),
                    kind.clone(),
                    now,
                )));
            }
            effects.push(Effect::updated(host, name));
        }
    }

    /// A problem that is nothing but silence has no next result that would tell it after a downtime: it is told now.
    fn tell_silence(&mut self, now: Timestamp, host: HostId, effects: &mut Vec<Effect>) {
        let Some(record) = self.hosts.get(&host) else {
            return;
        };
        let silent: Vec<_> = record
            .checks
            .iter()
            .filter(|(_, check)| check.silent && check.status.downtimes == 0)
            .map(|(name, check)| (name.clone(), check.status.state))
            .collect();
        for (name, state) in silent {
            self.apply(now, (host, &name), state, Pace::Exhausted, now, effects);
        }
    }

    fn arm_downtime(&mut self, host: HostId, id: DowntimeId) {
        if let Some(due) = self
            .hosts
            .get(&host)
            .and_then(|record| record.downtime_due(id))
        {
            self.agenda.insert((due, host, Subject::Downtime(id)));
        }
    }

    pub(super) fn disarm_downtime(&mut self, host: HostId, id: DowntimeId) {
        if let Some(due) = self
            .hosts
            .get(&host)
            .and_then(|record| record.downtime_due(id))
        {
            self.agenda.remove(&(due, host, Subject::Downtime(id)));
        }
    }
}

/// What is planned for a host is in its record, so the record is to be stored.
fn planned(host: HostId, downtime: &Downtime) -> Effect {
    let check = downtime
        .check
        .clone()
        .unwrap_or_else(|| CheckName(CheckName::HOST.to_owned()));
    Effect::Updated { host, check }
}
