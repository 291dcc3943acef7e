//! What a host is watched for from its first day on.

use escadre_model::CheckName;
use escadre_model::check::{CheckCommand, CheckDefinition};
use escadre_model::inventory::Inventory;

/// Seconds without a word from the agent after which its host is stale; after as many again, down.
pub const HOST_FRESHNESS_S: u32 = 90;

const INTERVAL_S: u32 = 60;
const RETRY_S: u32 = 15;
const ATTEMPTS: u32 = 3;
const TIMEOUT_S: u32 = 30;
const FRESHNESS_S: u32 = 4 * INTERVAL_S;

/// The checks of a host, by its inventory: its agent's silence, load, memory, swap space, room and inodes of each data
/// file system, clock, failed units.
pub fn default_checks(inventory: &Inventory) -> Vec<CheckDefinition> {
    let mut checks = vec![host()];
    for name in ["load", "memory", "swap", "clock", "units"] {
        checks.push(builtin(name.to_owned(), name, Vec::new()));
    }
    for mount in &inventory.mounts {
        let args = vec![format!("mount={}", mount.path)];
        checks.push(builtin(
            format!("disk {}", mount.path),
            "disk",
            args.clone(),
        ));
        if mount.inodes > 0 {
            checks.push(builtin(format!("inodes {}", mount.path), "inodes", args));
        }
    }
    checks
}

fn host() -> CheckDefinition {
    CheckDefinition {
        name: CheckName(CheckName::HOST.to_owned()),
        command: CheckCommand::Passive,
        interval_s: 0,
        retry_s: 0,
        max_attempts: 1,
        timeout_s: 0,
        freshness_s: HOST_FRESHNESS_S,
    }
}

fn builtin(name: String, builtin: &str, args: Vec<String>) -> CheckDefinition {
    CheckDefinition {
        name: CheckName(name),
        command: CheckCommand::Builtin {
            name: builtin.to_owned(),
            args,
        },
        interval_s: INTERVAL_S,
        retry_s: RETRY_S,
        max_attempts: ATTEMPTS,
        timeout_s: TIMEOUT_S,
        freshness_s: FRESHNESS_S,
    }
}
