//! `repodata/repomd.xml`: where the other metadata lie, with their checksums.

use std::io::BufRead;

use super::xml::{Document, Item};
use crate::{catalog::Checksum, error::CatalogError};

/// What `repomd.xml` lists.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Repomd {
    /// Number of this state of the repository, as written.
    pub revision: String,
    /// The files.
    pub data: Vec<RepomdData>,
}

/// One file of metadata.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct RepomdData {
    /// `primary`, `filelists`, `group`, `updateinfo`, ….
    pub kind: String,
    /// Path below the root of the repository.
    pub path: String,
    /// Checksum of the file as it lies there; none if it is of a kind too weak to count.
    pub checksum: Option<Checksum>,
    /// Size of the file, when given.
    pub size: Option<u64>,
}

impl Repomd {
    /// The first file of a kind.
    pub fn get(&self, kind: &str) -> Option<&RepomdData> {
        self.data.iter().find(|data| data.kind == kind)
    }
}

/// Reads `repomd.xml`.
pub fn read(file: &str, input: impl BufRead) -> Result<Repomd, CatalogError> {
    let mut document = Document::new(file, input);
    let mut repomd = Repomd::default();
    let mut text = String::new();
    let mut strong = false;
    loop {
        match document.next()? {
            Item::Start(element) => {
                text.clear();
                match (element.name.as_str(), repomd.data.last_mut()) {
                    ("data", _) => {
                        repomd.data.push(RepomdData {
                            kind: element.get("type").to_owned(),
                            ..RepomdData::default()
                        });
                    }
                    ("location", Some(data)) => data.path = element.get("href").to_owned(),
                    ("checksum", _) => strong = matches!(element.get("type"), "sha256" | "sha512"),
                    _ => {}
                }
            }
            Item::Text(more) => text.push_str(&more),
            Item::End(name) => match (name.as_str(), repomd.data.last_mut()) {
                ("revision", _) => repomd.revision = text.trim().to_owned(),
                ("checksum", Some(data)) if strong => {
                    data.checksum = Checksum::from_hex(text.trim())
                }
                ("size", Some(data)) => data.size = text.trim().parse().ok(),
                _ => {}
            },
            Item::Eof => return Ok(repomd),
        }
    }
}
