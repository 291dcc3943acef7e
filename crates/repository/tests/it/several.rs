//! Several sources in one catalog.

use std::path::Path;

use escadre_repository::{
    Location, OpenOptions, RepositoryError, Source, Trust, fetch_packages, open, open_all,
};
use sha2::{Digest, Sha256};

use crate::{
    fixture::{Mirror, hex, key},
    machine::system,
    rpm::tree,
};

/// A flat, unsigned repository: a package of its own, and one that the mirror has too.
fn flat(mirror: &Mirror) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let bytes = std::fs::read(mirror.root().join("pool/tool.deb")).expect("built");
    std::fs::write(folder.path().join("local.deb"), &bytes).expect("room");
    let stanza = |name: &str, version: &str| {
        format!(
            "Package: {name}\nVersion: {version}\nArchitecture: all\nFilename: local.deb\nSize: {}\nSHA256: {}\n\n",
            bytes.len(),
            hex(&Sha256::digest(&bytes))
        )
    };
    let text = stanza("local", "7") + &stanza("libapp", "1.6-2") + &stanza("app", "3.0");
    std::fs::write(folder.path().join("Packages"), text).expect("room");
    folder
}

fn options(cache: Option<&Path>) -> OpenOptions {
    OpenOptions {
        allow_unsigned: true,
        keyrings: Some(vec![key().keyring.clone()]),
        cache: cache.map(Path::to_owned),
        ..OpenOptions::default()
    }
}

#[tokio::test]
async fn lists_of_a_system_and_a_flat_repository() {
    let mirror = Mirror::new("");
    let (root, flat, cache) = (
        system(&mirror, ".lz4"),
        flat(&mirror),
        tempfile::tempdir().expect("a folder"),
    );
    let lists = Source::AptLists(root.path().to_owned());
    let local = Source::DebianFlat(Location::Folder(flat.path().to_owned()));
    let sources = [lists.clone(), local.clone()];
    for from_index in [false, true] {
        let opened = open_all(&sources, &options(Some(cache.path())))
            .await
            .expect("both");
        assert_eq!((opened.from_index, opened.catalog.len()), (from_index, 7));
        // Signed in part is not signed; each part says who vouches for it.
        assert!(!opened.is_signed());
        assert!(matches!(
            opened.trust.as_slice(),
            [(_, Trust::Signed(_)), (_, Trust::Unsigned)]
        ));
        let newest = opened.catalog.find("app", None, None).expect("there");
        assert_eq!(opened.catalog.version(newest), "3.0");
        let twice = opened.catalog.find("libapp", None, None).expect("there");
        assert_eq!(
            opened.catalog.source(twice),
            "http://mirror.example/debian",
            "the first source counts"
        );
    }
    // The other order is another catalog.
    let opened = open_all(&[local, lists], &options(Some(cache.path())))
        .await
        .expect("both");
    let twice = opened.catalog.find("libapp", None, None).expect("there");
    assert!(!opened.from_index && opened.catalog.source(twice) != "http://mirror.example/debian");
}

#[tokio::test]
async fn packages_are_fetched_from_where_they_lie() {
    let mirror = Mirror::new(".xz");
    let flat = flat(&mirror);
    let sources = [
        Source::Debian {
            root: Location::Folder(mirror.root().to_owned()),
            suite: "stable".to_owned(),
            components: Vec::new(),
            architectures: Vec::new(),
        },
        Source::DebianFlat(Location::Folder(flat.path().to_owned())),
    ];
    let opened = open_all(&sources, &options(None)).await.expect("both");
    let ids: Vec<_> = ["tool-ng", "local"]
        .iter()
        .filter_map(|name| opened.catalog.find(name, None, None))
        .collect();
    let into = tempfile::tempdir().expect("a folder");
    let fetched = fetch_packages(&opened, &ids, into.path(), |_| {})
        .await
        .expect("both");
    assert_eq!(fetched.len(), 2);
}

#[tokio::test]
async fn what_cannot_be_one_catalog() {
    let (mirror, rpms) = (Mirror::new(""), tree());
    let root = system(&mirror, "");
    let deb = Source::AptLists(root.path().to_owned());
    let rpm = Source::RpmMd(Location::Folder(rpms.path().to_owned()));
    let error = open_all(&[deb.clone(), rpm.clone()], &options(None))
        .await
        .expect_err("two kinds");
    assert!(matches!(error, RepositoryError::Mixed { .. }), "{error}");
    let error = open_all(&[], &options(None)).await.expect_err("nothing");
    assert!(matches!(error, RepositoryError::Missing { .. }), "{error}");
    // One unsigned source among signed ones needs the word as well.
    let strict = OpenOptions {
        allow_unsigned: false,
        ..options(None)
    };
    let flat = flat(&mirror);
    let local = Source::DebianFlat(Location::Folder(flat.path().to_owned()));
    let error = open_all(&[deb, local], &strict)
        .await
        .expect_err("unsigned");
    assert!(matches!(error, RepositoryError::Unsigned { .. }), "{error}");
    assert!(open(&rpm, &strict).await.is_ok());
}

/// File lists are read when the packages of all sources are known.
#[tokio::test]
async fn two_rpm_trees() {
    let (one, two) = (tree(), tree());
    let sources = [&one, &two].map(|root| Source::RpmMd(Location::Folder(root.path().to_owned())));
    let options = OpenOptions {
        filelists: true,
        ..options(None)
    };
    let opened = open_all(&sources, &options).await.expect("both");
    assert_eq!(opened.catalog.len(), 4);
    let path = opened
        .catalog
        .name_id("/usr/share/odd/file")
        .expect("asked");
    assert!(opened.catalog.providers(path).count() >= 1);
}
