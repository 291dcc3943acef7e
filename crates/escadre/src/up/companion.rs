//! This machine's own agent: the real one, in a process of its own, enrolled by a single-use token.
//!
//! It ends with `up`, whatever becomes of `up`: its standard input closes. When it breaks it is started again; when
//! somebody ends it by a signal, that is a decision, and it stays down until the next `up` or `escadre agent run`.

use std::{
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use anyhow::{Context, Result};
use escadre_server::Server;
use tokio::{
    process::{Child, ChildStdin, Command},
    sync::watch,
    task::JoinHandle,
    time::{sleep, timeout},
};

/// How long the agent may take to end before it is killed.
const PATIENCE: Duration = Duration::from_millis(1500);

/// The agent beside the server.
pub(super) struct Companion {
    watcher: JoinHandle<()>,
}

impl Companion {
    /// Starts it; enrols it first when it is new.
    pub(super) async fn start(
        server: &Server,
        state: &Path,
        agents: &str,
        stopping: watch::Receiver<bool>,
    ) -> Result<Self> {
        let start = Start {
            program: std::env::current_exe().context("this program cannot find itself")?,
            folder: state.join("agent"),
        };
        // The agent writes this file last: without it, an enrolment was never finished.
        let enrolment = match start.folder.join("agent.json").exists() {
            true => None,
            false => Some(server.agent_enrolment_token("this machine").await?),
        };
        let server = agents.to_owned();
        let watcher = tokio::spawn(async move {
            if let Err(error) = watch_over(&start, &server, enrolment, stopping).await {
                tracing::error!(
                    error = format!("{error:#}"),
                    "this machine's agent cannot be started"
                );
            }
        });
        Ok(Self { watcher })
    }

    /// Waits for its end.
    pub(super) async fn ended(self) {
        let _ = self.watcher.await;
    }
}

struct Start {
    program: PathBuf,
    folder: PathBuf,
}

impl Start {
    fn command(&self, verb: &str) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(["agent", verb, "--agent-state"])
            .arg(&self.folder)
            .kill_on_drop(true);
        command
    }

    async fn enrol(&self, server: &str, enrolment: &str) -> Result<()> {
        let mut command = self.command("enrol");
        command
            .args(["--agent-server", server])
            .env("ESCADRE_ENROLMENT", enrolment);
        let output = command
            .stdin(Stdio::null())
            .output()
            .await
            .context("cannot start the agent")?;
        if output.status.success() {
            return Ok(());
        }
        anyhow::bail!(
            "this machine could not enrol: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        )
    }

    fn run(&self) -> Result<Child> {
        let mut command = self.command("run");
        command
            .arg("--with-parent")
            .stdin(Stdio::piped())
            .stdout(Stdio::null());
        command.spawn().context("cannot start the agent")
    }
}

async fn watch_over(
    start: &Start,
    server: &str,
    enrolment: Option<String>,
    mut stopping: watch::Receiver<bool>,
) -> Result<()> {
    if let Some(enrolment) = enrolment {
        start.enrol(server, &enrolment).await?;
    }
    let mut pause = Duration::from_secs(1);
    loop {
        let mut child = start.run()?;
        // Waiting for a child closes its standard input unless somebody else holds it.
        let input = child.stdin.take();
        let ended = tokio::select! {
            ended = child.wait() => Some(ended.context("the agent is lost")?),
            _ = stopping.wait_for(|stop| *stop) => None,
        };
        let Some(status) = ended else {
            return end(child, input).await;
        };
        if was_ended(status) {
            tracing::warn!(%status, "this machine's agent was ended by a signal and stays down: `escadre agent run` starts it");
            let _ = stopping.wait_for(|stop| *stop).await;
            return Ok(());
        }
        tracing::error!(%status, again_in = ?pause, "this machine's agent ended by itself");
        tokio::select! {
            () = sleep(pause) => pause = (pause * 2).min(Duration::from_secs(60)),
            _ = stopping.wait_for(|stop| *stop) => return Ok(()),
        }
    }
}

/// Ended on purpose: by a signal, or well (which is how it answers SIGTERM).
fn was_ended(status: ExitStatus) -> bool {
    status.success() || matches!(status.signal(), Some(1 | 2 | 9 | 15))
}

/// Closes its standard input, which asks it to end, and does not wait for ever.
async fn end(mut child: Child, input: Option<ChildStdin>) -> Result<()> {
    drop(input);
    if timeout(PATIENCE, child.wait()).await.is_err() {
        child.kill().await.context("the agent cannot be ended")?;
    }
    Ok(())
}
