//! The rows that a rollout is kept in: one header, one record per delivery.

use escadre_model::{
    BundleRef, DeliveryId, HostId, RolloutId, Timestamp,
    delivery::{DeliveryState, Refusal, RolloutState},
};
use serde::{Deserialize, Serialize};

use super::{Gate, Window};
use crate::{
    ocs_code,
    report::{Progress, Wish},
};

/// The rollout without its deliveries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Its id.
    pub id: RolloutId,
    /// What is shipped.
    pub bundle: BundleRef,
    /// When.
    pub window: Window,
    /// Its stages, in order.
    pub stages: Vec<StageHeader>,
    /// Where it stands.
    pub state: RolloutState,
    /// Why it is paused, held or aborted.
    pub reason: String,
    /// When it was made.
    pub created: Timestamp,
    /// When its last delivery became final.
    pub finished: Option<Timestamp>,
}

/// A stage without its deliveries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageHeader {
    /// For people.
    pub name: String,
    /// Its gate.
    pub gate: Gate,
    /// Its hosts have their orders.
    pub open: bool,
    /// A person let the rollout go on although the gate had failed.
    pub overridden: bool,
}

/// One delivery as the server knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Its id.
    pub delivery: DeliveryId,
    /// To whom.
    pub host: HostId,
    /// Index of its stage.
    pub stage: u32,
    /// Where it stands.
    pub state: DeliveryState,
    /// Since when: by the host's clock what it told, by the server's what the server decided.
    pub since: Timestamp,
    /// Number of the last report that counted; 0 for none.
    pub sequence: u64,
    /// The order that its host has; none before and after.
    pub wish: Option<Wish>,
    /// The server decided the end because the host is silent; its own report would correct it.
    pub presumed: bool,
    /// Its host was taken out; it counts at no gate.
    pub removed: bool,
    /// How far its fetch is.
    pub progress: Option<Progress>,
    /// How the action ended.
    pub ending: Option<Ending>,
    /// Why it was refused.
    pub refusal: Option<Refusal>,
    /// A sentence for people.
    pub message: String,
}

/// How an action ended; what it printed is in the store, not here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// Exit code.
    pub exit_code: Option<i32>,
    /// How often it was begun.
    pub attempts: u32,
}

impl Record {
    /// The state in OCS's words.
    pub fn ocs_code(&self) -> String {
        ocs_code(
            self.state,
            self.ending.and_then(|ending| ending.exit_code),
            self.refusal.as_ref(),
        )
    }
}
