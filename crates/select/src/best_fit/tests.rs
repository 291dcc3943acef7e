//! Laws of `best-fit`, on small worlds where every selection can be tried.

use std::{fmt::Write, sync::Arc};

use proptest::prelude::*;

use super::*;
use crate::{
    flags::Flags,
    machine::Machine,
    rpmsrate,
    urpm::{Installed, Medium, Options, Universe},
};

/// A package: rate, size, what it requires, what it conflicts with.
type Shape = (u8, u64, Vec<usize>, Option<usize>);

fn step(shapes: &[Shape]) -> Step {
    let (mut media, mut rates) = (String::new(), "CAT_SYSTEM\n".to_owned());
    let count = shapes.len();
    for (index, (rate, size, requires, conflict)) in shapes.iter().enumerate() {
        let requires: String = requires
            .iter()
            .map(|other| format!("@p{}", other % count))
            .collect();
        let own = format!("@provides@p{index}[== 1-1]@any{}", index % 3);
        writeln!(media, "{own}").expect("a text takes everything");
        if !requires.is_empty() {
            writeln!(media, "@requires{requires}").expect("a text takes everything");
        }
        if let Some(other) = conflict
            .map(|other| other % count)
            .filter(|other| *other != index)
        {
            writeln!(media, "@conflicts@p{other}").expect("a text takes everything");
        }
        writeln!(
            media,
            "@filesize@{size}\n@info@p{index}-1-1.noarch@0@{size}@G"
        )
        .expect("a text takes everything");
        writeln!(rates, "  {rate} p{index}").expect("a text takes everything");
    }
    let packages = escadre_catalog::synthesis::parse("s", media.as_bytes()).packages;
    let universe = Universe::new(
        vec![Medium {
            packages,
            ..Medium::default()
        }],
        "x86_64",
    );
    let mut urpm = Urpm::new(
        Arc::new(universe),
        Arc::new(Installed::default()),
        Options::default(),
    );
    let flags: Flags = ["CAT_SYSTEM"].into_iter().collect();
    let ratings = Ratings::new(
        &mut urpm,
        &rpmsrate::parse("r", &rates).0,
        &Machine::default(),
        &flags,
    );
    Step {
        urpm,
        ratings,
        flags,
        groups: Vec::new(),
        ticked: Vec::new(),
        default_packages: Vec::new(),
        level: 1,
        era: Era::Y2010,
        available: 0.0,
        upgrade: false,
        no_docs: false,
    }
}

fn shapes(most: usize) -> impl Strategy<Value = Vec<Shape>> {
    let shape = (
        1_u8..=5,
        1_u64..100,
        prop::collection::vec(0_usize..12, 0..3),
        prop::option::weighted(0.2, 0_usize..12),
    );
    prop::collection::vec(shape, 1..most)
}

/// The value of the best selection that asking for some of the packages, in media order, can give.
fn best_of_all(step: &Step, limit: f64) -> f64 {
    let values: Vec<(PackageId, f64)> = step
        .ratings
        .iter()
        .map(|(id, rating)| (id, value(step, rating.rate, id, &BTreeMap::new())))
        .collect();
    let mut best = 0.0_f64;
    for mask in 0..1_u32 << values.len() {
        let mut urpm = step.urpm.clone();
        for (index, (id, _)) in values.iter().enumerate() {
            if mask & (1 << index) != 0 {
                urpm.select(*id);
            }
        }
        if urpm.selected_size() as f64 <= limit {
            let value = values
                .iter()
                .filter(|(id, _)| urpm.marks(*id).is_selected())
                .map(|(_, value)| value)
                .sum();
            best = best.max(value);
        }
    }
    best
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn worlds_are_read_whole(shapes in shapes(12)) {
        prop_assert_eq!(step(&shapes).urpm.universe().len(), shapes.len());
    }

    #[test]
    fn never_worse_than_levels_and_within_the_budget(shapes in shapes(12), limit in 1.0..600.0_f64) {
        let step = step(&shapes);
        let fit = fit(&step, &BTreeMap::new(), Limits { disk: limit.floor(), download: 0 });
        prop_assert!(fit.value >= fit.levels.expect("levels has no budget for downloads"));
        prop_assert!(fit.value <= fit.bound + 1e-6);
        prop_assert!(fit.urpm.selected_size() as f64 <= limit);
    }

    #[test]
    fn no_selection_is_above_the_bound(shapes in shapes(7), limit in 1.0..300.0_f64) {
        let step = step(&shapes);
        let fit = fit(&step, &BTreeMap::new(), Limits { disk: limit.floor(), download: 0 });
        prop_assert!(best_of_all(&step, limit.floor()) <= fit.bound + 1e-6);
    }

    #[test]
    fn downloads_are_a_budget_too(shapes in shapes(12), limit in 1_u64..300) {
        let step = step(&shapes);
        let fit = fit(&step, &BTreeMap::new(), Limits { disk: 0.0, download: limit });
        prop_assert!(fit.download <= limit);
    }
}

#[test]
fn goes_on_after_the_first_that_does_not_fit() {
    // The first of rate 5 is too large; `levels` ends there with nothing.
    let step = step(&[
        (5, 900, vec![], None),
        (5, 100, vec![3], None),
        (4, 100, vec![], None),
        (1, 50, vec![], None),
    ]);
    let fit = fit(
        &step,
        &BTreeMap::new(),
        Limits {
            disk: 300.0,
            download: 0,
        },
    );
    assert_eq!(fit.levels, Some(0.0));
    assert_eq!(fit.value, 11_001.0);
    assert_eq!(
        fit.summary(),
        "value 11001 of at most 11001 (100.0 %), 250B of 300B"
    );
}

#[test]
fn weights_decide_between_packages_of_a_rate() {
    let step = step(&[(4, 100, vec![], None), (4, 100, vec![], None)]);
    let weights = [("p1".to_owned(), 2.0)].into();
    let fit = fit(
        &step,
        &weights,
        Limits {
            disk: 100.0,
            download: 0,
        },
    );
    assert_eq!(fit.urpm.names(crate::urpm::Marks::is_selected), ["p1"]);
}
