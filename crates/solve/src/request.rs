//! What is asked of the solver, and how it refuses.

use escadre_catalog::{Op, PackageId, catalog::Atom};

/// A package that is asked for, forbidden or pinned: a name with an optional range of versions.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Wanted {
    /// Name of a package, or of something provided.
    pub name: String,
    /// How the version bounds it.
    pub op: Op,
    /// Empty with [`Op::Any`].
    pub version: String,
}

impl Wanted {
    /// Any version of a name.
    pub fn any(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            op: Op::Any,
            version: String::new(),
        }
    }

    /// A name in a range of versions.
    pub fn versioned(name: impl Into<String>, op: Op, version: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            op,
            version: version.into(),
        }
    }
}

impl std::fmt::Display for Wanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.op {
            Op::Any => f.write_str(&self.name),
            op => write!(f, "{} ({} {})", self.name, op.sign(), self.version),
        }
    }
}

/// How dependencies are followed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// Take recommended packages along where that is possible.
    pub recommends: bool,
    /// Take suggested packages along where that is possible.
    pub suggests: bool,
    /// Architectures, the machine's own first. Empty: every package counts as native.
    pub architectures: Vec<String>,
    /// Installed packages keep their very version, or the request fails.
    pub keep_versions: bool,
}

/// One question to the solver.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// What must be there in the end, in order of weight.
    pub wanted: Vec<Wanted>,
    /// Packages that must not come in (by their own name, not by what they provide).
    pub forbidden: Vec<Wanted>,
    /// Packages of which only the versions in this range may come in.
    pub pins: Vec<Wanted>,
    /// What is installed, as [`with_installed`](crate::with_installed) found it in the catalog.
    pub installed: Vec<PackageId>,
    /// How dependencies are followed.
    pub options: Options,
}

/// Why there is no solution.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SolveError {
    /// Nothing in the catalog answers a wish.
    #[error("no package answers `{wanted}`{hint}")]
    Unknown {
        /// The wish.
        wanted: String,
        /// What there is instead, as the rest of the sentence; may be empty.
        hint: String,
    },
    /// The wishes cannot be met together: one paragraph that names the chain.
    #[error("{0}")]
    Unsatisfiable(String),
}

/// The form in which ranges are compared inside the crate.
pub(crate) fn atom_range<'a>(atom: &Atom<'a>) -> Option<(Op, &'a str)> {
    match atom.demand {
        escadre_catalog::catalog::Demand::Range(op, version) => Some((op, version)),
        escadre_catalog::catalog::Demand::Rich(_) => None,
    }
}
