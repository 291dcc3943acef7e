//! Rich dependencies as clauses: "when these are there, one of those must be".

use std::{collections::HashSet, sync::Arc};

use escadre_catalog::{
    PackageId,
    catalog::{Atom, Demand},
    package::Property,
    rpmmd::rich::{Rich, parse},
};

use crate::provider::Provider;

/// More clauses than any real dependency makes.
const CLAUSE_LIMIT: usize = 256;

/// When a package of each condition is there, one of the packages must be.
#[derive(Debug, Clone, Default)]
pub(crate) struct Clause {
    /// The dependency that it is part of, as written.
    pub(crate) text: Arc<str>,
    pub(crate) conditions: Vec<Vec<PackageId>>,
    pub(crate) packages: Vec<PackageId>,
}

/// The clauses of a rich dependency; `Err` is the rest of a sentence about it.
pub(crate) fn clauses(provider: &Provider<'_>, text: &str) -> Result<Vec<Clause>, String> {
    let rich = parse(text).map_err(|error| error.to_string())?;
    let found = compile(provider, &rich, true).ok_or_else(|| "is too complex".to_owned())?;
    let text: Arc<str> = Arc::from(text);
    let told = found.into_iter().map(|clause| Clause {
        text: Arc::clone(&text),
        ..clause
    });
    Ok(told.collect())
}

/// The clauses of an expression, or of its negation.
fn compile(provider: &Provider<'_>, rich: &Rich, holds: bool) -> Option<Vec<Clause>> {
    match (rich, holds) {
        (Rich::One(_) | Rich::With(_) | Rich::Without(..), true) => Some(vec![Clause {
            packages: answers(provider, rich),
            ..Clause::default()
        }]),
        (Rich::One(_) | Rich::With(_) | Rich::Without(..), false) => Some(vec![Clause {
            conditions: vec![answers(provider, rich)],
            ..Clause::default()
        }]),
        (Rich::And(all), true) | (Rich::Or(all), false) => {
            let mut clauses = Vec::new();
            for one in all {
                clauses.extend(compile(provider, one, holds)?);
            }
            (clauses.len() <= CLAUSE_LIMIT).then_some(clauses)
        }
        (Rich::Or(all), true) | (Rich::And(all), false) => {
            all.iter().try_fold(vec![Clause::default()], |sum, one| {
                either(&sum, &compile(provider, one, holds)?)
            })
        }
        // (¬b ∨ a) ∧ (b ∨ c)
        (Rich::If(a, b, c), true) => {
            let mut clauses = either(&compile(provider, b, false)?, &compile(provider, a, true)?)?;
            if let Some(c) = c {
                // Rather what is asked for otherwise than the condition itself.
                clauses.extend(either(
                    &compile(provider, c, true)?,
                    &compile(provider, b, true)?,
                )?);
            }
            Some(clauses)
        }
        (Rich::If(a, b, c), false) => {
            let mut clauses = either(&compile(provider, b, false)?, &compile(provider, a, false)?)?;
            let otherwise = match c {
                Some(c) => either(&compile(provider, b, true)?, &compile(provider, c, false)?)?,
                None => compile(provider, b, true)?,
            };
            clauses.extend(otherwise);
            Some(clauses)
        }
        // (a ∧ ¬b) ∨ (c ∧ b)
        (Rich::Unless(a, b, c), _) => {
            let not_b = compile(provider, b, false)?;
            let first: Vec<Clause> = compile(provider, a, true)?
                .into_iter()
                .chain(not_b)
                .collect();
            if !holds {
                return either(&compile(provider, a, false)?, &compile(provider, b, true)?);
            }
            match c {
                None => Some(first),
                Some(c) => {
                    let second: Vec<Clause> = compile(provider, c, true)?
                        .into_iter()
                        .chain(compile(provider, b, true)?)
                        .collect();
                    either(&first, &second)
                }
            }
        }
    }
}

/// The disjunction of two conjunctions of clauses.
fn either(a: &[Clause], b: &[Clause]) -> Option<Vec<Clause>> {
    if a.len().saturating_mul(b.len()) > CLAUSE_LIMIT {
        return None;
    }
    let pairs = a.iter().flat_map(|x| b.iter().map(move |y| (x, y)));
    Some(pairs.map(|(x, y)| join(x, y)).collect())
}

fn join(x: &Clause, y: &Clause) -> Clause {
    let known: HashSet<PackageId> = x.packages.iter().copied().collect();
    let more = y
        .packages
        .iter()
        .copied()
        .filter(|package| !known.contains(package));
    Clause {
        text: Arc::clone(&x.text),
        conditions: x.conditions.iter().chain(&y.conditions).cloned().collect(),
        packages: x.packages.iter().copied().chain(more).collect(),
    }
}

/// The packages that answer an expression by themselves.
fn answers(provider: &Provider<'_>, rich: &Rich) -> Vec<PackageId> {
    match rich {
        Rich::One(property) => property_answers(provider, property),
        Rich::With(all) => {
            let mut lists = all.iter().map(|one| answers(provider, one));
            let first = lists.next().unwrap_or_default();
            lists.fold(first, |left, list| {
                let list: HashSet<PackageId> = list.into_iter().collect();
                left.into_iter()
                    .filter(|package| list.contains(package))
                    .collect()
            })
        }
        Rich::Without(a, b) => {
            let out: HashSet<PackageId> = answers(provider, b).into_iter().collect();
            answers(provider, a)
                .into_iter()
                .filter(|package| !out.contains(package))
                .collect()
        }
        Rich::Or(all) => all.iter().flat_map(|one| answers(provider, one)).collect(),
        Rich::And(_) | Rich::If(..) | Rich::Unless(..) => Vec::new(),
    }
}

fn property_answers(provider: &Provider<'_>, property: &Property) -> Vec<PackageId> {
    let Some(name) = provider.catalog.name_id(&property.name) else {
        return Vec::new();
    };
    let demand = Demand::Range(property.op, &property.version);
    provider.answers(
        &Atom {
            name,
            demand,
            any_arch: false,
            before: false,
        },
        None,
    )
}
