//! What is said to the engine: orders, results, and what people decide.

use escadre_model::check::{CheckDefinition, CheckResult, CheckState};
use escadre_model::{CheckName, HostId, Timestamp};
use serde::{Deserialize, Serialize};

/// Settings of an engine as a whole.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// First runs are spread over this many seconds, by name; 0: all at once (right for an agent with a dozen checks).
    pub first_spread_s: u32,
}

/// Who starts the checks of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Runner {
    /// This engine: it gives [`crate::Effect::Run`] at each check's time.
    Here,
    /// Someone else (the host's own agent, which runs an engine of its own): only results come in.
    Elsewhere,
}

/// What is not in the check's definition but in how its news is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Policy {
    /// People are told at all.
    pub notify: bool,
    /// States that are told, ok standing for the recovery.
    pub notify_states: Vec<CheckState>,
    /// Seconds after which a problem that stays is told again, at the next result; 0: once.
    pub renotify_s: u32,
    /// Seconds that a problem must have lasted before it is told, at the next result.
    pub first_notification_delay_s: u32,
    /// Each hard problem result is an event of its own (a log watcher), even when nothing changes.
    pub volatile: bool,
    /// Every problem is hard at once, at attempt 1 (Nagios's way with passive host results).
    pub hard_at_once: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            notify: true,
            notify_states: vec![
                CheckState::Ok,
                CheckState::Warning,
                CheckState::Critical,
                CheckState::Unknown,
            ],
            renotify_s: 0,
            first_notification_delay_s: 0,
            volatile: false,
            hard_at_once: false,
        }
    }
}

/// A check as the engine is told to watch it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watched {
    /// How it runs and is judged.
    pub definition: CheckDefinition,
    /// How it is told.
    #[serde(default)]
    pub policy: Policy,
}

impl From<CheckDefinition> for Watched {
    fn from(definition: CheckDefinition) -> Self {
        Self {
            definition,
            policy: Policy::default(),
        }
    }
}

/// A result on its way into the engine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResultEvent {
    /// Which host.
    pub host: HostId,
    /// Which check of it.
    pub check: CheckName,
    /// The number that its source gave it, rising per source and kept over restarts: one that has been seen is
    /// ignored. A source that does not number (passive results) gives `None`; then `result.started` decides.
    pub sequence: Option<u64>,
    /// When it was taken, by the clock that drives this engine (for a result that was kept while the link was down:
    /// long ago). A later time than now counts as now.
    pub taken: Timestamp,
    /// The result.
    pub result: CheckResult,
}

/// Names a downtime; the caller gives numbers that it never uses twice on one host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DowntimeId(pub u64);

/// A fixed downtime: nobody is told of problems and recoveries between its two ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Downtime {
    /// Its number on its host.
    pub id: DowntimeId,
    /// One check, or (`None`) the host with all its checks.
    pub check: Option<CheckName>,
    /// From.
    pub from: Timestamp,
    /// Until.
    pub until: Timestamp,
    /// Who wants it.
    pub author: String,
    /// Why.
    pub comment: String,
}

/// Someone has taken a problem on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledgement {
    /// Who.
    pub author: String,
    /// What they say.
    pub comment: String,
    /// Holds until the check is ok again; else any change of the hard state ends it.
    pub sticky: bool,
    /// When (set by the engine).
    pub at: Timestamp,
}

/// What is said to the engine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// These are the checks of the host, all of them: new ones begin as pending, those that are missing here go,
    /// the others keep their state by name.
    Define {
        /// The host.
        host: HostId,
        /// Who starts its checks.
        runner: Runner,
        /// All its checks. A name that comes twice counts once, the last time.
        checks: Vec<Watched>,
    },
    /// The host is gone with all that is known of it.
    HostGone {
        /// The host.
        host: HostId,
    },
    /// A result.
    Result(ResultEvent),
    /// A sign of life from the host's agent: as an ok result of the check named `host`, if that one is passive, but
    /// without an effect while the host is up and fresh.
    Heard {
        /// The host.
        host: HostId,
    },
    /// Run a check as soon as possible, whoever runs it; `None`: all of the host's.
    RunNow {
        /// The host.
        host: HostId,
        /// The check.
        check: Option<CheckName>,
    },
    /// A problem is taken on by someone. Nothing happens while the check is ok.
    Acknowledge {
        /// The host.
        host: HostId,
        /// The check.
        check: CheckName,
        /// By whom and how.
        acknowledgement: Acknowledgement,
        /// The others are told of it.
        notify: bool,
    },
    /// The acknowledgement is taken back.
    RemoveAcknowledgement {
        /// The host.
        host: HostId,
        /// The check.
        check: CheckName,
    },
    /// A downtime is planned; one with the same number is replaced.
    PlanDowntime {
        /// The host.
        host: HostId,
        /// The downtime.
        downtime: Downtime,
    },
    /// A downtime is taken back, begun or not.
    CancelDowntime {
        /// The host.
        host: HostId,
        /// Which.
        id: DowntimeId,
    },
    /// Notifications of one check, or (`None`) of all of the host's, are switched on or off until the next definition.
    SetNotifications {
        /// The host.
        host: HostId,
        /// The check.
        check: Option<CheckName>,
        /// On or off.
        on: bool,
    },
    /// The engine listens again after a time in which it could not (restart, suspended machine): what was silent
    /// meanwhile is stale, but becomes a problem only if it stays silent from now on.
    Resume,
    /// Time has passed; to be sent when [`crate::Engine::next_due`] says so.
    Tick,
}
