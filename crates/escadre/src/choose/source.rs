//! Where packages are chosen from, by what a person names: a folder, an address, or this machine's own lists.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use escadre_catalog::Package;
use escadre_model::inventory::{InstalledPackage, PackageKind};
use escadre_model::version;
use escadre_repository::{Location, OpenOptions, Opened, Source, open};
use jiff::Timestamp;

use crate::cli::Repositories;

/// Opens a mirror, or the lists of this machine's apt.
pub(super) async fn opened(from: &Repositories, cache: PathBuf) -> Result<Opened> {
    let source = match from.mirror.as_deref() {
        None => Source::AptLists(PathBuf::from("/")),
        Some(place) => guess(place, from)?,
    };
    let options = OpenOptions {
        allow_unsigned: from.unsigned,
        cache: Some(cache),
        now: Some(Timestamp::now()),
        ..OpenOptions::default()
    };
    let place = from
        .mirror
        .as_deref()
        .unwrap_or("this machine's package lists");
    open(&source, &options)
        .await
        .with_context(|| format!("cannot choose from {place}"))
}

/// A folder shows what it is; an address with a suite is a Debian mirror, else a flat one.
fn guess(place: &str, from: &Repositories) -> Result<Source> {
    let location = location(place)?;
    let folder = Path::new(place.strip_prefix("file://").unwrap_or(place));
    if let Some(suite) = &from.suite {
        return Ok(Source::Debian {
            root: location,
            suite: suite.clone(),
            components: from.components.clone(),
            architectures: vec![],
        });
    }
    Ok(if folder.join("repodata").is_dir() {
        Source::RpmMd(location)
    } else if folder.join("media_info").is_dir() || folder.is_file() {
        Source::Mandriva(location)
    } else if folder.join("var/lib/apt/lists").is_dir() {
        Source::AptLists(folder.to_owned())
    } else {
        Source::DebianFlat(location)
    })
}

/// The place that a person named.
pub(super) fn location(place: &str) -> Result<Location> {
    Location::parse(place).with_context(|| format!("`{place}` is no mirror"))
}

/// What a host's inventory says is installed, as the catalog wants it; dependencies come from the repository.
pub(super) fn installed(inventory: &[InstalledPackage], kind: PackageKind) -> Vec<Package> {
    inventory
        .iter()
        .filter(|package| package.kind == kind)
        .map(|package| {
            let (epoch, version, release) = version::rpm_split(&package.version);
            Package {
                name: package.name.clone(),
                kind,
                epoch: epoch.parse().unwrap_or(0),
                version: version.to_owned(),
                release: release.unwrap_or_default().to_owned(),
                arch: package.arch.clone(),
                size: package.size.0,
                ..Package::default()
            }
        })
        .collect()
}
