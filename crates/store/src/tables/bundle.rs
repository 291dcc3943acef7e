//! Bundles: their manifests, and what lists show of them.

use escadre_model::{BundleRef, Timestamp};

use crate::{Row, StoreError, Transaction, Value, value::values};

/// A bundle that the server knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// Name and version.
    pub bundle: BundleRef,
    /// `signed` or `unsigned`.
    pub status: String,
    /// What it does, in a line.
    pub action: String,
    /// Size of its content.
    pub size: u64,
    /// Size of its chunks as stored.
    pub stored: u64,
    /// Files in it.
    pub files: u32,
    /// Key ids of who signed.
    pub signers: Vec<String>,
    /// Made.
    pub created: Timestamp,
    /// End of life.
    pub expires: Option<Timestamp>,
    /// Canonical bytes of the manifest, which are UTF-8.
    pub manifest: String,
}

const COLUMNS: &str =
    "name, version, status, action, size, stored, files, signers, created, expires, manifest";

fn read(row: &mut Row<'_>) -> Result<Bundle, StoreError> {
    let (name, version): (String, String) = (row.take()?, row.take()?);
    let bundle = BundleRef::new(&name, &version).map_err(|error| StoreError::Row {
        sql: "bundle".to_owned(),
        reason: error.to_string(),
    })?;
    Ok(Bundle {
        bundle,
        status: row.take()?,
        action: row.take()?,
        size: row.take()?,
        stored: row.take()?,
        files: row.take()?,
        signers: row.take_json()?,
        created: row.take()?,
        expires: row.take()?,
        manifest: row.take()?,
    })
}

/// Adds a bundle; a name and version that is taken is [`StoreError::Constraint`].
pub fn insert(tx: &mut dyn Transaction, bundle: &Bundle) -> Result<(), StoreError> {
    tx.execute(
        &format!(
            "INSERT INTO bundle ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
        ),
        values![
            bundle.bundle.name(),
            bundle.bundle.version(),
            &bundle.status,
            &bundle.action,
            bundle.size,
            bundle.stored,
            bundle.files,
            Value::json(&bundle.signers)?,
            bundle.created,
            bundle.expires,
            &bundle.manifest,
        ],
    )?;
    Ok(())
}

/// Every bundle, by name.
pub fn all(tx: &mut dyn Transaction) -> Result<Vec<Bundle>, StoreError> {
    tx.all(
        &format!("SELECT {COLUMNS} FROM bundle ORDER BY name, version"),
        &[],
        read,
    )
}

/// One bundle.
pub fn get(tx: &mut dyn Transaction, bundle: &BundleRef) -> Result<Option<Bundle>, StoreError> {
    tx.first(
        &format!("SELECT {COLUMNS} FROM bundle WHERE name = $1 AND version = $2"),
        values![bundle.name(), bundle.version()],
        read,
    )
}

/// Its signature came or went.
pub fn set_status(
    tx: &mut dyn Transaction,
    bundle: &BundleRef,
    status: &str,
    signers: &[String],
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE bundle SET status = $3, signers = $4 WHERE name = $1 AND version = $2",
        values![
            bundle.name(),
            bundle.version(),
            status,
            Value::json(signers)?
        ],
    )?;
    Ok(())
}

/// Takes it out.
pub fn remove(tx: &mut dyn Transaction, bundle: &BundleRef) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM bundle WHERE name = $1 AND version = $2",
        values![bundle.name(), bundle.version()],
    )?;
    Ok(())
}
