//! Leases: who owns a shard, named by an epoch that only rises. Whoever writes for a shard shows its epoch first.

use escadre_model::Timestamp;

use crate::{StoreError, Transaction, value::values};

/// A lease as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Who has it.
    pub owner: String,
    /// Number of the ownership.
    pub epoch: u64,
    /// Until when nobody else may take it.
    pub expires: Timestamp,
}

/// The lease of that name.
pub fn get(tx: &mut dyn Transaction, name: &str) -> Result<Option<Lease>, StoreError> {
    tx.first(
        "SELECT owner, epoch, expires FROM lease WHERE name = $1",
        values![name],
        |row| {
            Ok(Lease {
                owner: row.take()?,
                epoch: row.take()?,
                expires: row.take()?,
            })
        },
    )
}

/// Takes a lease that is free or over: a new epoch. `None` while another owner has it. The owner itself takes it
/// anew (a restart): what its former self still has under way is refused.
///
/// A new epoch is never below the seconds since 1970, so that a database which came back from a backup does not name
/// one that agents have seen before.
pub fn acquire(
    tx: &mut dyn Transaction,
    name: &str,
    owner: &str,
    now: Timestamp,
    until: Timestamp,
) -> Result<Option<u64>, StoreError> {
    tx.first(
        "INSERT INTO lease (name, owner, epoch, expires) VALUES ($1, $2, $5, $4)
         ON CONFLICT (name) DO UPDATE SET owner = $2, expires = $4,
         epoch = CASE WHEN lease.epoch >= $5 THEN lease.epoch + 1 ELSE $5 END
         WHERE lease.owner = $2 OR lease.expires <= $3
         RETURNING epoch",
        values![name, owner, now, until, now.as_second().max(1)],
        |row| row.take(),
    )
}

/// Keeps a lease for longer; refused when it has gone to another.
pub fn renew(
    tx: &mut dyn Transaction,
    name: &str,
    epoch: u64,
    until: Timestamp,
) -> Result<(), StoreError> {
    guard(tx, name, epoch)?;
    tx.execute(
        "UPDATE lease SET expires = $2 WHERE name = $1",
        values![name, until],
    )?;
    Ok(())
}

/// Refuses the whole unit of work when the epoch is no longer the owner's.
pub fn guard(tx: &mut dyn Transaction, name: &str, epoch: u64) -> Result<(), StoreError> {
    let current: Option<u64> = tx.first(
        "SELECT epoch FROM lease WHERE name = $1",
        values![name],
        |row| row.take(),
    )?;
    let current = current.unwrap_or(0);
    if current == epoch {
        return Ok(());
    }
    Err(StoreError::StaleEpoch {
        lease: name.to_owned(),
        given: epoch,
        current,
    })
}
