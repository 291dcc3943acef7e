//! Built-in checks: what every machine is asked, without starting a process for it.
//!
//! | name | arguments with their defaults | looks at |
//! |---|---|---|
//! | `load` | `warning=4,3,2` `critical=8,6,4` | load over 1, 5 and 15 minutes, per hardware thread |
//! | `memory` | `warning=90` `critical=95` | percent of memory that programs hold |
//! | `swap` | `warning=50` `critical=80` | percent of swap space in use |
//! | `disk` | `mount=/` `warning=80` `critical=90` | percent of a file system in use |
//! | `inodes` | `mount=/` `warning=80` `critical=90` | percent of its inodes in use |
//! | `clock` | `warning=2` `critical=30` `reference=` | seconds off the server's clock, or off a given time |
//! | `units` | `ignore=` | failed systemd units |
//!
//! Thresholds are ranges ([`escadre_watch::threshold`]). An unknown argument is an unknown result that names it.

mod arguments;
mod clock;
mod defaults;
mod load;
mod memory;
mod room;
mod units;

use std::time::{Duration, Instant};

use escadre_model::Timestamp;
use escadre_model::check::{CheckResult, CheckState, Perf};

use crate::prober::now;
use arguments::Arguments;

pub use defaults::{HOST_FRESHNESS_S, default_checks};

/// Names of the built-in checks.
pub const NAMES: [&str; 7] = ["load", "memory", "swap", "disk", "inodes", "clock", "units"];

/// What checks know from one run to the next, or from the agent.
#[derive(Debug, Default, Clone)]
pub struct State {
    reference: Option<Reference>,
}

/// What the server's clock said.
#[derive(Debug, Clone, Copy)]
struct Reference {
    /// Milliseconds that ours was ahead.
    ahead_ms: i64,
    /// How long the exchange took.
    round_trip: Duration,
    /// Our clocks when that was.
    at: clock::Clocks,
}

impl State {
    /// The server's clock said `theirs` when ours said `ours`, a moment ago.
    pub fn set_reference(&mut self, theirs: Timestamp, ours: Timestamp, round_trip: Duration) {
        let ahead_ms = ours
            .as_millisecond()
            .saturating_sub(theirs.as_millisecond());
        self.reference = Some(Reference {
            ahead_ms,
            round_trip,
            at: clock::Clocks::read(),
        });
    }
}

/// What a check found: state, line for people, numbers.
#[derive(Debug, Clone, PartialEq)]
struct Finding {
    state: CheckState,
    output: String,
    long_output: String,
    perf: Vec<Perf>,
}

impl Finding {
    fn new(state: CheckState, output: impl Into<String>) -> Self {
        Self {
            state,
            output: output.into(),
            long_output: String::new(),
            perf: Vec::new(),
        }
    }

    fn with(mut self, perf: impl IntoIterator<Item = Perf>) -> Self {
        self.perf.extend(perf);
        self
    }
}

/// Runs a built-in check. Blocks: reading files takes no time, but asking systemd or a dying disk may.
pub fn run(name: &str, args: &[String], state: &mut State) -> CheckResult {
    let (started, clock) = (now(), Instant::now());
    let finding = find(name, args, state)
        .unwrap_or_else(|message| Finding::new(CheckState::Unknown, message));
    CheckResult {
        state: finding.state,
        output: finding.output,
        long_output: finding.long_output,
        perf: finding.perf,
        started,
        duration_ms: u64::try_from(clock.elapsed().as_millis()).unwrap_or(u64::MAX),
    }
}

fn find(name: &str, args: &[String], state: &mut State) -> Result<Finding, String> {
    let arguments = Arguments::parse(args)?;
    match name {
        "load" => load::find(arguments),
        "memory" => memory::find_memory(arguments),
        "swap" => memory::find_swap(arguments),
        "disk" => room::find_room(arguments),
        "inodes" => room::find_inodes(arguments),
        "clock" => clock::find(arguments, state),
        "units" => units::find(arguments),
        _ => Err(format!(
            "there is no built-in check `{name}`; there are: {}",
            NAMES.join(", ")
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_named() {
        for (name, args, message) in [
            (
                "disc",
                &[][..],
                "there is no built-in check `disc`; there are: load, memory, swap, disk, inodes, clock, units",
            ),
            (
                "memory",
                &["warn=3"],
                "`warn` is not an argument of this check; there are: warning, critical",
            ),
            (
                "memory",
                &["80"],
                "`80` is not an argument; write key=value",
            ),
            (
                "memory",
                &["warning=20:10"],
                "`20:10` is not a threshold: it begins above its end; write for example 80, 10:20, ~:5 or @1:3",
            ),
            (
                "load",
                &["warning=1,2"],
                "`1,2` is not a threshold for the load; write one number, or three for 1, 5 and 15 minutes",
            ),
            (
                "disk",
                &["mount=/nonexistent"],
                "/nonexistent is not mounted",
            ),
        ] {
            let args: Vec<_> = args.iter().map(|arg| (*arg).to_owned()).collect();
            let result = run(name, &args, &mut State::default());
            assert_eq!(result.output, message);
            assert_ne!(result.state, CheckState::Ok);
        }
    }

    #[test]
    fn all_of_them_look_at_this_machine() {
        for name in NAMES {
            let result = run(name, &[], &mut State::default());
            assert_ne!(result.state, CheckState::Pending);
            assert!(!result.output.is_empty(), "{name}");
        }
    }
}
