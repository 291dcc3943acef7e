//! The words that every other crate uses: ids, units, states, inventory, versions, problems and the query language.
//!
//! Invariants:
//! - Pure: no I/O, no clock, no randomness. Times come in as [`Timestamp`], random ids as bytes.
//! - Anything here may cross the wire or lie in the store, so each serialised form is stable: fields are
//!   added with a default, never renamed.
//!
//! Absent on purpose: rules. What a state *means* and how it changes is said in `watch` and `rollout`.

pub mod check;
pub mod delivery;
pub mod id;
pub mod inventory;
pub mod problem;
pub mod query;
pub mod size;
pub mod version;

pub use id::{BundleRef, CheckName, DeliveryId, HostId, RolloutId};
pub use jiff::Timestamp;
pub use problem::{Hint, Problem};
pub use size::ByteCount;
