//! The keeper: what has to be done again and again whether or not anything happens. Fresh trust metadata, the next
//! certificate, the lease, and forgetting what is older than the settings want.

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, SystemTime},
};

use escadre_bundle::Manifest;
use escadre_model::Timestamp;
use escadre_store::{
    StoreError, Transaction,
    tables::{bundle, inventory, lease, perf, session, token, watch},
};

use crate::{
    clock,
    shared::{SHARD, Shared},
    worker::{Condition, Stop},
};

/// Name of the role.
pub(crate) const NAME: &str = "keeper";
const ROUND: Duration = Duration::from_secs(30);
/// The lease outlives some rounds that fail.
pub(crate) const LEASE: Duration = Duration::from_secs(300);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);
/// Rows of performance data that are forgotten at once.
const PART: u32 = 20_000;

/// Works until it is stopped.
pub(crate) async fn run(shared: Arc<Shared>, mut stop: Stop) {
    let mut swept = None;
    let mut collected = clock::now();
    loop {
        let now = clock::now();
        let mut troubles = round(&shared, now).await;
        if swept.is_none_or(|at| clock::after(at, HOUR) <= now) {
            swept = Some(now);
            troubles.extend(
                forget(&shared, now)
                    .await
                    .err()
                    .map(|error| error.to_string()),
            );
        }
        if clock::after(collected, DAY) <= now {
            collected = now;
            troubles.extend(collect(&shared).await.err());
        }
        let condition = match troubles.is_empty() {
            true => Condition::Well,
            false => Condition::Trouble(troubles.join("; ")),
        };
        shared.workers.set(NAME, condition);
        tokio::select! {
            () = stop.wait() => return,
            () = tokio::time::sleep(ROUND) => {}
        }
    }
}

async fn round(shared: &Arc<Shared>, now: Timestamp) -> Vec<String> {
    let trust = Arc::clone(&shared.trust);
    let freshened =
        tokio::task::spawn_blocking(move || trust.freshen(now).map_err(|error| error.to_string()));
    let freshened = freshened
        .await
        .unwrap_or_else(|error| Err(error.to_string()));
    let (epoch, until) = (shared.epoch, clock::after(now, LEASE));
    let renewed = shared
        .store
        .write(move |tx| lease::renew(tx, SHARD, epoch, until))
        .await;
    [
        freshened.err(),
        renewed.err().map(|error| error.to_string()),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Forgets what is too old, in parts, so that nobody waits long for the writer.
async fn forget(shared: &Arc<Shared>, now: Timestamp) -> Result<(), StoreError> {
    let keep_days = shared.settings().keep_days.max(1);
    let before = clock::before(now, DAY * keep_days);
    shared
        .store
        .write(move |tx: &mut dyn Transaction| {
            session::forget(tx, now)?;
            token::forget(tx, before)?;
            watch::forget_history(tx, before)?;
            inventory::forget_changes(tx, before)
        })
        .await?;
    while shared
        .store
        .write(move |tx| perf::forget(tx, now, keep_days, PART))
        .await?
        >= u64::from(PART)
    {}
    Ok(())
}

/// Removes chunks that no bundle names, a day after anybody asked for them.
async fn collect(shared: &Arc<Shared>) -> Result<(), String> {
    let bundles = shared
        .store
        .read(bundle::all)
        .await
        .map_err(|error| error.to_string())?;
    let blobs = Arc::clone(&shared.blobs);
    let work = move || {
        let mut live = HashSet::new();
        for row in bundles {
            let manifest =
                Manifest::parse(row.manifest.as_bytes()).map_err(|error| error.to_string())?;
            live.extend(
                manifest
                    .content
                    .chunks()
                    .into_iter()
                    .map(|chunk| chunk.hash),
            );
        }
        let before = SystemTime::now() - DAY;
        blobs
            .collect(&|hash| live.contains(&hash), before)
            .map(drop)
            .map_err(|error| error.to_string())
    };
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(error.to_string()))
}
