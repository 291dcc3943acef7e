//! `primary.xml`: the packages of an rpm-md repository, read from a stream into a catalog.

use std::io::BufRead;

use escadre_model::{Problem, problem::Severity::Warning};

use super::xml::{Document, Element, Item};
use crate::{
    catalog::{CatalogBuilder, Checksum, PackageDetails, PackageHead, RelationKind},
    debian::packages::PROBLEM_LIMIT,
    error::CatalogError,
    package::{Op, Property},
    synthesis::SIZE_LIMIT,
};

/// A package under construction.
#[derive(Debug, Default)]
struct Draft {
    name: String,
    arch: String,
    evr: String,
    summary: String,
    group: String,
    path: String,
    checksum: Option<Checksum>,
    size: u64,
    file_size: u64,
    relations: [Vec<Property>; RelationKind::ALL.len()],
}

impl Draft {
    fn start(&mut self, element: &Element) {
        match element.name.as_str() {
            "version" => self.evr = evr(element),
            "location" => element.get("href").clone_into(&mut self.path),
            "size" => {
                self.size = number(element.get("installed"));
                self.file_size = number(element.get("package"));
            }
            _ => {}
        }
    }

    fn end(&mut self, name: &str, text: &str, strong: bool) {
        match name {
            "name" => text.clone_into(&mut self.name),
            "arch" => text.clone_into(&mut self.arch),
            "summary" => text.clone_into(&mut self.summary),
            "group" => text.clone_into(&mut self.group),
            "checksum" if strong => self.checksum = Checksum::from_hex(text),
            "file" => self.relations[RelationKind::Provides as usize].push(Property::any(text)),
            _ => {}
        }
    }

    fn add(&self, builder: &mut CatalogBuilder) -> Result<(), CatalogError> {
        let head = PackageHead {
            name: self.name.as_bytes(),
            version: self.evr.as_bytes(),
            arch: self.arch.as_bytes(),
            group: self.group.as_bytes(),
            size: self.size,
            file_size: self.file_size,
            ..PackageHead::default()
        };
        let details = PackageDetails {
            summary: &self.summary,
            path: &self.path,
            checksum: self.checksum,
        };
        builder.package(&head, &details)?;
        for (kind, properties) in RelationKind::ALL.into_iter().zip(&self.relations) {
            let mut sink = builder.relate(kind);
            for property in properties {
                sink.property(property)?;
            }
            sink.close()?;
        }
        Ok(())
    }
}

/// Reads `primary.xml` into the catalog. Source packages are passed over.
pub fn read(
    file: &str,
    input: impl BufRead,
    builder: &mut CatalogBuilder,
) -> Result<Vec<Problem>, CatalogError> {
    let mut document = Document::new(file, input);
    let mut problems = Vec::new();
    let mut draft = Draft::default();
    let mut text = String::new();
    let mut relation: Option<RelationKind> = None;
    let mut strong = false;
    loop {
        match document.next()? {
            Item::Start(element) => {
                text.clear();
                match (element.name.as_str(), relation) {
                    ("package", _) => draft = Draft::default(),
                    ("checksum", _) => strong = matches!(element.get("type"), "sha256" | "sha512"),
                    ("entry", Some(kind)) => draft.relations[kind as usize].extend(entry(&element)),
                    (name, None) => relation = relation_of(name),
                    _ => {}
                }
                draft.start(&element);
            }
            Item::Text(more) => text.push_str(&more),
            Item::End(name) if name == "package" => {
                if draft.name.is_empty() || draft.evr.is_empty() {
                    if problems.len() < PROBLEM_LIMIT {
                        let message = format!(
                            "a package without name or version before byte {}",
                            document.position()
                        );
                        problems.push(Problem::new(Warning, file, 0, "primary.package", message));
                    }
                } else if draft.arch != "src" && draft.arch != "nosrc" {
                    draft.add(builder)?;
                }
            }
            Item::End(name) => {
                if relation.is_some() && relation == relation_of(&name) {
                    relation = None;
                }
                draft.end(&name, text.trim(), strong);
            }
            Item::Eof => return Ok(problems),
        }
    }
}

fn relation_of(name: &str) -> Option<RelationKind> {
    Some(match name {
        "requires" => RelationKind::Requires,
        "recommends" => RelationKind::Recommends,
        "suggests" => RelationKind::Suggests,
        "conflicts" => RelationKind::Conflicts,
        "obsoletes" => RelationKind::Obsoletes,
        "provides" => RelationKind::Provides,
        "supplements" => RelationKind::Supplements,
        "enhances" => RelationKind::Enhances,
        _ => return None,
    })
}

/// What `rpmlib(…)` names is a feature of rpm itself, not of a package.
fn entry(element: &Element) -> Option<Property> {
    let name = element.get("name");
    if name.is_empty() || name.starts_with("rpmlib(") {
        return None;
    }
    let op = match element.get("flags") {
        "EQ" => Op::Equal,
        "LT" => Op::Less,
        "LE" => Op::LessEqual,
        "GT" => Op::Greater,
        "GE" => Op::GreaterEqual,
        _ => Op::Any,
    };
    let version = if op == Op::Any {
        String::new()
    } else {
        evr(element)
    };
    let op = if version.is_empty() { Op::Any } else { op };
    Some(Property {
        name: name.to_owned(),
        op,
        version,
        before: element.get("pre") == "1",
    })
}

pub(super) fn evr(element: &Element) -> String {
    let (epoch, version, release) = (element.get("epoch"), element.get("ver"), element.get("rel"));
    let mut evr = String::with_capacity(epoch.len() + version.len() + release.len() + 2);
    if !epoch.is_empty() && epoch != "0" {
        evr.push_str(epoch);
        evr.push(':');
    }
    evr.push_str(version);
    if !release.is_empty() {
        evr.push('-');
        evr.push_str(release);
    }
    evr
}

fn number(text: &str) -> u64 {
    text.parse()
        .ok()
        .filter(|&number| number <= SIZE_LIMIT)
        .unwrap_or(0)
}
