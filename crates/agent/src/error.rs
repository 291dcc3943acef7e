//! What makes an agent stop or an enrolment fail, named by the failed step.

use std::{
    io,
    path::{Path, PathBuf},
};

use escadre_blobs::BlobError;
use escadre_trust::{TrustError, UpdateError};

/// The failed step.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The system said no.
    #[error("cannot {step} {}: {source}", path.display())]
    Io {
        /// What was tried.
        step: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file of the state folder is not what it should be.
    #[error("{} is damaged: {detail}", path.display())]
    Damaged {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// Another agent works on the same state.
    #[error("another agent runs on {}; stop it first", .0.display())]
    InUse(PathBuf),
    /// This machine has no certificate yet.
    #[error("{} holds no enrolled agent; run `escadre agent enrol` first", .0.display())]
    NotEnrolled(PathBuf),
    /// It has one already.
    #[error("this machine is enrolled already as {name} at {server}; to begin anew, move {} away", path.display())]
    AlreadyEnrolled {
        /// As whom.
        name: String,
        /// Where.
        server: String,
        /// The state folder.
        path: PathBuf,
    },
    /// The server's address cannot be used.
    #[error("`{0}` is no address of a server; wants HOST:PORT")]
    Address(String),
    /// The server did not answer as it should.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// A key, a certificate or the token.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The first trust metadata.
    #[error("the publishers' root is not accepted: {0}")]
    Root(UpdateError),
    /// The server's CA is not the one of the enrolment text.
    #[error(
        "the server hands out another CA than the enrolment text names; somebody may be in between"
    )]
    Authority,
    /// The kernel gives no timer.
    #[error("the kernel's timer: {0}")]
    Timer(io::Error),
    /// The chunk cache.
    #[error("the chunk cache: {0}")]
    Blobs(#[from] BlobError),
}

/// Why a request to the server failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LinkError {
    /// No answer.
    #[error("{server} does not answer: {reason}")]
    Unreachable {
        /// Which server.
        server: String,
        /// Why.
        reason: String,
    },
    /// An answer that is no success.
    #[error("{server} answers {status}: {message}")]
    Status {
        /// Which server.
        server: String,
        /// HTTP status.
        status: u16,
        /// The server's sentence, cut short.
        message: String,
    },
    /// An answer that is not of the protocol.
    #[error("{server} answers something that is not understood: {reason}")]
    Answer {
        /// Which server.
        server: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// Gives a system's error its step and path.
pub(crate) trait At<T> {
    fn at(self, step: &'static str, path: impl AsRef<Path>) -> Result<T, AgentError>;
}

impl<T, E: Into<io::Error>> At<T> for Result<T, E> {
    fn at(self, step: &'static str, path: impl AsRef<Path>) -> Result<T, AgentError> {
        self.map_err(|error| AgentError::Io {
            step,
            path: path.as_ref().to_owned(),
            source: error.into(),
        })
    }
}
