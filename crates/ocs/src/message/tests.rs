//! Rows of small documents, and documents that are refused.

use super::*;

fn rows(document: &str) -> Result<Vec<Row>, OcsError> {
    let mut problems = Problems::default();
    let mut reader = Rows::new(document);
    let mut rows = Vec::new();
    while let Some(row) = reader.next(&mut problems)? {
        rows.push(row);
    }
    Ok(rows)
}

/// One line a row: place, section, text, fields.
fn check(document: &str, expected: &[&str]) {
    let rows = rows(document).expect("a whole document");
    let shown: Vec<String> = rows
        .iter()
        .map(|row| {
            let place = if row.in_envelope { "e" } else { "c" };
            let fields = row
                .fields
                .iter()
                .map(|(name, value)| format!(" {name}={value}"));
            let fields: String = fields.collect();
            format!("{}{place} {}:{}{fields}", row.line, row.section, row.text)
        })
        .collect();
    assert_eq!(shown, expected);
}

#[test]
fn elements_and_attributes_are_the_same() {
    check(
        "<REQUEST>\n<DEVICEID> a </DEVICEID><CONTENT>\n<BIOS>\n<SSN>1</SSN></BIOS></CONTENT></REQUEST>",
        &["2e DEVICEID:a", "3c BIOS: SSN=1"],
    );
    check(
        "<?xml version='1.0'?><REQUEST DEVICEID='a'><CONTENT VERSIONCLIENT='v'><BIOS SSN='1'/></CONTENT></REQUEST>",
        &["1e DEVICEID:a", "1c VERSIONCLIENT:v", "1c BIOS: SSN=1"],
    );
}

#[test]
fn what_lies_deeper_is_flat_and_what_says_nothing_is_gone() {
    check(
        "<REQUEST><CONTENT><DOWNLOAD><HISTORY><PACKAGE ID='1'/><OLD_DEVICEID>b</OLD_DEVICEID></HISTORY></DOWNLOAD>\
         <BIOS><SSN></SSN><TYPE>N/A</TYPE></BIOS></CONTENT></REQUEST>",
        &["1c DOWNLOAD: ID=1 OLD_DEVICEID=b", "1c BIOS:"],
    );
}

#[test]
fn texts() {
    check(
        "<REQUEST><X>a&amp;b&#233;&unknown;<![CDATA[<c>]]> & d\u{1}</X></REQUEST>",
        &["1e X:a&bé<c> & d"],
    );
}

#[test]
fn refusals() {
    let deep = format!("<REQUEST>{}", "<A>".repeat(100_000));
    for (document, expected) in [
        ("", "the root element is ``"),
        ("no XML", "the root element is ``"),
        ("<html/>", "the root element is `html`"),
        ("<REQUEST/><REQUEST/>", "the root element is `REQUEST`"),
        (
            "<REQUEST>\n<A>",
            "malformed XML in line 2: the document ends",
        ),
        ("<REQUEST></A>", "malformed XML in line 1: "),
        ("<REQUEST><A", "malformed XML in line 1: "),
        (&deep, "malformed XML in line 1: elements nest too deep"),
        (
            "<!DOCTYPE REQUEST [<!ENTITY a \"b\">]><REQUEST>&a;</REQUEST>",
            "a document type in line 1",
        ),
    ] {
        let error = rows(document).expect_err(expected).to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn values_and_rows_are_bounded() {
    let long = "é".repeat(VALUE_LIMIT);
    let many = "<F>1</F>".repeat(FIELD_LIMIT + 10);
    let document = format!("<REQUEST><X><F>{long}</F></X><Y>{many}</Y><Z/></REQUEST>");
    let mut problems = Problems::default();
    let mut reader = Rows::new(&document);
    let mut sizes = Vec::new();
    while let Some(row) = reader.next(&mut problems).expect("a whole document") {
        sizes.push((row.fields.len(), row.get("F").len()));
    }
    assert_eq!(sizes, [(1, VALUE_LIMIT), (FIELD_LIMIT, 1), (0, 0)]);
    assert_eq!(problems.finish().len(), 2);
}
