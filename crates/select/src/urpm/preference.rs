//! The lists that a distribution ships: which provider is preferred, which packages are never taken (the DrakX
//! reference §6.3).

use escadre_model::{Problem, problem::Severity::Warning};
use regex::Regex;

use crate::pattern;

/// An entry of a list: a name, or a pattern between slashes.
#[derive(Debug, Clone)]
pub enum Entry {
    /// The whole name.
    Name(String),
    /// Searched in the text.
    Pattern(Regex),
}

impl Entry {
    /// Whether the entry means this package name.
    pub fn matches(&self, name: &str) -> bool {
        match self {
            Self::Name(own) => own == name,
            Self::Pattern(regex) => regex.is_match(name),
        }
    }

    fn parse(text: &str) -> Result<Self, pattern::PatternError> {
        match text
            .strip_prefix('/')
            .and_then(|rest| rest.strip_suffix('/'))
        {
            Some(perl) => Ok(Self::Pattern(pattern::compile_exact(perl)?)),
            None => Ok(Self::Name(text.to_owned())),
        }
    }
}

/// A list with its entries in order.
#[derive(Debug, Default, Clone)]
pub struct NameList {
    /// Entries in order.
    pub entries: Vec<Entry>,
    /// Patterns that cannot be read; they match nothing.
    pub problems: Vec<Problem>,
}

impl NameList {
    /// Reads a file: one entry per line, comments and empty lines left out.
    pub fn parse(file: &str, text: &str) -> Self {
        let mut list = Self::default();
        for (index, line) in text.lines().enumerate() {
            let line_number = u32::try_from(index + 1).unwrap_or(u32::MAX);
            list.add(
                file,
                line_number,
                line.split('#').next().unwrap_or_default().trim(),
            );
        }
        list
    }

    /// Reads entries that were given one by one.
    pub fn of<'a>(entries: impl IntoIterator<Item = &'a str>) -> Self {
        let mut list = Self::default();
        entries
            .into_iter()
            .for_each(|entry| list.add("", 0, entry.trim()));
        list
    }

    /// This list, then another.
    pub fn then(mut self, other: Self) -> Self {
        self.entries.extend(other.entries);
        self.problems.extend(other.problems);
        self
    }

    fn add(&mut self, file: &str, line: u32, text: &str) {
        if text.is_empty() {
            return;
        }
        match Entry::parse(text) {
            Ok(entry) => self.entries.push(entry),
            Err(error) => {
                let message = format!("pattern `{text}` cannot be read: {error}");
                self.problems
                    .push(Problem::new(Warning, file, line, "list.pattern", message));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists() {
        let list = NameList::parse(
            "prefer",
            "# x\nsysklogd\n  phonon-gstreamer  # y\n\n/^gnome-term/\n/(/\n",
        );
        assert_eq!(list.entries.len(), 3);
        assert_eq!(list.problems[0].line, 6);
        assert!(
            list.entries[1].matches("phonon-gstreamer")
                && !list.entries[1].matches("phonon-gstreamer2")
        );
        assert!(
            list.entries[2].matches("gnome-terminal")
                && !list.entries[2].matches("a-gnome-terminal")
        );
    }
}
