//! A selection made fast: exact versions and hashes, and the difference between two of them.

use std::{cmp::Ordering, collections::BTreeMap, fmt};

use escadre_model::{
    ByteCount,
    inventory::{InstalledPackage, PackageKind},
    version,
};
use serde::{Deserialize, Serialize};

use crate::urpm::{PackageId, Urpm};

/// A package of a lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Locked {
    /// `[epoch:]version[-release]`.
    pub version: String,
    /// Architecture.
    pub arch: String,
    /// Installed size.
    pub size: ByteCount,
    /// Hash of the package file, as the repository gives it; empty where it gives none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hash: String,
}

/// A selection with exact versions.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Lock {
    /// How the versions compare.
    pub kind: PackageKind,
    /// Packages by name.
    pub package: BTreeMap<String, Locked>,
}

/// A lock that cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// The text is no lock.
    #[error("the lock cannot be read: {0}")]
    Read(#[from] toml::de::Error),
    /// It cannot be written.
    #[error("the lock cannot be written: {0}")]
    Write(#[from] toml::ser::Error),
}

/// What is different for a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "change")]
pub enum Change {
    /// Only in the second.
    Added {
        /// Its version.
        version: String,
    },
    /// Only in the first.
    Removed {
        /// Its version.
        version: String,
    },
    /// Newer in the second.
    Upgraded {
        /// Version in the first.
        from: String,
        /// Version in the second.
        to: String,
    },
    /// Older in the second.
    Downgraded {
        /// Version in the first.
        from: String,
        /// Version in the second.
        to: String,
    },
    /// The same version, other content: the repository changed what it should not.
    Replaced {
        /// The version.
        version: String,
    },
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Added { version } => write!(f, "added {version}"),
            Self::Removed { version } => write!(f, "removed {version}"),
            Self::Upgraded { from, to } => write!(f, "upgraded {from} → {to}"),
            Self::Downgraded { from, to } => write!(f, "downgraded {from} → {to}"),
            Self::Replaced { version } => write!(f, "{version} has other content"),
        }
    }
}

/// The difference of two selections, by package name.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// What is different.
    pub changes: BTreeMap<String, Change>,
    /// Bytes that the second takes more on disk.
    pub bytes: i64,
}

impl Lock {
    /// Locks what is selected. `hash` gives the hash of a package, if its repository has one.
    pub fn of(urpm: &Urpm, hash: impl Fn(PackageId) -> Option<String>) -> Self {
        let mut lock = Self {
            kind: PackageKind::Rpm,
            ..Self::default()
        };
        for id in urpm.selected() {
            let package = urpm.universe().package(id);
            lock.kind = package.kind;
            let locked = Locked {
                version: package.evr(),
                arch: package.arch.clone(),
                size: ByteCount(package.size),
                hash: hash(id).unwrap_or_default(),
            };
            lock.package.insert(package.name.clone(), locked);
        }
        lock
    }

    /// What a host has, to compare a lock with.
    pub fn of_installed(packages: &[InstalledPackage]) -> Self {
        let kind = packages
            .first()
            .map(|package| package.kind)
            .unwrap_or_default();
        let locked = packages.iter().map(|package| {
            let locked = Locked {
                version: package.version.clone(),
                arch: package.arch.clone(),
                size: package.size,
                hash: String::new(),
            };
            (package.name.clone(), locked)
        });
        Self {
            kind,
            package: locked.collect(),
        }
    }

    /// Reads a lock.
    pub fn parse(text: &str) -> Result<Self, LockError> {
        Ok(toml::from_str(text)?)
    }

    /// Writes it.
    pub fn write(&self) -> Result<String, LockError> {
        Ok(toml::to_string(self)?)
    }

    /// What becomes different when the other takes its place.
    pub fn difference(&self, other: &Self) -> Difference {
        let mut changes = BTreeMap::new();
        for (name, ours) in &self.package {
            if let Some(change) = self.change(ours, other.package.get(name)) {
                changes.insert(name.clone(), change);
            }
        }
        for (name, theirs) in other
            .package
            .iter()
            .filter(|(name, _)| !self.package.contains_key(*name))
        {
            changes.insert(
                name.clone(),
                Change::Added {
                    version: theirs.version.clone(),
                },
            );
        }
        Difference {
            changes,
            bytes: other.bytes().saturating_sub(self.bytes()),
        }
    }

    fn change(&self, ours: &Locked, theirs: Option<&Locked>) -> Option<Change> {
        let from = ours.version.clone();
        let Some(theirs) = theirs else {
            return Some(Change::Removed { version: from });
        };
        let to = theirs.version.clone();
        match version::compare(self.kind, &from, &to) {
            Ordering::Less => Some(Change::Upgraded { from, to }),
            Ordering::Greater => Some(Change::Downgraded { from, to }),
            Ordering::Equal => {
                let other =
                    !ours.hash.is_empty() && !theirs.hash.is_empty() && ours.hash != theirs.hash;
                other.then_some(Change::Replaced { version: to })
            }
        }
    }

    fn bytes(&self) -> i64 {
        let sizes = self
            .package
            .values()
            .map(|locked| i64::try_from(locked.size.0).unwrap_or(i64::MAX));
        sizes.fold(0, i64::saturating_add)
    }
}

impl Difference {
    /// Whether nothing is different.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// One line per package.
    pub fn lines(&self) -> Vec<String> {
        self.changes
            .iter()
            .map(|(name, change)| format!("{name}: {change}"))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(packages: &[(&str, &str, &str)]) -> Lock {
        let locked = packages.iter().map(|(name, version, hash)| {
            let locked = Locked {
                version: (*version).to_owned(),
                arch: "noarch".to_owned(),
                size: ByteCount(10),
                hash: (*hash).to_owned(),
            };
            ((*name).to_owned(), locked)
        });
        Lock {
            kind: PackageKind::Rpm,
            package: locked.collect(),
        }
    }

    #[test]
    fn differences() {
        let before = lock(&[
            ("a", "1-1", "x"),
            ("b", "1-9", ""),
            ("c", "2-1", ""),
            ("d", "1-1", ""),
            ("e", "1-1", "y"),
        ]);
        let after = lock(&[
            ("a", "1-1", "z"),
            ("b", "1-10", ""),
            ("c", "1:1-1", ""),
            ("e", "1-1", ""),
            ("f", "1-1", ""),
            ("g", "1-1", ""),
        ]);
        let difference = before.difference(&after);
        assert_eq!(
            difference.lines(),
            [
                "a: 1-1 has other content",
                "b: upgraded 1-9 → 1-10",
                "c: upgraded 2-1 → 1:1-1",
                "d: removed 1-1",
                "f: added 1-1",
                "g: added 1-1"
            ]
        );
        assert_eq!(difference.bytes, 10);
        assert_eq!(
            after.difference(&before).lines()[1],
            "b: downgraded 1-10 → 1-9"
        );
        assert!(before.difference(&before).is_empty());
    }

    #[test]
    fn written_and_read_again() {
        let lock = lock(&[("a", "1-1", "x"), ("lib+b", "2-1", "")]);
        assert_eq!(
            Lock::parse(&lock.write().expect("it can be written")).expect("it can be read"),
            lock
        );
        assert!(Lock::parse("package = 3").is_err());
    }
}
