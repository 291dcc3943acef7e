//! Other people's rules as a profile: a rate file with its groups, and groups of other distributions (comps, tasks).
//!
//! Nothing that selects packages is lost; what is left behind is reported.

use std::collections::BTreeMap;

use escadre_model::{Problem, problem::Severity::Warning};

use super::{
    PackageRule, Profile,
    condition::{Asks, Condition},
};
use crate::{
    compss::Group,
    condition::Test,
    product,
    rpmsrate::{RateFile, Rated},
};

/// A profile and what could not be brought over.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    /// The profile.
    pub profile: Profile,
    /// What was left behind or changed.
    pub report: Vec<Problem>,
}

/// Imports a rate file with the groups of an edition.
pub fn rate_file(name: &str, rates: &RateFile, groups: &[Group]) -> Imported {
    let mut profile = Profile {
        name: name.to_owned(),
        group: groups.to_vec(),
        ..Profile::default()
    };
    let mut report = Vec::new();
    for (name, rated) in &rates.packages {
        report.extend(loss(rates, name, rated));
        if (1..=5).contains(&rated.rate) {
            let when = rated
                .flags
                .iter()
                .map(|flag| flag.split("||").map(condition).collect());
            profile.package.push(PackageRule {
                name: name.clone(),
                rate: rated.rate,
                when: when.collect(),
                weight: 1.0,
            });
        }
    }
    for name in &rates.need_to_copy {
        let message = format!("`{name}` is only kept on disk for later steps; left out");
        report.push(Problem::new(
            Warning,
            &rates.file,
            0,
            "import.copy-list",
            message,
        ));
    }
    report.extend(rates.problems.iter().cloned());
    Imported { profile, report }
}

/// What is lost or odd about a package.
fn loss(rates: &RateFile, name: &str, rated: &Rated) -> Vec<Problem> {
    let line = rated.lines.last().copied().unwrap_or_default();
    let problem =
        |code: &str, message: String| Problem::new(Warning, &rates.file, line, code, message);
    if !(1..=5).contains(&rated.rate) {
        let message = format!(
            "`{name}` has the rate {} and was never selected; left out",
            rated.rate
        );
        return vec![problem("import.rate", message)];
    }
    let is_cut = |flag: &&std::sync::Arc<str>| {
        flag.split("||")
            .any(|item| item.matches('"').count() % 2 == 1)
    };
    let cut = rated.flags.iter().filter(is_cut).map(|flag| {
        problem(
            "import.quote",
            format!("`{name}`: `{flag}` was cut at `||` inside quotes, and is so here"),
        )
    });
    cut.collect()
}

/// The condition of an item of the rate file.
fn condition(item: &str) -> Condition {
    let (negated, test) = Test::of(item);
    let text = |text: &str| text.to_owned();
    let value = |flag: &str, word: &str| {
        Some(
            flag.strip_prefix(word)?
                .strip_prefix('"')?
                .strip_suffix('"')?
                .to_owned(),
        )
    };
    let asks = match test {
        Test::Category => Asks::Flag(item.strip_prefix('!').unwrap_or(item).to_owned()),
        Test::Hardware(pattern) => Asks::Hardware(text(pattern)),
        Test::Driver(pattern) => Asks::Driver(text(pattern)),
        Test::Type(kind) => Asks::Type(text(kind)),
        Test::HardwareCategory(category) => Asks::Category(text(category)),
        Test::Flag(flag) => match (value(flag, "LOCALES"), value(flag, "META_CLASS")) {
            (Some(language), _) => Asks::Language(language),
            (None, Some(edition)) if product::CLASSES.contains(&edition.as_str()) => {
                Asks::Edition(edition)
            }
            _ => Asks::Flag(text(flag)),
        },
    };
    Condition { negated, asks }
}

/// A group of another distribution.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct ForeignGroup {
    /// Where it stands (`comps`, `tasksel`, a category).
    pub path: String,
    /// Name.
    pub label: String,
    /// A sentence.
    pub description: String,
    /// Ticked from the start.
    pub default: bool,
    /// Packages without which it makes no sense: rate 5.
    pub mandatory: Vec<String>,
    /// Packages that come with it: rate 4.
    pub usual: Vec<String>,
    /// Packages that may: rate 2.
    pub optional: Vec<String>,
    /// Packages that come if another one does.
    pub conditional: Vec<(String, String)>,
}

/// Imports groups of comps files or tasks.
pub fn foreign_groups(name: &str, file: &str, groups: &[ForeignGroup]) -> Imported {
    let mut rules: BTreeMap<&str, (u8, Vec<Condition>)> = BTreeMap::new();
    for group in groups {
        for (list, rate) in [
            (&group.mandatory, 5),
            (&group.usual, 4),
            (&group.optional, 2),
        ] {
            for package in list {
                let rule = rules.entry(package).or_insert((rate, Vec::new()));
                rule.0 = rule.0.max(rate);
                rule.1.push(Condition::of(Asks::Group(group.own().id())));
            }
        }
    }
    let package = rules.into_iter().map(|(name, (rate, any))| PackageRule {
        name: name.to_owned(),
        rate,
        when: vec![any],
        weight: 1.0,
    });
    let profile = Profile {
        name: name.to_owned(),
        group: groups.iter().map(ForeignGroup::own).collect(),
        package: package.collect(),
        ..Profile::default()
    };
    Imported {
        profile,
        report: groups
            .iter()
            .flat_map(|group| group.left_behind(file))
            .collect(),
    }
}

impl ForeignGroup {
    fn own(&self) -> Group {
        Group {
            path: self.path.clone(),
            label: self.label.clone(),
            description: self.description.clone(),
            default: self.default,
            ..Group::default()
        }
    }

    fn left_behind(&self, file: &str) -> Vec<Problem> {
        let id = self.own().id();
        let each = self.conditional.iter().map(|(package, with)| {
            let message =
                format!("`{package}` of the group `{id}` comes only with `{with}`; left out");
            Problem::new(Warning, file, 0, "import.conditional", message)
        });
        each.collect()
    }
}
