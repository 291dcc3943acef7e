//! The scheduler's rows: what a step changed, as it is written, and the records that a start takes up.

use std::sync::Arc;

use escadre_model::{CheckName, HostId, Timestamp, check::Perf};
use escadre_store::{
    StoreError, Transaction,
    tables::{audit, inventory, lease, perf, received, watch},
};

use super::NAME;
use crate::{
    roles::unit,
    shared::{SHARD, Shared},
};

/// What one step changed, ready to be written.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) records: Vec<(HostId, String)>,
    pub(super) history: Vec<watch::HistoryLine>,
    pub(super) perf: Vec<(HostId, CheckName, Timestamp, Vec<Perf>)>,
    pub(super) dealt_with: Vec<u64>,
    pub(super) audit: Vec<audit::Line>,
}

fn put(tx: &mut dyn Transaction, epoch: u64, outcome: &Outcome) -> Result<(), StoreError> {
    lease::guard(tx, SHARD, epoch)?;
    for (host, document) in &outcome.records {
        watch::put_record(tx, *host, document)?;
    }
    for line in &outcome.history {
        watch::add_history(tx, line)?;
    }
    for (host, check, at, values) in &outcome.perf {
        for value in values {
            perf::add(tx, *host, &check.0, *at, value)?;
        }
    }
    for line in &outcome.audit {
        audit::append(tx, line)?;
    }
    received::dealt_with(tx, &outcome.dealt_with)
}

/// Writes a step's rows.
pub(super) async fn write(shared: &Arc<Shared>, outcome: Outcome) -> Result<(), StoreError> {
    let is_empty = outcome.records.is_empty()
        && outcome.history.is_empty()
        && outcome.audit.is_empty()
        && outcome.dealt_with.is_empty();
    if is_empty {
        return Ok(());
    }
    unit::write(shared, NAME, outcome, put).await
}

/// The engine as the last run left it, its hosts defined anew from their inventories.
pub(crate) fn restore(
    tx: &mut dyn Transaction,
) -> Result<Vec<escadre_watch::HostRecord>, StoreError> {
    let mut records = Vec::new();
    for document in watch::records(tx)? {
        records.push(
            serde_json::from_str(&document).map_err(|error| StoreError::Row {
                sql: "watch_record".to_owned(),
                reason: error.to_string(),
            })?,
        );
    }
    // Read here so that a damaged inventory stops the start, not the first page.
    inventory::all(tx)?;
    Ok(records)
}
