//! What crosses a wire: the agent protocol, the REST documents, and the list of operations behind them.
//!
//! The server implements [`Operations`]; the REST API and both UIs only call it; the command line and agents speak
//! the documents. So what the UI can do, the API can do.
//!
//! Invariants: documents are additive (new fields have defaults); a list is an array of objects whose first key is
//! the thing's name; times are RFC 3339 in UTC; sizes are bytes.

pub mod account;
pub mod agent;
pub mod bundle;
pub mod check;
pub mod error;
pub mod health;
pub mod host;
pub mod live;
mod operations;
pub mod rollout;

pub use account::{Actor, Role};
pub use error::{ApiError, ErrorKind};
pub use operations::Operations;

/// The result of every operation.
pub type ApiResult<T> = Result<T, ApiError>;
