//! What is wrong with the installation itself, and the first page.

use escadre_model::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{check::CheckSummary, rollout::Delivery};

/// One finding of the healthcheck.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Finding {
    /// Stable code (`trust.publisher-key-on-server`).
    pub name: String,
    /// How much it matters.
    pub level: FindingLevel,
    /// What is so, in a sentence (English; the UI translates by the code and `args`).
    pub message: String,
    /// The command that repairs it; empty when there is nothing to do.
    pub remedy: String,
    /// Values for translated sentences, by name.
    #[serde(default)]
    pub args: std::collections::BTreeMap<String, String>,
}

/// Level of a finding; the exit code of `escadre healthcheck` is the highest.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum FindingLevel {
    /// 0: as it should be.
    Fine,
    /// 1: works, yet wants attention.
    Warning,
    /// 2: does not work.
    Critical,
}

/// *What needs me*: everything a person should look at, in one document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Inbox {
    /// Hard problems that nobody took, most urgent first.
    pub problems: Vec<CheckSummary>,
    /// Problems that are acknowledged or in downtime.
    pub handled: Vec<CheckSummary>,
    /// Checks without fresh data.
    pub stale: Vec<CheckSummary>,
    /// Failed deliveries of the last seven days.
    pub failed: Vec<Delivery>,
    /// What expires or is badly placed: findings that are not fine.
    pub findings: Vec<Finding>,
    /// Numbers for the top bar.
    pub counts: Counts,
}

/// Numbers for the top bar.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Counts {
    /// Hosts in all.
    pub hosts: u32,
    /// Hosts up and fresh.
    pub hosts_up: u32,
    /// Hosts down.
    pub hosts_down: u32,
    /// Hosts without fresh data.
    pub hosts_stale: u32,
    /// Checks in all.
    pub checks: u32,
    /// Checks ok and fresh.
    pub checks_ok: u32,
    /// Checks in warning.
    pub checks_warning: u32,
    /// Checks in critical.
    pub checks_critical: u32,
    /// Checks unknown or pending.
    pub checks_unknown: u32,
    /// Rollouts that are running, held or paused.
    pub rollouts_active: u32,
}

/// What this server is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct About {
    /// Name of the installation.
    pub name: String,
    /// Version of the program.
    pub version: String,
    /// Since when this process runs.
    #[schema(value_type = String)]
    pub started: Timestamp,
    /// Roles in this process.
    pub roles: Vec<String>,
    /// Fingerprint of the CA, SHA-256 in hexadecimal.
    pub ca_fingerprint: String,
    /// Fingerprint of the trusted root metadata.
    pub root_fingerprint: String,
    /// `host:port` for people: configuration.
    pub config_address: String,
    /// `host:port` for people: visualisation.
    pub view_address: String,
    /// `host:port` for agents.
    pub agent_address: String,
    /// Nobody has signed in yet.
    pub first_run: bool,
}
