//! The store as its callers see it: on real files, full, read-only, damaged, cut off, and of older versions.

mod durability;
mod tables;
mod trouble;
mod versions;

use std::sync::Arc;

use escadre_store::{Options, SqliteStore, Store, conformance};
use tempfile::TempDir;

/// A new store in a folder of its own.
fn new_store() -> (TempDir, Arc<dyn Store>) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = SqliteStore::open(&folder.path().join("store.db"), &Options::default())
        .expect("a new store");
    (folder, Arc::new(store))
}

#[test]
fn sqlite_keeps_every_promise_of_the_seam() {
    let (_folder, store) = new_store();
    conformance::run(&store);
}
