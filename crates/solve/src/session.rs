//! Many questions about one machine: each wish that is ticked or unticked is answered at once.
//!
//! Invariants:
//! - The answer is the very one that [`solve`](crate::solve) gives to the whole request: what is kept between questions is
//!   what the catalog says (which packages answer a dependency), never what was chosen.
//!
//! Absent on purpose: mending the last answer. A choice that was made before a wish came may be another one after it, so that
//! a mended answer would depend on the order of the ticks.

use std::{cell::RefCell, collections::HashMap, sync::Arc};

use escadre_catalog::{Catalog, PackageId};

use crate::{
    memory::Memory,
    request::{Options, Request, SolveError, Wanted},
    solution::Solution,
    solver::answer,
};

/// A machine and its catalog, kept ready for the next question.
#[derive(Debug)]
pub struct Session {
    catalog: Arc<Catalog>,
    request: Request,
    memory: RefCell<Memory>,
}

/// What a question changes in the answer to another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    /// In the second only.
    pub comes: Vec<PackageId>,
    /// In the first only.
    pub goes: Vec<PackageId>,
}

impl Session {
    /// A machine with what is installed there, as [`with_installed`](crate::with_installed) found it in the catalog.
    pub fn new(catalog: Arc<Catalog>, installed: Vec<PackageId>, options: Options) -> Self {
        let request = Request {
            installed,
            options,
            ..Request::default()
        };
        Self {
            catalog,
            request,
            memory: RefCell::default(),
        }
    }

    /// Its catalog.
    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    /// The last question, with what is installed.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// Answers a whole question.
    pub fn solve(
        &mut self,
        wanted: Vec<Wanted>,
        forbidden: Vec<Wanted>,
        pins: Vec<Wanted>,
    ) -> Result<Solution, SolveError> {
        self.request.wanted = wanted;
        self.request.forbidden = forbidden;
        self.request.pins = pins;
        answer(&self.catalog, &self.request, &self.memory)
    }

    /// Adds a wish to the last question (at its end, unless it is there already), or takes it away.
    pub fn tick(&mut self, wish: Wanted, on: bool) -> Result<Solution, SolveError> {
        let wanted = &mut self.request.wanted;
        match (on, wanted.contains(&wish)) {
            (true, false) => wanted.push(wish),
            (false, true) => wanted.retain(|other| *other != wish),
            _ => {}
        }
        answer(&self.catalog, &self.request, &self.memory)
    }
}

impl Difference {
    /// What comes and what goes from one solution to another.
    pub fn between(before: &Solution, after: &Solution) -> Self {
        let mut sides: HashMap<PackageId, bool> =
            before.packages.iter().map(|c| (c.package, false)).collect();
        let mut comes = Vec::new();
        for chosen in &after.packages {
            match sides.get_mut(&chosen.package) {
                Some(stays) => *stays = true,
                None => comes.push(chosen.package),
            }
        }
        let gone = |package: &PackageId| sides.get(package) == Some(&false);
        let packages = before.packages.iter().map(|chosen| chosen.package);
        Self {
            comes,
            goes: packages.filter(gone).collect(),
        }
    }
}
