//! No reader panics on anything, and none takes more than its input deserves.

use std::collections::HashSet;

use escadre_catalog::{
    Catalog, CatalogBuilder, Details, RelationKind, debian, media_cfg, rpmmd, synthesis,
};
use escadre_model::inventory::PackageKind;
use proptest::prelude::*;

/// Feeds every reader, and reads all that came of it.
pub(crate) fn feed(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for kind in [PackageKind::Deb, PackageKind::Rpm] {
        let mut builder = CatalogBuilder::new(kind);
        // An error is an answer; only a panic or a hang is none.
        drop(debian::packages::read("f", bytes, &mut builder));
        drop(rpmmd::primary::read("f", bytes, &mut builder));
        for package in synthesis::parse("f", bytes)
            .packages
            .iter()
            .chain(&debian::status::read("f", bytes).unwrap_or_default())
        {
            drop(builder.owned(package));
        }
        if let Ok((catalog, details)) = builder.finish() {
            visit(&catalog, &details);
            let again = Catalog::from_bytes(catalog.to_bytes().to_vec()).expect("its own bytes");
            visit(&again, &details);
        }
    }
    debian::release::parse("f", bytes);
    debian::deb822::signed_part(bytes);
    drop(rpmmd::repomd::read("f", bytes));
    drop(rpmmd::comps::read("f", bytes));
    drop(rpmmd::filelists::read(
        "f",
        bytes,
        &HashSet::from(["/a".to_owned()]),
    ));
    drop(rpmmd::rich::parse(&text));
    media_cfg::parse("f", &text);
    assert!(Catalog::from_bytes(bytes.to_vec()).is_err());
    assert!(Details::from_bytes(bytes.to_vec()).is_err());
}

fn visit(catalog: &Catalog, details: &Details) {
    for id in catalog.ids() {
        let _ = (
            catalog.name(id),
            catalog.version(id),
            catalog.size(id),
            details.of(id),
        );
        for kind in RelationKind::ALL {
            catalog
                .relations(id)
                .of(kind)
                .for_each(|group| drop(group.to_string()));
        }
        assert!(catalog.providers(catalog.name_of(id)).len() > 0);
    }
}

/// Pieces of the formats, so that random input gets past the first check.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just("Package: a\n"),
        Just("Version: 1:2-3\n"),
        Just("Depends: a | b (>= 2), c:any\n"),
        Just("\n"),
        Just("Provides: x (= 1), y\n"),
        Just(" continued\n"),
        Just("SHA256:\n"),
        Just("Status: install ok installed\n"),
        Just("@provides@a[== 1]@b[*]\n"),
        Just("@requires@(a if b)@c[> 1]\n"),
        Just("@info@a-1-1.x@0@1@G\n"),
        Just("<package type=\"rpm\">"),
        Just("</package>"),
        Just("<name>a</name>"),
        Just("<version epoch=\"0\" ver=\"1\" rel=\"1\"/>"),
        Just("<format>"),
        Just("</format>"),
        Just("<rpm:requires>"),
        Just("<rpm:entry name=\"(a or b)\"/>"),
        Just("</rpm:requires>"),
        Just("&amp;&#x41;&bogus;"),
        Just("<![CDATA[x]]>"),
        Just("<group><id>g</id>"),
        Just("[main]\n"),
        Just("key=value\n"),
        Just("("),
        Just(")"),
        Just(" and "),
        Just("\u{e9}\r\n"),
        Just("-----BEGIN PGP SIGNED MESSAGE-----\n\n"),
    ];
    prop_oneof![
        prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat().into_bytes()),
        prop::collection::vec(any::<u8>(), 0..200),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_panics(bytes in pieces()) {
        feed(&bytes);
    }
}

#[test]
fn large_and_strange_input_is_read_in_its_time() {
    let mut text = b"Package: a\nVersion: 1\nInstalled-Size: 99999999999999999999999\nSize: 18446744073709551615\nDepends: ".to_vec();
    text.extend(b"b | ".repeat(1_000_000));
    text.extend(b"c\n");
    feed(&text);
    feed(
        &[
            &b"@requires@"[..],
            &b"a@".repeat(1_000_000),
            b"\n@info@a-1-1.x@99999999999@18446744073709551616@G\n",
        ]
        .concat(),
    );
    feed(&b"<a>".repeat(100_000));
    feed(&b"(".repeat(1_000_000));
    feed(&[&b"<metadata><package name=\""[..], &b"x".repeat(20 << 20)].concat());
    feed(&[&b"Package: a\nVersion: "[..], &b"1".repeat(20 << 20)].concat());
}
