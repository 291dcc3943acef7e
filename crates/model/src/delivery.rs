//! The vocabulary of shipping: states of rollouts and deliveries, refusals. The rules are in `rollout`.

use serde::{Deserialize, Serialize};

/// Where one bundle on one host stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Ordered; the host has not heard of it.
    Assigned,
    /// The host has it.
    Notified,
    /// The user of the host put it off.
    Postponed,
    /// Chunks are coming.
    Fetching,
    /// Signature, manifest and every chunk are verified on the host.
    Verified,
    /// The action is running.
    Applying,
    /// The action ended well; its effect is being observed.
    Observing,
    /// Done, as observed.
    Succeeded,
    /// Not done, or done badly; the result says why.
    Failed,
    /// The host was lost (crash, power) in the middle of the action, which may not be repeated.
    Interrupted,
    /// Refused before anything was run; the result holds the [`Refusal`].
    Refused,
    /// Called back before it was run.
    Cancelled,
    /// Its time ran out before it was run.
    Expired,
    /// Undone after it had been applied.
    Undone,
}

impl DeliveryState {
    /// All states, in the order of a delivery's life.
    pub const ALL: [Self; 14] = [
        Self::Assigned,
        Self::Notified,
        Self::Postponed,
        Self::Fetching,
        Self::Verified,
        Self::Applying,
        Self::Observing,
        Self::Succeeded,
        Self::Failed,
        Self::Interrupted,
        Self::Refused,
        Self::Cancelled,
        Self::Expired,
        Self::Undone,
    ];

    /// Nothing more will happen to it.
    pub fn is_final(self) -> bool {
        self >= Self::Succeeded
    }

    /// Final, and not what was wanted.
    pub fn is_failure(self) -> bool {
        matches!(
            self,
            Self::Failed | Self::Interrupted | Self::Refused | Self::Expired
        )
    }

    /// The stable word used in JSON, CSS classes and message keys.
    pub fn word(self) -> &'static str {
        match self {
            Self::Assigned => "assigned",
            Self::Notified => "notified",
            Self::Postponed => "postponed",
            Self::Fetching => "fetching",
            Self::Verified => "verified",
            Self::Applying => "applying",
            Self::Observing => "observing",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
            Self::Refused => "refused",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Undone => "undone",
        }
    }
}

/// Where a rollout stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RolloutState {
    /// Created, waiting for its time.
    Scheduled,
    /// Going on.
    Running,
    /// Stopped by a person; what runs on a host ends there, nothing new begins.
    Paused,
    /// Stopped by itself at a gate; the reason is with it.
    Held,
    /// Stopped for good; deliveries that had not begun are cancelled.
    Aborted,
    /// Every delivery is final.
    Finished,
}

impl RolloutState {
    /// The stable word used in JSON, CSS classes and message keys.
    pub fn word(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Held => "held",
            Self::Aborted => "aborted",
            Self::Finished => "finished",
        }
    }
}

/// Why an agent refuses to apply a bundle. The code is stable; the sentence is for people.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case", tag = "code")]
pub enum Refusal {
    /// A signature does not verify, or too few do.
    #[error("the signature of the publisher does not verify: {detail}")]
    BadSignature {
        /// What failed.
        detail: String,
    },
    /// Signed by a key that this agent does not trust.
    #[error("signed by a publisher whom this host does not know: {key}")]
    UnknownPublisher {
        /// The key's id.
        key: String,
    },
    /// Trust metadata or the bundle is past its expiry.
    #[error("{what} expired on {at}")]
    Expired {
        /// What expired (`timestamp`, `bundle`, …).
        what: String,
        /// When.
        at: String,
    },
    /// The bundle's conditions exclude this host.
    #[error("this host is not one that the bundle is made for: {condition}")]
    WrongTarget {
        /// The condition that failed.
        condition: String,
    },
    /// A chunk or the manifest is not what its hash says, or is cut short.
    #[error("{what} was altered or cut short on the way")]
    Corrupt {
        /// Which.
        what: String,
    },
    /// Content that could harm the host outside of its folder, or without end.
    #[error("the content is not safe to unpack: {detail}")]
    UnsafeContent {
        /// Which entry and why.
        detail: String,
    },
    /// Not enough room.
    #[error("{needed} bytes are needed on {mount}, {free} are free")]
    NoSpace {
        /// Bytes wanted.
        needed: u64,
        /// Bytes there.
        free: u64,
        /// File system.
        mount: String,
    },
    /// Older than a version this host has already seen, and the bundle does not allow it.
    #[error("version {offered} is older than {seen}, which this host has already had")]
    Downgrade {
        /// Offered now.
        offered: String,
        /// Newest seen.
        seen: String,
    },
    /// The trust metadata itself goes back in time (rollback), stands still (freeze) or does not fit together.
    #[error("the trust metadata is not acceptable: {detail}")]
    Metadata {
        /// What failed.
        detail: String,
    },
}

impl Refusal {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::BadSignature { .. } => "bad_signature",
            Self::UnknownPublisher { .. } => "unknown_publisher",
            Self::Expired { .. } => "expired",
            Self::WrongTarget { .. } => "wrong_target",
            Self::Corrupt { .. } => "corrupt",
            Self::UnsafeContent { .. } => "unsafe_content",
            Self::NoSpace { .. } => "no_space",
            Self::Downgrade { .. } => "downgrade",
            Self::Metadata { .. } => "metadata",
        }
    }
}
