//! Tokens of the API and of enrolment, as hashes.

use escadre_model::{Timestamp, id::TokenId};

use crate::{Row, StoreError, Transaction, Value, value::values};

/// A token without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Id.
    pub id: TokenId,
    /// Hash of its secret.
    pub hash: String,
    /// Name that a person gave it.
    pub name: String,
    /// `api` or `enrolment`.
    pub kind: String,
    /// Word of the role of an API token.
    pub role: Option<String>,
    /// Site for hosts that enrol with it.
    pub site: Option<String>,
    /// Tags for them.
    pub tags: Vec<String>,
    /// Since when.
    pub created: Timestamp,
    /// Until when.
    pub expires: Timestamp,
    /// Used (enrolment) or last used (API).
    pub used: Option<Timestamp>,
    /// Taken back.
    pub revoked: bool,
}

const COLUMNS: &str = "id, hash, name, kind, role, site, tags, created, expires, used, revoked";

fn read(row: &mut Row<'_>) -> Result<Token, StoreError> {
    Ok(Token {
        id: row.take()?,
        hash: row.take()?,
        name: row.take()?,
        kind: row.take()?,
        role: row.take()?,
        site: row.take()?,
        tags: row.take_json()?,
        created: row.take()?,
        expires: row.take()?,
        used: row.take()?,
        revoked: row.take()?,
    })
}

/// Adds a token.
pub fn insert(tx: &mut dyn Transaction, token: &Token) -> Result<(), StoreError> {
    tx.execute(
        &format!(
            "INSERT INTO token ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
        ),
        values![
            token.id,
            &token.hash,
            &token.name,
            &token.kind,
            token.role.clone(),
            token.site.clone(),
            Value::json(&token.tags)?,
            token.created,
            token.expires,
            token.used,
            token.revoked,
        ],
    )?;
    Ok(())
}

/// Every token, newest first.
pub fn all(tx: &mut dyn Transaction) -> Result<Vec<Token>, StoreError> {
    tx.all(
        &format!("SELECT {COLUMNS} FROM token ORDER BY created DESC, id"),
        &[],
        read,
    )
}

/// One by id.
pub fn by_id(tx: &mut dyn Transaction, id: TokenId) -> Result<Option<Token>, StoreError> {
    tx.first(
        &format!("SELECT {COLUMNS} FROM token WHERE id = $1"),
        values![id],
        read,
    )
}

/// One by the hash of its secret.
pub fn by_hash(tx: &mut dyn Transaction, hash: &str) -> Result<Option<Token>, StoreError> {
    tx.first(
        &format!("SELECT {COLUMNS} FROM token WHERE hash = $1"),
        values![hash],
        read,
    )
}

/// It was used.
pub fn used(tx: &mut dyn Transaction, id: TokenId, at: Timestamp) -> Result<(), StoreError> {
    tx.execute("UPDATE token SET used = $2 WHERE id = $1", values![id, at])?;
    Ok(())
}

/// Takes it back.
pub fn revoke(tx: &mut dyn Transaction, id: TokenId) -> Result<(), StoreError> {
    tx.execute("UPDATE token SET revoked = 1 WHERE id = $1", values![id])?;
    Ok(())
}

/// Forgets tokens that have been over since a time; how many.
pub fn forget(tx: &mut dyn Transaction, before: Timestamp) -> Result<u64, StoreError> {
    tx.execute("DELETE FROM token WHERE expires < $1", values![before])
}
