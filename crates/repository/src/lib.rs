//! Opens package repositories: finds their metadata, verifies them, unfolds them within bounds, and keeps an index.
//!
//! Invariants:
//! - Nothing unsigned is used without an explicit word, and what was accepted so says so for as long as it is open.
//! - From the signed text down to each package file, every step is checked by a checksum before its result is used.
//! - The index on disk is a cache: cut, altered or out of date, it is built again, never trusted.
//! - Addresses are http, https or file; a redirection stays on its scheme; a path of foreign metadata stays inside.
//!
//! Absent on purpose: choosing packages (`solve`, `select`) and installing them (`agent`).

mod apt;
mod build;
mod cache;
mod debian;
mod decompress;
mod error;
mod fetch;
mod installed;
mod location;
mod mandriva;
mod open;
mod rpmmd;
mod signature;
mod web;

pub use decompress::Limits;
pub use error::RepositoryError;
pub use fetch::{Fetched, Progress, fetch_packages};
pub use installed::{installed_deb, installed_rpm};
pub use location::Location;
pub use open::{OpenOptions, Opened, Source, open, open_all};
pub use signature::{Trust, system_keyrings};
