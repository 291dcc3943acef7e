//! The offline bundle of a selection: the closure minus what the host has, as one transaction of the system's own tool.

use std::{collections::BTreeSet, path::Path};

use anyhow::{Context, Result, bail};
use escadre_bundle::{
    Action, ContentPath, Observation, PackageChange, PackageSet, PackageVersion, Undo,
};
use escadre_catalog::{
    Catalog, PackageId,
    catalog::{Demand, RelationKind},
};
use escadre_repository::{Fetched, Opened, fetch_packages};
use escadre_solve::{Change, Solution};
use indicatif::{ProgressBar, ProgressStyle};

use crate::{commands::Session, render::Format};

/// What the bundle does, what must hold afterwards, and how it is undone.
pub(super) struct Plan {
    pub(super) action: Action,
    pub(super) observe: Vec<Observation>,
    pub(super) undo: Option<Undo>,
}

/// Brings the package files into a folder, each verified by its checksum.
pub(super) async fn fetch(
    session: &Session,
    opened: &Opened,
    wanted: &[PackageId],
    into: &Path,
) -> Result<Vec<Fetched>> {
    let bar = if session.format == Format::Table {
        ProgressBar::new(0)
    } else {
        ProgressBar::hidden()
    };
    let style = "{bar:30} {bytes}/{total_bytes}  {bytes_per_sec}, {eta} left";
    bar.set_style(
        ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    let fetched = fetch_packages(opened, wanted, into, |progress| {
        bar.set_length(progress.bytes);
        bar.set_position(progress.bytes_done);
    });
    let fetched = fetched
        .await
        .context("the packages cannot all be brought here")?;
    bar.finish_and_clear();
    Ok(fetched)
}

/// The transaction of a solution whose package files are fetched.
pub(super) fn plan(catalog: &Catalog, solution: &Solution, fetched: &[Fetched]) -> Result<Plan> {
    let mut changes = Vec::new();
    for chosen in &solution.packages {
        let before = match chosen.change {
            Change::Kept => continue,
            Change::New => None,
            Change::Replaces(old) => Some(catalog.version(old).to_owned()),
        };
        let file = fetched.iter().find(|file| file.package == chosen.package);
        let file = file
            .with_context(|| format!("the file of {} is not here", catalog.name(chosen.package)))?;
        let name = file
            .path
            .file_name()
            .and_then(|name| name.to_str())
            .context("a package file wants a plain name")?;
        changes.push(PackageChange {
            name: catalog.name(chosen.package).to_owned(),
            arch: catalog.arch(chosen.package).to_owned(),
            before,
            after: Some(catalog.version(chosen.package).to_owned()),
            file: Some(ContentPath::new(name)?),
            undo_file: None,
        });
    }
    for &gone in &solution.removed {
        changes.push(PackageChange {
            name: catalog.name(gone).to_owned(),
            arch: catalog.arch(gone).to_owned(),
            before: Some(catalog.version(gone).to_owned()),
            after: None,
            file: None,
            undo_file: None,
        });
    }
    if changes.is_empty() {
        bail!("the host has all of it already; there is nothing to bring");
    }
    changes.sort();
    let kind = catalog.kind();
    let installed = |change: &PackageChange| {
        let version = change.after.clone()?;
        Some(Observation::Package {
            kind,
            name: change.name.clone(),
            version: Some(version),
        })
    };
    let observe = changes
        .iter()
        .filter_map(installed)
        .take(escadre_bundle::limits::LIST)
        .collect();
    // An undo may only remove what is new: going back to a version wants its file, which is not here.
    let undo = changes
        .iter()
        .all(|change| change.before.is_none())
        .then_some(Undo::Packages);
    let set = PackageSet {
        kind,
        changes,
        against: relied_on(catalog, solution),
    };
    Ok(Plan {
        action: Action::Packages(set),
        observe,
        undo,
    })
}

/// Installed packages that answer a dependency of something new: when one changes, the closure may no longer hold.
fn relied_on(catalog: &Catalog, solution: &Solution) -> Vec<PackageVersion> {
    let kept: BTreeSet<u32> = solution
        .packages
        .iter()
        .filter(|c| c.change == Change::Kept)
        .map(|c| c.package.0)
        .collect();
    let mut relied = BTreeSet::new();
    for new in solution.to_fetch() {
        for group in catalog.relations(new).of(RelationKind::Requires) {
            for atom in group.atoms() {
                let Demand::Range(op, version) = atom.demand else {
                    continue;
                };
                for provider in catalog.providers(atom.name) {
                    let id = provider.package;
                    if kept.contains(&id.0) && catalog.answers(&provider, op, version) {
                        relied.insert(PackageVersion {
                            name: catalog.name(id).to_owned(),
                            arch: catalog.arch(id).to_owned(),
                            version: catalog.version(id).to_owned(),
                        });
                    }
                }
            }
        }
    }
    relied.into_iter().collect()
}
