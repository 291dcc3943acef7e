//! Indexes made to hurt: bombs, endless lines, paths that lead out.

use escadre_repository::{
    Limits, Location, OpenOptions, RepositoryError, Source, fetch_packages, open,
};

use crate::fixture::compressed;

async fn flat(
    name: &str,
    bytes: &[u8],
    limits: Limits,
) -> Result<escadre_repository::Opened, RepositoryError> {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join(name), bytes).expect("room");
    let options = OpenOptions {
        allow_unsigned: true,
        limits,
        ..OpenOptions::default()
    };
    open(
        &Source::DebianFlat(Location::Folder(folder.path().to_owned())),
        &options,
    )
    .await
}

#[tokio::test]
async fn bombs_are_refused() {
    let mut text = b"Package: a\nVersion: 1\n\n".to_vec();
    text.resize(100 << 20, b'\n');
    for end in [".gz", ".xz", ".zst", ".lz4"] {
        let bomb = compressed(&text, end);
        let error = flat(&format!("Packages{end}"), &bomb, Limits::default())
            .await
            .expect_err(end);
        assert!(
            matches!(error, RepositoryError::Bomb { .. }),
            "{end}: {error}"
        );
    }
    let limits = Limits {
        bytes: 1000,
        ratio: 200,
    };
    let error = flat("Packages", &text[..2000], limits)
        .await
        .expect_err("too long");
    assert!(matches!(error, RepositoryError::Bomb { .. }), "{error}");
}

#[tokio::test]
async fn an_endless_line_is_an_error() {
    let mut text = b"Package: a\nVersion: ".to_vec();
    text.resize(20 << 20, b'1');
    let error = flat("Packages", &text, Limits::default())
        .await
        .expect_err("endless")
        .to_string();
    assert!(error.contains("larger than"), "{error}");
}

#[tokio::test]
async fn cut_streams_are_errors() {
    let text = b"Package: a\nVersion: 1\n\n".repeat(10_000);
    for end in [".gz", ".xz", ".zst", ".lz4"] {
        let whole = compressed(&text, end);
        assert!(
            flat(
                &format!("Packages{end}"),
                &whole[..whole.len() - 5],
                Limits::default()
            )
            .await
            .is_err(),
            "{end}"
        );
    }
}

#[tokio::test]
async fn a_path_out_of_the_repository_is_refused() {
    for path in ["../../etc/passwd", "/etc/passwd", "pool/../../x"] {
        let text =
            format!("Package: a\nVersion: 1\nArchitecture: all\nFilename: {path}\nSize: 3\n");
        let opened = flat("Packages", text.as_bytes(), Limits::default())
            .await
            .expect("readable");
        let into = tempfile::tempdir().expect("a folder");
        let ids: Vec<_> = opened.catalog.ids().collect();
        let error = fetch_packages(&opened, &ids, into.path(), |_| {})
            .await
            .expect_err(path);
        assert!(matches!(error, RepositoryError::Location(_)), "{error}");
    }
}
