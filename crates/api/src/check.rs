//! Documents about checks and problems.

use escadre_model::{
    Timestamp,
    check::{CheckDefinition, CheckState, Perf, StateKind},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A check in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CheckSummary {
    /// Name of the check on its host.
    pub name: String,
    /// Name of the host.
    pub host: String,
    /// State.
    #[schema(value_type = String)]
    pub state: CheckState,
    /// Soft or hard.
    #[schema(value_type = String)]
    pub kind: StateKind,
    /// The state is old: nothing fresh is known.
    pub stale: bool,
    /// Which attempt of how many.
    pub attempt: u32,
    /// See `attempt`.
    pub max_attempts: u32,
    /// First line of the last result.
    pub output: String,
    /// Last result.
    #[schema(value_type = Option<String>)]
    pub last_result: Option<Timestamp>,
    /// Since when the state is as it is.
    #[schema(value_type = Option<String>)]
    pub since: Option<Timestamp>,
    /// Who acknowledged the problem, and why.
    pub acknowledged: Option<Acknowledgement>,
    /// In a downtime now.
    pub in_downtime: bool,
}

/// A problem somebody takes care of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Acknowledgement {
    /// Who.
    pub by: String,
    /// When.
    #[schema(value_type = String)]
    pub at: Timestamp,
    /// What they said.
    pub comment: String,
}

/// A check with all that is known of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CheckDetail {
    /// As in the list.
    #[serde(flatten)]
    pub summary: CheckSummary,
    /// How it is run and judged.
    #[schema(value_type = Object)]
    pub definition: CheckDefinition,
    /// Further lines of the last result.
    pub long_output: String,
    /// Performance data of the last result.
    #[schema(value_type = Vec<Object>)]
    pub perf: Vec<Perf>,
    /// Downtimes of the check that are not over.
    pub downtimes: Vec<Downtime>,
}

/// A planned silence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Downtime {
    /// Number.
    pub number: u64,
    /// From.
    #[schema(value_type = String)]
    pub from: Timestamp,
    /// Until.
    #[schema(value_type = String)]
    pub until: Timestamp,
    /// Who planned it.
    pub by: String,
    /// Why.
    pub comment: String,
}

/// A downtime to be planned; without a check it is for the host and all its checks.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct DowntimeNew {
    /// Host.
    pub host: String,
    /// Check.
    #[serde(default)]
    pub check: Option<String>,
    /// Length in seconds, from now on.
    pub duration_s: u64,
    /// Why.
    pub comment: String,
}

/// Which checks are wanted.
#[derive(Debug, Default, Clone, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct CheckFilter {
    /// Hosts, in the query language; empty: all.
    pub query: String,
    /// Only this host.
    pub host: Option<String>,
    /// Only hard problems and stale checks.
    pub problems: bool,
    /// At most so many.
    pub limit: Option<u32>,
}

/// A change of state in the past, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HistoryEntry {
    /// When.
    #[schema(value_type = String)]
    pub at: Timestamp,
    /// New state.
    #[schema(value_type = String)]
    pub state: CheckState,
    /// Soft or hard.
    #[schema(value_type = String)]
    pub kind: StateKind,
    /// Attempt.
    pub attempt: u32,
    /// Became stale (then the state is the last one known).
    pub stale: bool,
    /// Output.
    pub output: String,
}

/// One line of a chart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PerfSeries {
    /// Label of the performance datum.
    pub label: String,
    /// Unit.
    pub unit: String,
    /// Warning threshold of the last result.
    pub warning: Option<f64>,
    /// Critical threshold of the last result.
    pub critical: Option<f64>,
    /// Smallest possible value.
    pub min: Option<f64>,
    /// Largest possible value.
    pub max: Option<f64>,
    /// Points, oldest first.
    pub points: Vec<PerfPoint>,
}

/// One point of a chart: an average with its spread when the range is long.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PerfPoint {
    /// Milliseconds since 1970.
    pub at_ms: i64,
    /// Average.
    pub value: f64,
    /// Lowest.
    pub low: f64,
    /// Highest.
    pub high: f64,
}
