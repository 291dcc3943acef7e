//! What people and the clock do to a rollout as a whole: the only events that look at every delivery.

use escadre_model::{
    DeliveryId, HostId, Timestamp,
    delivery::{DeliveryState, RolloutState},
};

use super::{Campaign, Effect, Record, Verdict, engine::note};

impl Campaign {
    pub(super) fn pause(&mut self, reason: String, effects: &mut Vec<Effect>) {
        match self.header.state {
            RolloutState::Scheduled | RolloutState::Running | RolloutState::Held => {
                self.enter(RolloutState::Paused, reason, effects);
                self.order_all(effects);
            }
            state => effects.push(note(
                None,
                format!("a rollout that is {} cannot be paused", state.word()),
            )),
        }
    }

    pub(super) fn resume(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        match self.header.state {
            RolloutState::Paused | RolloutState::Held => {}
            state => {
                effects.push(note(
                    None,
                    format!("a rollout that is {} cannot be resumed", state.word()),
                ));
                return;
            }
        }
        for (header, counts) in self.header.stages.iter_mut().zip(&self.stages) {
            header.overridden |= matches!(header.gate.judge(counts), Verdict::Failed(_));
        }
        if self.header.stages.first().is_some_and(|stage| stage.open) {
            self.enter(RolloutState::Running, String::new(), effects);
            // Gates that were met meanwhile; each may open the next.
            (0..self.header.stages.len())
                .take_while(|&stage| self.header.stages[stage].open)
                .collect::<Vec<_>>()
                .into_iter()
                .for_each(|stage| self.judge(stage, effects));
            self.order_all(effects);
        } else {
            self.enter(RolloutState::Scheduled, String::new(), effects);
            self.tick(now, effects);
        }
    }

    pub(super) fn abort(&mut self, now: Timestamp, reason: String, effects: &mut Vec<Effect>) {
        if matches!(
            self.header.state,
            RolloutState::Aborted | RolloutState::Finished
        ) {
            let state = self.header.state.word();
            effects.push(note(
                None,
                format!("a rollout that is {state} cannot be aborted"),
            ));
            return;
        }
        self.enter(RolloutState::Aborted, reason, effects);
        self.end_where(
            now,
            effects,
            |record| record.wish.is_none(),
            DeliveryState::Cancelled,
        );
        self.order_all(effects);
        self.finish(now, effects);
    }

    /// The window is over: nothing more begins. Hosts that were ordered may still tell otherwise.
    pub(super) fn close_window(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        let state = match self.header.state {
            RolloutState::Aborted => DeliveryState::Cancelled,
            _ => DeliveryState::Expired,
        };
        self.end_where(
            now,
            effects,
            |record| record.state < DeliveryState::Applying,
            state,
        );
    }

    pub(super) fn remove_host(&mut self, now: Timestamp, host: HostId, effects: &mut Vec<Effect>) {
        let Some(record) = self
            .by_host
            .get(&host)
            .and_then(|delivery| self.records.get_mut(delivery))
        else {
            return;
        };
        if record.removed {
            return;
        }
        record.removed = true;
        record.presumed = false;
        let (delivery, state, stage) = (record.delivery, record.state, record.stage as usize);
        if let Some(counts) = self.stages.get_mut(stage) {
            counts.remove(state);
        }
        if !state.is_final() {
            let begun = state >= DeliveryState::Applying;
            let end = if begun {
                DeliveryState::Interrupted
            } else {
                DeliveryState::Cancelled
            };
            record.state = end;
            record.since = now;
            record.message = "the host was removed".to_owned();
        }
        self.settle(now, delivery, state, effects);
        if state.is_final() {
            self.judge(stage, effects);
        }
    }

    /// Ends every open delivery that is meant, by the server's own decision.
    pub(super) fn end_where(
        &mut self,
        now: Timestamp,
        effects: &mut Vec<Effect>,
        meant: impl Fn(&Record) -> bool,
        state: DeliveryState,
    ) {
        let chosen: Vec<DeliveryId> = self
            .records
            .values()
            .filter(|record| !record.state.is_final() && meant(record))
            .map(|record| record.delivery)
            .collect();
        for delivery in chosen {
            let Some(record) = self.records.get_mut(&delivery) else {
                continue;
            };
            let from = record.state;
            record.presumed = record.wish.is_some();
            record.state = state;
            record.since = now;
            self.settle(now, delivery, from, effects);
        }
    }
}
