//! How a bundle reaches its hosts: [`campaign`] is a rollout as the server sees it, [`delivery`] are the deliveries of one
//! host as its agent lives them. Both are deterministic cores: `handle(now, event)` gives effects, which others carry out.
//!
//! Invariants:
//! - Pure: no I/O, clock, threads or randomness. What the simulation proves is what runs.
//! - The agent journals intent before effect, and a journal entry *is* the report of it: whatever was done is told, once.
//! - The server never invents what a host did. Where it decides for a silent host it says so (*presumed*), and the host's
//!   own report corrects it.
//! - A report that does not fit is kept as a note, never a panic and never a state.
//!
//! Absent on purpose: what a bundle is (`bundle`), who signed it (`trust`), fetching and running (`agent`), storing (`server`).

pub mod campaign;
pub mod delivery;
mod ocs;
mod report;
mod transition;

pub use ocs::ocs_code;
pub use report::{Outcome, Progress, Report, Wish};
pub use transition::is_legal;
