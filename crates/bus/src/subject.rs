//! Names of what messages are about: words joined by dots, as NATS has them (`host.changed`).

use std::{fmt, str::FromStr};

/// Why a text is no subject.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no subject: words of lower-case letters, digits and dashes, joined by dots")]
pub struct SubjectError(String);

/// What a message is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject(String);

fn is_word(word: &str) -> bool {
    !word.is_empty()
        && word
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

impl FromStr for Subject {
    type Err = SubjectError;
    fn from_str(text: &str) -> Result<Self, SubjectError> {
        if text.len() <= 200 && text.split('.').all(is_word) {
            return Ok(Self(text.to_owned()));
        }
        Err(SubjectError(text.to_owned()))
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which subjects are wanted: `*` stands for one word, `>` at the end for one or more.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pattern(String);

impl Pattern {
    /// Whether a subject is wanted.
    pub fn matches(&self, subject: &Subject) -> bool {
        let mut words = subject.0.split('.');
        for wanted in self.0.split('.') {
            match (wanted, words.next()) {
                (">", Some(_)) => return true,
                ("*", Some(_)) => {}
                (wanted, Some(word)) if wanted == word => {}
                _ => return false,
            }
        }
        words.next().is_none()
    }
}

impl FromStr for Pattern {
    type Err = SubjectError;
    fn from_str(text: &str) -> Result<Self, SubjectError> {
        let body = text
            .strip_suffix('>')
            .map_or(text, |start| start.strip_suffix('.').unwrap_or(start));
        let fine = text == ">" || body.split('.').all(|word| word == "*" || is_word(word));
        if fine
            && text.len() <= 200
            && (!text.ends_with('>') || text == ">" || text.ends_with(".>"))
        {
            return Ok(Self(text.to_owned()));
        }
        Err(SubjectError(text.to_owned()))
    }
}

impl From<&Subject> for Pattern {
    fn from(subject: &Subject) -> Self {
        Self(subject.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn patterns_match_as_nats_matches() {
        let cases = [
            ("host.changed", "host.changed", true),
            ("host.changed", "host.gone", false),
            ("host.*", "host.changed", true),
            ("host.*", "host.changed.now", false),
            ("host.*", "host", false),
            ("host.>", "host.changed.now", true),
            ("host.>", "host", false),
            (">", "anything.at-all", true),
            ("*.changed", "host.changed", true),
        ];
        for (pattern, subject, expected) in cases {
            let (wanted, named): (Pattern, Subject) = (
                pattern.parse().expect("a pattern"),
                subject.parse().expect("a subject"),
            );
            assert_eq!(wanted.matches(&named), expected, "{pattern} {subject}");
        }
    }

    #[test]
    fn what_is_no_subject_is_refused() {
        for bad in ["", ".", "a..b", "A", "a b", "a.*", ">", "a.>"] {
            assert!(bad.parse::<Subject>().is_err(), "{bad}");
        }
        for bad in ["", "a>", "a..>", "a.>.b", "a*"] {
            assert!(bad.parse::<Pattern>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn a_subject_matches_itself(words in proptest::collection::vec("[a-z0-9-]{1,8}", 1..5)) {
            let subject: Subject = words.join(".").parse().expect("a subject");
            prop_assert!(Pattern::from(&subject).matches(&subject));
        }

        #[test]
        fn no_text_panics(text in "\\PC*") {
            let _ = (text.parse::<Subject>(), text.parse::<Pattern>());
        }
    }
}
