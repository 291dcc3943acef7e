//! What became different between two inventories of a host, in sentences.

use std::{cmp::Ordering, collections::BTreeMap};

use escadre_model::{
    Timestamp,
    inventory::{InstalledPackage, Inventory},
    version,
};
use escadre_store::tables::inventory::Change;

/// Changes that are kept one by one; of more, the rest is one line.
const ONE_BY_ONE: usize = 500;

/// Packages that came, went or changed; system, memory, addresses.
pub(crate) fn inventory_changes(at: Timestamp, old: &Inventory, new: &Inventory) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut changed = |subject: &str, before: String, after: String| {
        if before != after {
            let detail = format!("{before} → {after}");
            changes.push(change(at, subject, "changed", detail));
        }
    };
    changed("os", old.os.name.clone(), new.os.name.clone());
    changed("kernel", old.os.kernel.clone(), new.os.kernel.clone());
    changed("memory", old.memory.to_string(), new.memory.to_string());
    changed("addresses", addresses(old), addresses(new));
    let packages = packages(at, old, new);
    let left_out = packages.len().saturating_sub(ONE_BY_ONE);
    changes.extend(packages.into_iter().take(ONE_BY_ONE));
    if left_out > 0 {
        changes.push(change(
            at,
            "packages",
            "changed",
            format!("and {left_out} packages more"),
        ));
    }
    changes
}

fn change(at: Timestamp, subject: &str, state: &str, detail: String) -> Change {
    Change {
        at,
        subject: subject.to_owned(),
        state: state.to_owned(),
        detail,
    }
}

fn addresses(inventory: &Inventory) -> String {
    let all = inventory
        .networks
        .iter()
        .flat_map(|network| &network.addresses);
    let mut all: Vec<String> = all
        .map(|address| format!("{}/{}", address.ip, address.prefix))
        .collect();
    all.sort();
    all.join(", ")
}

/// By name and architecture; of a package that is installed in several versions, all.
fn by_name(inventory: &Inventory) -> BTreeMap<(&str, &str), Vec<&InstalledPackage>> {
    let mut all: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for package in &inventory.packages {
        all.entry((package.name.as_str(), package.arch.as_str()))
            .or_default()
            .push(package);
    }
    all
}

fn packages(at: Timestamp, old: &Inventory, new: &Inventory) -> Vec<Change> {
    let (before, after) = (by_name(old), by_name(new));
    let mut changes = Vec::new();
    for (key, packages) in &after {
        match before.get(key) {
            None => changes.extend(
                packages
                    .iter()
                    .map(|one| change(at, &subject(one), "installed", one.version.clone())),
            ),
            Some(old) if versions(old) != versions(packages) => {
                let state = match (old.as_slice(), packages.as_slice()) {
                    ([old], [new]) => {
                        match version::compare(new.kind, &new.version, &old.version) {
                            Ordering::Greater => "upgraded",
                            Ordering::Less => "downgraded",
                            Ordering::Equal => "changed",
                        }
                    }
                    _ => "changed",
                };
                let detail = format!(
                    "{} → {}",
                    versions(old).join(", "),
                    versions(packages).join(", ")
                );
                changes.push(change(at, &subject(packages[0]), state, detail));
            }
            Some(_) => {}
        }
    }
    for (_, packages) in before.iter().filter(|(key, _)| !after.contains_key(*key)) {
        changes.extend(
            packages
                .iter()
                .map(|one| change(at, &subject(one), "removed", one.version.clone())),
        );
    }
    changes
}

fn subject(package: &InstalledPackage) -> String {
    format!("package {}", package.name)
}

fn versions<'a>(packages: &[&'a InstalledPackage]) -> Vec<&'a str> {
    let mut versions: Vec<&str> = packages
        .iter()
        .map(|package| package.version.as_str())
        .collect();
    versions.sort_unstable();
    versions
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(packages: &[(&str, &str)]) -> Inventory {
        let package = |(name, version): &(&str, &str)| InstalledPackage {
            name: (*name).into(),
            version: (*version).into(),
            ..InstalledPackage::default()
        };
        Inventory {
            packages: packages.iter().map(package).collect(),
            ..Inventory::default()
        }
    }

    #[test]
    fn packages_that_came_went_and_changed_are_named() {
        let old = with(&[
            ("a", "1"),
            ("b", "1.10"),
            ("c", "2"),
            ("kernel", "5"),
            ("d", "1"),
        ]);
        let new = with(&[
            ("b", "1.9"),
            ("c", "2.1"),
            ("kernel", "5"),
            ("kernel", "6"),
            ("d", "1"),
            ("e", "1"),
        ]);
        let found: Vec<String> = inventory_changes(Timestamp::UNIX_EPOCH, &old, &new)
            .into_iter()
            .map(|change| format!("{} {} {}", change.subject, change.state, change.detail))
            .collect();
        let expected = [
            "package b downgraded 1.10 → 1.9",
            "package c upgraded 2 → 2.1",
            "package e installed 1",
            "package kernel changed 5 → 5, 6",
            "package a removed 1",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn the_same_inventory_has_no_changes_and_a_flood_is_bounded() {
        let many: Vec<(String, String)> = (0..2000)
            .map(|n| (format!("p{n:04}"), "1".to_owned()))
            .collect();
        let many: Vec<(&str, &str)> = many.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let all = with(&many);
        assert_eq!(inventory_changes(Timestamp::UNIX_EPOCH, &all, &all), vec![]);
        let changes = inventory_changes(Timestamp::UNIX_EPOCH, &with(&[]), &all);
        assert_eq!(changes.len(), ONE_BY_ONE + 1);
        assert_eq!(
            changes.last().map(|c| c.detail.as_str()),
            Some("and 1500 packages more")
        );
    }
}
