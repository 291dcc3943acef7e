//! No selection can be worth more than this: wishes are taken in parts, best value for the room first, and each costs
//! the least that it can.
//!
//! What a wish cannot do without: itself, the sole package that answers each of its dependencies, and so on. The size of
//! each is divided by the number of wishes that cannot do without it; whatever is selected, these shares add up to no more
//! than its real size. What the firm wishes need is there whatever is selected, and costs nothing more.

use std::collections::{BTreeMap, BTreeSet};

use escadre_catalog::{
    Catalog, NameId, Op, PackageId, RelationKind,
    catalog::{Demand, Group},
};

use super::Limits;

/// The packages that a wish cannot do without, by name, each with the least that it takes on disk.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Needs(pub BTreeMap<u32, u64>);

/// What a wish cannot do without. `grows` says what a package adds on disk: nothing if it is there, nothing at all
/// (`None`) if it may not come.
pub fn needs(catalog: &Catalog, wish: &str, grows: &dyn Fn(PackageId) -> Option<u64>) -> Needs {
    let mut needs = Needs::default();
    let answers = |name: NameId, op: Op, version: &str| -> Vec<PackageId> {
        let answering = catalog.answering(name, op, version).map(|(id, _)| id);
        answering.filter(|id| grows(*id).is_some()).collect()
    };
    let Some(name) = catalog.name_id(wish) else {
        return needs;
    };
    let mut todo = vec![answers(name, Op::Any, "")];
    while let Some(ids) = todo.pop() {
        let names: BTreeSet<u32> = ids.iter().map(|id| catalog.name_of(*id).0).collect();
        let (Some(sole), 1) = (names.first(), names.len()) else {
            continue;
        };
        let least = ids.iter().filter_map(|id| grows(*id)).min().unwrap_or(0);
        if needs.0.contains_key(sole) {
            continue;
        }
        needs.0.insert(*sole, least);
        // What all versions of it need is not known to be the same; only a package with one version is followed.
        if let [only] = ids.as_slice() {
            let requires = catalog.relations(*only).of(RelationKind::Requires);
            todo.extend(requires.filter_map(|group| answers_of(group, &answers)));
        }
    }
    needs
}

/// All that answers one dependency; nothing known where it is a rich one.
fn answers_of(
    group: Group<'_>,
    answers: &dyn Fn(NameId, Op, &str) -> Vec<PackageId>,
) -> Option<Vec<PackageId>> {
    let mut all = Vec::new();
    for atom in group.atoms() {
        match atom.demand {
            Demand::Range(op, version) => all.extend(answers(atom.name, op, version)),
            Demand::Rich(_) => return None,
        }
    }
    Some(all)
}

/// The least that each wish costs beyond the firm ones, with what others need too divided among them.
pub(super) fn shared(firm: usize, needs: &[Needs]) -> Vec<f64> {
    let mut users: BTreeMap<u32, f64> = BTreeMap::new();
    for name in needs.iter().skip(firm).flat_map(|needs| needs.0.keys()) {
        *users.entry(*name).or_default() += 1.0;
    }
    let given = given(firm, needs);
    let share = |needs: &Needs| {
        needs
            .0
            .iter()
            .filter(|(name, _)| !given.contains_key(name))
            .fold(0.0, |sum, (name, size)| {
                sum + *size as f64 / users.get(name).copied().unwrap_or(1.0)
            })
    };
    needs.iter().map(share).collect()
}

/// What the firm wishes need.
fn given(firm: usize, needs: &[Needs]) -> BTreeMap<u32, u64> {
    let firm = needs.iter().take(firm);
    firm.flat_map(|needs| needs.0.iter().map(|(name, size)| (*name, *size)))
        .collect()
}

/// The most that any selection within the limits is worth.
pub(super) fn value(
    firm: usize,
    values: &[f64],
    needs: &[Needs],
    costs: &[f64],
    limits: Limits,
) -> f64 {
    let mut wishes: Vec<(f64, f64)> = values
        .iter()
        .copied()
        .zip(costs.iter().copied())
        .skip(firm)
        .collect();
    let all = wishes.iter().fold(0.0, |sum, (value, _)| sum + value);
    let Some(disk) = limits.disk else {
        return all;
    };
    let used: u64 = given(firm, needs).values().sum();
    let mut room = disk.saturating_sub(used) as f64;
    wishes.sort_by(|a, b| (b.0 * a.1).total_cmp(&(a.0 * b.1)));
    let mut total = 0.0;
    for (value, cost) in wishes {
        if cost <= room {
            total += value;
            room -= cost;
        } else {
            total += value * room / cost;
            break;
        }
    }
    total
}
