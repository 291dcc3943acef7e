//! How rollouts go: their numbers, their deliveries, each step.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use escadre_api::{Actor, ApiError, ApiResult, Role, agent::Progress, rollout::*};
use escadre_model::{BundleRef, DeliveryId, RolloutId, Timestamp, delivery::DeliveryState};
use escadre_rollout::campaign::Record;
use escadre_store::tables::rollout as rows;

use super::{allowed::require, hosts::find as find_host};
use crate::{error::internal, shared::Shared};

fn unknown(name: &str) -> ApiError {
    ApiError::not_found("rollout.unknown", format!("there is no rollout `{name}`"))
        .with_hint("`escadre rollout list` shows all")
}

pub(super) async fn by_id(shared: &Arc<Shared>, id: RolloutId) -> ApiResult<RolloutSummary> {
    let row = shared
        .read(move |tx| rows::by_id(tx, id))
        .await?
        .ok_or_else(|| unknown(&id.to_string()))?;
    let mut all = summaries(shared, vec![row]).await?;
    all.pop().ok_or_else(|| unknown(&id.to_string()))
}

pub(super) async fn rollouts(
    shared: &Arc<Shared>,
    actor: &Actor,
) -> ApiResult<Vec<RolloutSummary>> {
    require(actor, Role::Viewer)?;
    let all = shared.read(rows::all).await?;
    summaries(shared, all).await
}

pub(super) async fn rollout(
    shared: &Arc<Shared>,
    actor: &Actor,
    name: &str,
) -> ApiResult<RolloutSummary> {
    require(actor, Role::Viewer)?;
    if let Ok(id) = name.parse() {
        return by_id(shared, id).await;
    }
    let parts = name.rsplit_once('#').and_then(|(bundle, number)| {
        Some((
            bundle.parse::<BundleRef>().ok()?,
            number.parse::<u64>().ok()?,
        ))
    });
    let (bundle, number) = parts.ok_or_else(|| unknown(name))?;
    let row = shared
        .read(move |tx| rows::by_number(tx, &bundle, number))
        .await?;
    let mut all = summaries(shared, vec![row.ok_or_else(|| unknown(name))?]).await?;
    all.pop().ok_or_else(|| unknown(name))
}

/// Numbers of a rollout, out of its records.
#[derive(Default)]
struct Numbers {
    counts: BTreeMap<String, u32>,
    total: u32,
    have: u64,
}

impl Numbers {
    fn add(&mut self, record: &Record, size: u64) {
        *self
            .counts
            .entry(record.state.word().to_owned())
            .or_default() += 1;
        self.total += 1;
        let has_all = matches!(
            record.state,
            DeliveryState::Verified
                | DeliveryState::Applying
                | DeliveryState::Observing
                | DeliveryState::Succeeded
                | DeliveryState::Undone
        );
        self.have += match record.progress {
            _ if has_all => size,
            Some(progress) => progress.have.min(size),
            None => 0,
        };
    }
}

async fn summaries(
    shared: &Arc<Shared>,
    all: Vec<rows::Rollout>,
) -> ApiResult<Vec<RolloutSummary>> {
    let loaded: BTreeSet<RolloutId> = shared.campaigns().keys().copied().collect();
    let absent: Vec<RolloutId> = all
        .iter()
        .map(|row| row.id)
        .filter(|id| !loaded.contains(id))
        .collect();
    let (sizes, stored) = shared
        .read(move |tx| {
            let sizes: HashMap<BundleRef, u64> = escadre_store::tables::bundle::all(tx)?
                .into_iter()
                .map(|row| (row.bundle, row.size))
                .collect();
            let mut stored = HashMap::new();
            for id in absent {
                stored.insert(id, rows::records(tx, id)?);
            }
            Ok((sizes, stored))
        })
        .await?;
    let campaigns = shared.campaigns();
    let mut summaries = Vec::with_capacity(all.len());
    for row in all {
        let size = sizes.get(&row.bundle).copied().unwrap_or(0);
        let mut numbers = Numbers::default();
        match campaigns.get(&row.id) {
            Some(campaign) => campaign
                .records()
                .for_each(|record| numbers.add(record, size)),
            None => {
                for text in stored.get(&row.id).into_iter().flatten() {
                    numbers.add(&serde_json::from_str(text).map_err(internal)?, size);
                }
            }
        }
        summaries.push(summary(row, numbers, size));
    }
    Ok(summaries)
}

fn summary(row: rows::Rollout, numbers: Numbers, size: u64) -> RolloutSummary {
    RolloutSummary {
        name: format!("{}#{}", row.bundle, row.number),
        id: row.id,
        bundle: row.bundle,
        state: row.state,
        reason: row.reason,
        to: row.query,
        total: numbers.total,
        have: numbers.have,
        wanted: size.saturating_mul(u64::from(numbers.total)),
        counts: numbers.counts,
        by: row.author,
        created: row.created,
        not_before: row.not_before,
        expires: row.expires,
        finished: row.finished,
        note: row.note,
    }
}

fn delivery_of(
    shared: &Shared,
    row: rows::Delivery,
    steps: Vec<rows::Step>,
) -> ApiResult<Delivery> {
    let record: Record = serde_json::from_str(&row.record).map_err(internal)?;
    let outcome = row
        .outcome
        .as_deref()
        .map(serde_json::from_str)
        .transpose()
        .map_err(internal)?;
    let name = shared
        .directory
        .by_id(row.host)
        .map_or(row.host_name, |known| known.row.name.clone());
    let message = match &record.refusal {
        Some(refusal) if record.message.is_empty() => refusal.to_string(),
        _ => record.message.clone(),
    };
    Ok(Delivery {
        host: name,
        id: row.id,
        rollout: row.rollout,
        bundle: row.bundle,
        state: record.state,
        ocs_code: record.ocs_code(),
        since: record.since,
        progress: record.progress.map(|progress| Progress {
            have: progress.have,
            total: progress.total,
            fetched: progress.fetched,
        }),
        outcome,
        refusal: record.refusal,
        message,
        steps: steps
            .into_iter()
            .map(|step| DeliveryStep {
                at: step.at,
                state: step.state,
                message: step.message,
            })
            .collect(),
    })
}

async fn listed(shared: &Arc<Shared>, wanted: rows::Wanted) -> ApiResult<Vec<Delivery>> {
    let found = shared.read(move |tx| rows::deliveries(tx, &wanted)).await?;
    found
        .into_iter()
        .map(|row| delivery_of(shared, row, Vec::new()))
        .collect()
}

/// Deliveries that failed since a time.
pub(super) async fn failed_since(
    shared: &Arc<Shared>,
    since: Timestamp,
) -> ApiResult<Vec<Delivery>> {
    let wanted = rows::Wanted {
        failed: true,
        since: Some(since),
        limit: Some(1000),
        ..Default::default()
    };
    listed(shared, wanted).await
}

pub(super) async fn deliveries(
    shared: &Arc<Shared>,
    actor: &Actor,
    filter: DeliveryFilter,
) -> ApiResult<Vec<Delivery>> {
    require(actor, Role::Viewer)?;
    let host = match &filter.host {
        Some(name) => Some(find_host(shared, name)?.row.id),
        None => None,
    };
    let wanted = rows::Wanted {
        rollout: filter.rollout,
        host,
        failed: filter.failed,
        limit: filter.limit,
        ..Default::default()
    };
    listed(shared, wanted).await
}

pub(super) async fn delivery(
    shared: &Arc<Shared>,
    actor: &Actor,
    id: DeliveryId,
) -> ApiResult<Delivery> {
    require(actor, Role::Viewer)?;
    let found = shared
        .read(move |tx| Ok((rows::delivery(tx, id)?, rows::steps(tx, id)?)))
        .await?;
    let missing = || ApiError::not_found("delivery.unknown", format!("there is no delivery {id}"));
    delivery_of(shared, found.0.ok_or_else(missing)?, found.1)
}
