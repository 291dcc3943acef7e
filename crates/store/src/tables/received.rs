//! What agents said, kept before it is acknowledged and until a role has dealt with it.
//!
//! A result or a report counts once: its number must be the one after the last that was kept. Lower ones were kept
//! before; higher ones came too early and are left for the agent to send again.

use escadre_model::{HostId, Timestamp};

use crate::{StoreError, Transaction, value::values};

/// Results of checks or reports of deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// For the scheduler.
    Result,
    /// For the conductor.
    Report,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Result => "result",
            Self::Report => "report",
        }
    }
}

/// Up to which numbers an agent's words are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// Results.
    pub results: u64,
    /// Reports.
    pub reports: u64,
}

/// The cursor of a host that exists.
pub fn cursor(tx: &mut dyn Transaction, host: HostId) -> Result<Option<Cursor>, StoreError> {
    tx.first(
        "SELECT results, reports FROM agent_cursor WHERE host = $1",
        values![host],
        |row| {
            Ok(Cursor {
                results: row.take()?,
                reports: row.take()?,
            })
        },
    )
}

/// Sets it: once the numbered words of the same unit of work are kept.
pub fn set_cursor(
    tx: &mut dyn Transaction,
    host: HostId,
    cursor: Cursor,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE agent_cursor SET results = $2, reports = $3 WHERE host = $1",
        values![host, cursor.results, cursor.reports],
    )?;
    Ok(())
}

/// Something that waits for a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Number in order of arrival.
    pub number: u64,
    /// From which host.
    pub host: HostId,
    /// When it arrived, by our clock.
    pub at: Timestamp,
    /// JSON.
    pub document: String,
}

/// Keeps a word.
pub fn keep(
    tx: &mut dyn Transaction,
    kind: Kind,
    host: HostId,
    at: Timestamp,
    document: &str,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO received (number, host, kind, at, document)
         VALUES ((SELECT coalesce(max(number), 0) + 1 FROM received), $1, $2, $3, $4)",
        values![host, kind.word(), at, document],
    )?;
    Ok(())
}

/// What waits, in order of arrival.
pub fn waiting(
    tx: &mut dyn Transaction,
    kind: Kind,
    limit: u32,
) -> Result<Vec<Received>, StoreError> {
    tx.all(
        "SELECT number, host, at, document FROM received WHERE kind = $1 ORDER BY number LIMIT $2",
        values![kind.word(), limit],
        |row| {
            Ok(Received {
                number: row.take()?,
                host: row.take()?,
                at: row.take()?,
                document: row.take()?,
            })
        },
    )
}

/// Forgets what a role has dealt with, in the unit of work that stores the outcome.
pub fn dealt_with(tx: &mut dyn Transaction, numbers: &[u64]) -> Result<(), StoreError> {
    for number in numbers {
        tx.execute("DELETE FROM received WHERE number = $1", values![*number])?;
    }
    Ok(())
}
