//! A profile applied to a host: from facts and repositories to a selection with its reasons, in one call.

use std::sync::Arc;

use escadre_catalog::Package;
use escadre_model::{
    Problem,
    inventory::Inventory,
    problem::Severity::{Error, Warning},
    query::Subject,
};

use crate::{
    best_fit::{self, Limits},
    facts,
    flags::Flags,
    locale,
    machine::{Machine, Setting},
    pass::PassEnd,
    profile::{Profile, Rules, Strategy},
    rating::Ratings,
    step::Step,
    urpm::{Installed, Medium, NameList, Options, Universe, Urpm},
    why,
};

/// A host: what it is made of, and what queries can ask of it.
#[derive(Clone, Copy)]
pub struct Host<'a> {
    /// Its inventory.
    pub inventory: &'a Inventory,
    /// Itself, for queries.
    pub subject: &'a dyn Subject,
}

/// How a plan came about.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// By levels: where the pass ended.
    Levels(PassEnd),
    /// By best fit: value, bound, and the line for people.
    BestFit {
        /// Value of what is selected.
        value: f64,
        /// No selection is worth more.
        bound: f64,
        /// The line for people.
        summary: String,
    },
}

/// A selection for a host, with everything that explains it.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What is selected, and on what grounds.
    pub step: Step,
    /// The machine that the rules saw.
    pub machine: Machine,
    /// How it came about.
    pub outcome: Outcome,
    /// What is wrong or doubtful.
    pub problems: Vec<Problem>,
}

impl Plan {
    /// Why a package is selected, or why not, in one line.
    pub fn why(&self, name: &str) -> String {
        let selected = self
            .step
            .urpm
            .universe()
            .best(name)
            .is_some_and(|id| self.step.urpm.marks(id).is_selected());
        if selected {
            return why::why(&self.step, name);
        }
        let end = match &self.outcome {
            Outcome::Levels(end) => Some(*end),
            Outcome::BestFit { .. } => None,
        };
        why::why_not(&self.step, &self.machine, end, name)
    }
}

/// Applies a profile to a host. `file` is the profile's name for reasons; `installed` is what the host has.
pub fn plan(
    profile: &Profile,
    file: &str,
    media: Vec<Medium>,
    installed: Vec<Package>,
    host: Host<'_>,
) -> Plan {
    let rules = profile.rules(file);
    let machine = facts::machine(host.inventory);
    let setting = facts::setting(host.inventory, &profile.edition);
    let mut problems = profile.problems(file);
    let mut step = start(profile, &rules, media, installed, host);
    let (mut flags, log) = machine.always_flags(&setting, profile.era);
    log.into_iter().for_each(|line| step.urpm.log.line(line));
    rules.set_host_flags(host.subject, &mut flags);
    step.ratings = Ratings::new(&mut step.urpm, &rules.rates, &machine, &flags);
    problems.extend(step.ratings.problems.iter().cloned());
    problems.extend(unknown(profile, &step, &rules, file));
    step.flags = flags;
    step.tick_defaults();
    step.default_packages = default_packages(profile, &setting, &machine, step.urpm.universe());
    step.level = profile
        .level
        .unwrap_or_else(|| machine.default_rate(profile.era));
    step.select_defaults();
    let outcome = run(profile, &mut step);
    Plan {
        step,
        machine,
        outcome,
        problems,
    }
}

/// The step with its base packages, before any rule is looked at.
fn start(
    profile: &Profile,
    rules: &Rules,
    media: Vec<Medium>,
    installed: Vec<Package>,
    host: Host<'_>,
) -> Step {
    let texts = |list: &[String]| NameList::of(list.iter().map(String::as_str));
    let universe = Universe::new(profile.media(media), &host.inventory.os.arch);
    let options = Options {
        preferences: texts(&profile.preferences),
        kernel_extensions: vec![facts::kernel_extension(host.inventory).to_owned()],
        ..Options::default()
    };
    let mut urpm = Urpm::new(
        Arc::new(universe),
        Arc::new(Installed::new(installed)),
        options,
    );
    urpm.skip(&texts(&profile.forbidden));
    urpm.select_by_names(profile.base.iter().map(String::as_str), true);
    Step {
        urpm,
        ratings: Ratings::default(),
        flags: Flags::default(),
        ticked: vec![false; rules.groups.len()],
        groups: rules.groups.clone(),
        default_packages: Vec::new(),
        level: 1,
        era: profile.era,
        available: 0.0,
        upgrade: false,
        no_docs: false,
    }
}

/// Packages that every host of this kind gets: those of its languages, those its devices ask for, those of the profile
/// (the DrakX reference §5.1.6).
pub fn default_packages(
    profile: &Profile,
    setting: &Setting,
    machine: &Machine,
    universe: &Universe,
) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut add = |name: &str| {
        if !names.iter().any(|own| own == name) {
            names.push(name.to_owned());
        }
    };
    for code in setting
        .chosen_languages()
        .into_iter()
        .filter(|code| !code.is_empty())
    {
        for language in locale::language_list(code) {
            let wanted = format!(
                "locales-{}",
                language.split('@').next().unwrap_or(&language)
            );
            universe
                .providers(&wanted)
                .iter()
                .for_each(|id| add(&universe.package(*id).name));
        }
    }
    machine.device_packages().for_each(&mut add);
    profile.always.iter().for_each(|name| add(name));
    names
}

fn run(profile: &Profile, step: &mut Step) -> Outcome {
    let disk = profile.budget.disk.map_or(0.0, |bytes| bytes.0 as f64);
    let download = profile.budget.download.map_or(0, |bytes| bytes.0);
    match profile.strategy {
        Strategy::Levels => Outcome::Levels(step.pass(step.level, disk)),
        Strategy::BestFit => {
            step.flags.set("TRUE", true);
            let fit = best_fit::fit(step, &profile.weights(), Limits { disk, download });
            let outcome = Outcome::BestFit {
                value: fit.value,
                bound: fit.bound,
                summary: fit.summary(),
            };
            step.urpm = fit.urpm;
            outcome
        }
    }
}

/// Names of the profile that no repository has.
fn unknown(profile: &Profile, step: &Step, rules: &Rules, file: &str) -> Vec<Problem> {
    let universe = step.urpm.universe();
    let missing = |name: &&String| universe.best(name).is_none();
    let rated = rules
        .rates
        .packages
        .iter()
        .filter(|(name, _)| missing(name))
        .map(|(name, rated)| {
            let line = rated.lines.last().copied().unwrap_or_default();
            Problem::new(
                Warning,
                file,
                line,
                "profile.unknown-package",
                format!("unknown package `{name}`"),
            )
        });
    let base = profile.base.iter().filter(missing).map(|name| {
        Problem::new(
            Error,
            file,
            0,
            "profile.unknown-base",
            format!("the base package `{name}` is in no repository"),
        )
    });
    rated.chain(base).collect()
}

#[cfg(test)]
mod tests;
