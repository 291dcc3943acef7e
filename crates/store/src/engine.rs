//! The seam: what an engine must do, and how callers hand it units of work.

use tokio::sync::oneshot;

use crate::{Row, StoreError, Value};

/// Whether a unit of work writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Access {
    /// Sees one consistent state and changes nothing; many at the same time.
    Read,
    /// One at a time, in the order of arrival; durable once answered.
    Write,
}

/// An engine that keeps rows: SQLite in one process, PostgreSQL for many.
pub trait Store: Send + Sync + 'static {
    /// Queues a unit of work. Never blocks: with too much waiting the work is told so at once.
    fn submit(&self, access: Access, work: Box<dyn Work>);
}

/// A unit of work on its way to the engine, which calls both in this order, `run` at most once.
pub trait Work: Send {
    /// Does the work. An error undoes all of it.
    fn run(&mut self, tx: &mut dyn Transaction) -> Result<(), StoreError>;
    /// Is told that all of it is on disk, or why nothing of it is.
    fn done(self: Box<Self>, outcome: Result<(), StoreError>);
}

/// What a unit of work sees of the engine.
pub trait Transaction {
    /// Runs a statement; how many rows it changed.
    fn execute(&mut self, sql: &str, parameters: &[Value]) -> Result<u64, StoreError>;
    /// Runs a query; `each` gets row after row.
    fn query(
        &mut self,
        sql: &str,
        parameters: &[Value],
        each: &mut dyn FnMut(&mut Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError>;
}

impl dyn Transaction + '_ {
    /// All rows of a query.
    pub fn all<T>(
        &mut self,
        sql: &str,
        parameters: &[Value],
        mut read: impl FnMut(&mut Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut rows = Vec::new();
        self.query(sql, parameters, &mut |row| {
            rows.push(read(row)?);
            Ok(())
        })?;
        Ok(rows)
    }

    /// The first row of a query, if it has any.
    pub fn first<T>(
        &mut self,
        sql: &str,
        parameters: &[Value],
        read: impl FnMut(&mut Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        Ok(self.all(sql, parameters, read)?.into_iter().next())
    }

    /// The only value of a query that always has one (`count(*)`, `max(…)`).
    pub fn single<T: crate::FromValue>(
        &mut self,
        sql: &str,
        parameters: &[Value],
    ) -> Result<T, StoreError> {
        self.first(sql, parameters, |row| row.take())?
            .ok_or_else(|| StoreError::Row {
                sql: sql.to_owned(),
                reason: "no row".to_owned(),
            })
    }
}

impl dyn Store {
    /// Does a unit of work that only reads, all of it from one consistent state.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Transaction) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.start(Access::Read, work)
            .await
            .unwrap_or(Err(StoreError::Closed))
    }

    /// Does a unit of work that writes; its value comes once it is on disk.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Transaction) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.start(Access::Write, work)
            .await
            .unwrap_or(Err(StoreError::Closed))
    }

    /// The same from a thread that may block (never from an asynchronous task).
    pub fn read_blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Transaction) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.start(Access::Read, work)
            .blocking_recv()
            .unwrap_or(Err(StoreError::Closed))
    }

    /// The same from a thread that may block (never from an asynchronous task).
    pub fn write_blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Transaction) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.start(Access::Write, work)
            .blocking_recv()
            .unwrap_or(Err(StoreError::Closed))
    }

    fn start<T: Send + 'static>(
        &self,
        access: Access,
        work: impl FnOnce(&mut dyn Transaction) -> Result<T, StoreError> + Send + 'static,
    ) -> oneshot::Receiver<Result<T, StoreError>> {
        let (answer, answered) = oneshot::channel();
        self.submit(
            access,
            Box::new(Unit {
                work: Some(work),
                value: None,
                answer,
            }),
        );
        answered
    }
}

/// A closure with the place for its value and the way back to the caller.
struct Unit<F, T> {
    work: Option<F>,
    value: Option<T>,
    answer: oneshot::Sender<Result<T, StoreError>>,
}

impl<F, T> Work for Unit<F, T>
where
    F: FnOnce(&mut dyn Transaction) -> Result<T, StoreError> + Send,
    T: Send,
{
    fn run(&mut self, tx: &mut dyn Transaction) -> Result<(), StoreError> {
        let work = self.work.take().ok_or(StoreError::Closed)?;
        self.value = Some(work(tx)?);
        Ok(())
    }

    fn done(self: Box<Self>, outcome: Result<(), StoreError>) {
        let Self { value, answer, .. } = *self;
        // A caller that went away does not want the answer; the work stands all the same.
        let _ = answer.send(outcome.and_then(|()| value.ok_or(StoreError::Closed)));
    }
}
