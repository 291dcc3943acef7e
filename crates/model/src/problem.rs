//! What is wrong with an input, said to the person who wrote it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What to do about an error: one sentence or one command, shown after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hint(pub String);

/// How much a [`Problem`] matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Accepted, perhaps not what was meant.
    Warning,
    /// Refused.
    Error,
}

/// One problem of an input, with its place. Readers of other people's formats return all of them, beside the value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Warning or error.
    pub severity: Severity,
    /// The file, as the person named it; empty for text that came from elsewhere.
    pub file: String,
    /// Line, from 1; 0 where there is none.
    pub line: u32,
    /// Column in characters, from 1; 0 where there is none.
    pub column: u32,
    /// A stable word to look for in the documentation (`rpmsrate.unclosed-quote`).
    pub code: String,
    /// What is wrong: a lower-case fragment.
    pub message: String,
    /// What to do, if we know.
    pub hint: Option<Hint>,
}

impl Problem {
    /// A problem of a line.
    pub fn new(
        severity: Severity,
        file: &str,
        line: u32,
        code: &str,
        message: impl Into<String>,
    ) -> Self {
        Self {
            severity,
            file: file.to_owned(),
            line,
            column: 0,
            code: code.to_owned(),
            message: message.into(),
            hint: None,
        }
    }

    /// The same, with the column.
    pub fn at_column(mut self, column: u32) -> Self {
        self.column = column;
        self
    }

    /// The same, with what to do.
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(Hint(hint.into()));
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.file.is_empty() {
            write!(f, "{}:", self.file)?;
        }
        if self.line > 0 {
            write!(f, "{}:", self.line)?;
        }
        if self.column > 0 {
            write!(f, "{}:", self.column)?;
        }
        let word = match self.severity {
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        write!(f, " {word}: {} [{}]", self.message, self.code)?;
        if let Some(hint) = &self.hint {
            write!(f, "\n  {}", hint.0)?;
        }
        Ok(())
    }
}
