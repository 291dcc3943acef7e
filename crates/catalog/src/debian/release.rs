//! `Release` and the signed part of `InRelease`: what a repository holds, and the checksums of its indexes.

use escadre_model::{Problem, problem::Severity::Warning};

use super::deb822::{Fields, Stanza};
use crate::catalog::Checksum;

/// What a `Release` file says.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Release {
    /// `Origin`.
    pub origin: String,
    /// `Label`.
    pub label: String,
    /// `Suite`.
    pub suite: String,
    /// `Codename`.
    pub codename: String,
    /// `Date`, as written.
    pub date: String,
    /// `Valid-Until`, as written; empty if it does not expire.
    pub valid_until: String,
    /// `Architectures`.
    pub architectures: Vec<String>,
    /// `Components`.
    pub components: Vec<String>,
    /// Indexes with their sizes and checksums.
    pub files: Vec<ReleaseFile>,
    /// What was not understood.
    pub problems: Vec<Problem>,
}

/// One index of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseFile {
    /// Path below the folder of the `Release`.
    pub path: String,
    /// Size in bytes.
    pub size: u64,
    /// SHA-256, or SHA-512 where that is all there is.
    pub checksum: Checksum,
}

impl Release {
    /// The index of a path.
    pub fn file(&self, path: &str) -> Option<&ReleaseFile> {
        self.files.iter().find(|file| file.path == path)
    }
}

/// Reads the text of a `Release`. For an `InRelease` give what the signature covers.
pub fn parse(file: &str, text: &[u8]) -> Release {
    let mut release = Release::default();
    let fields: Fields<'_> = Stanza { text, line: 1 }.fields();
    let mut weaker = Vec::new();
    for field in fields {
        let value = String::from_utf8_lossy(field.value);
        let words = || {
            value
                .split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        let line = field.line.saturating_add(1);
        match field.name.to_ascii_lowercase().as_slice() {
            b"origin" => release.origin = value.into_owned(),
            b"label" => release.label = value.into_owned(),
            b"suite" => release.suite = value.into_owned(),
            b"codename" => release.codename = value.into_owned(),
            b"date" => release.date = value.into_owned(),
            b"valid-until" => release.valid_until = value.into_owned(),
            b"architectures" => release.architectures = words(),
            b"components" => release.components = words(),
            b"sha256" => release
                .files
                .extend(files(file, line, &value, &mut release.problems)),
            b"sha512" => weaker = files(file, line, &value, &mut release.problems),
            _ => {}
        }
    }
    if release.files.is_empty() {
        release.files = weaker;
    }
    release
}

fn files(
    file: &str,
    first_line: u32,
    value: &str,
    problems: &mut Vec<Problem>,
) -> Vec<ReleaseFile> {
    let mut files = Vec::new();
    for (index, line) in value
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
    {
        let mut parts = line.split_whitespace();
        let read = (|| {
            let checksum = Checksum::from_hex(parts.next()?)?;
            let size = parts.next()?.parse().ok()?;
            Some(ReleaseFile {
                checksum,
                size,
                path: parts.next()?.to_owned(),
            })
        })();
        match read {
            Some(entry) => files.push(entry),
            None => {
                let at = first_line
                    .saturating_add(1)
                    .saturating_add(u32::try_from(index).unwrap_or(u32::MAX));
                problems.push(Problem::new(
                    Warning,
                    file,
                    at,
                    "release.file",
                    "not `checksum size path`",
                ));
            }
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::debian::deb822::signed_part;

    #[test]
    fn an_inline_signed_release() {
        let sum = "ab".repeat(32);
        let text = format!(
            "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nOrigin: Debian\nSuite: stable\nCodename: bookworm\n\
             Architectures: all amd64\nComponents: main contrib\nMD5Sum:\n 00 1 x\nSHA256:\n {sum} 17 main/binary-amd64/Packages\n \
             rubbish\n-----BEGIN PGP SIGNATURE-----\n\nSHA256:\n {sum} 1 forged\n-----END PGP SIGNATURE-----\n"
        );
        let release = parse("InRelease", signed_part(text.as_bytes()));
        assert_eq!(
            (release.origin.as_str(), release.codename.as_str()),
            ("Debian", "bookworm")
        );
        assert_eq!(release.architectures, ["all", "amd64"]);
        assert_eq!(release.files.len(), 1);
        assert_eq!(
            release
                .file("main/binary-amd64/Packages")
                .map(|file| file.size),
            Some(17)
        );
        assert_eq!(release.problems[0].line, 10);
    }
}
