//! The Debian packages that tests need: real peers and a real browser. Installed when missing, and said so.

use std::process::Command;

use anyhow::{Result, bail};

use crate::shell;

/// A program or file that tests use, and the package that brings it.
const NEEDED: &[(&str, &str)] = &[
    ("chromium", "chromium"),
    ("chromedriver", "chromium-driver"),
    ("rpm", "rpm"),
    ("rpmbuild", "rpm"),
    ("gpg", "gnupg"),
    ("gpgv", "gpgv"),
    ("ip", "iproute2"),
    ("lscpu", "util-linux"),
    ("free", "procps"),
    ("zip", "zip"),
    ("zstd", "zstd"),
    ("xz", "xz-utils"),
    ("curl", "curl"),
    ("openssl", "openssl"),
    ("npm", "npm"),
    ("ocsinventory-agent", "ocsinventory-agent"),
    (
        "/usr/lib/nagios/plugins/check_load",
        "monitoring-plugins-basic",
    ),
];

/// What the benchmarks need beside that.
pub(crate) const FOR_BENCHMARKS: &[(&str, &str)] = &[
    ("nginx", "nginx-light"),
    ("wrk", "wrk"),
    ("dumpsolv", "libsolv-tools"),
    ("/usr/lib/python3/dist-packages/solv.py", "python3-solv"),
];

/// Sees that what tests need is here.
pub(crate) fn provide(more: &[(&str, &str)], install: bool) -> Result<()> {
    let mut missing: Vec<&str> = NEEDED
        .iter()
        .chain(more)
        .filter(|(program, _)| !is_there(program))
        .map(|(_, package)| *package)
        .collect();
    missing.sort_unstable();
    missing.dedup();
    if missing.is_empty() {
        println!("nothing to install");
        return Ok(());
    }
    let command = format!(
        "apt-get install --no-install-recommends {}",
        missing.join(" ")
    );
    if !install {
        bail!(
            "these Debian packages are missing: {}; run as root: {command}",
            missing.join(", ")
        );
    }
    if !shell::has("apt-get") {
        bail!(
            "these programs are needed, and this is no Debian: {}",
            missing.join(", ")
        );
    }
    println!("installing what the tests need: {}", missing.join(", "));
    let install = || {
        let mut words = vec!["install", "-y", "--no-install-recommends"];
        words.extend(&missing);
        apt(&words)
    };
    if install().is_err() {
        apt(&["update"])?;
        install()?;
    }
    Ok(())
}

fn is_there(program: &str) -> bool {
    if program.starts_with('/') {
        std::path::Path::new(program).exists()
    } else {
        shell::has(program)
    }
}

fn apt(words: &[&str]) -> Result<()> {
    let is_root = shell::read(Command::new("id").arg("-u"))?.trim() == "0";
    let mut command = if is_root {
        Command::new("apt-get")
    } else {
        Command::new("sudo")
    };
    if !is_root {
        command.args(["-n", "apt-get"]);
    }
    shell::run(
        command
            .args(["-q", "-o", "DPkg::Lock::Timeout=120"])
            .args(words)
            .env("DEBIAN_FRONTEND", "noninteractive"),
    )
}
