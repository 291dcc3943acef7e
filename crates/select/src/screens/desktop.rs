//! The question for a desktop (the DrakX reference §7.5).

use crate::{era::Era, flags::Flags};

/// An answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Desktop {
    /// KDE.
    Kde,
    /// GNOME.
    Gnome,
    /// The groups screen follows.
    Custom,
}

impl Desktop {
    /// Every answer, in the order of the screen.
    pub const ALL: [Self; 3] = [Self::Kde, Self::Gnome, Self::Custom];

    /// As the log names it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Kde => "KDE",
            Self::Gnome => "GNOME",
            Self::Custom => "Custom",
        }
    }

    /// The answer of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|desktop| desktop.word() == word)
    }

    /// The answer that is preselected: the first whose flag is set, else KDE.
    pub fn preselected(flags: &Flags, era: Era) -> Self {
        let set = |desktop: &Self| flags.is_set(&desktop.flag());
        match era {
            Era::Y2008 => Self::Kde,
            Era::Y2010 | Era::Batch => Self::ALL.into_iter().find(set).unwrap_or(Self::Kde),
        }
    }

    fn flag(self) -> String {
        format!("CAT_{}", self.word())
    }

    /// Sets the flag of the chosen one and takes that of the other away; other desktops are left as they are.
    pub(crate) fn set_flags(self, flags: &mut Flags) {
        for desktop in [Self::Kde, Self::Gnome] {
            flags.set(desktop.flag(), desktop == self);
        }
    }
}
