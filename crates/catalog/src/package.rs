//! One package as the distribution describes it, in plain owned values.
//!
//! This is the form for reading, showing and testing: easy to build, costly to hold by the ten thousand.

use std::{cmp::Ordering, fmt};

use escadre_model::{inventory::PackageKind, version};
use serde::{Deserialize, Serialize};

/// A package with its properties. Strings are empty where the source says nothing.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Package {
    /// dpkg or rpm: says how versions compare.
    pub kind: PackageKind,
    /// Name.
    pub name: String,
    /// Epoch; 0 where the source gives none.
    pub epoch: u32,
    /// Upstream version, without epoch and release.
    pub version: String,
    /// Release (rpm) or revision (Debian).
    pub release: String,
    /// Architecture, as the distribution names it.
    pub arch: String,
    /// What it provides. An rpm provides its own name only if it says so; a .deb always does.
    pub provides: Vec<Property>,
    /// What must be there. Alternatives and rich dependencies are kept as text in [`Property::name`].
    pub requires: Vec<Property>,
    /// Weak wishes: Mandriva's `suggests` (later written `recommends`), `Recommends` elsewhere.
    pub recommends: Vec<Property>,
    /// Weaker wishes: `Suggests` of Debian and rpm-md. Always empty for a synthesis.
    pub suggests: Vec<Property>,
    /// What must not be there.
    pub conflicts: Vec<Property>,
    /// What it replaces.
    pub obsoletes: Vec<Property>,
    /// One line.
    pub summary: String,
    /// Group (rpm) or section (Debian).
    pub group: String,
    /// Size of the package file, in bytes.
    pub filesize: u64,
    /// Size once installed, in bytes.
    pub size: u64,
}

impl Package {
    /// `[epoch:]version[-release]`, the form that versions are compared in; an epoch of 0 is left out.
    pub fn evr(&self) -> String {
        let mut evr = String::with_capacity(self.version.len() + self.release.len() + 4);
        if self.epoch > 0 {
            evr.push_str(&self.epoch.to_string());
            evr.push(':');
        }
        evr.push_str(&self.version);
        if !self.release.is_empty() {
            evr.push('-');
            evr.push_str(&self.release);
        }
        evr
    }

    /// `name-version-release.arch`, as rpm's people write it.
    pub fn full_name(&self) -> String {
        format!(
            "{}-{}-{}.{}",
            self.name, self.version, self.release, self.arch
        )
    }

    /// Order of the versions of two packages of one kind.
    pub fn compare_version(&self, other: &Self) -> Ordering {
        version::compare(self.kind, &self.evr(), &other.evr())
    }
}

/// How a version is compared with a wanted one.
#[derive(
    Debug, Default, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// Any version.
    #[default]
    Any,
    /// Strictly older.
    Less,
    /// Older or the same.
    LessEqual,
    /// The same.
    Equal,
    /// Newer or the same.
    GreaterEqual,
    /// Strictly newer.
    Greater,
}

impl Op {
    /// Reads `==`, `=`, `<`, `<<`, `<=`, `>`, `>>`, `>=`.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "=" | "==" => Self::Equal,
            "<" | "<<" => Self::Less,
            "<=" => Self::LessEqual,
            ">" | ">>" => Self::Greater,
            ">=" => Self::GreaterEqual,
            _ => return None,
        })
    }

    /// The sign as people write it; empty for any version.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Any => "",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Equal => "=",
            Self::GreaterEqual => ">=",
            Self::Greater => ">",
        }
    }

    /// Whether a version that stands in this order to the wanted one is accepted.
    pub fn accepts(self, order: Ordering) -> bool {
        match self {
            Self::Any => true,
            Self::Less => order.is_lt(),
            Self::LessEqual => order.is_le(),
            Self::Equal => order.is_eq(),
            Self::GreaterEqual => order.is_ge(),
            Self::Greater => order.is_gt(),
        }
    }

    fn below(self) -> bool {
        matches!(self, Self::Less | Self::LessEqual)
    }

    fn above(self) -> bool {
        matches!(self, Self::Greater | Self::GreaterEqual)
    }

    fn inclusive(self) -> bool {
        matches!(self, Self::Equal | Self::LessEqual | Self::GreaterEqual)
    }
}

/// A name with an optional range of versions: a thing provided, required, or forbidden.
#[derive(Debug, Default, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
pub struct Property {
    /// What is named: a package, a virtual name, a library, a path.
    pub name: String,
    /// How the version bounds it; [`Op::Any`] with an empty version for no bound.
    pub op: Op,
    /// `[epoch:]version[-release]`.
    pub version: String,
    /// Needed by a scriptlet (`[*]` in a synthesis) or before unpacking (`Pre-Depends`).
    pub before: bool,
}

impl Property {
    /// A name without a version.
    pub fn any(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }

    /// A name with a range of versions.
    pub fn versioned(name: impl Into<String>, op: Op, version: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            op,
            version: version.into(),
            before: false,
        }
    }

    /// Whether the names are the same and the ranges of versions have something in common, by the rule of the kind.
    pub fn overlaps(&self, kind: PackageKind, other: &Self) -> bool {
        self.name == other.name
            && ranges_overlap(kind, (self.op, &self.version), (other.op, &other.version))
    }
}

impl fmt::Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.op {
            Op::Any => f.write_str(&self.name),
            op => write!(f, "{} {} {}", self.name, op.sign(), self.version),
        }
    }
}

/// Whether two ranges of versions have something in common. A range without bound overlaps everything (rpm's rule).
pub fn ranges_overlap(
    kind: PackageKind,
    (op_a, version_a): (Op, &str),
    (op_b, version_b): (Op, &str),
) -> bool {
    if op_a == Op::Any || op_b == Op::Any {
        return true;
    }
    match version::compare(kind, version_a, version_b) {
        Ordering::Less => op_a.above() || op_b.below(),
        Ordering::Greater => op_a.below() || op_b.above(),
        Ordering::Equal => {
            (op_a.inclusive() && op_b.inclusive())
                || (op_a.below() && op_b.below())
                || (op_a.above() && op_b.above())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(text: &str) -> (Op, &str) {
        text.split_once(' ').map_or((Op::Any, ""), |(op, version)| {
            (Op::parse(op).expect("a sign"), version)
        })
    }

    #[test]
    fn ranges() {
        for (a, b, expected) in [
            ("", "= 1", true),
            ("= 1", "= 1", true),
            ("= 1", "= 2", false),
            ("= 1", ">= 1", true),
            ("= 1", "> 1", false),
            ("< 2", ">= 2", false),
            ("<= 2", ">= 2", true),
            ("< 2", "> 1", true),
            ("> 5", "> 1", true),
            ("< 5", "< 1", true),
            ("< 1", "> 5", false),
            ("= 1.0-3", "= 1.0", true),
            ("= 1:1.0", ">= 5", true),
        ] {
            assert_eq!(
                ranges_overlap(PackageKind::Rpm, range(a), range(b)),
                expected,
                "{a} with {b}"
            );
            assert_eq!(
                ranges_overlap(PackageKind::Rpm, range(b), range(a)),
                expected,
                "{b} with {a}"
            );
        }
    }
}
