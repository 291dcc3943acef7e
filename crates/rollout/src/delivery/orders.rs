//! Taking the server's orders in.

use std::collections::BTreeSet;

use escadre_model::{DeliveryId, Timestamp, delivery::DeliveryState};

use super::{Effect, Entry, Ledger, Order};
use crate::report::Wish;

/// Deliveries that a host takes at a time; a server that orders more is answered later.
pub const MAX_DELIVERIES: usize = 1_000;

/// Reports that wait for the server at most before new orders are left alone: a server that takes none is no reason to fill
/// the disk.
pub const MAX_UNSENT: usize = 10_000;

/// What the server says of deliveries in one answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orders {
    /// Epoch of who gives them.
    pub epoch: u64,
    /// Reports stored up to this number.
    pub reports_stored: u64,
    /// Every delivery that is not final.
    pub deliveries: Vec<Order>,
}

impl Ledger {
    pub(super) fn take_orders(
        &mut self,
        now: Timestamp,
        orders: Orders,
        effects: &mut Vec<Effect>,
    ) {
        if orders.epoch < self.kept.epoch {
            let (old, seen) = (orders.epoch, self.kept.epoch);
            effects.push(Effect::Noted(format!(
                "orders of epoch {old} are refused: epoch {seen} was seen"
            )));
            return;
        }
        if orders.epoch > self.kept.epoch {
            self.write(Entry::Epoch(orders.epoch), effects);
        }
        self.take_receipt(orders.reports_stored, effects);
        let named: BTreeSet<DeliveryId> = orders.deliveries.iter().map(|order| order.id).collect();
        for order in orders.deliveries {
            self.take_order(now, order, effects);
        }
        let vanished: Vec<Order> = self
            .lives
            .iter()
            .map(|life| &life.kept.order)
            .filter(|order| !named.contains(&order.id) && order.wish != Wish::Cancel)
            .cloned()
            .collect();
        for order in vanished {
            self.write(
                Entry::Ordered(Order {
                    wish: Wish::Cancel,
                    ..order
                }),
                effects,
            );
        }
    }

    fn take_receipt(&mut self, stored: u64, effects: &mut Vec<Effect>) {
        if stored > self.kept.last {
            effects.push(Effect::Noted(format!(
                "the server has report {stored}, this journal ends with {}: it was put back from an older copy",
                self.kept.last
            )));
            self.write(
                Entry::Renumbered {
                    first: stored.saturating_add(1),
                },
                effects,
            );
        } else if stored > self.kept.stored {
            self.write(Entry::Stored(stored), effects);
        }
    }

    fn take_order(&mut self, now: Timestamp, order: Order, effects: &mut Vec<Effect>) {
        if let Some(&(_, state)) = self.kept.ended.get(&order.id) {
            // The server does not know how it ended; unless it is about to be told, say it again.
            if !self
                .kept
                .unsent
                .iter()
                .any(|report| report.delivery == order.id)
            {
                self.repeat_end(now, order.id, state, effects);
            }
            return;
        }
        match self.life(order.id).map(|life| life.kept.order.clone()) {
            Some(known) if known == order => {}
            Some(known) if known.bundle != order.bundle || known.rollout != order.rollout => {
                effects.push(Effect::Noted(format!(
                    "delivery {} was {} and is now said to be {}: refused, a delivery never changes",
                    order.id, known.bundle, order.bundle
                )));
            }
            Some(_) => self.write(Entry::Ordered(order), effects),
            None if self.lives.len() >= MAX_DELIVERIES || self.kept.unsent.len() >= MAX_UNSENT => {
                effects.push(Effect::Noted(format!(
                    "delivery {} waits: {} are here, {} reports are not stored",
                    order.id,
                    self.lives.len(),
                    self.kept.unsent.len()
                )));
            }
            None => {
                let id = order.id;
                self.write(Entry::Ordered(order), effects);
                self.step(now, id, DeliveryState::Notified, effects);
            }
        }
    }
}
