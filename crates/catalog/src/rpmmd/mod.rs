//! The formats of rpm-md repositories.

pub mod rich;
