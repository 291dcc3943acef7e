//! The roles as tasks: what the pure cores decide, it does, on real clocks, sockets and disks.
//!
//! | role | drives | keeps |
//! |---|---|---|
//! | receiver ([`agents`]) | the agent port | what agents said, before it answers them |
//! | scheduler | `watch::Engine` | states, history, performance data |
//! | conductor | `rollout::campaign` | rollouts, deliveries, their steps |
//! | broker | the live events | nothing |
//! | keeper | freshness of trust and certificates, retention | nothing of its own |
//!
//! Invariants:
//! - What an agent was told is stored *is* stored: `kill -9` at any instant loses nothing that was acknowledged.
//! - A role changes its core in memory and writes the outcome in one unit of work with whatever caused it.
//! - Every operation checks its actor's role itself, and whatever changes something, or was refused, is in the audit log.
//! - Who an agent is, is what its certificate says; nothing in a request says otherwise.
//! - The server cannot make anything run: it holds no publisher's key, unless one was left on its machine, and says so.
//!
//! Absent on purpose: pages and REST (crate `web` calls the operations), SQL, cryptography.

pub mod agents;
mod clock;
mod directory;
mod error;
mod health;
pub mod listener;
mod metrics;
mod operations;
mod people;
mod roles;
mod server;
mod shared;
mod state;
mod trust;
mod uploads;
mod worker;

pub use error::StartError;
pub use server::{FirstTrust, Server, ServerConfig};
