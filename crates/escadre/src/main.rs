//! Escadre: chooses the software that each machine of a fleet should have, ships it there, and watches that it works.
//!
//! One program plays every role. This crate is the command line and what joins the roles in one process; it holds no
//! rule of any plane.

mod choose;
mod cli;
mod client;
mod commands;
mod log;
mod place;
mod render;
mod ship;
mod up;

use std::{io, process::ExitCode};

use clap::Parser;
use escadre_api::ApiError;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    match commands::run(cli) {
        Ok(code) => code,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            report(&error);
            ExitCode::FAILURE
        }
    }
}

/// Says what happened, why, and what to do, on standard error.
#[expect(clippy::print_stderr, reason = "this is the program's own voice")]
fn report(error: &anyhow::Error) {
    eprintln!("escadre: {error:#}");
    let Some(refused) = error
        .chain()
        .find_map(|cause| cause.downcast_ref::<ApiError>())
    else {
        return;
    };
    if let Some(hint) = &refused.hint {
        eprintln!("  {hint}");
    }
    let request = refused
        .request
        .as_deref()
        .map(|id| format!(", request {id}"))
        .unwrap_or_default();
    eprintln!("  [{}{request}]", refused.code);
}

/// `escadre … | head` is no error.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}
