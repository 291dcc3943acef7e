//! The formats of Debian: control stanzas, `Packages`, `Release`, dpkg's `status`.

pub mod deb822;
pub mod packages;
pub mod relation;
pub mod release;
pub mod status;
