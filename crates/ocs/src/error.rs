//! Why a message as a whole is refused; what is odd inside a good one is a [`escadre_model::Problem`].

use std::io;

/// A message that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum OcsError {
    /// The compressed body is damaged or cut.
    #[error("inflate the body: {0}")]
    Inflate(#[source] io::Error),
    /// Larger than any real one.
    #[error("{what} is larger than {limit} bytes")]
    Oversized {
        /// What is too large.
        what: &'static str,
        /// The bound.
        limit: usize,
    },
    /// Neither UTF-8 nor an encoding that we know.
    #[error("text in the unknown encoding `{0}`; OCS agents send UTF-8")]
    Encoding(String),
    /// The XML cannot be followed to its end.
    #[error("malformed XML in line {line}: {message}")]
    Malformed {
        /// Line, from 1.
        line: u32,
        /// What the XML reader said.
        message: String,
    },
    /// A document type: agents never send one, and entities are a known weapon.
    #[error("a document type in line {line}; no agent sends one")]
    DocumentType {
        /// Line, from 1.
        line: u32,
    },
    /// The root element is not that of an agent's message.
    #[error("the root element is `{0}`, not `REQUEST`: no message of an OCS agent")]
    NotARequest(String),
    /// Another message than an inventory, or none that says what it is.
    #[error("the message is a `{0}`, not an `INVENTORY`")]
    NotAnInventory(String),
    /// No identifier, or not `NAME-YYYY-MM-DD-HH-MM-SS`.
    #[error("the DEVICEID `{0}` is not of the form NAME-YYYY-MM-DD-HH-MM-SS")]
    DeviceId(String),
}
