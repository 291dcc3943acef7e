//! What a profile says beyond its wishes: what it forbids and pins, what no repository has, and what is not looked at.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use escadre_catalog::{Catalog, NameId, Op};
use escadre_model::{Problem, problem::Severity};
use escadre_select::{
    profile::Profile,
    urpm::NameList,
    wish::{Ground, Wish, Wishes},
};
use escadre_solve::Wanted;

/// Rules for packages that the profile forbids do not count.
pub(super) fn refuse(forbidden: &BTreeSet<String>, wishes: &mut Wishes) {
    let is_out = |wish: &Wish| wish.rate().is_some() && forbidden.contains(&wish.name);
    let (out, kept): (Vec<Wish>, Vec<Wish>) = std::mem::take(&mut wishes.wishes)
        .into_iter()
        .partition(is_out);
    wishes.wishes = out;
    for name in wishes
        .wishes
        .iter()
        .map(|wish| wish.name.clone())
        .collect::<Vec<_>>()
    {
        let ground = wishes.ground(&name).unwrap_or_default();
        wishes
            .refused
            .insert(name, format!("{ground} → the profile forbids it"));
    }
    wishes.wishes = kept;
}

/// Rules for packages that no repository has do not count, and are told; base and default packages must exist.
pub(super) fn unknown(catalog: &Catalog, wishes: &mut Wishes) -> Vec<Problem> {
    let known = |name: &str| {
        let id = catalog.name_id(name);
        id.is_some_and(|id| catalog.providers(id).next().is_some())
    };
    let mut problems = Vec::new();
    let mut kept = Vec::with_capacity(wishes.wishes.len());
    for wish in std::mem::take(&mut wishes.wishes) {
        let Ground::Rule { line, .. } = wish.ground else {
            kept.push(wish);
            continue;
        };
        if known(&wish.name) {
            kept.push(wish);
            continue;
        }
        let message = format!("no repository has the package `{}`", wish.name);
        let code = "profile.unknown-package";
        problems.push(Problem::new(
            Severity::Warning,
            &wishes.file,
            line,
            code,
            message,
        ));
    }
    wishes.wishes = kept;
    problems
}

/// What a profile may say that is not looked at here.
pub(super) fn beyond(profile: &Profile, file: &str) -> Vec<Problem> {
    let said = [
        (
            !profile.budget.filesystems.is_empty(),
            "choose.filesystems",
            "budgets by file system are not looked at: the repositories do not say which files go where",
        ),
        (
            !profile.preferences.is_empty(),
            "choose.preferences",
            "preferences are not looked at: alternatives come in the order of the distribution; write the preferred one into `always`",
        ),
        (
            !profile.repository.is_empty(),
            "choose.repositories",
            "repositories and their priorities are not looked at: all that the mirror has may come",
        ),
    ];
    let said = said.into_iter().filter(|(is, ..)| *is);
    said.map(|(_, code, text)| Problem::new(Severity::Warning, file, 0, code, text))
        .collect()
}

/// Names of packages that have or provide what the profile forbids.
pub(super) fn forbidden(profile: &Profile, catalog: &Catalog) -> BTreeSet<String> {
    let list = NameList::of(profile.forbidden.iter().map(String::as_str));
    let mut names = BTreeSet::new();
    if list.entries.is_empty() {
        return names;
    }
    let means = |text: &str| list.entries.iter().any(|entry| entry.matches(text));
    for number in 0..u32::try_from(catalog.names()).unwrap_or(u32::MAX) {
        let name = NameId(number);
        if means(catalog.name_text(name)) {
            let providers = catalog.providers(name);
            names.extend(providers.map(|provider| catalog.name(provider.package).to_owned()));
        }
    }
    names
}

pub(super) fn pins(profile: &Profile) -> Result<Vec<Wanted>> {
    let pins = profile.pins.iter();
    pins.map(|(name, pin)| pinned(name, pin)).collect()
}

fn pinned(name: &str, pin: &str) -> Result<Wanted> {
    let split = pin.find(|c: char| !"<>= ".contains(c)).unwrap_or(pin.len());
    let op = match pin[..split].trim() {
        "" => Op::Equal,
        sign => Op::parse(sign).with_context(|| format!("`{pin}` is no version of `{name}`"))?,
    };
    Ok(Wanted::versioned(name, op, &pin[split..]))
}
