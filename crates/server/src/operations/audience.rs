//! Who would get a bundle and who would not, and why.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use escadre_api::{Actor, ApiResult, Role, rollout::*};
use escadre_bundle::Manifest;
use escadre_model::{BundleRef, HostId, delivery::DeliveryState};
use escadre_store::tables::rollout as rows;
use escadre_watch::Standing;

use super::{
    allowed::require,
    bundles,
    hosts::{find as find_host, matching},
};
use crate::{
    directory::{Asked, Known},
    shared::Shared,
};

/// Hosts that get it and hosts that do not.
pub(super) struct Sorted {
    pub(super) included: Vec<Known>,
    pub(super) preview: RolloutPreview,
}

pub(super) async fn sort(
    shared: &Arc<Shared>,
    new: &RolloutNew,
    manifest: &Manifest,
) -> ApiResult<Sorted> {
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
    let wanted = rows::Wanted {
        bundle: Some(bundle.clone()),
        ..rows::Wanted::default()
    };
    let all = shared.read(move |tx| rows::deliveries(tx, &wanted)).await?;
    let mut taken = HashMap::new();
    for delivery in all.into_iter().rev() {
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
