//! The query language: targets, searches and permissions say which hosts they mean with it.
//!
//! ```text
//! site:bordeaux tag~alpha os:debian has:nginx<1.25
//! (name:web* or tag:front) and not ip:10.1.0.0/16
//! ```
//!
//! - Terms side by side are joined by *and*; `or`, `not` (also `-` or `!` before a term) and parentheses as usual.
//! - `field:value` is the same, letter case apart, with `*` and `?` as wildcards; `field~text` contains it;
//!   `field<10`, `<=`, `=`, `!=`, `>=`, `>` compare (numbers, sizes such as `4GiB`).
//! - `ip:` takes an address or a subnet. `has:package` takes a name, perhaps with a version condition.
//! - A word without a field is looked for in the name, tags, site and operating system.
//! - A value with blanks, parentheses or operators stands in double quotes.
//!
//! A query is a total function: evaluating one never fails, an unknown value satisfies nothing (and `not` of it everything).

mod eval;
mod parse;

use std::{cmp::Ordering, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

pub use eval::Subject;
pub use parse::QueryError;

/// A parsed query. The empty one means every host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Query {
    text: String,
    root: Node,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Box<Node>),
    Word(String),
    Term {
        field: Field,
        op: Op,
        value: String,
    },
    Has {
        package: String,
        version: Option<(Op, String)>,
    },
}

/// The fields a term can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// Name of the host.
    Name,
    /// Any of its tags.
    Tag,
    /// Its site.
    Site,
    /// Identifier, version or name of its operating system.
    Os,
    /// Architecture.
    Arch,
    /// Any of its addresses.
    Ip,
    /// Host state (`up`, `down`, `stale`, …).
    State,
    /// A device's driver.
    Driver,
    /// A device's description or class.
    Device,
    /// Locale.
    Locale,
    /// Machine vendor or model.
    Machine,
    /// Kind of case (`laptop`, `server`, …).
    Chassis,
    /// A service's name.
    Service,
    /// Memory in bytes.
    Memory,
    /// Hardware threads.
    Cpus,
    /// Free bytes of the fullest-watched root file system.
    Free,
}

impl Field {
    /// Every field with the word that names it, for completion and error messages.
    pub const WORDS: [(&'static str, Self); 16] = [
        ("name", Self::Name),
        ("tag", Self::Tag),
        ("site", Self::Site),
        ("os", Self::Os),
        ("arch", Self::Arch),
        ("ip", Self::Ip),
        ("state", Self::State),
        ("driver", Self::Driver),
        ("device", Self::Device),
        ("locale", Self::Locale),
        ("machine", Self::Machine),
        ("chassis", Self::Chassis),
        ("service", Self::Service),
        ("memory", Self::Memory),
        ("cpus", Self::Cpus),
        ("free", Self::Free),
    ];

    /// True when values are numbers.
    pub fn is_number(self) -> bool {
        matches!(self, Self::Memory | Self::Cpus | Self::Free)
    }
}

/// How a term compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Op {
    /// `:` same, with wildcards.
    Is,
    /// `~` contains.
    Contains,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `>=`
    GreaterEqual,
    /// `>`
    Greater,
}

impl Op {
    /// Whether an order satisfies a comparing operator.
    pub fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Less => order.is_lt(),
            Self::LessEqual => order.is_le(),
            Self::Equal | Self::Is | Self::Contains => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::GreaterEqual => order.is_ge(),
            Self::Greater => order.is_gt(),
        }
    }
}

impl Query {
    /// The query that every host satisfies.
    pub fn everything() -> Self {
        Self {
            text: String::new(),
            root: Node::All(Vec::new()),
        }
    }

    /// Parses; the error names the column and what would be right.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        Ok(Self {
            text: text.trim().to_owned(),
            root: parse::parse(text)?,
        })
    }

    /// Whether the host is meant.
    pub fn matches(&self, subject: &dyn Subject) -> bool {
        eval::eval(&self.root, subject)
    }

    /// The text as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Query {
    type Err = QueryError;
    fn from_str(text: &str) -> Result<Self, QueryError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Query {
    type Error = QueryError;
    fn try_from(text: String) -> Result<Self, QueryError> {
        Self::parse(&text)
    }
}

impl From<Query> for String {
    fn from(query: Query) -> String {
        query.text
    }
}
