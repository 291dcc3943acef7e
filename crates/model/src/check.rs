//! The vocabulary of watching: states, results, performance data. The rules are in `watch`.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// The state of a check: the plugin contract's four, and pending before the first result.
/// For the check named `host`, ok is *up* and critical is *down*.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckState {
    /// Exit 0.
    Ok,
    /// Exit 1.
    Warning,
    /// Exit 2.
    Critical,
    /// Exit 3, or a plugin that broke the contract.
    Unknown,
    /// No result yet.
    Pending,
}

impl CheckState {
    /// The state for a plugin's exit code (anything beyond 3 is unknown).
    pub fn from_exit(code: i32) -> Self {
        match code {
            0 => Self::Ok,
            1 => Self::Warning,
            2 => Self::Critical,
            _ => Self::Unknown,
        }
    }

    /// The stable word used in JSON, CSS classes and message keys.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Critical => "critical",
            Self::Unknown => "unknown",
            Self::Pending => "pending",
        }
    }

    /// Order of urgency for lists, most urgent highest: critical, unknown, warning, pending, ok.
    pub fn urgency(self) -> u8 {
        match self {
            Self::Critical => 4,
            Self::Unknown => 3,
            Self::Warning => 2,
            Self::Pending => 1,
            Self::Ok => 0,
        }
    }
}

/// Soft until `max_attempts` results agree, hard afterwards. Only hard problems are told to people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StateKind {
    /// Being retried.
    Soft,
    /// Confirmed.
    Hard,
}

/// One number of a result, as `label=value[unit];warn;crit;min;max`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Perf {
    /// Label without quotes.
    pub label: String,
    /// The number.
    pub value: f64,
    /// Unit as printed: ``, `s`, `%`, `B`, `c`, ….
    #[serde(default)]
    pub unit: String,
    /// Upper warning threshold when it is a plain number.
    #[serde(default)]
    pub warning: Option<f64>,
    /// Upper critical threshold when it is a plain number.
    #[serde(default)]
    pub critical: Option<f64>,
    /// Smallest possible value.
    #[serde(default)]
    pub min: Option<f64>,
    /// Largest possible value.
    #[serde(default)]
    pub max: Option<f64>,
}

/// What running a check once gave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckResult {
    /// The state.
    pub state: CheckState,
    /// First line, for people.
    pub output: String,
    /// Further lines.
    #[serde(default)]
    pub long_output: String,
    /// Performance data.
    #[serde(default)]
    pub perf: Vec<Perf>,
    /// When it began, by the clock of the machine that ran it.
    pub started: Timestamp,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}

/// How a check is run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckCommand {
    /// In-process: `load`, `memory`, `swap`, `disk`, `inodes`, `clock`, `units`, with `key=value` arguments.
    Builtin {
        /// Which one.
        name: String,
        /// Arguments, e.g. `warning=80`, `mount=/`.
        #[serde(default)]
        args: Vec<String>,
    },
    /// A plugin process; no shell, argv as given.
    Plugin {
        /// Program and arguments.
        argv: Vec<String>,
    },
    /// Nothing is run: results come from outside, and silence beyond the freshness is the problem.
    Passive,
}

/// A check as it is ordered: how to run it and how to judge its results.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckDefinition {
    /// Its name on its host.
    pub name: crate::CheckName,
    /// How it is run.
    pub command: CheckCommand,
    /// Seconds between two checks while its state is hard.
    pub interval_s: u32,
    /// Seconds between two checks while it is soft.
    pub retry_s: u32,
    /// Results that must agree before a problem is hard (1: at once).
    pub max_attempts: u32,
    /// Seconds after which the run is killed and counts as unknown.
    pub timeout_s: u32,
    /// Seconds without a result after which what we know is stale; 0: never.
    pub freshness_s: u32,
}
