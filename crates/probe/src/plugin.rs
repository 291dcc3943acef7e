//! Runs plugins: a process of its own group, without a shell, with an end to its time and to its output.
//!
//! The way a plugin is started stays the cheap one (no code between fork and exec, no user change, no look-up of its
//! name by the system); see the crate's head.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use escadre_model::Timestamp;
use escadre_model::check::{CheckResult, CheckState};
use escadre_watch::plugin_output;
use rustix::process::Pid;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use crate::prober::now;
use crate::program::{PATH, find, kill_group};

/// Where plugins are on the distributions we know; a plugin may be named without its folder.
pub const PLUGIN_FOLDERS: [&str; 5] = [
    "/usr/lib/nagios/plugins",
    "/usr/lib64/nagios/plugins",
    "/usr/lib/monitoring-plugins",
    "/usr/local/lib/nagios/plugins",
    "/usr/libexec/nagios",
];

/// Bytes of each output that are kept; the rest is read and thrown away.
const KEPT: usize = 64 << 10;
/// Bytes after which a plugin counts as printing without end.
const ENDLESS: u64 = 16 << 20;
/// How long the pipes may stay open after the plugin has ended: someone whom it left behind holds them.
const AFTER_END: Duration = Duration::from_millis(200);

/// Starts plugins, so many at a time.
#[derive(Debug, Clone)]
pub struct Plugins {
    places: Arc<Semaphore>,
}

/// How a plugin ended.
enum End {
    /// By itself, with what the system says of it.
    Exited(std::io::Result<std::process::ExitStatus>),
    /// Its time was over.
    TimedOut,
    /// It printed without end.
    Endless,
}

/// What a plugin wrote, as far as it is kept.
#[derive(Default)]
struct Written {
    bytes: Vec<u8>,
    total: u64,
}

/// There is no end to what it writes.
struct WithoutEnd;

/// Kills the group when it goes out of scope, so that nothing is left of a run that nobody waits for any more.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(pid) = self.0 {
            kill_group(pid);
        }
    }
}

impl Plugins {
    /// At most so many at a time (at least one).
    pub fn new(at_once: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(at_once.clamp(1, Semaphore::MAX_PERMITS))),
        }
    }

    /// Runs a plugin. Waiting for a free place does not count into its time.
    pub async fn run(&self, argv: &[String], time: Duration) -> CheckResult {
        // The semaphore is never closed; if it were, running one more would be the right thing.
        let _place = self.places.acquire().await.ok();
        let (started, clock) = (now(), Instant::now());
        let (state, output) = match start(argv) {
            Ok(child) => attend(child, time).await,
            Err(message) => (CheckState::Unknown, message),
        };
        let duration_ms = u64::try_from(clock.elapsed().as_millis()).unwrap_or(u64::MAX);
        read_output(argv, state, &output, started, duration_ms)
    }
}

fn start(argv: &[String]) -> Result<Child, String> {
    let (name, arguments) = argv
        .split_first()
        .ok_or_else(|| "the check has no command".to_owned())?;
    let program = find(name, PLUGIN_FOLDERS.into_iter().chain(PATH.split(':')))
        .ok_or_else(|| format!("there is no plugin {name}; install it, or give its whole path"))?;
    Command::new(&program)
        .args(arguments)
        .env_clear()
        .envs([("PATH", PATH), ("LC_ALL", "C.UTF-8")])
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{} cannot be started: {error}", program.display()))
}

/// Waits for a plugin's end, or makes one.
async fn attend(mut child: Child, time: Duration) -> (CheckState, String) {
    let pid = child
        .id()
        .and_then(|id| i32::try_from(id).ok())
        .and_then(Pid::from_raw);
    let mut group = Group(pid);
    let (mut stdout, mut stderr) = (child.stdout.take(), child.stderr.take());
    let (mut out, mut err) = (Written::default(), Written::default());
    let end = {
        let both =
            async { tokio::try_join!(drain(&mut stdout, &mut out), drain(&mut stderr, &mut err)) };
        let mut reading = std::pin::pin!(both);
        let ended = timeout(time, async {
            tokio::select! {
                biased;
                read = &mut reading => match read {
                    Ok(_) => (End::Exited(child.wait().await), true),
                    Err(WithoutEnd) => (End::Endless, true),
                },
                status = child.wait() => (End::Exited(status), false),
            }
        });
        match ended.await {
            Ok((end, true)) => end,
            Ok((end, false)) => {
                // What it wrote is in the pipe by now. If the pipe stays open, a child that it left holds it.
                let _ = timeout(AFTER_END, &mut reading).await;
                end
            }
            Err(_) => End::TimedOut,
        }
    };
    // Those it left behind go with it. With nobody left in it, the group's number is no one's.
    drop(std::mem::replace(&mut group, Group(None)));
    let _ = child.wait().await;
    judge(end, time, out, err)
}

/// Reads to the end, keeping the beginning.
async fn drain(
    pipe: &mut Option<impl AsyncRead + Unpin>,
    written: &mut Written,
) -> Result<(), WithoutEnd> {
    let Some(pipe) = pipe else { return Ok(()) };
    let mut buffer = [0u8; 8192];
    loop {
        match pipe.read(&mut buffer).await {
            Ok(0) | Err(_) => return Ok(()),
            Ok(n) => {
                let room = KEPT.saturating_sub(written.bytes.len()).min(n);
                written.bytes.extend_from_slice(&buffer[..room]);
                written.total += n as u64;
                if written.total > ENDLESS {
                    return Err(WithoutEnd);
                }
            }
        }
    }
}

/// The state and the text of a plugin that has ended. One that says nothing on its output is heard on its errors.
fn judge(end: End, time: Duration, out: Written, err: Written) -> (CheckState, String) {
    let said = if out.bytes.iter().all(u8::is_ascii_whitespace) {
        err.bytes
    } else {
        out.bytes
    };
    let said = String::from_utf8_lossy(&said).into_owned();
    match end {
        End::TimedOut => (
            CheckState::Unknown,
            format!("no answer within {} s, killed\n{said}", time.as_secs_f64()),
        ),
        End::Endless => (
            CheckState::Unknown,
            format!("it printed without end, killed\n{said}"),
        ),
        End::Exited(Err(error)) => (
            CheckState::Unknown,
            format!("its end cannot be known: {error}\n{said}"),
        ),
        End::Exited(Ok(status)) => match status.code() {
            Some(code @ 0..=3) => (CheckState::from_exit(code), said),
            Some(code) => (
                CheckState::Unknown,
                format!("exit code {code} is not one of a plugin's\n{said}"),
            ),
            None => {
                let signal = std::os::unix::process::ExitStatusExt::signal(&status).unwrap_or(0);
                (
                    CheckState::Unknown,
                    format!("killed by signal {signal}\n{said}"),
                )
            }
        },
    }
}

fn read_output(
    argv: &[String],
    state: CheckState,
    text: &str,
    started: Timestamp,
    duration_ms: u64,
) -> CheckResult {
    let read = plugin_output::parse(text);
    for problem in &read.problems {
        tracing::debug!(plugin = argv.first().map_or("", String::as_str), %problem, "performance data");
    }
    let output = if read.output.is_empty() {
        "(no output)".to_owned()
    } else {
        read.output
    };
    CheckResult {
        state,
        output,
        long_output: read.long_output,
        perf: read.perf,
        started,
        duration_ms,
    }
}
