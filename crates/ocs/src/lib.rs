//! Reads what OCS Inventory agents say about their machine, into the words that the rest of the house uses.
//!
//! Two steps: [`wire::inflate`] takes a body off the wire, [`inventory::read`] makes a [`inventory::Machine`] of it.
//!
//! Invariants:
//! - Whatever the bytes are: no panic, no recursion, memory in proportion to bounds that are written here.
//! - A document that is whole gives a machine and the list of what is odd in it. One that is cut or malformed gives an
//!   error and no machine: half an inventory would look like packages that were removed.
//! - Real values or nothing: what an agent leaves out, or fills in as `N/A`, stays empty.
//!
//! Absent on purpose: sockets, the replies to agents, and what to do with two machines that are one.

mod error;
pub mod inventory;
mod message;
mod problems;
mod text;
pub mod wire;

pub use error::OcsError;
