//! A condition of a profile, in one word and a value: `group:Desk|Writing`, `not driver:^snd_`, `host:site:bordeaux`.

use std::{fmt, str::FromStr};

use escadre_model::query::Query;
use serde::{Deserialize, Serialize};

use crate::{compss::Group, pattern};

/// What a condition asks.
#[derive(Debug, Clone, PartialEq)]
pub enum Asks {
    /// `group:` a group is ticked, by `path|label`.
    Group(String),
    /// `flag:` a flag is set, of a group (`CAT_X`) or of the machine (`SOUND`).
    Flag(String),
    /// `hardware:` a pattern in the description of a device.
    Hardware(String),
    /// `driver:` a pattern in the driver text of a device.
    Driver(String),
    /// `type:` the kind of machine.
    Type(String),
    /// `category:` the category of a driver.
    Category(String),
    /// `language:` a language of the machine.
    Language(String),
    /// `edition:` the edition.
    Edition(String),
    /// `host:` a query on the host.
    Host(Query),
}

/// A condition; `not` before it turns it round.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Condition {
    /// Turned round.
    pub negated: bool,
    /// What it asks.
    pub asks: Asks,
}

/// A text that is no condition.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ConditionError {
    /// The word is not known.
    #[error(
        "`{0}` is no condition; write `group:`, `flag:`, `hardware:`, `driver:`, `type:`, `category:`, `language:`, `edition:` or `host:` and a value"
    )]
    Kind(String),
    /// The query is not right.
    #[error("in `{text}`: {error}")]
    Query {
        /// The condition.
        text: String,
        /// What is wrong.
        error: String,
    },
}

impl Condition {
    /// A condition that is not turned round.
    pub fn of(asks: Asks) -> Self {
        Self {
            negated: false,
            asks,
        }
    }

    /// What is doubtful about it.
    pub(super) fn doubt(&self, groups: &[Group]) -> Option<String> {
        match &self.asks {
            Asks::Group(id) if !groups.iter().any(|group| group.id() == *id) => {
                Some(format!("there is no group `{id}`"))
            }
            Asks::Hardware(text) | Asks::Driver(text) => {
                let error = pattern::compile(text).err()?;
                Some(format!(
                    "pattern `{text}` cannot be read and matches nothing: {error}"
                ))
            }
            _ => None,
        }
    }
}

impl FromStr for Condition {
    type Err = ConditionError;
    fn from_str(text: &str) -> Result<Self, ConditionError> {
        let trimmed = text.trim_start();
        let (negated, rest) = match trimmed.strip_prefix("not ") {
            Some(rest) => (true, rest.trim_start()),
            None => (false, trimmed),
        };
        let (kind, value) = rest
            .split_once(':')
            .ok_or_else(|| ConditionError::Kind(text.to_owned()))?;
        let value = value.to_owned();
        let asks = match kind {
            "group" => Asks::Group(value),
            "flag" => Asks::Flag(value),
            "hardware" => Asks::Hardware(value),
            "driver" => Asks::Driver(value),
            "type" => Asks::Type(value),
            "category" => Asks::Category(value),
            "language" => Asks::Language(value),
            "edition" => Asks::Edition(value),
            "host" => match Query::parse(&value) {
                Ok(query) => Asks::Host(query),
                Err(error) => {
                    return Err(ConditionError::Query {
                        text: text.to_owned(),
                        error: error.to_string(),
                    });
                }
            },
            _ => return Err(ConditionError::Kind(text.to_owned())),
        };
        Ok(Self { negated, asks })
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.negated { "not " } else { "" })?;
        match &self.asks {
            Asks::Group(value) => write!(f, "group:{value}"),
            Asks::Flag(value) => write!(f, "flag:{value}"),
            Asks::Hardware(value) => write!(f, "hardware:{value}"),
            Asks::Driver(value) => write!(f, "driver:{value}"),
            Asks::Type(value) => write!(f, "type:{value}"),
            Asks::Category(value) => write!(f, "category:{value}"),
            Asks::Language(value) => write!(f, "language:{value}"),
            Asks::Edition(value) => write!(f, "edition:{value}"),
            Asks::Host(query) => write!(f, "host:{query}"),
        }
    }
}

impl TryFrom<String> for Condition {
    type Error = ConditionError;
    fn try_from(text: String) -> Result<Self, ConditionError> {
        text.parse()
    }
}

impl From<Condition> for String {
    fn from(condition: Condition) -> String {
        condition.to_string()
    }
}
