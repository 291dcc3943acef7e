//! What a catalog answers, and that its index survives the way to disk and back, or is refused.

use escadre_model::inventory::PackageKind;

use super::*;
use crate::{CatalogError, debian, package::Package, synthesis};

const PACKAGES: &str = "\
Package: editor
Version: 1:2.0-1
Architecture: amd64
Multi-Arch: allowed
Priority: standard
Essential: yes
Section: editors
Installed-Size: 10
Pre-Depends: libc6 (>= 2.36)
Depends: libtext1 (= 1.0) | libtext-compat, mail-agent, python3:any
Recommends: docs
Conflicts: old-editor (<< 3)
Breaks: plugin (<= 1)
Provides: text-editor, vi-like (= 8)
Size: 4096
Task: desktop, laptop
Filename: pool/e/editor.deb
SHA256: abababababababababababababababababababababababababababababababab
Description: edits
 at length

Package: editor
Version: 1:2.0-2
Architecture: amd64

Package: editor
Version: 1:2.0-1
Architecture: amd64
Description: the same again

Package: vi-like
Version: 7
Architecture: amd64
";

fn debian(text: &str) -> (Catalog, Details) {
    let mut builder = CatalogBuilder::new(PackageKind::Deb);
    builder.begin_source("here").expect("room");
    let problems =
        debian::packages::read("Packages", text.as_bytes(), &mut builder).expect("readable");
    assert_eq!(problems, []);
    builder.finish().expect("room")
}

fn shown(catalog: &Catalog, package: PackageId, kind: RelationKind) -> String {
    catalog
        .relations(package)
        .of(kind)
        .map(|group| group.to_string())
        .collect::<Vec<_>>()
        .join(", ")
}

fn check_editor(catalog: &Catalog) {
    let id = PackageId(0);
    assert_eq!(
        (catalog.name(id), catalog.version(id), catalog.arch(id)),
        ("editor", "1:2.0-1", "amd64")
    );
    assert_eq!((catalog.size(id), catalog.file_size(id)), (10240, 4096));
    assert_eq!(
        (catalog.multi_arch(id), catalog.priority(id)),
        (MultiArch::Allowed, Priority::Standard)
    );
    assert!(catalog.is_essential(id) && !catalog.is_essential(PackageId(1)));
    assert_eq!((catalog.group(id), catalog.source(id)), ("editors", "here"));
    assert_eq!(catalog.tasks(id).collect::<Vec<_>>(), ["desktop", "laptop"]);
    for (kind, expected) in [
        (
            RelationKind::Requires,
            "libc6 (>= 2.36), libtext1 (= 1.0) | libtext-compat, mail-agent, python3:any",
        ),
        (RelationKind::Recommends, "docs"),
        (RelationKind::Conflicts, "old-editor (< 3)"),
        (RelationKind::Breaks, "plugin (<= 1)"),
        (RelationKind::Provides, "text-editor, vi-like (= 8)"),
        (RelationKind::Suggests, ""),
    ] {
        assert_eq!(shown(catalog, id, kind), expected, "{kind:?}");
    }
    let name = catalog.name_id("editor").expect("known");
    assert_eq!(
        catalog.packages_named(name).collect::<Vec<_>>(),
        [PackageId(1), PackageId(0)]
    );
    assert!(catalog.is_duplicate(PackageId(2)));
    let name = catalog.name_id("vi-like").expect("known");
    let providers: Vec<_> = catalog
        .providers(name)
        .map(|p| (p.package.0, p.real, p.op, p.version))
        .collect();
    assert_eq!(
        providers,
        [(3, true, Op::Equal, "7"), (0, false, Op::Equal, "8")]
    );
    assert_eq!(
        catalog.find("editor", Some("1:2.0-1"), Some("amd64")),
        Some(id)
    );
    assert_eq!(catalog.find("editor", None, Some("i386")), None);
    assert_eq!(catalog.name_id("nothing"), None);
}

#[test]
fn debian_stanzas_are_all_there() {
    let (catalog, details) = debian(PACKAGES);
    assert_eq!(catalog.len(), 4);
    check_editor(&catalog);
    let of = details.of(PackageId(0));
    assert_eq!((of.summary, of.path), ("edits", "pool/e/editor.deb"));
    assert_eq!(
        of.checksum.map(|sum| sum.to_string()),
        Some("ab".repeat(32))
    );
    assert_eq!(details.of(PackageId(1)), PackageDetails::default());
    assert_eq!(details.of(PackageId(99)), PackageDetails::default());
}

#[test]
fn the_index_comes_back() {
    let (catalog, details) = debian(PACKAGES);
    check_editor(&Catalog::from_bytes(catalog.to_bytes().to_vec()).expect("whole"));
    let details = Details::from_bytes(details.to_bytes().to_vec()).expect("whole");
    assert_eq!(details.of(PackageId(0)).summary, "edits");
}

#[test]
fn a_damaged_index_is_refused() {
    let (catalog, details) = debian(PACKAGES);
    let whole = catalog.to_bytes();
    for length in (0..whole.len()).step_by(7) {
        assert!(
            matches!(
                Catalog::from_bytes(whole[..length].to_vec()),
                Err(CatalogError::Index(_))
            ),
            "{length}"
        );
    }
    for at in (0..whole.len()).step_by(3) {
        let mut bytes = whole.to_vec();
        bytes[at] ^= 0x10;
        assert!(
            matches!(Catalog::from_bytes(bytes), Err(CatalogError::Index(_))),
            "byte {at}"
        );
    }
    for at in (0..details.to_bytes().len()).step_by(3) {
        let mut bytes = details.to_bytes().to_vec();
        bytes[at] ^= 0x10;
        assert!(Details::from_bytes(bytes).is_err(), "byte {at}");
    }
}

#[test]
fn going_on_keeps_the_ids() {
    let (catalog, _) = debian(PACKAGES);
    let mut builder = CatalogBuilder::continuing(&catalog);
    let extra = Package {
        name: "local".to_owned(),
        version: "1".to_owned(),
        arch: "amd64".to_owned(),
        requires: debian::relation::properties(b"editor (>= 2) | vi-like, python3:any", false),
        provides: debian::relation::properties(b"mail-agent", false),
        ..Package::default()
    };
    let id = builder.owned(&extra).expect("room");
    let (more, _) = builder.finish().expect("room");
    check_editor(&more);
    assert_eq!(id, PackageId(4));
    assert_eq!(
        shown(&more, id, RelationKind::Requires),
        "editor (>= 2) | vi-like, python3:any"
    );
    let name = more.name_id("mail-agent").expect("known");
    assert_eq!(
        more.providers(name).map(|p| p.package).collect::<Vec<_>>(),
        [id]
    );
    assert_eq!(more.source(id), "here");
}

#[test]
fn a_synthesis_fits_too() {
    let text = "@provides@a[== 2:1.0-1]@virt[*]@lib[>= 2]\n@requires@b[*]@c[< 3]@(d or e)\n@suggests@f\n@obsoletes@g[<= 3]\n\
                @info@a-1.0-1.noarch@2@77@Group\n";
    let mut builder = CatalogBuilder::new(PackageKind::Rpm);
    for package in &synthesis::parse("s", text.as_bytes()).packages {
        builder.owned(package).expect("room");
    }
    let (catalog, _) = builder.finish().expect("room");
    let id = catalog.find("a", Some("2:1.0-1"), None).expect("there");
    assert_eq!(
        shown(&catalog, id, RelationKind::Requires),
        "b, c (< 3), (d or e)"
    );
    assert_eq!(shown(&catalog, id, RelationKind::Recommends), "f");
    let lib = catalog.name_id("lib").expect("known");
    let provider = catalog.providers(lib).next().expect("one");
    assert!(
        catalog.answers(&provider, Op::Equal, "5") && !catalog.answers(&provider, Op::Less, "2")
    );
}
