//! Sessions of browsers and one-time secrets. Both are kept as hashes only.

use escadre_model::{Timestamp, id::UserId};

use crate::{StoreError, Transaction, value::values};

/// A session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Hash of its secret.
    pub hash: String,
    /// Whose.
    pub account: UserId,
    /// Since when.
    pub created: Timestamp,
    /// Until when, unless it is used before.
    pub expires: Timestamp,
    /// Where it began.
    pub address: String,
}

/// Begins a session.
pub fn insert(tx: &mut dyn Transaction, session: &Session) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO session (hash, account, created, expires, address) VALUES ($1, $2, $3, $4, $5)",
        values![&session.hash, session.account, session.created, session.expires, &session.address],
    )?;
    Ok(())
}

/// The session of a hash.
pub fn get(tx: &mut dyn Transaction, hash: &str) -> Result<Option<Session>, StoreError> {
    tx.first(
        "SELECT hash, account, created, expires, address FROM session WHERE hash = $1",
        values![hash],
        |row| {
            Ok(Session {
                hash: row.take()?,
                account: row.take()?,
                created: row.take()?,
                expires: row.take()?,
                address: row.take()?,
            })
        },
    )
}

/// Slides its end.
pub fn extend(tx: &mut dyn Transaction, hash: &str, expires: Timestamp) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE session SET expires = $2 WHERE hash = $1",
        values![hash, expires],
    )?;
    Ok(())
}

/// Ends it.
pub fn remove(tx: &mut dyn Transaction, hash: &str) -> Result<(), StoreError> {
    tx.execute("DELETE FROM session WHERE hash = $1", values![hash])?;
    Ok(())
}

/// Ends every session of a user.
pub fn remove_all(tx: &mut dyn Transaction, account: UserId) -> Result<(), StoreError> {
    tx.execute("DELETE FROM session WHERE account = $1", values![account])?;
    Ok(())
}

/// Keeps a one-time secret. Those that the user had before stop working.
pub fn put_one_time(
    tx: &mut dyn Transaction,
    hash: &str,
    account: UserId,
    created: Timestamp,
    expires: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM one_time_secret WHERE account = $1",
        values![account],
    )?;
    tx.execute(
        "INSERT INTO one_time_secret (hash, account, created, expires) VALUES ($1, $2, $3, $4)",
        values![hash, account, created, expires],
    )?;
    Ok(())
}

/// Uses a one-time secret up: whose it was, if it is still good.
pub fn take_one_time(
    tx: &mut dyn Transaction,
    hash: &str,
    now: Timestamp,
) -> Result<Option<UserId>, StoreError> {
    let found: Option<(UserId, Timestamp)> = tx.first(
        "DELETE FROM one_time_secret WHERE hash = $1 RETURNING account, expires",
        values![hash],
        |row| Ok((row.take()?, row.take()?)),
    )?;
    Ok(found
        .filter(|(_, expires)| *expires > now)
        .map(|(account, _)| account))
}

/// Forgets sessions and one-time secrets that are over; how many.
pub fn forget(tx: &mut dyn Transaction, now: Timestamp) -> Result<u64, StoreError> {
    let sessions = tx.execute("DELETE FROM session WHERE expires <= $1", values![now])?;
    Ok(sessions
        + tx.execute(
            "DELETE FROM one_time_secret WHERE expires <= $1",
            values![now],
        )?)
}
