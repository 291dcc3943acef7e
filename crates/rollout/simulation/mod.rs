//! A whole fleet in one thread and one seed: agents and a server that lose, double, delay and forget what can be lost.
//!
//! Both sides are the product's own cores. What is simulated is the world: the network, the clocks, the disks that keep what was
//! synced and nothing else, people who press buttons. [`run`] gives what happened, or the first law that was broken.

mod agent;
mod random;
mod server;
mod world;

pub(crate) use world::{Setting, run};
