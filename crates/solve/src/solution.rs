//! What the solver found: the packages, and the reason for each.

use escadre_catalog::{Catalog, PackageId, RelationKind};

/// A package of a solution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// The package.
    pub package: PackageId,
    /// Why it is in.
    pub reason: Reason,
    /// What that means for the machine.
    pub change: Change,
}

/// Why a package is in a solution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// It answers this wish.
    Requested(String),
    /// It was there before, and is asked for by nothing else.
    Installed,
    /// Another package of the solution asks for it.
    Asked {
        /// Who asks.
        by: PackageId,
        /// Requires, recommends or suggests.
        kind: RelationKind,
        /// The dependency as written, with its alternatives.
        dependency: String,
    },
}

/// What a package of a solution means for the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// To be installed.
    New,
    /// There already, in this version.
    Kept,
    /// Takes the place of this installed version.
    Replaces(PackageId),
}

/// Packages that belong together: every dependency met, no conflict.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Solution {
    /// The packages, each after the one that is its reason: wishes first, in the order of the request.
    pub packages: Vec<Chosen>,
    /// Installed packages that have no place any more, because something obsoletes them.
    pub removed: Vec<PackageId>,
}

impl Solution {
    /// The entry of a package.
    pub fn get(&self, package: PackageId) -> Option<&Chosen> {
        self.packages
            .iter()
            .find(|chosen| chosen.package == package)
    }

    /// What has to be brought to the machine.
    pub fn to_fetch(&self) -> impl Iterator<Item = PackageId> {
        self.packages
            .iter()
            .filter(|chosen| chosen.change != Change::Kept)
            .map(|chosen| chosen.package)
    }

    /// The packages from the wish (or what was installed) down to this one.
    pub fn chain(&self, package: PackageId) -> Vec<PackageId> {
        let mut chain = vec![package];
        while let Some(Chosen {
            reason: Reason::Asked { by, .. },
            ..
        }) = chain.last().and_then(|&last| self.get(last))
        {
            if chain.contains(by) {
                break;
            }
            chain.push(*by);
        }
        chain.reverse();
        chain
    }

    /// Why a package is in, in one line; nothing if it is not.
    pub fn why(&self, catalog: &Catalog, package: PackageId) -> Option<String> {
        self.get(package)?;
        let chain = self.chain(package);
        let first = self.get(*chain.first()?)?;
        let mut line = match &first.reason {
            Reason::Requested(wish) => format!("requested: {wish}"),
            Reason::Installed | Reason::Asked { .. } => "installed".to_owned(),
        };
        line += " → ";
        line += catalog.name(first.package);
        for &next in chain.iter().skip(1) {
            let Some(Chosen {
                reason: Reason::Asked {
                    kind, dependency, ..
                },
                ..
            }) = self.get(next)
            else {
                continue;
            };
            let name = catalog.name(next);
            let via = if dependency == name {
                String::new()
            } else {
                format!(" `{dependency}`")
            };
            line = format!("{line} {}{via} → {name}", kind.verb());
        }
        Some(line)
    }
}
