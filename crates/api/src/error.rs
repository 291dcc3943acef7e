//! The one error document: what happened, why, what to do, and a stable code.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The sort of error; it decides the HTTP status and the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// 400: the request makes no sense as it is.
    Invalid,
    /// 401: nobody is signed in.
    Unauthenticated,
    /// 403: the role does not allow it.
    Forbidden,
    /// 404: there is no such thing.
    NotFound,
    /// 409: the state of the thing forbids it.
    Conflict,
    /// 413: too large.
    TooLarge,
    /// 429: too often.
    TooMany,
    /// 503: not now.
    Unavailable,
    /// 500: our fault.
    Internal,
}

impl ErrorKind {
    /// HTTP status.
    pub fn status(self) -> u16 {
        match self {
            Self::Invalid => 400,
            Self::Unauthenticated => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::Conflict => 409,
            Self::TooLarge => 413,
            Self::TooMany => 429,
            Self::Internal => 500,
            Self::Unavailable => 503,
        }
    }
}

/// What every refused request answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    /// Sort of error.
    pub kind: ErrorKind,
    /// Stable code (`host.unknown`).
    pub code: String,
    /// What happened, to what, why.
    pub message: String,
    /// What to do.
    #[serde(default)]
    pub hint: Option<String>,
    /// The request's id, to find it in the log.
    #[serde(default)]
    pub request: Option<String>,
}

impl ApiError {
    /// An error without a hint.
    pub fn new(kind: ErrorKind, code: &str, message: impl Into<String>) -> Self {
        Self {
            kind,
            code: code.to_owned(),
            message: message.into(),
            hint: None,
            request: None,
        }
    }

    /// There is no such thing.
    pub fn not_found(code: &str, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotFound, code, message)
    }

    /// The request makes no sense.
    pub fn invalid(code: &str, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, code, message)
    }

    /// The same, with what to do.
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
