//! Laws over random worlds: an answer is always right, and a refusal is right where a blind search finds nothing either.

use std::{fmt::Write, sync::Arc};

use escadre_catalog::PackageId;
use escadre_solve::{Difference, Request, Session, Solution, Wanted, solve};
use proptest::prelude::*;

use crate::{
    cases::{request, world},
    checker::faults,
};

/// A package's name number, version, dependencies (alternatives with bounds) and conflicts.
type Sketch = (u8, u8, Vec<Vec<(u8, u8)>>, Vec<u8>, Vec<u8>);

fn sketches() -> impl Strategy<Value = Vec<Sketch>> {
    let alternative = (0..7u8, 0..4u8);
    let group = prop::collection::vec(alternative, 1..3);
    let package = (
        0..6u8,
        1..4u8,
        prop::collection::vec(group, 0..3),
        prop::collection::vec(0..7u8, 0..2),
        prop::collection::vec(0..7u8, 0..2),
    );
    prop::collection::vec(package, 1..12)
}

fn text(sketches: &[Sketch]) -> String {
    let mut text = String::new();
    for (name, version, depends, conflicts, provides) in sketches {
        write!(text, "p{name} {version}").expect("memory");
        let groups: Vec<String> = depends
            .iter()
            .map(|group| {
                let shown = group.iter().map(|(name, at_least)| match at_least {
                    0 => format!("p{name}"),
                    bound => format!("p{name} (>= {bound})"),
                });
                shown.collect::<Vec<_>>().join(" | ")
            })
            .collect();
        let list = |names: &[u8]| {
            names
                .iter()
                .map(|name| format!("p{name}"))
                .collect::<Vec<_>>()
                .join(", ")
        };
        for (field, value) in [
            ("Depends", groups.join(", ")),
            ("Conflicts", list(conflicts)),
            ("Provides", list(provides)),
        ] {
            if !value.is_empty() {
                write!(text, " ; {field}: {value}").expect("memory");
            }
        }
        text.push('\n');
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn answers_and_refusals_are_right(sketches in sketches(), first in 0..6u8, second in 0..6u8) {
        let catalog = world(&text(&sketches));
        let request = request(&format!("p{first} p{second}"));
        match solve(&catalog, &request) {
            Ok(solution) => prop_assert_eq!(faults(&catalog, &request, &solution), Vec::<String>::new()),
            Err(error) => {
                prop_assert!(!error.to_string().is_empty());
                prop_assert!(!possible(&catalog, &request), "refused though possible: {}", error);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_installed_stays_or_is_replaced(
        sketches in sketches(),
        mask in any::<u16>(),
        asked in prop::collection::vec(0..6u8, 0..3),
    ) {
        let catalog = world(&text(&sketches));
        let mut installed: Vec<PackageId> = Vec::new();
        for id in catalog.ids().filter(|id| mask >> id.0 & 1 == 1 && !catalog.is_duplicate(*id)) {
            if installed.iter().all(|&other| catalog.name(other) != catalog.name(id)) {
                installed.push(id);
            }
        }
        let wishes: Vec<String> = asked.iter().map(|name| format!("p{name}")).collect();
        let request = Request { installed, ..request(&wishes.join(" ")) };
        match solve(&catalog, &request) {
            Ok(solution) => {
                prop_assert_eq!(faults(&catalog, &request, &solution), Vec::<String>::new());
                if asked.is_empty() {
                    let mut there: Vec<_> = solution.packages.iter().map(|c| c.package).collect();
                    there.sort();
                    prop_assert_eq!(&there, &request.installed);
                }
            }
            Err(error) => prop_assert!(!possible(&catalog, &request), "refused though possible: {}", error),
        }
    }

    #[test]
    fn a_session_answers_as_a_fresh_question(
        sketches in sketches(),
        ticks in prop::collection::vec((0..6u8, any::<bool>()), 1..12),
    ) {
        let catalog = Arc::new(world(&text(&sketches)));
        let options = request("").options;
        let mut session = Session::new(Arc::clone(&catalog), Vec::new(), options);
        let mut last = Solution::default();
        for (name, on) in ticks {
            let answer = session.tick(Wanted::any(format!("p{name}")), on);
            prop_assert_eq!(&answer, &solve(&catalog, session.request()));
            let Ok(answer) = answer else { continue };
            prop_assert_eq!(faults(&catalog, session.request(), &answer), Vec::<String>::new());
            let difference = Difference::between(&last, &answer);
            prop_assert_eq!(
                last.packages.len() + difference.comes.len(),
                answer.packages.len() + difference.goes.len()
            );
            last = answer;
        }
    }
}

/// Tries every set of packages.
fn possible(catalog: &escadre_catalog::Catalog, request: &escadre_solve::Request) -> bool {
    use escadre_solve::{Change, Chosen, Reason, Solution};
    let ids: Vec<_> = catalog
        .ids()
        .filter(|&id| !catalog.is_duplicate(id))
        .collect();
    (0u32..1 << ids.len()).any(|mask| {
        let chosen = ids
            .iter()
            .enumerate()
            .filter(|(bit, _)| mask >> bit & 1 == 1);
        let packages = chosen
            .map(|(_, &package)| Chosen {
                package,
                reason: Reason::Requested(String::new()),
                change: Change::New,
            })
            .collect();
        faults(
            catalog,
            request,
            &Solution {
                packages,
                removed: Vec::new(),
            },
        )
        .is_empty()
    })
}
