//! Inventories, their packages, and what became different between two of them.

use std::collections::BTreeMap;

use escadre_model::{
    ByteCount, HostId, Timestamp,
    inventory::{InstalledPackage, Inventory},
};

use crate::{Row, StoreError, Transaction, Value, value::values};

/// Something that became different on a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// When we heard of it.
    pub at: Timestamp,
    /// What (`package nginx`, `os`).
    pub subject: String,
    /// `installed`, `removed`, `upgraded`, `downgraded`, `changed`.
    pub state: String,
    /// A sentence for people.
    pub detail: String,
}

/// Replaces a host's inventory. Its packages lie in a table of their own; only those that differ are written.
pub fn put(
    tx: &mut dyn Transaction,
    host: HostId,
    received: Timestamp,
    inventory: &Inventory,
) -> Result<(), StoreError> {
    let before = packages(tx, host)?;
    let (before, after) = (by_key(&before), by_key(&inventory.packages));
    for gone in before.iter().filter(|(key, _)| !after.contains_key(*key)) {
        let (name, arch, version) = *gone.0;
        tx.execute(
            "DELETE FROM package WHERE host = $1 AND name = $2 AND arch = $3 AND version = $4",
            values![host, name, arch, version],
        )?;
    }
    for (key, new) in after
        .iter()
        .filter(|(key, new)| before.get(*key) != Some(*new))
    {
        let (name, arch, version) = *key;
        tx.execute(
            "INSERT INTO package (host, name, arch, version, kind, size) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (host, name, arch, version) DO UPDATE SET kind = excluded.kind, size = excluded.size",
            values![host, name, arch, version, Value::json(&new.kind)?, new.size.0],
        )?;
    }
    let rest = Inventory {
        packages: Vec::new(),
        ..inventory.clone()
    };
    tx.execute(
        "INSERT INTO inventory (host, received, document) VALUES ($1, $2, $3)
         ON CONFLICT (host) DO UPDATE SET received = excluded.received, document = excluded.document",
        values![host, received, Value::json(&rest)?],
    )?;
    Ok(())
}

/// What makes a package the same one; of two that claim it, the last counts.
fn by_key(packages: &[InstalledPackage]) -> BTreeMap<(&str, &str, &str), &InstalledPackage> {
    let mut all = BTreeMap::new();
    for package in packages {
        let key = (&*package.name, &*package.arch, &*package.version);
        all.insert(key, package);
    }
    all
}

/// A host's inventory without its packages.
pub fn get(tx: &mut dyn Transaction, host: HostId) -> Result<Option<Inventory>, StoreError> {
    tx.first(
        "SELECT document FROM inventory WHERE host = $1",
        values![host],
        |row| row.take_json(),
    )
}

/// Every host's inventory without its packages.
pub fn all(tx: &mut dyn Transaction) -> Result<Vec<(HostId, Inventory)>, StoreError> {
    tx.all("SELECT host, document FROM inventory", &[], |row| {
        Ok((row.take()?, row.take_json()?))
    })
}

fn package(row: &mut Row<'_>) -> Result<InstalledPackage, StoreError> {
    Ok(InstalledPackage {
        name: row.take()?,
        version: row.take()?,
        arch: row.take()?,
        kind: row.take_json()?,
        size: ByteCount(row.take()?),
    })
}

/// A host's packages, sorted.
pub fn packages(
    tx: &mut dyn Transaction,
    host: HostId,
) -> Result<Vec<InstalledPackage>, StoreError> {
    let mut packages = tx.all(
        "SELECT name, version, arch, kind, size FROM package WHERE host = $1",
        values![host],
        package,
    )?;
    packages.sort();
    Ok(packages)
}

/// Every host's packages.
pub fn all_packages(
    tx: &mut dyn Transaction,
) -> Result<Vec<(HostId, InstalledPackage)>, StoreError> {
    tx.all(
        "SELECT host, name, version, arch, kind, size FROM package ORDER BY host, name, version",
        &[],
        |row| Ok((row.take()?, package(row)?)),
    )
}

/// Adds lines to a host's history.
pub fn add_changes(
    tx: &mut dyn Transaction,
    host: HostId,
    changes: &[Change],
) -> Result<(), StoreError> {
    for change in changes {
        tx.execute(
            "INSERT INTO inventory_change (number, host, at, subject, state, detail)
             VALUES ((SELECT coalesce(max(number), 0) + 1 FROM inventory_change), $1, $2, $3, $4, $5)",
            values![host, change.at, &change.subject, &change.state, &change.detail],
        )?;
    }
    Ok(())
}

/// Lines of a host's history before a time, newest first.
pub fn changes(
    tx: &mut dyn Transaction,
    host: HostId,
    before: Timestamp,
    limit: u32,
) -> Result<Vec<Change>, StoreError> {
    tx.all(
        "SELECT at, subject, state, detail FROM inventory_change
         WHERE host = $1 AND at < $2 ORDER BY at DESC, number DESC LIMIT $3",
        values![host, before, limit],
        |row| {
            Ok(Change {
                at: row.take()?,
                subject: row.take()?,
                state: row.take()?,
                detail: row.take()?,
            })
        },
    )
}

/// Forgets lines from before a time; how many.
pub fn forget_changes(tx: &mut dyn Transaction, before: Timestamp) -> Result<u64, StoreError> {
    tx.execute(
        "DELETE FROM inventory_change WHERE at < $1",
        values![before],
    )
}
