//! The roles that drive the cores.

pub(crate) mod broker;
pub(crate) mod conductor;
pub(crate) mod keeper;
pub(crate) mod scheduler;
mod unit;
