//! The resolver by small worlds: the lines of the DrakX reference §6 and §13.

use std::fmt::Write;

use super::*;

fn world(synthesis: &str, installed: &str, preferences: &str) -> Urpm {
    let packages =
        |text: &str| escadre_catalog::synthesis::parse("s", expand(text).as_bytes()).packages;
    let universe = Universe::new(
        vec![Medium {
            packages: packages(synthesis),
            ..Medium::default()
        }],
        "x86_64",
    );
    let options = Options {
        preferences: NameList::parse("prefer", preferences),
        ..Options::default()
    };
    Urpm::new(
        Arc::new(universe),
        Arc::new(Installed::new(packages(installed))),
        options,
    )
}

/// `name version | requires | suggests | conflicts | provides | obsoletes` per line.
fn expand(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let parts: Vec<&str> = line.split('|').map(str::trim).collect();
        let part = |index: usize| {
            parts
                .get(index)
                .copied()
                .unwrap_or_default()
                .replace(' ', "@")
                .replace('~', " ")
        };
        let (name, version) = parts[0].split_once(' ').expect("a name and a version");
        writeln!(out, "@provides@{name}[== {version}-1]@{}", part(4))
            .expect("a text takes everything");
        for (tag, index) in [
            ("requires", 1),
            ("suggests", 2),
            ("conflicts", 3),
            ("obsoletes", 5),
        ] {
            if !part(index).is_empty() {
                writeln!(out, "@{tag}@{}", part(index)).expect("a text takes everything");
            }
        }
        writeln!(out, "@info@{name}-{version}-1.noarch@0@100@G").expect("a text takes everything");
    }
    out
}

fn selected(urpm: &mut Urpm, wanted: &str) -> String {
    urpm.select_by_names(wanted.split(' '), false);
    urpm.names(Marks::is_selected).join(" ")
}

#[test]
fn suggestions_that_cannot_be_had_are_left() {
    let text = "a 1||b nobody\nb 1|lib|c\nc 1\nlib 1";
    assert_eq!(selected(&mut world(text, "", ""), "a"), "a b c lib");
    let mut urpm = world(text, "", "");
    urpm.options.no_suggests = true;
    assert_eq!(selected(&mut urpm, "a"), "a");
}

#[test]
fn the_earlier_selection_stays() {
    let mut urpm = world("postfix 1\nexim 1|||postfix\nother 1", "", "");
    assert_eq!(selected(&mut urpm, "other postfix exim"), "other postfix");
    assert_eq!(
        urpm.log.texts(),
        ["ERROR: selection failed: exim-1-1.noarch (due to conflicts with postfix-1-1.noarch)"]
    );
}

#[test]
fn chains_that_cannot_be_had() {
    let mut urpm = world("z 1\na 1|b\nb 1|c\nc 1|nothing[>=~2]", "", "");
    assert_eq!(selected(&mut urpm, "a"), "");
    assert!(
        urpm.log.texts()[0].contains("due to unsatisfied nothing[>= 2]"),
        "{:?}",
        urpm.log.texts()
    );
}

#[test]
fn choices() {
    let text =
        "a 1|virt[>=~2.0]\np1 1||||virt[==~1.0]\np2 1||||virt[==~2.5]\np3 1||||virt[==~1.9-3]";
    assert_eq!(selected(&mut world(text, "", ""), "a"), "a p2");
    let text = "a 1|mta\nmta1 1||||mta\nmta2 1||||mta\nmta0 1||||mta";
    assert_eq!(selected(&mut world(text, "", ""), "a"), "a mta0");
    assert_eq!(
        selected(&mut world(text, "", "# x\nmta1\n/mta/"), "a"),
        "a mta1"
    );
    assert_eq!(selected(&mut world(text, "", "mta1"), "mta2 a"), "a mta2");
    let mut urpm = world(text, "", "mta1\nmta2");
    selected(&mut urpm, "a");
    assert_eq!(
        urpm.log.texts(),
        [
            "preferring mta1 over mta0,mta2",
            "preferring mta2 over mta0"
        ]
    );
}

#[test]
fn languages() {
    let text = "locales-fr 1\nlocales-de 1\nhelp-fr 1|locales-fr|||help\nhelp-de 1|locales-de|||help\na 1|help";
    assert_eq!(
        selected(&mut world(text, "", ""), "locales-fr a"),
        "a help-fr locales-fr"
    );
    assert_eq!(
        selected(&mut world(text, "", ""), "locales-fr locales-de a"),
        "a help-de help-fr locales-de locales-fr"
    );
}

#[test]
fn what_is_installed() {
    let mut urpm = world("a 1\nb 2\nc 5", "a 1\nb 1", "");
    assert_eq!(selected(&mut urpm, "a b c"), "b c");
    assert_eq!(urpm.selected_size(), 100);
}

#[test]
fn obsoletes_and_upgrades_of_what_is_installed() {
    let mut urpm = world("new 2|||||old[<=~3]", "old 1\nneeds-old 1|old", "");
    assert_eq!(selected(&mut urpm, "new"), "new");
    let removed: Vec<_> = urpm.removals().collect();
    assert_eq!(
        removed,
        [("needs-old-1-1.noarch", false), ("old-1-1.noarch", true)]
    );
}

#[test]
fn cycles_end() {
    assert_eq!(
        selected(&mut world("a 1|b\nb 1|c\nc 1|a", "", ""), "a"),
        "a b c"
    );
}

#[test]
fn skipped_packages_are_no_candidates() {
    let mut urpm = world("a 1|virt\np 1||||virt\nq 1||||virt other", "", "");
    urpm.skip(&NameList::of(["other"]));
    assert_eq!(selected(&mut urpm, "a q"), "a p");
    let mut urpm = world("a 1|virt\np 1||||virt", "", "");
    urpm.skip(&NameList::of(["/^p-1/"]));
    assert_eq!(selected(&mut urpm, "a"), "");
}
