//! Repositories as they are in the field, made here from real packages and served over loopback.

mod debian;
mod fixture;
mod hostile;
mod machine;
mod rpm;
mod several;
