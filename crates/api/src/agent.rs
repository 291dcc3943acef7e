//! The agent protocol, version 1: JSON over HTTPS on the agent port. An agent is who its certificate says.
//!
//! | request | who | what |
//! |---|---|---|
//! | `POST /agent/v1/enrol` | a bearer of an enrolment token | [`Enrol`] → [`Enrolled`] |
//! | `POST /agent/v1/renew` | an agent | [`Renew`] → [`Renewed`] |
//! | `POST /agent/v1/contact` | an agent | [`Contact`] → [`Orders`] |
//! | `GET /agent/v1/wait?revision=N` | an agent | answers when the orders are no longer revision N (200) or after 55 s (204) |
//! | `GET /agent/v1/trust/FILE` | an agent | trust metadata and manifests (TUF names) |
//! | `GET /agent/v1/chunks/HASH` | an agent | a chunk as stored: zstd; the name is the BLAKE3 of the content |
//!
//! Everything an agent sends carries a sequence number of its own that rises without holes; the server answers up to
//! which one it has stored. So whatever is lost, doubled or delayed on the way, each result and each report counts once.
//!
//! A server that was put back from an older copy has stored less than it once acknowledged, and the agent has let go of
//! what was acknowledged. So the agent says from which number on it still holds everything
//! ([`Contact::results_from`], [`Contact::reports_from`]); a server that has stored less takes what lies between as lost
//! and goes on behind it. A hole above that number is none to be skipped: the agent fills it.

use escadre_model::{
    BundleRef, CheckName, DeliveryId, HostId, RolloutId, Timestamp,
    check::{CheckDefinition, CheckResult},
    delivery::{DeliveryState, Refusal},
    inventory::Inventory,
};
use serde::{Deserialize, Serialize};

/// First words of a machine.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Enrol {
    /// The secret part of an enrolment token.
    pub token: String,
    /// Certificate signing request, PEM. The key stays with the agent.
    pub csr: String,
    /// Name of the machine.
    pub hostname: String,
    /// Version of the agent.
    pub agent_version: String,
}

/// The answer to a good token.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Enrolled {
    /// Who the machine is from now on.
    pub host: HostId,
    /// Its name here (the hostname, with a number if that was taken).
    pub name: String,
    /// Its certificate, PEM.
    pub certificate: String,
    /// The installation's CA, PEM; its fingerprint must be the token's.
    pub ca: String,
    /// Trusted root metadata; its fingerprint must be the token's.
    pub root: String,
}

/// A certificate before its end.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Renew {
    /// Certificate signing request, PEM.
    pub csr: String,
}

/// The next certificate.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Renewed {
    /// PEM.
    pub certificate: String,
}

/// What an agent has to say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Contact {
    /// The agent's clock when it sent this.
    pub sent: Timestamp,
    /// Version of the agent.
    pub agent_version: String,
    /// Revision of the orders that it has; 0 for none.
    pub revision: u64,
    /// Its inventory, when it changed since the last one that was taken.
    #[serde(default)]
    pub inventory: Option<Box<Inventory>>,
    /// Results of checks, oldest first.
    #[serde(default)]
    pub results: Vec<NumberedResult>,
    /// What became of deliveries, oldest first.
    #[serde(default)]
    pub reports: Vec<DeliveryReport>,
    /// Number of the oldest result that the agent still holds, or of the next one that it will have. A server has
    /// acknowledged all below, and they are gone for good. An agent that does not say it has every hole refused.
    #[serde(default)]
    pub results_from: Option<u64>,
    /// The same of reports.
    #[serde(default)]
    pub reports_from: Option<u64>,
}

/// A result with its number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NumberedResult {
    /// Rising without holes over all results of this agent since enrolment.
    pub sequence: u64,
    /// Which check.
    pub check: CheckName,
    /// What it gave.
    pub result: CheckResult,
}

/// A step of a delivery.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeliveryReport {
    /// Rising without holes over all reports of this agent since enrolment.
    pub sequence: u64,
    /// Which delivery.
    pub delivery: DeliveryId,
    /// Where it stands.
    pub state: DeliveryState,
    /// Since when, by the agent's clock.
    pub at: Timestamp,
    /// Bytes of content here of all that the bundle wants, while fetching.
    #[serde(default)]
    pub progress: Option<Progress>,
    /// What running the action gave, once it ran.
    #[serde(default)]
    pub outcome: Option<Outcome>,
    /// Why it was refused.
    #[serde(default)]
    pub refusal: Option<Refusal>,
    /// A sentence for people.
    #[serde(default)]
    pub message: String,
}

/// How far a fetch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Bytes here (those that were here before included).
    pub have: u64,
    /// Bytes in all.
    pub total: u64,
    /// Bytes that came over the wire.
    pub fetched: u64,
}

/// What running an action gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Exit code; none when a signal ended it.
    pub exit_code: Option<i32>,
    /// The end of what it printed (both streams), at most 64 KiB.
    pub output: String,
    /// How long it ran, in milliseconds.
    pub duration_ms: u64,
    /// How often it was begun (more than one only for repeatable bundles).
    pub attempts: u32,
}

/// What the server wants.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Orders {
    /// Number of these orders; it changes when anything below does.
    pub revision: u64,
    /// Epoch of the owner who gives them. An agent refuses a lower one than it has seen.
    pub epoch: u64,
    /// The server's clock.
    pub now: Timestamp,
    /// Seconds until the next contact if nothing happens before.
    pub contact_every_s: u32,
    /// The server wants a whole inventory.
    #[serde(default)]
    pub want_inventory: bool,
    /// Results stored up to this number.
    pub results_stored: u64,
    /// Reports stored up to this number.
    pub reports_stored: u64,
    /// Checks to run; none when they are as in the revision which the agent has.
    #[serde(default)]
    pub checks: Option<Vec<CheckDefinition>>,
    /// Checks to run at once.
    #[serde(default)]
    pub run_now: Vec<CheckName>,
    /// Every delivery that is not final, as wanted now.
    #[serde(default)]
    pub deliveries: Vec<DeliveryOrder>,
}

/// A delivery as it is wanted. It names a bundle and no more: what may run is in the publisher's manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryOrder {
    /// Which delivery.
    pub id: DeliveryId,
    /// Of which rollout.
    pub rollout: RolloutId,
    /// Which bundle.
    pub bundle: BundleRef,
    /// Not before.
    #[serde(default)]
    pub not_before: Option<Timestamp>,
    /// Not begun after.
    #[serde(default)]
    pub expires: Option<Timestamp>,
    /// Go on, wait, or do not begin.
    pub wish: Wish,
}

/// What the server wishes of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wish {
    /// Fetch and apply.
    Go,
    /// Fetch nothing more, begin nothing; what runs ends.
    Hold,
    /// Never begin; what runs ends.
    Cancel,
}
