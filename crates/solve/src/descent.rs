//! The first descent: what follows by itself, and then for each open choice the first alternative that does no harm.
//!
//! Most requests are met so, in the time it takes to walk over the packages once. An alternative that leads to a clash is
//! taken back, and the next one tried; where none is left the descent gives up, and the solver searches in earnest. Nothing is
//! refused here, and what is found is right by construction: each package that is in has been checked against all others.

use escadre_catalog::PackageId;

use crate::{
    memory::{ListId, NOTHING, RICH},
    provider::Provider,
};

/// What is known of a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    In,
    Out,
}

/// Where a trial began.
#[derive(Debug, Clone, Copy)]
struct Mark {
    trail: usize,
    open: usize,
    next_open: usize,
}

/// See the module.
pub(crate) struct Descent<'d, 'c> {
    provider: &'d Provider<'c>,
    states: Vec<State>,
    /// Packages in the order in which they came in or went out.
    trail: Vec<PackageId>,
    /// Up to here the trail has been followed.
    followed: usize,
    /// Choices to be made, in the order in which they were met.
    open: Vec<ListId>,
    next_open: usize,
}

impl<'d, 'c> Descent<'d, 'c> {
    /// Before any package is in: what the request forbids is out.
    pub(crate) fn new(provider: &'d Provider<'c>) -> Self {
        let mut descent = Self {
            provider,
            states: vec![State::Open; provider.catalog.len()],
            trail: Vec::new(),
            followed: 0,
            open: Vec::new(),
            next_open: 0,
        };
        let catalog = provider.catalog;
        for &name in provider.restrictions.keys() {
            for package in catalog.packages_named(escadre_catalog::NameId(name)) {
                if !provider.is_installed(package) && !provider.may_come(package) {
                    descent.set(package, State::Out);
                }
            }
        }
        if provider.request.options.keep_versions {
            for &package in &provider.request.installed {
                descent.close_name(package);
            }
        }
        descent
    }

    /// Brings in one of each list of `wishes`, and then of `kept`; gives up with `false`.
    pub(crate) fn run(&mut self, wishes: &[Vec<PackageId>], kept: &[Vec<PackageId>]) -> bool {
        let number = |list: &Vec<PackageId>| self.provider.memory.borrow_mut().add(list);
        let wishes: Vec<ListId> = wishes.iter().map(number).collect();
        let kept: Vec<ListId> = kept.iter().map(number).collect();
        // What has no alternative is certain, and everything else has to heed it.
        wishes.iter().all(|&list| self.need(list))
            && kept
                .iter()
                .all(|&list| self.is_choice(list) || self.need(list))
            && self.follow()
            && self.settle()
            && kept.iter().all(|&list| self.choose(list) && self.settle())
    }

    /// Brings a package in if that is possible without taking anything back.
    pub(crate) fn also(&mut self, package: PackageId) -> bool {
        let mark = self.mark();
        let done = self.bring(package) && self.follow() && self.settle();
        if !done {
            self.undo(mark);
        }
        done
    }

    /// The packages that are in.
    pub(crate) fn packages(&self) -> Vec<PackageId> {
        let came_in = |package: &PackageId| self.state(*package) == State::In;
        self.trail.iter().copied().filter(came_in).collect()
    }

    fn state(&self, package: PackageId) -> State {
        self.states
            .get(package.0 as usize)
            .copied()
            .unwrap_or(State::Out)
    }

    fn set(&mut self, package: PackageId, state: State) {
        if let Some(place) = self.states.get_mut(package.0 as usize) {
            *place = state;
            self.trail.push(package);
        }
    }

    fn mark(&self) -> Mark {
        Mark {
            trail: self.trail.len(),
            open: self.open.len(),
            next_open: self.next_open,
        }
    }

    fn undo(&mut self, mark: Mark) {
        for package in self.trail.drain(mark.trail..) {
            self.states[package.0 as usize] = State::Open;
        }
        self.followed = mark.trail;
        self.open.truncate(mark.open);
        self.next_open = mark.next_open;
    }

    /// No other package of this one's solver name comes in.
    fn close_name(&mut self, package: PackageId) {
        let provider = self.provider;
        let named = provider.catalog.name_of(package);
        for other in provider.catalog.packages_named(named) {
            if other != package
                && self.state(other) == State::Open
                && provider.slot(other) == provider.slot(package)
            {
                self.set(other, State::Out);
            }
        }
    }

    fn bring(&mut self, package: PackageId) -> bool {
        match self.state(package) {
            State::In => true,
            State::Out => false,
            State::Open => {
                self.set(package, State::In);
                self.close_name(package);
                true
            }
        }
    }

    /// Follows what came in to all that is certain by it; `false` upon a clash.
    fn follow(&mut self) -> bool {
        while let Some(&package) = self.trail.get(self.followed) {
            self.followed += 1;
            if self.state(package) == State::In && !(self.ban(package) && self.require(package)) {
                return false;
            }
        }
        true
    }

    fn ban(&mut self, package: PackageId) -> bool {
        let provider = self.provider;
        let needs = provider.needs(package);
        let memory = provider.memory.borrow();
        let (own, installed) = (provider.slot(package), provider.is_installed(package));
        for &list in memory.numbers(needs.bans) {
            for &other in memory.list(list) {
                let state = self.state(other);
                if state == State::Out
                    || provider.slot(other) == own
                    || (installed && provider.is_installed(other))
                {
                    continue;
                }
                if state == State::In {
                    return false;
                }
                self.set(other, State::Out);
            }
        }
        true
    }

    fn require(&mut self, package: PackageId) -> bool {
        let provider = self.provider;
        let needs = provider.needs(package);
        let memory = provider.memory.borrow();
        memory
            .numbers(needs.requires)
            .iter()
            .all(|&list| list >= RICH || self.need(list))
    }

    /// One of a list has to come in: at once if there is no choice, else later.
    fn need(&mut self, list: ListId) -> bool {
        let memory = self.provider.memory.borrow();
        let mut only = None;
        for &package in memory.list(list) {
            match self.state(package) {
                State::In => return true,
                State::Out => {}
                State::Open if only.is_none() => only = Some(package),
                State::Open => {
                    self.open.push(list);
                    return true;
                }
            }
        }
        only.is_some_and(|package| self.bring(package))
    }

    fn is_choice(&self, list: ListId) -> bool {
        let memory = self.provider.memory.borrow();
        let open = |package: &&PackageId| self.state(**package) == State::Open;
        memory.list(list).iter().filter(open).count() > 1
    }

    /// Makes all choices, also those of rich dependencies whose conditions hold in the end.
    fn settle(&mut self) -> bool {
        loop {
            while let Some(&list) = self.open.get(self.next_open) {
                self.next_open += 1;
                if !self.choose(list) {
                    return false;
                }
            }
            match self.conditional() {
                Some(list) if !self.choose(list) => return false,
                Some(_) => {}
                None => return true,
            }
        }
    }

    /// Takes the first of a list that does no harm, unless one of it is in.
    fn choose(&mut self, list: ListId) -> bool {
        let candidates = {
            let memory = self.provider.memory.borrow();
            let list = memory.list(list);
            if list.iter().any(|&package| self.state(package) == State::In) {
                return true;
            }
            list.to_vec()
        };
        for package in candidates {
            if self.state(package) != State::Open {
                continue;
            }
            let mark = self.mark();
            if self.bring(package) && self.follow() {
                return true;
            }
            self.undo(mark);
            self.set(package, State::Out);
        }
        false
    }

    /// A clause of a rich dependency that asks for something and is not met.
    fn conditional(&self) -> Option<ListId> {
        let provider = self.provider;
        if !provider.has_rich() {
            return None;
        }
        let is_in = |package: &PackageId| self.state(*package) == State::In;
        let packages = self.trail.iter().copied().filter(is_in);
        let found = packages.into_iter().find_map(|package| {
            let memory = provider.memory.borrow();
            let unmet = memory.rich(package).iter().find(|clause| {
                let holds = clause.conditions.iter().all(|set| set.iter().any(is_in));
                holds && !clause.packages.iter().any(is_in)
            });
            unmet.map(|clause| clause.packages.clone())
        })?;
        Some(provider.memory.borrow_mut().add(&found))
    }
}

/// Whether a number stands for a list.
pub(crate) fn is_list(list: ListId) -> bool {
    list != NOTHING && list != RICH
}
