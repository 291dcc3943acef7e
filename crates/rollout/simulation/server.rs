//! The server of a simulation: the campaign, and rows that stand for the store.

use std::collections::BTreeMap;

use escadre_model::{DeliveryId, HostId, Timestamp, delivery::RolloutState};
use escadre_rollout::{
    Report,
    campaign::{Campaign, Effect, Event, Header, Plan, Record},
    delivery::{Order, Orders},
};

/// One server and what it has stored.
pub(crate) struct Server {
    pub campaign: Campaign,
    header: Header,
    rows: BTreeMap<DeliveryId, Record>,
    stored: BTreeMap<HostId, u64>,
    pub woken: Vec<HostId>,
    pub notes: Vec<String>,
}

impl Server {
    pub(super) fn new(now: Timestamp, plan: &Plan) -> Result<Self, String> {
        let (campaign, effects) = Campaign::create(now, plan).map_err(|error| error.to_string())?;
        let mut server = Self {
            header: campaign.header().clone(),
            rows: campaign
                .records()
                .map(|record| (record.delivery, record.clone()))
                .collect(),
            campaign,
            stored: BTreeMap::new(),
            woken: Vec::new(),
            notes: Vec::new(),
        };
        server.carry_out(effects);
        Ok(server)
    }

    pub(super) fn handle(&mut self, now: Timestamp, event: Event) {
        let effects = self.campaign.handle(now, event);
        self.carry_out(effects);
    }

    /// Stores what effects say has changed, and nothing else.
    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::OrderChanged { host, delivery, .. } => {
                    self.woken.push(host);
                    self.store(delivery);
                }
                Effect::DeliveryChanged { delivery, .. } => self.store(delivery),
                Effect::RolloutChanged { .. } | Effect::Finished { .. } => {
                    self.header = self.campaign.header().clone()
                }
                Effect::Noted { note, delivery } => self
                    .notes
                    .extend(delivery.map(|id| format!("{id}: {note}"))),
            }
        }
    }

    fn store(&mut self, delivery: DeliveryId) {
        self.rows.extend(
            self.campaign
                .record(delivery)
                .map(|record| (delivery, record.clone())),
        );
    }

    /// Dies and is started again from its rows, which went through their written form.
    pub(super) fn restart(&mut self) -> Result<(), String> {
        let text = serde_json::to_string(&(&self.header, self.rows.values().collect::<Vec<_>>()))
            .map_err(|error| error.to_string())?;
        let (header, rows): (Header, Vec<Record>) =
            serde_json::from_str(&text).map_err(|error| error.to_string())?;
        let restored = Campaign::restore(header, rows);
        if restored != self.campaign {
            return Err(
                "the server's rows are not what the server knew: an effect is missing".to_owned(),
            );
        }
        self.campaign = restored;
        Ok(())
    }

    /// Takes a contact and answers it; nothing for a host that was removed.
    pub(super) fn contact(
        &mut self,
        now: Timestamp,
        host: HostId,
        reports: Vec<Report>,
    ) -> Result<Option<Orders>, String> {
        if self
            .campaign
            .of_host(host)
            .is_some_and(|record| record.removed)
        {
            return Ok(None);
        }
        for report in reports {
            let stored = self.stored.entry(host).or_default();
            if report.sequence > *stored + 1 {
                break;
            }
            let repeated = report.sequence <= *stored;
            *stored = report.sequence.max(*stored);
            let effects = self.campaign.handle(now, Event::Report(report));
            if repeated && !effects.is_empty() {
                return Err(format!("a report counted twice: {effects:?}"));
            }
            self.carry_out(effects);
        }
        let header = self.campaign.header();
        let order = |record: &Record| {
            record.wish.map(|wish| Order {
                id: record.delivery,
                rollout: header.id,
                bundle: header.bundle.clone(),
                not_before: header.window.not_before,
                expires: header.window.expires,
                wish,
            })
        };
        Ok(Some(Orders {
            epoch: 1,
            reports_stored: self.stored.get(&host).copied().unwrap_or(0),
            deliveries: self
                .campaign
                .of_host(host)
                .and_then(order)
                .into_iter()
                .collect(),
        }))
    }

    pub(super) fn is_stopped(&self) -> bool {
        matches!(
            self.campaign.header().state,
            RolloutState::Paused | RolloutState::Held
        )
    }
}
