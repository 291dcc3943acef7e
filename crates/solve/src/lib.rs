//! Which packages come along: the dependency closure of what is wanted, each package with its reason.
//!
//! Invariants:
//! - Pure and deterministic: the same catalog and request give the same solution.
//! - Every dependency of a solution is met and none of its packages conflict, by the rules of the catalog's kind.
//! - Alternatives are tried in the order of the distribution; what is installed stays unless the request forces a change.
//! - Nothing is in a solution that is neither wanted, installed nor required by something in it.
//!
//! Absent on purpose: sizes, rates and budgets (`select`), and removing what is installed: who wants that says so.

mod explain;
mod installed;
mod provider;
mod reasons;
mod request;
mod rich;
mod solution;
mod solver;

pub use installed::{InstalledBase, with_installed};
pub use request::{Options, Request, SolveError, Wanted};
pub use solution::{Change, Chosen, Reason, Solution};
pub use solver::solve;
