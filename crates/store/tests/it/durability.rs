//! What was answered is on disk, whatever happens to the process afterwards.

use escadre_store::{Options, SqliteStore, Store, tables::setting};

/// The files as a process that is killed at this instant leaves them: nothing is closed, nothing is folded in.
#[test]
fn an_answered_write_survives_kill_9_at_any_instant() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.db");
    let store: Box<dyn Store> =
        Box::new(SqliteStore::open(&path, &Options::default()).expect("a store"));
    for round in 0..20u32 {
        let written = store.write_blocking(move |tx| setting::put(tx, "round", &round.to_string()));
        assert_eq!(written, Ok(()));
        let killed = tempfile::tempdir().expect("a folder");
        for name in ["store.db", "store.db-wal"] {
            std::fs::copy(folder.path().join(name), killed.path().join(name)).expect("a copy");
        }
        let after: Box<dyn Store> = Box::new(
            SqliteStore::open(&killed.path().join("store.db"), &Options::default())
                .expect("opens again"),
        );
        let found = after.read_blocking(|tx| setting::get(tx, "round"));
        assert_eq!(found, Ok(Some(round.to_string())));
    }
}

#[test]
fn work_that_waits_when_the_store_is_dropped_is_done() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.db");
    let store: Box<dyn Store> =
        Box::new(SqliteStore::open(&path, &Options::default()).expect("a store"));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let waiting: Vec<_> = (0..50)
        .map(|_| store.write(|tx| setting::next_number(tx, "n")))
        .collect();
    let numbers: Vec<u64> = runtime.block_on(async {
        let mut numbers = Vec::new();
        for unit in waiting {
            numbers.push(unit.await.expect("done"));
        }
        numbers
    });
    drop(store);
    assert_eq!(
        numbers,
        (1..=50).collect::<Vec<_>>(),
        "in the order of arrival"
    );
    assert!(
        !folder.path().join("store.db-wal").exists(),
        "a closed store is one file"
    );
}
