//! Trust metadata by TUF: who may say what runs, how an agent knows, and how it notices when it is lied to.
//!
//! The four roles of The Update Framework (specification 1.0), with these holders:
//!
//! | role | signed by | says | lives |
//! |---|---|---|---|
//! | root | publishers, by threshold | who the publishers are, how many must agree, which online keys count | 2 years |
//! | targets | publishers, by threshold | which bundles exist: length and SHA-256 of each manifest | 1 year |
//! | snapshot | the server | which targets metadata is current | 7 days |
//! | timestamp | the server | which snapshot is current | 3 days |
//!
//! The library `tough` gives the data model, the canonical form, signature verification and the client's workflow. Three
//! things are ours, each for a reason: the clock and the durable store of the agent (see `agent`), the split of signing
//! between machines that never meet (`tough`'s editor wants all keys at once), and the publisher's memory (`followed`),
//! without which a server that was taken over could have a publisher sign what it never read.
//!
//! One publisher's key may serve several installations. Each has a name in its roots and lists (`installation`), so that
//! nothing signed for one counts in another, and a memory of its own with the publisher.
//!
//! Absent on purpose: delegations. Everything that a publisher may say stands in one list.

mod agent;
mod document;
mod folder;
mod followed;
mod installation;
mod keys;
mod names;
mod online;
mod publisher;
mod refusal;
mod root;
mod targets;
mod transport;

pub use agent::{AgentTrust, ManifestEntry, TrustedView};
pub use document::Lifetimes;
pub use folder::{MetadataFolder, TrustStatus};
pub use keys::{Fingerprint, PublicKey};
pub use online::{OnlineKeys, OnlinePublicKeys};
pub use publisher::Publisher;
pub use refusal::UpdateError;
pub use root::{RootPlan, RootSummary, is_complete_root};
pub use targets::{TargetChange, changes, is_complete_targets, manifest_file};
pub use transport::{FetchError, TrustTransport};
