//! Running a program of a bundle: no shell of our own, its own process group, a clean environment, a time, the end of its output.

use std::{
    collections::VecDeque,
    io,
    path::Path,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use escadre_bundle::Command as Line;
use escadre_rollout::Outcome;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::{Child, Command},
    time::{Instant, sleep, timeout},
};

/// Bytes of output that are kept: the end tells why.
const KEPT: usize = 64 << 10;
/// Between asking a group to end and ending it.
const GRACE: Duration = Duration::from_secs(3);
/// How long pipes may stay open when the program has ended: a daemon that it left holds them, and goes on.
const AFTER_END: Duration = Duration::from_millis(500);
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What to run, and where.
#[derive(Debug, Clone)]
pub(crate) struct Program<'a> {
    pub(crate) line: &'a Line,
    pub(crate) folder: &'a Path,
    /// The first word is a path below the folder.
    pub(crate) is_content: bool,
    pub(crate) environment: &'a [(&'static str, String)],
    pub(crate) time: Duration,
}

/// How it ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) outcome: Outcome,
    /// Why it has no exit code.
    pub(crate) fault: Option<String>,
}

impl Program<'_> {
    /// Runs it to its end, or makes one.
    pub(crate) async fn run(self) -> Ended {
        let began = Instant::now();
        let (fault, exit_code, output) = match self.spawn().await {
            Ok(child) => attend(child, self.time).await,
            Err(error) => (
                Some(format!("it cannot be started: {error}")),
                None,
                String::new(),
            ),
        };
        let duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ended {
            outcome: Outcome {
                exit_code,
                output,
                duration_ms,
                attempts: 1,
            },
            fault,
        }
    }

    async fn spawn(&self) -> io::Result<Child> {
        // A program that was just written may for an instant be held open by a process that another thread forks.
        for _ in 0..50 {
            match self.command()?.spawn() {
                Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => {
                    sleep(Duration::from_millis(20)).await;
                }
                outcome => return outcome,
            }
        }
        self.command()?.spawn()
    }

    fn command(&self) -> io::Result<Command> {
        let mut command = match self.line {
            Line::Shell(line) => {
                let mut command = Command::new("/bin/sh");
                command.arg("-c").arg(line);
                command
            }
            Line::Argv(words) => {
                let (first, rest) = words.split_first().ok_or(io::ErrorKind::InvalidInput)?;
                let mut command = if self.is_content {
                    Command::new(self.folder.join(first))
                } else {
                    Command::new(first)
                };
                command.args(rest);
                command
            }
        };
        command
            .current_dir(self.folder)
            .env_clear()
            .envs([
                ("PATH", PATH),
                ("LC_ALL", "C.UTF-8"),
                ("HOME", "/root"),
                ("DEBIAN_FRONTEND", "noninteractive"),
            ])
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Ok(command)
    }
}

/// Fault, exit code and output of a program that runs.
async fn attend(mut child: Child, time: Duration) -> (Option<String>, Option<i32>, String) {
    let group = child
        .id()
        .and_then(|id| i32::try_from(id).ok())
        .and_then(Pid::from_raw);
    let mut tail = Tail::default();
    let (mut out, mut err) = (child.stdout.take(), child.stderr.take());
    let status = {
        let mut reading = std::pin::pin!(tail.drain(&mut out, &mut err));
        let ended = timeout(time, async {
            tokio::select! {
                biased;
                () = &mut reading => (child.wait().await, true),
                status = child.wait() => (status, false),
            }
        })
        .await;
        match ended {
            Ok((status, true)) => Some(status),
            Ok((status, false)) => {
                let _ = timeout(AFTER_END, &mut reading).await;
                Some(status)
            }
            Err(_) => {
                end_group(group, &mut child).await;
                let _ = timeout(AFTER_END, &mut reading).await;
                None
            }
        }
    };
    let (fault, code) = judge(status, time);
    (fault, code, tail.text())
}

/// Ends all that the program started: asked first, killed then.
async fn end_group(group: Option<Pid>, child: &mut Child) {
    let signal = |signal| group.map(|group| kill_process_group(group, signal));
    signal(Signal::TERM);
    let _ = timeout(GRACE, child.wait()).await;
    // Others of the group may live on although the first has ended.
    signal(Signal::KILL);
    let _ = child.wait().await;
}

fn judge(status: Option<io::Result<ExitStatus>>, time: Duration) -> (Option<String>, Option<i32>) {
    match status {
        None => (
            Some(format!(
                "it did not end within {} s and was killed",
                time.as_secs()
            )),
            None,
        ),
        Some(Err(error)) => (Some(format!("its end cannot be known: {error}")), None),
        Some(Ok(status)) => match status.code() {
            Some(code) => (None, Some(code)),
            None => {
                let signal = std::os::unix::process::ExitStatusExt::signal(&status).unwrap_or(0);
                (Some(format!("it was ended by signal {signal}")), None)
            }
        },
    }
}

/// The end of both streams, as they came.
#[derive(Debug, Default)]
struct Tail {
    bytes: VecDeque<u8>,
}

impl Tail {
    async fn drain(
        &mut self,
        out: &mut Option<impl AsyncRead + Unpin>,
        err: &mut Option<impl AsyncRead + Unpin>,
    ) {
        let (mut first, mut second) = ([0; 4096], [0; 4096]);
        while out.is_some() || err.is_some() {
            tokio::select! {
                read = read(out, &mut first) => match read {
                    0 => *out = None,
                    n => self.take(&first[..n]),
                },
                read = read(err, &mut second) => match read {
                    0 => *err = None,
                    n => self.take(&second[..n]),
                },
            }
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
        let surplus = self.bytes.len().saturating_sub(KEPT);
        self.bytes.drain(..surplus);
    }

    /// As text of at most [`KEPT`] bytes, whatever the bytes were.
    fn text(mut self) -> String {
        let text = String::from_utf8_lossy(self.bytes.make_contiguous()).into_owned();
        let begin = (0..text.len())
            .find(|&at| text.is_char_boundary(at) && text.len() - at <= KEPT)
            .unwrap_or(0);
        text[begin..].to_owned()
    }
}

/// Bytes read; 0 at the end. Waits for ever on a stream that has ended already.
async fn read(stream: &mut Option<impl AsyncRead + Unpin>, buffer: &mut [u8]) -> usize {
    match stream {
        Some(stream) => stream.read(buffer).await.unwrap_or(0),
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn run(line: &str, time: Duration) -> Ended {
        let home = tempfile::tempdir().expect("a temporary folder");
        let environment = [("ESCADRE_BUNDLE", "hello".to_owned())];
        let line = Line::Shell(line.to_owned());
        Program {
            line: &line,
            folder: home.path(),
            is_content: false,
            environment: &environment,
            time,
        }
        .run()
        .await
    }

    const LONG: Duration = Duration::from_secs(30);

    #[tokio::test]
    async fn ends_and_output() {
        for (line, code, output) in [
            ("echo a; echo b >&2; exit 3", Some(3), "a\nb\n"),
            ("printf '%s' \"$ESCADRE_BUNDLE$USER\"", Some(0), "hello"),
            ("kill -9 $$", None, ""),
        ] {
            let ended = run(line, LONG).await;
            let mut bytes = ended.outcome.output.clone().into_bytes();
            let mut wanted = output.as_bytes().to_vec();
            bytes.sort_unstable();
            wanted.sort_unstable();
            assert_eq!((ended.outcome.exit_code, bytes), (code, wanted), "{line}");
            assert_eq!(ended.fault.is_some(), code.is_none(), "{line}");
        }
    }

    #[tokio::test]
    async fn output_keeps_its_end() {
        let ended = run("yes é | head -c 3000000; echo the end", LONG).await;
        assert!(ended.outcome.output.len() <= KEPT);
        assert!(ended.outcome.output.ends_with("the end\n"));
    }

    #[tokio::test]
    async fn a_program_that_does_not_end_is_ended_with_all_it_started() {
        let home = tempfile::tempdir().expect("a temporary folder");
        let file = home.path().join("pid");
        let line = format!(
            "sh -c 'echo $$ > {}; exec sleep 1000' & sleep 1000",
            file.display()
        );
        let ended = run(&line, Duration::from_millis(700)).await;
        assert_eq!(ended.outcome.exit_code, None);
        assert!(
            ended
                .fault
                .is_some_and(|fault| fault.contains("was killed"))
        );
        let pid = std::fs::read_to_string(&file).expect("the inner one began");
        let stat =
            std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
        assert!(
            stat.is_empty() || stat.contains(") Z"),
            "it lives on: {stat}"
        );
    }

    #[tokio::test]
    async fn what_it_leaves_running_is_not_waited_for() {
        let ended = run("sleep 1000 & echo left", LONG).await;
        assert_eq!(
            (ended.outcome.exit_code, ended.outcome.output.as_str()),
            (Some(0), "left\n")
        );
    }
}
