//! `cargo xtask`: the work on the house itself. CI runs `cargo xtask test` and nothing else of substance.

mod audit;
mod bench;
mod debian;
mod shell;
mod test;
mod tidy;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

/// The work on the house itself.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Everything CI runs: format, lints, tidiness, audit, unit, simulation, integration, browser
    Test {
        /// Only these steps (see the list that a run prints)
        #[arg(long, value_delimiter = ',')]
        only: Vec<String>,
        /// Do not install missing Debian packages: fail and name them
        #[arg(long)]
        no_install: bool,
    },
    /// The rules that no compiler checks: floors, heads of files, dependencies, words
    Tidy,
    /// Licences and banned crates of everything that is linked in
    Audit,
    /// Many runs of the simulation: 1,000 agents, one server, a hostile network
    Simulate {
        /// How many seeds
        #[arg(long, default_value_t = 100)]
        seeds: u64,
        /// The first of them (a failing run prints its seed)
        #[arg(long, default_value_t = 1)]
        first: u64,
    },
    /// Benchmarks against peers, as ratios in one run; the table goes to docs/benchmarks.md by hand
    Bench {
        /// Only these (see the list that a run prints)
        #[arg(long, value_delimiter = ',')]
        only: Vec<String>,
    },
    /// Only the browser tests, and the screenshots of the README
    Browser,
}

fn main() -> ExitCode {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let root = root.canonicalize().unwrap_or(root);
    let result = match Cli::parse().task {
        Task::Test { only, no_install } => test::run(&root, &only, !no_install),
        Task::Tidy => tidy::run(&root),
        Task::Audit => audit::run(&root),
        Task::Simulate { seeds, first } => test::simulate(&root, seeds, first),
        Task::Bench { only } => bench::run(&root, &only),
        Task::Browser => test::run(&root, &["packages".into(), "browser".into()], true),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
