//! SQLite: one thread that writes, some that read, a queue before each.
//!
//! - WAL, so that readers never wait for the writer. `synchronous=FULL`: an answer to an agent means that its results
//!   are on disk, and with `NORMAL` a power cut could take back the last commits.
//! - The price of FULL, one `fsync` a commit, is shared: units that wait together are committed together, each in its
//!   own savepoint, and are answered after that commit.
//! - A unit that panics or fails is rolled back alone. Where SQLite itself gave up the transaction (full disk),
//!   every unit of that commit is told so.

mod connection;

pub(crate) use self::connection::meaning;

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread::JoinHandle,
};

use rusqlite::Connection;

use self::connection::{Session, open_reader, open_writer};
use crate::{Access, Store, StoreError, Work, migrate};

/// Units that may wait for a thread.
const QUEUE: usize = 4096;
/// Units that share a commit.
const SHARED: usize = 64;

/// How the database is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Threads that read.
    pub readers: usize,
    /// The file may not grow beyond this; `None`: as large as the disk allows.
    pub max_bytes: Option<u64>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            readers: 4,
            max_bytes: None,
        }
    }
}

/// The embedded store. Dropping it finishes the work that waits, then closes the file.
pub struct SqliteStore {
    path: PathBuf,
    writer: Option<SyncSender<Box<dyn Work>>>,
    readers: Option<SyncSender<Box<dyn Work>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl SqliteStore {
    /// Opens or makes the database and brings its schema to the newest step.
    pub fn open(path: &Path, options: &Options) -> Result<Self, StoreError> {
        let mut connection = open_writer(path, options)?;
        migrate::bring_up(&mut connection, path, migrate::STEPS)?;
        let (writer, units) = sync_channel(QUEUE);
        let mut threads = vec![spawn("store-writer", {
            let path = path.to_owned();
            move || write_loop(connection, &path, &units)
        })?];
        let (readers, units) = sync_channel(QUEUE);
        let units = Arc::new(Mutex::new(units));
        for _ in 0..options.readers.max(1) {
            let connection = open_reader(path)?;
            let units = Arc::clone(&units);
            let path = path.to_owned();
            threads.push(spawn("store-reader", move || {
                read_loop(&connection, &path, &units)
            })?);
        }
        Ok(Self {
            path: path.to_owned(),
            writer: Some(writer),
            readers: Some(readers),
            threads: Mutex::new(threads),
        })
    }

    /// The database file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Store for SqliteStore {
    fn submit(&self, access: Access, work: Box<dyn Work>) {
        let queue = match access {
            Access::Read => &self.readers,
            Access::Write => &self.writer,
        };
        match queue.as_ref().map(|queue| queue.try_send(work)) {
            Some(Ok(())) | None => {}
            Some(Err(TrySendError::Full(work))) => work.done(Err(StoreError::Overloaded)),
            Some(Err(TrySendError::Disconnected(work))) => work.done(Err(StoreError::Closed)),
        }
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.writer = None;
        self.readers = None;
        let threads =
            std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            // The last user may be one of the threads itself (a unit of work that held the store).
            if thread.thread().id() != std::thread::current().id() {
                let _ = thread.join();
            }
        }
    }
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StoreError> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(body)
        .map_err(|error| StoreError::Open {
            path: PathBuf::new(),
            reason: format!("no thread to be had: {error}"),
        })
}

fn read_loop(connection: &Connection, path: &Path, units: &Mutex<Receiver<Box<dyn Work>>>) {
    loop {
        // The lock is held while waiting: one thread waits for work, the others for their turn to wait.
        let unit = units.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(mut unit) = unit else { return };
        let mut session = Session { connection, path };
        let outcome = session.control("BEGIN DEFERRED").and_then(|()| {
            let outcome = guarded(unit.as_mut(), &mut session);
            let end = session.control(if outcome.is_ok() {
                "COMMIT"
            } else {
                "ROLLBACK"
            });
            outcome.and(end)
        });
        unit.done(outcome);
    }
}

fn write_loop(connection: Connection, path: &Path, units: &Receiver<Box<dyn Work>>) {
    while let Ok(first) = units.recv() {
        let mut batch = vec![first];
        while batch.len() < SHARED
            && let Ok(next) = units.try_recv()
        {
            batch.push(next);
        }
        commit_together(
            &mut Session {
                connection: &connection,
                path,
            },
            batch,
        );
    }
    // The last one folds the journal into the file, so that a copy of the file alone is whole.
    if let Err(error) = connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)") {
        tracing::debug!(%error, "journal not folded in at the end");
    }
}

/// Runs every unit in a savepoint of one transaction, commits, and only then tells them.
fn commit_together(session: &mut Session<'_>, batch: Vec<Box<dyn Work>>) {
    if let Err(error) = session.control("BEGIN IMMEDIATE") {
        batch
            .into_iter()
            .for_each(|unit| unit.done(Err(error.clone())));
        return;
    }
    let mut outcomes = Vec::with_capacity(batch.len());
    let mut lost = None;
    for mut unit in batch {
        let outcome = match &lost {
            Some(error) => Err(StoreError::clone(error)),
            None => in_savepoint(session, unit.as_mut()),
        };
        if lost.is_none() && session.connection.is_autocommit() {
            lost = Some(outcome.clone().err().unwrap_or(StoreError::Closed));
        }
        outcomes.push((unit, outcome));
    }
    let end = match lost {
        Some(error) => Err(error),
        None => session.control("COMMIT").inspect_err(|_| {
            let _ = session.control("ROLLBACK");
        }),
    };
    for (unit, outcome) in outcomes {
        unit.done(outcome.and_then(|()| end.clone()));
    }
}

fn in_savepoint(session: &mut Session<'_>, unit: &mut dyn Work) -> Result<(), StoreError> {
    session.control("SAVEPOINT unit")?;
    let outcome = guarded(unit, session);
    if outcome.is_err() && !session.connection.is_autocommit() {
        session.control("ROLLBACK TO unit")?;
    }
    if !session.connection.is_autocommit() {
        session.control("RELEASE unit")?;
    }
    outcome
}

/// A panic in a unit of work ends that unit, not the thread.
fn guarded(unit: &mut dyn Work, session: &mut Session<'_>) -> Result<(), StoreError> {
    let run = std::panic::AssertUnwindSafe(|| unit.run(session));
    std::panic::catch_unwind(run).unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_default();
        tracing::error!(%text, "a unit of work panicked");
        Err(StoreError::Panicked(text))
    })
}
