//! `escadre select`: packages for a machine, with a reason for each, and the offline bundle of what it lacks.

mod offline;
mod replay;
mod source;
mod wish;

pub(crate) use replay::replay;
pub(crate) use wish::select;
