//! The schema as a sum of numbered steps, applied once each, in order, all or none.
//!
//! A step never changes once it is released; a change of the schema is a new step. At every start the schema that the
//! database has is compared with the one that the steps make, object by object.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use crate::{StoreError, sqlite::meaning};

/// A step: its number is its place, from 1 on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    /// What it brings, for people.
    pub(crate) name: &'static str,
    /// SQL text.
    pub(crate) sql: &'static str,
}

/// Every step there is.
pub(crate) const STEPS: &[Step] = &[Step {
    name: "one machine served",
    sql: include_str!("../migrations/0001_one_machine_served.sql"),
}];

const LOG: &str = "CREATE TABLE IF NOT EXISTS schema_step (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL
) STRICT";

/// Applies the steps that are missing and checks that the schema is the sum of all.
pub(crate) fn bring_up(
    connection: &mut Connection,
    path: &Path,
    steps: &[Step],
) -> Result<(), StoreError> {
    let known = number_of(steps.len());
    let found = applied(connection).map_err(|error| meaning(path, "schema_step", &error))?;
    if found > known {
        return Err(StoreError::TooNew { found, known });
    }
    if found < known {
        tracing::info!(from = found, to = known, "bringing the schema up");
        apply(connection, steps, found).map_err(|(number, error)| {
            match meaning(path, "", &error) {
                StoreError::Statement { reason, .. } => StoreError::Migration { number, reason },
                known => known,
            }
        })?;
    }
    compare(connection, path, steps)
}

fn number_of(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn applied(connection: &Connection) -> rusqlite::Result<u32> {
    let table: u32 = connection.query_row(
        "SELECT count(*) FROM sqlite_master WHERE name = 'schema_step'",
        [],
        |row| row.get(0),
    )?;
    if table == 0 {
        return Ok(0);
    }
    connection.query_row(
        "SELECT coalesce(max(number), 0) FROM schema_step",
        [],
        |row| row.get(0),
    )
}

fn apply(
    connection: &mut Connection,
    steps: &[Step],
    found: u32,
) -> Result<(), (u32, rusqlite::Error)> {
    let at = |number: u32| move |error| (number, error);
    let tx = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(at(found + 1))?;
    tx.execute_batch(LOG).map_err(at(found + 1))?;
    for (place, step) in steps.iter().enumerate().skip(found as usize) {
        let number = number_of(place + 1);
        tx.execute_batch(step.sql).map_err(at(number))?;
        tx.execute(
            "INSERT INTO schema_step (number, name) VALUES (?1, ?2)",
            (number, step.name),
        )
        .map_err(at(number))?;
    }
    tx.commit().map_err(at(number_of(steps.len())))
}

/// Tables, indexes and triggers with their text, in one order.
fn schema(connection: &Connection) -> rusqlite::Result<Vec<(String, String)>> {
    let mut statement = connection.prepare(
        "SELECT type || ' ' || name, coalesce(sql, '') FROM sqlite_master
         WHERE name NOT LIKE 'sqlite_%' ORDER BY 1",
    )?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

fn compare(connection: &Connection, path: &Path, steps: &[Step]) -> Result<(), StoreError> {
    let read = || -> rusqlite::Result<_> {
        let mut fresh = Connection::open_in_memory()?;
        apply(&mut fresh, steps, 0).map_err(|(_, error)| error)?;
        Ok((schema(connection)?, schema(&fresh)?))
    };
    let (have, want) = read().map_err(|error| meaning(path, "sqlite_master", &error))?;
    let odd = have.iter().find(|object| !want.contains(object));
    let missing = want.iter().find(|object| !have.contains(object));
    match odd.or(missing) {
        Some((name, _)) => Err(StoreError::SchemaAltered { what: name.clone() }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Step = Step {
        name: "first",
        sql: "CREATE TABLE a (x INTEGER NOT NULL) STRICT;",
    };
    const SECOND: Step = Step {
        name: "second",
        sql: "ALTER TABLE a ADD COLUMN y TEXT;",
    };
    const BROKEN: Step = Step {
        name: "broken",
        sql: "CREATE TABLE b (x INTEGER) STRICT; CREATE NONSENSE;",
    };

    fn bring(connection: &mut Connection, steps: &[Step]) -> Result<(), StoreError> {
        bring_up(connection, Path::new("test.db"), steps)
    }

    #[test]
    fn a_database_of_an_older_version_is_brought_up_with_its_rows() {
        let mut db = Connection::open_in_memory().expect("memory");
        assert_eq!(bring(&mut db, &[FIRST]), Ok(()));
        db.execute("INSERT INTO a VALUES (7)", []).expect("insert");
        assert_eq!(bring(&mut db, &[FIRST, SECOND]), Ok(()));
        let kept: (i64, Option<String>) = db
            .query_row("SELECT x, y FROM a", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .expect("row");
        assert_eq!(kept, (7, None));
    }

    #[test]
    fn a_broken_step_leaves_the_schema_as_it_was() {
        let mut db = Connection::open_in_memory().expect("memory");
        assert_eq!(bring(&mut db, &[FIRST]), Ok(()));
        let error = bring(&mut db, &[FIRST, BROKEN]).expect_err("broken");
        assert!(
            matches!(error, StoreError::Migration { number: 2, .. }),
            "{error}"
        );
        assert_eq!(
            bring(&mut db, &[FIRST]),
            Ok(()),
            "nothing of step 2 remains"
        );
    }

    #[test]
    fn later_versions_and_foreign_changes_are_refused() {
        let mut db = Connection::open_in_memory().expect("memory");
        assert_eq!(bring(&mut db, &[FIRST, SECOND]), Ok(()));
        assert_eq!(
            bring(&mut db, &[FIRST]),
            Err(StoreError::TooNew { found: 2, known: 1 })
        );
        db.execute_batch("CREATE INDEX by_hand ON a (x)")
            .expect("index");
        let altered = StoreError::SchemaAltered {
            what: "index by_hand".to_owned(),
        };
        assert_eq!(bring(&mut db, &[FIRST, SECOND]), Err(altered));
    }
}
