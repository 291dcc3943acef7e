//! The flags that are set: of the machine, the language, the edition, and of the groups that are ticked.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::compss::Group;

/// A set of flags, sorted by name.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Flags(BTreeSet<String>);

impl Flags {
    /// Whether a flag is set.
    pub fn is_set(&self, flag: &str) -> bool {
        self.0.contains(flag)
    }

    /// Sets a flag or takes it away.
    pub fn set(&mut self, flag: impl Into<String>, on: bool) {
        let flag = flag.into();
        if on {
            self.0.insert(flag);
        } else {
            self.0.remove(&flag);
        }
    }

    /// The flags, sorted.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Sorted, with blanks between, as the log has them.
    pub fn joined(&self) -> String {
        self.iter().collect::<Vec<_>>().join(" ")
    }

    /// Sets what the ticked groups say: every `CAT_` off, then those of the groups, and the two that are always on.
    pub fn set_categories<'a>(&mut self, ticked: impl IntoIterator<Item = &'a Group>) {
        self.0.retain(|flag| !flag.starts_with("CAT_"));
        self.extend(ticked.into_iter().flat_map(Group::category_flags));
        self.extend(["CAT_SYSTEM", "CAT_MINIMAL_DOCS"]);
    }

    /// Flags that an automatic installation imposed: old files leave out `CAT_`, and `CAT_ALL` means every group.
    pub fn imposed<'a>(flags: impl IntoIterator<Item = &'a str>, groups: &[Group]) -> Self {
        let mut set: Self = flags.into_iter().collect();
        if !set.0.is_empty() && !set.iter().any(|flag| flag.starts_with("CAT_")) {
            set = set.iter().map(|flag| format!("CAT_{flag}")).collect();
            set.set("CAT_SYSTEM", true);
        }
        if set.is_set("CAT_ALL") {
            set.extend(groups.iter().flat_map(Group::category_flags));
        }
        set
    }
}

impl<T: Into<String>> FromIterator<T> for Flags {
    fn from_iter<I: IntoIterator<Item = T>>(flags: I) -> Self {
        Self(flags.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<String>> Extend<T> for Flags {
    fn extend<I: IntoIterator<Item = T>>(&mut self, flags: I) {
        self.0.extend(flags.into_iter().map(Into::into));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn categories_follow_the_groups() {
        let group = |flag: &str| Group {
            flags: vec![flag.to_owned()],
            ..Group::default()
        };
        let mut flags: Flags = ["SOUND", "CAT_OLD"].into_iter().collect();
        flags.set_categories([&group("KDE"), &group("X")]);
        assert_eq!(
            flags.joined(),
            "CAT_KDE CAT_MINIMAL_DOCS CAT_SYSTEM CAT_X SOUND"
        );
    }

    #[test]
    fn imposed_flags() {
        let groups = [Group {
            flags: vec!["KDE".to_owned()],
            ..Group::default()
        }];
        for (flags, expected) in [
            (vec!["KDE", "X"], "CAT_KDE CAT_SYSTEM CAT_X"),
            (vec!["CAT_A", "SOUND"], "CAT_A SOUND"),
            (vec!["CAT_ALL"], "CAT_ALL CAT_KDE"),
            (vec![], ""),
        ] {
            assert_eq!(Flags::imposed(flags, &groups).joined(), expected);
        }
    }
}
