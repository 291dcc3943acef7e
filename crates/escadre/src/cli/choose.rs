//! Verbs and options of choosing packages.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::PublisherKey;

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
        /// Behave as that version of the installer: 2008.1, 2010.0 or batch (by levels, 2010.1 and later)
        #[arg(long)]
        era: Option<String>,
    },
}
