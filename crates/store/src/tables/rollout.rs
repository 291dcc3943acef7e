//! Rollouts, their deliveries, and every step of these. What the rollout core remembers is kept as it writes it.

use escadre_model::{
    BundleRef, DeliveryId, HostId, RolloutId, Timestamp,
    delivery::{DeliveryState, RolloutState},
};

use crate::{Row, StoreError, Transaction, Value, value::values};

/// A rollout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollout {
    /// Id.
    pub id: RolloutId,
    /// Number among the rollouts of its bundle, from 1.
    pub number: u64,
    /// What is shipped.
    pub bundle: BundleRef,
    /// To whom, as it was asked.
    pub query: String,
    /// For people.
    pub note: String,
    /// Who made it.
    pub author: String,
    /// When.
    pub created: Timestamp,
    /// Not before.
    pub not_before: Option<Timestamp>,
    /// Not begun after.
    pub expires: Option<Timestamp>,
    /// State.
    pub state: RolloutState,
    /// Why it stands.
    pub reason: String,
    /// End of its last delivery.
    pub finished: Option<Timestamp>,
    /// The core's header (JSON).
    pub campaign: String,
}

/// A delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Id.
    pub id: DeliveryId,
    /// Of which rollout.
    pub rollout: RolloutId,
    /// On which host.
    pub host: HostId,
    /// Its name when the rollout was made.
    pub host_name: String,
    /// Which bundle.
    pub bundle: BundleRef,
    /// State.
    pub state: DeliveryState,
    /// Since when.
    pub since: Timestamp,
    /// When the rollout was made.
    pub created: Timestamp,
    /// The core's record (JSON).
    pub record: String,
    /// What running the action gave (JSON).
    pub outcome: Option<String>,
}

/// A step of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Of which delivery.
    pub delivery: DeliveryId,
    /// On which host.
    pub host: HostId,
    /// When, by the host's clock.
    pub at: Timestamp,
    /// Into which state.
    pub state: DeliveryState,
    /// A sentence for people.
    pub message: String,
}

/// Which deliveries are wanted, newest first.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Of this rollout.
    pub rollout: Option<RolloutId>,
    /// Of this host.
    pub host: Option<HostId>,
    /// Of this bundle.
    pub bundle: Option<BundleRef>,
    /// Only failures.
    pub failed: bool,
    /// Only since then.
    pub since: Option<Timestamp>,
    /// At most so many.
    pub limit: Option<u32>,
}

const ROLLOUT: &str = "id, number, bundle, query, note, author, created, not_before, expires, state, \
                       reason, finished, campaign";
const DELIVERY: &str =
    "id, rollout, host, host_name, bundle, state, since, created, record, outcome";

fn read_rollout(row: &mut Row<'_>) -> Result<Rollout, StoreError> {
    Ok(Rollout {
        id: row.take()?,
        number: row.take()?,
        bundle: row.take()?,
        query: row.take()?,
        note: row.take()?,
        author: row.take()?,
        created: row.take()?,
        not_before: row.take()?,
        expires: row.take()?,
        state: row.take_word()?,
        reason: row.take()?,
        finished: row.take()?,
        campaign: row.take()?,
    })
}

fn read_delivery(row: &mut Row<'_>) -> Result<Delivery, StoreError> {
    Ok(Delivery {
        id: row.take()?,
        rollout: row.take()?,
        host: row.take()?,
        host_name: row.take()?,
        bundle: row.take()?,
        state: row.take_word()?,
        since: row.take()?,
        created: row.take()?,
        record: row.take()?,
        outcome: row.take()?,
    })
}

/// The number that the next rollout of a bundle gets.
pub fn next_number(tx: &mut dyn Transaction, bundle: &BundleRef) -> Result<u64, StoreError> {
    super::setting::next_number(tx, &format!("rollout {bundle}"))
}

/// Adds a rollout.
pub fn insert(tx: &mut dyn Transaction, rollout: &Rollout) -> Result<(), StoreError> {
    tx.execute(
        &format!(
            "INSERT INTO rollout ({ROLLOUT}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
        ),
        values![
            rollout.id,
            rollout.number,
            &rollout.bundle,
            &rollout.query,
            &rollout.note,
            &rollout.author,
            rollout.created,
            rollout.not_before,
            rollout.expires,
            rollout.state.word(),
            &rollout.reason,
            rollout.finished,
            &rollout.campaign,
        ],
    )?;
    Ok(())
}

/// The core's header changed.
pub fn update(
    tx: &mut dyn Transaction,
    id: RolloutId,
    state: RolloutState,
    reason: &str,
    finished: Option<Timestamp>,
    campaign: &str,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE rollout SET state = $2, reason = $3, finished = $4, campaign = $5 WHERE id = $1",
        values![id, state.word(), reason, finished, campaign],
    )?;
    Ok(())
}

/// Every rollout, newest first.
pub fn all(tx: &mut dyn Transaction) -> Result<Vec<Rollout>, StoreError> {
    tx.all(
        &format!("SELECT {ROLLOUT} FROM rollout ORDER BY created DESC, id"),
        &[],
        read_rollout,
    )
}

/// One rollout.
pub fn by_id(tx: &mut dyn Transaction, id: RolloutId) -> Result<Option<Rollout>, StoreError> {
    tx.first(
        &format!("SELECT {ROLLOUT} FROM rollout WHERE id = $1"),
        values![id],
        read_rollout,
    )
}

/// One rollout by its bundle and number.
pub fn by_number(
    tx: &mut dyn Transaction,
    bundle: &BundleRef,
    number: u64,
) -> Result<Option<Rollout>, StoreError> {
    tx.first(
        &format!("SELECT {ROLLOUT} FROM rollout WHERE bundle = $1 AND number = $2"),
        values![bundle, number],
        read_rollout,
    )
}

/// Adds a delivery.
pub fn insert_delivery(tx: &mut dyn Transaction, delivery: &Delivery) -> Result<(), StoreError> {
    tx.execute(
        &format!(
            "INSERT INTO delivery ({DELIVERY}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
        ),
        values![
            delivery.id,
            delivery.rollout,
            delivery.host,
            &delivery.host_name,
            &delivery.bundle,
            delivery.state.word(),
            delivery.since,
            delivery.created,
            &delivery.record,
            delivery.outcome.clone(),
        ],
    )?;
    Ok(())
}

/// The core's record changed; an outcome that is not given stays.
pub fn update_delivery(
    tx: &mut dyn Transaction,
    id: DeliveryId,
    (state, since): (DeliveryState, Timestamp),
    record: &str,
    outcome: Option<&str>,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE delivery SET state = $2, since = $3, record = $4, outcome = coalesce($5, outcome) WHERE id = $1",
        values![id, state.word(), since, record, outcome],
    )?;
    Ok(())
}

/// Adds a step.
pub fn add_step(tx: &mut dyn Transaction, step: &Step) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO delivery_step (number, delivery, host, at, state, message)
         VALUES ((SELECT coalesce(max(number), 0) + 1 FROM delivery_step), $1, $2, $3, $4, $5)",
        values![
            step.delivery,
            step.host,
            step.at,
            step.state.word(),
            &step.message
        ],
    )?;
    Ok(())
}

/// Deliveries. Only conditions that are asked for stand in the query, so that each finds its index.
pub fn deliveries(tx: &mut dyn Transaction, wanted: &Wanted) -> Result<Vec<Delivery>, StoreError> {
    let mut parameters = vec![Value::from(wanted.limit.unwrap_or(u32::MAX))];
    let mut conditions = vec!["1 = 1".to_owned()];
    let asked = [
        ("rollout =", wanted.rollout.map(Value::from)),
        ("host =", wanted.host.map(Value::from)),
        ("bundle =", wanted.bundle.as_ref().map(Value::from)),
        ("since >=", wanted.since.map(Value::from)),
    ];
    for (condition, value) in asked {
        if let Some(value) = value {
            parameters.push(value);
            conditions.push(format!("{condition} ${}", parameters.len()));
        }
    }
    if wanted.failed {
        conditions.push("state IN ('failed', 'interrupted', 'refused', 'expired')".to_owned());
    }
    let conditions = conditions.join(" AND ");
    tx.all(
        &format!(
            "SELECT {DELIVERY} FROM delivery WHERE {conditions}
             ORDER BY created DESC, since DESC, id LIMIT $1"
        ),
        &parameters,
        read_delivery,
    )
}

/// One delivery.
pub fn delivery(tx: &mut dyn Transaction, id: DeliveryId) -> Result<Option<Delivery>, StoreError> {
    tx.first(
        &format!("SELECT {DELIVERY} FROM delivery WHERE id = $1"),
        values![id],
        read_delivery,
    )
}

/// The core's records (JSON) of a rollout.
pub fn records(tx: &mut dyn Transaction, rollout: RolloutId) -> Result<Vec<String>, StoreError> {
    tx.all(
        "SELECT record FROM delivery WHERE rollout = $1 ORDER BY id",
        values![rollout],
        |row| row.take(),
    )
}

fn read_step(row: &mut Row<'_>) -> Result<Step, StoreError> {
    Ok(Step {
        delivery: row.take()?,
        host: row.take()?,
        at: row.take()?,
        state: row.take_word()?,
        message: row.take()?,
    })
}

/// Every step of a delivery, in order.
pub fn steps(tx: &mut dyn Transaction, delivery: DeliveryId) -> Result<Vec<Step>, StoreError> {
    tx.all(
        "SELECT delivery, host, at, state, message FROM delivery_step WHERE delivery = $1 ORDER BY number",
        values![delivery],
        read_step,
    )
}

/// Steps on a host before a time, newest first, each with its bundle.
pub fn host_steps(
    tx: &mut dyn Transaction,
    host: HostId,
    before: Timestamp,
    limit: u32,
) -> Result<Vec<(BundleRef, Step)>, StoreError> {
    tx.all(
        "SELECT d.bundle, s.delivery, s.host, s.at, s.state, s.message
         FROM delivery_step s JOIN delivery d ON d.id = s.delivery
         WHERE s.host = $1 AND s.at < $2 ORDER BY s.at DESC, s.number DESC LIMIT $3",
        values![host, before, limit],
        |row| Ok((row.take()?, read_step(row)?)),
    )
}

/// Deliveries that are not final, by bundle.
pub fn in_use(tx: &mut dyn Transaction) -> Result<Vec<(BundleRef, u32)>, StoreError> {
    tx.all(
        "SELECT bundle, count(*) FROM delivery
         WHERE state IN ('assigned', 'notified', 'postponed', 'fetching', 'verified', 'applying', 'observing')
         GROUP BY bundle",
        &[],
        |row| Ok((row.take()?, row.take()?)),
    )
}
