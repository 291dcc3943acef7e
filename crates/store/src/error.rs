//! What can go wrong with the store, said so that an administrator knows what to do.

use std::path::PathBuf;

/// Why the store did not do what was asked. Nothing of the unit of work has happened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be opened or made.
    #[error("cannot open the database {path}: {reason}")]
    Open {
        /// Its file.
        path: PathBuf,
        /// What SQLite says.
        reason: String,
    },
    /// No room is left for what was to be written.
    #[error(
        "no room is left for the database {path}; nothing was changed: free space on its file system"
    )]
    DiskFull {
        /// Its file.
        path: PathBuf,
    },
    /// The file or its folder may not be written.
    #[error("the database {path} may not be written: check the owner and the mount of its folder")]
    ReadOnly {
        /// Its file.
        path: PathBuf,
    },
    /// The file is damaged or not a database.
    #[error("the database {path} is damaged ({reason}): restore it from a backup")]
    Corrupt {
        /// Its file.
        path: PathBuf,
        /// What SQLite says.
        reason: String,
    },
    /// Another process holds the database for too long.
    #[error("the database {path} is held by another process")]
    Busy {
        /// Its file.
        path: PathBuf,
    },
    /// The disk or the file system failed.
    #[error("reading or writing the database {path} failed: {reason}")]
    Device {
        /// Its file.
        path: PathBuf,
        /// What SQLite says.
        reason: String,
    },
    /// Written by a later version of the program.
    #[error(
        "the database has schema step {found}, this version knows up to {known}: start the version that wrote it"
    )]
    TooNew {
        /// Step of the database.
        found: u32,
        /// Last step known here.
        known: u32,
    },
    /// The schema is not the sum of its steps: someone changed it by hand.
    #[error("the schema of the database was changed by hand: {what} is not as the steps make it")]
    SchemaAltered {
        /// First table, index or trigger that differs.
        what: String,
    },
    /// A step of the schema failed.
    #[error("schema step {number} cannot be applied: {reason}")]
    Migration {
        /// Which step.
        number: u32,
        /// What SQLite says.
        reason: String,
    },
    /// A unique name is taken, or a thing that is referred to does not exist.
    #[error("refused by the database: {what}")]
    Constraint {
        /// Which rule (`UNIQUE constraint failed: host.name`).
        what: String,
    },
    /// A statement is wrong: a fault of ours.
    #[error("statement `{sql}` is wrong: {reason}")]
    Statement {
        /// Its text.
        sql: String,
        /// What SQLite says.
        reason: String,
    },
    /// A row does not hold what it should.
    #[error("a row of `{sql}` cannot be read: {reason}")]
    Row {
        /// The query.
        sql: String,
        /// Which column, and why.
        reason: String,
    },
    /// The owner of a shard has been replaced: what still comes from the old one is refused.
    #[error("lease {lease}: epoch {given} is over, {current} owns it")]
    StaleEpoch {
        /// Name of the lease.
        lease: String,
        /// Epoch of the writer.
        given: u64,
        /// Epoch of the owner.
        current: u64,
    },
    /// More work waits than the store takes.
    #[error("the store has too much work waiting: try again later")]
    Overloaded,
    /// A unit of work broke down; it was rolled back.
    #[error("a unit of work broke down: {0}")]
    Panicked(String),
    /// The store is closed.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// The same work may succeed later without anybody doing anything.
    pub fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Busy { .. } | Self::Overloaded | Self::Device { .. } | Self::DiskFull { .. }
        )
    }

    /// True for a name that is taken.
    pub fn is_unique(&self) -> bool {
        matches!(self, Self::Constraint { what } if what.contains("UNIQUE"))
    }
}
