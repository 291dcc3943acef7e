//! Runs the simulation of a rollout over many seeds: `simulate [--seeds N] [--first S] [--agents A]`.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for people"
)]

#[path = "../simulation/mod.rs"]
mod simulation;

use std::process::ExitCode;

use simulation::{Setting, run};

fn main() -> ExitCode {
    let (mut seeds, mut first, mut agents) = (20, 1, 1_000);
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().and_then(|text| text.parse::<u64>().ok());
        match (name.as_str(), value) {
            ("--seeds", Some(value)) => seeds = value,
            ("--first", Some(value)) => first = value,
            ("--agents", Some(value)) => agents = value,
            _ => {
                eprintln!("usage: simulate [--seeds N] [--first S] [--agents A]");
                return ExitCode::from(2);
            }
        }
    }
    let mut broken = 0;
    for seed in first..first.saturating_add(seeds) {
        match run(Setting {
            seed,
            agents: agents as usize,
        }) {
            Ok(summary) => println!("seed {seed}: {summary:?}"),
            Err(law) => {
                broken += 1;
                eprintln!("seed {seed}: BROKEN: {law}");
                eprintln!("again: simulate --first {seed} --seeds 1 --agents {agents}");
            }
        }
    }
    println!("{seeds} seeds, {broken} broken");
    if broken == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
