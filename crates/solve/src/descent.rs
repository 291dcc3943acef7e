//! The first descent: what follows by itself, and then for each open choice the first alternative that does no harm.
//!
//! Most requests are met so, in the time it takes to walk over the packages once. An alternative that leads to a clash is
//! taken back, and the next one tried; where none is left, the latest choice that had a part in it is taken back
//! (conflict-directed backjumping). After a number of these the descent gives up, and the solver searches in earnest.
//!
//! Nothing is refused here, and what is found is right by construction: each package that is in has been checked against all
//! others. Which choice is to blame is a guess that costs time when it is wrong, and nothing else.

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

/// How many choices are taken back before the solver is asked.
const JUMPS: usize = 500;

/// Where a trial began.
#[derive(Debug, Clone, Copy)]
struct Mark {
    trail: usize,
    open: usize,
    next_open: usize,
    next_kept: usize,
}

/// Something of which one package has to come in: the list, and the level at which that was so.
#[derive(Debug, Clone, Copy)]
struct Choice {
    list: ListId,
    level: u32,
}

/// A choice that was made. The first one opens level 1; what is certain has level 0.
#[derive(Debug, Clone, Copy)]
struct Decision {
    choice: Choice,
    package: PackageId,
    mark: Mark,
}

/// See the module.
pub(crate) struct Descent<'d, 'c> {
    provider: &'d Provider<'c>,
    states: Vec<State>,
    /// The level that is to blame for each package's state.
    levels: Vec<u32>,
    /// Packages in the order in which they came in or went out.
    trail: Vec<PackageId>,
    /// Up to here the trail has been followed.
    followed: usize,
    decisions: Vec<Decision>,
    /// Choices to be made, in the order in which they were met.
    open: Vec<Choice>,
    next_open: usize,
    /// Choices that come after all others.
    kept: Vec<ListId>,
    next_kept: usize,
    /// The level below the present one that is to blame for the last clash.
    blame: u32,
    jumps: usize,
}

impl<'d, 'c> Descent<'d, 'c> {
    /// Before any package is in: what the request forbids is out.
    pub(crate) fn new(provider: &'d Provider<'c>) -> Self {
        let mut descent = Self {
            provider,
            states: vec![State::Open; provider.catalog.len()],
            levels: vec![0; provider.catalog.len()],
            trail: Vec::new(),
            followed: 0,
            decisions: Vec::new(),
            open: Vec::new(),
            next_open: 0,
            kept: Vec::new(),
            next_kept: 0,
            blame: 0,
            jumps: JUMPS,
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
        self.kept = kept.iter().map(number).collect();
        let kept = self.kept.clone();
        // What has no alternative is certain, and everything else has to heed it.
        wishes.iter().all(|&list| self.need(list))
            && kept
                .iter()
                .all(|&list| self.is_choice(list) || self.need(list))
            && self.follow()
            && self.settle(0)
    }

    /// Brings a package in if that is possible without taking back what was decided before.
    pub(crate) fn also(&mut self, package: PackageId) -> bool {
        let (mark, floor) = (self.mark(), self.decisions.len());
        let list = self.provider.memory.borrow_mut().add(&[package]);
        let level = floor as u32;
        let done = self.choose(Choice { list, level }) && self.settle(floor + 1);
        if !done {
            self.undo(mark);
            self.decisions.truncate(floor);
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
            self.levels[package.0 as usize] = self.level();
            self.trail.push(package);
        }
    }

    fn level(&self) -> u32 {
        self.decisions.len() as u32
    }

    fn level_of(&self, package: PackageId) -> u32 {
        self.levels.get(package.0 as usize).copied().unwrap_or(0)
    }

    fn mark(&self) -> Mark {
        Mark {
            trail: self.trail.len(),
            open: self.open.len(),
            next_open: self.next_open,
            next_kept: self.next_kept,
        }
    }

    fn undo(&mut self, mark: Mark) {
        for package in self.trail.drain(mark.trail..) {
            self.states[package.0 as usize] = State::Open;
        }
        self.followed = mark.trail;
        self.open.truncate(mark.open);
        self.next_open = mark.next_open;
        self.next_kept = mark.next_kept;
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
                    self.blame = self.level_of(other);
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
        let mut choice = false;
        for &package in memory.list(list) {
            match self.state(package) {
                State::In => return true,
                State::Out => {}
                State::Open => {
                    choice = only.is_some();
                    only = only.or(Some(package));
                }
            }
        }
        match only {
            Some(_) if choice => {
                let level = self.level();
                self.open.push(Choice { list, level });
                true
            }
            Some(package) => self.bring(package),
            None => {
                self.blame = self.blamed(memory.list(list), self.level());
                false
            }
        }
    }

    /// The latest level below `level` that put one of the packages out.
    fn blamed(&self, packages: &[PackageId], level: u32) -> u32 {
        let levels = packages.iter().map(|&package| self.level_of(package));
        levels.filter(|&one| one < level).max().unwrap_or(0)
    }

    fn is_choice(&self, list: ListId) -> bool {
        let memory = self.provider.memory.borrow();
        let open = |package: &&PackageId| self.state(**package) == State::Open;
        memory.list(list).iter().filter(open).count() > 1
    }

    /// Makes all choices. Decisions below `floor` are not taken back.
    fn settle(&mut self, floor: usize) -> bool {
        while let Some(choice) = self.next_choice() {
            let mut choice = choice;
            while !self.choose(choice) {
                let at = (self.blame as usize).wrapping_sub(1);
                let Some(&decision) = self.decisions.get(at).filter(|_| at >= floor) else {
                    return false;
                };
                if self.jumps == 0 {
                    return false;
                }
                self.jumps -= 1;
                let before = self.before(choice, self.blame);
                self.undo(decision.mark);
                self.decisions.truncate(at);
                self.rule_out(decision.package, before);
                choice = decision.choice;
            }
        }
        true
    }

    /// The level to blame when the one at `level` is gone.
    fn before(&self, choice: Choice, level: u32) -> u32 {
        let memory = self.provider.memory.borrow();
        let packages = self.blamed(memory.list(choice.list), level);
        packages.max(if choice.level < level {
            choice.level
        } else {
            0
        })
    }

    fn rule_out(&mut self, package: PackageId, level: u32) {
        self.set(package, State::Out);
        if let Some(place) = self.levels.get_mut(package.0 as usize) {
            *place = level;
        }
    }

    /// Dependencies in the order in which they were met, what is installed, rich dependencies whose conditions hold now.
    fn next_choice(&mut self) -> Option<Choice> {
        if let Some(&choice) = self.open.get(self.next_open) {
            self.next_open += 1;
            return Some(choice);
        }
        let list = match self.kept.get(self.next_kept) {
            Some(&list) => {
                self.next_kept += 1;
                Some(list)
            }
            None => self.conditional(),
        };
        let level = self.level();
        list.map(|list| Choice { list, level })
    }

    /// Takes the first of a list that does no harm, unless one of it is in. With `false`, `blame` says why.
    fn choose(&mut self, choice: Choice) -> bool {
        let candidates = {
            let memory = self.provider.memory.borrow();
            let list = memory.list(choice.list);
            if list.iter().any(|&package| self.state(package) == State::In) {
                return true;
            }
            list.to_vec()
        };
        for &package in &candidates {
            if self.state(package) != State::Open {
                continue;
            }
            let mark = self.mark();
            self.decisions.push(Decision {
                choice,
                package,
                mark,
            });
            self.blame = 0;
            if self.bring(package) && self.follow() {
                return true;
            }
            let blame = self.blame.min(self.level() - 1);
            self.undo(mark);
            self.decisions.pop();
            self.rule_out(package, blame);
        }
        self.blame = self.blamed(&candidates, u32::MAX).max(choice.level);
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
