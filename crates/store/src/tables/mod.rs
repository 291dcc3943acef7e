//! Every table as a module: typed rows, and functions that take the transaction they run in.

pub mod account;
pub mod audit;
pub mod bundle;
pub mod host;
pub mod inventory;
pub mod lease;
pub mod perf;
pub mod received;
pub mod rollout;
pub mod session;
pub mod setting;
pub mod token;
pub mod watch;
