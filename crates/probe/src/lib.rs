//! Looks at the machine it runs on: what it is made of, how it is, what plugins say about it.
//!
//! Invariants:
//! - Real values or none: what cannot be read stays empty, nothing is guessed.
//! - Nothing is waited for without end: other programs run under a time-out, in a group that is killed as a whole, and
//!   what they print is capped. Network file systems are not asked, because a dead server would never answer.
//! - No shell, and no code between fork and exec: starting a plugin stays cheap in a big process.
//!
//! Absent on purpose: what results mean over time (the `watch` crate), and anything that changes the machine.
//! Linux only.

pub mod checks;
mod files;
pub mod inventory;
mod plugin;
mod prober;
mod program;

pub use plugin::{PLUGIN_FOLDERS, Plugins};
pub use prober::Prober;
