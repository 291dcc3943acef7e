//! The state machine of a rollout.
//!
//! | state | a person may | by itself |
//! |---|---|---|
//! | scheduled | pause, abort | running, at the begin of its window |
//! | running | pause, abort | held, when a gate fails; finished, when every delivery is final |
//! | paused | resume, abort | finished |
//! | held | resume (the gate is overridden), abort | finished |
//! | aborted | – | (stays, and gets an end) |
//! | finished | – | – |
//!
//! Whatever else is asked is a note, not an error: two operators may press two buttons.

use std::collections::BTreeMap;

use escadre_model::{
    DeliveryId, HostId, Timestamp,
    delivery::{DeliveryState, RolloutState},
};

use super::{Counts, Effect, Ending, Event, Header, Plan, PlanError, Record, StageHeader, Verdict};
use crate::{
    is_legal,
    report::{Report, Wish},
};

/// A rollout and its deliveries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Campaign {
    pub(super) header: Header,
    pub(super) records: BTreeMap<DeliveryId, Record>,
    pub(super) by_host: BTreeMap<HostId, DeliveryId>,
    /// Over all deliveries.
    pub(super) counts: Counts,
    /// By stage, removed hosts left out.
    pub(super) stages: Vec<Counts>,
}

impl Campaign {
    /// Makes a rollout, and begins it if its window is open.
    pub fn create(now: Timestamp, plan: &Plan) -> Result<(Self, Vec<Effect>), PlanError> {
        plan.check(now)?;
        let stage_header = |stage: &super::Stage| StageHeader {
            name: stage.name.clone(),
            gate: stage.gate.clone(),
            open: false,
            overridden: false,
        };
        let header = Header {
            id: plan.id,
            bundle: plan.bundle.clone(),
            window: plan.window,
            stages: plan.stages.iter().map(stage_header).collect(),
            state: RolloutState::Scheduled,
            reason: String::new(),
            created: now,
            finished: None,
        };
        let records = (0..).zip(&plan.stages).flat_map(|(stage, content)| {
            content.assignments.iter().map(move |assignment| Record {
                delivery: assignment.delivery,
                host: assignment.host,
                stage,
                state: DeliveryState::Assigned,
                since: now,
                sequence: 0,
                wish: None,
                presumed: false,
                removed: false,
                progress: None,
                ending: None,
                refusal: None,
                message: String::new(),
            })
        });
        let mut campaign = Self::restore(header, records);
        let mut effects = vec![campaign.told()];
        campaign.tick(now, &mut effects);
        Ok((campaign, effects))
    }

    /// The rollout as it was when these rows were written; records of stages that the header does not have are left out.
    pub fn restore(header: Header, records: impl IntoIterator<Item = Record>) -> Self {
        let mut campaign = Self {
            stages: vec![Counts::default(); header.stages.len()],
            header,
            records: BTreeMap::new(),
            by_host: BTreeMap::new(),
            counts: Counts::default(),
        };
        for record in records {
            let Some(stage) = campaign.stages.get_mut(record.stage as usize) else {
                continue;
            };
            if !record.removed {
                stage.add(record.state);
            }
            campaign.counts.add(record.state);
            campaign.counts.progress(None, record.progress);
            campaign.by_host.insert(record.host, record.delivery);
            campaign.records.insert(record.delivery, record);
        }
        campaign
    }

    /// The rollout without its deliveries.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// One delivery.
    pub fn record(&self, delivery: DeliveryId) -> Option<&Record> {
        self.records.get(&delivery)
    }

    /// All deliveries, by id.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.records.values()
    }

    /// The delivery of a host; it belongs into the host's orders if it has a wish.
    pub fn of_host(&self, host: HostId) -> Option<&Record> {
        self.by_host
            .get(&host)
            .and_then(|delivery| self.records.get(delivery))
    }

    /// Deliveries by state.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Deliveries of a stage by state, without removed hosts.
    pub fn stage_counts(&self, stage: usize) -> Option<&Counts> {
        self.stages.get(stage)
    }

    /// When time alone changes something next.
    pub fn next_tick(&self) -> Option<Timestamp> {
        let begin = self
            .header
            .window
            .not_before
            .filter(|_| self.header.state == RolloutState::Scheduled);
        let end = self.header.window.expires.filter(|_| self.not_begun());
        begin.into_iter().chain(end).min()
    }

    /// Takes one event.
    pub fn handle(&mut self, now: Timestamp, event: Event) -> Vec<Effect> {
        let mut effects = Vec::new();
        match event {
            Event::Tick => self.tick(now, &mut effects),
            Event::Report(report) => self.report(now, report, &mut effects),
            Event::Pause { reason } => self.pause(reason, &mut effects),
            Event::Resume => self.resume(now, &mut effects),
            Event::Abort { reason } => self.abort(now, reason, &mut effects),
            Event::HostRemoved { host } => self.remove_host(now, host, &mut effects),
        }
        effects
    }

    pub(super) fn tick(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        let begins = self.header.window.not_before.is_none_or(|at| at <= now);
        if self.header.state == RolloutState::Scheduled && begins {
            self.enter(RolloutState::Running, String::new(), effects);
            self.open_stage(0, effects);
            self.order_all(effects);
        }
        if self.header.window.expires.is_some_and(|at| at <= now) && self.not_begun() {
            self.close_window(now, effects);
        }
    }

    fn report(&mut self, now: Timestamp, report: Report, effects: &mut Vec<Effect>) {
        let delivery = report.delivery;
        let Some(record) = self.records.get_mut(&delivery) else {
            effects.push(note(
                Some(delivery),
                "a report names a delivery that is not of this rollout",
            ));
            return;
        };
        if report.sequence <= record.sequence {
            return;
        }
        record.sequence = report.sequence;
        let (from, to) = (record.state, report.state);
        let corrected = record.presumed && to.is_final();
        let repeated = from == to && from.is_final();
        if record.presumed && !to.is_final() {
            // What the host tells late on its way to its own end.
            effects.push(Effect::DeliveryChanged {
                delivery,
                host: record.host,
                from,
                to: from,
            });
            return;
        }
        if !corrected && !repeated && !is_legal(from, to) {
            effects.push(note(
                Some(delivery),
                format!("the host reports {} after {}", to.word(), from.word()),
            ));
            effects.push(Effect::DeliveryChanged {
                delivery,
                host: record.host,
                from,
                to: from,
            });
            return;
        }
        let kept = corrected && to == DeliveryState::Cancelled;
        self.take(report, kept);
        self.settle(now, delivery, from, effects);
    }

    /// Writes what a good report says into the record. `kept`: the host only confirms the end that was presumed for it.
    fn take(&mut self, report: Report, kept: bool) {
        let Some(record) = self.records.get_mut(&report.delivery) else {
            return;
        };
        record.presumed = false;
        if let Some(outcome) = &report.outcome {
            record.ending = Some(Ending {
                exit_code: outcome.exit_code,
                attempts: outcome.attempts,
            });
        }
        if kept {
            return;
        }
        if record.state != report.state {
            record.since = report.at;
        }
        record.state = report.state;
        record.refusal = report.refusal;
        record.message = report.message;
        if report.progress.is_some() {
            self.counts.progress(record.progress, report.progress);
            record.progress = report.progress;
        }
    }

    /// After a record's state was written: counts, order, gate and end of the rollout follow.
    pub(super) fn settle(
        &mut self,
        now: Timestamp,
        delivery: DeliveryId,
        from: DeliveryState,
        effects: &mut Vec<Effect>,
    ) {
        let Some(record) = self.records.get(&delivery) else {
            return;
        };
        let (host, to, stage) = (record.host, record.state, record.stage as usize);
        if from != to {
            self.counts.remove(from);
            self.counts.add(to);
            if let Some(counts) = self.stages.get_mut(stage).filter(|_| !record.removed) {
                counts.remove(from);
                counts.add(to);
            }
        }
        effects.push(Effect::DeliveryChanged {
            delivery,
            host,
            from,
            to,
        });
        self.order(delivery, effects);
        if from != to && to.is_final() {
            self.judge(stage, effects);
            self.finish(now, effects);
        }
    }

    pub(super) fn judge(&mut self, stage: usize, effects: &mut Vec<Effect>) {
        if self.header.state != RolloutState::Running {
            return;
        }
        let (Some(header), Some(counts)) = (self.header.stages.get(stage), self.stages.get(stage))
        else {
            return;
        };
        match header.gate.judge(counts) {
            Verdict::Failed(reason) if !header.overridden => {
                let named = if header.name.is_empty() {
                    (stage + 1).to_string()
                } else {
                    header.name.clone()
                };
                self.enter(
                    RolloutState::Held,
                    format!("the gate of stage {named} failed: {reason}"),
                    effects,
                );
                self.order_all(effects);
            }
            // An overridden gate no longer stops, but it still waits for the end of its stage.
            Verdict::Failed(_) if counts.open() == 0 => self.open_stage(stage + 1, effects),
            Verdict::Open => self.open_stage(stage + 1, effects),
            Verdict::Wait | Verdict::Failed(_) => {}
        }
    }

    fn open_stage(&mut self, stage: usize, effects: &mut Vec<Effect>) {
        let Some(header) = self
            .header
            .stages
            .get_mut(stage)
            .filter(|header| !header.open)
        else {
            return;
        };
        header.open = true;
        effects.push(self.told());
        let wanted = u32::try_from(stage).unwrap_or(u32::MAX);
        let members: Vec<DeliveryId> = self
            .records
            .values()
            .filter(|record| record.stage == wanted)
            .map(|record| record.delivery)
            .collect();
        for delivery in members {
            self.order(delivery, effects);
        }
        // Its hosts may all be gone already.
        if self
            .stages
            .get(stage)
            .is_some_and(|counts| counts.open() == 0)
        {
            self.judge(stage, effects);
        }
    }

    pub(super) fn finish(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        if self.header.finished.is_some() || self.counts.open() > 0 {
            return;
        }
        self.header.finished = Some(now);
        if self.header.state == RolloutState::Aborted {
            effects.push(self.told());
        } else {
            self.enter(RolloutState::Finished, String::new(), effects);
        }
        effects.push(Effect::Finished { at: now });
    }

    pub(super) fn enter(&mut self, state: RolloutState, reason: String, effects: &mut Vec<Effect>) {
        self.header.state = state;
        self.header.reason = reason;
        effects.push(self.told());
    }

    fn told(&self) -> Effect {
        Effect::RolloutChanged {
            state: self.header.state,
            reason: self.header.reason.clone(),
        }
    }

    fn not_begun(&self) -> bool {
        self.counts
            .iter()
            .any(|(state, _)| state < DeliveryState::Applying)
    }

    pub(super) fn order_all(&mut self, effects: &mut Vec<Effect>) {
        let all: Vec<DeliveryId> = self.records.keys().copied().collect();
        for delivery in all {
            self.order(delivery, effects);
        }
    }

    fn order(&mut self, delivery: DeliveryId, effects: &mut Vec<Effect>) {
        let Some(record) = self.records.get_mut(&delivery) else {
            return;
        };
        let wish = wished(&self.header, record);
        if record.wish != wish {
            record.wish = wish;
            effects.push(Effect::OrderChanged {
                host: record.host,
                delivery,
                wish,
            });
        }
    }
}

/// The order that a host should have now.
fn wished(header: &Header, record: &Record) -> Option<Wish> {
    let ordered = record.wish.is_some();
    let stage_open = header
        .stages
        .get(record.stage as usize)
        .is_some_and(|stage| stage.open);
    if record.presumed {
        return ordered.then_some(Wish::Cancel);
    }
    if record.state.is_final() || !(stage_open || ordered) {
        return None;
    }
    match header.state {
        RolloutState::Running => Some(Wish::Go),
        RolloutState::Paused | RolloutState::Held => Some(Wish::Hold),
        RolloutState::Aborted => Some(Wish::Cancel),
        RolloutState::Scheduled | RolloutState::Finished => ordered.then_some(Wish::Hold),
    }
}

pub(super) fn note(delivery: Option<DeliveryId>, note: impl Into<String>) -> Effect {
    Effect::Noted {
        delivery,
        note: note.into(),
    }
}
