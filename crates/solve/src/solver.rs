//! One question, one answer: sets resolvo to work and reads what it found.

use std::{cell::RefCell, collections::HashSet};

use escadre_catalog::{
    Catalog, Op, PackageId, RelationKind,
    catalog::{Atom, Demand},
};
use resolvo::{ConditionalRequirement, Problem, SolvableId, Solver, UnsolvableOrCancelled};

use crate::{
    descent::Descent,
    explain,
    memory::{ListId, Memory},
    provider::Provider,
    reasons,
    request::{Request, SolveError, Wanted},
    solution::Solution,
};

/// How often the list of recommended packages may grow; each round follows them one step further.
const ROUNDS: usize = 64;

/// Finds packages that meet the request.
pub fn solve(catalog: &Catalog, request: &Request) -> Result<Solution, SolveError> {
    answer(catalog, request, &RefCell::default())
}

/// The same, with what was remembered of the catalog and the machine.
pub(crate) fn answer(
    catalog: &Catalog,
    request: &Request,
    memory: &RefCell<Memory>,
) -> Result<Solution, SolveError> {
    let provider = Provider::new(catalog, request, memory);
    let mut wishes = Vec::with_capacity(request.wanted.len());
    for wanted in &request.wanted {
        let packages = answers(&provider, wanted);
        if packages.is_empty() {
            return Err(unknown(&provider, wanted));
        }
        wishes.push(packages);
    }
    let kept = keep_installed(&provider);
    let weak = weak_kinds(request);
    let chosen = match descend(&provider, &wishes, &kept, &weak) {
        Some(chosen) => chosen,
        None => search(catalog, request, memory, &wishes, &kept, &weak)?,
    };
    Ok(reasons::explain(&provider, chosen, &wishes, &weak))
}

fn weak_kinds(request: &Request) -> Vec<RelationKind> {
    let options = &request.options;
    let recommends = options.recommends.then_some(RelationKind::Recommends);
    let suggests = options.suggests.then_some(RelationKind::Suggests);
    recommends.into_iter().chain(suggests).collect()
}

/// The quick way, for requests in which no choice has to be taken back far.
fn descend(
    provider: &Provider<'_>,
    wishes: &[Vec<PackageId>],
    kept: &[Vec<PackageId>],
    weak: &[RelationKind],
) -> Option<Vec<PackageId>> {
    let mut descent = Descent::new(provider);
    if !descent.run(wishes, kept) {
        return None;
    }
    let mut chosen = descent.packages();
    if !weak.is_empty() {
        let mut tried = HashSet::new();
        for _ in 0..ROUNDS {
            let more = weak_wishes(provider, &chosen, weak, &mut tried);
            if more.is_empty() {
                break;
            }
            for package in more {
                descent.also(package);
            }
            chosen = descent.packages();
        }
    }
    Some(chosen)
}

/// The thorough way.
fn search(
    catalog: &Catalog,
    request: &Request,
    memory: &RefCell<Memory>,
    wishes: &[Vec<PackageId>],
    kept: &[Vec<PackageId>],
    weak: &[RelationKind],
) -> Result<Vec<PackageId>, SolveError> {
    let provider = Provider::new(catalog, request, memory);
    let requirements: Vec<ConditionalRequirement> = wishes
        .iter()
        .chain(kept)
        .filter_map(|packages| provider.requirement(packages))
        .map(ConditionalRequirement::from)
        .collect();
    let mut solver = Solver::new(provider);
    let mut beyond: Vec<SolvableId> = Vec::new();
    let mut chosen = run(&mut solver, &requirements, &beyond)?;
    if !weak.is_empty() {
        let mut tried = HashSet::new();
        for _ in 0..ROUNDS {
            let more = weak_wishes(solver.provider(), &chosen, weak, &mut tried);
            if more.is_empty() {
                break;
            }
            beyond.extend(more.iter().map(|package| SolvableId::from_raw(package.0)));
            chosen = run(&mut solver, &requirements, &beyond)?;
        }
    }
    Ok(chosen)
}

fn run(
    solver: &mut Solver<Provider<'_>>,
    requirements: &[ConditionalRequirement],
    beyond: &[SolvableId],
) -> Result<Vec<PackageId>, SolveError> {
    let problem = Problem::new()
        .requirements(requirements.to_vec())
        .soft_requirements(beyond.iter().copied());
    match solver.solve(problem) {
        Ok(solvables) => Ok(solvables
            .into_iter()
            .map(|solvable| PackageId(solvable.into_raw()))
            .collect()),
        Err(UnsolvableOrCancelled::Unsolvable(conflict)) => Err(SolveError::Unsatisfiable(
            explain::paragraph(solver, &conflict),
        )),
        Err(UnsolvableOrCancelled::Cancelled(_)) => Err(SolveError::Unsatisfiable(
            "the search was given up".to_owned(),
        )),
    }
}

fn answers(provider: &Provider<'_>, wanted: &Wanted) -> Vec<PackageId> {
    let Some(name) = provider.catalog.name_id(&wanted.name) else {
        return Vec::new();
    };
    let demand = Demand::Range(wanted.op, &wanted.version);
    let atom = Atom {
        name,
        demand,
        any_arch: true,
        before: false,
    };
    provider.in_order(provider.answers(&atom, Some(0)))
}

/// Every installed name stays, in some version, unless something that obsoletes it comes in.
fn keep_installed(provider: &Provider<'_>) -> Vec<Vec<PackageId>> {
    let obsoleting = provider.obsoleting();
    let keep = |&package: &PackageId| {
        let slot = provider.slot(package);
        let named = provider
            .catalog
            .packages_named(provider.catalog.name_of(package));
        let mut packages = vec![package];
        packages.extend(named.filter(|&other| other != package && provider.slot(other) == slot));
        packages.extend(obsoleting.get(&package).into_iter().flatten());
        packages
    };
    provider.request.installed.iter().map(keep).collect()
}

/// For each recommendation that is not met yet, the first package that would meet it.
fn weak_wishes(
    provider: &Provider<'_>,
    chosen: &[PackageId],
    kinds: &[RelationKind],
    tried: &mut HashSet<(PackageId, ListId)>,
) -> Vec<PackageId> {
    let mut order = chosen.to_vec();
    order.sort_unstable();
    let chosen: HashSet<PackageId> = chosen.iter().copied().collect();
    let slot = |package: PackageId| provider.slot(package).into_raw();
    let taken: HashSet<u32> = order.iter().map(|&package| slot(package)).collect();
    let mut slots = HashSet::new();
    let mut wishes = Vec::new();
    for package in order {
        if provider.is_installed(package) {
            continue;
        }
        for &kind in kinds {
            for group in provider.catalog.relations(package).of(kind) {
                let list = provider.answers_for(package, group);
                let memory = provider.memory.borrow();
                let packages = memory.list(list);
                if packages.iter().any(|answer| chosen.contains(answer))
                    || !tried.insert((package, list))
                {
                    continue;
                }
                let usable = |answer: &&PackageId| {
                    !taken.contains(&slot(**answer)) && provider.may_come(**answer)
                };
                if let Some(&first) = packages.iter().find(usable)
                    && slots.insert(slot(first))
                {
                    wishes.push(first);
                }
            }
        }
    }
    wishes
}

fn unknown(provider: &Provider<'_>, wanted: &Wanted) -> SolveError {
    let bare = Wanted {
        op: Op::Any,
        version: String::new(),
        ..wanted.clone()
    };
    let there = answers(provider, &bare);
    let versions: Vec<&str> = there
        .iter()
        .take(3)
        .map(|&package| provider.catalog.version(package))
        .collect();
    let hint = if versions.is_empty() {
        String::new()
    } else {
        format!("; there is {}", versions.join(", "))
    };
    SolveError::Unknown {
        wanted: wanted.to_string(),
        hint,
    }
}
