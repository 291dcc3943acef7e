//! Settings by key, and counters that never give a number twice.

use crate::{StoreError, Transaction, value::values};

/// The text of a setting.
pub fn get(tx: &mut dyn Transaction, key: &str) -> Result<Option<String>, StoreError> {
    tx.first(
        "SELECT value FROM setting WHERE key = $1",
        values![key],
        |row| row.take(),
    )
}

/// Sets it.
pub fn put(tx: &mut dyn Transaction, key: &str, value: &str) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO setting (key, value) VALUES ($1, $2)
         ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        values![key, value],
    )?;
    Ok(())
}

/// The next number of a counter, from 1 on; kept even when what it numbered is removed.
pub fn next_number(tx: &mut dyn Transaction, counter: &str) -> Result<u64, StoreError> {
    tx.single(
        "INSERT INTO counter (name, value) VALUES ($1, 1)
         ON CONFLICT (name) DO UPDATE SET value = counter.value + 1 RETURNING value",
        values![counter],
    )
}
