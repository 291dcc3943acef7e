//! Everything cryptographic: the installation's CA and TLS, trust metadata by TUF, passwords and tokens.
//!
//! Invariants:
//! - Nowhere else in the workspace is a key made, a signature checked or a TLS configuration built.
//! - Two trusts that never meet. The **installation CA** says *who speaks* (server, agents); its keys live on the
//!   server. The **publishers** say *what may run* (TUF roles root and targets); their keys are no secret of the
//!   server. The server holds only the TUF roles snapshot and timestamp: with all its keys one can delay, not execute.
//! - The time is an argument. Only `rustls` reads the clock by itself, for the validity of certificates.
//! - Secrets are zeroed when dropped, never printed, and written only to files of their owner.
//!
//! Absent on purpose: what a manifest says (crate `bundle`; here it is bytes), where tokens and password hashes are
//! kept (crate `store`), HTTP (the agent and the server bring their own).

pub mod authority;
pub mod enrolment;
mod error;
pub mod identity;
pub mod metadata;
pub mod password;
pub mod renewal;
pub mod secret;
pub mod tls;
pub mod token;

pub use authority::{Authority, Credentials, ServerNames};
pub use enrolment::EnrolmentText;
pub use error::TrustError;
pub use identity::{AgentKey, PeerIdentity};
pub use metadata::{
    AgentTrust, FetchError, Fingerprint, Lifetimes, MetadataFolder, OnlineKeys, PublicKey,
    Publisher, RootPlan, TrustTransport, TrustedView, UpdateError,
};
pub use secret::SecretString;
pub use token::{Token, TokenDigest, TokenKind};
