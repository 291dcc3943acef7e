//! Verbs of bundles, rollouts, deliveries and publishers.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::duration;
use crate::place;

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
