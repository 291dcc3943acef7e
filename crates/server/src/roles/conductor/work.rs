//! Campaigns at work, and what comes of it.

use std::collections::BTreeSet;

use escadre_api::agent::DeliveryReport;
use escadre_model::{DeliveryId, HostId, RolloutId, Timestamp, delivery::DeliveryState};
use escadre_rollout::{
    Outcome as ActionOutcome, Progress, Report,
    campaign::{Campaign, Effect, Event},
};
use escadre_store::tables::rollout;

use super::journal::Rows;
use crate::shared::Shared;

/// Campaigns at work, and what comes of it.
pub(super) struct Work {
    pub(super) now: Timestamp,
    pub(super) rows: Rows,
    pub(super) changed: Changed,
}

/// Who is to be told.
#[derive(Default)]
pub(super) struct Changed {
    pub(super) rollouts: BTreeSet<RolloutId>,
    pub(super) hosts: BTreeSet<HostId>,
}

impl Changed {
    pub(super) fn tell(self, shared: &Shared) {
        self.rollouts
            .iter()
            .for_each(|id| shared.tell("rollout.changed", id));
        for host in self.hosts {
            shared.tell_orders(host);
            shared.tell_host(host);
        }
    }
}

impl Work {
    pub(super) fn new(now: Timestamp, dealt_with: Vec<u64>) -> Self {
        let rows = Rows {
            dealt_with,
            ..Rows::default()
        };
        Self {
            now,
            rows,
            changed: Changed::default(),
        }
    }

    /// What time alone changes, if it is due.
    pub(super) fn tick(&mut self, campaign: &mut Campaign) {
        if campaign.next_tick().is_some_and(|due| due <= self.now) {
            self.event(campaign, Event::Tick);
        }
    }

    /// Only the host of a delivery can report it.
    pub(super) fn report(&mut self, campaign: &mut Campaign, host: HostId, report: DeliveryReport) {
        if campaign
            .record(report.delivery)
            .is_none_or(|record| record.host != host)
        {
            tracing::warn!(%host, delivery = %report.delivery, "a host reports what is not its own; left out");
            return;
        }
        let outcome = report
            .outcome
            .as_ref()
            .and_then(|outcome| serde_json::to_string(outcome).ok());
        tracing::info!(%host, delivery = %report.delivery, state = report.state.word(), "delivery reported");
        let delivery = report.delivery;
        self.handle(
            campaign,
            Event::Report(core(report)),
            Some((delivery, outcome)),
        );
    }

    pub(super) fn event(&mut self, campaign: &mut Campaign, event: Event) {
        self.handle(campaign, event, None);
    }

    fn handle(
        &mut self,
        campaign: &mut Campaign,
        event: Event,
        mut outcome: Option<(DeliveryId, Option<String>)>,
    ) {
        let effects = campaign.handle(self.now, event);
        let mut deliveries = BTreeSet::new();
        let mut header = false;
        for effect in effects {
            match effect {
                Effect::OrderChanged { host, delivery, .. } => {
                    self.changed.hosts.insert(host);
                    deliveries.insert(delivery);
                }
                Effect::DeliveryChanged {
                    delivery,
                    host,
                    from,
                    to,
                } => {
                    self.changed.hosts.insert(host);
                    deliveries.insert(delivery);
                    if from != to {
                        self.step(campaign, delivery, to);
                    }
                }
                Effect::RolloutChanged { .. } | Effect::Finished { .. } => header = true,
                Effect::Noted { delivery, note } => {
                    tracing::warn!(rollout = %campaign.header().id, ?delivery, note, "noted");
                }
            }
        }
        if header || !deliveries.is_empty() {
            self.changed.rollouts.insert(campaign.header().id);
            self.rows.headers.push(campaign.header().clone());
        }
        for delivery in deliveries {
            let Some(record) = campaign.record(delivery) else {
                continue;
            };
            let own = outcome
                .take_if(|(of, _)| *of == delivery)
                .and_then(|(_, outcome)| outcome);
            self.rows.records.push((record.clone(), own));
        }
    }

    fn step(&mut self, campaign: &Campaign, delivery: DeliveryId, state: DeliveryState) {
        let Some(record) = campaign.record(delivery) else {
            return;
        };
        let refusal = record.refusal.as_ref().map(ToString::to_string);
        self.rows.steps.push(rollout::Step {
            delivery,
            host: record.host,
            at: record.since,
            state,
            message: refusal.unwrap_or_else(|| record.message.clone()),
        });
    }
}

/// What came over the wire, as the core knows it.
fn core(report: DeliveryReport) -> Report {
    Report {
        sequence: report.sequence,
        delivery: report.delivery,
        state: report.state,
        at: report.at,
        progress: report.progress.map(|progress| Progress {
            have: progress.have,
            total: progress.total,
            fetched: progress.fetched,
        }),
        outcome: report.outcome.map(|outcome| ActionOutcome {
            exit_code: outcome.exit_code,
            output: outcome.output,
            duration_ms: outcome.duration_ms,
            attempts: outcome.attempts,
        }),
        refusal: report.refusal,
        message: report.message,
    }
}
