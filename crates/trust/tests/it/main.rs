//! The promises of this crate, tried by those who would break them.

mod attacks;
mod fleet;
mod handshake;
mod hostile;
mod installations;
mod oracle;
mod publishers;
mod serving;
