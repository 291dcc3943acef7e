//! A full disk, a folder that may not be written, a damaged file: a clear error, and nothing half-done.

use std::{fs, os::unix::fs::PermissionsExt};

use escadre_store::{Options, SqliteStore, Store, StoreError, tables::setting};

fn open(path: &std::path::Path, options: &Options) -> Result<Box<dyn Store>, StoreError> {
    SqliteStore::open(path, options).map(|store| Box::new(store) as Box<dyn Store>)
}

#[test]
fn a_full_disk_is_named_and_the_store_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.db");
    let options = Options {
        max_bytes: Some(1 << 20),
        ..Options::default()
    };
    let store = open(&path, &options).expect("a store");
    let fill = |key: &'static str, size: usize| {
        store.write_blocking(move |tx| setting::put(tx, key, &"x".repeat(size)))
    };
    assert_eq!(fill("small", 10), Ok(()));
    assert_eq!(
        fill("large", 2 << 20),
        Err(StoreError::DiskFull { path: path.clone() })
    );
    let left =
        store.read_blocking(|tx| Ok((setting::get(tx, "small")?, setting::get(tx, "large")?)));
    assert_eq!(left, Ok((Some("x".repeat(10)), None)));
    assert_eq!(fill("small", 20), Ok(()), "healthy again by itself");
}

#[test]
fn a_folder_that_may_not_be_written_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("no-such-folder").join("store.db");
    let error = open(&path, &Options::default()).err().expect("refused");
    assert!(
        matches!(&error, StoreError::Open { path: named, .. } if *named == path),
        "{error}"
    );

    let path = folder.path().join("store.db");
    drop(open(&path, &Options::default()).expect("a store"));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).expect("permissions");
    // The superuser may write everything: then there is nothing to refuse.
    if fs::OpenOptions::new().append(true).open(&path).is_err() {
        let error = open(&path, &Options::default()).err().expect("refused");
        assert!(
            matches!(error, StoreError::ReadOnly { .. } | StoreError::Open { .. }),
            "{error}"
        );
    }
}

#[test]
fn a_file_that_is_no_database_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.db");
    fs::write(
        &path,
        "this is no database, it only has the place of one ".repeat(200),
    )
    .expect("a file");
    let error = open(&path, &Options::default()).err().expect("refused");
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
    assert!(
        error.to_string().contains("restore it from a backup"),
        "{error}"
    );
}

#[test]
fn damage_inside_the_file_is_named_when_it_is_met() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.db");
    let store = open(&path, &Options::default()).expect("a store");
    let filled = store.write_blocking(|tx| {
        (0..2000).try_for_each(|n| setting::put(tx, &format!("key {n}"), &"v".repeat(500)))
    });
    assert_eq!(filled, Ok(()));
    drop(store);
    let mut bytes = fs::read(&path).expect("the file");
    let half = bytes.len() / 2;
    for byte in &mut bytes[half..] {
        *byte = 0xA5;
    }
    fs::write(&path, bytes).expect("damaged");
    let read = open(&path, &Options::default()).and_then(|store| {
        store.read_blocking(|tx| {
            tx.all("SELECT value FROM setting", &[], |row| row.take::<String>())
        })
    });
    assert!(
        matches!(read, Err(StoreError::Corrupt { .. })),
        "{:?}",
        read.map(|rows| rows.len())
    );
}
