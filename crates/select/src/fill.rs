//! How many wishes fit: those of a profile within a budget, whatever resolves the dependencies.
//!
//! [`levels`] is the installer's way: from the best wish down with whole closures, until the first that does not fit.
//! [`best_fit`] goes on where `levels` stops, tries other orders, and says what no selection can exceed.
//!
//! Invariants:
//! - The first wishes, the firm ones, are taken even when they alone pass the limits; whoever asks must look.
//! - Wishes that cannot come together with better ones are left out with the resolver's own words.
//! - `best_fit` is never worth less than `levels` on the same input, and never more than its bound.
//! - Few questions to the resolver: prefixes are halved, since more wishes never resolve where fewer did not, and rarely
//!   take less room. What is returned was weighed itself, so it fits even where that is not so.

mod bound;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use bound::{Needs, needs};

/// How many questions the search of `best_fit` may ask.
const QUESTIONS: usize = 600;

/// What a set of wishes comes to, dependencies counted.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Bytes more on disk.
    pub disk: u64,
    /// Bytes to bring.
    pub download: u64,
}

/// What a selection may take; nothing for no limit.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes more on disk.
    pub disk: Option<u64>,
    /// Bytes to bring.
    pub download: Option<u64>,
}

impl Limits {
    /// Whether a cost is within them.
    pub fn allow(&self, cost: Cost) -> bool {
        self.disk.is_none_or(|limit| cost.disk <= limit)
            && self.download.is_none_or(|limit| cost.download <= limit)
    }
}

/// Resolves dependencies. Wishes are named by their place.
pub trait Resolver {
    /// What these wishes come to together; why they cannot, otherwise.
    fn cost(&mut self, wishes: &[usize]) -> Result<Cost, String>;
}

/// Why a wish is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Left {
    /// It cannot come together with better ones: the resolver's words.
    Clash(String),
    /// The first that did not fit.
    Cut,
    /// It comes after the first that did not fit (with `levels`), or there is a better use of the room.
    NoRoom,
}

/// The wishes that fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filled {
    /// Those taken, in the order of the wishes.
    pub taken: Vec<usize>,
    /// Those left out.
    pub left: BTreeMap<usize, Left>,
    /// What the taken ones come to.
    pub cost: Cost,
}

/// The installer's way. `ends` are the places where a pass may stop, best wish first, the last one being the number of
/// wishes: after each wish, or only after each rate.
pub fn levels(
    firm: usize,
    ends: &[usize],
    limits: Limits,
    resolver: &mut dyn Resolver,
) -> Result<Filled, String> {
    let count = ends.last().copied().unwrap_or(firm).max(firm);
    let start: Vec<usize> = (0..firm).collect();
    resolver.cost(&start)?;
    let rest: Vec<usize> = (firm..count).collect();
    let (all, mut left) = consistent(start.clone(), &rest, resolver);
    // Where a pass may stop, counted among those that can come together.
    let mut stops: Vec<usize> = ends
        .iter()
        .map(|end| all.partition_point(|wish| wish < end))
        .filter(|stop| *stop > firm)
        .collect();
    stops.dedup();
    let (stop, cost) = longest(&all, firm, &stops, limits, resolver)?;
    let cut = all.get(stop..).unwrap_or_default();
    for (index, wish) in cut.iter().enumerate() {
        left.insert(*wish, if index == 0 { Left::Cut } else { Left::NoRoom });
    }
    Ok(Filled {
        taken: all.into_iter().take(stop).collect(),
        left,
        cost,
    })
}

/// Of `rest`, in order, all that resolve together with what is taken; the others with the reason.
fn consistent(
    mut taken: Vec<usize>,
    rest: &[usize],
    resolver: &mut dyn Resolver,
) -> (Vec<usize>, BTreeMap<usize, Left>) {
    let mut left = BTreeMap::new();
    let mut queue = rest;
    while let Err(mut why) = resolver.cost(&joined(&taken, queue)) {
        // `good` resolve, `bad` do not.
        let (mut good, mut bad) = (0, queue.len());
        while bad - good > 1 {
            let middle = good.midpoint(bad);
            match resolver.cost(&joined(&taken, &queue[..middle])) {
                Ok(_) => good = middle,
                Err(reason) => (bad, why) = (middle, reason),
            }
        }
        taken.extend(&queue[..good]);
        let Some(clashing) = queue.get(good) else {
            break;
        };
        left.insert(*clashing, Left::Clash(why));
        queue = &queue[good + 1..];
    }
    taken.extend(queue);
    (taken, left)
}

/// The last stop up to which it fits.
fn longest(
    all: &[usize],
    firm: usize,
    stops: &[usize],
    limits: Limits,
    resolver: &mut dyn Resolver,
) -> Result<(usize, Cost), String> {
    let mut weigh = |stop: usize| resolver.cost(&all[..stop]);
    if let Some(last) = stops.last() {
        let cost = weigh(*last)?;
        if limits.allow(cost) {
            return Ok((*last, cost));
        }
    }
    let mut best = (firm, weigh(firm)?);
    if !limits.allow(best.1) {
        return Ok(best);
    }
    let (mut good, mut bad) = (0, stops.len());
    while bad - good > 1 {
        let middle = good.midpoint(bad);
        // The stop numbered `n` is the one behind `n` steps from the firm wishes.
        let cost = weigh(stops[middle - 1])?;
        if limits.allow(cost) {
            good = middle;
            best = (stops[middle - 1], cost);
        } else {
            bad = middle;
        }
    }
    Ok(best)
}

fn joined(taken: &[usize], more: &[usize]) -> Vec<usize> {
    taken.iter().chain(more).copied().collect()
}

/// A selection and how good it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// The wishes that are taken.
    pub filled: Filled,
    /// What they are worth.
    pub value: f64,
    /// No selection within the limits is worth more.
    pub bound: f64,
    /// What `levels` gets.
    pub levels: f64,
}

/// The most value within the limits. `values` are those of all wishes (the firm ones count for nothing), `needs` what each
/// cannot do without.
pub fn best_fit(
    firm: usize,
    values: &[f64],
    needs: &[Needs],
    limits: Limits,
    resolver: &mut dyn Resolver,
) -> Result<Fit, String> {
    let ends: Vec<usize> = (firm..=values.len()).collect();
    let levels = levels(firm, &ends, limits, resolver)?;
    let costs = bound::shared(firm, needs);
    let mut search = Search {
        firm,
        values,
        limits,
        resolver,
        questions: QUESTIONS,
    };
    let value_of_levels = search.value(&levels.taken);
    let mut best = levels.clone();
    if levels
        .left
        .values()
        .any(|left| !matches!(left, Left::Clash(_)))
    {
        let density = search.order(|wish| values[wish] / costs[wish].max(1.0));
        let cheapest = search.order(|wish| -costs[wish]);
        let mut onward = levels.taken.clone();
        onward.extend(&density);
        for order in [onward, density, cheapest] {
            let other = search.fill(&levels, &order);
            if search.value(&other.taken) > search.value(&best.taken) {
                best = other;
            }
        }
        best = search.exchange(best);
    }
    let value = search.value(&best.taken);
    Ok(Fit {
        value,
        // Sums of parts may differ in their last figure.
        bound: bound::value(firm, values, needs, &costs, limits).max(value),
        levels: value_of_levels,
        filled: best,
    })
}

struct Search<'a> {
    firm: usize,
    values: &'a [f64],
    limits: Limits,
    resolver: &'a mut dyn Resolver,
    questions: usize,
}

impl Search<'_> {
    fn value(&self, taken: &[usize]) -> f64 {
        let mut taken: Vec<usize> = taken.iter().copied().filter(|w| *w >= self.firm).collect();
        taken.sort_unstable();
        taken.iter().fold(0.0, |sum, wish| sum + self.values[*wish])
    }

    /// The wishes that are not firm, the greatest key first.
    fn order(&self, key: impl Fn(usize) -> f64) -> Vec<usize> {
        let mut order: Vec<usize> = (self.firm..self.values.len()).collect();
        order.sort_by(|a, b| key(*b).total_cmp(&key(*a)));
        order
    }

    fn fitting(&mut self, wishes: &[usize]) -> Option<Cost> {
        self.questions = self.questions.checked_sub(1)?;
        let cost = self.resolver.cost(wishes).ok()?;
        self.limits.allow(cost).then_some(cost)
    }

    /// Takes wishes in this order; what does not fit is passed over, and the next is tried.
    fn fill(&mut self, levels: &Filled, order: &[usize]) -> Filled {
        let mut taken: Vec<usize> = (0..self.firm).collect();
        let mut cost = self.fitting(&taken);
        let mut queue: Vec<usize> = Vec::new();
        for wish in order {
            if *wish >= self.firm && !queue.contains(wish) {
                queue.push(*wish);
            }
        }
        let mut queue = queue.as_slice();
        while cost.is_some() && !queue.is_empty() && self.questions > 0 {
            let (good, better) = self.prefix(&taken, queue);
            taken.extend(&queue[..good]);
            cost = better.or(cost);
            // The next one is what does not fit.
            queue = queue.get(good + 1..).unwrap_or_default();
        }
        taken.sort_unstable();
        let cost = cost.unwrap_or(levels.cost);
        filled(levels, taken, self.values.len(), cost)
    }

    /// How many of the queue fit at once: found by doubling, then halving.
    fn prefix(&mut self, taken: &[usize], queue: &[usize]) -> (usize, Option<Cost>) {
        let (mut good, mut bad, mut cost) = (0, queue.len() + 1, None);
        let mut next = 1;
        while bad - good > 1 {
            match self.fitting(&joined(taken, &queue[..next])) {
                Some(found) => (good, cost) = (next, Some(found)),
                None => bad = next,
            }
            next = if bad > queue.len() {
                (good * 2).min(queue.len()).max(good + 1)
            } else {
                good.midpoint(bad)
            };
            if good == queue.len() {
                break;
            }
        }
        (good, cost)
    }

    /// Puts what is left out first and fills again, as long as questions are left.
    fn exchange(&mut self, mut best: Filled) -> Filled {
        let mut left: Vec<usize> = best.left.keys().copied().collect();
        left.sort_by(|a, b| self.values[*b].total_cmp(&self.values[*a]));
        for wish in left {
            if self.questions == 0 {
                break;
            }
            let mut order = vec![wish];
            order.extend(&best.taken);
            order.extend(best.left.keys());
            let other = self.fill(&best, &order);
            if self.value(&other.taken) > self.value(&best.taken) {
                best = other;
            }
        }
        best
    }
}

fn filled(before: &Filled, taken: Vec<usize>, count: usize, cost: Cost) -> Filled {
    let reason = |wish: &usize| match before.left.get(wish) {
        Some(Left::Clash(why)) => Left::Clash(why.clone()),
        _ => Left::NoRoom,
    };
    let left = (0..count)
        .filter(|wish| taken.binary_search(wish).is_err())
        .map(|wish| (wish, reason(&wish)));
    Filled {
        left: left.collect(),
        taken,
        cost,
    }
}
