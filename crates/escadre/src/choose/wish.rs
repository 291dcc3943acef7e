//! `escadre select PROFILE --host NAME`: what a profile wants on a host, with all that it needs and why.

use std::{fs, path::Path};

use anyhow::{Context, Result, bail};
use escadre_bundle::Manifest;
use escadre_catalog::PackageId;
use escadre_model::{BundleRef, ByteCount, Problem};
use escadre_solve::{Change, Reason};
use jiff::Timestamp;
use serde::Serialize;

use super::{
    choice::{Choice, Target, choose},
    lock, offline, root, rules,
};
use crate::{
    cli::{PublisherKey, SelectWish},
    commands::Session,
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

/// The same for people: sizes in units.
#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    version: &'a str,
    change: &'a str,
    download: String,
    size: String,
    why: &'a str,
}

/// A wish that is not met.
#[derive(Serialize)]
struct LeftOut {
    name: String,
    why: String,
}

/// The outcome.
#[derive(Serialize)]
struct Outcome {
    /// The host, or the folder of a new root.
    host: String,
    /// The lowest rate that was wanted.
    level: u8,
    packages: Vec<Line>,
    /// Wanted packages that the host has already.
    there: Vec<String>,
    removed: Vec<String>,
    /// Wishes that clash or do not fit.
    left_out: Vec<LeftOut>,
    /// Bytes to bring.
    download: u64,
    /// Bytes more on disk.
    size: u64,
    /// Budgets that are exceeded, a sentence each.
    over: Vec<String>,
    /// With `best-fit`: what the selection is worth, and what none can exceed.
    value: Option<f64>,
    bound: Option<f64>,
    /// Whether somebody known vouches for the repository.
    signed: bool,
    /// What is doubtful.
    problems: Vec<Problem>,
    /// The bundle that was made.
    bundle: Option<String>,
}

/// Selects; locks, makes a root, or makes, signs and publishes the offline bundle where that is wanted.
pub(crate) async fn select(session: &Session, wish: SelectWish) -> Result<()> {
    let file = wish.profile.clone().context("name a profile")?;
    let (name, target) = match (&wish.host, &wish.into) {
        (Some(host), _) => (host.clone(), Target::host(session, host).await?),
        (None, Some(folder)) => {
            root::check(folder)?;
            (folder.display().to_string(), Target::unborn(&root::arch()?))
        }
        (None, None) => bail!("name a host: --host NAME, or a folder for a new system: --into DIR"),
    };
    let choice = choose(&file, &target, &wish.from, wish.into.is_some()).await?;
    let mut outcome = outcome(&name, &choice);
    if let Some(path) = &wish.lock {
        write_lock(path, &choice)?;
    }
    if (wish.bundle.is_some() || wish.into.is_some()) && !choice.over.is_empty() {
        bail!(
            "{}; give the profile more room, or fewer packages",
            choice.over.join("; ")
        );
    }
    if let Some(bundle) = &wish.bundle {
        let description = format!("{} for {name}", file.display());
        let made = make_bundle(session, &wish.key, bundle, description, &choice).await?;
        outcome.bundle = Some(made);
    }
    show(session, &outcome)?;
    if let Some(path) = &wish.lock {
        render::say(session.format, format!("locked in {}", path.display()))?;
    }
    match &wish.into {
        Some(folder) => root::build(session, folder, &wish.from, &choice).await,
        None => Ok(()),
    }
}

fn write_lock(path: &Path, choice: &Choice) -> Result<()> {
    let text = lock::of(choice)?.write()?;
    fs::write(path, text).with_context(|| format!("cannot write the lock {}", path.display()))
}

fn outcome(host: &str, choice: &Choice) -> Outcome {
    let (catalog, solution) = (&choice.catalog, &choice.solution);
    let name = |id: PackageId| format!("{} {}", catalog.name(id), catalog.version(id));
    let wished = |id: &PackageId| {
        let reason = solution.get(*id).map(|chosen| &chosen.reason);
        matches!(reason, Some(Reason::Requested(_)))
    };
    let coming = solution.packages.iter().filter_map(|chosen| {
        let change = match chosen.change {
            Change::Kept => return None,
            Change::Replaces(_) => "upgrade",
            Change::New => "new",
        };
        let id = chosen.package;
        Some(Line {
            name: catalog.name(id).to_owned(),
            version: catalog.version(id).to_owned(),
            arch: catalog.arch(id).to_owned(),
            change,
            download: catalog.file_size(id),
            size: catalog.size(id),
            why: choice
                .why(id)
                .unwrap_or_else(|| "on the host already".to_owned()),
        })
    });
    let kept = solution
        .packages
        .iter()
        .filter(|chosen| chosen.change == Change::Kept)
        .map(|chosen| chosen.package);
    let left_out = choice.left_out().into_iter();
    Outcome {
        host: host.to_owned(),
        level: choice.wishes.level,
        packages: coming.collect(),
        there: kept.filter(wished).map(name).collect(),
        removed: solution.removed.iter().copied().map(name).collect(),
        left_out: left_out.map(|(name, why)| LeftOut { name, why }).collect(),
        download: choice.filled.cost.download,
        size: choice.filled.cost.disk,
        over: choice.over.clone(),
        value: choice.value.map(|(value, _)| value),
        bound: choice.value.map(|(_, bound)| bound),
        signed: choice.opened.is_signed(),
        problems: choice.problems.clone(),
        bundle: None,
    }
}

/// The offline bundle: what the host lacks, for that host as it is.
async fn make_bundle(
    session: &Session,
    key: &PublisherKey,
    name: &str,
    description: String,
    choice: &Choice,
) -> Result<String> {
    let bundle: BundleRef = if name.contains('@') {
        name.parse()?
    } else {
        BundleRef::new(name, "1")?
    };
    let publisher = ship::open_key(key)?;
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let fetch: Vec<PackageId> = choice.solution.to_fetch().collect();
    let fetched = offline::fetch(session, &choice.opened, &fetch, folder.path()).await?;
    let plan = offline::plan(&choice.catalog, &choice.solution, &fetched)?;
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
    if format == Format::Json {
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
    if format == Format::Csv {
        return render::list(format, &outcome.packages, &columns);
    }
    let rows: Vec<Row<'_>> = outcome.packages.iter().map(row).collect();
    render::list(format, &rows, &columns)?;
    for sentence in sentences(outcome) {
        render::say(format, rules::safe(&sentence))?;
    }
    Ok(())
}

fn row(line: &Line) -> Row<'_> {
    Row {
        name: &line.name,
        version: &line.version,
        change: line.change,
        download: ByteCount(line.download).to_string(),
        size: ByteCount(line.size).to_string(),
        why: &line.why,
    }
}

/// What is to be said below the table, the most important last.
fn sentences(outcome: &Outcome) -> Vec<String> {
    let mut said: Vec<String> = Vec::new();
    said.extend(
        outcome
            .there
            .iter()
            .map(|name| format!("there already: {name}")),
    );
    said.extend(
        outcome
            .removed
            .iter()
            .map(|name| format!("goes away: {name}")),
    );
    let left = outcome.left_out.iter();
    said.extend(left.map(|left| format!("left out: {}: {}", left.name, left.why)));
    said.extend(outcome.problems.iter().map(ToString::to_string));
    let (download, size) = (ByteCount(outcome.download), ByteCount(outcome.size));
    let count = outcome.packages.len();
    said.push(format!(
        "{count} packages, {download} to bring, {size} more on disk"
    ));
    if let (Some(value), Some(bound)) = (outcome.value, outcome.bound) {
        let share = if bound > 0.0 {
            100.0 * value / bound
        } else {
            100.0
        };
        said.push(format!(
            "best fit: value {value:.0}, no selection can exceed {bound:.0} ({share:.1} %)"
        ));
    }
    said.extend(outcome.over.iter().map(|over| format!("too much: {over}")));
    if !outcome.signed {
        said.push("the repository is not signed; it was accepted because you said so".to_owned());
    }
    if let Some(bundle) = &outcome.bundle {
        let host = &outcome.host;
        said.push(format!(
            "{bundle} is signed and published: escadre rollout create {bundle} --to {host} --wait"
        ));
    }
    said
}
