//! A server and an agent in a temporary folder, started as a person would start them.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Command, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{Outcome, process::Process};

/// The server.
pub(crate) struct House {
    // Ended before its folder goes.
    _server: Process,
    folder: TempDir,
    program: PathBuf,
    agents: String,
    metrics: reqwest::Client,
}

impl House {
    /// Builds the program if need be, and starts a server.
    pub(crate) fn open() -> Outcome<Self> {
        let program = program()?;
        let folder = tempfile::tempdir()?;
        let mut command = command(&program, &folder);
        command
            .args(["--format", "json", "up", "--no-agent"])
            .args([
                "--config-port",
                "0",
                "--view-port",
                "0",
                "--agent-port",
                "0",
            ])
            .stdout(Stdio::piped())
            .stderr(File::create(folder.path().join("up.log"))?);
        let mut child = command.spawn()?;
        let output = child.stdout.take().ok_or("it was piped")?;
        let server = Process::new(child);
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let said: Value = serde_json::from_str(&line)
            .map_err(|error| format!("`escadre up` does not start: {error}"))?;
        let agents = said["agents"].as_str().ok_or("no port for agents")?;
        let metrics = reqwest::Client::builder()
            .unix_socket(folder.path().join("state/escadre.sock"))
            .build()?;
        Ok(Self {
            _server: server,
            agents: agents.to_owned(),
            folder,
            program,
            metrics,
        })
    }

    /// Enrols an agent and starts it.
    pub(crate) fn start_agent(&self) -> Outcome<Process> {
        let output = command(&self.program, &self.folder)
            .args(["--format", "json", "token", "create", "idle", "--enrolment"])
            .output()?;
        let made: Value = serde_json::from_slice(&output.stdout).map_err(|error| {
            let why = String::from_utf8_lossy(&output.stderr);
            format!("no token: {error}: {why}")
        })?;
        let secret = made["secret"]
            .as_str()
            .ok_or("a token without its secret")?;
        let enrolled = command(&self.program, &self.folder)
            .args(["agent", "enrol", "--agent-server", &self.agents])
            .env("ESCADRE_ENROLMENT", secret)
            .stdout(Stdio::null())
            .status()?;
        if !enrolled.success() {
            return Err("the agent cannot enrol".into());
        }
        let child = command(&self.program, &self.folder)
            .args(["agent", "run"])
            .stdout(Stdio::null())
            .stderr(File::create(self.folder.path().join("agent.log"))?)
            .spawn()?;
        Ok(Process::new(child))
    }

    /// Results of checks and contacts that the server has taken so far.
    pub(crate) async fn counts(&self) -> Outcome<(u64, u64)> {
        let answer = self.metrics.get("http://localhost/metrics").send().await?;
        let text = answer.error_for_status()?.text().await?;
        let counter = |name: &str| -> Outcome<u64> {
            let mut lines = text.lines();
            let value = lines.find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
            value.ok_or_else(|| format!("no {name} in the metrics").into())
        };
        Ok((
            counter("escadre_check_results_total ")?,
            counter("escadre_agent_contacts_total ")?,
        ))
    }
}

/// The program beside this example; cargo knows best whether it is fresh.
fn program() -> Outcome<PathBuf> {
    let here = std::env::current_exe()?;
    let [release, target] = [2, 3].map(|above| here.ancestors().nth(above));
    let (release, target) = release.zip(target).ok_or("no folder above this")?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--quiet", "--release", "--package", "escadre"])
        .arg("--target-dir")
        .arg(target)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()?;
    if !built.success() {
        return Err("the program cannot be built".into());
    }
    Ok(release.join("escadre"))
}

fn command(program: &PathBuf, folder: &TempDir) -> Command {
    let mut command = Command::new(program);
    command
        .arg("--state")
        .arg(folder.path().join("state"))
        .env("XDG_CONFIG_HOME", folder.path().join("config"))
        .env_remove("ESCADRE_SERVER")
        .env_remove("RUST_LOG")
        .stdin(Stdio::null());
    command
}
