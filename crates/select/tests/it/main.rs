//! The crate as others see it.

mod laws;
mod recorded;
