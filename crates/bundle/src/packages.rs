//! Transactions of packages: what changes, what that was computed against, and what an undo goes back to.

use std::collections::BTreeSet;

use escadre_model::inventory::PackageKind;
use serde::{Deserialize, Serialize};

use crate::{BundleError, Content, ContentPath, limits};

/// A transaction of packages, and the state that it was computed for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackageSet {
    /// dpkg or rpm.
    pub kind: PackageKind,
    /// What changes, ordered by name and architecture.
    pub changes: Vec<PackageChange>,
    /// What the selection found installed and relies on: when one of these has another version, the closure may not hold.
    pub against: Vec<PackageVersion>,
}

/// A package at a version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackageVersion {
    /// Name.
    pub name: String,
    /// Architecture.
    pub arch: String,
    /// Full version.
    pub version: String,
}

/// One package before and after. What is only `before` is removed, what is only `after` is new.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackageChange {
    /// Name.
    pub name: String,
    /// Architecture.
    pub arch: String,
    /// Version that the host had; what an undo goes back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// Version that the host gets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// The package file of `after` in the content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<ContentPath>,
    /// The package file of `before` in the content, when the bundle brings what its own undo needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo_file: Option<ContentPath>,
}

impl PackageSet {
    pub(crate) fn check(&self, content: &Content) -> Result<(), BundleError> {
        let count = self.changes.len().saturating_add(self.against.len());
        BundleError::bound(
            "the number of packages",
            count as u64,
            limits::PACKAGES as u64,
        )?;
        let wrong = |reason: String| Err(BundleError::action("packages", reason));
        if self.changes.is_empty() {
            return wrong("nothing changes".to_owned());
        }
        let ordered = |names: Vec<(&str, &str)>| names.is_sorted_by(|a, b| a < b);
        if !ordered(
            self.changes
                .iter()
                .map(|c| (c.name.as_str(), c.arch.as_str()))
                .collect(),
        ) || !ordered(
            self.against
                .iter()
                .map(|p| (p.name.as_str(), p.arch.as_str()))
                .collect(),
        ) {
            return wrong("packages are ordered by name and architecture, each once".to_owned());
        }
        for package in &self.against {
            check_package(&package.name, [&package.arch, &package.version])?;
        }
        for change in &self.changes {
            change.check(content)?;
        }
        let files: Vec<_> = self
            .changes
            .iter()
            .flat_map(|c| c.file.iter().chain(&c.undo_file))
            .collect();
        if files.iter().collect::<BTreeSet<_>>().len() < files.len() {
            return wrong("one file stands for two packages".to_owned());
        }
        Ok(())
    }
}

impl PackageChange {
    fn check(&self, content: &Content) -> Result<(), BundleError> {
        check_package(
            &self.name,
            [Some(&self.arch), self.before.as_ref(), self.after.as_ref()]
                .into_iter()
                .flatten(),
        )?;
        let wrong = |reason: String| {
            Err(BundleError::action(
                "packages",
                format!("`{}`: {reason}", self.name),
            ))
        };
        if self.before == self.after {
            return wrong("the version before is the version after".to_owned());
        }
        if self.after.is_some() != self.file.is_some() {
            return wrong("a version to install and its file come together".to_owned());
        }
        if self.undo_file.is_some() && self.before.is_none() {
            return wrong("a file to go back to wants a version before".to_owned());
        }
        match self
            .file
            .iter()
            .chain(&self.undo_file)
            .find(|path| content.file(path).is_none())
        {
            Some(path) => wrong(format!("its file `{path}` is not in the content")),
            None => Ok(()),
        }
    }
}

/// Names and versions reach the command line of a system tool: nothing in them may be an option or a path.
pub(crate) fn check_package<'a>(
    name: &'a str,
    rest: impl IntoIterator<Item = &'a String>,
) -> Result<(), BundleError> {
    let fine = |c: char| c.is_ascii_alphanumeric() || "._+~-:^%@".contains(c);
    let good = |text: &str| {
        (1..=256).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.chars().all(fine)
    };
    match std::iter::once(name)
        .chain(rest.into_iter().map(String::as_str))
        .find(|text| !good(text))
    {
        Some(bad) => {
            let shown: String = bad.chars().take(80).collect();
            Err(BundleError::action(
                "packages",
                format!("{shown:?} is no name, version or architecture of a package"),
            ))
        }
        None => Ok(()),
    }
}
