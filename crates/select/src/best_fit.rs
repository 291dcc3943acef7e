//! Strategy `best-fit`: the most value within the budget, with a bound that says how far from optimal it can be at most.
//!
//! The value of a wanted package is that of its rate (each rate is worth ten of the next) times its weight. Closures
//! count: a package brings what it needs. Several ways of filling the room are tried, that of `levels` among them, and
//! the best is improved by exchanges; so the result is never worse than that of `levels`.
//!
//! Invariant: what is returned fits the budget whenever the start does, and its value is not above the bound.

mod bound;

use std::{cmp::Ordering, collections::BTreeMap};

use crate::{
    era::Era,
    pass,
    rating::Ratings,
    sizes,
    step::Step,
    urpm::{PackageId, Urpm},
};

/// How many whole selections the exchanges may try.
const EXCHANGES: usize = 60;

/// What a selection may take; 0 for no limit.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Installed bytes.
    pub disk: f64,
    /// Bytes to fetch.
    pub download: u64,
}

/// A selection and how good it is.
#[derive(Debug, Clone)]
pub struct Fit {
    /// The selection.
    pub urpm: Urpm,
    /// Its value.
    pub value: f64,
    /// No selection within the budget is worth more.
    pub bound: f64,
    /// What `levels` gets on the same input; nothing if that breaks the budget for downloads.
    pub levels: Option<f64>,
    /// Installed bytes.
    pub size: i64,
    /// Bytes to fetch.
    pub download: u64,
    /// The budget.
    pub limits: Limits,
}

impl Fit {
    /// One line for people: value, bound, room.
    pub fn summary(&self) -> String {
        let share = if self.bound > 0.0 {
            100.0 * self.value / self.bound
        } else {
            100.0
        };
        let room = if self.limits.disk == 0.0 {
            "no limit".to_owned()
        } else {
            sizes::written(self.limits.disk)
        };
        format!(
            "value {} of at most {} ({share:.1} %), {} of {room}",
            self.value.round(),
            self.bound.round(),
            sizes::written(self.size as f64)
        )
    }
}

/// A wanted package.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    id: PackageId,
    value: f64,
    /// The least it can cost, shared costs divided.
    cost: f64,
    /// The least it costs alone.
    alone: f64,
}

/// A way of filling the room: the packages asked for, in order, and what came of it.
#[derive(Clone)]
struct Filled {
    order: Vec<PackageId>,
    urpm: Urpm,
    value: f64,
    size: i64,
    download: u64,
}

/// Selects the most value for a step as it stands. The step is not changed.
pub fn fit(step: &Step, weights: &BTreeMap<String, f64>, limits: Limits) -> Fit {
    let search = Search::new(step, weights, limits);
    let levels = search.levels(step);
    let levels_value = levels.as_ref().map(|levels| levels.value);
    let mut ways: Vec<Filled> = search
        .orders()
        .into_iter()
        .map(|order| search.fill(order))
        .collect();
    if let Some(levels) = levels {
        let mut order = levels.order.clone();
        order.extend(search.by_density());
        ways.push(search.fill(order));
        ways.push(levels);
    }
    let best = ways
        .into_iter()
        .reduce(better)
        .unwrap_or_else(|| search.fill(Vec::new()));
    let best = search.exchange(best);
    let bound = bound::value(search.start, &search.wanted, limits);
    Fit {
        value: best.value,
        // Sums of parts may differ in their last figure.
        bound: bound.max(best.value),
        levels: levels_value,
        size: best.size,
        download: best.download,
        limits,
        urpm: best.urpm,
    }
}

fn value(step: &Step, rate: u8, id: PackageId, weights: &BTreeMap<String, f64>) -> f64 {
    let weight = weights
        .get(&step.urpm.universe().package(id).name)
        .copied()
        .unwrap_or(1.0);
    10_f64.powi(i32::from(rate) - 1) * weight
}

fn better(a: Filled, b: Filled) -> Filled {
    let order = a.value.total_cmp(&b.value).then(b.size.cmp(&a.size));
    if order == Ordering::Less { b } else { a }
}

struct Search<'a> {
    start: &'a Urpm,
    wanted: Vec<Wanted>,
    limits: Limits,
}

impl<'a> Search<'a> {
    fn new(step: &'a Step, weights: &BTreeMap<String, f64>, limits: Limits) -> Self {
        let mut flags = step.flags.clone();
        flags.set("TRUE", true);
        let wanted = step.ratings.wanted(&flags, step.level);
        let values: Vec<(PackageId, f64)> = wanted
            .iter()
            .map(|(rate, id)| (*id, value(step, *rate, *id, weights)))
            .collect();
        let costs = bound::costs(&step.urpm, &values);
        let wanted = values.iter().zip(&costs).map(|((id, value), cost)| Wanted {
            id: *id,
            value: *value,
            cost: cost.shared,
            alone: cost.alone,
        });
        Self {
            start: &step.urpm,
            wanted: wanted.collect(),
            limits,
        }
    }

    /// Orders in which the room may be filled.
    fn orders(&self) -> Vec<Vec<PackageId>> {
        let ids =
            |mut wanted: Vec<Wanted>, key: &dyn Fn(&Wanted) -> (f64, f64)| -> Vec<PackageId> {
                wanted.sort_by(|a, b| {
                    let (a, b) = (key(a), key(b));
                    b.0.total_cmp(&a.0).then(b.1.total_cmp(&a.1))
                });
                wanted.iter().map(|wanted| wanted.id).collect()
            };
        vec![
            ids(self.wanted.clone(), &|wanted| (wanted.value, -wanted.cost)),
            self.by_density(),
            ids(self.wanted.clone(), &|wanted| (-wanted.cost, wanted.value)),
        ]
    }

    fn by_density(&self) -> Vec<PackageId> {
        let mut wanted = self.wanted.clone();
        wanted.sort_by(|a, b| (b.value / b.cost.max(1.0)).total_cmp(&(a.value / a.cost.max(1.0))));
        wanted.iter().map(|wanted| wanted.id).collect()
    }

    /// Asks for packages in this order; what does not fit is left out, and the next is tried.
    fn fill(&self, order: Vec<PackageId>) -> Filled {
        let mut urpm = self.start.clone();
        let mut size = urpm.selected_size();
        let mut download = 0_u64;
        let mut asked = Vec::new();
        for id in order {
            let bunch = urpm.select(id);
            let (more, fetch) = weigh(&urpm, &bunch);
            let fits = self.fits(size.saturating_add(more), download.saturating_add(fetch));
            if fits {
                size = size.saturating_add(more);
                download = download.saturating_add(fetch);
                asked.push(id);
            } else {
                urpm.unselect(&bunch);
            }
        }
        let value = self.value(&urpm);
        Filled {
            order: asked,
            urpm,
            value,
            size,
            download,
        }
    }

    fn fits(&self, size: i64, download: u64) -> bool {
        (self.limits.disk == 0.0 || size as f64 <= self.limits.disk)
            && (self.limits.download == 0 || download <= self.limits.download)
    }

    fn value(&self, urpm: &Urpm) -> f64 {
        self.wanted
            .iter()
            .filter(|wanted| urpm.marks(wanted.id).is_available())
            .fold(0.0, |sum, wanted| sum + wanted.value)
    }

    /// What the strategy `levels` makes of the same input.
    fn levels(&self, step: &Step) -> Option<Filled> {
        let mut urpm = self.start.clone();
        let before = urpm.selected_size();
        let was: Vec<PackageId> = urpm.selected().collect();
        let (ratings, era): (&Ratings, Era) = (&step.ratings, step.era);
        pass::run(
            &mut urpm,
            ratings,
            &mut step.flags.clone(),
            step.level,
            self.limits.disk,
            era,
        );
        let new: Vec<PackageId> = urpm
            .selected()
            .filter(|id| was.binary_search(id).is_err())
            .collect();
        let (more, download) = weigh(&urpm, &new);
        let size = before.saturating_add(more);
        if !new.is_empty() && !self.fits(size, download) {
            return None;
        }
        let order = self
            .wanted
            .iter()
            .map(|wanted| wanted.id)
            .filter(|id| urpm.marks(*id).is_selected())
            .collect();
        let value = self.value(&urpm);
        Some(Filled {
            order,
            urpm,
            value,
            size,
            download,
        })
    }

    /// Puts what is left out first and tries again, as long as that is better.
    fn exchange(&self, mut best: Filled) -> Filled {
        let mut tries = EXCHANGES;
        let mut left: Vec<Wanted> = self
            .wanted
            .iter()
            .filter(|wanted| !best.urpm.marks(wanted.id).is_available())
            .copied()
            .collect();
        left.sort_by(|a, b| b.value.total_cmp(&a.value).then(a.cost.total_cmp(&b.cost)));
        for wanted in left {
            if tries == 0 {
                break;
            }
            tries -= 1;
            let mut order = vec![wanted.id];
            order.extend(best.order.iter().copied());
            order.extend(self.by_density());
            let other = self.fill(order);
            if other.value > best.value {
                best = other;
            }
        }
        best
    }
}

/// Bytes that packages take, and bytes to fetch for them.
fn weigh(urpm: &Urpm, ids: &[PackageId]) -> (i64, u64) {
    ids.iter().fold((0_i64, 0_u64), |(size, fetch), id| {
        let package = urpm.universe().package(*id);
        (
            size.saturating_add(i64::try_from(package.size).unwrap_or(i64::MAX)),
            fetch.saturating_add(package.filesize),
        )
    })
}

#[cfg(test)]
mod tests;
