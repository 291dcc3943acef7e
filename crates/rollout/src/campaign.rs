//! A rollout on the server: one bundle, fixed hosts in stages with gates, a window.
//!
//! The server drives one [`Campaign`] per rollout: it persists [`Campaign::header`] and the [`Record`]s that effects name, in one
//! transaction with the reports that caused them, and acknowledges the reports afterwards. [`Campaign::restore`] takes the same
//! rows back.
//!
//! Invariants:
//! - Counts are kept as states change; no event but those of a person and the end of the window looks at every delivery.
//! - Once a host has an order it keeps one (with another wish, perhaps) until it has told the end itself: an order that vanished
//!   could not be told from one that was lost.
//!
//! Absent on purpose: which hosts a query names, downtimes, the wire.

mod counts;
mod engine;
mod event;
mod gate;
mod intervene;
mod plan;
mod record;

pub use counts::Counts;
pub use engine::Campaign;
pub use event::{Effect, Event};
pub use gate::{Condition, Gate, Verdict};
pub use plan::{Assignment, Plan, PlanError, Stage, Window};
pub use record::{Ending, Header, Record, StageHeader};

#[cfg(test)]
mod tests;
