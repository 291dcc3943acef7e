//! `escadre select PROFILE --into DIR`: a fresh system from a selection, by mmdebstrap, the exact versions of the selection.
//!
//! Afterwards the new system's own list of packages is held against the selection: what differs is an error.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context, Result, bail};
use escadre_model::inventory::PackageKind;
use escadre_repository::{Location, installed_deb};
use tokio::process::Command;

use super::{choice::Choice, lock::kind_word, source};
use crate::{
    cli::Repositories,
    commands::Session,
    render::{self, Format},
};

/// So many packages in one option: a single argument has a bound in the kernel.
const CHUNK: usize = 200;

/// Refuses early what cannot work: a folder that is in use, no program, no right to make a system.
pub(super) fn check(folder: &Path) -> Result<()> {
    match fs::read_dir(folder) {
        Ok(mut entries) => {
            if entries.next().is_some() {
                bail!("{} is not empty; name a new folder", folder.display());
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => {
            return Err(error).with_context(|| format!("cannot use {}", folder.display()));
        }
    }
    if !in_path("mmdebstrap") {
        bail!("mmdebstrap is not here; install the Debian package mmdebstrap");
    }
    if !rustix::process::geteuid().is_root() && !user_namespaces() {
        bail!(
            "a new system wants root or user namespaces, and this machine gives you neither; run it as root"
        );
    }
    Ok(())
}

fn in_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Whether ordinary users may make user namespaces.
fn user_namespaces() -> bool {
    let is_zero = |path: &str| fs::read_to_string(path).is_ok_and(|text| text.trim() == "0");
    Path::new("/proc/self/ns/user").exists()
        && !is_zero("/proc/sys/user/max_user_namespaces")
        && !is_zero("/proc/sys/kernel/unprivileged_userns_clone")
}

/// Debian's word for this machine's architecture.
pub(super) fn arch() -> Result<String> {
    let said = std::process::Command::new("dpkg")
        .arg("--print-architecture")
        .stdin(Stdio::null())
        .output()
        .context("cannot ask dpkg for the architecture; install the Debian package dpkg")?;
    Ok(String::from_utf8_lossy(&said.stdout).trim().to_owned())
}

/// Makes the system.
pub(super) async fn build(
    session: &Session,
    folder: &Path,
    from: &Repositories,
    choice: &Choice,
) -> Result<()> {
    if choice.catalog.kind() != PackageKind::Deb {
        let kind = kind_word(choice.catalog.kind());
        bail!("a new system is made of Debian packages; the repository has {kind} packages");
    }
    let wanted = selection(choice);
    let mut command = Command::new("mmdebstrap");
    command.arg("--variant=essential").stdin(Stdio::null());
    if session.format != Format::Table {
        command.arg("--quiet").stdout(Stdio::null());
    }
    let exact: Vec<String> = wanted
        .iter()
        .map(|(name, version)| format!("{name}={version}"))
        .collect();
    for chunk in exact.chunks(CHUNK) {
        command.arg(format!("--include={}", chunk.join(",")));
    }
    command.arg(from.suite.as_deref().unwrap_or_default());
    command.arg(folder).args(mirrors(from)?);
    let status = command.status().await.context("cannot run mmdebstrap")?;
    if !status.success() {
        bail!(
            "mmdebstrap ended with {status}; its last words above say why; remove {} before the next try",
            folder.display()
        );
    }
    verify(session, folder, &wanted).await
}

/// Names and versions of the selection.
fn selection(choice: &Choice) -> BTreeMap<String, String> {
    let packages = choice.solution.packages.iter().map(|chosen| chosen.package);
    packages
        .map(|id| {
            let name = choice.catalog.name(id).to_owned();
            (name, choice.catalog.version(id).to_owned())
        })
        .collect()
}

/// Where mmdebstrap takes packages from: the named mirror, or the sources of this machine's apt.
fn mirrors(from: &Repositories) -> Result<Vec<String>> {
    let Some(place) = &from.mirror else {
        return apt_sources();
    };
    let place = match source::location(place)? {
        // `copy:` brings the files into the new system's cache, where `file:` would leave them outside.
        Location::Folder(path) => {
            let path = path.canonicalize();
            format!(
                "copy://{}",
                path.context("cannot find the mirror")?.display()
            )
        }
        Location::Web(url) => url.to_string(),
    };
    let trust = if from.unsigned { "[trusted=yes] " } else { "" };
    let components = if from.components.is_empty() {
        "main".to_owned()
    } else {
        from.components.join(" ")
    };
    Ok(vec![match &from.suite {
        Some(suite) => format!("deb {trust}{place} {suite} {components}"),
        None => format!("deb {trust}{place} ./"),
    }])
}

fn apt_sources() -> Result<Vec<String>> {
    let mut files: Vec<PathBuf> = vec![PathBuf::from("/etc/apt/sources.list")];
    let folder = fs::read_dir("/etc/apt/sources.list.d")
        .into_iter()
        .flatten();
    let mut parts: Vec<PathBuf> = folder.flatten().map(|entry| entry.path()).collect();
    parts.retain(|path| {
        path.extension()
            .is_some_and(|end| end == "list" || end == "sources")
    });
    parts.sort();
    files.extend(parts);
    files.retain(|path| path.is_file());
    if files.is_empty() {
        bail!("this machine's apt has no sources; name a mirror: --mirror URL --suite SUITE");
    }
    Ok(files
        .iter()
        .map(|path| path.display().to_string())
        .collect())
}

/// Holds the new system's packages against the selection.
async fn verify(session: &Session, folder: &Path, wanted: &BTreeMap<String, String>) -> Result<()> {
    let there = installed_deb(folder)
        .await
        .context("the new system has no list of packages")?;
    let there: BTreeMap<&str, String> = there
        .iter()
        .map(|package| (package.name.as_str(), package.evr()))
        .collect();
    let differs = wanted
        .iter()
        .filter_map(|(name, version)| match there.get(name.as_str()) {
            Some(found) if found == version => None,
            Some(found) => Some(format!("{name} is {found}, not {version}")),
            None => Some(format!("{name} is not there")),
        });
    let differs: Vec<String> = differs.take(5).collect();
    if !differs.is_empty() {
        bail!(
            "the new system is not the selection: {}",
            differs.join("; ")
        );
    }
    let more = there
        .keys()
        .filter(|name| !wanted.contains_key(**name))
        .count();
    render::say(
        session.format,
        format!(
            "{}: all {} packages of the selection in their exact versions, {more} others",
            folder.display(),
            wanted.len()
        ),
    )
}
