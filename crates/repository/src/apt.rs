//! What apt has on this machine: `/var/lib/apt/lists`, each list checked against its `InRelease` once more.

use std::{
    fs,
    path::{Path, PathBuf},
};

use escadre_catalog::debian::{deb822::Stanzas, release};
use escadre_model::{Problem, inventory::PackageKind, problem::Severity::Warning};

use crate::{
    build::{Format, Index, Plan},
    debian::{RELEASE_LIMIT, check_age},
    decompress::{self, Check},
    error::RepositoryError,
    location::Location,
    open::OpenOptions,
    signature::{Signed, Trust, system_keyrings, verify},
};

/// Plans a catalog of all lists of a system whose root is `root`.
pub(crate) fn plan(root: &Path, options: &OpenOptions) -> Result<Plan, RepositoryError> {
    let lists = root.join("var/lib/apt/lists");
    let mut plan = Plan {
        kind: PackageKind::Deb,
        identity: format!("apt {}", lists.display()),
        indexes: Vec::new(),
        trust: Vec::new(),
        problems: Vec::new(),
    };
    let names = names_in(&lists)?;
    let sources = sources(root);
    for release in names.iter().filter_map(|name| Release::of(name)) {
        release.add(root, &lists, &names, &sources, options, &mut plan)?;
    }
    if plan.indexes.is_empty() {
        let wanted = "*_Packages with *_InRelease (run apt-get update)".to_owned();
        return Err(RepositoryError::Missing {
            place: lists.display().to_string(),
            wanted,
        });
    }
    Ok(plan)
}

fn names_in(lists: &Path) -> Result<Vec<String>, RepositoryError> {
    let entries = fs::read_dir(lists).map_err(RepositoryError::file("read", lists))?;
    let mut names: Vec<String> = entries
        .filter_map(Result::ok)
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    Ok(names)
}

/// A release file among the lists.
struct Release<'a> {
    name: &'a str,
    /// What its lists' names begin with.
    prefix: &'a str,
    inline: bool,
}

impl<'a> Release<'a> {
    fn of(name: &'a str) -> Option<Self> {
        let inline = name.strip_suffix("InRelease").map(|prefix| Self {
            name,
            prefix,
            inline: true,
        });
        inline.or_else(|| {
            name.strip_suffix("Release").map(|prefix| Self {
                name,
                prefix,
                inline: false,
            })
        })
    }

    fn add(
        &self,
        root: &Path,
        lists: &Path,
        names: &[String],
        sources: &[AptSource],
        options: &OpenOptions,
        plan: &mut Plan,
    ) -> Result<(), RepositoryError> {
        let source = self.source(sources);
        let place = lists.join(self.name).display().to_string();
        let (text, trust) = self.text(root, lists, source, options)?;
        let release = release::parse(&place, &text);
        if let Err(error) = check_age(&place, &release, options.now) {
            plan.problems.push(Problem::new(
                Warning,
                &place,
                0,
                "repository.expired",
                error.to_string(),
            ));
        }
        let base = source.map_or_else(|| self.guessed_root(), |source| source.uri.clone());
        plan.trust.push((base.clone(), trust));
        for name in names {
            let Some(rest) = name.strip_prefix(self.prefix) else {
                continue;
            };
            let bare = [".lz4", ".xz", ".gz", ".zst"]
                .iter()
                .find_map(|end| rest.strip_suffix(end))
                .unwrap_or(rest);
            if !(bare == "Packages" || bare.ends_with("_Packages")) {
                continue;
            }
            let path = bare.replace('_', "/").replace("%5f", "_");
            let Some(file) = release.file(&path) else {
                let message = format!("its Release does not list {path}; passed over");
                plan.problems.push(Problem::new(
                    Warning,
                    name,
                    0,
                    "repository.unlisted",
                    message,
                ));
                continue;
            };
            let check = Some(Check {
                size: Some(file.size),
                checksum: file.checksum,
                unfolded: true,
            });
            let location = Location::Folder(lists.join(name));
            plan.indexes.push(Index {
                location,
                root: base.clone(),
                format: Format::Packages,
                check,
            });
        }
        Ok(())
    }

    fn text(
        &self,
        root: &Path,
        lists: &Path,
        source: Option<&AptSource>,
        options: &OpenOptions,
    ) -> Result<(Vec<u8>, Trust), RepositoryError> {
        let path = lists.join(self.name);
        let read = |path: &Path| {
            decompress::read_whole(path, None, RELEASE_LIMIT as u64)
                .map_err(RepositoryError::file("read", path))
        };
        let bytes = read(&path)?;
        let keyrings = match (&options.keyrings, source.map(|source| &source.signed_by)) {
            (Some(keyrings), _) => keyrings.clone(),
            (None, Some(signed_by)) if !signed_by.is_empty() => {
                signed_by.iter().map(|path| under(root, path)).collect()
            }
            _ => system_keyrings(root),
        };
        let place = path.display().to_string();
        if self.inline {
            let (text, key) = verify(&place, Signed::Inline(&bytes), &keyrings)?;
            return Ok((text, Trust::Signed(key)));
        }
        let signature = lists.join(format!("{}.gpg", self.name));
        if signature.exists() {
            let (text, key) = verify(
                &place,
                Signed::Detached(&bytes, &read(&signature)?),
                &keyrings,
            )?;
            return Ok((text, Trust::Signed(key)));
        }
        if options.allow_unsigned {
            Ok((bytes, Trust::Unsigned))
        } else {
            Err(RepositoryError::Unsigned { place })
        }
    }

    fn source<'s>(&self, sources: &'s [AptSource]) -> Option<&'s AptSource> {
        sources.iter().find(|source| {
            let bare = source
                .uri
                .split_once("://")
                .map_or(source.uri.as_str(), |(_, rest)| rest);
            let bare = bare
                .strip_prefix("file:")
                .unwrap_or(bare)
                .trim_end_matches('/')
                .replace('_', "%5f")
                .replace('/', "_");
            self.prefix
                .strip_prefix(&bare)
                .is_some_and(|rest| rest.starts_with('_'))
        })
    }

    /// Without an entry in the sources: https, and the path as the name says it.
    fn guessed_root(&self) -> String {
        let path = self
            .prefix
            .split("_dists_")
            .next()
            .unwrap_or(self.prefix)
            .trim_end_matches('_');
        format!("https://{}", path.replace('_', "/").replace("%5f", "_"))
    }
}

fn under(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

/// One address of apt's sources.
#[derive(Debug, Clone, PartialEq, Eq)]
struct AptSource {
    uri: String,
    signed_by: Vec<PathBuf>,
}

/// Reads `sources.list`, `sources.list.d/*.list` and `*.sources`. What is not understood is of no consequence here.
fn sources(root: &Path) -> Vec<AptSource> {
    let mut files = vec![root.join("etc/apt/sources.list")];
    if let Ok(entries) = fs::read_dir(root.join("etc/apt/sources.list.d")) {
        files.extend(entries.filter_map(Result::ok).map(|entry| entry.path()));
    }
    files.sort();
    let mut sources = Vec::new();
    for file in files {
        let Ok(text) = fs::read(&file) else { continue };
        match file.extension().and_then(|end| end.to_str()) {
            Some("sources") => sources.extend(stanza_sources(&text)),
            Some("list") => sources.extend(
                String::from_utf8_lossy(&text)
                    .lines()
                    .filter_map(line_source),
            ),
            _ => {}
        }
    }
    // The longest address first: one may be the beginning of another.
    sources.sort_by_key(|source| std::cmp::Reverse(source.uri.len()));
    sources
}

fn stanza_sources(text: &[u8]) -> Vec<AptSource> {
    let mut stanzas = Stanzas::new("sources", text);
    let mut sources = Vec::new();
    while let Ok(Some(stanza)) = stanzas.next_stanza() {
        let words = |field: &str| {
            let value = String::from_utf8_lossy(stanza.get(field).unwrap_or_default()).into_owned();
            value
                .split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        let signed_by: Vec<PathBuf> = words("Signed-By")
            .iter()
            .filter(|word| word.starts_with('/'))
            .map(PathBuf::from)
            .collect();
        sources.extend(words("URIs").into_iter().map(|uri| AptSource {
            uri,
            signed_by: signed_by.clone(),
        }));
    }
    sources
}

/// `deb [signed-by=/k.gpg] uri suite …`
fn line_source(line: &str) -> Option<AptSource> {
    let rest = line.trim().strip_prefix("deb")?;
    if !rest.starts_with(|c: char| c.is_whitespace()) {
        return None;
    }
    let rest = rest.trim_start();
    let (options, rest) = match rest.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => ("", rest),
    };
    let signed_by = options
        .split_whitespace()
        .filter_map(|option| option.strip_prefix("signed-by="))
        .flat_map(|paths| paths.split(','))
        .filter(|path| path.starts_with('/'))
        .map(PathBuf::from)
        .collect();
    Some(AptSource {
        uri: rest.split_whitespace().next()?.to_owned(),
        signed_by,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_sources() {
        let source = line_source(
            "deb [arch=amd64 signed-by=/k/a.gpg,/k/b.gpg] http://m/debian bookworm main",
        );
        let expected = AptSource {
            uri: "http://m/debian".to_owned(),
            signed_by: vec![PathBuf::from("/k/a.gpg"), PathBuf::from("/k/b.gpg")],
        };
        assert_eq!(source, Some(expected));
        assert_eq!(line_source("deb-src http://m/debian bookworm main"), None);
        assert_eq!(line_source("# deb http://m/debian bookworm main"), None);
    }

    #[test]
    fn lists_find_their_source() {
        let sources = stanza_sources(
            b"Types: deb\nURIs: http://m/deb_ian/\nSuites: a b\nSigned-By: /k.gpg\n",
        );
        let release = Release::of("m_deb%5fian_dists_bookworm_InRelease").expect("a release");
        assert_eq!(
            release.source(&sources).map(|source| source.uri.as_str()),
            Some("http://m/deb_ian/")
        );
        assert_eq!(release.source(&[]), None);
        assert_eq!(release.guessed_root(), "https://m/deb_ian");
    }
}
