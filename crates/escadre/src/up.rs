//! `escadre up`: every role in one process, both UIs, and this machine's own agent beside it.
//!
//! Order matters: ports first (nothing is written when one is taken), then the state, then the agent. A stop goes the
//! other way and takes less than three seconds.

mod companion;
mod doors;
mod words;

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result};
use escadre_server::{Server, ServerConfig};
use escadre_trust::Publisher;
use serde::Serialize;
use tokio::sync::watch;

use crate::{
    cli::{Connection, Up},
    log, place,
    render::Format,
};
use companion::Companion;
use doors::Doors;
use words::Words;

/// What `up` says when it is ready.
#[derive(Serialize)]
struct Ready {
    /// Address of the configuration UI.
    config: String,
    /// Address of the visualisation UI.
    view: String,
    /// `host:port` of agents.
    agents: String,
    /// Lets the first administrator in, once; absent when somebody has a password.
    sign_in: Option<String>,
    /// The state folder.
    state: PathBuf,
    /// The folder of a publisher's key that lies on this machine.
    publisher_key: Option<PathBuf>,
}

/// Runs until it is asked to stop.
pub(crate) async fn run(connection: &Connection, options: Up, format: Format) -> Result<ExitCode> {
    log::start(options.log_json);
    let state = std::path::absolute(connection.state_folder())
        .context("the state folder has no absolute path")?;
    let publisher = options
        .publisher_key
        .clone()
        .unwrap_or_else(place::publisher);
    let doors = Doors::open(&options).await?;
    let server = Server::start(config(&state, &doors, &options, &publisher)).await?;
    let (stop, stopping) = watch::channel(false);
    let served = doors.serve(&server, &state, &stopping).await?;
    let ready = Ready {
        config: served.config.clone(),
        view: served.view.clone(),
        agents: served.agents.clone(),
        sign_in: server
            .one_time_sign_in()
            .await?
            .map(|path| format!("{}{path}", served.config)),
        state: state.clone(),
        publisher_key: Publisher::exists(&publisher).then_some(publisher),
    };
    say(&ready, format).context("cannot print where the server is")?;
    let companion = match options.no_agent {
        true => None,
        false => Some(Companion::start(&server, &state, &served.agents, stopping).await?),
    };
    log::stop_signal().await;
    tracing::info!("stopping");
    stop.send_replace(true);
    if let Some(companion) = companion {
        companion.ended().await;
    }
    served.ended().await;
    server.shutdown().await;
    Ok(ExitCode::SUCCESS)
}

fn config(state: &Path, doors: &Doors, options: &Up, publisher: &Path) -> ServerConfig {
    ServerConfig {
        state_dir: state.to_owned(),
        config_address: doors.config_address(),
        view_address: doors.view_address(),
        agent_address: doors.agent_address(),
        names: names(options),
        publisher_dir: Some(publisher.to_owned()),
        publisher_root: None,
    }
}

/// By what the server is reached from elsewhere: the names that were given, the machine's own, its addresses.
fn names(options: &Up) -> Vec<String> {
    let mut names = options.names.clone();
    if !options.listen.is_loopback() {
        names.push(
            rustix::system::uname()
                .nodename()
                .to_string_lossy()
                .into_owned(),
        );
        names.extend(
            escadre_probe::inventory::addresses()
                .iter()
                .map(ToString::to_string),
        );
    }
    names
}

fn say(ready: &Ready, format: Format) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if format != Format::Table {
        serde_json::to_writer(&mut out, ready).map_err(io::Error::from)?;
        writeln!(out)?;
        return out.flush();
    }
    let words = Words::of_environment();
    let mut line = |name: &str, value: &str| {
        let pad = " ".repeat(22usize.saturating_sub(name.chars().count()));
        writeln!(out, "  {name}{pad}{value}")
    };
    line(words.configuration, &ready.config)?;
    line(words.visualisation, &ready.view)?;
    line(words.agents, &ready.agents)?;
    line(words.state, &ready.state.display().to_string())?;
    if let Some(link) = &ready.sign_in {
        line(words.sign_in, link)?;
    }
    if let Some(folder) = &ready.publisher_key {
        line(words.key, &folder.display().to_string())?;
        line("", words.key_advice)?;
    }
    writeln!(out, "{}", words.ready)?;
    out.flush()
}
