//! What we link in: every licence is one we accept, and nothing banned is there. Works offline.
//!
//! Absent on purpose: advisories. Their database cannot be had offline; `cargo deny check advisories` is for a
//! machine with a network.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Result, bail};

use crate::shell;

/// Licences that go with Apache-2.0 in a program that is shipped.
const LICENCES: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-1-Clause",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Crates that may not come in, and why.
const BANNED: &[(&str, &str)] = &[
    ("ring", "one TLS provider: aws-lc-rs"),
    ("openssl-sys", "one TLS provider: aws-lc-rs"),
    ("native-tls", "one TLS provider: aws-lc-rs"),
    ("sqlx", "one way to the database: crate store"),
    ("chrono", "one way to tell time: jiff"),
];

/// Crates that may be here in two versions, because two of our dependencies have not met yet.
const TWICE: &[&str] = &[
    "base64",
    "bitflags",
    "block-buffer",
    "cpufeatures",
    "crypto-common",
    "digest",
    "foldhash",
    "getrandom",
    "hashbrown",
    "pem",
    "sha2",
    "syn",
    "synstructure",
    "thiserror",
    "thiserror-impl",
    "tower-http",
    "typed-path",
    "untrusted",
    "winnow",
    "rand",
    "rand_core",
    "hybrid-array",
    "itertools",
    "unicode-width",
    "webpki-roots",
    "windows-sys",
    "indexmap",
    "socket2",
    "rustc-hash",
    "nom",
    "heck",
    "md-5",
    "http",
    "cookie",
    "time",
    "r-efi",
    "wit-bindgen",
    "wasi",
    "petgraph",
    "fixedbitset",
    "typenum",
    "toml",
    "toml_datetime",
    "toml_parser",
    "serde_spanned",
    "snafu",
    "snafu-derive",
    "zeroize",
];

pub(crate) fn run(root: &Path) -> Result<()> {
    let tree = shell::read(shell::cargo(root).args([
        "tree",
        "--workspace",
        "--locked",
        "--quiet",
        "--prefix",
        "none",
        "--edges",
        "normal,build",
        "--format",
        "{p}|{l}",
    ]))?;
    let mut problems = Vec::new();
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in tree.lines() {
        let Some((package, licence)) = line.split_once('|') else {
            continue;
        };
        let mut words = package.split(' ');
        let (Some(name), Some(version)) = (words.next(), words.next()) else {
            continue;
        };
        let seen = versions.entry(name).or_default();
        if seen.contains(&version) {
            continue;
        }
        seen.push(version);
        if let Some((_, why)) = BANNED.iter().find(|(banned, _)| *banned == name) {
            problems.push(format!("{name} {version} is banned: {why}"));
        }
        if !accepted(licence.trim_end_matches(" (*)")) {
            problems.push(format!(
                "{name} {version} has the licence `{licence}`, which is not on the list"
            ));
        }
    }
    for (name, seen) in &versions {
        if seen.len() > 1 && !TWICE.contains(name) {
            problems.push(format!(
                "{name} is here in the versions {}; use one",
                seen.join(" and ")
            ));
        }
    }
    println!("{} crates looked at", versions.len());
    if problems.is_empty() {
        return Ok(());
    }
    bail!("{}", problems.join("\n"));
}

/// Whether an SPDX expression (with the older `/` for *or*) leaves us a licence of the list.
fn accepted(expression: &str) -> bool {
    let expression = expression.replace('/', " OR ");
    split_top(&expression, " AND ").iter().all(|part| {
        split_top(part.trim(), " OR ").iter().any(|choice| {
            let choice = choice.trim();
            match choice
                .strip_prefix('(')
                .and_then(|inner| inner.strip_suffix(')'))
            {
                Some(inner) => accepted(inner),
                None => LICENCES
                    .iter()
                    .any(|licence| licence.split_whitespace().eq(choice.split_whitespace())),
            }
        })
    })
}

/// Splits outside parentheses.
fn split_top<'a>(text: &'a str, separator: &str) -> Vec<&'a str> {
    let mut parts = Vec::new();
    let (mut depth, mut from, mut at) = (0i32, 0, 0);
    while at < text.len() {
        match text.as_bytes()[at] {
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ if depth == 0 && text[at..].starts_with(separator) => {
                parts.push(&text[from..at]);
                at += separator.len();
                from = at;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    parts.push(&text[from..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::accepted;

    #[test]
    fn expressions() {
        for (expression, expected) in [
            ("MIT OR Apache-2.0", true),
            ("MIT/Apache-2.0", true),
            ("Apache-2.0 / MIT", true),
            ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
            ("Apache-2.0 OR GPL-2.0-only", true),
            ("GPL-3.0-only", false),
            ("MIT AND GPL-2.0-only", false),
            ("", false),
        ] {
            assert_eq!(accepted(expression), expected, "{expression}");
        }
    }
}
