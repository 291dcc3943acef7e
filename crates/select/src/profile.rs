//! Our own form of the rules: a profile in TOML, which the screens edit too.
//!
//! ```toml
//! name = "office"
//! strategy = "best-fit"
//! preferences = ["postfix", "/^gnome-/"]
//! forbidden = ["telnet-server"]
//!
//! [budget]
//! disk = "8GiB"
//!
//! [[group]]
//! path = "Desk"
//! label = "Writing"
//! flags = ["OFFICE"]
//! default = true
//!
//! [[package]]
//! name = "libreoffice"
//! rate = 5
//! when = [["group:Desk|Writing"], ["not type:server", "host:memory>=2GiB"]]
//! ```
//!
//! `when` is a list of lists: every inner list must have one condition that holds ([`condition::Condition`]).
//!
//! Invariant: a profile says nothing that the engine of the rate file cannot do: it is turned into the same rules
//! ([`Profile::rules`]), so that strategies, reasons and checks are written once.

pub mod condition;
pub mod import;
mod media;
mod rules;

use std::collections::BTreeMap;

use escadre_model::{ByteCount, Problem, problem::Severity::Warning};
use serde::{Deserialize, Deserializer, Serialize};

use crate::{compss::Group, era::Era, facts::FactRule, urpm::NameList};
use condition::Condition;
pub use rules::Rules;

/// How a profile selects.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// The installer's: from the best rate down until it is full.
    #[default]
    Levels,
    /// The most value within the budget.
    BestFit,
}

/// What a selection may take.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Budget {
    /// Installed size of all packages.
    #[serde(deserialize_with = "amount", skip_serializing_if = "Option::is_none")]
    pub disk: Option<ByteCount>,
    /// Size of the files to fetch.
    #[serde(deserialize_with = "amount", skip_serializing_if = "Option::is_none")]
    pub download: Option<ByteCount>,
    /// Room by mount point.
    #[serde(
        deserialize_with = "amounts",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub filesystems: BTreeMap<String, ByteCount>,
}

/// A repository and how much it counts against others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RepositoryUse {
    /// Name.
    pub name: String,
    /// A package of a repository hides those of the same name in repositories of lower priority.
    #[serde(default)]
    pub priority: i32,
}

/// A rated package.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackageRule {
    /// Name.
    pub name: String,
    /// 1 to 5.
    pub rate: u8,
    /// Every inner list must have a condition that holds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<Vec<Condition>>,
    /// Value against others of the same rate, for `best-fit`.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub weight: f64,
}

/// Rules and choices that say which packages a kind of machine should have.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Profile {
    /// Name.
    pub name: String,
    /// A sentence for people.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// How it selects.
    pub strategy: Strategy,
    /// Which installer `levels` follows.
    pub era: Era,
    /// Edition.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub edition: String,
    /// Lowest rate that is selected; the machine's own if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<u8>,
    /// Selected first; cannot be unselected.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub base: Vec<String>,
    /// Selected whatever the groups say.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub always: Vec<String>,
    /// Preferred providers, best first: names, or patterns between slashes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub preferences: Vec<String>,
    /// Never taken: names (of what is provided), or patterns between slashes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub forbidden: Vec<String>,
    /// Versions that are allowed: `nginx = ">= 1.24"`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub pins: BTreeMap<String, String>,
    /// Room.
    pub budget: Budget,
    /// Repositories; all that there are if none is named.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub repository: Vec<RepositoryUse>,
    /// Facts of hosts that set flags.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fact: Vec<FactRule>,
    /// Groups.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub group: Vec<Group>,
    /// Packages.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub package: Vec<PackageRule>,
    /// Lines of the packages in the file that it was read from.
    #[serde(skip)]
    pub lines: Vec<u32>,
}

/// A profile that cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// The text is no profile.
    #[error("the profile cannot be read: {0}")]
    Read(#[from] toml::de::Error),
    /// It cannot be written.
    #[error("the profile cannot be written: {0}")]
    Write(#[from] toml::ser::Error),
}

impl Profile {
    /// Reads a profile.
    pub fn parse(text: &str) -> Result<Self, ProfileError> {
        let mut profile: Self = toml::from_str(text)?;
        let heads = text
            .lines()
            .zip(1_u32..)
            .filter(|(line, _)| line.trim_start().starts_with("[[package]]"));
        profile.lines = heads.map(|(_, number)| number).collect();
        Ok(profile)
    }

    /// Writes it; reading that gives the same profile.
    pub fn write(&self) -> Result<String, ProfileError> {
        Ok(toml::to_string(self)?)
    }

    /// What is doubtful in it. `file` is the name for the problems.
    pub fn problems(&self, file: &str) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut seen = BTreeMap::new();
        for (index, rule) in self.package.iter().enumerate() {
            let line = self.lines.get(index).copied().unwrap_or_default();
            let mut add = |code: &str, message: String| {
                problems.push(Problem::new(Warning, file, line, code, message))
            };
            if !(1..=5).contains(&rule.rate) {
                add(
                    "profile.rate",
                    format!(
                        "`{}` has the rate {}; rates go from 1 to 5",
                        rule.name, rule.rate
                    ),
                );
            }
            if let Some(first) = seen.insert(rule.name.as_str(), line) {
                add(
                    "profile.twice",
                    format!("`{}` is rated twice, first at line {first}", rule.name),
                );
            }
            for condition in rule.when.iter().flatten() {
                if let Some(problem) = condition.doubt(&self.group) {
                    add("profile.condition", format!("`{}`: {problem}", rule.name));
                }
            }
        }
        for list in [&self.preferences, &self.forbidden] {
            problems.extend(NameList::of(list.iter().map(String::as_str)).problems);
        }
        for (name, pin) in &self.pins {
            if media::pin(name, pin).is_none() {
                let message =
                    format!("`{pin}` is no version of `{name}`; write for example `>= 1.24`");
                problems.push(Problem::new(Warning, file, 0, "profile.pin", message));
            }
        }
        problems
    }
}

fn one() -> f64 {
    1.0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_one(weight: &f64) -> bool {
    (*weight - 1.0).abs() < f64::EPSILON
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Amount {
    Bytes(u64),
    Text(String),
}

impl Amount {
    fn bytes<E: serde::de::Error>(self) -> Result<ByteCount, E> {
        match self {
            Self::Bytes(bytes) => Ok(ByteCount(bytes)),
            Self::Text(text) => text.parse().map_err(E::custom),
        }
    }
}

fn amount<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ByteCount>, D::Error> {
    Option::<Amount>::deserialize(deserializer)?
        .map(Amount::bytes)
        .transpose()
}

fn amounts<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, ByteCount>, D::Error> {
    let amounts = BTreeMap::<String, Amount>::deserialize(deserializer)?;
    amounts
        .into_iter()
        .map(|(path, amount)| Ok((path, amount.bytes()?)))
        .collect()
}

#[cfg(test)]
mod tests;
