//! How checks are judged: when they run, what their results mean, when a person must be told.
//!
//! [`Engine`] is the one state machine behind every check of every host: built-in or plugin, run by an agent, by a
//! poller or told from outside. [`plugin_output`], [`perfdata`] and [`threshold`] read what plugins write.
//!
//! Invariants:
//! - Pure: no I/O, no clock, no threads, no randomness. The time is an argument; the same events give the same effects.
//! - Timers, not scans: the work of [`Engine::handle`] depends on what is due, not on how many checks there are.
//! - Soft and hard states, attempts and notifications follow Nagios 4; the traces in the tests are its own.
//! - Stale is a state of its own, beside the last known one: nothing is ok for want of news.
//!
//! Absent on purpose: who is told, and how (contacts, periods, escalations); dependencies between hosts; flapping.

mod effect;
mod engine;
mod event;
mod machine;
mod notify;
pub mod perfdata;
pub mod plugin_output;
mod record;
pub mod threshold;

pub use effect::{
    DropReason, Effect, HistoryEntry, HistoryKind, Notification, NotificationKind, RunOrder,
    StateChange,
};
pub use engine::{Engine, Standing};
pub use event::{
    Acknowledgement, Downtime, DowntimeId, Event, Policy, ResultEvent, Runner, Settings, Watched,
};
pub use record::{CheckRecord, CheckStatus, HostRecord, Snapshot, SnapshotError};
