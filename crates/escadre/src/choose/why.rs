//! `escadre why` and `escadre why-not`: one line each, the first thing that decides.

use std::process::ExitCode;

use anyhow::Result;
use escadre_catalog::PackageId;
use escadre_solve::Change;
use serde::Serialize;

use super::{
    choice::{Choice, Target, choose},
    rules,
};
use crate::{
    cli::Why,
    commands::Session,
    render::{self, Format},
};

/// The answer, for programs.
#[derive(Serialize)]
struct Answer {
    host: String,
    package: String,
    selected: bool,
    reason: String,
}

/// Why a package is selected for a host, or why not. Exit code 1 when it is the other way round than was asked.
pub(crate) async fn why(session: &Session, question: &Why, selected: bool) -> Result<ExitCode> {
    let target = Target::host(session, &question.host).await?;
    let mut choice = choose(&question.profile, &target, &question.from, false).await?;
    let name = &question.package;
    let found = chosen(&choice, name);
    let reason = match found.and_then(|id| choice.why(id)) {
        Some(reason) => (true, reason),
        None => (false, why_not(&mut choice, name, found)),
    };
    let answer = Answer {
        host: question.host.clone(),
        package: name.clone(),
        selected: reason.0,
        reason: reason.1,
    };
    if session.format == Format::Table {
        let line = match (answer.selected, selected) {
            (true, true) => answer.reason.clone(),
            (true, false) => format!("{name} is selected: {}", answer.reason),
            (false, true) => format!("{name} is not selected: {}", answer.reason),
            (false, false) => format!("{name}: {}", answer.reason),
        };
        render::say(session.format, rules::safe(&line))?;
    } else {
        render::one(session.format, &answer)?;
    }
    Ok(if answer.selected == selected {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The package of this name in the selection.
fn chosen(choice: &Choice, name: &str) -> Option<PackageId> {
    let mut packages = choice.solution.packages.iter().map(|chosen| chosen.package);
    packages.find(|id| choice.catalog.name(*id) == name)
}

/// The first thing that stands in the way.
fn why_not(choice: &mut Choice, name: &str, found: Option<PackageId>) -> String {
    if let Some(reason) = choice.wishes.refused.get(name) {
        return there(choice, found, reason.clone());
    }
    if let Some(chosen) = found.and_then(|id| choice.solution.get(id)) {
        let version = choice.catalog.version(chosen.package);
        return match chosen.change {
            Change::Kept => format!("the host has {version} already; no rule asks for it"),
            _ => format!("the host has it already; {version} comes with other packages"),
        };
    }
    let named = choice.catalog.name_id(name);
    let versions: Vec<&str> = named.map_or_else(Vec::new, |id| {
        let packages = choice.catalog.packages_named(id);
        packages
            .take(3)
            .map(|id| choice.catalog.version(id))
            .collect()
    });
    if versions.is_empty() {
        return "no repository has a package of this name".to_owned();
    }
    if choice.forbidden.contains(name) {
        return format!("{} forbids it", choice.wishes.file);
    }
    let left = choice.left_out().into_iter().find(|(left, _)| left == name);
    if let Some((_, reason)) = left {
        return reason;
    }
    let pin = choice.profile.pins.get(name).map(|pin| {
        format!(
            "{} pins it to `{pin}`; there is {}",
            choice.wishes.file,
            versions.join(", ")
        )
    });
    match (choice.clash(name), pin) {
        (Some(_), Some(pin)) => pin,
        (Some(clash), None) => format!("no rule asks for it, and it could not come: {clash}"),
        (None, _) => "no rule asks for it, and nothing that is selected needs it".to_owned(),
    }
}

/// A rule that does not count, for a package that the host has all the same.
fn there(choice: &Choice, found: Option<PackageId>, reason: String) -> String {
    match found {
        Some(id) => format!(
            "{reason} (the host has {} already)",
            choice.catalog.version(id)
        ),
        None => reason,
    }
}
