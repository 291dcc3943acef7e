//! The command line: nouns, their verbs, their options. One source for parsing and help.

use std::{net::IpAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand};
use escadre_api::Role;

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

/// Options of `up`.
#[derive(Args, Clone)]
pub(crate) struct Up {
    /// Address to listen on; beyond loopback everything is HTTPS
    #[arg(long, default_value = "127.0.0.1", value_name = "ADDRESS")]
    pub(crate) listen: IpAddr,
    /// Port of the configuration UI; 0 takes a free one
    #[arg(long, default_value_t = 7766)]
    pub(crate) config_port: u16,
    /// Port of the visualisation UI; 0 takes a free one
    #[arg(long, default_value_t = 7767)]
    pub(crate) view_port: u16,
    /// Port of agents and relays; 0 takes a free one
    #[arg(long, default_value_t = 7768)]
    pub(crate) agent_port: u16,
    /// Folder of the publisher's key; made on first start if nothing is there
    /// [default: escadre/publisher in your configuration folder]
    #[arg(long, env = "ESCADRE_PUBLISHER_KEY", value_name = "DIR")]
    pub(crate) publisher_key: Option<PathBuf>,
    /// Further names of this machine for its certificate
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) names: Vec<String>,
    /// Do not start an agent for this machine
    #[arg(long)]
    pub(crate) no_agent: bool,
    /// Log as JSON lines
    #[arg(long)]
    pub(crate) log_json: bool,
}

#[derive(Subcommand)]
pub(crate) enum Host {
    /// List hosts, all or those of a query
    List {
        /// In the query language: `site:bordeaux tag~alpha has:nginx<1.25`
        #[arg(default_value = "")]
        query: String,
    },
    /// Show a host with its inventory
    Show { name: String },
    /// List the packages that are installed on a host
    Packages { name: String },
    /// Everything that happened on a host, in one order, newest first
    Timeline {
        name: String,
        /// At most so many entries
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Change site, tags or notes
    Set {
        name: String,
        #[arg(long)]
        site: Option<String>,
        /// All tags, separated by commas; '' for none
        #[arg(long)]
        tags: Option<String>,
        #[arg(long)]
        notes: Option<String>,
    },
    /// Forget a host and refuse its certificate
    Rm { name: String },
}

#[derive(Subcommand)]
pub(crate) enum Check {
    /// List checks, most urgent first
    List {
        /// Hosts, in the query language
        #[arg(default_value = "")]
        query: String,
        /// Only this host
        #[arg(long)]
        host: Option<String>,
        /// Only problems
        #[arg(long)]
        problems: bool,
    },
    /// Show a check
    Show { host: String, check: String },
    /// How its state changed
    History {
        host: String,
        check: String,
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Run it at once
    Run { host: String, check: String },
    /// Take a problem
    Acknowledge {
        host: String,
        check: String,
        /// What you do about it
        #[arg(long, default_value = "")]
        comment: String,
    },
    /// Give it back
    Unacknowledge { host: String, check: String },
    /// Plan a silence from now on
    Downtime {
        host: String,
        /// Without it: the host and all its checks
        check: Option<String>,
        /// How long: 30m, 2h, 1d
        #[arg(long = "for", default_value = "1h", value_name = "TIME", value_parser = duration)]
        duration: u64,
        #[arg(long, default_value = "")]
        comment: String,
    },
    /// End a silence by its number
    EndDowntime { number: u64 },
}

#[derive(Subcommand)]
pub(crate) enum Bundle {
    /// Cut, sign and upload a folder or an archive
    Create(Box<BundleCreate>),
    /// List bundles
    List,
    /// Show a bundle with its manifest
    Show { bundle: String },
    /// Check every byte and every signature of it
    Verify { bundle: String },
    /// Sign a bundle that was uploaded by a browser
    Sign {
        bundle: String,
        #[command(flatten)]
        key: PublisherKey,
    },
    /// Withdraw a bundle: agents refuse it from then on
    Rm {
        bundle: String,
        #[command(flatten)]
        key: PublisherKey,
    },
}

/// Options of `bundle create`.
#[derive(Args, Clone)]
pub(crate) struct BundleCreate {
    #[arg(long)]
    pub(crate) name: String,
    /// The program keeps the order of versions as Debian has it
    #[arg(long = "version", id = "bundle-version", value_name = "VERSION")]
    pub(crate) version: String,
    /// Run a program of the content: its path and arguments, no shell
    #[arg(long, value_name = "COMMAND", group = "action")]
    pub(crate) launch: Option<String>,
    /// Run a command of the host inside the content's folder, no shell
    #[arg(long, value_name = "COMMAND", group = "action")]
    pub(crate) execute: Option<String>,
    /// Put the content into a folder of the host
    #[arg(long, value_name = "PATH", group = "action")]
    pub(crate) store: Option<PathBuf>,
    /// Let /bin/sh read the command of --launch or --execute
    #[arg(long)]
    pub(crate) shell: bool,
    /// For people
    #[arg(long, default_value = "")]
    pub(crate) description: String,
    /// Only hosts of this query accept it
    #[arg(long, default_value = "", value_name = "QUERY")]
    pub(crate) target: String,
    /// Safe to run again after an interruption
    #[arg(long)]
    pub(crate) repeatable: bool,
    /// Accepted by hosts that have seen a newer version
    #[arg(long)]
    pub(crate) allow_downgrade: bool,
    /// End the action after so long: 90s, 10m, 2h
    #[arg(long, default_value = "30m", value_name = "TIME", value_parser = duration)]
    pub(crate) timeout: u64,
    /// Refused from then on: 30d, 1y…
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) expires: Option<u64>,
    /// Exit codes that mean success
    #[arg(long, default_value = "0", value_delimiter = ',', value_name = "CODES")]
    pub(crate) success: Vec<i32>,
    #[command(flatten)]
    pub(crate) key: PublisherKey,
    /// Folder, .zip, .tar, .tar.gz or .tar.zst; none for a command without content
    pub(crate) content: Option<PathBuf>,
}

/// Where the publisher's key lies.
#[derive(Args, Clone)]
pub(crate) struct PublisherKey {
    /// Folder of the publisher's key [default: escadre/publisher in your configuration folder]
    #[arg(long, env = "ESCADRE_PUBLISHER_KEY", value_name = "DIR")]
    pub(crate) publisher_key: Option<PathBuf>,
    /// File with the key's passphrase; without it you are asked
    #[arg(long, env = "ESCADRE_PASSPHRASE_FILE", value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
}

impl PublisherKey {
    /// The folder, as given or by default.
    pub(crate) fn folder(&self) -> PathBuf {
        self.publisher_key.clone().unwrap_or_else(place::publisher)
    }
}

#[derive(Subcommand)]
pub(crate) enum Rollout {
    /// Send a bundle to machines
    Create {
        /// NAME@VERSION
        bundle: String,
        /// Who, in the query language; '' is everyone
        #[arg(long, value_name = "QUERY")]
        to: String,
        /// Hosts to leave out
        #[arg(long, value_name = "HOST")]
        except: Vec<String>,
        /// Begin no earlier: an RFC 3339 time
        #[arg(long, value_name = "TIME")]
        not_before: Option<jiff::Timestamp>,
        /// Begin no later
        #[arg(long, value_name = "TIME")]
        expires: Option<jiff::Timestamp>,
        #[arg(long, default_value = "")]
        note: String,
        /// Say who would get it and who not; send nothing
        #[arg(long)]
        preview: bool,
        /// Wait for the end with a progress bar; fails if any delivery failed
        #[arg(long)]
        wait: bool,
    },
    /// List rollouts
    List,
    /// Show a rollout and its deliveries
    Show { rollout: String },
    /// Wait for its end
    Wait { rollout: String },
    /// Begin nothing new for now
    Pause { rollout: String },
    /// Go on
    Resume { rollout: String },
    /// Stop it for good
    Abort { rollout: String },
}

#[derive(Subcommand)]
pub(crate) enum Delivery {
    /// List deliveries, newest first
    List {
        /// Only of this host
        #[arg(long)]
        host: Option<String>,
        /// Only failures
        #[arg(long)]
        failed: bool,
        #[arg(long, default_value_t = 200)]
        limit: u32,
    },
    /// Show a delivery with its steps and output
    Show { id: String },
}

#[derive(Subcommand)]
pub(crate) enum Token {
    /// List tokens (never their secrets)
    List,
    /// Show a token
    Show { name: String },
    /// Make a token; its secret is shown once
    Create {
        name: String,
        /// For a program: what it may do
        #[arg(long, conflicts_with = "enrolment")]
        role: Option<Role>,
        /// For one machine to enrol
        #[arg(long)]
        enrolment: bool,
        /// Site of the machine that enrols
        #[arg(long)]
        site: Option<String>,
        /// Its tags
        #[arg(long, value_delimiter = ',')]
        tags: Vec<String>,
        /// Valid for: 1h, 7d, 1y
        #[arg(long = "for", value_name = "TIME", value_parser = duration)]
        lifetime: Option<u64>,
    },
    /// Revoke a token
    Revoke { name: String },
}

#[derive(Subcommand)]
pub(crate) enum User {
    /// List users
    List,
    /// Show a user
    Show { name: String },
    /// Make a user; without a password a one-time link is printed
    Create {
        name: String,
        #[arg(long, default_value = "viewer")]
        role: Role,
        /// Ask for a password now
        #[arg(long)]
        password: bool,
    },
    /// Change role or password, disable or enable
    Set {
        name: String,
        #[arg(long)]
        role: Option<Role>,
        #[arg(long)]
        disabled: Option<bool>,
        /// Ask for a new password
        #[arg(long)]
        password: bool,
    },
    /// Print a one-time sign-in link
    Link { name: String },
    /// Remove a user with its sessions
    Rm { name: String },
}

#[derive(Subcommand)]
pub(crate) enum Audit {
    /// List entries, newest first
    List {
        /// Words to find
        #[arg(default_value = "")]
        text: String,
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// Show one entry
    Show { number: u64 },
}

#[derive(Subcommand)]
pub(crate) enum Settings {
    /// Show the settings
    Show,
    /// Change some
    Set {
        /// Name shown on every page
        #[arg(long)]
        name: Option<String>,
        /// Seconds between two contacts of a quiet agent
        #[arg(long)]
        contact_every: Option<u32>,
        /// Days of history that are kept
        #[arg(long)]
        keep_days: Option<u32>,
    },
}

#[derive(Subcommand)]
pub(crate) enum Publisher {
    /// Show the key, where it lies, and what the trust metadata says
    Show {
        #[command(flatten)]
        key: PublisherKey,
    },
    /// Make a key on this machine, which need not be the server
    Init {
        #[command(flatten)]
        key: PublisherKey,
        /// Protect the key by a passphrase, which is asked for
        #[arg(long)]
        passphrase: bool,
    },
    /// Let the key follow the server's trusted root, whose fingerprint you compared with another publisher
    Pin {
        #[command(flatten)]
        key: PublisherKey,
        /// SHA-256 of the root, as `publisher show` of the other publisher prints it
        fingerprint: String,
    },
    /// Other publishers or another number of signatures: signed by the old and the new ones
    Change(PublisherChange),
    /// Add a signature to a proposal of another publisher, after reading what it changes
    Sign {
        /// The proposal
        file: PathBuf,
        #[command(flatten)]
        key: PublisherKey,
    },
    /// Sign the list of bundles again as it is, for another year
    Renew {
        #[command(flatten)]
        key: PublisherKey,
    },
}

/// Options of `publisher change`.
#[derive(Args, Clone)]
pub(crate) struct PublisherChange {
    /// Public key that signs from now on, as `publisher init` prints it
    #[arg(long, value_name = "KEY")]
    pub(crate) add: Vec<String>,
    /// Public key that signs no more
    #[arg(long, value_name = "KEY")]
    pub(crate) remove: Vec<String>,
    /// How many must sign a bundle
    #[arg(long, value_name = "NUMBER")]
    pub(crate) threshold: Option<u32>,
    /// Where the proposal goes while signatures are missing [default: publishers.proposal.json]
    #[arg(long, value_name = "FILE")]
    pub(crate) proposal: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) key: PublisherKey,
}

impl PublisherChange {
    /// Where the proposal goes.
    pub(crate) fn file(&self) -> PathBuf {
        self.proposal
            .clone()
            .unwrap_or_else(|| PathBuf::from("publishers.proposal.json"))
    }
}

/// Options of `select`.
#[derive(Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    arg_required_else_help = true
)]
pub(crate) struct Select {
    #[command(subcommand)]
    pub(crate) command: Option<SelectCommand>,
    #[command(flatten)]
    pub(crate) wish: SelectWish,
}

/// A profile for a host.
#[derive(Args)]
pub(crate) struct SelectWish {
    /// The profile, a TOML file
    #[arg(required = true)]
    pub(crate) profile: Option<PathBuf>,
    /// For which host
    #[arg(long, value_name = "NAME", required_unless_present = "into")]
    pub(crate) host: Option<String>,
    #[command(flatten)]
    pub(crate) from: Repositories,
    /// Write exact versions and hashes into this file
    #[arg(long, value_name = "FILE")]
    pub(crate) lock: Option<PathBuf>,
    /// Make a new Debian system of the selection in this folder, by mmdebstrap
    #[arg(long, value_name = "DIR", conflicts_with = "host")]
    pub(crate) into: Option<PathBuf>,
    /// Make an offline bundle of what the host lacks, sign and publish it: NAME@VERSION, or NAME for version 1
    #[arg(long, value_name = "BUNDLE", conflicts_with = "into")]
    pub(crate) bundle: Option<String>,
    #[command(flatten)]
    pub(crate) key: PublisherKey,
}

/// What packages are chosen from.
#[derive(Args)]
pub(crate) struct Repositories {
    /// Mirror folder or URL to choose from [default: the lists of this machine's apt]
    #[arg(long, value_name = "PLACE")]
    pub(crate) mirror: Option<String>,
    /// Suite of a Debian mirror, such as bookworm
    #[arg(long, value_name = "SUITE")]
    pub(crate) suite: Option<String>,
    /// Components of the suite [default: all]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(crate) components: Vec<String>,
    /// Take recommended packages along
    #[arg(long)]
    pub(crate) recommends: bool,
    /// Accept repositories without a valid signature
    #[arg(long)]
    pub(crate) unsigned: bool,
}

/// A question about one package on one host.
#[derive(Args)]
pub(crate) struct Why {
    pub(crate) host: String,
    pub(crate) package: String,
    /// The profile that decides
    #[arg(long, value_name = "FILE")]
    pub(crate) profile: PathBuf,
    #[command(flatten)]
    pub(crate) from: Repositories,
}

/// Options of `select diff`.
#[derive(Args)]
pub(crate) struct SelectDiff {
    /// A lock that `select --lock` wrote
    pub(crate) lock: PathBuf,
    /// Another one
    #[arg(conflicts_with = "host")]
    pub(crate) other: Option<PathBuf>,
    /// Compare with what this host has
    #[arg(long, value_name = "NAME")]
    pub(crate) host: Option<String>,
    #[command(flatten)]
    pub(crate) from: Repositories,
}

#[derive(Subcommand)]
pub(crate) enum Rules {
    /// Everything that is wrong or doubtful, with file and line; exit code 0, 1 or 2 by the worst
    Lint(RulesLint),
    /// Make a profile of a rate file and its groups; what could not come along is told
    Import(RulesImport),
}

/// Options of `rules lint`.
#[derive(Args)]
pub(crate) struct RulesLint {
    /// An rpmsrate file, or a profile that ends in .toml
    pub(crate) file: PathBuf,
    /// The groups that go with it (compssUsers.pl)
    #[arg(long, value_name = "FILE")]
    pub(crate) groups: Option<PathBuf>,
    /// Synthesis files with the packages that there are
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) media: Vec<PathBuf>,
}

/// Options of `rules import`.
#[derive(Args)]
pub(crate) struct RulesImport {
    /// An rpmsrate file
    pub(crate) file: PathBuf,
    /// The groups that go with it (compssUsers.pl)
    #[arg(long, value_name = "FILE")]
    pub(crate) groups: Option<PathBuf>,
    /// Edition: desktop, download, powerpack, light or server
    #[arg(long)]
    pub(crate) edition: Option<String>,
    /// Name of the profile [default: that of the file]
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Where the profile goes [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Subcommand)]
pub(crate) enum SelectCommand {
    /// Compare a lock with another, with a host, or with what the repositories have now; exit code 1 when they differ
    Diff(SelectDiff),
    /// Run a recorded case of the Mandriva installer and print its results
    Replay {
        /// case.json; its files lie beside it
        case: PathBuf,
        /// Behave as that version of the installer: 2008.1, 2010.0 or per-level
        #[arg(long)]
        era: Option<String>,
    },
}

#[derive(Subcommand)]
pub(crate) enum Agent {
    /// Make this machine known to a server
    Enrol {
        /// host:port of agents
        #[arg(long, value_name = "HOST:PORT")]
        agent_server: String,
        /// The whole text of an enrolment token
        #[arg(
            long,
            value_name = "TEXT",
            env = "ESCADRE_ENROLMENT",
            hide_env_values = true
        )]
        enrolment: String,
        /// State folder of the agent [default: agent in the state folder]
        #[arg(long, value_name = "DIR")]
        agent_state: Option<PathBuf>,
        /// Name of this machine [default: its host name]
        #[arg(long)]
        name: Option<String>,
    },
    /// Run: contact the server, run checks, apply bundles
    Run {
        /// State folder of the agent [default: agent in the state folder]
        #[arg(long, value_name = "DIR")]
        agent_state: Option<PathBuf>,
        /// Stop when standard input closes (the parent is gone)
        #[arg(long, hide = true)]
        with_parent: bool,
        /// Log as JSON lines
        #[arg(long)]
        log_json: bool,
    },
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
