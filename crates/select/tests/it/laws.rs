//! What holds for any input.

use std::sync::Arc;

use escadre_catalog::Property;
use escadre_model::inventory::PackageKind;
use escadre_select::{
    compss::{self, Circumstances},
    condition::Settler,
    flags::Flags,
    machine::Machine,
    package_list, product,
    replay::Case,
    rpmsrate, sizes,
    urpm::{Installed, Medium, NameList, Options, Universe, Urpm},
};
use proptest::prelude::*;

/// Text made of the pieces that the readers look for.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("\n"),
        Just("  "),
        Just("    "),
        Just("5 "),
        Just("3"),
        Just("CAT_A"),
        Just("!"),
        Just(" || "),
        Just("\""),
        Just("HW\"a.*b\""),
        Just("DRIVER\"[[:x:]\""),
        Just("# c\n"),
        Just("pkg "),
        Just("INSTALL "),
        Just("'"),
        Just("$o = "),
        Just("my $h = { N_(\"P\") => [ "),
        Just("{ label => 'x', flags => [ qw(A B) ] } "),
        Just("if_($a, "),
        Just(")"),
        Just("]"),
        Just("}"),
        Just(";"),
        Just("? "),
        Just(": "),
        Just("é"),
    ];
    prop::collection::vec(piece, 0..80).prop_map(|pieces| pieces.concat())
}

fn read_all(text: &str) {
    let (file, _) = rpmsrate::parse("r", text);
    let machine = Machine::default();
    let flags = Flags::default();
    let mut settler = Settler::new(&machine, &flags);
    for rated in file.packages.values() {
        settler.settle(&rated.flags);
    }
    compss::parse("c", text, &Circumstances::default());
    let _ = package_list::parse(text);
    NameList::parse("p", text);
    product::parse(text);
    let _ = Case::parse(text);
}

proptest! {
    #[test]
    fn no_reader_panics(text in any::<String>()) {
        read_all(&text);
    }

    #[test]
    fn no_reader_panics_on_likely_pieces(text in pieces()) {
        read_all(&text);
    }

    /// Rates and flags of a file do not depend on comments, empty lines and trailing blanks.
    #[test]
    fn comments_change_nothing(text in pieces()) {
        let commented: String = text.split('\n').map(|line| format!("{line}   # comment\n\n  # more\n")).collect();
        let (plain, error) = rpmsrate::parse("r", &text);
        let (other, other_error) = rpmsrate::parse("r", &commented);
        prop_assert_eq!(error.is_some(), other_error.is_some());
        let shown = |file: &rpmsrate::RateFile| -> Vec<String> {
            file.packages.iter().map(|(name, rated)| format!("{name} {} {:?}", rated.rate, rated.flags)).collect()
        };
        prop_assert_eq!(shown(&plain), shown(&other));
    }

    /// A package list is read as it was written.
    #[test]
    fn lists_come_back(names in prop::collection::vec("[a-zA-Z0-9+._'\\\\-]{1,20}", 0..20)) {
        prop_assert_eq!(package_list::parse(&package_list::write(&names)), Ok(names));
    }

    #[test]
    fn correction_and_inverse_are_inverse(megabytes in 0.0..1e7f64) {
        prop_assert!((sizes::inverse(sizes::correct(megabytes)) - megabytes).abs() < 1e-6);
    }

    #[test]
    fn any_size_can_be_written(bytes in any::<f64>()) {
        sizes::written(bytes);
    }
}

/// A package of a small world: requires, suggests, conflicts, obsoletes (others by number), a shared name.
type Shape = (Vec<usize>, Vec<usize>, Option<usize>, Option<usize>, usize);

fn shape() -> impl Strategy<Value = Shape> {
    let other = 0_usize..14;
    (
        prop::collection::vec(other.clone(), 0..4),
        prop::collection::vec(other.clone(), 0..2),
        prop::option::weighted(0.2, other.clone()),
        prop::option::weighted(0.1, other),
        0_usize..4,
    )
}

/// Requires go to packages (below 10) or to names that several provide.
fn synthesis_of(shapes: &[Shape], version: u32) -> String {
    let name = |number: usize| {
        if number < 10 {
            format!("p{number}")
        } else {
            format!("any{}", number - 10)
        }
    };
    let list = |tag: &str, numbers: &[usize]| {
        let names: String = numbers
            .iter()
            .map(|number| format!("@{}", name(*number)))
            .collect();
        if names.is_empty() {
            String::new()
        } else {
            format!("@{tag}{names}\n")
        }
    };
    let packages = shapes.iter().enumerate().map(|(index, (requires, suggests, conflict, obsolete, shared))| {
        format!(
            "@provides@p{index}[== {version}-1]@any{shared}\n{}{}{}{}@info@p{index}-{version}-1.noarch@0@10@G\n",
            list("requires", requires),
            list("suggests", suggests),
            list("conflicts", &conflict.iter().copied().filter(|other| *other != index).collect::<Vec<_>>()),
            list("obsoletes", &obsolete.iter().copied().filter(|other| *other != index).collect::<Vec<_>>()),
        )
    });
    packages.collect()
}

fn world(shapes: &[Shape], installed: &[Shape]) -> Urpm {
    let packages = |shapes: &[Shape], version| {
        escadre_catalog::synthesis::parse("s", synthesis_of(shapes, version).as_bytes()).packages
    };
    let medium = Medium {
        packages: packages(shapes, 2),
        ..Medium::default()
    };
    let installed = Installed::new(packages(installed, 1));
    Urpm::new(
        Arc::new(Universe::new(vec![medium], "x86_64")),
        Arc::new(installed),
        Options::default(),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// On an empty machine: what is selected has all it requires, and nothing that it conflicts with.
    #[test]
    fn selections_are_closed(shapes in prop::collection::vec(shape(), 1..10), asked in prop::collection::vec(0_usize..10, 1..6)) {
        let mut urpm = world(&shapes, &[]);
        for number in asked {
            if let Some(id) = urpm.universe().best(&format!("p{number}")) {
                urpm.select(id);
            }
        }
        let selected: Vec<_> = urpm.selected().map(|id| urpm.universe().package(id)).collect();
        let provided = |property: &Property| selected.iter().any(|other| other.provides.iter().any(|provide| provide.overlaps(PackageKind::Rpm, property)));
        for package in &selected {
            prop_assert!(package.requires.iter().all(provided), "{} lacks something", package.name);
            for other in selected.iter().filter(|other| other.name != package.name) {
                let clash = package.conflicts.iter().any(|conflict| other.provides.iter().any(|provide| provide.overlaps(PackageKind::Rpm, conflict)));
                prop_assert!(!clash, "{} with {}", package.name, other.name);
            }
        }
    }

    /// With anything installed a resolution ends, and gives the same when it is done again.
    #[test]
    fn resolutions_end(shapes in prop::collection::vec(shape(), 1..10), installed in prop::collection::vec(shape(), 0..8)) {
        let run = || {
            let mut urpm = world(&shapes, &installed);
            for id in urpm.universe().clone().ids() {
                urpm.select(id);
            }
            urpm.unselect_all();
            (urpm.names(|marks| marks.is_selected()).join(" "), urpm.log.texts())
        };
        prop_assert_eq!(run(), run());
    }
}

/// Long hostile files are read in moderate time: these would take minutes if a reader went over them again and again.
#[test]
fn hostile_files_are_quick() {
    let many = 60_000;
    for text in [
        "\"".repeat(many),
        "CAT_A||".repeat(many),
        format!("5 {}", "HW\"".repeat(many)),
        "  5 CAT_A x\n".repeat(many / 4),
        format!("5 {}", "x ".repeat(many)),
        format!("CAT_A\n{}", " 5 CAT_B\n".repeat(many / 4)),
        format!("my $h = {}", "[".repeat(many)),
        format!("my $h = [ {} ];", "'a' . ".repeat(many / 10)),
        "if_(".repeat(many),
    ] {
        read_all(&text);
    }
}
