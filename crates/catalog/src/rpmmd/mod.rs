//! The formats of rpm-md repositories.

pub mod comps;
pub mod filelists;
pub mod primary;
pub mod repomd;
pub mod rich;
mod xml;
