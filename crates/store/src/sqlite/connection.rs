//! One connection: how it is opened, how statements run on it, what its errors mean.

use std::{path::Path, time::Duration};

use rusqlite::{
    Connection, ErrorCode, OpenFlags, Statement,
    types::{ToSqlOutput, ValueRef},
};

use super::Options;
use crate::{Row, StoreError, Transaction, Value};

/// How long a statement waits for another process (a backup, a person with `sqlite3`).
const PATIENCE: Duration = Duration::from_secs(10);
/// Prepared statements kept ready on each connection.
const STATEMENTS: usize = 256;

pub(super) fn open_writer(path: &Path, options: &Options) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = open(path, flags)?;
    let setup = || -> rusqlite::Result<()> {
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "wal_autocheckpoint", 2000)?;
        connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
        if let Some(bytes) = options.max_bytes {
            let page: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
            let pages = i64::try_from(bytes).unwrap_or(i64::MAX) / page.max(1);
            connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?;
        }
        Ok(())
    };
    setup().map_err(|error| opening(path, &error))?;
    Ok(connection)
}

pub(super) fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    let connection = open(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection
        .pragma_update(None, "query_only", true)
        .map_err(|error| opening(path, &error))?;
    Ok(connection)
}

fn open(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    let connection =
        Connection::open_with_flags(path, flags).map_err(|error| opening(path, &error))?;
    connection
        .busy_timeout(PATIENCE)
        .map_err(|error| opening(path, &error))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

fn opening(path: &Path, error: &rusqlite::Error) -> StoreError {
    match meaning(path, "", error) {
        StoreError::Statement { reason, .. } => StoreError::Open {
            path: path.to_owned(),
            reason,
        },
        known => known,
    }
}

/// What an error of SQLite means to us.
pub(crate) fn meaning(path: &Path, sql: &str, error: &rusqlite::Error) -> StoreError {
    let path = path.to_owned();
    let reason = error.to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::DiskFull { path },
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => StoreError::ReadOnly { path },
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            StoreError::Corrupt { path, reason }
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Busy { path },
        Some(ErrorCode::SystemIoFailure) => StoreError::Device { path, reason },
        Some(ErrorCode::ConstraintViolation) => StoreError::Constraint { what: reason },
        Some(ErrorCode::CannotOpen) => StoreError::Open { path, reason },
        _ => StoreError::Statement {
            sql: sql.to_owned(),
            reason,
        },
    }
}

/// A connection in a transaction.
pub(super) struct Session<'a> {
    pub(super) connection: &'a Connection,
    pub(super) path: &'a Path,
}

impl Session<'_> {
    /// A statement without parameters or answer (`BEGIN`, `COMMIT`, …).
    pub(super) fn control(&mut self, sql: &str) -> Result<(), StoreError> {
        let run = |sql: &str| self.connection.prepare_cached(sql)?.raw_execute_all();
        run(sql).map_err(|error| meaning(self.path, sql, &error))
    }
}

/// Steps through a statement without caring for rows.
trait RawExecuteAll {
    fn raw_execute_all(&mut self) -> rusqlite::Result<()>;
}

impl RawExecuteAll for Statement<'_> {
    fn raw_execute_all(&mut self) -> rusqlite::Result<()> {
        let mut rows = self.raw_query();
        while rows.next()?.is_some() {}
        Ok(())
    }
}

/// SQLite numbers `$2` by its first appearance in the text, so parameters are bound by name.
fn bind(statement: &mut Statement<'_>, parameters: &[Value]) -> rusqlite::Result<()> {
    for index in 1..=statement.parameter_count() {
        let number = statement
            .parameter_name(index)
            .and_then(|name| name.get(1..))
            .and_then(|digits| digits.parse::<usize>().ok());
        let value = number.and_then(|number| parameters.get(number.wrapping_sub(1)));
        let value = value.ok_or(rusqlite::Error::InvalidParameterCount(
            index,
            parameters.len(),
        ))?;
        statement.raw_bind_parameter(index, borrowed(value))?;
    }
    Ok(())
}

fn borrowed(value: &Value) -> ToSqlOutput<'_> {
    ToSqlOutput::Borrowed(match value {
        Value::Null => ValueRef::Null,
        Value::Integer(number) => ValueRef::Integer(*number),
        Value::Real(number) => ValueRef::Real(*number),
        Value::Text(text) => ValueRef::Text(text.as_bytes()),
        Value::Bytes(bytes) => ValueRef::Blob(bytes),
    })
}

fn owned(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Real(number) => Value::Real(number),
        ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
    }
}

impl Transaction for Session<'_> {
    fn execute(&mut self, sql: &str, parameters: &[Value]) -> Result<u64, StoreError> {
        let run = || {
            let mut statement = self.connection.prepare_cached(sql)?;
            bind(&mut statement, parameters)?;
            statement.raw_execute()
        };
        run()
            .map(|changed| changed as u64)
            .map_err(|error| meaning(self.path, sql, &error))
    }

    fn query(
        &mut self,
        sql: &str,
        parameters: &[Value],
        each: &mut dyn FnMut(&mut Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let explain = |error: rusqlite::Error| meaning(self.path, sql, &error);
        let mut statement = self.connection.prepare_cached(sql).map_err(explain)?;
        bind(&mut statement, parameters).map_err(explain)?;
        let columns = statement.column_count();
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().map_err(explain)? {
            let read = |index| row.get_ref(index).map(owned);
            let values = (0..columns)
                .map(read)
                .collect::<rusqlite::Result<_>>()
                .map_err(explain)?;
            each(&mut Row::new(sql, values))?;
        }
        Ok(())
    }
}
