//! Paths that content may have: relative, downward, the same on every file system, and links that point inward.
//!
//! A path that obeys these rules still has to be opened with care by who unpacks it: rules on text say nothing about what lies
//! on a disk.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use crate::{BundleError, limits};

/// The path of an entry within a bundle, its parts joined by `/`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ContentPath(String);

impl ContentPath {
    /// Checks every rule: nothing empty, `.` or `..`, no absolute path or drive, no backslash or control character, no name
    /// that Windows reserves, no name or path that is too long.
    pub fn new(text: &str) -> Result<Self, BundleError> {
        let wrong = |reason| Err(BundleError::path(text, reason));
        if text.is_empty() {
            return wrong("is empty");
        }
        if text.len() > limits::PATH {
            return wrong("is longer than 1024 bytes");
        }
        if text.starts_with('/') {
            return wrong("is absolute, only paths inside of the bundle are allowed");
        }
        if text.split('/').count() > limits::DEPTH {
            return wrong("lies below more than 64 folders");
        }
        if matches!(text.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic()) {
            return wrong("begins like a drive of Windows");
        }
        match text.split('/').find_map(fault_of_name) {
            Some(reason) => wrong(reason),
            None => Ok(Self(text.to_owned())),
        }
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The names, from the top.
    pub fn names(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/')
    }

    /// The last name.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// The folder that it lies in; none at the top.
    pub fn parent(&self) -> Option<Self> {
        self.0
            .rsplit_once('/')
            .map(|(parent, _)| Self(parent.to_owned()))
    }

    /// How many folders are above it.
    pub fn depth(&self) -> usize {
        self.0.bytes().filter(|&byte| byte == b'/').count()
    }

    /// What file systems that ignore letter case or normalise Unicode compare: same fold, same file.
    pub fn fold(&self) -> String {
        self.0
            .nfd()
            .flat_map(char::to_uppercase)
            .flat_map(char::to_lowercase)
            .nfd()
            .collect()
    }
}

/// Why one name of a path is not acceptable.
fn fault_of_name(name: &str) -> Option<&'static str> {
    match name {
        "" => Some("has an empty part (a doubled `/`, or one at the end)"),
        "." => Some("has a part `.`"),
        ".." => Some("climbs out of its folder with `..`"),
        _ if name.len() > limits::NAME => Some("has a name longer than 255 bytes"),
        _ if name.contains('\\') => Some("holds a backslash, which is a separator on Windows"),
        _ if name.chars().any(char::is_control) => Some("holds a control character"),
        _ if name.ends_with(['.', ' ']) => {
            Some("has a name ending in a dot or blank, which Windows drops")
        }
        _ if is_reserved(name) => Some("has a name that Windows reserves for a device"),
        _ => None,
    }
}

fn is_reserved(name: &str) -> bool {
    let stem = name
        .split('.')
        .next()
        .unwrap_or(name)
        .trim_end()
        .to_ascii_lowercase();
    let port = |prefix: &str| {
        let number = stem
            .strip_prefix(prefix)
            .map(|rest| rest.chars().collect::<Vec<_>>());
        matches!(number.as_deref(), Some(['1'..='9' | '¹' | '²' | '³']))
    };
    matches!(
        stem.as_str(),
        "con" | "prn" | "aux" | "nul" | "conin$" | "conout$"
    ) || port("com")
        || port("lpt")
}

/// Where a symbolic link points: some `../` that do not leave the bundle, then a path downward.
///
/// `..` after a name is refused even where the text seems to stay inside, since that name may be a link itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LinkTarget(String);

impl LinkTarget {
    /// Checks the form; [`LinkTarget::resolve`] says whether it stays inside for a given link.
    pub fn new(text: &str) -> Result<Self, BundleError> {
        let (_, rest) = Self::climb(text);
        match rest {
            "" | "." if !text.is_empty() && !text.starts_with('/') => Ok(Self(text.to_owned())),
            rest => ContentPath::new(rest)
                .map(|_| Self(text.to_owned()))
                .map_err(|error| match error {
                    BundleError::Path { reason, .. } => BundleError::path(text, reason),
                    other => other,
                }),
        }
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path within the bundle that a link at `link` leads to; an empty text is the bundle's folder itself.
    pub fn resolve(&self, link: &ContentPath) -> Result<String, BundleError> {
        let (up, rest) = Self::climb(&self.0);
        let outside = || {
            BundleError::entry(
                link,
                format!("its target `{}` is outside of the bundle", self.0),
            )
        };
        let keep = link.depth().checked_sub(up).ok_or_else(outside)?;
        let names = link
            .names()
            .take(keep)
            .chain(rest.split('/').filter(|name| !matches!(*name, "" | ".")));
        Ok(names.collect::<Vec<_>>().join("/"))
    }

    /// How many `..` it begins with, and what follows.
    fn climb(text: &str) -> (usize, &str) {
        let (mut up, mut rest) = (0, text);
        while let Some(after) = rest.strip_prefix("../") {
            (up, rest) = (up + 1, after);
        }
        if rest == ".." {
            (up + 1, "")
        } else {
            (up, rest)
        }
    }
}

macro_rules! text_form {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = BundleError;
            fn from_str(text: &str) -> Result<Self, BundleError> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = BundleError;
            fn try_from(text: String) -> Result<Self, BundleError> {
                Self::new(&text)
            }
        }

        impl From<$name> for String {
            fn from(path: $name) -> String {
                path.0
            }
        }
    };
}

text_form!(ContentPath);
text_form!(LinkTarget);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hostile_paths_are_refused_each_with_its_reason() {
        let long = "x".repeat(256);
        let deep = "d/".repeat(64) + "x";
        for (text, reason) in [
            ("", "is empty"),
            ("/etc/passwd", "is absolute"),
            ("../x", "climbs out"),
            ("a/../../x", "climbs out"),
            ("a/..", "climbs out"),
            ("a//b", "empty part"),
            ("a/", "empty part"),
            ("./a", "part `.`"),
            ("a\\..\\b", "backslash"),
            ("a\0b", "control character"),
            ("a\nb", "control character"),
            ("a\u{85}b", "control character"),
            ("C:/x", "drive"),
            ("nul", "reserves"),
            ("a/CON.txt", "reserves"),
            ("lpt9 .x", "reserves"),
            ("COM¹", "reserves"),
            ("a.", "ending in a dot"),
            ("a /b", "ending in a dot or blank"),
            (&long, "longer than 255"),
            (&deep, "more than 64 folders"),
        ] {
            let error = ContentPath::new(text).expect_err(text).to_string();
            assert!(error.contains(reason), "{text:?}: {error}");
        }
    }

    #[test]
    fn usual_paths_are_accepted() {
        for text in [
            "install.sh",
            "usr/share/doc/é/README",
            ".hidden",
            "a..b",
            "com10",
            "console",
            "man3/x::y.3pm",
            "…",
            "-x",
        ] {
            assert_eq!(
                ContentPath::new(text).map(String::from).as_deref(),
                Ok(text)
            );
        }
    }

    #[test]
    fn folds_of_one_file_are_equal() {
        for (a, b) in [
            ("README", "readme"),
            ("É", "e\u{301}"),
            ("straße", "STRASSE"),
            ("Σας", "σασ"),
            ("K", "\u{212a}"),
        ] {
            let fold = |text| ContentPath::new(text).map(|path| path.fold());
            assert_eq!(fold(a), fold(b), "{a} {b}");
        }
    }

    #[test]
    fn links_resolve_inside_or_not_at_all() {
        let resolve = |link: &str, target: &str| {
            LinkTarget::new(target)
                .and_then(|t| t.resolve(&link.parse()?))
                .map_err(|e| e.to_string())
        };
        for (link, target, path) in [
            ("a", "b", "b"),
            ("a/b", "c", "a/c"),
            ("a/b", "../c/d", "c/d"),
            ("a/b/c", "../..", ""),
            ("a/b", ".", "a"),
            ("a/b", "..", ""),
        ] {
            assert_eq!(
                resolve(link, target).as_deref(),
                Ok(path),
                "{link} -> {target}"
            );
        }
        for (link, target) in [
            ("a", ".."),
            ("a", "../x"),
            ("a/b", "../../x"),
            ("a", "/etc/passwd"),
            ("a/b", "c/../../../x"),
            ("a/b", "c/.."),
            ("a", ""),
            ("a", "..//x"),
            ("a", "x\0"),
        ] {
            assert!(resolve(link, target).is_err(), "{link} -> {target}");
        }
    }

    proptest! {
        #[test]
        fn an_accepted_path_has_only_plain_names(text in "[a-zA-Z./\\\\: ~]{0,20}") {
            if let Ok(path) = ContentPath::new(&text) {
                prop_assert!(path.names().all(|name| !matches!(name, "" | "." | "..")));
                prop_assert!(!std::path::Path::new(path.as_str()).has_root());
            }
        }

        #[test]
        fn a_resolved_link_never_climbs(link in "[ab/]{1,9}", target in "[ab./]{0,12}") {
            if let (Ok(link), Ok(target)) = (ContentPath::new(&link), LinkTarget::new(&target))
                && let Ok(path) = target.resolve(&link)
            {
                prop_assert!(path.is_empty() || ContentPath::new(&path).is_ok(), "{path}");
            }
        }
    }
}
