//! Small reads of `/proc`, `/sys` and configuration files: bounded, and never an error.

use std::fs::File;
use std::io::Read;
use std::path::Path;

/// More than any file of `/proc` or `/sys` that is read here; package databases are larger.
const LIMIT: u64 = 256 << 20;

/// The text of a file, invalid UTF-8 replaced; empty when it cannot be read.
pub(crate) fn text(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    let mut bytes = Vec::new();
    match File::open(path).and_then(|file| file.take(LIMIT).read_to_end(&mut bytes)) {
        Ok(_) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) => {
            tracing::trace!(path = %path.display(), %error, "not readable");
            String::new()
        }
    }
}

/// The text of a one-line file without blanks around it.
pub(crate) fn line(path: impl AsRef<Path>) -> String {
    text(path)
        .trim_matches(|c: char| c.is_whitespace() || c == '\0')
        .to_owned()
}

/// The number in a one-line file.
pub(crate) fn number(path: impl AsRef<Path>) -> Option<u64> {
    line(path).parse().ok()
}

/// Names of a folder's entries, sorted.
pub(crate) fn names(path: impl AsRef<Path>) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(path.as_ref()) else {
        return Vec::new();
    };
    let mut names: Vec<_> = entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// Last part of where a link points to; empty when it is no link.
pub(crate) fn link_name(path: impl AsRef<Path>) -> String {
    let target = std::fs::read_link(path.as_ref()).unwrap_or_default();
    target
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// Value of a `KEY=value` line, in quotes or not (os-release, locale.conf, /etc/default).
pub(crate) fn assigned<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let value = line.trim().strip_prefix(key)?.strip_prefix('=')?.trim();
        let unquoted = ['"', '\'']
            .iter()
            .find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote));
        Some(unquoted.unwrap_or(value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assignments() {
        let text = "# LANG=no\nLANG=\"fr_FR.UTF-8\"\n  ID=debian\nNAME='A B'\nEMPTY=\nLANGUAGE=fr";
        for (key, value) in [
            ("LANG", "fr_FR.UTF-8"),
            ("ID", "debian"),
            ("NAME", "A B"),
            ("EMPTY", ""),
            ("LANGUAGE", "fr"),
        ] {
            assert_eq!(assigned(text, key), Some(value), "{key}");
        }
        assert_eq!(assigned(text, "LAN"), None);
    }

    #[test]
    fn what_is_not_there_is_empty() {
        assert_eq!(text("/nonexistent/file"), "");
        assert_eq!(number("/nonexistent/file"), None);
        assert!(names("/nonexistent").is_empty());
        assert_eq!(link_name("/proc/version"), "");
    }
}
