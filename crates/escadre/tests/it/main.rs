//! The whole program as a person uses it: `up` in a folder of its own, and commands beside it.

#[path = "../harness/mod.rs"]
mod harness;

mod choosing;
mod first_use;
mod refusals;
mod shipping;
