//! The server's keys for freshness: they say what is current, and can say nothing else.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::keys::{PublicKey, SigningKey};
use crate::{TrustError, secret::create_private_folder};

const SNAPSHOT_FILE: &str = "snapshot.pem";
const TIMESTAMP_FILE: &str = "timestamp.pem";

/// The private keys of the roles snapshot and timestamp. Live on the server.
#[derive(Debug)]
pub struct OnlineKeys {
    pub(crate) snapshot: SigningKey,
    pub(crate) timestamp: SigningKey,
}

/// Their public halves, which a publisher puts into the root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnlinePublicKeys {
    /// Says which list of bundles is current.
    pub snapshot: PublicKey,
    /// Says which snapshot is current.
    pub timestamp: PublicKey,
}

impl OnlineKeys {
    /// Makes both keys in a folder (0700) that has none yet.
    pub fn create(folder: &Path) -> Result<Self, TrustError> {
        create_private_folder(folder)?;
        Ok(Self {
            snapshot: SigningKey::create(&folder.join(SNAPSHOT_FILE), None)?,
            timestamp: SigningKey::create(&folder.join(TIMESTAMP_FILE), None)?,
        })
    }

    /// Opens the keys that [`OnlineKeys::create`] made.
    pub fn open(folder: &Path) -> Result<Self, TrustError> {
        Ok(Self {
            snapshot: SigningKey::open(&folder.join(SNAPSHOT_FILE), None)?,
            timestamp: SigningKey::open(&folder.join(TIMESTAMP_FILE), None)?,
        })
    }

    /// What goes into the root.
    pub fn public(&self) -> OnlinePublicKeys {
        OnlinePublicKeys {
            snapshot: self.snapshot.public(),
            timestamp: self.timestamp.public(),
        }
    }
}

impl std::fmt::Display for OnlinePublicKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "snapshot key {}, timestamp key {}",
            self.snapshot, self.timestamp
        )
    }
}
