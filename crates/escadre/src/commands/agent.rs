//! `escadre agent`: the program on every machine.

use std::{io::Read, path::PathBuf, process::ExitCode};

use anyhow::{Context, Result};
use escadre_agent::{EnrolOptions, RunOptions};
use tokio::sync::oneshot;

use crate::{
    cli::{Agent, Connection},
    render::{self, Format},
};

/// Enrols or runs. One thread is enough, and keeps an idle agent small.
pub(super) fn run(connection: &Connection, command: Agent, format: Format) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime
        .context("cannot start the asynchronous runtime")?
        .block_on(act(connection, command, format))
}

async fn act(connection: &Connection, command: Agent, format: Format) -> Result<ExitCode> {
    let folder =
        |given: Option<PathBuf>| given.unwrap_or_else(|| connection.state_folder().join("agent"));
    match command {
        Agent::Enrol {
            agent_server,
            enrolment,
            agent_state,
            name,
        } => {
            let state_dir = folder(agent_state);
            let place = state_dir.display().to_string();
            let options = EnrolOptions {
                state_dir,
                server: agent_server,
                token: enrolment,
                hostname: name,
            };
            let enrolled = escadre_agent::enrol(options).await?;
            render::say(
                format,
                format!(
                    "this machine is {} now; start its agent: escadre agent run --agent-state {place}",
                    enrolled.name
                ),
            )?;
        }
        Agent::Run {
            agent_state,
            with_parent,
            log_json,
        } => {
            crate::log::start(log_json);
            escadre_agent::run(
                RunOptions::new(folder(agent_state)),
                asked_to_stop(with_parent),
            )
            .await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Ends when a person, the service manager or the end of the parent asks for it.
async fn asked_to_stop(with_parent: bool) {
    let (tell, told) = oneshot::channel();
    let parent_gone = async {
        match with_parent {
            // A thread of its own: one that waits on a pipe must not keep the runtime from ending.
            true => {
                std::thread::spawn(move || tell.send(std::io::stdin().read(&mut [0; 1]).is_ok()));
                drop(told.await);
            }
            false => std::future::pending().await,
        }
    };
    tokio::select! {
        () = crate::log::stop_signal() => {}
        () = parent_gone => {}
    }
}
