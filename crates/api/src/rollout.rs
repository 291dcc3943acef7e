//! Documents about rollouts and deliveries.

use std::collections::BTreeMap;

use escadre_model::{
    BundleRef, DeliveryId, RolloutId, Timestamp,
    delivery::{DeliveryState, Refusal, RolloutState},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::agent::{Outcome, Progress};

/// A rollout to be made.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RolloutNew {
    /// `name@version`.
    #[schema(value_type = String)]
    pub bundle: BundleRef,
    /// Who, in the query language. The hosts are fixed when the rollout is made.
    pub to: String,
    /// Hosts to leave out although the query names them.
    #[serde(default)]
    pub except: Vec<String>,
    /// Not before.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub not_before: Option<Timestamp>,
    /// Not begun after.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub expires: Option<Timestamp>,
    /// For people.
    #[serde(default)]
    pub note: String,
}

/// Who would get it and who would not, before anything is made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RolloutPreview {
    /// Names of hosts that would get it.
    pub included: Vec<String>,
    /// Hosts that the query names and that would not get it, with the reason.
    pub excluded: Vec<Excluded>,
    /// Hosts that the query does not name.
    pub not_matched: Vec<String>,
    /// Bytes of content for one host that has nothing of it.
    pub bytes_per_host: u64,
}

/// A host that is left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Excluded {
    /// Name.
    pub name: String,
    /// Why, in a sentence.
    pub reason: String,
    /// Stable code of the reason (`excepted`, `wrong_target`, `already_has`, `in_progress`).
    pub code: String,
}

/// A rollout in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RolloutSummary {
    /// The bundle's name and version and a number: `hello@1.0#3`.
    pub name: String,
    /// Id.
    #[schema(value_type = String)]
    pub id: RolloutId,
    /// Which bundle.
    #[schema(value_type = String)]
    pub bundle: BundleRef,
    /// State.
    #[schema(value_type = String)]
    pub state: RolloutState,
    /// Why it is held, paused or aborted.
    pub reason: String,
    /// The query.
    pub to: String,
    /// Deliveries in each state (keys: words of delivery states; absent means 0).
    pub counts: BTreeMap<String, u32>,
    /// Deliveries in all.
    pub total: u32,
    /// Bytes that its hosts have, of all that they want.
    pub have: u64,
    /// See `have`.
    pub wanted: u64,
    /// Who made it.
    pub by: String,
    /// When.
    #[schema(value_type = String)]
    pub created: Timestamp,
    /// Not before.
    #[schema(value_type = Option<String>)]
    pub not_before: Option<Timestamp>,
    /// Not begun after.
    #[schema(value_type = Option<String>)]
    pub expires: Option<Timestamp>,
    /// When its last delivery became final.
    #[schema(value_type = Option<String>)]
    pub finished: Option<Timestamp>,
    /// For people.
    pub note: String,
}

/// A delivery.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Delivery {
    /// Name of the host.
    pub host: String,
    /// Id.
    #[schema(value_type = String)]
    pub id: DeliveryId,
    /// Rollout.
    #[schema(value_type = String)]
    pub rollout: RolloutId,
    /// Bundle.
    #[schema(value_type = String)]
    pub bundle: BundleRef,
    /// State.
    #[schema(value_type = String)]
    pub state: DeliveryState,
    /// The same in OCS's words (`NOTIFIED`, `SUCCESS`, `EXIT_CODE_1`, …).
    pub ocs_code: String,
    /// Since when.
    #[schema(value_type = String)]
    pub since: Timestamp,
    /// How far its fetch is.
    #[schema(value_type = Option<Object>)]
    pub progress: Option<Progress>,
    /// What running the action gave.
    #[schema(value_type = Option<Object>)]
    pub outcome: Option<Outcome>,
    /// Why it was refused.
    #[schema(value_type = Option<Object>)]
    pub refusal: Option<Refusal>,
    /// A sentence for people.
    pub message: String,
    /// Every step it took.
    #[serde(default)]
    pub steps: Vec<DeliveryStep>,
}

/// A step of a delivery.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DeliveryStep {
    /// When, by the host's clock.
    #[schema(value_type = String)]
    pub at: Timestamp,
    /// Into which state.
    #[schema(value_type = String)]
    pub state: DeliveryState,
    /// A sentence for people.
    pub message: String,
}

/// Which deliveries are wanted.
#[derive(Debug, Default, Clone, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct DeliveryFilter {
    /// Of this rollout.
    #[schema(value_type = Option<String>)]
    pub rollout: Option<RolloutId>,
    /// Of this host, by name.
    pub host: Option<String>,
    /// Only failures.
    pub failed: bool,
    /// At most so many, newest first.
    pub limit: Option<u32>,
}
