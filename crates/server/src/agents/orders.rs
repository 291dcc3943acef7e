//! What a host is to do: its checks, its deliveries, and the number by which it knows whether that changed.
//!
//! The number is made from the content alone: its upper half from the checks, its lower half from the rest. So it needs
//! no memory, survives restarts, and says by itself whether the checks are as the agent has them.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
    time::Duration,
};

use axum::{
    Json,
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use escadre_api::agent::{DeliveryOrder, Orders, Wish};
use escadre_bus::Heard;
use escadre_model::{
    CheckName, HostId,
    check::{CheckCommand, CheckDefinition},
};
use escadre_store::tables::received::Cursor;
use serde::Deserialize;

use super::{Agent, Ctx, Refused};
use crate::{clock, error::internal, shared::Shared};

/// How long a waiting agent is kept.
const PATIENCE: Duration = Duration::from_secs(55);

/// What is wanted, without what an answer adds.
struct Content {
    checks: Vec<CheckDefinition>,
    run_now: Vec<CheckName>,
    deliveries: Vec<DeliveryOrder>,
    want_inventory: bool,
    contact_every_s: u32,
}

impl Content {
    fn of(shared: &Shared, host: HostId) -> Self {
        let checks = {
            let engine = shared.engine();
            let record = engine.host(host);
            let all = record.into_iter().flat_map(|record| record.checks.values());
            all.map(|check| check.definition.clone())
                .filter(|check| check.command != CheckCommand::Passive)
                .collect()
        };
        let run_now = shared
            .run_now()
            .get(&host)
            .map(|checks| checks.iter().cloned().collect())
            .unwrap_or_default();
        Self {
            checks,
            run_now,
            deliveries: deliveries(shared, host),
            want_inventory: shared
                .directory
                .by_id(host)
                .is_some_and(|known| known.row.want_inventory),
            contact_every_s: shared.settings().contact_every_s,
        }
    }

    /// Never 0, which is an agent that has no orders.
    fn revision(&self) -> u64 {
        let hash = |documents: &[serde_json::Result<String>]| {
            let mut hasher = DefaultHasher::new();
            for document in documents.iter().flatten() {
                document.hash(&mut hasher);
            }
            (hasher.finish() >> 32).max(1)
        };
        let checks = hash(&[serde_json::to_string(&self.checks)]);
        let rest = hash(&[
            serde_json::to_string(&self.run_now),
            serde_json::to_string(&self.deliveries),
            serde_json::to_string(&(self.want_inventory, self.contact_every_s)),
        ]);
        checks << 32 | rest
    }
}

fn deliveries(shared: &Shared, host: HostId) -> Vec<DeliveryOrder> {
    let campaigns = shared.campaigns();
    let orders = campaigns.values().filter_map(|campaign| {
        let record = campaign.of_host(host)?;
        let header = campaign.header();
        Some(DeliveryOrder {
            id: record.delivery,
            rollout: header.id,
            bundle: header.bundle.clone(),
            not_before: header.window.not_before,
            expires: header.window.expires,
            wish: match record.wish? {
                escadre_rollout::Wish::Go => Wish::Go,
                escadre_rollout::Wish::Hold => Wish::Hold,
                escadre_rollout::Wish::Cancel => Wish::Cancel,
            },
        })
    });
    orders.collect()
}

/// The answer to a contact.
pub(super) fn of(shared: &Shared, host: HostId, has: u64, cursor: Cursor) -> Orders {
    let content = Content::of(shared, host);
    let revision = content.revision();
    let same_checks = has >> 32 == revision >> 32;
    Orders {
        revision,
        epoch: shared.epoch,
        now: clock::now(),
        contact_every_s: content.contact_every_s,
        want_inventory: content.want_inventory,
        results_stored: cursor.results,
        reports_stored: cursor.reports,
        checks: (!same_checks).then_some(content.checks),
        run_now: content.run_now,
        deliveries: content.deliveries,
    }
}

/// An agent shows by the number of its orders that it has them: what was to be run at once need not be said again.
pub(super) fn seen(shared: &Shared, host: HostId, revision: u64) {
    let has_wishes = shared.run_now().contains_key(&host);
    if has_wishes && Content::of(shared, host).revision() == revision {
        shared.run_now().remove(&host);
    }
}

/// What an agent that waits has.
#[derive(Deserialize)]
pub(super) struct Waiting {
    revision: u64,
}

/// `GET /agent/v1/wait`: answers when the orders are other ones, or after a while.
pub(super) async fn wait(
    State(shared): Ctx,
    Agent(host): Agent,
    Query(waiting): Query<Waiting>,
) -> Result<Response, Refused> {
    let subject = "orders.changed".parse().map_err(internal)?;
    // Listening begins before looking, so that no change falls between.
    let mut heard = shared.bus.subscribe(subject);
    let end = tokio::time::sleep(PATIENCE);
    tokio::pin!(end);
    loop {
        let revision = Content::of(&shared, host).revision();
        if revision != waiting.revision || shared.directory.by_id(host).is_none() {
            return Ok(Json(serde_json::json!({ "revision": revision })).into_response());
        }
        loop {
            tokio::select! {
                () = &mut end => return Ok(StatusCode::NO_CONTENT.into_response()),
                event = heard.next() => match event {
                    None => return Ok(StatusCode::NO_CONTENT.into_response()),
                    Some(event) if concerns(&event, host) => break,
                    Some(_) => {}
                },
            }
        }
    }
}

fn concerns(event: &Heard, host: HostId) -> bool {
    match event {
        Heard::Lagged(_) => true,
        Heard::Message(message) => {
            escadre_bus::decode(message).is_ok_and(|changed: HostId| changed == host)
        }
    }
}

/// Says that the orders of every host changed (a setting did).
pub(crate) fn tell_all(shared: &Arc<Shared>) {
    shared
        .directory
        .all()
        .iter()
        .for_each(|known| shared.tell_orders(known.row.id));
}
