//! The grammar by examples: those of the DrakX reference §2 and §13.

use super::*;

/// `name rate flag flag` per line, sorted by name.
fn shown(text: &str) -> String {
    let (read, error) = parse("rpmsrate", text);
    if let Some(error) = error {
        return error.to_string();
    }
    let lines = read.packages.iter().map(|(name, rated)| {
        let mut flags = rated.flags.clone();
        flags.sort();
        format!("{name} {} {}", rated.rate, flags.join(" "))
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn check(text: &str, expected: &str) {
    assert_eq!(shown(text), expected, "{text}");
}

#[test]
fn columns_and_inheritance() {
    check(
        "CAT_X\n  5 LOCALES\"ru\" a\n    LOCALES\"am\" b\n    c",
        "a 5 CAT_X LOCALES\"ru\"\nb 5 CAT_X LOCALES\"am\"\nc 5 CAT_X",
    );
    check("CAT_G\n  4\n    5 p", "p 4 CAT_G");
    check("CAT_A\n  CAT_B 4 CAT_C x", "x 4 CAT_A CAT_B CAT_C");
    check("CAT_A\n  3 HDF", "");
    check("CAT_A\n  0 x\n  9 y", "x 0 CAT_A\ny 9 CAT_A");
    check(
        "CAT_A\n  foo bar",
        "missing rate for \"foo bar\" at line 2 (flags are CAT_A)",
    );
    check(
        "CAT_A\n  55 x",
        "missing rate for \"x\" at line 2 (flags are CAT_A&&55)",
    );
    check("5 HW\"foo#bar\" pkg", "HW\"foo 5 ");
    check("5 a # \tb", "tabulations not allowed at line 1");
    check(
        "CAT_A\n  5 CAT_B || pkg q",
        "pkg 5 CAT_A CAT_B\nq 5 CAT_A CAT_B\n|| 5 CAT_A CAT_B",
    );
    check("CAT_A\n  5 x\r\n    y\r\n", "x 5 CAT_A\ny 5 CAT_A");
}

#[test]
fn listed_twice() {
    check(
        "CAT_A\n 4 x\nCAT_B\n 4 x\nCAT_C\n 4 x",
        "x 4 CAT_C||CAT_B||CAT_A",
    );
    check(
        "CAT_A\n 5 CAT_K x\nCAT_B\n 5 CAT_L x",
        "1 fatal errors in rpmsrate",
    );
    check("CAT_A\n 5 x\nCAT_B\n 3 x", "x 3 CAT_B||CAT_A");
}

#[test]
fn copy_list() {
    let (read, error) = parse("r", "INSTALL\n 5 a b\n NOCOPY\n  5 c\nPRINTER\n 4 d\n");
    assert_eq!(error, None);
    assert_eq!(read.need_to_copy, ["a", "b", "d"]);
    assert_eq!(read.packages.keys().collect::<Vec<_>>(), ["d"]);
}

#[test]
fn broken_data_is_reported_with_its_line() {
    let text = "CAT_SCIENCES\n  3 HDF\n  2 abc HDF2\nCAT_X\n  5 LOCALES\"am || LOCALES\"as\" ibus\n  5 HW\"a#b\" c\n";
    let (read, _) = parse("rpmsrate", text);
    let lines: Vec<String> = read.problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "rpmsrate:2: warning: `HDF` was read as a flag, so the line names no package [rpmsrate.flag-not-package]",
            "rpmsrate:3: warning: HDF2 is parsed as a package name, not as a flag [rpmsrate.capitals]",
            "rpmsrate:5: warning: `LOCALES\"am || LOCALES\"as\"` has a quote that is not closed [rpmsrate.unclosed-quote]",
            "rpmsrate:6: warning: `#` begins a comment even inside quotes [rpmsrate.comment-in-quotes]",
        ]
    );
    assert_eq!(
        read.log,
        ["3: HDF2 is parsed as a package name, not as a flag"]
    );
}
