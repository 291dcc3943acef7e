//! The inventory: taken now and then, told when it changed.
//!
//! Room that is free, clock rates and times change all day and mean nothing here: they are left out of the comparison, and told
//! with the next change, or after a day.

use std::{sync::Arc, time::Duration};

use escadre_model::{ByteCount, inventory::Inventory};
use serde::{Deserialize, Serialize};
use tokio::{task::spawn_blocking, time::Instant};

use crate::{error::AgentError, state::StateFolder};

const FILE: &str = "inventory.json";
/// Between two looks.
const EVERY: Duration = Duration::from_secs(3600);
/// The same inventory is told again after so long.
const REFRESH_S: i64 = 24 * 3600;

/// What the server has.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Told {
    digest: String,
    at: i64,
}

/// The inventory and what the server has of it.
#[derive(Debug)]
pub(crate) struct Survey {
    current: Arc<Inventory>,
    told: Told,
    pub(crate) due: Instant,
    taken: bool,
    wanted: bool,
}

impl Survey {
    pub(crate) fn open(folder: &StateFolder, now: Instant) -> Self {
        let told = folder.read_json(FILE).unwrap_or_else(|error| {
            tracing::warn!(%error, "what the server has of the inventory is forgotten; it is told again");
            None
        });
        Self {
            current: Arc::default(),
            told: told.unwrap_or_default(),
            due: now,
            taken: false,
            wanted: false,
        }
    }

    pub(crate) fn current(&self) -> Arc<Inventory> {
        Arc::clone(&self.current)
    }

    /// A new one is here.
    pub(crate) fn set(&mut self, inventory: Inventory, now: Instant) {
        self.current = Arc::new(inventory);
        self.taken = true;
        self.due = now + EVERY;
    }

    pub(crate) fn want(&mut self) {
        self.wanted = true;
    }

    /// The inventory, if the server should have it.
    pub(crate) fn to_tell(&self) -> Option<Arc<Inventory>> {
        if !self.taken {
            return None;
        }
        let old = self
            .current
            .taken
            .is_some_and(|at| at.as_second().saturating_sub(self.told.at) > REFRESH_S);
        (self.wanted || old || digest(&self.current) != self.told.digest).then(|| self.current())
    }

    /// The server has taken this one.
    pub(crate) fn told(
        &mut self,
        inventory: &Inventory,
        folder: &StateFolder,
    ) -> Result<(), AgentError> {
        self.wanted = false;
        let at = inventory.taken.map_or(0, |at| at.as_second());
        self.told = Told {
            digest: digest(inventory),
            at,
        };
        folder.write_json(FILE, &self.told)
    }
}

/// Takes the inventory beside the main task.
pub(crate) async fn collect() -> Option<Inventory> {
    match spawn_blocking(escadre_probe::inventory::collect).await {
        Ok(inventory) => Some(inventory),
        Err(error) => {
            tracing::error!(%error, "the inventory broke off");
            None
        }
    }
}

fn digest(inventory: &Inventory) -> String {
    let mut steady = inventory.clone();
    steady.taken = None;
    steady.cpu.mhz = None;
    for mount in &mut steady.mounts {
        (mount.available, mount.inodes_free) = (ByteCount(0), 0);
    }
    let bytes = serde_json::to_vec(&steady).unwrap_or_default();
    blake3::hash(&bytes).to_hex().to_string()
}
