//! The command line: nouns, their verbs, their options. One source for parsing and help.

mod choose;
mod machine;
mod people;
mod ship;
mod watch;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub(crate) use choose::*;
pub(crate) use machine::*;
pub(crate) use people::*;
pub(crate) use ship::*;
pub(crate) use watch::*;

use crate::{place, render::Format};

/// Chooses the software of each machine of a fleet, ships it there, and watches that it works.
#[derive(Parser)]
#[command(name = "escadre", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) connection: Connection,
    /// How results are printed
    #[arg(long, global = true, value_enum, default_value = "table")]
    pub(crate) format: Format,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Which server a command talks to.
#[derive(Args, Clone)]
pub(crate) struct Connection {
    /// State folder of the server on this machine [default: /var/lib/escadre as root, else in your data folder]
    #[arg(long, global = true, env = "ESCADRE_STATE", value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
    /// A server elsewhere, as https://host:port
    #[arg(long, global = true, env = "ESCADRE_SERVER", value_name = "URL")]
    pub(crate) server: Option<String>,
    /// API token for --server
    #[arg(
        long,
        global = true,
        env = "ESCADRE_TOKEN",
        value_name = "T",
        hide_env_values = true
    )]
    pub(crate) token: Option<String>,
    /// The installation's CA for --server (server/ca/ca.pem in the server's state folder)
    #[arg(long, global = true, env = "ESCADRE_CA", value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
}

impl Connection {
    /// The state folder, as given or by default.
    pub(crate) fn state_folder(&self) -> PathBuf {
        self.state.clone().unwrap_or_else(place::state)
    }
}

#[derive(Subcommand)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one command in the life of a process"
)]
pub(crate) enum Command {
    /// Start everything on this machine: all roles, both UIs, and an agent
    Up(Up),
    /// Machines: what they are and how they are
    #[command(subcommand)]
    Host(Host),
    /// What is watched, and its problems
    #[command(subcommand)]
    Check(Check),
    /// Signed, deployable things
    #[command(subcommand)]
    Bundle(Bundle),
    /// Bundles on their way to machines
    #[command(subcommand)]
    Rollout(Rollout),
    /// One bundle on one machine
    #[command(subcommand)]
    Delivery(Delivery),
    /// Tokens: for machines to enrol, for programs to use the API
    #[command(subcommand)]
    Token(Token),
    /// People who may sign in
    #[command(subcommand)]
    User(User),
    /// Who did what, when, from where
    #[command(subcommand)]
    Audit(Audit),
    /// Settings of the installation
    #[command(subcommand)]
    Settings(Settings),
    /// Everything that is wrong with the installation, with the command that repairs it; exit code 0, 1 or 2
    Healthcheck,
    /// The publisher's key and the trust metadata
    #[command(subcommand)]
    Publisher(Publisher),
    /// Choose packages for a machine, and say why
    Select(Select),
    /// Why a package is selected for a host, in one line
    Why(Why),
    /// Why a package is not selected for a host, in one line
    WhyNot(Why),
    /// Selection rules of others: check them, make a profile of them
    #[command(subcommand)]
    Rules(Rules),
    /// The program on every machine
    #[command(subcommand)]
    Agent(Agent),
}

/// Seconds of a text such as `90s`, `30m`, `2h`, `7d`, `1y`; a bare number is seconds.
fn duration(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is no length of time; write 90s, 30m, 2h, 7d or 1y");
    let split = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let number: u64 = text[..split].parse().map_err(|_| wrong())?;
    let unit = match &text[split..] {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        "w" => 7 * 86_400,
        "y" => 365 * 86_400,
        _ => return Err(wrong()),
    };
    number
        .checked_mul(unit)
        .filter(|seconds| *seconds < 100 * 365 * 86_400)
        .ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn lengths_of_time() {
        for (text, expected) in [
            ("90s", Some(90)),
            ("2h", Some(7200)),
            ("7", Some(7)),
            ("1y", Some(31_536_000)),
        ] {
            assert_eq!(duration(text).ok(), expected, "{text}");
        }
        for bad in ["", "h", "-1s", "1.5h", "99999999999y"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }
}
