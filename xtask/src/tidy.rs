//! The rules that no compiler checks: floors, heads of files, lengths, dependencies, words, languages.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

use crate::shell;

/// Which floor a crate stands on. A crate imports only from lower floors.
const FLOORS: &[(&str, u8)] = &[
    ("model", 0),
    ("api", 0),
    ("catalog", 1),
    ("solve", 1),
    ("select", 1),
    ("bundle", 1),
    ("rollout", 1),
    ("watch", 1),
    ("store", 2),
    ("bus", 2),
    ("blobs", 2),
    ("trust", 2),
    ("probe", 2),
    ("repository", 2),
    ("ocs", 2),
    ("server", 3),
    ("web", 3),
    ("agent", 3),
    ("escadre", 4),
];

/// Edges inside a floor that are allowed, because the lower of the two was there first.
const WITHIN: &[(&str, &str)] = &[
    ("api", "model"),
    ("solve", "catalog"),
    ("select", "catalog"),
    ("select", "solve"),
    ("trust", "blobs"),
];

/// What the pure floor may not know: I/O, clocks, threads, randomness.
const IMPURE: &[&str] = &[
    "tokio",
    "axum",
    "hyper",
    "rusqlite",
    "reqwest",
    "rustix",
    "rand",
    "getrandom",
    "tempfile",
    "tracing",
];

const LONGEST: usize = 500;

pub(crate) fn run(root: &Path) -> Result<()> {
    let mut problems = Vec::new();
    manifests(root, &mut problems)?;
    sources(root, &mut problems)?;
    locales(root, &mut problems)?;
    if problems.is_empty() {
        return Ok(());
    }
    bail!("{}", problems.join("\n"));
}

fn manifests(root: &Path, problems: &mut Vec<String>) -> Result<()> {
    for entry in fs::read_dir(root.join("crates")).context("cannot read crates/")? {
        let folder = entry?.path();
        let Some(name) = folder
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
        else {
            continue;
        };
        let text = fs::read_to_string(folder.join("Cargo.toml"))
            .with_context(|| format!("crate {name}"))?;
        let manifest: toml::Table = text
            .parse()
            .with_context(|| format!("crates/{name}/Cargo.toml"))?;
        let Some(floor) = floor(&name) else {
            problems.push(format!(
                "crates/{name} stands on no floor; add it to xtask/src/tidy.rs and ARCHITECTURE.md"
            ));
            continue;
        };
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let Some(table) = manifest.get(section).and_then(toml::Value::as_table) else {
                continue;
            };
            for (dependency, value) in table {
                if value.get("workspace").and_then(toml::Value::as_bool) != Some(true) {
                    problems.push(format!(
                        "crates/{name}: {dependency} must take its version from the workspace"
                    ));
                }
                if section != "dependencies" {
                    continue;
                }
                if floor <= 1 && IMPURE.contains(&dependency.as_str()) {
                    problems.push(format!(
                        "crates/{name} is pure and may not know {dependency}"
                    ));
                }
                let Some(ours) = dependency.strip_prefix("escadre-") else {
                    continue;
                };
                let allowed = self::floor(ours).is_some_and(|other| other < floor)
                    || WITHIN.contains(&(name.as_str(), ours));
                if !allowed {
                    problems.push(format!(
                        "crates/{name} (floor {floor}) may not import {ours}"
                    ));
                }
            }
        }
    }
    Ok(())
}

fn floor(name: &str) -> Option<u8> {
    FLOORS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, floor)| *floor)
}

fn sources(root: &Path, problems: &mut Vec<String>) -> Result<()> {
    let list = shell::read(
        std::process::Command::new("git")
            .current_dir(root)
            .args(["ls-files", "*.rs"]),
    )?;
    for file in list.lines() {
        let path = root.join(file);
        let Ok(text) = fs::read_to_string(&path) else {
            continue;
        };
        if !text.starts_with("//!") && !text.starts_with("#!") {
            problems.push(format!(
                "{file}: wants a `//!` head that says what the file is for"
            ));
        }
        let lines = text.lines().count();
        if lines > LONGEST && !file.contains("/tests/") && !text.contains("//! Long because") {
            problems.push(format!(
                "{file}: {lines} lines; split it, or say `//! Long because …` in the head"
            ));
        }
        let stem = Path::new(file)
            .file_stem()
            .map(|stem| stem.to_string_lossy().into_owned())
            .unwrap_or_default();
        if ["utils", "util", "helpers", "helper", "common", "misc"].contains(&stem.as_str()) {
            problems.push(format!("{file}: `{stem}` says nothing; name what is in it"));
        }
        for (number, line) in text.lines().enumerate() {
            let marker = ["TO", "FIX"]
                .iter()
                .zip(["DO", "ME"])
                .any(|(a, b)| line.contains(&format!("// {a}{b}")));
            if marker {
                problems.push(format!(
                    "{file}:{}: an open end; finish it or file an issue",
                    number + 1
                ));
            }
        }
    }
    Ok(())
}

/// French and English hold the same keys, in every crate that speaks.
fn locales(root: &Path, problems: &mut Vec<String>) -> Result<()> {
    let keys = |path: PathBuf| -> Option<BTreeSet<String>> {
        let text = fs::read_to_string(path).ok()?;
        let is_key = |line: &&str| line.starts_with(|c: char| c.is_ascii_alphabetic());
        Some(
            text.lines()
                .filter(is_key)
                .filter_map(|line| Some(line.split_once('=')?.0.trim().to_owned()))
                .collect(),
        )
    };
    for entry in fs::read_dir(root.join("crates")).context("cannot read crates/")? {
        let folder = entry?.path().join("locales");
        let Ok(english) = fs::read_dir(folder.join("en")) else {
            continue;
        };
        for file in english {
            let file = file?.file_name();
            let (Some(en), fr) = (
                keys(folder.join("en").join(&file)),
                keys(folder.join("fr").join(&file)),
            ) else {
                continue;
            };
            let fr = fr.unwrap_or_default();
            for key in en.symmetric_difference(&fr) {
                problems.push(format!(
                    "{}: `{key}` is in one language only",
                    folder.join(&file).display()
                ));
            }
        }
    }
    Ok(())
}
