//! Rollouts: making them, stopping them, letting them go on.

use std::{collections::HashMap, sync::Arc};

use escadre_api::{Actor, ApiError, ApiResult, ErrorKind, Role, rollout::*};
use escadre_bundle::Manifest;
use escadre_model::{DeliveryId, HostId, RolloutId, Timestamp, delivery::RolloutState};
use escadre_rollout::campaign::{Assignment, Campaign, Event, Plan, Record, Stage, Window};
use escadre_store::tables::rollout as rows;

use super::{
    allowed::{Deed, act},
    audience::sort,
    bundles, command_campaigns,
    deliveries::by_id,
    random_id,
};
use crate::{
    clock,
    directory::Known,
    error::internal,
    roles::conductor::{New, Wanted},
    shared::Shared,
};

pub(super) fn is_active(state: RolloutState) -> bool {
    matches!(
        state,
        RolloutState::Scheduled | RolloutState::Running | RolloutState::Paused | RolloutState::Held
    )
}

pub(super) async fn rollout_create(
    shared: &Arc<Shared>,
    actor: &Actor,
    new: RolloutNew,
) -> ApiResult<RolloutSummary> {
    let deed = Deed::new("rollout.create", new.bundle.to_string()).with(format!("to `{}`", new.to));
    act(shared, actor, Role::Publisher, deed, |line| async move {
        let (bundle, manifest) = bundles::find(shared, &new.bundle).await?;
        let now = clock::now();
        refuse_unfit(&bundle.status, &manifest, now)?;
        let sorted = sort(shared, &new, &manifest).await?;
        if sorted.included.is_empty() {
            let first = sorted.preview.excluded.first();
            let why = first.map_or_else(
                || format!("no host is named by `{}`", new.to),
                |one| {
                    format!(
                        "every host that `{}` names is left out; {}: {}",
                        new.to, one.name, one.reason
                    )
                },
            );
            return Err(ApiError::new(ErrorKind::Conflict, "rollout.nobody", why)
                .with_hint("look at the preview: escadre rollout create … --preview"));
        }
        let made = make(shared, actor, &new, &sorted.included, now).await?;
        let id = made.row.id;
        command_campaigns(shared, Wanted::New(Box::new(made)), Some(line)).await?;
        by_id(shared, id).await
    })
    .await
}

fn refuse_unfit(status: &str, manifest: &Manifest, now: Timestamp) -> ApiResult<()> {
    if status != "signed" {
        let message = format!(
            "no publisher has signed `{}` yet: no host would take it",
            manifest.bundle
        );
        return Err(
            ApiError::new(ErrorKind::Conflict, "bundle.unsigned", message)
                .with_hint(format!("escadre bundle sign {}", manifest.bundle)),
        );
    }
    manifest.check_expiry(now).map_err(|refusal| {
        ApiError::new(ErrorKind::Conflict, "bundle.expired", refusal.to_string())
    })
}

async fn make(
    shared: &Arc<Shared>,
    actor: &Actor,
    new: &RolloutNew,
    hosts: &[Known],
    now: Timestamp,
) -> ApiResult<New> {
    let assign = |known: &Known| -> ApiResult<Assignment> {
        Ok(Assignment {
            delivery: random_id(DeliveryId::from_random)?,
            host: known.row.id,
        })
    };
    let assignments = hosts.iter().map(assign).collect::<ApiResult<Vec<_>>>()?;
    let plan = Plan {
        id: random_id(RolloutId::from_random)?,
        bundle: new.bundle.clone(),
        window: Window {
            not_before: new.not_before,
            expires: new.expires,
        },
        stages: vec![Stage {
            assignments,
            ..Stage::default()
        }],
    };
    let (campaign, _) = Campaign::create(now, &plan)
        .map_err(|error| ApiError::invalid("rollout.plan", error.to_string()))?;
    let bundle = new.bundle.clone();
    let number = shared
        .write(move |tx| rows::next_number(tx, &bundle))
        .await?;
    let row = row(&campaign, number, new, &actor.name)?;
    let names: HashMap<HostId, &str> = hosts
        .iter()
        .map(|known| (known.row.id, known.row.name.as_str()))
        .collect();
    let delivery = |record: &Record| {
        let name = names.get(&record.host).copied().unwrap_or_default();
        delivery_row(&campaign, record, name)
    };
    let deliveries = campaign
        .records()
        .map(delivery)
        .collect::<ApiResult<Vec<_>>>()?;
    Ok(New {
        row,
        deliveries,
        campaign,
    })
}

fn row(
    campaign: &Campaign,
    number: u64,
    new: &RolloutNew,
    author: &str,
) -> ApiResult<rows::Rollout> {
    let header = campaign.header();
    Ok(rows::Rollout {
        id: header.id,
        number,
        bundle: header.bundle.clone(),
        query: new.to.clone(),
        note: new.note.chars().take(4096).collect(),
        author: author.to_owned(),
        created: header.created,
        not_before: header.window.not_before,
        expires: header.window.expires,
        state: header.state,
        reason: header.reason.clone(),
        finished: header.finished,
        campaign: serde_json::to_string(header).map_err(internal)?,
    })
}

fn delivery_row(
    campaign: &Campaign,
    record: &Record,
    host_name: &str,
) -> ApiResult<rows::Delivery> {
    let header = campaign.header();
    Ok(rows::Delivery {
        id: record.delivery,
        rollout: header.id,
        host: record.host,
        host_name: host_name.to_owned(),
        bundle: header.bundle.clone(),
        state: record.state,
        since: record.since,
        created: header.created,
        record: serde_json::to_string(record).map_err(internal)?,
        outcome: None,
    })
}

async fn steer(
    shared: &Arc<Shared>,
    actor: &Actor,
    id: RolloutId,
    action: &'static str,
    allowed: fn(RolloutState) -> bool,
    event: Event,
) -> ApiResult<RolloutSummary> {
    let known = by_id(shared, id).await;
    let subject = known
        .as_ref()
        .map_or_else(|_| id.to_string(), |summary| summary.name.clone());
    act(
        shared,
        actor,
        Role::Operator,
        Deed::new(action, subject),
        |line| async move {
            let known = known?;
            if !allowed(known.state) {
                let message = format!("`{}` is {}", known.name, known.state.word());
                return Err(ApiError::new(ErrorKind::Conflict, "rollout.state", message));
            }
            command_campaigns(shared, Wanted::Event(id, Box::new(event)), Some(line)).await?;
            by_id(shared, id).await
        },
    )
    .await
}

pub(super) async fn rollout_pause(
    shared: &Arc<Shared>,
    actor: &Actor,
    id: RolloutId,
) -> ApiResult<RolloutSummary> {
    let allowed = |state| {
        matches!(
            state,
            RolloutState::Scheduled | RolloutState::Running | RolloutState::Held
        )
    };
    let event = Event::Pause {
        reason: format!("paused by {}", actor.name),
    };
    steer(shared, actor, id, "rollout.pause", allowed, event).await
}

pub(super) async fn rollout_resume(
    shared: &Arc<Shared>,
    actor: &Actor,
    id: RolloutId,
) -> ApiResult<RolloutSummary> {
    let allowed = |state| matches!(state, RolloutState::Paused | RolloutState::Held);
    steer(shared, actor, id, "rollout.resume", allowed, Event::Resume).await
}

pub(super) async fn rollout_abort(
    shared: &Arc<Shared>,
    actor: &Actor,
    id: RolloutId,
) -> ApiResult<RolloutSummary> {
    let event = Event::Abort {
        reason: format!("aborted by {}", actor.name),
    };
    steer(shared, actor, id, "rollout.abort", is_active, event).await
}
