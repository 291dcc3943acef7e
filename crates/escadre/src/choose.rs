//! `escadre select`, `why` and `rules`: packages for a machine, with a reason for each, and what is made of a selection: a
//! lock, a new system, the offline bundle of what a host lacks.

mod bans;
mod choice;
mod lock;
mod offline;
mod replay;
mod root;
mod rules;
mod source;
mod subject;
mod why;
mod wish;

pub(crate) use lock::diff;
pub(crate) use replay::replay;
pub(crate) use rules::rules;
pub(crate) use why::why;
pub(crate) use wish::select;
