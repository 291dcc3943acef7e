//! What a profile wants on a host, by name: its rules against the host's facts and flags, before any dependency.
//!
//! The rules are those of [`plan`](mod@crate::plan); here another resolver follows the dependencies (that of Debian, say),
//! and [`fill`](crate::fill) says how many of the wishes fit.
//!
//! Invariants:
//! - Order: base, default packages, then rules from the best rate down, each rate in the order of the profile.
//! - Each name once; the first ground counts. A name that is no wish but has a rule is among the refused, with the reason.
//!
//! Absent on purpose: language packages by name (`locales-fr`), which only one distribution has.

use std::collections::{BTreeMap, BTreeSet};

use escadre_model::Problem;

use crate::{
    compss::Group,
    condition::{Clause, Settler},
    facts,
    flags::Flags,
    machine::Machine,
    plan::Host,
    profile::{PackageRule, Profile, Rules},
};

/// Why a package is wished for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ground {
    /// The profile's base.
    Base,
    /// Every host of the profile gets it, or a device asks for it.
    Default,
    /// A rule holds.
    Rule {
        /// Its line in the profile; 0 where that is not known.
        line: u32,
        /// Ticked groups that make it hold.
        groups: Vec<String>,
        /// 1 to 5.
        rate: u8,
    },
}

/// A package that is wished for.
#[derive(Debug, Clone, PartialEq)]
pub struct Wish {
    /// Its name.
    pub name: String,
    /// Why.
    pub ground: Ground,
    /// Value against others of the same rate.
    pub weight: f64,
}

impl Wish {
    /// Its rate; nothing for what comes whatever the rules say.
    pub fn rate(&self) -> Option<u8> {
        match self.ground {
            Ground::Rule { rate, .. } => Some(rate),
            Ground::Base | Ground::Default => None,
        }
    }
}

/// What a profile wants on a host.
#[derive(Debug, Clone)]
pub struct Wishes {
    /// Name of the profile's file, for reasons.
    pub file: String,
    /// The lowest rate that is wanted.
    pub level: u8,
    /// The wishes, best first.
    pub wishes: Vec<Wish>,
    /// Packages with a rule that does not count here, and why.
    pub refused: BTreeMap<String, String>,
    /// What is doubtful in the profile.
    pub problems: Vec<Problem>,
}

impl Wishes {
    /// How many come first whatever the rules say: base and default packages.
    pub fn firm(&self) -> usize {
        let is_firm = |wish: &&Wish| wish.rate().is_none();
        self.wishes.iter().take_while(is_firm).count()
    }

    /// Why a name is wished for, in the form of the other reasons: `office.toml:12 → Desk|Writing → rate 5`.
    pub fn ground(&self, name: &str) -> Option<String> {
        let wish = self.wishes.iter().find(|wish| wish.name == name)?;
        Some(match &wish.ground {
            Ground::Base => "base package".to_owned(),
            Ground::Default => "default package".to_owned(),
            Ground::Rule { line, groups, rate } => {
                let mut parts = vec![self.place(*line)];
                if !groups.is_empty() {
                    parts.push(groups.join(", "));
                }
                parts.push(format!("rate {rate}"));
                parts.join(" → ")
            }
        })
    }

    fn place(&self, line: u32) -> String {
        if line == 0 {
            self.file.clone()
        } else {
            format!("{}:{line}", self.file)
        }
    }
}

/// What a profile wants on a host. `file` is the profile's name for reasons.
pub fn wishes(profile: &Profile, file: &str, host: Host<'_>) -> Wishes {
    let rules = profile.rules(file);
    let machine = facts::machine(host.inventory);
    let setting = facts::setting(host.inventory, &profile.edition);
    let (mut flags, _) = machine.always_flags(&setting, profile.era);
    rules.set_host_flags(host.subject, &mut flags);
    flags.set("TRUE", true);
    let ticked: Vec<&Group> = rules.groups.iter().filter(|group| group.default).collect();
    flags.set_categories(ticked.iter().copied());
    let level = profile
        .level
        .unwrap_or_else(|| machine.default_rate(profile.era));
    let mut wishes = Wishes {
        file: file.to_owned(),
        level,
        wishes: firm(profile, &machine),
        refused: BTreeMap::new(),
        problems: profile.problems(file),
    };
    let mut judge = Judge {
        rules: &rules,
        settler: Settler::new(&machine, &flags),
        flags: &flags,
        ticked,
    };
    judge.rule(profile, &mut wishes);
    wishes
}

/// What comes whatever the rules say, each name once.
fn firm(profile: &Profile, machine: &Machine) -> Vec<Wish> {
    let base = profile
        .base
        .iter()
        .map(|name| (name.as_str(), Ground::Base));
    let always = profile.always.iter().map(String::as_str);
    let default = machine.device_packages().chain(always);
    let mut seen = BTreeSet::new();
    base.chain(default.map(|name| (name, Ground::Default)))
        .filter(|(name, _)| seen.insert(*name))
        .map(|(name, ground)| Wish {
            name: name.to_owned(),
            ground,
            weight: 1.0,
        })
        .collect()
}

/// Holds rules against one machine.
struct Judge<'a> {
    rules: &'a Rules,
    settler: Settler<'a>,
    flags: &'a Flags,
    ticked: Vec<&'a Group>,
}

impl Judge<'_> {
    fn rule(&mut self, profile: &Profile, wishes: &mut Wishes) {
        let firm: BTreeSet<String> = wishes.wishes.iter().map(|w| w.name.clone()).collect();
        // Of a package that is rated twice the last rule counts, as in the engine's own form.
        let last: BTreeMap<&str, usize> = profile
            .package
            .iter()
            .enumerate()
            .map(|(index, rule)| (rule.name.as_str(), index))
            .collect();
        let mut rated = Vec::new();
        for (index, rule) in profile.package.iter().enumerate() {
            if firm.contains(&rule.name) || last.get(rule.name.as_str()) != Some(&index) {
                continue;
            }
            let line = profile.lines.get(index).copied().unwrap_or_default();
            match self.groups_if_it_holds(rule, wishes.level) {
                Ok(groups) => rated.push(Wish {
                    name: rule.name.clone(),
                    ground: Ground::Rule {
                        line,
                        groups,
                        rate: rule.rate,
                    },
                    weight: rule.weight,
                }),
                Err(why) => {
                    let refused = format!("{} → {why}", wishes.place(line));
                    wishes.refused.insert(rule.name.clone(), refused);
                }
            }
        }
        rated.sort_by_key(|wish| std::cmp::Reverse(wish.rate()));
        wishes.wishes.extend(rated);
    }

    /// The ticked groups that make a rule hold; the first reason why it does not count otherwise.
    fn groups_if_it_holds(&mut self, rule: &PackageRule, level: u8) -> Result<Vec<String>, String> {
        let rated = self.rules.rates.packages.get(&rule.name);
        let flags = rated
            .map(|rated| rated.flags.as_slice())
            .unwrap_or_default();
        let mut clauses: Vec<Clause> = Vec::with_capacity(flags.len());
        for (index, flag) in flags.iter().enumerate() {
            let clause = self.settler.settle_flag(flag);
            if !clause.holds(self.flags) {
                return Err(format!("`{}` does not hold", written(rule, index, flag)));
            }
            clauses.push(clause);
        }
        if !(1..=5).contains(&rule.rate) {
            return Err(format!("the rate {} is never selected", rule.rate));
        }
        if rule.rate < level {
            return Err(format!("rate {} is below the level {level}", rule.rate));
        }
        let touches = |group: &&&Group| {
            let own: Vec<String> = group.category_flags().collect();
            clauses.iter().any(|clause| clause.touches(&own))
        };
        let groups = self.ticked.iter().filter(touches);
        Ok(groups.map(|group| group.id()).collect())
    }
}

/// A condition as the profile has it.
fn written(rule: &PackageRule, index: usize, flag: &str) -> String {
    match rule.when.get(index) {
        Some(any) if !any.is_empty() => {
            let any: Vec<String> = any.iter().map(ToString::to_string).collect();
            any.join(" or ")
        }
        Some(_) => "one of nothing".to_owned(),
        None => flag.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use escadre_model::{
        inventory::{Device, InstalledPackage, Inventory},
        query::{Field, Subject},
    };

    use super::*;

    struct Named(&'static str);

    impl Subject for Named {
        fn texts(&self, field: Field) -> Vec<&str> {
            (field == Field::Name)
                .then_some(self.0)
                .into_iter()
                .collect()
        }
        fn number(&self, _: Field) -> Option<u64> {
            None
        }
        fn addresses(&self) -> Vec<IpAddr> {
            Vec::new()
        }
        fn packages(&self, _: &dyn Fn(&str) -> bool) -> Vec<&InstalledPackage> {
            Vec::new()
        }
    }

    const PROFILE: &str = r#"
base = ["core"]
always = ["ssh", "core"]
[[group]]
path = "Desk"
label = "Writing"
default = true
[[group]]
path = "Desk"
label = "Games"
[[package]]
name = "sound"
rate = 4
when = [["driver:^snd"]]
[[package]]
name = "writer"
rate = 5
when = [["group:Desk|Games", "group:Desk|Writing"], ["not type:laptop"]]
[[package]]
name = "chess"
rate = 5
when = [["group:Desk|Games"]]
[[package]]
name = "kiosk"
rate = 4
when = [["host:name:kiosk*"]]
[[package]]
name = "docs"
rate = 2
[[package]]
name = "ssh"
rate = 5
[[package]]
name = "odd"
rate = 9
[[package]]
name = "plain"
rate = 5
"#;

    fn wished(host: &'static str, driver: &str, level: &str) -> Wishes {
        let profile = Profile::parse(&format!("{level}{PROFILE}")).expect("a profile");
        let inventory = Inventory {
            devices: vec![Device {
                driver: driver.to_owned(),
                ..Device::default()
            }],
            ..Inventory::default()
        };
        let subject = Named(host);
        let host = Host {
            inventory: &inventory,
            subject: &subject,
        };
        wishes(&profile, "office.toml", host)
    }

    fn names(wishes: &Wishes) -> String {
        let names: Vec<&str> = wishes.wishes.iter().map(|w| w.name.as_str()).collect();
        names.join(" ")
    }

    #[test]
    fn rules_hold_by_groups_devices_and_queries() {
        for (host, driver, level, expected) in [
            ("web", "e1000", "", "core ssh writer plain"),
            ("web", "snd_hda", "", "core ssh writer plain sound"),
            ("kiosk-1", "e1000", "", "core ssh writer plain kiosk"),
            ("kiosk-1", "snd_x", "level = 5\n", "core ssh writer plain"),
            ("web", "", "level = 1\n", "core ssh writer plain docs"),
        ] {
            let wishes = wished(host, driver, level);
            assert_eq!(names(&wishes), expected, "{host} {driver} {level}");
            assert_eq!(wishes.firm(), 2);
        }
    }

    #[test]
    fn every_rule_has_its_reason() {
        let wishes = wished("web", "e1000", "");
        for (name, expected) in [
            ("core", Some("base package")),
            ("ssh", Some("default package")),
            ("writer", Some("office.toml:15 → Desk|Writing → rate 5")),
            ("plain", Some("office.toml:36 → rate 5")),
            ("chess", None),
        ] {
            assert_eq!(wishes.ground(name).as_deref(), expected, "{name}");
        }
        for (name, expected) in [
            (
                "sound",
                Some("office.toml:11 → `driver:^snd` does not hold"),
            ),
            (
                "chess",
                Some("office.toml:19 → `group:Desk|Games` does not hold"),
            ),
            (
                "kiosk",
                Some("office.toml:23 → `host:name:kiosk*` does not hold"),
            ),
            ("docs", Some("office.toml:27 → rate 2 is below the level 4")),
            ("odd", Some("office.toml:33 → the rate 9 is never selected")),
            ("writer", None),
        ] {
            assert_eq!(wishes.refused.get(name).map(String::as_str), expected);
        }
    }
}
