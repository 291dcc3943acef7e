//! Runs any check that can be run here, by its definition.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
    /// Built-in checks that have not come back. One that hangs (a dead disk, a dead server of files) keeps its thread;
    /// starting it again would take one thread after the other.
    running: Arc<Mutex<BTreeSet<String>>>,
}

impl Prober {
    /// With at most so many plugins at a time.
    pub fn new(plugins_at_once: usize) -> Self {
        Self {
            plugins: Plugins::new(plugins_at_once),
            state: Arc::default(),
            running: Arc::default(),
        }
    }

    /// Tells what the server's clock said when ours said `ours`, for the check `clock`; `round_trip` is how long the
    /// exchange took, half of which the offset may be wrong by.
    pub fn set_reference(&self, theirs: Timestamp, ours: Timestamp, round_trip: Duration) {
        lock(&self.state).set_reference(theirs, ours, round_trip);
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
        let key = format!("{name} {}", args.join(" "));
        // A copy of the state is worked on, so that a check that hangs does not hold up the others.
        self.run_blocking(key, time, move || {
            let mut own = lock(&state).clone();
            checks::run(&name, &args, &mut own)
        })
        .await
    }

    /// Runs something that may hang on a thread of its own, one of a name at a time.
    async fn run_blocking(
        &self,
        key: String,
        time: Duration,
        work: impl FnOnce() -> CheckResult + Send + 'static,
    ) -> CheckResult {
        if !lock(&self.running).insert(key.clone()) {
            return said("the run before has not come back".to_owned());
        }
        let place = Place {
            running: Arc::clone(&self.running),
            key,
        };
        let run = tokio::task::spawn_blocking(move || {
            let _place = place;
            work()
        });
        match tokio::time::timeout(time, run).await {
            Ok(Ok(result)) => result,
            Ok(Err(error)) => said(format!("the check broke off: {error}")),
            Err(_) => said(format!("no answer within {} s", time.as_secs_f64())),
        }
    }
}

/// Takes a name off the list of those that run, however the run ends.
struct Place {
    running: Arc<Mutex<BTreeSet<String>>>,
    key: String,
}

impl Drop for Place {
    fn drop(&mut self) {
        lock(&self.running).remove(&self.key);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn one_that_hangs_is_not_started_again_until_it_comes_back() {
        let prober = Prober::new(1);
        let (free, wait) = mpsc::channel::<()>();
        let (came_back, back) = mpsc::channel::<()>();
        let run = |time, work: Box<dyn FnOnce() -> CheckResult + Send>| {
            prober.run_blocking("disk mount=/net".to_owned(), time, work)
        };
        let hanging = Box::new(move || {
            let _ = wait.recv();
            let _ = came_back.send(());
            said("late".to_owned())
        });
        assert_eq!(
            run(Duration::from_millis(10), hanging).await.output,
            "no answer within 0.01 s"
        );
        let again = run(
            Duration::from_secs(30),
            Box::new(|| said("started twice".to_owned())),
        )
        .await;
        assert_eq!(again.output, "the run before has not come back");
        drop(free);
        back.recv_timeout(Duration::from_secs(30))
            .expect("it comes back");
        while !lock(&prober.running).is_empty() {
            tokio::task::yield_now().await;
        }
        assert_eq!(
            run(
                Duration::from_secs(30),
                Box::new(|| said("fine".to_owned()))
            )
            .await
            .output,
            "fine"
        );
    }

    #[tokio::test]
    async fn one_that_panics_is_a_result() {
        let prober = Prober::new(1);
        for _ in 0..2 {
            let broken = prober
                .run_blocking("x".to_owned(), Duration::from_secs(30), || {
                    panic!("on purpose")
                })
                .await;
            assert_eq!(broken.state, CheckState::Unknown);
            assert!(
                broken.output.starts_with("the check broke off: "),
                "{broken:?}"
            );
        }
    }
}
