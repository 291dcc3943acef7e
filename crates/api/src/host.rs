//! Documents about hosts.

use escadre_model::{HostId, Timestamp, check::CheckState, inventory::Inventory};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A host in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HostSummary {
    /// Name, unique.
    pub name: String,
    /// Id.
    #[schema(value_type = String)]
    pub id: HostId,
    /// `up`, `down`, or `pending`.
    pub state: HostState,
    /// Nothing fresh is known: whatever the state says is old.
    pub stale: bool,
    /// Since when the state is as it is.
    #[schema(value_type = Option<String>)]
    pub since: Option<Timestamp>,
    /// Worst state among its checks.
    #[schema(value_type = String)]
    pub worst: CheckState,
    /// Hard problems among its checks, the host itself included.
    pub problems: u32,
    /// Site; empty for none.
    pub site: String,
    /// Tags.
    pub tags: Vec<String>,
    /// Operating system for people (`Debian GNU/Linux 12 (bookworm)`).
    pub os: String,
    /// Architecture.
    pub arch: String,
    /// Addresses with prefix (`10.0.0.4/24`).
    pub addresses: Vec<String>,
    /// Version of its agent.
    pub agent_version: String,
    /// Last word from its agent.
    #[schema(value_type = Option<String>)]
    pub last_contact: Option<Timestamp>,
    /// Enrolled.
    #[schema(value_type = String)]
    pub created: Timestamp,
}

/// State of a host as such.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum HostState {
    /// Answers.
    Up,
    /// Does not.
    Down,
    /// Not known yet.
    Pending,
}

impl HostState {
    /// The stable word used in JSON, CSS classes and message keys.
    pub fn word(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::Pending => "pending",
        }
    }
}

/// A host with all that is known of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HostDetail {
    /// As in the list.
    #[serde(flatten)]
    pub summary: HostSummary,
    /// Its inventory.
    #[schema(value_type = Object)]
    pub inventory: Inventory,
    /// Until when its certificate is valid.
    #[schema(value_type = Option<String>)]
    pub certificate_expires: Option<Timestamp>,
    /// Notes of a person.
    pub notes: String,
}

/// Which hosts are wanted.
#[derive(Debug, Default, Clone, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct HostFilter {
    /// In the query language; empty: all.
    pub query: String,
    /// Only names after this one (for the next page).
    pub after: Option<String>,
    /// At most so many (all when absent).
    pub limit: Option<u32>,
}

/// What may be changed of a host; absent fields stay.
#[derive(Debug, Default, Clone, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct HostEdit {
    /// New site.
    pub site: Option<String>,
    /// New tags.
    pub tags: Option<Vec<String>>,
    /// New notes.
    pub notes: Option<String>,
}

/// One event of a host's time line: all planes in one order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TimelineEntry {
    /// When.
    #[schema(value_type = String)]
    pub at: Timestamp,
    /// `check`, `delivery`, `inventory`, `host`, `audit`.
    pub kind: String,
    /// What it is about: check name, bundle, package.
    pub subject: String,
    /// Stable word of the new state (`critical`, `succeeded`, `changed`, …).
    pub state: String,
    /// A sentence.
    pub text: String,
    /// Id of the delivery or rollout it belongs to, if any.
    pub link: Option<String>,
}
