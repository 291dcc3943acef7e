//! The audit log: who did what, when, from where. It only grows, and its numbers have no holes (the database itself
//! refuses anything else).

use escadre_model::Timestamp;

use crate::{Row, StoreError, Transaction, value::values};

/// A line to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// From where.
    pub origin: String,
    /// What, as a stable word.
    pub action: String,
    /// To what.
    pub subject: String,
    /// For people.
    pub detail: String,
    /// `done` or the code of the refusal.
    pub outcome: String,
    /// Id of the request.
    pub request: String,
}

const COLUMNS: &str = "number, at, actor, origin, action, subject, detail, outcome, request";

fn read(row: &mut Row<'_>) -> Result<(u64, Line), StoreError> {
    Ok((
        row.take()?,
        Line {
            at: row.take()?,
            actor: row.take()?,
            origin: row.take()?,
            action: row.take()?,
            subject: row.take()?,
            detail: row.take()?,
            outcome: row.take()?,
            request: row.take()?,
        },
    ))
}

/// Appends a line; its number.
pub fn append(tx: &mut dyn Transaction, line: &Line) -> Result<u64, StoreError> {
    tx.single(
        &format!(
            "INSERT INTO audit ({COLUMNS})
             VALUES ((SELECT coalesce(max(number), 0) + 1 FROM audit), $1, $2, $3, $4, $5, $6, $7, $8)
             RETURNING number"
        ),
        values![
            line.at,
            &line.actor,
            &line.origin,
            &line.action,
            &line.subject,
            &line.detail,
            &line.outcome,
            &line.request,
        ],
    )
}

/// Lines with a number below `before`, newest first, that hold `text` in actor, action, subject or detail.
pub fn find(
    tx: &mut dyn Transaction,
    text: &str,
    before: Option<u64>,
    limit: u32,
) -> Result<Vec<(u64, Line)>, StoreError> {
    let escaped = text
        .to_lowercase()
        .replace('\\', "\\\\")
        .replace('%', "\\%")
        .replace('_', "\\_");
    tx.all(
        &format!(
            "SELECT {COLUMNS} FROM audit WHERE number < $1
             AND lower(actor || ' ' || action || ' ' || subject || ' ' || detail) LIKE $2 ESCAPE '\\'
             ORDER BY number DESC LIMIT $3"
        ),
        values![before.unwrap_or(i64::MAX as u64), format!("%{escaped}%"), limit],
        read,
    )
}

/// Lines about one thing before a time, newest first.
pub fn about(
    tx: &mut dyn Transaction,
    subject: &str,
    before: Timestamp,
    limit: u32,
) -> Result<Vec<(u64, Line)>, StoreError> {
    tx.all(
        &format!(
            "SELECT {COLUMNS} FROM audit WHERE subject = $1 AND at < $2 ORDER BY at DESC, number DESC LIMIT $3"
        ),
        values![subject, before, limit],
        read,
    )
}
