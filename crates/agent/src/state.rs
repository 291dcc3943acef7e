//! The state folder: everything that an agent knows, readable by its owner alone.
//!
//! ```text
//! agent.json            who we are and where the server is; written last by an enrolment
//! agent.key  agent.crt  ca.crt
//! trust/                what the publishers signed (crate `trust`)
//! deliveries.journal    results.journal
//! orders.json           the last checks that were ordered
//! chunks/               content that came (crate `blobs`)
//! work/DELIVERY/        manifest and unpacked content of a delivery under way
//! ```

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use escadre_model::{DeliveryId, HostId};
use escadre_trust::{
    AgentKey, Credentials,
    secret::{create_private_folder, write_private},
};
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::error::{AgentError, At};

/// Bytes of any small file of the folder.
const LARGEST: u64 = 16 << 20;

/// Who this agent is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Settings {
    /// `host:port` of the server.
    pub(crate) server: String,
    /// Our id.
    pub(crate) host: HostId,
    /// Our name there.
    pub(crate) name: String,
}

/// The folder.
#[derive(Debug, Clone)]
pub(crate) struct StateFolder(PathBuf);

impl StateFolder {
    /// Makes it when it is not there.
    pub(crate) fn create(path: &Path) -> Result<Self, AgentError> {
        create_private_folder(path)?;
        Ok(Self(path.to_owned()))
    }

    /// The folder of an enrolled agent.
    pub(crate) fn open(path: &Path) -> Result<(Self, Settings), AgentError> {
        let folder = Self(path.to_owned());
        match folder.settings()? {
            Some(settings) => Ok((folder, settings)),
            None => Err(AgentError::NotEnrolled(path.to_owned())),
        }
    }

    /// Keeps every other agent out for as long as the file lives.
    pub(crate) fn lock(&self) -> Result<File, AgentError> {
        let path = self.path("lock");
        let file = File::options()
            .create(true)
            .append(true)
            .open(&path)
            .at("open", &path)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(file),
            Err(rustix::io::Errno::WOULDBLOCK) => Err(AgentError::InUse(self.0.clone())),
            Err(error) => Err(error).at("lock", &path),
        }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.0
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn settings(&self) -> Result<Option<Settings>, AgentError> {
        self.read_json("agent.json")
    }

    /// The key with its certificate.
    pub(crate) fn credentials(&self) -> Result<Credentials, AgentError> {
        let path = self.path("agent.crt");
        let certificate = fs::read_to_string(&path).at("read", &path)?;
        Ok(self.key()?.with_certificate(&certificate)?)
    }

    /// The key, made when there is none.
    pub(crate) fn key(&self) -> Result<AgentKey, AgentError> {
        let path = self.path("agent.key");
        let key = if path.exists() {
            AgentKey::open(&path)
        } else {
            AgentKey::create(&path)
        };
        Ok(key?)
    }

    pub(crate) fn authority(&self) -> Result<String, AgentError> {
        let path = self.path("ca.crt");
        fs::read_to_string(&path).at("read", &path)
    }

    /// Folder of a delivery under way.
    pub(crate) fn work(&self, delivery: DeliveryId) -> PathBuf {
        self.path("work").join(delivery.to_string())
    }

    /// Removes work folders of deliveries that are no more.
    pub(crate) fn clean_work(&self, is_live: impl Fn(&str) -> bool) -> Result<(), AgentError> {
        let work = self.path("work");
        create_private_folder(&work)?;
        for entry in fs::read_dir(&work).at("read", &work)? {
            let entry = entry.at("read", &work)?;
            if !is_live(&entry.file_name().to_string_lossy()) {
                remove_tree(&entry.path());
            }
        }
        Ok(())
    }

    /// A small file; none when it is not there.
    pub(crate) fn read_json<T: DeserializeOwned>(
        &self,
        name: &str,
    ) -> Result<Option<T>, AgentError> {
        let path = self.path(name);
        let bytes = match fs::metadata(&path) {
            Ok(metadata) if metadata.len() <= LARGEST => fs::read(&path).at("read", &path)?,
            Ok(_) => {
                return Err(AgentError::Damaged {
                    path,
                    detail: "it is too long".to_owned(),
                });
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).at("read", &path),
        };
        match serde_json::from_slice(&bytes) {
            Ok(value) => Ok(Some(value)),
            Err(error) => Err(AgentError::Damaged {
                path,
                detail: error.to_string(),
            }),
        }
    }

    /// Writes a small file whole, or not at all.
    pub(crate) fn write_json<T: Serialize>(&self, name: &str, value: &T) -> Result<(), AgentError> {
        let path = self.path(name);
        let bytes = serde_json::to_vec_pretty(value)
            .map_err(io::Error::from)
            .at("write", &path)?;
        Ok(write_private(&path, &bytes)?)
    }
}

/// Removes a folder; what cannot be removed is logged and tried again at the next start.
pub(crate) fn remove_tree(path: &Path) {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(folder = %path.display(), %error, "cannot be removed");
        }
        _ => {}
    }
}
