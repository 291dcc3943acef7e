//! What the engine remembers, in a form that can be stored and taken up again.
//!
//! A host's record holds everything about it, so a store may keep one row per host and write those that changed.

use std::collections::BTreeMap;

use escadre_model::check::{CheckDefinition, CheckResult, CheckState, Perf, StateKind};
use escadre_model::{CheckName, HostId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Acknowledgement, Downtime, DowntimeId, Policy, Runner, Settings};

/// What is known of a check: what lists and pages show.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckStatus {
    /// Last known state.
    pub state: CheckState,
    /// Soft or hard.
    pub kind: StateKind,
    /// Attempt, from 1 to `max_attempts`.
    pub attempt: u32,
    /// Attempts that make a problem hard.
    pub max_attempts: u32,
    /// When it came into this state.
    pub since: Timestamp,
    /// Last hard state.
    pub hard_state: CheckState,
    /// When it came into that one.
    pub hard_since: Timestamp,
    /// First line of output.
    pub output: String,
    /// Further lines.
    pub long_output: String,
    /// Performance data.
    pub perf: Vec<Perf>,
    /// When the last result was taken, by the engine's clock.
    pub checked: Option<Timestamp>,
    /// How long that run took.
    pub duration_ms: u64,
    /// Since when there is no fresh news.
    pub stale_since: Option<Timestamp>,
    /// Someone has taken the problem on.
    pub acknowledgement: Option<Acknowledgement>,
    /// Downtimes that it is in now: its own and its host's.
    pub downtimes: u32,
    /// How many times the present problem has been told.
    pub notified: u32,
    /// When it runs next, where this engine starts it.
    pub next_run: Option<Timestamp>,
}

impl CheckStatus {
    /// A hard problem: what a person must know.
    pub fn is_problem(&self) -> bool {
        self.kind == StateKind::Hard && !matches!(self.state, CheckState::Ok | CheckState::Pending)
    }

    /// A hard problem that nobody has taken on and no downtime explains.
    pub fn needs_someone(&self) -> bool {
        self.is_problem() && self.acknowledgement.is_none() && self.downtimes == 0
    }
}

/// All that is remembered of a check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckRecord {
    /// As it was ordered.
    pub definition: CheckDefinition,
    /// How it is told.
    pub policy: Policy,
    /// What is known of it.
    pub status: CheckStatus,
    /// Number and own time of the last result that was taken.
    pub(crate) last: Option<(Option<u64>, Timestamp)>,
    /// What the freshness counts from.
    pub(crate) fresh_at: Timestamp,
    /// When its silence becomes a problem, once it is stale and as long as its host is not.
    pub(crate) silence_due: Option<Timestamp>,
    /// Its problem is only that nothing is heard.
    pub(crate) silent: bool,
    /// Started and not answered: when this counts as lost.
    pub(crate) lost_at: Option<Timestamp>,
    /// When the present problem (soft or hard) began.
    pub(crate) problem_since: Option<Timestamp>,
    /// When the present problem was told last.
    pub(crate) told_at: Option<Timestamp>,
    /// Where its timer stands in the agenda; not part of what is remembered.
    #[serde(skip)]
    pub(crate) armed: Option<Timestamp>,
}

impl CheckRecord {
    pub(crate) fn new(definition: CheckDefinition, policy: Policy, now: Timestamp) -> Self {
        let status = CheckStatus {
            state: CheckState::Pending,
            kind: StateKind::Hard,
            attempt: 1,
            max_attempts: definition.max_attempts.max(1),
            since: now,
            hard_state: CheckState::Pending,
            hard_since: now,
            output: String::new(),
            long_output: String::new(),
            perf: Vec::new(),
            checked: None,
            duration_ms: 0,
            stale_since: None,
            acknowledgement: None,
            downtimes: 0,
            notified: 0,
            next_run: None,
        };
        Self {
            definition,
            policy,
            status,
            last: None,
            fresh_at: now,
            silence_due: None,
            silent: false,
            lost_at: None,
            problem_since: None,
            told_at: None,
            armed: None,
        }
    }

    /// Whether a result is news: not seen, not older than one that was seen. A number that goes back with a time that
    /// goes forward is a source that was put back to an earlier state (a virtual machine's snapshot): news.
    pub(crate) fn is_news(&self, sequence: Option<u64>, result: &CheckResult) -> bool {
        match (self.last, sequence) {
            (None, _) => true,
            (Some((Some(seen), started)), Some(number)) => {
                number > seen || result.started > started
            }
            (Some((_, started)), _) => result.started >= started,
        }
    }

    /// The earliest thing that is due for this check.
    pub(crate) fn due(&self) -> Option<Timestamp> {
        let run = if self.lost_at.is_some() {
            None
        } else {
            self.status.next_run
        };
        let stale = if self.status.stale_since.is_none() {
            self.stale_at()
        } else {
            None
        };
        [run, self.lost_at, stale, self.silence_due]
            .into_iter()
            .flatten()
            .min()
    }

    /// When it becomes stale if nothing is heard.
    pub(crate) fn stale_at(&self) -> Option<Timestamp> {
        let freshness = self.definition.freshness_s;
        (freshness > 0).then(|| seconds_after(self.fresh_at, freshness))
    }
}

/// All that is remembered of a host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HostRecord {
    /// The host.
    pub host: HostId,
    /// Who starts its checks.
    pub runner: Runner,
    /// Its checks.
    pub checks: BTreeMap<CheckName, CheckRecord>,
    /// Its downtimes, planned and begun.
    pub downtimes: Vec<(Downtime, bool)>,
}

impl HostRecord {
    pub(crate) fn new(host: HostId, runner: Runner) -> Self {
        Self {
            host,
            runner,
            checks: BTreeMap::new(),
            downtimes: Vec::new(),
        }
    }

    /// The check that says whether the host answers.
    pub fn own_check(&self) -> Option<&CheckRecord> {
        self.checks.get(&CheckName(CheckName::HOST.to_owned()))
    }

    /// The host does not answer, softly or surely.
    pub(crate) fn is_down(&self) -> bool {
        self.own_check().is_some_and(|check| {
            !matches!(check.status.state, CheckState::Ok | CheckState::Pending)
        })
    }

    /// There is no fresh news of the host itself.
    pub(crate) fn is_stale(&self) -> bool {
        self.own_check()
            .is_some_and(|check| check.status.stale_since.is_some())
    }

    /// How many downtimes a check is in.
    pub(crate) fn downtime_depth(&self, check: &CheckName) -> u32 {
        let concerns =
            |downtime: &Downtime| downtime.check.as_ref().is_none_or(|named| named == check);
        let depth = self
            .downtimes
            .iter()
            .filter(|(downtime, begun)| *begun && concerns(downtime))
            .count();
        u32::try_from(depth).unwrap_or(u32::MAX)
    }

    pub(crate) fn is_begun(&self, id: DowntimeId) -> bool {
        self.downtimes
            .iter()
            .any(|(downtime, begun)| *begun && downtime.id == id)
    }

    pub(crate) fn downtime_due(&self, id: DowntimeId) -> Option<Timestamp> {
        let (downtime, begun) = self
            .downtimes
            .iter()
            .find(|(downtime, _)| downtime.id == id)?;
        Some(if *begun {
            downtime.until
        } else {
            downtime.from
        })
    }
}

/// Everything that an engine remembers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Form of the rest: [`Snapshot::FORMAT`].
    pub format: u32,
    /// Settings.
    pub settings: Settings,
    /// Since when the engine has been listening.
    pub listening_since: Option<Timestamp>,
    /// The last time it was told.
    pub clock: Option<Timestamp>,
    /// The hosts.
    pub hosts: Vec<HostRecord>,
}

impl Snapshot {
    /// The form that this version writes and reads.
    pub const FORMAT: u32 = 1;
}

/// Why a snapshot cannot be taken up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// Written by a later version.
    #[error(
        "the watch snapshot has form {found}, this version reads {known}: start the version that wrote it"
    )]
    Format {
        /// As written.
        found: u32,
        /// As read here.
        known: u32,
    },
}

/// A time so many seconds later, or the end of time.
pub(crate) fn seconds_after(time: Timestamp, seconds: u32) -> Timestamp {
    time.checked_add(std::time::Duration::from_secs(u64::from(seconds)))
        .unwrap_or(Timestamp::MAX)
}
