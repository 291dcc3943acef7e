//! What the watch engine remembers of each host, the history of checks, numbers of downtimes.

use escadre_model::{CheckName, HostId, Timestamp};

use crate::{Row, StoreError, Transaction, value::values};

/// Keeps what the engine remembers of a host (JSON). Nothing happens for a host that is gone.
pub fn put_record(
    tx: &mut dyn Transaction,
    host: HostId,
    document: &str,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO watch_record (host, document) SELECT id, $2 FROM host WHERE id = $1
         ON CONFLICT (host) DO UPDATE SET document = excluded.document",
        values![host, document],
    )?;
    Ok(())
}

/// Every record (JSON).
pub fn records(tx: &mut dyn Transaction) -> Result<Vec<String>, StoreError> {
    tx.all(
        "SELECT document FROM watch_record ORDER BY host",
        &[],
        |row| row.take(),
    )
}

/// A line of the history of a check; an empty name is the host as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryLine {
    /// The host.
    pub host: HostId,
    /// The check.
    pub name: CheckName,
    /// When.
    pub at: Timestamp,
    /// Stable word of what happened.
    pub kind: String,
    /// JSON.
    pub document: String,
}

fn line(row: &mut Row<'_>) -> Result<HistoryLine, StoreError> {
    Ok(HistoryLine {
        host: row.take()?,
        name: row.take()?,
        at: row.take()?,
        kind: row.take()?,
        document: row.take()?,
    })
}

/// Adds a line. Nothing happens for a host that is gone.
pub fn add_history(tx: &mut dyn Transaction, line: &HistoryLine) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO check_history (number, host, name, at, kind, document)
         SELECT (SELECT coalesce(max(number), 0) + 1 FROM check_history), id, $2, $3, $4, $5
         FROM host WHERE id = $1",
        values![line.host, &line.name, line.at, &line.kind, &line.document],
    )?;
    Ok(())
}

/// Lines of one check, newest first; only of these kinds.
pub fn check_history(
    tx: &mut dyn Transaction,
    host: HostId,
    name: &CheckName,
    kinds: [&str; 3],
    limit: u32,
) -> Result<Vec<HistoryLine>, StoreError> {
    tx.all(
        "SELECT host, name, at, kind, document FROM check_history
         WHERE host = $1 AND name = $2 AND kind IN ($3, $4, $5) ORDER BY at DESC, number DESC LIMIT $6",
        values![host, name, kinds[0], kinds[1], kinds[2], limit],
        line,
    )
}

/// Lines of a host before a time, newest first.
pub fn host_history(
    tx: &mut dyn Transaction,
    host: HostId,
    before: Timestamp,
    limit: u32,
) -> Result<Vec<HistoryLine>, StoreError> {
    tx.all(
        "SELECT host, name, at, kind, document FROM check_history
         WHERE host = $1 AND at < $2 ORDER BY at DESC, number DESC LIMIT $3",
        values![host, before, limit],
        line,
    )
}

/// Forgets lines from before a time; how many.
pub fn forget_history(tx: &mut dyn Transaction, before: Timestamp) -> Result<u64, StoreError> {
    tx.execute("DELETE FROM check_history WHERE at < $1", values![before])
}

/// Gives a new downtime its number, unique over all hosts.
pub fn number_downtime(tx: &mut dyn Transaction, host: HostId) -> Result<u64, StoreError> {
    let number = super::setting::next_number(tx, "downtime")?;
    tx.execute(
        "INSERT INTO downtime (number, host) VALUES ($1, $2)",
        values![number, host],
    )?;
    Ok(number)
}

/// The host of a downtime.
pub fn downtime_host(tx: &mut dyn Transaction, number: u64) -> Result<Option<HostId>, StoreError> {
    tx.first(
        "SELECT host FROM downtime WHERE number = $1",
        values![number],
        |row| row.take(),
    )
}
