//! A real server in a temporary folder, on ports of its own, used through its public face: the operations, and the agent
//! port over mutual TLS.

mod accounts;
mod agents;
mod bundles;
mod ports;
mod ship;
mod start;
mod watching;
mod world;
