//! The index on disk: `IDENTITY-STAMP.catalog`, `.details`, `.json` in a folder of the caller's.
//!
//! Written aside and renamed, the `.json` last; whatever does not open or does not fit together is as if it were not there.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use escadre_catalog::{Catalog, Details};
use escadre_model::Problem;
use serde::{Deserialize, Serialize};

use crate::{build::Plan, error::RepositoryError, signature::Trust};

/// What belongs to the catalog and is not in it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) identity: String,
    pub(crate) catalog: String,
    pub(crate) trust: Vec<(String, Trust)>,
    pub(crate) problems: Vec<Problem>,
}

/// The place of one plan's index in one state.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    folder: PathBuf,
    identity: String,
    name: String,
}

impl Place {
    pub(crate) fn new(folder: &Path, plan: &Plan) -> Result<Self, RepositoryError> {
        let identity = blake3::hash(plan.identity.as_bytes()).to_hex()[..16].to_owned();
        let name = format!("{identity}-{}", &plan.stamp()?[..32]);
        Ok(Self {
            folder: folder.to_owned(),
            identity,
            name,
        })
    }

    fn path(&self, end: &str) -> PathBuf {
        self.folder.join(format!("{}.{end}", self.name))
    }

    pub(crate) fn details(&self) -> PathBuf {
        self.path("details")
    }

    /// The stored catalog, if it is whole.
    pub(crate) fn load(&self) -> Option<(Catalog, Record)> {
        let record: Record = serde_json::from_slice(&fs::read(self.path("json")).ok()?).ok()?;
        let catalog = Catalog::from_bytes(fs::read(self.path("catalog")).ok()?).ok()?;
        let details = self.details().metadata().is_ok();
        (details && hex(&catalog.hash()) == record.catalog).then_some((catalog, record))
    }

    /// Stores an index and removes those of earlier states.
    pub(crate) fn store(
        &self,
        plan: &Plan,
        catalog: &Catalog,
        details: &Details,
        problems: &[Problem],
    ) -> Result<(), RepositoryError> {
        fs::create_dir_all(&self.folder).map_err(RepositoryError::file("create", &self.folder))?;
        let record = Record {
            identity: plan.identity.clone(),
            catalog: hex(&catalog.hash()),
            trust: plan.trust.clone(),
            problems: problems.to_vec(),
        };
        let json = serde_json::to_vec(&record).map_err(std::io::Error::from);
        let json = json.map_err(RepositoryError::file("write", self.path("json")))?;
        for (end, bytes) in [
            ("catalog", catalog.to_bytes()),
            ("details", details.to_bytes()),
            ("json", &json),
        ] {
            self.write(end, bytes)
                .map_err(RepositoryError::file("write", self.path(end)))?;
        }
        self.remove_earlier();
        Ok(())
    }

    fn write(&self, end: &str, bytes: &[u8]) -> std::io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(self.path(end)).map_err(|error| error.error)?;
        fs::File::open(&self.folder)?.sync_all()
    }

    fn remove_earlier(&self) {
        let Ok(entries) = fs::read_dir(&self.folder) else {
            return;
        };
        for entry in entries.filter_map(Result::ok) {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with(&format!("{}-", self.identity)) && !name.starts_with(&self.name) {
                tracing::debug!(file = %name, "removing an index of an earlier state");
                // One that stays only takes room.
                drop(fs::remove_file(entry.path()));
            }
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
