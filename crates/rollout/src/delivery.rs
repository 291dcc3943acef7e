//! The deliveries of one host, as its agent lives them.
//!
//! ```text
//! ordered ► notified ► fetching ► verified ─(prepare)─► applying ► observing ► succeeded | failed
//!              └────────────┴─────────┴► refused | cancelled | expired      └► interrupted
//! ```
//!
//! [`Ledger::handle`] takes what happened and gives [`Effect`]s to be carried out **in their order**: an
//! [`Effect::Journal`] is on the disk before the next effect begins. Every state of a ledger is the fold of its journal's
//! entries and nothing else, so [`Ledger::recover`] after a crash gives exactly what was promised before it:
//!
//! | the journal ends | what is done |
//! |---|---|
//! | before *applying* | go on: fetch what lacks, prepare again |
//! | with *applying* | interrupted; or begun again, where the manifest says that it is repeatable (three times at most) |
//! | with *observing* | observe again, report |
//! | with a final state | report, until the server has stored it |
//!
//! Invariants:
//! - A step of a delivery and the report of it are one entry: nothing is done untold, nothing is told twice under two numbers.
//! - A delivery that ended is remembered by its id ([`REMEMBERED`]): a server that forgot it does not have it run again.
//! - One delivery is fetched and one is applied at a time.
//!
//! Absent on purpose: why content is trusted, how programs run; the driver tells the result.

mod entry;
mod event;
mod fold;
mod ledger;
mod life;
mod orders;

pub use entry::{Entry, Kept, KeptLife, Order, Terms};
pub use event::{Effect, Event, Fault};
pub use fold::REMEMBERED;
pub use ledger::Ledger;
pub use life::{ATTEMPTS, Life};
pub use orders::{MAX_DELIVERIES, MAX_UNSENT, Orders};

#[cfg(test)]
mod tests;
