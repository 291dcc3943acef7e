//! What the engine wants done: rows to store, lines of history, people to tell, checks to run.

use escadre_model::check::{CheckState, StateKind};
use escadre_model::{CheckName, HostId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::Downtime;

/// What the engine wants done, in this order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// The row of this check is new: read it with [`crate::Engine::status`], store it, show it.
    Updated {
        /// The host.
        host: HostId,
        /// The check.
        check: CheckName,
    },
    /// The state changed, soft or hard (Nagios's ALERT line).
    StateChanged(StateChange),
    /// A hard problem began, from a hard ok.
    ProblemBegan(StateChange),
    /// A hard problem ended.
    Recovered(StateChange),
    /// Nothing fresh is known any more.
    StaleBegan {
        /// The host.
        host: HostId,
        /// The check.
        check: CheckName,
        /// Since when.
        since: Timestamp,
    },
    /// Fresh news came.
    StaleEnded {
        /// The host.
        host: HostId,
        /// The check.
        check: CheckName,
        /// When.
        at: Timestamp,
    },
    /// People are to be told.
    Notify(Notification),
    /// A line of the time line.
    History(HistoryEntry),
    /// A check is to be run.
    Run(RunOrder),
    /// A result was not taken.
    Dropped {
        /// The host.
        host: HostId,
        /// The check.
        check: CheckName,
        /// Why.
        reason: DropReason,
    },
    /// The check is no longer watched: forget its row.
    Removed {
        /// The host.
        host: HostId,
        /// The check.
        check: CheckName,
    },
}

impl Effect {
    /// A line of the time line.
    pub(crate) fn history(
        host: HostId,
        check: Option<&CheckName>,
        at: Timestamp,
        kind: HistoryKind,
    ) -> Self {
        Self::History(HistoryEntry {
            host,
            check: check.cloned(),
            at,
            kind,
        })
    }

    /// The row of a check is new.
    pub(crate) fn updated(host: HostId, check: &CheckName) -> Self {
        Self::Updated {
            host,
            check: check.clone(),
        }
    }
}

/// Why a result was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DropReason {
    /// No such host or check: it went while the result was on its way.
    NotWatched,
    /// Seen already, or older than one that was seen.
    NotNew,
}

/// A change of state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateChange {
    /// The host.
    pub host: HostId,
    /// The check.
    pub check: CheckName,
    /// Before.
    pub from: CheckState,
    /// Now.
    pub to: CheckState,
    /// Soft or hard.
    pub kind: StateKind,
    /// Which attempt this was.
    pub attempt: u32,
    /// Out of how many.
    pub max_attempts: u32,
    /// First line of output.
    pub output: String,
    /// When, by the engine's clock.
    pub at: Timestamp,
}

/// What a notification is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotificationKind {
    /// There is a hard problem.
    Problem,
    /// It is over.
    Recovery,
    /// Someone has taken it on.
    Acknowledgement {
        /// Who.
        author: String,
        /// What they say.
        comment: String,
    },
    /// A downtime began.
    DowntimeStart,
    /// A downtime ended by its time.
    DowntimeEnd,
    /// A downtime that had begun was taken back.
    DowntimeCancelled,
}

/// People are to be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// The host.
    pub host: HostId,
    /// The check.
    pub check: CheckName,
    /// What about.
    pub kind: NotificationKind,
    /// State it is in.
    pub state: CheckState,
    /// First line of output.
    pub output: String,
    /// How many times this problem has been told, this time included.
    pub number: u32,
    /// When, by the engine's clock.
    pub at: Timestamp,
}

/// A line of a host's time line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// The host.
    pub host: HostId,
    /// The check; `None` where it is about the host as a whole.
    pub check: Option<CheckName>,
    /// When, by the engine's clock (for a result that came late: when it was taken).
    pub at: Timestamp,
    /// What happened.
    pub kind: HistoryKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "what")]
pub enum HistoryKind {
    /// The state changed.
    State {
        /// Before.
        from: CheckState,
        /// Now.
        to: CheckState,
        /// Soft or hard.
        kind: StateKind,
        /// Attempt.
        attempt: u32,
        /// First line of output.
        output: String,
    },
    /// No fresh news any more.
    Stale,
    /// Fresh news again.
    Fresh,
    /// A problem was taken on.
    Acknowledged {
        /// By.
        author: String,
        /// What they said.
        comment: String,
    },
    /// An acknowledgement ended.
    AcknowledgementEnded,
    /// A downtime began.
    DowntimeStarted {
        /// Which.
        downtime: Downtime,
    },
    /// A downtime ended.
    DowntimeEnded {
        /// Which.
        downtime: Downtime,
        /// It was taken back before its time.
        cancelled: bool,
    },
    /// A check was started and never answered; it is started again.
    Lost,
}

impl HistoryKind {
    /// The stable word used in JSON, CSS classes and message keys.
    pub fn word(&self) -> &'static str {
        match self {
            Self::State { .. } => "state",
            Self::Stale => "stale",
            Self::Fresh => "fresh",
            Self::Acknowledged { .. } => "acknowledged",
            Self::AcknowledgementEnded => "acknowledgement_ended",
            Self::DowntimeStarted { .. } => "downtime_started",
            Self::DowntimeEnded { .. } => "downtime_ended",
            Self::Lost => "lost",
        }
    }
}

/// A check is to be run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunOrder {
    /// The host.
    pub host: HostId,
    /// The check.
    pub check: CheckName,
    /// When it was due.
    pub due: Timestamp,
    /// A person asked for it.
    pub forced: bool,
}
