//! Where packages are chosen from, by what a person names: a folder, an address, or this machine's own lists.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use escadre_catalog::Package;
use escadre_model::inventory::{InstalledPackage, PackageKind};
use escadre_model::version;
use escadre_repository::{Location, OpenOptions, Opened, Source, open};
use jiff::Timestamp;

/// Opens a mirror, or the lists of this machine's apt.
pub(super) async fn opened(
    mirror: Option<&str>,
    suite: Option<&str>,
    unsigned: bool,
    cache: PathBuf,
) -> Result<Opened> {
    let source = match mirror {
        None => Source::AptLists(PathBuf::from("/")),
        Some(place) => guess(place, suite)?,
    };
    let options = OpenOptions {
        allow_unsigned: unsigned,
        cache: Some(cache),
        now: Some(Timestamp::now()),
        ..OpenOptions::default()
    };
    let place = mirror.unwrap_or("this machine's package lists");
    open(&source, &options)
        .await
        .with_context(|| format!("cannot choose from {place}"))
}

/// A folder shows what it is; an address with a suite is a Debian mirror, else a flat one.
fn guess(place: &str, suite: Option<&str>) -> Result<Source> {
    let location = Location::parse(place).with_context(|| format!("`{place}` is no mirror"))?;
    let folder = Path::new(place.strip_prefix("file://").unwrap_or(place));
    if let Some(suite) = suite {
        return Ok(Source::Debian {
            root: location,
            suite: suite.to_owned(),
            components: vec![],
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
