//! The three ways in which versions of the installer selected (the DrakX reference §11).

use serde::{Deserialize, Serialize};

/// Which installer is followed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Era {
    /// Mandriva 2008.1.
    #[serde(rename = "2008.1")]
    Y2008,
    /// Mandriva 2010.0.
    #[default]
    #[serde(rename = "2010.0")]
    Y2010,
    /// 2010.1 and all later: a level at a time.
    #[serde(rename = "batch")]
    Batch,
}

impl Era {
    /// Every era with the word that names it.
    pub const WORDS: [(&'static str, Self); 3] = [
        ("2008.1", Self::Y2008),
        ("2010.0", Self::Y2010),
        ("batch", Self::Batch),
    ];

    /// The era of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::WORDS
            .iter()
            .find(|entry| entry.0 == word)
            .map(|entry| entry.1)
    }

    /// The task whose presence on the media says that KDE can be had.
    pub(crate) fn kde_task(self) -> &'static str {
        match self {
            Self::Y2008 => "task-kde",
            Self::Y2010 | Self::Batch => "task-kde4",
        }
    }

    /// The security level above which `HIGH_SECURITY` is set.
    pub(crate) fn ordinary_security(self) -> i64 {
        match self {
            Self::Y2008 => 3,
            Self::Y2010 | Self::Batch => 1,
        }
    }

    /// Whether light machines get the `LIGHT` flag and level 5.
    pub(crate) fn knows_light_machines(self) -> bool {
        self != Self::Y2008
    }
}
