//! Which packages belong on which machine: the rules of the field's installers, and ours.
//!
//! - Strategy `levels` is that of the Mandriva installer, to the letter: [`rpmsrate`] and [`compss`] are read, [`machine`]
//!   gives the flags, [`rating`] settles conditions, [`urpm`] resolves dependencies, [`pass`] selects until it is full,
//!   [`step`] asks the questions, [`replay`] runs a recorded case.
//! - Beyond: [`facts`] makes a machine of an inventory, [`profile`] is our own form of the rules, [`best_fit`] fills a
//!   budget with a proven bound, [`plan`](mod@plan) applies a profile to a host, [`why`](mod@why) explains, [`lock`] compares.
//! - For hosts whose dependencies another resolver follows: [`wish`] says what a profile wants there, [`fill`] what fits.
//! - [`lint`](mod@lint) reports all that is wrong in rules.
//!
//! Invariants:
//! - Pure: texts and values come in, selections, reasons, log lines and problems go out.
//! - Deterministic: what the original left to the order of a hash is sorted by name.
//! - Rules come from strangers: no reader panics, and each works in bounded time and memory.
//!
//! Absent on purpose: where files lie and what decompresses them (`repository`), how a screen looks (`web`).

pub mod best_fit;
pub mod compss;
pub mod condition;
pub mod era;
pub mod facts;
pub mod fill;
pub mod flags;
pub mod group_sizes;
pub mod lint;
pub mod locale;
pub mod lock;
pub mod log;
pub mod machine;
pub mod package_list;
pub mod pass;
pub mod pattern;
mod perl;
pub mod plan;
pub mod product;
pub mod profile;
pub mod rating;
pub mod replay;
pub mod rpmsrate;
pub mod screens;
pub mod sizes;
pub mod step;
pub mod urpm;
pub mod why;
pub mod wish;

pub use era::Era;
