//! No selection can be worth more than this: packages are taken in parts, best value for the room first, and each costs
//! the least that it can.
//!
//! The least cost: what a package cannot do without (itself, and sole providers of what is required, and so on), the size
//! of each divided by the number of wanted packages that cannot do without it. Whatever is selected, these shares add
//! up to no more than its real size. What cannot fit even alone, or lacks something
//! that nobody provides, counts for nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::{Limits, Wanted};
use crate::urpm::{PackageId, Urpm, provides};

/// The least that a package costs, in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cost {
    /// With what others need too divided among them.
    pub(super) shared: f64,
    /// If it were selected alone.
    pub(super) alone: f64,
}

/// The least cost of each package.
pub(super) fn costs(urpm: &Urpm, wanted: &[(PackageId, f64)]) -> Vec<Cost> {
    let needs: Vec<Option<BTreeSet<PackageId>>> = wanted
        .iter()
        .map(|(id, _)| indispensable(urpm, *id))
        .collect();
    let mut users: BTreeMap<PackageId, u32> = BTreeMap::new();
    for id in needs.iter().flatten().flatten() {
        *users.entry(*id).or_default() += 1;
    }
    let size = |id: &PackageId| urpm.universe().package(*id).size as f64;
    let share = |id: &PackageId| size(id) / f64::from(users.get(id).copied().unwrap_or(1));
    let sum = |sizes: &mut dyn Iterator<Item = f64>| sizes.fold(0.0, |sum, size| sum + size);
    let cost = |ids: &Option<BTreeSet<PackageId>>| match ids {
        Some(ids) => Cost {
            shared: sum(&mut ids.iter().map(share)),
            alone: sum(&mut ids.iter().map(size)),
        },
        None => Cost {
            shared: f64::INFINITY,
            alone: f64::INFINITY,
        },
    };
    needs.iter().map(cost).collect()
}

/// What must come with a package, itself included; what is there already costs nothing. Nothing for a package that
/// cannot be selected.
fn indispensable(urpm: &Urpm, id: PackageId) -> Option<BTreeSet<PackageId>> {
    let universe = urpm.universe();
    if !urpm.marks(id).is_available() && (urpm.request(id).is_empty() || urpm.marks(id).skip) {
        return None;
    }
    let mut reached = BTreeSet::new();
    let mut todo = vec![id];
    while let Some(id) = todo.pop() {
        if urpm.marks(id).is_available() || !reached.insert(id) {
            continue;
        }
        let package = universe.package(id);
        for property in &package.requires {
            if provides(package, property) || urpm.installed().satisfies(property) {
                continue;
            }
            let fits = |id: &&PackageId| {
                universe.is_compatible(**id)
                    && !urpm.marks(**id).skip
                    && provides(universe.package(**id), property)
            };
            let mut providers = universe.providers(&property.name).iter().filter(fits);
            match (providers.next(), providers.next()) {
                (None, _) => return None,
                (Some(sole), None) => todo.push(*sole),
                _ => {}
            }
        }
    }
    Some(reached)
}

/// The most that any selection within the budget is worth.
pub(super) fn value(start: &Urpm, wanted: &[Wanted], limits: Limits) -> f64 {
    let there: f64 = wanted
        .iter()
        .filter(|wanted| start.marks(wanted.id).is_available())
        .fold(0.0, |sum, wanted| sum + wanted.value);
    let mut left: Vec<&Wanted> = wanted
        .iter()
        .filter(|wanted| !start.marks(wanted.id).is_available())
        .collect();
    let room = (limits.disk - start.selected_size() as f64).max(0.0);
    let mut room = if limits.disk == 0.0 { f64::MAX } else { room };
    left.retain(|wanted| wanted.alone <= room);
    left.sort_by(|a, b| (b.value * a.cost).total_cmp(&(a.value * b.cost)));
    let mut total = there;
    for wanted in left {
        if wanted.cost <= room {
            total += wanted.value;
            room -= wanted.cost;
        } else {
            total += wanted.value * room / wanted.cost;
            break;
        }
    }
    total
}
