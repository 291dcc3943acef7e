//! Asking another program of the system (`rpm`, `systemctl`): its standard output, or nothing.
//!
//! Blocking, for the inventory. It is killed with its whole group when its time is over or it prints without end.

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};

/// Bytes of output that are taken; more is a program gone wrong.
const OUTPUT_LIMIT: u64 = 64 << 20;

/// Where programs of the system are.
pub(crate) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The file that a program's name means: itself if it is a path, else the first of that name in the folders. Names are
/// never left to the system to look up: with an environment of our own that would leave the cheap way to start them.
pub(crate) fn find<'a>(name: &str, folders: impl IntoIterator<Item = &'a str>) -> Option<PathBuf> {
    if name.contains('/') {
        return Some(PathBuf::from(name));
    }
    folders
        .into_iter()
        .map(|folder| Path::new(folder).join(name))
        .find(|path| path.is_file())
}

/// Standard output of a program that ends well within its time.
pub(crate) fn ask(argv: &[&str], time: Duration) -> Option<String> {
    let mut child = start(argv)?;
    let pid = Pid::from_child(&child);
    let (ended, watch) = mpsc::channel::<()>();
    let guard = std::thread::spawn(move || {
        if watch.recv_timeout(time) == Err(mpsc::RecvTimeoutError::Timeout) {
            kill_group(pid);
        }
    });
    let mut output = Vec::new();
    let read = child
        .stdout
        .take()
        .map(|pipe| pipe.take(OUTPUT_LIMIT).read_to_end(&mut output));
    if output.len() as u64 >= OUTPUT_LIMIT {
        kill_group(pid);
    }
    // The guard is sent home before the process is reaped: until then its number cannot be another's.
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    while matches!(
        rustix::process::waitid(WaitId::Pid(pid), options),
        Err(rustix::io::Errno::INTR)
    ) {}
    drop(ended);
    let _ = guard.join();
    let status = child.wait().ok()?;
    let whole =
        matches!(read, Some(Ok(_))) && status.success() && (output.len() as u64) < OUTPUT_LIMIT;
    whole.then(|| String::from_utf8_lossy(&output).into_owned())
}

fn start(argv: &[&str]) -> Option<Child> {
    let (program, arguments) = argv.split_first()?;
    let spawned = Command::new(find(program, PATH.split(':'))?)
        .args(arguments)
        .env_clear()
        .envs([("PATH", PATH), ("LC_ALL", "C.UTF-8")])
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    match spawned {
        Ok(child) => Some(child),
        Err(error) => {
            tracing::debug!(program, %error, "not started");
            None
        }
    }
}

/// Kills a process and all its descendants that stayed in its group.
pub(crate) fn kill_group(group: Pid) {
    if let Err(error) = rustix::process::kill_process_group(group, Signal::KILL) {
        tracing::trace!(group = group.as_raw_nonzero(), %error, "group not killed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_of_those_that_end_well() {
        assert_eq!(
            ask(&["echo", "hello"], Duration::from_secs(10)).as_deref(),
            Some("hello\n")
        );
        for argv in [
            &["false"][..],
            &["/nonexistent"],
            &["sleep", "60"],
            &["sh", "-c", "sleep 60 & sleep 60"],
            &["yes"],
            &[],
        ] {
            assert_eq!(ask(argv, Duration::from_millis(300)), None, "{argv:?}");
        }
    }

    #[test]
    fn the_environment_is_ours() {
        let printed = ask(&["env"], Duration::from_secs(10)).expect("env runs");
        assert_eq!(printed, format!("LC_ALL=C.UTF-8\nPATH={PATH}\n"));
    }
}
