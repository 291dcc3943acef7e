//! Hosts: names, places, certificates; and the ids of those that are gone.

use escadre_model::{HostId, Timestamp};

use crate::{Row, StoreError, Transaction, Value, value::values};

/// A host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Id, never used again.
    pub id: HostId,
    /// Unique name.
    pub name: String,
    /// Site; empty for none.
    pub site: String,
    /// Tags.
    pub tags: Vec<String>,
    /// Notes of a person.
    pub notes: String,
    /// Version of its agent.
    pub agent_version: String,
    /// Enrolled.
    pub created: Timestamp,
    /// Last word.
    pub last_contact: Option<Timestamp>,
    /// End of its certificate.
    pub certificate_expires: Option<Timestamp>,
    /// A whole inventory is to be asked for.
    pub want_inventory: bool,
}

const COLUMNS: &str = "id, name, site, tags, notes, agent_version, created, last_contact, \
                       certificate_expires, want_inventory";

fn read(row: &mut Row<'_>) -> Result<Host, StoreError> {
    Ok(Host {
        id: row.take()?,
        name: row.take()?,
        site: row.take()?,
        tags: row.take_json()?,
        notes: row.take()?,
        agent_version: row.take()?,
        created: row.take()?,
        last_contact: row.take()?,
        certificate_expires: row.take()?,
        want_inventory: row.take()?,
    })
}

/// Adds a host; a taken name is [`StoreError::Constraint`], as is an id that was ever used.
pub fn insert(tx: &mut dyn Transaction, host: &Host) -> Result<(), StoreError> {
    if is_gone(tx, host.id)? {
        return Err(StoreError::Constraint {
            what: format!("host id {} was used before", host.id),
        });
    }
    tx.execute(
        &format!("INSERT INTO host ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"),
        values![
            host.id,
            &host.name,
            &host.site,
            Value::json(&host.tags)?,
            &host.notes,
            &host.agent_version,
            host.created,
            host.last_contact,
            host.certificate_expires,
            host.want_inventory,
        ],
    )?;
    tx.execute(
        "INSERT INTO agent_cursor (host, results, reports) VALUES ($1, 0, 0)",
        values![host.id],
    )?;
    Ok(())
}

/// Every host, by name.
pub fn all(tx: &mut dyn Transaction) -> Result<Vec<Host>, StoreError> {
    tx.all(
        &format!("SELECT {COLUMNS} FROM host ORDER BY name"),
        &[],
        read,
    )
}

/// One by its name.
pub fn by_name(tx: &mut dyn Transaction, name: &str) -> Result<Option<Host>, StoreError> {
    tx.first(
        &format!("SELECT {COLUMNS} FROM host WHERE name = $1"),
        values![name],
        read,
    )
}

/// One by its id.
pub fn by_id(tx: &mut dyn Transaction, id: HostId) -> Result<Option<Host>, StoreError> {
    tx.first(
        &format!("SELECT {COLUMNS} FROM host WHERE id = $1"),
        values![id],
        read,
    )
}

/// Changes what a person may change.
pub fn edit(
    tx: &mut dyn Transaction,
    id: HostId,
    site: &str,
    tags: &[String],
    notes: &str,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE host SET site = $2, tags = $3, notes = $4 WHERE id = $1",
        values![id, site, Value::json(tags)?, notes],
    )?;
    Ok(())
}

/// Its agent has spoken.
pub fn heard(
    tx: &mut dyn Transaction,
    id: HostId,
    at: Timestamp,
    agent_version: &str,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE host SET last_contact = $2, agent_version = $3 WHERE id = $1",
        values![id, at, agent_version],
    )?;
    Ok(())
}

/// It has a new certificate.
pub fn certified(
    tx: &mut dyn Transaction,
    id: HostId,
    expires: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE host SET certificate_expires = $2 WHERE id = $1",
        values![id, expires],
    )?;
    Ok(())
}

/// Asks for an inventory, or no longer.
pub fn set_want_inventory(
    tx: &mut dyn Transaction,
    id: HostId,
    want: bool,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE host SET want_inventory = $2 WHERE id = $1",
        values![id, want],
    )?;
    Ok(())
}

/// Removes a host with all that hangs on it, and remembers its id. Its deliveries stay as history.
pub fn remove(tx: &mut dyn Transaction, id: HostId, at: Timestamp) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO host_gone (id, name, at) SELECT id, name, $2 FROM host WHERE id = $1",
        values![id, at],
    )?;
    tx.execute("DELETE FROM host WHERE id = $1", values![id])?;
    Ok(())
}

/// Whether the id was that of a host which was removed.
pub fn is_gone(tx: &mut dyn Transaction, id: HostId) -> Result<bool, StoreError> {
    tx.single("SELECT count(*) FROM host_gone WHERE id = $1", values![id])
}

/// Number of hosts.
pub fn count(tx: &mut dyn Transaction) -> Result<u64, StoreError> {
    tx.single("SELECT count(*) FROM host", &[])
}
