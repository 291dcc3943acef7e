//! `filelists.xml`: which package has which file. Huge, and so read only for the paths that something requires.

use std::{collections::HashSet, io::BufRead};

use super::xml::{Document, Item};
use crate::error::CatalogError;

/// A file of a package that was looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileOwner {
    /// Name of the package.
    pub name: String,
    /// Its version.
    pub evr: String,
    /// Its architecture.
    pub arch: String,
    /// The path.
    pub path: String,
}

/// Finds the owners of the wanted paths.
pub fn read(
    file: &str,
    input: impl BufRead,
    wanted: &HashSet<String>,
) -> Result<Vec<FileOwner>, CatalogError> {
    let mut document = Document::new(file, input);
    let mut owners = Vec::new();
    let mut package = FileOwner {
        name: String::new(),
        evr: String::new(),
        arch: String::new(),
        path: String::new(),
    };
    let mut text = String::new();
    loop {
        match document.next()? {
            Item::Start(element) => {
                text.clear();
                match element.name.as_str() {
                    "package" => {
                        element.get("name").clone_into(&mut package.name);
                        element.get("arch").clone_into(&mut package.arch);
                    }
                    "version" => package.evr = super::primary::evr(&element),
                    _ => {}
                }
            }
            Item::Text(more) => text.push_str(&more),
            Item::End(name) => {
                if name == "file" && wanted.contains(text.trim()) {
                    owners.push(FileOwner {
                        path: text.trim().to_owned(),
                        ..package.clone()
                    });
                }
            }
            Item::Eof => return Ok(owners),
        }
    }
}
