//! The state machine over all deliveries of a host.

use escadre_model::{
    DeliveryId, Timestamp,
    delivery::{DeliveryState, Refusal},
    version,
};

use super::{
    Effect, Entry, Event, Fault, Kept, Life, Order, Terms,
    life::{Busy, Next},
};
use crate::report::{Outcome, Progress, Report};

/// All deliveries of a host.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ledger {
    /// What the journal says; its `lives` are moved into `lives` below while the ledger is in use.
    pub(super) kept: Kept,
    pub(super) lives: Vec<Life>,
}

impl Ledger {
    /// The ledger that the entries of a journal lead to. Give it an [`Event::Tick`] to make it go on.
    pub fn recover(entries: impl IntoIterator<Item = Entry>) -> Self {
        let mut ledger = Self::default();
        for entry in entries {
            ledger.fold(&entry);
        }
        ledger
    }

    /// One entry that says what all entries so far have said.
    pub fn snapshot(&self) -> Entry {
        let lives = self.lives.iter().map(|life| life.kept.clone()).collect();
        Entry::Snapshot(Box::new(Kept {
            lives,
            ..self.kept.clone()
        }))
    }

    /// Deliveries that have not ended, in the order in which they came.
    pub fn lives(&self) -> &[Life] {
        &self.lives
    }

    /// Reports that the server has not stored, oldest first.
    pub fn unsent(&self) -> impl ExactSizeIterator<Item = &Report> {
        self.kept.unsent.iter()
    }

    /// Highest epoch seen.
    pub fn epoch(&self) -> u64 {
        self.kept.epoch
    }

    /// The highest version of a bundle that was verified here.
    pub fn seen(&self, bundle: &str) -> Option<&str> {
        self.kept.seen.get(bundle).map(String::as_str)
    }

    /// How a delivery ended, if it is remembered.
    pub fn ended(&self, delivery: DeliveryId) -> Option<DeliveryState> {
        self.kept.ended.get(&delivery).map(|(_, state)| *state)
    }

    /// When time alone changes something next.
    pub fn next_wake(&self, now: Timestamp) -> Option<Timestamp> {
        self.lives
            .iter()
            .filter_map(|life| life.next_wake(now))
            .min()
    }

    /// Takes one event.
    pub fn handle(&mut self, now: Timestamp, event: Event) -> Vec<Effect> {
        let mut effects = Vec::new();
        let last = self.kept.last;
        match event {
            Event::Tick => {}
            Event::Orders(orders) => self.take_orders(now, orders, &mut effects),
            Event::Progress(id, progress) => self.progress(now, id, progress, &mut effects),
            Event::Fetched(id, result) => self.fetched(now, id, result, &mut effects),
            Event::Prepared(id, result) => self.prepared(now, id, result, &mut effects),
            Event::Applied(id, outcome, fault) => {
                self.applied(now, id, outcome, fault, &mut effects)
            }
            Event::Observed(id, fault) => self.observed(now, id, fault, &mut effects),
        }
        self.advance(now, &mut effects);
        if self.kept.last > last {
            effects.push(Effect::Tell);
        }
        effects
    }

    /// Lets every delivery do what it would do now.
    fn advance(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        let ids: Vec<DeliveryId> = self.lives.iter().map(|life| life.kept.order.id).collect();
        for id in ids {
            if self
                .life(id)
                .is_some_and(|life| life.kept.state == DeliveryState::Assigned)
            {
                // The process ended between the order and the first word of it.
                self.step(now, id, DeliveryState::Notified, effects);
            }
            let Some(next) = self.life(id).map(|life| life.next(now)) else {
                continue;
            };
            match next {
                Next::Nothing => {}
                Next::StopFetch => {
                    self.set(id, Busy::No);
                    effects.push(Effect::StopFetch(id));
                }
                Next::Fetch => self.begin_fetch(now, id, effects),
                Next::Prepare => self.begin_on_host(id, Busy::Preparing, Effect::Prepare, effects),
                Next::Observe => self.begin_on_host(id, Busy::Observing, Effect::Observe, effects),
                Next::End(state, refusal, message) => {
                    self.end(now, id, state, refusal, message.to_owned(), effects)
                }
            }
        }
    }

    fn begin_fetch(&mut self, now: Timestamp, id: DeliveryId, effects: &mut Vec<Effect>) {
        if self.lives.iter().any(|life| life.busy == Busy::Fetching) {
            return;
        }
        if self
            .life(id)
            .is_some_and(|life| life.kept.state != DeliveryState::Fetching)
        {
            self.step(now, id, DeliveryState::Fetching, effects);
        }
        self.set(id, Busy::Fetching);
        if let Some(life) = self.life(id) {
            effects.push(Effect::Fetch(life.kept.order.clone()));
        }
    }

    fn begin_on_host(
        &mut self,
        id: DeliveryId,
        busy: Busy,
        effect: impl Fn(Order, Terms) -> Effect,
        effects: &mut Vec<Effect>,
    ) {
        let taken = self
            .lives
            .iter()
            .any(|life| !matches!(life.busy, Busy::No | Busy::Fetching));
        let Some(life) = self.life_mut(id).filter(|_| !taken) else {
            return;
        };
        life.busy = busy;
        let kept = &life.kept;
        effects.push(effect(
            kept.order.clone(),
            kept.terms.clone().unwrap_or_default(),
        ));
    }

    fn progress(
        &mut self,
        now: Timestamp,
        id: DeliveryId,
        progress: Progress,
        effects: &mut Vec<Effect>,
    ) {
        if self.is_busy(id, Busy::Fetching) && self.kept.unsent.is_empty() {
            let report = Report {
                progress: Some(progress),
                ..self.report(now, id, DeliveryState::Fetching)
            };
            self.write(
                Entry::Step {
                    report,
                    terms: None,
                },
                effects,
            );
        }
    }

    fn fetched(
        &mut self,
        now: Timestamp,
        id: DeliveryId,
        result: Result<Terms, Fault>,
        effects: &mut Vec<Effect>,
    ) {
        if !self.is_busy(id, Busy::Fetching) {
            return;
        }
        self.set(id, Busy::No);
        match result.and_then(|terms| self.check_version(id, terms)) {
            Ok(terms) => {
                self.calm(id);
                let report = self.report(now, id, DeliveryState::Verified);
                self.write(
                    Entry::Step {
                        report,
                        terms: Some(terms),
                    },
                    effects,
                );
            }
            Err(fault) => self.fault(now, id, fault, effects),
        }
    }

    /// Refuses a version older than one already verified, unless the manifest allows it.
    fn check_version(&self, id: DeliveryId, terms: Terms) -> Result<Terms, Fault> {
        let Some(life) = self.life(id) else {
            return Ok(terms);
        };
        let bundle = &life.kept.order.bundle;
        match self.kept.seen.get(bundle.name()) {
            Some(seen)
                if !terms.allow_downgrade && version::deb(bundle.version(), seen).is_lt() =>
            {
                Err(Fault::Refused(Refusal::Downgrade {
                    offered: bundle.version().to_owned(),
                    seen: seen.clone(),
                }))
            }
            _ => Ok(terms),
        }
    }

    fn prepared(
        &mut self,
        now: Timestamp,
        id: DeliveryId,
        result: Result<(), Fault>,
        effects: &mut Vec<Effect>,
    ) {
        if !self.is_busy(id, Busy::Preparing) {
            return;
        }
        self.set(id, Busy::No);
        if let Err(fault) = result {
            self.fault(now, id, fault, effects);
            return;
        }
        self.calm(id);
        // Orders and the time may have changed meanwhile: begin only what would be prepared now.
        if self
            .life(id)
            .is_some_and(|life| life.next(now) == Next::Prepare)
        {
            self.step(now, id, DeliveryState::Applying, effects);
            self.begin_on_host(id, Busy::Applying, Effect::Apply, effects);
        }
    }

    fn applied(
        &mut self,
        now: Timestamp,
        id: DeliveryId,
        outcome: Outcome,
        fault: Option<String>,
        effects: &mut Vec<Effect>,
    ) {
        if !self.is_busy(id, Busy::Applying) {
            return;
        }
        self.set(id, Busy::No);
        let attempts = self.life(id).map_or(1, |life| life.kept.attempts);
        let state = if fault.is_some() {
            DeliveryState::Failed
        } else {
            DeliveryState::Observing
        };
        let report = Report {
            outcome: Some(Outcome {
                attempts,
                ..outcome
            }),
            message: fault.unwrap_or_default(),
            ..self.report(now, id, state)
        };
        self.write(
            Entry::Step {
                report,
                terms: None,
            },
            effects,
        );
        if state.is_final() {
            effects.push(Effect::CleanUp(id));
        }
    }

    fn observed(
        &mut self,
        now: Timestamp,
        id: DeliveryId,
        fault: Option<String>,
        effects: &mut Vec<Effect>,
    ) {
        if self.is_busy(id, Busy::Observing) {
            let state = if fault.is_some() {
                DeliveryState::Failed
            } else {
                DeliveryState::Succeeded
            };
            self.end(now, id, state, None, fault.unwrap_or_default(), effects);
        }
    }

    fn fault(&mut self, now: Timestamp, id: DeliveryId, fault: Fault, effects: &mut Vec<Effect>) {
        let begun = self
            .life(id)
            .is_some_and(|life| life.kept.state == DeliveryState::Applying);
        match Life::end_of(fault) {
            Ok((state, refusal, message)) => {
                // Begun once, it can be interrupted, no longer refused.
                let state = if begun {
                    DeliveryState::Interrupted
                } else {
                    state
                };
                self.end(now, id, state, refusal, message, effects);
            }
            Err(message) => {
                let spread = id.to_string().bytes().map(u64::from).sum();
                if let Some(life) = self.life_mut(id) {
                    life.pause(now, spread);
                }
                if !begun && self.kept.unsent.is_empty() {
                    let report = Report {
                        message,
                        ..self.report(now, id, DeliveryState::Fetching)
                    };
                    self.write(
                        Entry::Step {
                            report,
                            terms: None,
                        },
                        effects,
                    );
                } else if !begun
                    && self
                        .life(id)
                        .is_some_and(|life| life.kept.state == DeliveryState::Verified)
                {
                    // Content that was here is gone: it has to be fetched again.
                    self.step(now, id, DeliveryState::Fetching, effects);
                }
            }
        }
    }

    fn end(
        &mut self,
        now: Timestamp,
        id: DeliveryId,
        state: DeliveryState,
        refusal: Option<Refusal>,
        message: String,
        effects: &mut Vec<Effect>,
    ) {
        let fetching = self.is_busy(id, Busy::Fetching);
        let attempts = self.life(id).map_or(0, |life| life.kept.attempts);
        let lost = state == DeliveryState::Interrupted;
        let outcome = lost.then(|| Outcome {
            attempts,
            ..Outcome::default()
        });
        let report = Report {
            refusal,
            message,
            outcome,
            ..self.report(now, id, state)
        };
        self.write(
            Entry::Step {
                report,
                terms: None,
            },
            effects,
        );
        if fetching {
            effects.push(Effect::StopFetch(id));
        }
        effects.push(Effect::CleanUp(id));
    }

    pub(super) fn repeat_end(
        &mut self,
        now: Timestamp,
        id: DeliveryId,
        state: DeliveryState,
        effects: &mut Vec<Effect>,
    ) {
        let report = Report {
            message: "told again: the server had not kept how it ended".to_owned(),
            ..self.report(now, id, state)
        };
        self.write(
            Entry::Step {
                report,
                terms: None,
            },
            effects,
        );
    }

    pub(super) fn step(
        &mut self,
        now: Timestamp,
        id: DeliveryId,
        state: DeliveryState,
        effects: &mut Vec<Effect>,
    ) {
        let report = self.report(now, id, state);
        self.write(
            Entry::Step {
                report,
                terms: None,
            },
            effects,
        );
    }

    fn report(&self, now: Timestamp, delivery: DeliveryId, state: DeliveryState) -> Report {
        let sequence = self.kept.last + 1;
        let message = String::new();
        Report {
            sequence,
            delivery,
            state,
            at: now,
            progress: None,
            outcome: None,
            refusal: None,
            message,
        }
    }

    pub(super) fn life(&self, id: DeliveryId) -> Option<&Life> {
        self.lives.iter().find(|life| life.kept.order.id == id)
    }

    pub(super) fn life_mut(&mut self, id: DeliveryId) -> Option<&mut Life> {
        self.lives.iter_mut().find(|life| life.kept.order.id == id)
    }

    fn is_busy(&self, id: DeliveryId, busy: Busy) -> bool {
        self.life(id).is_some_and(|life| life.busy == busy)
    }

    fn set(&mut self, id: DeliveryId, busy: Busy) {
        if let Some(life) = self.life_mut(id) {
            life.busy = busy;
        }
    }

    fn calm(&mut self, id: DeliveryId) {
        if let Some(life) = self.life_mut(id) {
            (life.retry, life.faults) = (None, 0);
        }
    }

    /// Every change of what is kept goes through here: into the journal and into memory, the same way as in a recovery.
    pub(super) fn write(&mut self, entry: Entry, effects: &mut Vec<Effect>) {
        self.fold(&entry);
        effects.push(Effect::Journal(entry));
    }
}
