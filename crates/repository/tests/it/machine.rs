//! The system that the tests run on, where it has apt; and a system made here, which is always there.

use std::path::Path;

use escadre_repository::{OpenOptions, RepositoryError, Source, installed_deb, open};

use crate::fixture::{Mirror, compressed, key};

/// A root folder with apt's lists of a mirror.
pub(crate) fn system(mirror: &Mirror, end: &str) -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a folder");
    let lists = root.path().join("var/lib/apt/lists");
    let sources = root.path().join("etc/apt/sources.list.d");
    std::fs::create_dir_all(&lists).expect("room");
    std::fs::create_dir_all(&sources).expect("room");
    std::fs::create_dir_all(root.path().join("etc/keys")).expect("room");
    std::fs::copy(&key().keyring, root.path().join("etc/keys/mirror.asc")).expect("room");
    let text = "Types: deb\nURIs: http://mirror.example/debian\nSuites: stable\nComponents: main\nSigned-By: /etc/keys/mirror.asc\n";
    std::fs::write(sources.join("mirror.sources"), text).expect("room");
    let prefix = "mirror.example_debian_dists_stable_";
    let dist = mirror.root().join("dists/stable");
    std::fs::copy(
        dist.join("InRelease"),
        lists.join(format!("{prefix}InRelease")),
    )
    .expect("room");
    let packages = std::fs::read(dist.join("main/binary-all/Packages")).expect("there");
    std::fs::write(
        lists.join(format!("{prefix}main_binary-all_Packages{end}")),
        compressed(&packages, end),
    )
    .expect("room");
    root
}

#[tokio::test]
async fn lists_of_a_system() {
    let mirror = Mirror::new("");
    for end in ["", ".lz4", ".xz", ".zst", ".gz"] {
        let root = system(&mirror, end);
        let opened = open(
            &Source::AptLists(root.path().to_owned()),
            &OpenOptions::default(),
        )
        .await
        .expect(end);
        assert!(opened.is_signed());
        let id = opened.catalog.find("app", None, None).expect("there");
        assert_eq!(opened.catalog.source(id), "http://mirror.example/debian");
        let list = root.path().join(format!(
            "var/lib/apt/lists/mirror.example_debian_dists_stable_main_binary-all_Packages{end}"
        ));
        std::fs::write(&list, compressed(b"Package: evil\nVersion: 1\n", end)).expect("room");
        let error = open(
            &Source::AptLists(root.path().to_owned()),
            &OpenOptions::default(),
        )
        .await
        .expect_err("altered");
        assert!(matches!(error, RepositoryError::Checksum { .. }), "{error}");
    }
}

#[tokio::test]
async fn status_of_a_system() {
    let root = tempfile::tempdir().expect("a folder");
    std::fs::create_dir_all(root.path().join("var/lib/dpkg")).expect("room");
    let text = "Package: a\nStatus: install ok installed\nVersion: 1:2-3\nArchitecture: amd64\nInstalled-Size: 5\nDepends: b | c\n\n\
                Package: gone\nStatus: deinstall ok config-files\nVersion: 1\nArchitecture: amd64\n";
    std::fs::write(root.path().join("var/lib/dpkg/status"), text).expect("room");
    let installed = installed_deb(root.path()).await.expect("readable");
    let [package] = installed.as_slice() else {
        panic!("one package")
    };
    assert_eq!(
        (package.name.as_str(), package.evr().as_str(), package.size),
        ("a", "1:2-3", 5120)
    );
}

/// Beside what is made here: the real lists of this machine, when it has some.
#[tokio::test]
async fn this_machine() {
    if !Path::new("/var/lib/dpkg/status").exists() {
        return;
    }
    let installed = installed_deb(Path::new("/")).await.expect("readable");
    let said = crate::fixture::run(std::process::Command::new("dpkg-query").args([
        "-f",
        "${db:Status-Abbrev}${Package} ${Version}\n",
        "-W",
    ]));
    let mut expected: Vec<String> = String::from_utf8_lossy(&said)
        .lines()
        .filter_map(|line| line.strip_prefix("ii "))
        .map(str::to_owned)
        .collect();
    let mut found: Vec<String> = installed
        .iter()
        .map(|package| format!("{} {}", package.name, package.evr()))
        .collect();
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
    match open(&Source::AptLists("/".into()), &OpenOptions::default()).await {
        Ok(opened) => assert!(
            opened.catalog.len() > 1000 && opened.is_signed(),
            "{} packages",
            opened.catalog.len()
        ),
        Err(RepositoryError::Missing { .. } | RepositoryError::File { .. }) => {}
        Err(error) => panic!("{error}"),
    }
}
