//! `comps.xml`: groups of packages, and environments of groups.

use std::{collections::BTreeMap, io::BufRead};

use super::xml::{Document, Item};
use crate::error::CatalogError;

/// What `comps.xml` holds.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Comps {
    /// Groups of packages.
    pub groups: Vec<CompsGroup>,
    /// Sets of groups that make a kind of machine.
    pub environments: Vec<CompsSet>,
    /// Sets of groups under a heading.
    pub categories: Vec<CompsSet>,
}

/// A group of packages.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct CompsGroup {
    /// Its identifier.
    pub id: String,
    /// Names by language; the untranslated one under the empty language.
    pub names: BTreeMap<String, String>,
    /// Descriptions by language.
    pub descriptions: BTreeMap<String, String>,
    /// Selected unless somebody says otherwise.
    pub default: bool,
    /// Shown to people.
    pub visible: bool,
    /// Its packages.
    pub packages: Vec<CompsPackage>,
}

/// A package of a group.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct CompsPackage {
    /// Its name.
    pub name: String,
    /// How strongly it belongs to the group.
    pub kind: CompsKind,
    /// For [`CompsKind::Conditional`]: only when this package is there.
    pub requires: String,
}

/// How strongly a package belongs to its group.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum CompsKind {
    /// The group is not without it.
    #[default]
    Mandatory,
    /// With the group unless somebody says otherwise.
    Default,
    /// When asked for.
    Optional,
    /// When another package is there.
    Conditional,
}

/// A set of groups.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct CompsSet {
    /// Its identifier.
    pub id: String,
    /// Names by language.
    pub names: BTreeMap<String, String>,
    /// Groups that belong to it.
    pub groups: Vec<String>,
    /// Groups that may be added.
    pub options: Vec<String>,
}

/// Reads `comps.xml`.
pub fn read(file: &str, input: impl BufRead) -> Result<Comps, CatalogError> {
    let mut document = Document::new(file, input);
    let mut comps = Comps::default();
    let mut place = Place::default();
    loop {
        match document.next()? {
            Item::Start(element) => {
                place.text.clear();
                element.get("xml:lang").clone_into(&mut place.language);
                match element.name.as_str() {
                    "group" => {
                        place.group = Some(CompsGroup {
                            visible: true,
                            ..CompsGroup::default()
                        })
                    }
                    "environment" | "category" => place.set = Some(CompsSet::default()),
                    "optionlist" => place.optional = true,
                    "packagereq" => {
                        let kind = match element.get("type") {
                            "default" => CompsKind::Default,
                            "optional" => CompsKind::Optional,
                            "conditional" => CompsKind::Conditional,
                            _ => CompsKind::Mandatory,
                        };
                        place.package = CompsPackage {
                            kind,
                            requires: element.get("requires").to_owned(),
                            ..CompsPackage::default()
                        };
                    }
                    _ => {}
                }
            }
            Item::Text(more) => place.text.push_str(&more),
            Item::End(name) => place.end(&name, &mut comps),
            Item::Eof => return Ok(comps),
        }
    }
}

#[derive(Default)]
struct Place {
    text: String,
    language: String,
    group: Option<CompsGroup>,
    set: Option<CompsSet>,
    optional: bool,
    package: CompsPackage,
}

impl Place {
    fn end(&mut self, name: &str, comps: &mut Comps) {
        let text = self.text.trim().to_owned();
        let language = std::mem::take(&mut self.language);
        match (name, &mut self.group, &mut self.set) {
            ("group", group, _) => comps.groups.extend(group.take()),
            ("environment", _, set) => comps.environments.extend(set.take()),
            ("category", _, set) => comps.categories.extend(set.take()),
            ("optionlist", ..) => self.optional = false,
            ("id", Some(group), _) => group.id = text,
            ("name", Some(group), _) => drop(group.names.insert(language, text)),
            ("description", Some(group), _) => drop(group.descriptions.insert(language, text)),
            ("default", Some(group), _) => group.default = text == "true",
            ("uservisible", Some(group), _) => group.visible = text != "false",
            ("packagereq", Some(group), _) => {
                group.packages.push(CompsPackage {
                    name: text,
                    ..std::mem::take(&mut self.package)
                });
            }
            ("id", None, Some(set)) => set.id = text,
            ("name", None, Some(set)) => drop(set.names.insert(language, text)),
            ("groupid", None, Some(set)) => {
                if self.optional {
                    &mut set.options
                } else {
                    &mut set.groups
                }
                .push(text);
            }
            _ => {}
        }
        self.text.clear();
    }
}
