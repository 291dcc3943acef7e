//! What holds for any input.

use escadre_select::{
    compss::{self, Circumstances},
    condition::Settler,
    flags::Flags,
    machine::Machine,
    package_list, product,
    replay::Case,
    rpmsrate, sizes,
    urpm::NameList,
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

/// Long hostile files are read in moderate time: these would take minutes if a reader went over them again and again.
#[test]
fn hostile_files_are_quick() {
    let many = 200_000;
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
