//! Everything that must outlive the process, as rows: one trait, SQLite behind it, and all SQL of the project.
//!
//! A caller hands over a closure, a *unit of work*, and gets its value back once it is on disk:
//!
//! ```no_run
//! # use escadre_store::{Store, StoreError, tables::setting};
//! # async fn example(store: &dyn Store) -> Result<(), StoreError> {
//! store.write(|tx| setting::put(tx, "name", "Bordeaux")).await?;
//! let name = store.read(|tx| setting::get(tx, "name")).await?;
//! # Ok(()) }
//! ```
//!
//! Invariants:
//! - What [`Store::write`](trait.Store.html) answered `Ok` survives `kill -9` and a power cut.
//! - A unit of work happens wholly or not at all, and no two writing units overlap.
//! - The schema is the sum of the numbered steps in `migrations/`, and is compared with that sum at every start.
//! - SQL is written once, with `$1`, and uses integers, reals, text, bytes, and JSON as text: what PostgreSQL takes too.
//! - No row carries a secret in clear: tokens, sessions and one-time secrets are hashes.
//!
//! Absent on purpose: rules. A table module says how a thing is kept, not what may happen to it.

pub mod conformance;
mod engine;
mod error;
mod migrate;
mod sqlite;
pub mod tables;
mod value;

pub use engine::{Access, Store, Transaction, Work};
pub use error::StoreError;
pub use sqlite::{Options, SqliteStore};
pub use value::{FromValue, Row, Value};
