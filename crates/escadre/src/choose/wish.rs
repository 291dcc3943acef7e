//! `escadre select PROFILE --host NAME`: what a profile wants on a host, with all that it needs and why.

use std::{fs, path::Path};

use anyhow::{Context, Result, bail};
use escadre_api::host::HostDetail;
use escadre_bundle::Manifest;
use escadre_catalog::{Catalog, Op, PackageId};
use escadre_model::{BundleRef, ByteCount, inventory::InstalledPackage};
use escadre_repository::Opened;
use escadre_select::profile::Profile;
use escadre_solve::{Change, Options, Request, Solution, Wanted, solve, with_installed};
use jiff::Timestamp;
use serde::Serialize;

use super::{offline, source};
use crate::{
    cli::{PublisherKey, Select},
    client::escape,
    commands::Session,
    place,
    render::{self, Format},
    ship,
};

/// A package of the outcome.
#[derive(Serialize)]
struct Line {
    name: String,
    version: String,
    arch: String,
    /// `new`, `upgrade` or `there`.
    change: &'static str,
    /// Bytes to bring.
    download: u64,
    /// Bytes on disk.
    size: u64,
    /// Why it is in, from the wish down.
    why: String,
}

/// The outcome.
#[derive(Serialize)]
struct Outcome {
    host: String,
    packages: Vec<Line>,
    /// Wanted packages and what they need that the host has already.
    there: Vec<String>,
    removed: Vec<String>,
    /// Bytes to bring.
    download: u64,
    /// Bytes more on disk.
    size: u64,
    /// Whether somebody known vouches for the repository.
    signed: bool,
    /// The bundle that was made.
    bundle: Option<String>,
}

/// Selects; makes, signs and publishes the offline bundle when one is wanted.
pub(crate) async fn select(session: &Session, select: Select) -> Result<()> {
    let wish = select.wish;
    let file = wish.profile.clone().context("name a profile")?;
    let name = wish.host.clone().context("name a host: --host NAME")?;
    let profile = read(&file)?;
    let host: HostDetail = session
        .client
        .get(&format!("/hosts/{}", escape(&name)))
        .await?;
    let path = format!("/hosts/{}/packages", escape(&name));
    let inventory: Vec<InstalledPackage> = session.client.get(&path).await?;
    let opened = source::opened(
        wish.mirror.as_deref(),
        wish.suite.as_deref(),
        wish.unsigned,
        place::cache(),
    )
    .await?;
    let kind = opened.catalog.kind();
    let base = with_installed(&opened.catalog, &source::installed(&inventory, kind))?;
    let request = Request {
        wanted: wanted(&profile)?,
        forbidden: profile.forbidden.iter().map(Wanted::any).collect(),
        pins: profile
            .pins
            .iter()
            .map(|(name, pin)| pinned(name, pin))
            .collect::<Result<_>>()?,
        installed: base.installed.clone(),
        options: Options {
            recommends: wish.recommends,
            suggests: false,
            architectures: architectures(&host.inventory.os.arch),
            keep_versions: false,
        },
    };
    let solution = solve(&base.catalog, &request)?;
    let mut outcome = outcome(&name, &base.catalog, &solution, &opened);
    if let Some(bundle) = &wish.bundle {
        let selected = Selected {
            opened: &opened,
            catalog: &base.catalog,
            solution: &solution,
        };
        let description = format!("{} for {name}", file.display());
        outcome.bundle =
            Some(make_bundle(session, &wish.key, bundle, description, selected).await?);
    }
    show(session, &outcome)
}

fn read(path: &Path) -> Result<Profile> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let profile = Profile::parse(&text).with_context(|| path.display().to_string())?;
    for problem in profile.problems(&path.display().to_string()) {
        tracing::warn!("{problem}");
    }
    Ok(profile)
}

/// What the profile asks for by name, whatever the host is: base, then always, then unconditional rules of its level.
fn wanted(profile: &Profile) -> Result<Vec<Wanted>> {
    let level = profile.level.unwrap_or(4);
    let rules = profile
        .package
        .iter()
        .filter(|rule| rule.when.is_empty() && rule.rate >= level);
    let names = profile
        .base
        .iter()
        .chain(&profile.always)
        .chain(rules.map(|rule| &rule.name));
    let wanted: Vec<Wanted> = names.map(Wanted::any).collect();
    if wanted.is_empty() {
        bail!("the profile names no package; write for example: always = [\"nginx\"]");
    }
    Ok(wanted)
}

fn pinned(name: &str, pin: &str) -> Result<Wanted> {
    let split = pin.find(|c: char| !"<>= ".contains(c)).unwrap_or(pin.len());
    let op = match pin[..split].trim() {
        "" => Op::Equal,
        sign => Op::parse(sign).with_context(|| format!("`{pin}` is no version of `{name}`"))?,
    };
    Ok(Wanted::versioned(name, op, &pin[split..]))
}

/// The host's own architecture first; packages for all come with it.
fn architectures(arch: &str) -> Vec<String> {
    if arch.is_empty() {
        Vec::new()
    } else {
        vec![arch.to_owned(), "all".to_owned(), "noarch".to_owned()]
    }
}

fn outcome(host: &str, catalog: &Catalog, solution: &Solution, opened: &Opened) -> Outcome {
    let name = |id: PackageId| format!("{} {}", catalog.name(id), catalog.version(id));
    let wished = |id: &PackageId| {
        matches!(
            solution.get(*id).map(|c| &c.reason),
            Some(escadre_solve::Reason::Requested(_))
        )
    };
    let mut packages = Vec::new();
    let mut grown = 0u64;
    for chosen in solution
        .packages
        .iter()
        .filter(|chosen| chosen.change != Change::Kept)
    {
        let id = chosen.package;
        let (change, freed) = match chosen.change {
            Change::Replaces(old) => ("upgrade", catalog.size(old)),
            _ => ("new", 0),
        };
        grown = grown.saturating_add(catalog.size(id).saturating_sub(freed));
        packages.push(Line {
            name: catalog.name(id).to_owned(),
            version: catalog.version(id).to_owned(),
            arch: catalog.arch(id).to_owned(),
            change,
            download: catalog.file_size(id),
            size: catalog.size(id),
            why: solution.why(catalog, id).unwrap_or_default(),
        });
    }
    let kept = solution
        .packages
        .iter()
        .filter(|chosen| chosen.change == Change::Kept)
        .map(|chosen| chosen.package);
    Outcome {
        host: host.to_owned(),
        there: kept.filter(wished).map(name).collect(),
        removed: solution.removed.iter().copied().map(name).collect(),
        download: packages.iter().map(|line| line.download).sum(),
        size: grown,
        signed: opened.is_signed(),
        packages,
        bundle: None,
    }
}

/// A selection with what it was made from.
struct Selected<'a> {
    opened: &'a Opened,
    catalog: &'a Catalog,
    solution: &'a Solution,
}

/// The offline bundle: what the host lacks, for that host as it is.
async fn make_bundle(
    session: &Session,
    key: &PublisherKey,
    name: &str,
    description: String,
    selected: Selected<'_>,
) -> Result<String> {
    let Selected {
        opened,
        catalog,
        solution,
    } = selected;
    let bundle: BundleRef = if name.contains('@') {
        name.parse()?
    } else {
        BundleRef::new(name, "1")?
    };
    let publisher = ship::open_key(key)?;
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let fetch: Vec<PackageId> = solution.to_fetch().collect();
    let fetched = offline::fetch(session, opened, &fetch, folder.path()).await?;
    let plan = offline::plan(catalog, solution, &fetched)?;
    let content = ship::cut(session, folder.path()).await?;
    let mut manifest = Manifest::new(bundle, Timestamp::now(), content, plan.action);
    manifest.description = description;
    manifest.observe = plan.observe;
    manifest.undo = plan.undo;
    let detail = ship::publish(session, &publisher, &manifest).await?;
    Ok(detail.summary.name.to_string())
}

fn show(session: &Session, outcome: &Outcome) -> Result<()> {
    let format = session.format;
    if format != Format::Table {
        return render::one(format, outcome);
    }
    let columns = [
        ("PACKAGE", "name"),
        ("VERSION", "version"),
        ("CHANGE", "change"),
        ("DOWNLOAD", "download"),
        ("SIZE", "size"),
        ("WHY", "why"),
    ];
    render::list(format, &outcome.packages, &columns)?;
    for there in &outcome.there {
        render::say(format, format!("there already: {there}"))?;
    }
    for removed in &outcome.removed {
        render::say(format, format!("goes away: {removed}"))?;
    }
    let (download, size) = (ByteCount(outcome.download), ByteCount(outcome.size));
    render::say(
        format,
        format!(
            "{} packages, {download} to bring, {size} more on disk",
            outcome.packages.len()
        ),
    )?;
    if !outcome.signed {
        render::say(
            format,
            "the repository is not signed; it was accepted because you said so",
        )?;
    }
    match &outcome.bundle {
        Some(bundle) => render::say(
            format,
            format!(
                "{bundle} is signed and published: escadre rollout create {bundle} --to {} --wait",
                outcome.host
            ),
        ),
        None => Ok(()),
    }
}
