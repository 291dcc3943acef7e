//! Rollouts and deliveries: who would get a bundle, making it so, stopping it, and how it went.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use escadre_api::{Actor, ApiError, ApiResult, ErrorKind, Role, agent::Progress, rollout::*};
use escadre_bundle::Manifest;
use escadre_model::{
    BundleRef, DeliveryId, HostId, RolloutId, Timestamp,
    delivery::{DeliveryState, RolloutState},
};
use escadre_rollout::campaign::{Assignment, Campaign, Event, Plan, Record, Stage, Window};
use escadre_store::tables::rollout as rows;
use escadre_watch::Standing;

use super::{
    allowed::{Deed, act, require},
    bundles, command_campaigns,
    hosts::{find as find_host, matching},
    random_id,
};
use crate::{
    clock,
    directory::{Asked, Known},
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

fn unknown(name: &str) -> ApiError {
    ApiError::not_found("rollout.unknown", format!("there is no rollout `{name}`"))
        .with_hint("`escadre rollout list` shows all")
}

// === Who ===

/// Hosts that get it and hosts that do not.
struct Sorted {
    included: Vec<Known>,
    preview: RolloutPreview,
}

async fn sort(shared: &Arc<Shared>, new: &RolloutNew, manifest: &Manifest) -> ApiResult<Sorted> {
    let (matched, not_matched) = matching(shared, &new.to).await?;
    let except: BTreeSet<&str> = new.except.iter().map(String::as_str).collect();
    for name in &except {
        find_host(shared, name)?;
    }
    let taken = taken(shared, &new.bundle).await?;
    let (mut included, mut excluded) = (Vec::new(), Vec::new());
    for known in matched {
        match reason(shared, &known, &except, &taken, manifest) {
            None => included.push(known),
            Some((code, reason)) => excluded.push(Excluded {
                name: known.row.name.clone(),
                reason,
                code: code.to_owned(),
            }),
        }
    }
    let preview = RolloutPreview {
        included: included
            .iter()
            .map(|known| known.row.name.clone())
            .collect(),
        excluded,
        not_matched: not_matched
            .iter()
            .map(|known| known.row.name.clone())
            .collect(),
        bytes_per_host: manifest.content.size().0,
    };
    Ok(Sorted { included, preview })
}

/// What became of the bundle on hosts that had it ordered before.
async fn taken(
    shared: &Arc<Shared>,
    bundle: &BundleRef,
) -> ApiResult<HashMap<HostId, DeliveryState>> {
    let wanted = bundle.clone();
    let all = shared
        .read(move |tx| rows::deliveries(tx, &rows::Wanted::default()))
        .await?;
    let of_bundle = all
        .into_iter()
        .rev()
        .filter(|delivery| delivery.bundle == wanted);
    let mut taken = HashMap::new();
    for delivery in of_bundle {
        let state = taken.entry(delivery.host).or_insert(delivery.state);
        // One under way counts more than how an earlier one ended.
        if state.is_final() {
            *state = delivery.state;
        }
    }
    Ok(taken)
}

fn reason(
    shared: &Shared,
    known: &Known,
    except: &BTreeSet<&str>,
    taken: &HashMap<HostId, DeliveryState>,
    manifest: &Manifest,
) -> Option<(&'static str, String)> {
    if except.contains(known.row.name.as_str()) {
        return Some(("excepted", "left out by hand".to_owned()));
    }
    match taken.get(&known.row.id) {
        Some(DeliveryState::Succeeded) => {
            return Some(("already_has", "it has this bundle already".to_owned()));
        }
        Some(state) if !state.is_final() => {
            let reason = format!(
                "another rollout of this bundle is under way there ({})",
                state.word()
            );
            return Some(("in_progress", reason));
        }
        _ => {}
    }
    let standing = shared
        .engine()
        .standing(known.row.id)
        .unwrap_or(Standing::Pending);
    let subject = Asked {
        known,
        standing,
        packages: &[],
    };
    let target = &manifest.conditions.target;
    // Whether a package is there is for the host itself to say.
    let can_judge = !target.text().to_lowercase().contains("has:");
    if can_judge && !target.matches(&subject) {
        return Some((
            "wrong_target",
            format!("the bundle is made for hosts with `{}`", target.text()),
        ));
    }
    None
}

pub(super) async fn rollout_preview(
    shared: &Arc<Shared>,
    actor: &Actor,
    new: RolloutNew,
) -> ApiResult<RolloutPreview> {
    require(actor, Role::Viewer)?;
    let (_, manifest) = bundles::find(shared, &new.bundle).await?;
    Ok(sort(shared, &new, &manifest).await?.preview)
}

// === Making and steering ===

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
                .with_hint("look at the preview: escadre rollout create … --dry-run"));
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
    let header = campaign.header();
    let row = rows::Rollout {
        id: plan.id,
        number,
        bundle: new.bundle.clone(),
        query: new.to.clone(),
        note: new.note.chars().take(4096).collect(),
        author: actor.name.clone(),
        created: now,
        not_before: new.not_before,
        expires: new.expires,
        state: header.state,
        reason: header.reason.clone(),
        finished: header.finished,
        campaign: serde_json::to_string(header).map_err(internal)?,
    };
    let names: HashMap<HostId, &str> = hosts
        .iter()
        .map(|known| (known.row.id, known.row.name.as_str()))
        .collect();
    let delivery = |record: &Record| -> ApiResult<rows::Delivery> {
        Ok(rows::Delivery {
            id: record.delivery,
            rollout: plan.id,
            host: record.host,
            host_name: names
                .get(&record.host)
                .copied()
                .unwrap_or_default()
                .to_owned(),
            bundle: new.bundle.clone(),
            state: record.state,
            since: record.since,
            created: now,
            record: serde_json::to_string(record).map_err(internal)?,
            outcome: None,
        })
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

// === How it went ===

async fn by_id(shared: &Arc<Shared>, id: RolloutId) -> ApiResult<RolloutSummary> {
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
        since: None,
        limit: filter.limit,
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
