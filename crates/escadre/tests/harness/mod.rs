//! Starts the real program in a folder of its own, on free ports, and speaks to it as a person would: by commands.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

/// The program under test.
pub(crate) const ESCADRE: &str = env!("CARGO_BIN_EXE_escadre");

/// How long anything may take on a machine that is busy with other tests.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A running installation; ended when dropped.
pub(crate) struct Installation {
    pub(crate) folder: TempDir,
    up: Option<Child>,
    /// What `up` said: addresses and the one-time link.
    pub(crate) said: Value,
}

impl Installation {
    /// A fresh one with an agent for this machine.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut installation = Self {
            folder,
            up: None,
            said: Value::Null,
        };
        installation.up(&[]);
        installation
    }

    /// Starts `up` on free ports and waits for its word that it is ready.
    pub(crate) fn up(&mut self, more: &[&str]) {
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(self.folder.path().join("up.log"))
            .expect("a log file");
        let mut child = self
            .command(&[
                "--format",
                "json",
                "up",
                "--config-port",
                "0",
                "--view-port",
                "0",
                "--agent-port",
                "0",
            ])
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("the program starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped"))
            .read_line(&mut line)
            .expect("a line");
        assert!(!line.is_empty(), "up ended at once:\n{}", self.log());
        self.said = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.up = Some(child);
    }

    /// A command of this installation: its state, and keys that are not the developer's own.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(ESCADRE);
        command
            .arg("--state")
            .arg(self.state())
            .args(arguments)
            .env("XDG_CONFIG_HOME", self.folder.path().join("config"))
            .env_remove("ESCADRE_SERVER")
            .env("LANG", "C.UTF-8");
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments)
            .stdin(Stdio::null())
            .output()
            .expect("the program runs")
    }

    /// Runs a command that must succeed; gives what it printed.
    pub(crate) fn good(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert!(
            output.status.success(),
            "{arguments:?}: {}\n{out}\n{err}\n{}",
            output.status,
            self.log()
        );
        out
    }

    /// The same as JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let mut all = vec!["--format", "json"];
        all.extend(arguments);
        let out = self.good(&all);
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{arguments:?}: {error}\n{out}"))
    }

    /// Runs a command that must fail; gives what it said.
    pub(crate) fn bad(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(
            !output.status.success(),
            "{arguments:?} succeeded:\n{}",
            text(&output.stdout)
        );
        text(&output.stderr)
    }

    /// Asks again and again until an answer satisfies.
    pub(crate) fn until(
        &self,
        arguments: &[&str],
        what: &str,
        satisfied: impl Fn(&Value) -> bool,
    ) -> Value {
        let began = Instant::now();
        loop {
            let answer = self.json(arguments);
            if satisfied(&answer) {
                return answer;
            }
            assert!(
                began.elapsed() < PATIENCE,
                "{what}: still {answer:#}\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// The name of this machine's host, once it is there with its inventory and its checks.
    pub(crate) fn own_host(&self) -> String {
        let hosts = self.until(&["host", "list"], "the machine's own host", |hosts| {
            hosts[0]["os"].as_str().is_some_and(|os| !os.is_empty()) && hosts[0]["state"] == "up"
        });
        hosts[0]["name"].as_str().expect("a name").to_owned()
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// Process ids of the agent: by its command line, as an administrator would look for it.
    pub(crate) fn agent_processes(&self) -> Vec<u32> {
        let state = self.state();
        let folders = fs::read_dir("/proc").expect("/proc").flatten();
        let ids = folders.filter_map(|entry| entry.file_name().to_string_lossy().parse().ok());
        ids.filter(|id: &u32| is_agent_of(*id, &state)).collect()
    }

    /// Asks `up` to stop, waits, and gives how long it took.
    pub(crate) fn stop(&mut self) -> Duration {
        let Some(mut child) = self.up.take() else {
            return Duration::ZERO;
        };
        let began = Instant::now();
        signal(child.id(), "TERM");
        let status = child.wait().expect("it was started");
        assert!(status.success(), "up ended with {status}\n{}", self.log());
        began.elapsed()
    }

    /// Ends `up` as a power cut would.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.up.take() {
            child.kill().expect("it was started");
            child.wait().expect("it was started");
        }
    }

    pub(crate) fn log(&self) -> String {
        let log = fs::read_to_string(self.folder.path().join("up.log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().rev().take(40).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Sends a signal by its name.
pub(crate) fn signal(process: u32, name: &str) {
    let status = Command::new("kill")
        .args(["-s", name, &process.to_string()])
        .status()
        .expect("kill runs");
    assert!(status.success(), "no process {process}");
}

fn is_agent_of(process: u32, state: &Path) -> bool {
    let line = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
    let line = String::from_utf8_lossy(&line).into_owned();
    let words: Vec<&str> = line.split('\0').collect();
    words.contains(&"agent") && words.contains(&"run") && line.contains(&*state.to_string_lossy())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
