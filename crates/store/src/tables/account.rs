//! Users of the UIs and the API.

use escadre_model::{Timestamp, id::UserId};

use crate::{Row, StoreError, Transaction, value::values};

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Id.
    pub id: UserId,
    /// Unique name.
    pub name: String,
    /// Word of the role.
    pub role: String,
    /// May not sign in.
    pub disabled: bool,
    /// Hash of the password, as Argon2 writes it.
    pub password: Option<String>,
    /// Since when.
    pub created: Timestamp,
    /// Last sign-in.
    pub last_sign_in: Option<Timestamp>,
}

const COLUMNS: &str = "id, name, role, disabled, password, created, last_sign_in";

fn read(row: &mut Row<'_>) -> Result<Account, StoreError> {
    Ok(Account {
        id: row.take()?,
        name: row.take()?,
        role: row.take()?,
        disabled: row.take()?,
        password: row.take()?,
        created: row.take()?,
        last_sign_in: row.take()?,
    })
}

/// Adds a user; a taken name is [`StoreError::Constraint`].
pub fn insert(tx: &mut dyn Transaction, account: &Account) -> Result<(), StoreError> {
    tx.execute(
        &format!("INSERT INTO account ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7)"),
        values![
            account.id,
            &account.name,
            &account.role,
            account.disabled,
            account.password.clone(),
            account.created,
            account.last_sign_in,
        ],
    )?;
    Ok(())
}

/// Every user, by name.
pub fn all(tx: &mut dyn Transaction) -> Result<Vec<Account>, StoreError> {
    tx.all(
        &format!("SELECT {COLUMNS} FROM account ORDER BY name"),
        &[],
        read,
    )
}

/// One by name.
pub fn by_name(tx: &mut dyn Transaction, name: &str) -> Result<Option<Account>, StoreError> {
    tx.first(
        &format!("SELECT {COLUMNS} FROM account WHERE name = $1"),
        values![name],
        read,
    )
}

/// One by id.
pub fn by_id(tx: &mut dyn Transaction, id: UserId) -> Result<Option<Account>, StoreError> {
    tx.first(
        &format!("SELECT {COLUMNS} FROM account WHERE id = $1"),
        values![id],
        read,
    )
}

/// Writes role, disabled, password and last sign-in as they are in `account`.
pub fn update(tx: &mut dyn Transaction, account: &Account) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE account SET role = $2, disabled = $3, password = $4, last_sign_in = $5 WHERE id = $1",
        values![account.id, &account.role, account.disabled, account.password.clone(), account.last_sign_in],
    )?;
    Ok(())
}

/// Removes one with its sessions and one-time secrets.
pub fn remove(tx: &mut dyn Transaction, id: UserId) -> Result<(), StoreError> {
    tx.execute("DELETE FROM account WHERE id = $1", values![id])?;
    Ok(())
}
