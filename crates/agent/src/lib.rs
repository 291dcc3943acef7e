//! The agent: on every machine of the fleet, one process that says what the machine is, runs its checks and applies what its
//! publishers signed.
//!
//! [`enrol`] makes a machine a host, [`run`] is the agent's life. What a delivery may do when is decided by
//! `rollout::delivery`; here are the disk, the clock, the link and the processes.
//!
//! Invariants:
//! - Nothing runs that a publisher has not signed, whatever the server says ([`fetch`]).
//! - Intent is on the disk before effect ([`journal`]): killed at any instant, an action was run once or not at all, and
//!   what happened to it is told once.
//! - Checks go on from the last orders when the server is gone; their results are kept, within bounds, and told later.
//! - One task decides everything ([`service`]); whatever waits runs beside it and answers by message.
//!
//! Absent on purpose: undoing (no order asks for it yet), and asking the user of the host (a notice is logged).
//! Linux only.

mod alarm;
mod apply;
mod contact;
mod deliveries;
mod ends;
mod enrolment;
mod error;
mod facts;
mod fetch;
mod journal;
mod link;
mod observe;
mod outbox;
mod packages;
mod prepare;
mod process;
mod service;
mod state;
mod survey;
mod timetable;

pub use enrolment::{EnrolOptions, Enrolment, enrol};
pub use error::AgentError;
pub use service::{RunOptions, run};

/// Version that the agent tells.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
