//! A database of every released version opens, with its rows. One fixture a version, as SQL text; they never change.

use escadre_store::{
    Options, SqliteStore, Store,
    tables::{account, audit, bundle, host, inventory, rollout, token, watch},
};

/// A fixture is made once, when its version is released, by dumping a database of that version.
const FIXTURES: &[(u32, &str)] = &[(1, include_str!("../fixtures/v1.sql"))];

#[test]
fn databases_of_released_versions_open_with_their_rows() {
    for (version, sql) in FIXTURES {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("store.db");
        rusqlite::Connection::open(&path)
            .expect("a file")
            .execute_batch(sql)
            .expect("a fixture");
        let store: Box<dyn Store> = Box::new(
            SqliteStore::open(&path, &Options::default())
                .unwrap_or_else(|error| panic!("version {version}: {error}")),
        );
        let counts = store.read_blocking(|tx| {
            let hosts = host::all(tx)?;
            Ok((
                hosts.len(),
                inventory::packages(tx, hosts[0].id)?.len(),
                watch::records(tx)?.len(),
                bundle::all(tx)?.len(),
                rollout::all(tx)?.len(),
                rollout::deliveries(tx, &rollout::Wanted::default())?.len(),
                account::all(tx)?.len(),
                token::all(tx)?.len(),
                audit::find(tx, "", None, 9)?.len(),
            ))
        });
        assert_eq!(counts, Ok((1, 2, 1, 1, 1, 1, 1, 1, 2)), "version {version}");
    }
}
