//! A profile applied to a host: wishes by the profile's rules, dependencies by the solver, as much as the budget allows.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::Arc,
};

use anyhow::{Context, Result, anyhow, bail};
use escadre_api::host::HostDetail;
use escadre_catalog::{Catalog, PackageId};
use escadre_model::{
    ByteCount, Problem,
    inventory::{InstalledPackage, Inventory},
};
use escadre_repository::Opened;
use escadre_select::{
    Era,
    fill::{self, Cost, Filled, Left, Limits, Needs},
    plan::Host,
    profile::{Profile, Strategy},
    wish::{Wish, Wishes, wishes},
};
use escadre_solve::{Change, Options, Reason, Session as Solver, Solution, Wanted, with_installed};

use super::{
    bans::{beyond, forbidden, pins, refuse, unknown},
    source,
    subject::{Asked, Unborn, free},
};
use crate::{cli::Repositories, client::escape, commands::Session, place};

/// For whom a profile is applied.
pub(super) struct Target {
    host: Option<HostDetail>,
    packages: Vec<InstalledPackage>,
    inventory: Inventory,
}

/// A profile applied: what was chosen, from what, and why.
pub(super) struct Choice {
    pub(super) opened: Opened,
    pub(super) catalog: Arc<Catalog>,
    pub(super) profile: Profile,
    pub(super) wishes: Wishes,
    pub(super) filled: Filled,
    pub(super) solution: Solution,
    /// Value and bound, with `best-fit`.
    pub(super) value: Option<(f64, f64)>,
    /// What is doubtful, and what this way of choosing does not look at.
    pub(super) problems: Vec<Problem>,
    /// Budgets that are exceeded, a sentence each.
    pub(super) over: Vec<String>,
    /// Names that the profile forbids.
    pub(super) forbidden: BTreeSet<String>,
    solver: Solver,
}

impl Target {
    /// A host with what it has.
    pub(super) async fn host(session: &Session, name: &str) -> Result<Self> {
        let host: HostDetail = session
            .client
            .get(&format!("/hosts/{}", escape(name)))
            .await?;
        let path = format!("/hosts/{}/packages", escape(name));
        Ok(Self {
            inventory: host.inventory.clone(),
            packages: session.client.get(&path).await?,
            host: Some(host),
        })
    }

    /// A machine that does not exist yet: only its architecture is known.
    pub(super) fn unborn(arch: &str) -> Self {
        let mut inventory = Inventory::default();
        arch.clone_into(&mut inventory.os.arch);
        Self {
            host: None,
            packages: Vec::new(),
            inventory,
        }
    }

    fn wishes(&self, profile: &Profile, file: &str) -> Wishes {
        let inventory = &self.inventory;
        match &self.host {
            Some(host) => {
                let subject = Asked {
                    host,
                    packages: &self.packages,
                };
                let subject = &subject;
                wishes(profile, file, Host { inventory, subject })
            }
            None => {
                let subject = &Unborn;
                wishes(profile, file, Host { inventory, subject })
            }
        }
    }
}

/// Applies a profile. `essential` asks for what a system cannot be without, too.
pub(super) async fn choose(
    file: &Path,
    target: &Target,
    from: &Repositories,
    essential: bool,
) -> Result<Choice> {
    let mut profile = read(file)?;
    let opened = source::opened(from, place::cache()).await?;
    if essential {
        add_essential(&mut profile, &opened.catalog);
    }
    let solver = solver(target, &opened, from.recommends)?;
    let catalog = Arc::clone(solver.catalog());
    let forbidden = forbidden(&profile, &catalog);
    let mut wishes = target.wishes(&profile, &file.display().to_string());
    let mut problems = std::mem::take(&mut wishes.problems);
    refuse(&forbidden, &mut wishes);
    problems.extend(unknown(&catalog, &mut wishes));
    problems.extend(beyond(&profile, &wishes.file));
    if wishes.wishes.is_empty() {
        bail!("the profile wants no package here; write for example: always = [\"nginx\"]");
    }
    let names = wishes.wishes.iter().map(|wish| Wanted::any(&wish.name));
    let mut resolver = Resolver {
        names: names.collect(),
        forbidden: forbidden.iter().map(Wanted::any).collect(),
        pins: pins(&profile)?,
        solver,
    };
    let limits = Limits {
        disk: profile.budget.disk.map(|bytes| bytes.0),
        download: profile.budget.download.map(|bytes| bytes.0),
    };
    let (filled, value) = fill_up(&profile, &wishes, limits, &mut resolver)?;
    let solution = resolver.solve(&filled.taken).map_err(|why| anyhow!(why))?;
    Ok(Choice {
        over: over(limits, filled.cost, target),
        catalog,
        solver: resolver.solver,
        opened,
        profile,
        wishes,
        filled,
        solution,
        value,
        problems,
        forbidden,
    })
}

/// What a system cannot be without, before the profile's own base.
fn add_essential(profile: &mut Profile, catalog: &Catalog) {
    let essential = catalog.ids().filter(|id| catalog.is_essential(*id));
    let names: BTreeSet<&str> = essential.map(|id| catalog.name(id)).collect();
    let own = std::mem::take(&mut profile.base);
    profile.base = names.into_iter().map(str::to_owned).chain(own).collect();
}

/// A solver that knows what the target has.
fn solver(target: &Target, opened: &Opened, recommends: bool) -> Result<Solver> {
    let packages = source::installed(&target.packages, opened.catalog.kind());
    let base = with_installed(&opened.catalog, &packages)?;
    let catalog = match base.catalog {
        Cow::Borrowed(_) => Arc::clone(&opened.catalog),
        Cow::Owned(grown) => Arc::new(grown),
    };
    let options = Options {
        recommends,
        suggests: false,
        architectures: architectures(&target.inventory.os.arch),
        keep_versions: false,
    };
    Ok(Solver::new(catalog, base.installed, options))
}

impl Choice {
    /// Why a package is chosen, in one line: rule, groups, rate, chain of requires. Nothing if no wish leads to it.
    pub(super) fn why(&self, id: PackageId) -> Option<String> {
        let head = *self.solution.chain(id).first()?;
        let Reason::Requested(wish) = &self.solution.get(head)?.reason else {
            return None;
        };
        let mut line = self
            .wishes
            .ground(wish)
            .unwrap_or_else(|| "requested".to_owned());
        if wish != self.catalog.name(head) {
            line = format!("{line} → {wish}");
        }
        for package in self.solution.chain(id) {
            let name = self.catalog.name(package);
            line += " → ";
            if let Reason::Asked {
                kind, dependency, ..
            } = &self.solution.get(package)?.reason
            {
                line += kind.verb();
                line += " ";
                // A version or an alternative says more than the name of what came.
                if dependency != name {
                    line = format!("{line}{dependency} → ");
                }
            }
            line += name;
        }
        Some(line)
    }

    /// Wishes that are left out, with the reason.
    pub(super) fn left_out(&self) -> Vec<(String, String)> {
        let cut = self
            .filled
            .left
            .iter()
            .find(|(_, left)| **left == Left::Cut);
        let cut = cut.and_then(|(wish, _)| self.wishes.wishes.get(*wish));
        let each = self.filled.left.iter().filter_map(|(index, left)| {
            let wish = self.wishes.wishes.get(*index)?;
            let why = match (left, cut) {
                (Left::Clash(why), _) => why.clone(),
                (Left::Cut, _) => "cut: the first that did not fit the budget".to_owned(),
                (Left::NoRoom, Some(cut)) => {
                    format!(
                        "cut: {} was the first that did not fit the budget",
                        cut.name
                    )
                }
                (Left::NoRoom, None) => "the room has a better use".to_owned(),
            };
            let ground = self.wishes.ground(&wish.name).unwrap_or_default();
            Some((wish.name.clone(), format!("{ground} → {why}")))
        });
        each.collect()
    }

    /// What would happen if a package were wished for too: why that cannot be, if it cannot.
    pub(super) fn clash(&mut self, name: &str) -> Option<String> {
        let request = self.solver.request().clone();
        let mut wanted: Vec<Wanted> = self
            .filled
            .taken
            .iter()
            .filter_map(|index| self.wishes.wishes.get(*index))
            .map(|wish| Wanted::any(&wish.name))
            .collect();
        wanted.push(Wanted::any(name));
        let answer = self.solver.solve(wanted, request.forbidden, request.pins);
        answer.err().map(|error| error.to_string())
    }
}

/// Asks the solver for the wishes of a profile by their places.
struct Resolver {
    names: Vec<Wanted>,
    forbidden: Vec<Wanted>,
    pins: Vec<Wanted>,
    solver: Solver,
}

impl Resolver {
    fn solve(&mut self, wishes: &[usize]) -> Result<Solution, String> {
        let wanted = wishes
            .iter()
            .filter_map(|wish| self.names.get(*wish))
            .cloned();
        self.solver
            .solve(wanted.collect(), self.forbidden.clone(), self.pins.clone())
            .map_err(|error| error.to_string())
    }
}

impl fill::Resolver for Resolver {
    fn cost(&mut self, wishes: &[usize]) -> Result<Cost, String> {
        let solution = self.solve(wishes)?;
        Ok(cost(self.solver.catalog(), &solution))
    }
}

/// What a solution adds on disk, and what is to bring for it.
pub(super) fn cost(catalog: &Catalog, solution: &Solution) -> Cost {
    let mut cost = Cost::default();
    for chosen in &solution.packages {
        let freed = match chosen.change {
            Change::Kept => continue,
            Change::New => 0,
            Change::Replaces(old) => catalog.size(old),
        };
        let grown = catalog.size(chosen.package).saturating_sub(freed);
        cost.disk = cost.disk.saturating_add(grown);
        let file = catalog.file_size(chosen.package);
        cost.download = cost.download.saturating_add(file);
    }
    cost
}

type Value = Option<(f64, f64)>;

fn fill_up(
    profile: &Profile,
    wishes: &Wishes,
    limits: Limits,
    resolver: &mut Resolver,
) -> Result<(Filled, Value)> {
    let firm = wishes.firm();
    if profile.strategy == Strategy::Levels {
        let ends = stops(profile.era, wishes);
        let filled = fill::levels(firm, &ends, limits, resolver).map_err(|why| anyhow!(why))?;
        return Ok((filled, None));
    }
    let value = |wish: &Wish| {
        let rate = i32::from(wish.rate().unwrap_or(1));
        wish.weight.max(0.0) * 10_f64.powi(rate - 1)
    };
    let values: Vec<f64> = wishes.wishes.iter().map(value).collect();
    let needs = needs(wishes, &resolver.solver);
    let fit =
        fill::best_fit(firm, &values, &needs, limits, resolver).map_err(|why| anyhow!(why))?;
    Ok((fit.filled, Some((fit.value, fit.bound))))
}

/// Where a pass may stop: after each wish, or after each rate as a later installer had it.
fn stops(era: Era, wishes: &Wishes) -> Vec<usize> {
    let (firm, count) = (wishes.firm(), wishes.wishes.len());
    let rate = |place: usize| wishes.wishes.get(place).and_then(Wish::rate);
    let is_stop = |end: &usize| match era {
        Era::Batch => *end == firm || *end == count || rate(*end - 1) != rate(*end),
        Era::Y2008 | Era::Y2010 => true,
    };
    (firm..=count).filter(is_stop).collect()
}

/// What each wish cannot do without, and what that adds on disk at least.
fn needs(wishes: &Wishes, solver: &Solver) -> Vec<Needs> {
    let (catalog, installed) = (solver.catalog(), &solver.request().installed);
    let there: BTreeMap<&str, u64> = installed
        .iter()
        .map(|id| (catalog.name(*id), catalog.size(*id)))
        .collect();
    let grows = |id: PackageId| {
        let old = there.get(catalog.name(id));
        Some(old.map_or(catalog.size(id), |_| 0))
    };
    let each = wishes.wishes.iter();
    each.map(|wish| fill::needs(catalog, &wish.name, &grows))
        .collect()
}

fn over(limits: Limits, cost: Cost, target: &Target) -> Vec<String> {
    let mut over = Vec::new();
    let mut check = |what: &str, needed: u64, limit: Option<u64>| {
        if let Some(limit) = limit.filter(|limit| needed > *limit) {
            let (needed, limit) = (ByteCount(needed), ByteCount(limit));
            over.push(format!("{what}: {needed} is more than {limit}"));
        }
    };
    check("the budget for the disk", cost.disk, limits.disk);
    check("the budget for downloads", cost.download, limits.download);
    let room = target.host.as_ref().and_then(free);
    check("the room on the host's root file system", cost.disk, room);
    over
}

fn read(path: &Path) -> Result<Profile> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    Profile::parse(&text).with_context(|| path.display().to_string())
}

/// The host's own architecture first; packages for all come with it.
fn architectures(arch: &str) -> Vec<String> {
    if arch.is_empty() {
        Vec::new()
    } else {
        vec![arch.to_owned(), "all".to_owned(), "noarch".to_owned()]
    }
}
