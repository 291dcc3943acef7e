//! The crate from the outside.
