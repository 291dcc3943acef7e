//! One question, one answer: sets resolvo to work and reads what it found.

use std::collections::HashSet;

use escadre_catalog::{
    Catalog, Op, PackageId, RelationKind,
    catalog::{Atom, Demand},
};
use resolvo::{ConditionalRequirement, Problem, SolvableId, Solver, UnsolvableOrCancelled};

use crate::{
    explain,
    provider::Provider,
    reasons,
    request::{Request, SolveError, Wanted},
    solution::Solution,
};

/// How often the list of recommended packages may grow; each round follows them one step further.
const ROUNDS: usize = 64;

/// Finds packages that meet the request.
pub fn solve(catalog: &Catalog, request: &Request) -> Result<Solution, SolveError> {
    let provider = Provider::new(catalog, request);
    let mut wishes = Vec::with_capacity(request.wanted.len());
    let mut requirements: Vec<ConditionalRequirement> = Vec::with_capacity(request.wanted.len());
    for wanted in &request.wanted {
        let packages = answers(&provider, wanted);
        match provider.requirement(&packages) {
            Some(requirement) => requirements.push(requirement.into()),
            None => return Err(unknown(&provider, wanted)),
        }
        wishes.push((wanted.to_string(), packages));
    }
    requirements.extend(keep_installed(&provider));
    let mut kinds = vec![RelationKind::Requires];
    kinds.extend(
        request
            .options
            .recommends
            .then_some(RelationKind::Recommends),
    );
    kinds.extend(request.options.suggests.then_some(RelationKind::Suggests));
    let mut solver = Solver::new(provider);
    let mut wishes_beyond: Vec<SolvableId> = Vec::new();
    let mut chosen = run(&mut solver, &requirements, &wishes_beyond)?;
    if kinds.len() > 1 {
        let mut tried = HashSet::new();
        for _ in 0..ROUNDS {
            let more = weak_wishes(solver.provider(), &chosen, &kinds[1..], &mut tried);
            if more.is_empty() {
                break;
            }
            wishes_beyond.extend(more);
            chosen = run(&mut solver, &requirements, &wishes_beyond)?;
        }
    }
    Ok(reasons::explain(
        solver.provider(),
        &chosen,
        &wishes,
        &kinds,
    ))
}

fn run(
    solver: &mut Solver<Provider<'_>>,
    requirements: &[ConditionalRequirement],
    beyond: &[SolvableId],
) -> Result<HashSet<PackageId>, SolveError> {
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
    provider.answers(
        &Atom {
            name,
            demand,
            any_arch: true,
            before: false,
        },
        Some(0),
    )
}

/// Every installed name stays, in some version, unless something that obsoletes it comes in.
fn keep_installed(provider: &Provider<'_>) -> Vec<ConditionalRequirement> {
    let obsoleting = provider.obsoleting();
    let mut requirements = Vec::new();
    for &package in &provider.request.installed {
        let slot = provider.slot(package);
        let named = provider
            .catalog
            .packages_named(provider.catalog.name_of(package));
        let mut packages = vec![package];
        packages.extend(named.filter(|&other| other != package && provider.slot(other) == slot));
        packages.extend(obsoleting.get(&package).into_iter().flatten());
        requirements.extend(
            provider
                .requirement(&packages)
                .map(ConditionalRequirement::from),
        );
    }
    requirements
}

/// For each recommendation that is not met yet, the first package that would meet it.
fn weak_wishes(
    provider: &Provider<'_>,
    chosen: &HashSet<PackageId>,
    kinds: &[RelationKind],
    tried: &mut HashSet<(PackageId, Vec<u8>)>,
) -> Vec<SolvableId> {
    let mut order: Vec<PackageId> = chosen.iter().copied().collect();
    order.sort_unstable();
    let taken: HashSet<u32> = chosen
        .iter()
        .map(|&package| provider.slot(package).into_raw())
        .collect();
    let mut slots = HashSet::new();
    let mut wishes = Vec::new();
    for package in order {
        if provider.is_installed(package) {
            continue;
        }
        for &kind in kinds {
            for group in provider.catalog.relations(package).of(kind) {
                let packages = provider.group_answers_for(package, group);
                if packages.iter().any(|answer| chosen.contains(answer))
                    || !tried.insert((package, group.key().to_vec()))
                {
                    continue;
                }
                let usable = |answer: &&PackageId| {
                    let slot = provider.slot(**answer).into_raw();
                    !taken.contains(&slot) && provider.may_come(**answer)
                };
                if let Some(&first) = packages.iter().find(usable)
                    && slots.insert(provider.slot(first).into_raw())
                {
                    wishes.push(SolvableId::from_raw(first.0));
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
