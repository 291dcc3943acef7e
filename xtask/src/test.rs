//! Everything CI runs, step by step, with the time of each.

use std::{path::Path, process::Command, time::Instant};

use anyhow::{Context, Result, bail};

use crate::{audit, debian, shell, tidy};

type Step = (&'static str, fn(&Path, bool) -> Result<()>);

const STEPS: &[Step] = &[
    ("packages", |_, install| debian::provide(&[], install)),
    ("format", |root, _| {
        shell::run(shell::cargo(root).args(["fmt", "--all", "--check"]))
    }),
    ("tidy", |root, _| tidy::run(root)),
    ("audit", |root, _| audit::run(root)),
    ("clippy", |root, _| {
        shell::run(shell::cargo(root).args([
            "clippy",
            "--quiet",
            "--locked",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ]))
    }),
    ("unit-and-integration", |root, _| {
        shell::run(shell::cargo(root).args([
            "test",
            "--quiet",
            "--locked",
            "--workspace",
            "--exclude",
            "escadre",
        ]))
    }),
    ("whole-program", |root, _| {
        shell::run(shell::cargo(root).args([
            "test",
            "--quiet",
            "--locked",
            "--package",
            "escadre",
            "--bins",
            "--test",
            "it",
        ]))
    }),
    ("simulation", |root, _| simulate(root, 20, 1)),
    ("browser", browser),
];

/// Runs all steps, or those that are named.
pub(crate) fn run(root: &Path, only: &[String], install: bool) -> Result<()> {
    for name in only {
        if !STEPS.iter().any(|(step, _)| step == name) {
            let known: Vec<&str> = STEPS.iter().map(|(step, _)| *step).collect();
            bail!("there is no step `{name}`; there are {}", known.join(", "));
        }
    }
    let began = Instant::now();
    let mut failed = Vec::new();
    let mut passed = 0;
    for (name, step) in STEPS
        .iter()
        .filter(|(name, _)| only.is_empty() || only.iter().any(|wanted| wanted == name))
    {
        println!("── {name}");
        let start = Instant::now();
        let result = step(root, install);
        println!(
            "── {name}: {} in {:.0} s\n",
            if result.is_ok() { "good" } else { "FAILED" },
            start.elapsed().as_secs_f64()
        );
        match result {
            Ok(()) => passed += 1,
            Err(error) => {
                eprintln!("{error:#}\n");
                failed.push(*name);
            }
        }
    }
    println!("steps: {passed} passed, {} failed", failed.len());
    println!("{:.0} s in all", began.elapsed().as_secs_f64());
    if failed.is_empty() {
        Ok(())
    } else {
        bail!("failed: {}", failed.join(", "))
    }
}

/// Runs the simulation for a number of seeds, optimised: each is minutes of a fleet's life.
pub(crate) fn simulate(root: &Path, seeds: u64, first: u64) -> Result<()> {
    shell::run(shell::cargo(root).args([
        "run",
        "--quiet",
        "--locked",
        "--release",
        "--package",
        "escadre-rollout",
        "--example",
        "simulate",
        "--",
        "--seeds",
        &seeds.to_string(),
        "--first",
        &first.to_string(),
    ]))
}

/// The real program in Debian's Chromium. The accessibility checker comes from npm into an ignored folder.
fn browser(root: &Path, _install: bool) -> Result<()> {
    let folder = root.join("tests/browser");
    if !folder.join("node_modules/axe-core/axe.min.js").is_file() {
        shell::run(Command::new("npm").current_dir(&folder).args([
            "ci",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
        ]))
        .context("the accessibility checker cannot be fetched")?;
    }
    shell::run(shell::cargo(root).args([
        "test",
        "--quiet",
        "--locked",
        "--package",
        "escadre",
        "--test",
        "browser",
    ]))
}
