//! Rates and settled conditions, put on the packages of the media (the DrakX reference §3).

use std::{collections::BTreeMap, sync::Arc};

use escadre_model::{Problem, problem::Severity::Warning};

use crate::{
    condition::{Clause, Settler},
    flags::Flags,
    machine::Machine,
    replay::recorded_order,
    rpmsrate::{RateFile, Rated},
    urpm::{PackageId, Urpm, Visiting},
};

/// The rate of a package and what must hold for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rating {
    /// 1 to 5; 0 is never selected.
    pub rate: u8,
    /// All of these must hold.
    pub clauses: Vec<Clause>,
    /// The conditions as the rate file has them, and the one that its language implies.
    pub conditions: Vec<Arc<str>>,
    /// The last line of the rate file that names it.
    pub line: u32,
}

impl Rating {
    /// Whether every condition holds.
    pub fn holds(&self, flags: &Flags) -> bool {
        self.clauses.iter().all(|clause| clause.holds(flags))
    }

    /// Whether no choice of groups can make it hold.
    pub fn is_false(&self) -> bool {
        self.clauses.iter().any(Clause::is_false)
    }
}

/// The ratings of packages.
#[derive(Debug, Default, Clone)]
pub struct Ratings {
    by_id: BTreeMap<PackageId, Rating>,
    /// Name of the rate file.
    pub file: String,
    /// Patterns that could not be read.
    pub problems: Vec<Problem>,
}

/// The highest rate; what is above counts as none.
const RATE_MAX: u8 = 5;

impl Ratings {
    /// Rates the packages of the media for a machine; logs those that are not there.
    pub fn new(urpm: &mut Urpm, file: &RateFile, machine: &Machine, flags: &Flags) -> Self {
        let mut ratings = Self {
            file: file.file.clone(),
            ..Self::default()
        };
        let mut settler = Settler::new(machine, flags);
        for (name, rated) in visited(file, urpm.options.visiting) {
            let Some(id) = urpm.package_by_name(name) else {
                continue;
            };
            let mut conditions = rated.flags.clone();
            conditions.extend(implied_language(urpm, id));
            let rating = Rating {
                rate: if rated.rate <= RATE_MAX {
                    rated.rate
                } else {
                    0
                },
                clauses: settler.settle(&conditions),
                conditions,
                line: rated.lines.last().copied().unwrap_or_default(),
            };
            ratings.by_id.insert(id, rating);
        }
        ratings.problems = bad_patterns(&settler, file);
        ratings
    }

    /// The rating of a package.
    pub fn get(&self, id: PackageId) -> Option<&Rating> {
        self.by_id.get(&id)
    }

    /// Rated packages in media order.
    pub fn iter(&self) -> impl Iterator<Item = (PackageId, &Rating)> + Clone {
        self.by_id.iter().map(|(id, rating)| (*id, rating))
    }

    /// Packages whose rate is at least the level and whose conditions hold, best rate first, then media order.
    pub fn wanted(&self, flags: &Flags, level: u8) -> Vec<(u8, PackageId)> {
        let rated = self
            .by_id
            .iter()
            .filter(|(_, rating)| rating.rate > 0 && rating.rate >= level);
        let holding = rated.filter(|(_, rating)| rating.holds(flags));
        let mut wanted: Vec<(u8, PackageId)> =
            holding.map(|(id, rating)| (rating.rate, *id)).collect();
        wanted.sort_by_key(|(rate, _)| std::cmp::Reverse(*rate));
        wanted
    }
}

/// The packages of a rate file in the order of a run.
fn visited(file: &RateFile, visiting: Visiting) -> Vec<(&String, &Rated)> {
    let mut packages: Vec<(&String, &Rated)> = file.packages.iter().collect();
    if visiting == Visiting::AsRecorded {
        packages.sort_by_key(|(_, rated)| rated.place);
        let order = recorded_order::order(packages.iter().map(|(name, _)| name.as_str()));
        packages = order.into_iter().map(|place| packages[place]).collect();
    }
    packages
}

/// A package that requires the locales of exactly one language is for that language only.
fn implied_language(urpm: &mut Urpm, id: PackageId) -> Option<Arc<str>> {
    let universe = urpm.universe().clone();
    let package = universe.package(id);
    let names = package
        .requires
        .iter()
        .map(|property| property.name.as_str());
    let languages: Vec<&str> = names
        .filter_map(|name| name.split_once("locales-").map(|(_, language)| language))
        .collect();
    match languages.as_slice() {
        [language] => Some(format!("LOCALES\"{language}\"").into()),
        [] => None,
        _ => {
            if package.name != "lsb" {
                urpm.log.line(format!(
                    "ERROR: package {} is requiring many locales",
                    package.name
                ));
            }
            None
        }
    }
}

fn bad_patterns(settler: &Settler<'_>, file: &RateFile) -> Vec<Problem> {
    let bad = settler.bad_patterns().map(|(pattern, error)| {
        let quoted = format!("\"{pattern}\"");
        let users = file
            .packages
            .values()
            .filter(|rated| rated.flags.iter().any(|flag| flag.contains(&quoted)));
        let line = users
            .flat_map(|rated| rated.lines.iter().copied())
            .min()
            .unwrap_or_default();
        let message = format!("pattern `{pattern}` cannot be read and matches nothing: {error}");
        Problem::new(Warning, &file.file, line, "rpmsrate.pattern", message)
    });
    bad.collect()
}
