//! What each combination of flags would bring, as the groups screen reckons it (the DrakX reference §8.1).
//!
//! A quick estimate: closures are taken without looking at versions or conflicts.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::{
    condition::Clause,
    flags::Flags,
    rating::Ratings,
    replay::recorded_order,
    urpm::{PackageId, Urpm, Visiting, written},
};

/// Packages that come with the same combination of flags.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Combination {
    /// Any of these lists of flags, all of a list; both sorted.
    pub alternatives: Vec<Vec<String>>,
    /// Bytes, less what is installed of the same names.
    pub size: i64,
    /// Names, sorted.
    pub packages: Vec<String>,
}

/// The combinations, in the order of their flags.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct GroupSizes {
    /// Each combination once.
    pub combinations: Vec<Combination>,
}

/// How many alternatives a condition may be multiplied out to; real ones have a handful.
const ALTERNATIVES: usize = 512;

type Alternatives = BTreeSet<Vec<String>>;

impl Combination {
    /// `CAT_A&&CAT_B | CAT_C`
    pub fn key(&self) -> String {
        key(&self.alternatives)
    }

    /// Whether one of the alternatives has all its flags set; those with `!` are compared as text and never are.
    pub fn is_chosen(&self, flags: &Flags) -> bool {
        self.alternatives
            .iter()
            .any(|all| all.iter().all(|flag| flags.is_set(flag)))
    }
}

fn key<'a>(alternatives: impl IntoIterator<Item = &'a Vec<String>>) -> String {
    let all = alternatives.into_iter().map(|flags| flags.join("&&"));
    let mut all: Vec<String> = all.collect();
    all.sort();
    all.join(" | ")
}

impl GroupSizes {
    /// Reckons the sizes of everything rated at least `level` that is not selected.
    pub fn new(urpm: &mut Urpm, ratings: &Ratings, level: u8) -> Self {
        urpm.log.detail("install::pkgs::computeGroupSize");
        let mut of_name: BTreeMap<String, Alternatives> = BTreeMap::new();
        for (clauses, roots) in same_conditions(urpm, ratings, level) {
            let own = multiplied(&clauses);
            for id in closure(urpm, roots) {
                if urpm.marks(id).is_selected() {
                    continue;
                }
                let name = &urpm.universe().package(id).name;
                let before = match of_name.get(name) {
                    Some(before) => before.clone(),
                    None => ratings
                        .get(id)
                        .map(|rating| multiplied(&rating.clauses))
                        .unwrap_or_default(),
                };
                of_name.insert(name.clone(), minimal(own.iter().chain(&before)));
            }
        }
        Self::collect(urpm, of_name)
    }

    fn collect(urpm: &mut Urpm, of_name: BTreeMap<String, Alternatives>) -> Self {
        let mut combinations: BTreeMap<String, Combination> = BTreeMap::new();
        for (name, alternatives) in of_name {
            let Some(id) = urpm.package_by_name(&name) else {
                continue;
            };
            let size = i64::try_from(urpm.universe().package(id).size).unwrap_or(i64::MAX);
            let installed = i64::try_from(urpm.installed().size(&name)).unwrap_or(i64::MAX);
            let combination =
                combinations
                    .entry(key(&alternatives))
                    .or_insert_with(|| Combination {
                        alternatives: alternatives.into_iter().collect(),
                        ..Combination::default()
                    });
            combination.size = combination
                .size
                .saturating_add(size.saturating_sub(installed));
            combination.packages.push(name);
        }
        for (key, combination) in &combinations {
            let names = combination.packages.join(",");
            urpm.log
                .detail(format!("{key} {}MB {names}", combination.size / 1_048_576));
        }
        Self {
            combinations: combinations.into_values().collect(),
        }
    }

    /// Bytes and packages that come with these flags; nothing at all if no combination does.
    pub fn chosen(&self, flags: &Flags) -> (Option<i64>, BTreeSet<&str>) {
        let mut size = None;
        let mut packages = BTreeSet::new();
        for combination in self
            .combinations
            .iter()
            .filter(|combination| combination.is_chosen(flags))
        {
            size = Some(size.unwrap_or(0_i64).saturating_add(combination.size));
            packages.extend(combination.packages.iter().map(String::as_str));
        }
        (size, packages)
    }
}

/// Packages that are not there yet, by their conditions.
fn same_conditions(
    urpm: &Urpm,
    ratings: &Ratings,
    level: u8,
) -> Vec<(Vec<Clause>, Vec<PackageId>)> {
    let mut same: BTreeMap<&[Clause], Vec<PackageId>> = BTreeMap::new();
    for (id, rating) in ratings.iter() {
        let counts = rating.rate > 0 && rating.rate >= level && !rating.is_false();
        if counts && !urpm.marks(id).is_available() {
            same.entry(&rating.clauses).or_default().push(id);
        }
    }
    let mut same: Vec<(Vec<Clause>, Vec<PackageId>)> = same
        .into_iter()
        .map(|(clauses, ids)| (clauses.to_vec(), ids))
        .collect();
    match urpm.options.visiting {
        Visiting::ByName => same,
        Visiting::AsRecorded => {
            same.sort_by_key(|(_, ids)| ids.first().copied());
            let keys: Vec<String> = same.iter().map(|(clauses, _)| joined(clauses)).collect();
            let order = recorded_order::order(keys.iter().map(String::as_str));
            order.into_iter().map(|place| same[place].clone()).collect()
        }
    }
}

fn joined(clauses: &[Clause]) -> String {
    clauses
        .iter()
        .map(Clause::to_string)
        .collect::<Vec<_>>()
        .join("\t")
}

/// What would come with packages: a quick closure over requires and suggestions.
fn closure(urpm: &mut Urpm, roots: Vec<PackageId>) -> BTreeSet<PackageId> {
    let universe = urpm.universe().clone();
    let mut reached = BTreeSet::new();
    let mut todo: VecDeque<PackageId> = roots.into();
    while let Some(id) = todo.pop_front() {
        if !reached.insert(id) {
            continue;
        }
        let package = universe.package(id);
        let required = package
            .requires
            .iter()
            .map(|property| property.name.clone());
        let names = required.chain(package.recommends.iter().map(written));
        let mut needs: Vec<(String, &[PackageId])> = names
            .map(|name| {
                let providers = universe.providers(&name);
                (name, providers)
            })
            .collect();
        needs.sort_by_key(|(_, providers)| providers.len());
        for (name, providers) in needs {
            match providers {
                [] => {}
                [one] => todo.push_back(*one),
                many if many
                    .iter()
                    .any(|id| reached.contains(id) || urpm.marks(*id).is_available()) => {}
                many => todo.extend(urpm.decide(many, &name, &[])),
            }
        }
    }
    reached
}

/// An AND of ORs as an OR of ANDs.
fn multiplied(clauses: &[Clause]) -> Alternatives {
    let mut all: Vec<Vec<String>> = vec![Vec::new()];
    for clause in clauses {
        let mut next = Vec::with_capacity(all.len());
        for item in &clause.0 {
            for flags in all.iter().take(ALTERNATIVES) {
                let mut flags = flags.clone();
                flags.push(item.to_string());
                next.push(flags);
            }
        }
        next.truncate(ALTERNATIVES);
        all = next;
    }
    let sorted = all
        .into_iter()
        .filter(|flags| !flags.is_empty())
        .map(|mut flags| {
            flags.sort();
            flags
        });
    sorted.collect()
}

/// Drops the alternatives that contain another one.
fn minimal<'a>(alternatives: impl Iterator<Item = &'a Vec<String>>) -> Alternatives {
    let all: BTreeSet<&Vec<String>> = alternatives.collect();
    let contains_other = |flags: &Vec<String>| {
        all.iter()
            .any(|other| *other != flags && is_within(other, flags))
    };
    let kept = all.iter().filter(|flags| !contains_other(flags));
    kept.take(ALTERNATIVES)
        .map(|flags| (*flags).clone())
        .collect()
}

/// Whether every flag of the one is in the other, as often. Both are sorted.
fn is_within(flags: &[String], other: &[String]) -> bool {
    let mut other = other.iter();
    flags
        .iter()
        .all(|flag| other.any(|candidate| candidate == flag))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(clauses: &[&str], expected: &str) {
        let clauses: Vec<Clause> = clauses.iter().map(|text| Clause::parse(text)).collect();
        assert_eq!(key(&multiplied(&clauses)), expected);
    }

    #[test]
    fn alternatives() {
        check(&["A||B", "C"], "A&&C | B&&C");
        check(&["!A", "B"], "!A&&B");
        check(&[], "");
        let list = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let all = [
            list("A B"),
            list("A"),
            list("B C"),
            list("A"),
            list("B C D"),
        ];
        assert_eq!(key(&minimal(all.iter())), "A | B&&C");
    }

    #[test]
    fn many_alternatives_are_cut() {
        let clauses: Vec<Clause> = (0..40)
            .map(|n| Clause::parse(&format!("A{n}||B{n}||C{n}")))
            .collect();
        assert!(multiplied(&clauses).len() <= ALTERNATIVES);
    }
}
