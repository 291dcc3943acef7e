//! Against a resolver that is small enough to try every selection.

use proptest::prelude::*;

use super::*;

/// Wishes with what they need: packages by number, each of a size; and pairs that clash.
struct Small {
    needs: Vec<Vec<usize>>,
    sizes: Vec<u64>,
    clashes: Vec<(usize, usize)>,
    asked: usize,
}

impl Resolver for Small {
    fn cost(&mut self, wishes: &[usize]) -> Result<Cost, String> {
        self.asked += 1;
        for (a, b) in &self.clashes {
            if wishes.contains(a) && wishes.contains(b) {
                return Err(format!("{a} clashes with {b}"));
            }
        }
        let mut packages: Vec<usize> = wishes.iter().flat_map(|w| self.needs[*w].clone()).collect();
        packages.sort_unstable();
        packages.dedup();
        let disk = packages.iter().map(|package| self.sizes[*package]).sum();
        Ok(Cost {
            disk,
            download: disk / 2,
        })
    }
}

fn small(sizes: &[u64], clashes: &[(usize, usize)]) -> Small {
    Small {
        needs: (0..sizes.len()).map(|wish| vec![wish]).collect(),
        sizes: sizes.to_vec(),
        clashes: clashes.to_vec(),
        asked: 0,
    }
}

fn disk(limit: u64) -> Limits {
    Limits {
        disk: Some(limit),
        download: None,
    }
}

fn each(count: usize) -> Vec<usize> {
    (0..=count).collect()
}

#[test]
fn levels_stop_at_the_first_that_does_not_fit() {
    for (limit, ends, taken, cut) in [
        (100, each(5), vec![0, 1, 2, 3, 4], None),
        (60, each(5), vec![0, 1, 2], Some(3)),
        (59, each(5), vec![0, 1], Some(2)),
        (5, each(5), vec![0], Some(1)),
        // Rates end after the second and the last wish: the last rate goes whole.
        (95, vec![1, 2, 5], vec![0, 1], Some(2)),
        (100, vec![1, 2, 5], vec![0, 1, 2, 3, 4], None),
    ] {
        let mut resolver = small(&[10, 20, 30, 39, 1], &[]);
        let filled = levels(1, &ends, disk(limit), &mut resolver).expect("nothing clashes");
        assert_eq!(filled.taken, taken, "{limit} {ends:?}");
        let found = filled.left.iter().find(|(_, left)| **left == Left::Cut);
        assert_eq!(found.map(|(wish, _)| *wish), cut, "{limit} {ends:?}");
    }
}

#[test]
fn what_clashes_with_better_ones_is_left_out_with_its_reason() {
    let mut resolver = small(&[1; 40], &[(3, 17), (20, 30), (0, 39)]);
    let filled = levels(1, &each(40), Limits::default(), &mut resolver).expect("firm is one");
    let left: Vec<usize> = filled.left.keys().copied().collect();
    assert_eq!(left, [17, 30, 39]);
    assert_eq!(
        filled.left.get(&17),
        Some(&Left::Clash("3 clashes with 17".to_owned()))
    );
    assert!(resolver.asked < 40, "{} questions", resolver.asked);
    let firm = levels(40, &each(40), Limits::default(), &mut resolver);
    assert!(firm.is_err(), "firm wishes that clash are an error");
}

#[test]
fn best_fit_goes_on_where_levels_stop() {
    let mut resolver = small(&[10, 90, 30, 30], &[]);
    let needs: Vec<Needs> = [10, 90, 30, 30]
        .iter()
        .zip(0..)
        .map(|(size, name)| Needs([(name, *size)].into()))
        .collect();
    let fit = best_fit(1, &[0.0, 12.0, 10.0, 10.0], &needs, disk(80), &mut resolver)
        .expect("nothing clashes");
    assert_eq!(fit.filled.taken, [0, 2, 3]);
    assert_eq!((fit.value, fit.levels), (20.0, 0.0));
    assert!(fit.bound >= 20.0 && fit.bound < 32.0, "{}", fit.bound);
}

proptest! {
    /// Never worse than levels, never above the bound, and the bound is above the best that there is.
    #[test]
    fn best_fit_keeps_its_promises(
        sizes in prop::collection::vec(1u64..50, 8),
        links in prop::collection::vec((0usize..8, 0usize..8), 0..8),
        clashes in prop::collection::vec((1usize..8, 1usize..8), 0..2),
        limit in 1u64..200,
        rates in prop::collection::vec(0i32..4, 8),
    ) {
        let mut resolver = small(&sizes, &[]);
        resolver.clashes = clashes.into_iter().filter(|(a, b)| a != b).collect();
        for (wish, package) in links {
            resolver.needs[wish].push(package);
        }
        let needs: Vec<Needs> = resolver
            .needs
            .iter()
            .map(|own| Needs(own.iter().map(|p| (u32::try_from(*p).expect("small"), sizes[*p])).collect()))
            .collect();
        let values: Vec<f64> = rates.iter().map(|rate| 10_f64.powi(*rate)).collect();
        let limits = disk(limit);
        let fit = best_fit(1, &values, &needs, limits, &mut resolver).expect("the firm one is alone");
        prop_assert!(fit.value >= fit.levels && fit.value <= fit.bound);
        let fits = |resolver: &mut Small, wishes: &[usize]| {
            resolver.cost(wishes).is_ok_and(|cost| limits.allow(cost))
        };
        if !fits(&mut resolver, &[0]) {
            prop_assert_eq!(&fit.filled.taken, &vec![0]);
            return Ok(());
        }
        prop_assert!(fits(&mut resolver, &fit.filled.taken));
        for mask in 0u32..128 {
            let wishes: Vec<usize> = std::iter::once(0)
                .chain((1..8).filter(|wish| mask >> (wish - 1) & 1 == 1))
                .collect();
            if fits(&mut resolver, &wishes) {
                let value = wishes.iter().skip(1).fold(0.0, |sum, wish| sum + values[*wish]);
                prop_assert!(value <= fit.bound + 1e-6, "{value} above {}", fit.bound);
            }
        }
    }
}
