//! Debian mirrors: every compression, folder and server, signatures and checksums, index and fetching.

use std::path::Path;

use escadre_repository::{
    Location, OpenOptions, Opened, RepositoryError, Source, Trust, fetch_packages, open,
};

use crate::fixture::{Mirror, PACKAGES, key, run};

fn source(root: Location) -> Source {
    Source::Debian {
        root,
        suite: "stable".to_owned(),
        components: Vec::new(),
        architectures: Vec::new(),
    }
}

fn folder(mirror: &Mirror) -> Source {
    source(Location::Folder(mirror.root().to_owned()))
}

fn trusting() -> OpenOptions {
    OpenOptions {
        keyrings: Some(vec![key().keyring.clone()]),
        ..OpenOptions::default()
    }
}

fn check(opened: &Opened) {
    assert_eq!(opened.problems, []);
    assert!(opened.is_signed());
    for (name, version, _) in PACKAGES {
        let id = opened
            .catalog
            .find(name, Some(version), Some("all"))
            .expect("there");
        let details = opened.details().expect("there");
        assert_eq!(details.of(id).path, format!("pool/{name}.deb"));
        assert!(details.of(id).checksum.is_some() && opened.catalog.file_size(id) > 0);
    }
}

#[tokio::test]
async fn every_compression() {
    for end in ["", ".gz", ".xz", ".zst"] {
        let mirror = Mirror::new(end);
        check(&open(&folder(&mirror), &trusting()).await.expect(end));
    }
}

#[tokio::test]
async fn a_detached_signature_does_as_well() {
    let mirror = Mirror::new(".gz");
    std::fs::remove_file(mirror.root().join("dists/stable/InRelease")).expect("there");
    check(&open(&folder(&mirror), &trusting()).await.expect("signed"));
    std::fs::remove_file(mirror.root().join("dists/stable/Release.gpg")).expect("there");
    assert!(matches!(
        open(&folder(&mirror), &trusting()).await,
        Err(RepositoryError::Unsigned { .. })
    ));
    let word = OpenOptions {
        allow_unsigned: true,
        ..trusting()
    };
    let opened = open(&folder(&mirror), &word).await.expect("by the word");
    assert!(!opened.is_signed());
    assert!(matches!(opened.trust.as_slice(), [(_, Trust::Unsigned)]));
}

#[tokio::test]
async fn strangers_and_forgers_are_refused() {
    let mirror = Mirror::new(".gz");
    let nobody = OpenOptions {
        keyrings: Some(Vec::new()),
        ..OpenOptions::default()
    };
    assert!(matches!(
        open(&folder(&mirror), &nobody).await,
        Err(RepositoryError::Signature { .. })
    ));
    let path = mirror.root().join("dists/stable/InRelease");
    let text = std::fs::read_to_string(&path).expect("there");
    std::fs::write(&path, text.replace("Origin: Test", "Origin: Evil")).expect("room");
    let error = open(&folder(&mirror), &trusting())
        .await
        .expect_err("altered")
        .to_string();
    assert!(error.contains("altered after it was signed"), "{error}");
    // What stands around the signed part is not signed: it must not count.
    let (head, tail) = text.split_once("SHA256:\n").expect("sums");
    std::fs::write(
        &path,
        format!(
            "SHA256:\n {} 1 main/binary-all/Packages.zst\n\n{head}SHA256:\n{tail}",
            "0".repeat(64)
        ),
    )
    .expect("room");
    check(
        &open(&folder(&mirror), &trusting())
            .await
            .expect("the signed part is whole"),
    );
}

#[tokio::test]
async fn an_altered_index_is_refused() {
    let mirror = Mirror::new(".gz");
    let path = mirror
        .root()
        .join("dists/stable/main/binary-all/Packages.gz");
    let other = Mirror::new(".xz");
    let bytes = std::fs::read(
        other
            .root()
            .join("dists/stable/main/binary-all/Packages.xz"),
    )
    .expect("there");
    std::fs::write(&path, bytes).expect("room");
    assert!(matches!(
        open(&folder(&mirror), &trusting()).await,
        Err(RepositoryError::Checksum { .. })
    ));
}

#[tokio::test]
async fn expired_metadata_are_refused() {
    let mirror = Mirror::new("");
    let text = std::fs::read_to_string(mirror.root().join("dists/stable/main/binary-all/Packages"))
        .expect("there");
    mirror.write_index(&text, "", "Valid-Until: Sat, 03 Jan 2026 09:43:21 UTC\n");
    for (now, fine) in [
        ("2026-01-03T09:43:20Z", true),
        ("2026-01-03T09:43:22Z", false),
    ] {
        let options = OpenOptions {
            now: Some(now.parse().expect("a time")),
            ..trusting()
        };
        assert_eq!(
            open(&folder(&mirror), &options).await.is_ok(),
            fine,
            "{now}"
        );
    }
}

#[tokio::test]
async fn the_index_serves_until_the_source_changes() {
    let mirror = Mirror::new(".gz");
    let cache = tempfile::tempdir().expect("a folder");
    let options = OpenOptions {
        cache: Some(cache.path().to_owned()),
        ..trusting()
    };
    let first = open(&folder(&mirror), &options).await.expect("built");
    let second = open(&folder(&mirror), &options)
        .await
        .expect("from the index");
    assert!(!first.from_index && second.from_index);
    assert_eq!(first.catalog.to_bytes(), second.catalog.to_bytes());
    check(&second);
    // A damaged, cut or missing part: built again.
    for (end, damage) in [
        ("catalog", 40usize),
        ("catalog", 0),
        ("json", 3),
        ("details", usize::MAX),
    ] {
        let path = index_file(cache.path(), end);
        let mut bytes = std::fs::read(&path).expect("there");
        match damage {
            usize::MAX => std::fs::remove_file(&path).expect("there"),
            0 => std::fs::write(&path, &bytes[..bytes.len() / 2]).expect("room"),
            at => {
                bytes[at] ^= 1;
                std::fs::write(&path, &bytes).expect("room");
            }
        }
        let again = open(&folder(&mirror), &options).await.expect("built again");
        assert!(!again.from_index, "{end} {damage}");
        check(&again);
    }
    mirror.write_index("Package: new\nVersion: 1\nArchitecture: all\n", ".gz", "");
    let changed = open(&folder(&mirror), &options).await.expect("built anew");
    assert!(!changed.from_index);
    assert_eq!(changed.catalog.len(), 1);
    assert_eq!(
        std::fs::read_dir(cache.path()).expect("there").count(),
        3,
        "the earlier index is gone"
    );
}

fn index_file(folder: &Path, end: &str) -> std::path::PathBuf {
    let mut entries = std::fs::read_dir(folder)
        .expect("there")
        .map(|entry| entry.expect("readable").path());
    entries
        .find(|path| path.extension().is_some_and(|e| e == end))
        .expect("an index")
}

#[tokio::test]
async fn packages_come_verified_from_folder_and_server() {
    let mirror = Mirror::new(".xz");
    let address = mirror.serve().await;
    let web = Location::parse(&format!("http://{address}/")).expect("a location");
    for source in [folder(&mirror), source(web)] {
        let opened = open(&source, &trusting()).await.expect("opened");
        check(&opened);
        let into = tempfile::tempdir().expect("a folder");
        let ids: Vec<_> = opened.catalog.ids().collect();
        // What a broken connection left is gone on with.
        let half = std::fs::read(mirror.root().join("pool/app.deb")).expect("there");
        std::fs::write(into.path().join("app.deb.part"), &half[..half.len() / 2]).expect("room");
        let mut last = None;
        let fetched = fetch_packages(&opened, &ids, into.path(), |progress| last = Some(progress))
            .await
            .expect("fetched");
        let last = last.expect("progress");
        assert_eq!(
            (last.packages_done, last.bytes_done),
            (ids.len(), last.bytes)
        );
        for (one, (name, version, _)) in fetched.iter().zip(PACKAGES) {
            let said = run(std::process::Command::new("dpkg-deb")
                .args(["-f"])
                .arg(&one.path)
                .args(["Package", "Version"]));
            assert_eq!(
                String::from_utf8_lossy(&said),
                format!("Package: {name}\nVersion: {version}\n")
            );
        }
        assert_eq!(
            std::fs::read_dir(into.path()).expect("there").count(),
            ids.len(),
            "no partial file stays"
        );
    }
}

#[tokio::test]
async fn an_altered_package_is_refused() {
    let mirror = Mirror::new(".gz");
    let address = mirror.serve().await;
    let path = mirror.root().join("pool/app.deb");
    let mut bytes = std::fs::read(&path).expect("there");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, &bytes).expect("room");
    for source in [
        folder(&mirror),
        source(Location::parse(&format!("http://{address}")).expect("a location")),
    ] {
        let opened = open(&source, &trusting()).await.expect("opened");
        let id = opened.catalog.find("app", None, None).expect("there");
        let into = tempfile::tempdir().expect("a folder");
        let error = fetch_packages(&opened, &[id], into.path(), |_| {})
            .await
            .expect_err("altered");
        assert!(matches!(error, RepositoryError::Checksum { .. }), "{error}");
        assert_eq!(
            std::fs::read_dir(into.path()).expect("there").count(),
            0,
            "nothing unverified stays"
        );
    }
}

#[tokio::test]
async fn no_redirection_to_another_scheme() {
    let mirror = Mirror::new("");
    let address = mirror.serve().await;
    for target in ["https:/127.0.0.1:1", "ftp:/127.0.0.1", "file:/etc"] {
        let root =
            Location::parse(&format!("http://{address}/redirect/{target}")).expect("a location");
        let error = open(&source(root), &trusting())
            .await
            .expect_err(target)
            .to_string();
        assert!(
            error.contains("another scheme") || error.contains("URL scheme"),
            "{error}"
        );
    }
    let root =
        Location::parse(&format!("http://{address}/redirect/http:/{address}")).expect("a location");
    check(
        &open(&source(root), &trusting())
            .await
            .expect("the same scheme"),
    );
}

#[tokio::test]
async fn a_bare_folder_needs_the_word() {
    let folder = tempfile::tempdir().expect("a folder");
    let source = Source::DebianFlat(Location::Folder(folder.path().to_owned()));
    assert!(matches!(
        open(&source, &trusting()).await,
        Err(RepositoryError::Missing { .. })
    ));
    std::fs::write(
        folder.path().join("Packages"),
        "Package: a\nVersion: 1\nArchitecture: all\n",
    )
    .expect("room");
    assert!(matches!(
        open(&source, &trusting()).await,
        Err(RepositoryError::Unsigned { .. })
    ));
    let opened = open(
        &source,
        &OpenOptions {
            allow_unsigned: true,
            ..trusting()
        },
    )
    .await
    .expect("by the word");
    assert_eq!(
        (
            opened.catalog.len(),
            opened.is_signed(),
            opened.problems.len()
        ),
        (1, false, 1)
    );
}
