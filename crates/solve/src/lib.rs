//! Which packages come along: the dependency closure of what is wanted, each package with its reason.
//!
//! Invariants:
//! - Pure and deterministic: the same catalog and request give the same solution.
//! - Every dependency of a solution is met and none of its packages conflict, by the rules of the catalog's kind.
//! - Alternatives are tried in the order of the distribution; what is installed stays unless the request forces a change.
//! - What is installed is taken as consistent: see `provider/lists.rs` for the rule.
//! - A quick descent answers most requests; a solver of the ecosystem (resolvo) all others, and it alone refuses.
//! - Nothing is in a solution that is neither wanted, installed nor required by something in it.
//!
//! Absent on purpose: sizes, rates and budgets (`select`), and removing what is installed: who wants that says so.

mod descent;
mod explain;
mod installed;
mod memory;
mod provider;
mod reasons;
mod request;
mod rich;
mod session;
mod solution;
mod solver;

pub use installed::{InstalledBase, with_installed};
pub use request::{Options, Request, SolveError, Wanted};
pub use session::{Difference, Session};
pub use solution::{Change, Chosen, Reason, Solution};
pub use solver::solve;
