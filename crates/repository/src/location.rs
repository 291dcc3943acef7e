//! Where a repository lies: a folder, or a web server.

use std::path::{Component, Path, PathBuf};

use url::Url;

use crate::error::RepositoryError;

/// The root of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A folder of this machine.
    Folder(PathBuf),
    /// A folder of a web server; the path ends in `/`.
    Web(Url),
}

impl Location {
    /// Reads a path, `file:`, `http:` or `https:`. Other schemes are refused.
    pub fn parse(text: &str) -> Result<Self, RepositoryError> {
        let refused = || RepositoryError::Location(text.to_owned());
        if text.starts_with('/') || text.starts_with("./") || text.starts_with("../") {
            return Ok(Self::Folder(PathBuf::from(text)));
        }
        if let Some(path) = text.strip_prefix("file:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return if path.starts_with('/') {
                Ok(Self::Folder(PathBuf::from(path)))
            } else {
                Err(refused())
            };
        }
        let mut url = Url::parse(text).map_err(|_| refused())?;
        if !matches!(url.scheme(), "http" | "https")
            || url.host_str().is_none()
            || url.cannot_be_a_base()
        {
            return Err(refused());
        }
        if !url.path().ends_with('/') {
            let path = format!("{}/", url.path());
            url.set_path(&path);
        }
        url.set_query(None);
        url.set_fragment(None);
        Ok(Self::Web(url))
    }

    /// A file below it. The path comes from foreign metadata: one that leaves the repository is refused.
    pub fn below(&self, path: &str) -> Result<Self, RepositoryError> {
        let inside = Path::new(path)
            .components()
            .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        if !inside || path.contains(['\0', '\\']) {
            return Err(RepositoryError::Location(path.to_owned()));
        }
        match self {
            Self::Folder(folder) => Ok(Self::Folder(folder.join(path))),
            Self::Web(url) => {
                let mut url = url.clone();
                let mut segments = url
                    .path_segments_mut()
                    .map_err(|()| RepositoryError::Location(path.to_owned()))?;
                segments.pop_if_empty();
                segments.extend(
                    path.split('/')
                        .filter(|part| !part.is_empty() && *part != "."),
                );
                drop(segments);
                Ok(Self::Web(url))
            }
        }
    }
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Folder(path) => write!(f, "{}", path.display()),
            Self::Web(url) => write!(f, "{url}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        for (text, expected) in [
            ("/srv/mirror", Some("/srv/mirror")),
            ("file:/srv/mirror", Some("/srv/mirror")),
            ("file:///srv/mirror", Some("/srv/mirror")),
            (
                "http://mirror.example/debian",
                Some("http://mirror.example/debian/"),
            ),
            (
                "https://mirror.example/debian/?x#y",
                Some("https://mirror.example/debian/"),
            ),
            ("ftp://mirror.example/", None),
            ("javascript:alert(1)", None),
            ("file:relative", None),
            ("data:text/plain,x", None),
        ] {
            assert_eq!(
                Location::parse(text).ok().map(|l| l.to_string()).as_deref(),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn nothing_leaves_the_repository() {
        for root in ["/srv/mirror", "http://mirror.example/debian/"] {
            let root = Location::parse(root).expect("a location");
            for bad in ["../x", "/etc/passwd", "a/../../b", "a\\b", "a\0"] {
                assert!(root.below(bad).is_err(), "{bad}");
            }
            let below = root
                .below("pool/a b/c?d#e.deb")
                .expect("inside")
                .to_string();
            assert!(
                below.ends_with("/pool/a b/c?d#e.deb")
                    || below.ends_with("/pool/a%20b/c%3Fd%23e.deb"),
                "{below}"
            );
        }
    }
}
