//! The little Perl that the installer's data files are written in: assignments of nested lists and maps.
//!
//! Used for the group file and for package lists. Nothing is run: variables, a few functions and conditions are known,
//! and the caller says what their names mean.
//!
//! Invariants: linear in the text; nesting is bounded; never panics.
//!
//! Absent on purpose: loops, regular expressions, interpolation, everything else of the language.

mod lexer;
mod reader;

/// A value of a data file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// `undef`, or something that is not known here.
    Undef,
    /// A text or a number.
    Text(String),
    /// `[ … ]`
    List(Vec<Value>),
    /// `{ … }`, in the order of the file.
    Map(Vec<(String, Value)>),
}

impl Value {
    /// Perl's idea of truth.
    pub(crate) fn is_true(&self) -> bool {
        match self {
            Self::Undef => false,
            Self::Text(text) => !matches!(text.as_str(), "" | "0"),
            Self::List(_) | Self::Map(_) => true,
        }
    }

    /// A truth value as Perl writes it.
    pub(crate) fn truth(truth: bool) -> Self {
        Self::Text(if truth { "1" } else { "" }.to_owned())
    }

    /// The text, or nothing for a list or map.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The value of a key; the last one counts.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Map(pairs) => pairs
                .iter()
                .rev()
                .find(|(name, _)| name == key)
                .map(|(_, value)| value),
            _ => None,
        }
    }

    /// The texts of a list, what is no text left out.
    pub(crate) fn texts(&self) -> Vec<String> {
        match self {
            Self::List(items) => items
                .iter()
                .filter_map(|item| item.text().map(str::to_owned))
                .collect(),
            _ => Vec::new(),
        }
    }
}

/// What is wrong with a data file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} at line {line}")]
pub(crate) struct SyntaxError {
    /// Line, from 1.
    pub(crate) line: u32,
    /// A lower-case fragment.
    pub(crate) message: String,
}

/// A name that nobody knows, with its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unknown {
    /// The name.
    pub(crate) name: String,
    /// Line, from 1.
    pub(crate) line: u32,
}

/// What the names of a file mean.
pub(crate) trait Names {
    /// The value of a call (`detect_devices::has_low_resources()`), or of a variable that the file does not set.
    fn value(&self, name: &str) -> Option<Value>;
    /// Whether reading can stop after this assignment.
    fn is_last(&self, name: &str, value: &Value) -> bool;
}

/// What was read.
#[derive(Debug, Default)]
pub(crate) struct Document {
    /// Assignments in order: name without `$`, value.
    pub(crate) assignments: Vec<(String, Value)>,
    /// Names that nobody knows; they count as `undef`.
    pub(crate) unknown: Vec<Unknown>,
}

/// Reads the assignments of a file.
pub(crate) fn read(text: &str, names: &dyn Names) -> Result<Document, SyntaxError> {
    reader::Reader::new(text, names).document()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nothing;
    impl Names for Nothing {
        fn value(&self, name: &str) -> Option<Value> {
            (name == "yes").then(|| Value::truth(true))
        }
        fn is_last(&self, name: &str, _: &Value) -> bool {
            name == "last"
        }
    }

    fn shown(text: &str) -> String {
        match read(text, &Nothing) {
            Ok(document) => format!("{:?}", document.assignments),
            Err(error) => error.to_string(),
        }
    }

    fn check(text: &str, expected: &str) {
        let shown = shown(text);
        let plain = shown
            .replace("Text(", "")
            .replace("List(", "")
            .replace("Map(", "")
            .replace(')', "");
        assert_eq!(plain, expected, "{text}");
    }

    #[test]
    fn values() {
        check(
            "$o = { a => [ 'x', \"y\\n\" ], };",
            r#"[("o", [("a", ["x", "y\n"]]]"#,
        );
        check(
            "use common; my $x = !yes(; $y = $x || 'z';",
            "unexpected `;` at line 1",
        );
        check(
            "use common; my $x = !yes(); $y = $x || 'z';",
            r#"[("x", "", ("y", "z"]"#,
        );
        check(
            "my $m = [ qw(A B), if_(yes(), qw(C)), if_(!yes(), 'D') ];",
            r#"[("m", ["A", "B", "C"]]"#,
        );
        check("my $m = yes() ? ('a', 'b') : 'c';", r#"[("m", "a"]"#);
        check(
            "my $m = [ $::o->{meta_class} eq 'x', 1 == 1 ];",
            r#"[("m", ["", "1"]]"#,
        );
        check("my $last = 1; ) garbage", r#"[("last", "1"]"#);
        check("this is not { perl", "unexpected `is` at line 1");
        check("# nothing\n", "[]");
        check(
            "$o = {\n 'a' => 'never closed",
            "text without end at line 2",
        );
    }

    #[test]
    fn deep_nesting_is_an_error() {
        assert!(shown(&format!("$o = {}", "[".repeat(100_000))).starts_with("nested too deep"));
        assert!(shown(&format!("$o = {}", "!".repeat(100_000))).starts_with("nested too deep"));
    }
}
