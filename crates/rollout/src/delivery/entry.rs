//! What stands in the journal.

use std::collections::{BTreeMap, VecDeque};

use escadre_model::{BundleRef, DeliveryId, RolloutId, Timestamp, delivery::DeliveryState};
use serde::{Deserialize, Serialize};

use crate::report::{Report, Wish};

/// One entry. A ledger is the fold of its entries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// All that the entries before it said; the first of a compacted journal.
    Snapshot(Box<Kept>),
    /// Orders of this epoch came: lower ones are refused from now on.
    Epoch(u64),
    /// A delivery is ordered, or ordered otherwise than before.
    Ordered(Order),
    /// A delivery takes a step, and this is the report of it. For a step that has an effect on the host it is the *intent*.
    Step {
        /// To be sent until the server has stored it.
        report: Report,
        /// What the manifest says of it, once it is verified.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        terms: Option<Terms>,
    },
    /// The server has stored all reports up to this number.
    Stored(u64),
    /// The server has stored numbers that this journal does not know (it came from a backup): reports go on from here.
    Renumbered {
        /// Number of the first report that is not stored.
        first: u64,
    },
}

/// A delivery as the server wants it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Which delivery.
    pub id: DeliveryId,
    /// Of which rollout.
    pub rollout: RolloutId,
    /// Which bundle.
    pub bundle: BundleRef,
    /// Not before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
    /// Not begun after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// Go on, wait, or do not begin.
    pub wish: Wish,
}

/// What a verified manifest says that the life of its delivery depends on.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// Hash of the manifest's bytes: what was verified is what is applied, also after a crash.
    pub manifest: String,
    /// Safe to run again after it was interrupted.
    pub repeatable: bool,
    /// Accepted although a newer version was seen.
    pub allow_downgrade: bool,
    /// Refused from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
}

/// Everything that a journal says, folded.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Kept {
    /// Highest epoch seen.
    pub epoch: u64,
    /// Number of the last report.
    pub last: u64,
    /// The server has stored all up to this number.
    pub stored: u64,
    /// Deliveries that have not ended, in the order in which they came.
    pub lives: Vec<KeptLife>,
    /// Reports that the server has not stored yet, oldest first.
    pub unsent: VecDeque<Report>,
    /// Highest verified version by bundle name.
    pub seen: BTreeMap<String, String>,
    /// How the latest deliveries ended, and the number of the report of it.
    pub ended: BTreeMap<DeliveryId, (u64, DeliveryState)>,
}

/// A delivery that has not ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptLife {
    /// What is wanted.
    pub order: Order,
    /// Where it stands.
    pub state: DeliveryState,
    /// Times that the action was begun.
    pub attempts: u32,
    /// What the verified manifest says.
    pub terms: Option<Terms>,
}
