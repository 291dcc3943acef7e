//! The real agent against a real server over real TLS, with real trust metadata; in one process, and as one that is killed.

mod attacks;
mod days;
mod house;
mod kills;
mod packages;
mod wire;
