//! What just changed, for pages and `--wait`: a hint to look again, never the data itself.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Something changed. A reader that missed some (`Lagged`) looks at everything again.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", tag = "what")]
pub enum LiveEvent {
    /// A host or one of its checks changed.
    Host {
        /// Name.
        name: String,
    },
    /// A rollout or one of its deliveries changed.
    Rollout {
        /// Id.
        id: String,
    },
    /// A bundle came, went or was signed; an upload went on.
    Bundle {
        /// `name@version`.
        name: String,
    },
    /// Users, tokens or settings changed.
    Account,
    /// Events were lost: look at everything again.
    Lagged,
}
