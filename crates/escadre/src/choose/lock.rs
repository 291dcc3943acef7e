//! Locks of selections: exact versions and hashes, and what is different between two of them.

use std::{collections::BTreeMap, fs, path::Path, process::ExitCode};

use anyhow::{Context, Result};
use escadre_model::{
    ByteCount,
    inventory::{InstalledPackage, PackageKind},
};
use escadre_repository::Opened;
use escadre_select::lock::{Difference, Lock, Locked};
use escadre_solve::Reason;

use super::{choice::Choice, rules, source};
use crate::{
    cli::SelectDiff,
    client::escape,
    commands::Session,
    place,
    render::{self, Format},
};

/// The lock of a selection: the wishes and all that they need, there already or not.
pub(super) fn of(choice: &Choice) -> Result<Lock> {
    let (catalog, solution) = (&choice.catalog, &choice.solution);
    let mut lock = Lock {
        kind: catalog.kind(),
        package: BTreeMap::new(),
    };
    for chosen in &solution.packages {
        let id = chosen.package;
        let head = solution
            .chain(id)
            .first()
            .and_then(|head| solution.get(*head));
        if head.is_some_and(|head| matches!(head.reason, Reason::Requested(_))) {
            // What only the host knows is in no repository, and has no hash.
            let known = (id.0 as usize) < choice.opened.catalog.len();
            let hash = if known {
                hash(&choice.opened, id)?
            } else {
                String::new()
            };
            let locked = Locked {
                version: catalog.version(id).to_owned(),
                arch: catalog.arch(id).to_owned(),
                size: ByteCount(catalog.size(id)),
                hash,
            };
            lock.package.insert(catalog.name(id).to_owned(), locked);
        }
    }
    Ok(lock)
}

fn hash(opened: &Opened, id: escadre_catalog::PackageId) -> Result<String> {
    use escadre_catalog::catalog::Checksum;
    Ok(match opened.details()?.of(id).checksum {
        Some(hash @ Checksum::Sha256(_)) => format!("sha256:{hash}"),
        Some(hash @ Checksum::Sha512(_)) => format!("sha512:{hash}"),
        None => String::new(),
    })
}

/// Compares a lock with another, with what a host has, or with what the repositories have now. Exit code 1 when they differ.
pub(crate) async fn diff(session: &Session, options: &SelectDiff) -> Result<ExitCode> {
    let lock = read(&options.lock)?;
    let (what, difference) = match (&options.other, &options.host) {
        (Some(other), _) => {
            let what = other.display().to_string();
            (what, lock.difference(&read(other)?))
        }
        (None, Some(host)) => {
            let path = format!("/hosts/{}/packages", escape(host));
            let packages: Vec<InstalledPackage> = session.client.get(&path).await?;
            (host.clone(), lock.difference(&on_host(&lock, &packages)))
        }
        (None, None) => {
            let opened = source::opened(&options.from, place::cache()).await?;
            let place = options.from.mirror.clone();
            let place = place.unwrap_or_else(|| "this machine's package lists".to_owned());
            (place, lock.difference(&now(&lock, &opened)?))
        }
    };
    show(session.format, &options.lock, &what, &difference)?;
    Ok(ExitCode::from(u8::from(!difference.is_empty())))
}

fn read(path: &Path) -> Result<Lock> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    Lock::parse(&text).with_context(|| path.display().to_string())
}

/// Of what a host has, the packages that the lock speaks of.
fn on_host(lock: &Lock, packages: &[InstalledPackage]) -> Lock {
    let meant = |package: &&InstalledPackage| {
        let locked = lock.package.get(&package.name);
        package.kind == lock.kind && locked.is_some_and(|locked| locked.arch == package.arch)
    };
    let meant: Vec<InstalledPackage> = packages.iter().filter(meant).cloned().collect();
    Lock {
        kind: lock.kind,
        ..Lock::of_installed(&meant)
    }
}

/// The newest of each locked package in the repositories.
fn now(lock: &Lock, opened: &Opened) -> Result<Lock> {
    let catalog = &opened.catalog;
    let mut newest = Lock {
        kind: lock.kind,
        package: BTreeMap::new(),
    };
    for (name, locked) in &lock.package {
        if catalog.kind() != lock.kind {
            break;
        }
        if let Some(id) = catalog.find(name, None, Some(&locked.arch)) {
            let found = Locked {
                version: catalog.version(id).to_owned(),
                arch: locked.arch.clone(),
                size: ByteCount(catalog.size(id)),
                hash: hash(opened, id)?,
            };
            newest.package.insert(name.clone(), found);
        }
    }
    Ok(newest)
}

fn show(format: Format, lock: &Path, what: &str, difference: &Difference) -> Result<()> {
    if format != Format::Table {
        return render::one(format, difference);
    }
    for line in difference.lines() {
        render::say(format, rules::safe(&line))?;
    }
    let lock = lock.display();
    if difference.is_empty() {
        return render::say(format, format!("{what} is as {lock} says"));
    }
    let bytes = ByteCount(difference.bytes.unsigned_abs());
    let way = if difference.bytes < 0 { "less" } else { "more" };
    render::say(
        format,
        format!(
            "{} packages differ from {lock} in {what}, {bytes} {way} on disk",
            difference.changes.len()
        ),
    )
}

/// The word of a kind, for sentences.
pub(super) fn kind_word(kind: PackageKind) -> &'static str {
    match kind {
        PackageKind::Deb => "Debian",
        _ => "rpm",
    }
}
