//! Benchmarks against peers, as ratios in one run. Each is an example program of the crate that it measures.

use std::path::Path;

use anyhow::{Result, bail};

use crate::{debian, shell};

/// Name, package, example.
const BENCHMARKS: &[(&str, &str, &str)] = &[
    ("pack", "escadre-blobs", "pack_bench"),
    ("solve", "escadre-solve", "solve_bench"),
    ("chunks", "escadre-server", "chunks_bench"),
    ("agent", "escadre-agent", "idle_bench"),
];

/// Runs all benchmarks, or those that are named.
pub(crate) fn run(root: &Path, only: &[String]) -> Result<()> {
    for name in only {
        if !BENCHMARKS.iter().any(|(known, ..)| known == name) {
            let known: Vec<&str> = BENCHMARKS.iter().map(|(known, ..)| *known).collect();
            bail!(
                "there is no benchmark `{name}`; there are {}",
                known.join(", ")
            );
        }
    }
    debian::provide(debian::FOR_BENCHMARKS, true)?;
    for (name, package, example) in BENCHMARKS {
        if only.is_empty() || only.iter().any(|wanted| wanted == name) {
            println!("── {name}");
            shell::run(shell::cargo(root).args([
                "run",
                "--quiet",
                "--release",
                "--package",
                package,
                "--example",
                example,
            ]))?;
        }
    }
    Ok(())
}
