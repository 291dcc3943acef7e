//! From a command to the API and back to the terminal: one small module a noun.

mod account;
mod agent;
mod check;
mod health;
mod host;
mod rollout;

use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::{
    choose,
    cli::{Cli, Command, Select, SelectCommand},
    client::Client,
    render::Format,
    ship, up,
};

/// What every command needs: a server and a way to print.
pub(crate) struct Session {
    pub(crate) client: Client,
    pub(crate) format: Format,
}

/// Runs a command to its end.
pub(crate) fn run(cli: Cli) -> Result<ExitCode> {
    match cli.command {
        Command::Up(options) => {
            many_threads()?.block_on(up::run(&cli.connection, options, cli.format))
        }
        Command::Agent(agent) => agent::run(&cli.connection, agent, cli.format),
        Command::Select(Select {
            command: Some(SelectCommand::Replay { case, era }),
            ..
        }) => choose::replay(&case, era.as_deref()),
        Command::Rules(command) => choose::rules(command, cli.format),
        command => {
            let session = Session {
                client: Client::new(&cli.connection)?,
                format: cli.format,
            };
            many_threads()?.block_on(ask(&session, command))
        }
    }
}

async fn ask(session: &Session, command: Command) -> Result<ExitCode> {
    match command {
        Command::Host(command) => host::run(session, command).await?,
        Command::Check(command) => check::run(session, command).await?,
        Command::Bundle(command) => return ship::bundle(session, command).await,
        Command::Rollout(command) => return rollout::run(session, command).await,
        Command::Delivery(command) => rollout::delivery(session, command).await?,
        Command::Token(command) => account::token(session, command).await?,
        Command::User(command) => account::user(session, command).await?,
        Command::Audit(command) => account::audit(session, command).await?,
        Command::Settings(command) => account::settings(session, command).await?,
        Command::Healthcheck => return health::run(session).await,
        Command::Publisher(command) => ship::publisher(session, command).await?,
        Command::Select(Select {
            command: Some(SelectCommand::Diff(options)),
            ..
        }) => return choose::diff(session, &options).await,
        Command::Select(select) => choose::select(session, select.wish).await?,
        Command::Why(question) => return choose::why(session, &question, true).await,
        Command::WhyNot(question) => return choose::why(session, &question, false).await,
        Command::Up(_) | Command::Agent(_) | Command::Rules(_) => {
            unreachable!("handled before a client is made")
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn many_threads() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the asynchronous runtime")
}
