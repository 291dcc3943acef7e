//! Verbs of tokens, users, the audit log and settings.

use clap::Subcommand;
use escadre_api::Role;

use super::duration;

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
