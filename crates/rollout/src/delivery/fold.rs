//! How entries become a ledger: the only place where what is kept changes, in use and in recovery alike.

use escadre_model::{delivery::DeliveryState, version};

use super::{Entry, KeptLife, Ledger, Life, Terms};
use crate::report::Report;

/// Ended deliveries that are remembered, the latest ones.
pub const REMEMBERED: usize = 2_000;

impl Ledger {
    pub(super) fn fold(&mut self, entry: &Entry) {
        match entry {
            Entry::Snapshot(kept) => {
                self.kept = (**kept).clone();
                self.lives = std::mem::take(&mut self.kept.lives)
                    .into_iter()
                    .map(Life::new)
                    .collect();
            }
            Entry::Epoch(epoch) => self.kept.epoch = *epoch,
            Entry::Ordered(order) => match self.life_mut(order.id) {
                Some(life) => life.kept.order = order.clone(),
                None => self.lives.push(Life::new(KeptLife {
                    order: order.clone(),
                    state: DeliveryState::Assigned,
                    attempts: 0,
                    terms: None,
                })),
            },
            Entry::Step { report, terms } => self.fold_step(report, terms.as_ref()),
            Entry::Stored(upto) => {
                self.kept.stored = *upto;
                self.kept.unsent.retain(|report| report.sequence > *upto);
            }
            Entry::Renumbered { first } => {
                self.kept.stored = first.saturating_sub(1);
                self.kept.last = self.kept.stored;
                for report in &mut self.kept.unsent {
                    self.kept.last = self.kept.last.saturating_add(1);
                    report.sequence = self.kept.last;
                }
            }
        }
    }

    fn fold_step(&mut self, report: &Report, terms: Option<&Terms>) {
        self.kept.last = report.sequence;
        self.kept.unsent.push_back(report.clone());
        if report.state.is_final() {
            self.lives
                .retain(|life| life.kept.order.id != report.delivery);
            self.remember(report);
            return;
        }
        let Some(life) = self.life_mut(report.delivery) else {
            return;
        };
        life.kept.state = report.state;
        life.kept.attempts += u32::from(report.state == DeliveryState::Applying);
        if let Some(terms) = terms {
            life.kept.terms = Some(terms.clone());
            let bundle = life.kept.order.bundle.clone();
            let seen = self.kept.seen.entry(bundle.name().to_owned()).or_default();
            if seen.is_empty() || version::deb(bundle.version(), seen).is_gt() {
                bundle.version().clone_into(seen);
            }
        }
    }

    fn remember(&mut self, report: &Report) {
        self.kept
            .ended
            .insert(report.delivery, (report.sequence, report.state));
        if self.kept.ended.len() > REMEMBERED {
            let oldest = self
                .kept
                .ended
                .iter()
                .min_by_key(|(_, (sequence, _))| *sequence)
                .map(|(id, _)| *id);
            if let Some(id) = oldest {
                self.kept.ended.remove(&id);
            }
        }
    }
}
