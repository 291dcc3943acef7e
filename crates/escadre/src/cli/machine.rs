//! Options of what runs on a machine: `up` and the agent.

use std::{net::IpAddr, path::PathBuf};

use clap::{Args, Subcommand};

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
