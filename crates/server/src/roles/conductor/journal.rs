//! The conductor's rows: campaigns as they are written and brought back.

use std::sync::Arc;

use escadre_model::{RolloutId, Timestamp};
use escadre_rollout::campaign::{Campaign, Header, Record};
use escadre_store::{
    StoreError, Transaction,
    tables::{audit, lease, received, rollout},
};

use super::NAME;
use crate::{
    roles::unit,
    shared::{SHARD, Shared},
};

/// Rows that one step changed.
#[derive(Default)]
pub(super) struct Rows {
    pub(super) new: Vec<(rollout::Rollout, Vec<rollout::Delivery>)>,
    pub(super) headers: Vec<Header>,
    pub(super) records: Vec<(Record, Option<String>)>,
    pub(super) steps: Vec<rollout::Step>,
    pub(super) dealt_with: Vec<u64>,
    pub(super) audit: Vec<audit::Line>,
}

impl Rows {
    fn is_empty(&self) -> bool {
        self.new.is_empty()
            && self.headers.is_empty()
            && self.records.is_empty()
            && self.steps.is_empty()
            && self.dealt_with.is_empty()
            && self.audit.is_empty()
    }
}

/// A campaign out of its rows.
pub(crate) fn load(
    tx: &mut dyn Transaction,
    id: RolloutId,
) -> Result<Option<Campaign>, StoreError> {
    let broken = |error: serde_json::Error| StoreError::Row {
        sql: format!("rollout {id}"),
        reason: error.to_string(),
    };
    let Some(row) = rollout::by_id(tx, id)? else {
        return Ok(None);
    };
    let header: Header = serde_json::from_str(&row.campaign).map_err(broken)?;
    let records = rollout::records(tx, id)?;
    let records = records
        .iter()
        .map(|text| serde_json::from_str::<Record>(text));
    Ok(Some(Campaign::restore(
        header,
        records.collect::<Result<Vec<_>, _>>().map_err(broken)?,
    )))
}

/// Every campaign that is not over, or that ended after `since` (its hosts may still have an order to call back).
pub(crate) fn load_all(
    tx: &mut dyn Transaction,
    since: Timestamp,
) -> Result<Vec<Campaign>, StoreError> {
    let rows = rollout::all(tx)?;
    let wanted = rows
        .iter()
        .filter(|row| row.finished.is_none_or(|at| at >= since));
    let ids: Vec<RolloutId> = wanted.map(|row| row.id).collect();
    ids.into_iter()
        .filter_map(|id| load(tx, id).transpose())
        .collect()
}

fn put(tx: &mut dyn Transaction, epoch: u64, rows: &Rows) -> Result<(), StoreError> {
    lease::guard(tx, SHARD, epoch)?;
    let text = |sql: &str, error: serde_json::Error| StoreError::Row {
        sql: sql.to_owned(),
        reason: error.to_string(),
    };
    for (row, deliveries) in &rows.new {
        rollout::insert(tx, row)?;
        deliveries
            .iter()
            .try_for_each(|delivery| rollout::insert_delivery(tx, delivery))?;
    }
    for header in &rows.headers {
        let document = serde_json::to_string(header).map_err(|error| text("rollout", error))?;
        rollout::update(
            tx,
            header.id,
            header.state,
            &header.reason,
            header.finished,
            &document,
        )?;
    }
    for (record, outcome) in &rows.records {
        let document = serde_json::to_string(record).map_err(|error| text("delivery", error))?;
        let stands = (record.state, record.since);
        rollout::update_delivery(tx, record.delivery, stands, &document, outcome.as_deref())?;
    }
    rows.steps
        .iter()
        .try_for_each(|step| rollout::add_step(tx, step))?;
    for line in &rows.audit {
        audit::append(tx, line)?;
    }
    received::dealt_with(tx, &rows.dealt_with)
}

/// Writes a step's rows.
pub(super) async fn write(shared: &Arc<Shared>, rows: Rows) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    unit::write(shared, NAME, rows, put).await
}
