//! Runs a recorded case: inputs of an installation, the answers that were given, and what came of it.
//!
//! A case is a JSON object; [`replay`] gives a JSON object with the fields of the operations that the case names, and
//! always `log`. Files are read by the caller, who also decompresses them.

mod case;
mod output;
pub(crate) mod recorded_order;
mod run;
mod script;

use serde_json::Value;

pub use case::{Case, CaseError};

/// Gives the content of a file that a case names, if there is such a file.
pub type Files<'a> = dyn Fn(&str) -> Option<Vec<u8>> + 'a;

/// Runs a case.
pub fn replay(case: &Case, files: &Files<'_>) -> Value {
    run::Run::new(case, files).run()
}
