//! Runs any check that can be run here, by its definition.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use escadre_model::Timestamp;
use escadre_model::check::{CheckCommand, CheckDefinition, CheckResult, CheckState};

use crate::checks::{self, State};
use crate::plugin::Plugins;

/// Time of a check whose definition gives none.
const DEFAULT_TIME: Duration = Duration::from_secs(60);

/// Runs checks: built-in ones on a thread of their own, plugins as processes.
#[derive(Debug, Clone)]
pub struct Prober {
    plugins: Plugins,
    state: Arc<Mutex<State>>,
}

impl Prober {
    /// With at most so many plugins at a time.
    pub fn new(plugins_at_once: usize) -> Self {
        Self {
            plugins: Plugins::new(plugins_at_once),
            state: Arc::default(),
        }
    }

    /// Tells what the server's clock said when ours said `ours`, for the check `clock`; `round_trip` is how long the
    /// exchange took, half of which the offset may be wrong by.
    pub fn set_reference(&self, theirs: Timestamp, ours: Timestamp, round_trip: Duration) {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .set_reference(theirs, ours, round_trip);
    }

    /// Runs a check once. Always answers, at the latest a moment after the check's time-out.
    pub async fn run(&self, definition: &CheckDefinition) -> CheckResult {
        let time = match definition.timeout_s {
            0 => DEFAULT_TIME,
            seconds => Duration::from_secs(u64::from(seconds)),
        };
        match &definition.command {
            CheckCommand::Plugin { argv } => self.plugins.run(argv, time).await,
            CheckCommand::Builtin { name, args } => {
                self.run_builtin(name.clone(), args.clone(), time).await
            }
            CheckCommand::Passive => said("nothing is run for a passive check".to_owned()),
        }
    }

    async fn run_builtin(&self, name: String, args: Vec<String>, time: Duration) -> CheckResult {
        let state = Arc::clone(&self.state);
        let words = name.clone();
        let run = tokio::task::spawn_blocking(move || {
            // A copy is worked on, so that a check that hangs (a dead disk) does not hold up the others.
            let mut own = state.lock().unwrap_or_else(PoisonError::into_inner).clone();
            checks::run(&name, &args, &mut own)
        });
        match tokio::time::timeout(time, run).await {
            Ok(Ok(result)) => result,
            Ok(Err(error)) => said(format!("the check {words} broke off: {error}")),
            Err(_) => said(format!("no answer within {} s", time.as_secs())),
        }
    }
}

/// An unknown result that says why.
fn said(output: String) -> CheckResult {
    CheckResult {
        state: CheckState::Unknown,
        output,
        long_output: String::new(),
        perf: Vec::new(),
        started: now(),
        duration_ms: 0,
    }
}

/// The machine's clock.
pub(crate) fn now() -> Timestamp {
    Timestamp::try_from(SystemTime::now()).unwrap_or(Timestamp::UNIX_EPOCH)
}
