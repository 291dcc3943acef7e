//! What server and agent tell each other of one delivery. The wire has the same shapes (`api::agent`).

use escadre_model::{
    DeliveryId, Timestamp,
    delivery::{DeliveryState, Refusal},
};
use serde::{Deserialize, Serialize};

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

/// A step of a delivery, as the agent tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Rising without holes over all reports of the agent.
    pub sequence: u64,
    /// Which delivery.
    pub delivery: DeliveryId,
    /// Where it stands.
    pub state: DeliveryState,
    /// Since when, by the agent's clock.
    pub at: Timestamp,
    /// How far its fetch is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
    /// What running the action gave, once it ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// Why it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Refusal>,
    /// A sentence for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
}

/// How far a fetch is.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Bytes here (those that were here before included).
    pub have: u64,
    /// Bytes in all.
    pub total: u64,
    /// Bytes that came over the wire.
    pub fetched: u64,
}

/// What running an action gave.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Exit code; none when a signal or a time-out ended it, or when the end was not seen.
    pub exit_code: Option<i32>,
    /// The end of what it printed, at most 64 KiB.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub output: String,
    /// How long it ran, in milliseconds.
    pub duration_ms: u64,
    /// How often it was begun.
    pub attempts: u32,
}
