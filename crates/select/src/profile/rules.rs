//! A profile as rules of the engine: what it adds to the form of the rate file becomes flags.

use std::{collections::BTreeMap, sync::Arc};

use escadre_model::query::{Query, Subject};

use super::{
    Profile,
    condition::{Asks, Condition},
};
use crate::{
    compss::Group,
    flags::Flags,
    rpmsrate::{RateFile, Rated},
};

/// Rules of the engine.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Rates and conditions.
    pub rates: RateFile,
    /// Groups; each sets one flag more than it says, by which conditions name it.
    pub groups: Vec<Group>,
    /// Flags that queries on the host set.
    queries: Vec<(String, Query)>,
}

impl Rules {
    /// Sets the flags that the host's facts give.
    pub fn set_host_flags(&self, host: &dyn Subject, flags: &mut Flags) {
        flags.extend(
            self.queries
                .iter()
                .filter(|(_, query)| query.matches(host))
                .map(|(flag, _)| flag.as_str()),
        );
    }
}

impl Profile {
    /// The rules of the engine. `file` is the name for reasons.
    pub fn rules(&self, file: &str) -> Rules {
        let mut rules = Rules {
            rates: RateFile {
                file: file.to_owned(),
                ..RateFile::default()
            },
            groups: self.group.clone(),
            queries: self
                .fact
                .iter()
                .map(|fact| (fact.set.clone(), fact.when.clone()))
                .collect(),
        };
        for (index, group) in rules.groups.iter_mut().enumerate() {
            group.flags.push(format!("GROUP_{index}"));
        }
        for (index, rule) in self.package.iter().enumerate() {
            let flags: Vec<Arc<str>> = rule
                .when
                .iter()
                .map(|any| self.flag(any, &mut rules))
                .collect();
            let place = rules.rates.packages.len();
            let rated = Rated {
                rate: rule.rate,
                // What has no condition is wanted by everyone.
                flags: if flags.is_empty() {
                    vec!["CAT_SYSTEM".into()]
                } else {
                    flags
                },
                lines: vec![self.lines.get(index).copied().unwrap_or_default()],
                place,
            };
            rules.rates.packages.insert(rule.name.clone(), rated);
        }
        rules
    }

    /// Values of packages against others of the same rate.
    pub fn weights(&self) -> BTreeMap<String, f64> {
        let weights = self
            .package
            .iter()
            .filter(|rule| rule.weight.is_finite() && rule.weight >= 0.0);
        weights
            .map(|rule| (rule.name.clone(), rule.weight))
            .collect()
    }

    fn flag(&self, any: &[Condition], rules: &mut Rules) -> Arc<str> {
        if any.is_empty() {
            return "TRUE_OF_NOTHING".into();
        }
        let items: Vec<String> = any
            .iter()
            .map(|condition| self.item(condition, rules))
            .collect();
        items.join("||").into()
    }

    fn item(&self, condition: &Condition, rules: &mut Rules) -> String {
        // A pattern with an empty alternative would be cut there.
        let pattern = |text: &str| text.replace("||", "|(?:)|");
        let value = |text: &str| text.replace("||", "|");
        let text = match &condition.asks {
            Asks::Group(id) => match self.group.iter().position(|group| group.id() == *id) {
                Some(index) => format!("CAT_GROUP_{index}"),
                None => "CAT_NO_SUCH_GROUP".to_owned(),
            },
            Asks::Flag(flag) => value(flag),
            Asks::Hardware(text) => format!("HW\"{}\"", pattern(text)),
            Asks::Driver(text) => format!("DRIVER\"{}\"", pattern(text)),
            Asks::Type(kind) => format!("TYPE\"{}\"", value(kind)),
            Asks::Category(category) => format!("HW_CAT\"{}\"", value(category)),
            Asks::Language(language) => format!("LOCALES\"{}\"", value(language)),
            Asks::Edition(edition) => format!("META_CLASS\"{}\"", value(edition)),
            Asks::Host(query) => {
                let flag = format!("HOST \"{}\"", value(query.text()));
                if !rules.queries.iter().any(|(own, _)| *own == flag) {
                    rules.queries.push((flag.clone(), query.clone()));
                }
                flag
            }
        };
        if condition.negated {
            format!("!{text}")
        } else {
            text
        }
    }
}
