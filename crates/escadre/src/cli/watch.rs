//! Verbs of hosts and checks.

use clap::Subcommand;

use super::duration;

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
