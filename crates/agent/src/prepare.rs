//! Everything between *verified* and *applying*: nothing here has an effect outside of the work folder, so that it may be done
//! again after any crash.

use std::{fs, path::PathBuf, sync::Arc};

use escadre_blobs::unpack;
use escadre_bundle::{Action, Manifest, ManifestHash};
use escadre_model::{Timestamp, delivery::Refusal, inventory::Inventory};
use escadre_rollout::delivery::{Fault, Order, Terms};
use tokio::task::spawn_blocking;

use crate::{
    fetch::{Fetcher, check_place, check_target, fault_of_blobs, read_manifest},
    packages::{Installed, content_folder, is_busy, transaction},
};

impl Fetcher {
    /// Lays the content out. The manifest is the one that was verified, or nothing is.
    pub(crate) async fn prepare(
        &self,
        order: &Order,
        terms: &Terms,
        inventory: Arc<Inventory>,
    ) -> Result<(), Fault> {
        let manifest = self.kept_manifest(order, terms)?;
        manifest
            .check_expiry(Timestamp::now())
            .map_err(Fault::Refused)?;
        check_target(&manifest, &self.name, &inventory)?;
        if let Some(notice) = &manifest.notice {
            tracing::info!(delivery = %order.id, text = notice.text, "notice to the user; nobody is asked on this host");
        }
        if let Action::Packages(set) = &manifest.action {
            if transaction(set, &self.folder.work(order.id)).is_none() {
                return Err(Fault::Failed(
                    "rpm cannot install and erase in one transaction; make two bundles".to_owned(),
                ));
            }
            if is_busy(set.kind) {
                return Err(Fault::Passing(
                    "somebody else installs packages at the moment".to_owned(),
                ));
            }
            let installed = Installed::ask(set.kind).await.map_err(Fault::Failed)?;
            let repeated = terms.repeatable && installed.has_all(set);
            if let Some(condition) = installed.mismatch(set).filter(|_| !repeated) {
                return Err(Fault::Refused(Refusal::WrongTarget { condition }));
            }
        }
        let blobs = Arc::clone(&self.blobs);
        let content = content_folder(&self.folder.work(order.id));
        let lay_out = spawn_blocking(move || match &manifest.action {
            Action::Store { path } => check_place(&manifest, path.as_ref()),
            _ => {
                match fs::remove_dir_all(&content) {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                        return Err(Fault::Passing(format!(
                            "{} cannot be removed: {error}",
                            content.display()
                        )));
                    }
                    _ => {}
                }
                unpack(&manifest.content, &*blobs, &content, &|_| {}).map_err(fault_of_blobs)
            }
        });
        lay_out
            .await
            .map_err(|error| Fault::Passing(error.to_string()))?
    }

    /// The manifest whose hash the journal holds.
    pub(crate) fn kept_manifest(&self, order: &Order, terms: &Terms) -> Result<Manifest, Fault> {
        let path: PathBuf = self.folder.work(order.id).join("manifest.json");
        let bytes = fs::read(&path).map_err(|error| {
            Fault::Passing(format!("{} cannot be read: {error}", path.display()))
        })?;
        if ManifestHash::of(&bytes).to_string() != terms.manifest {
            return Err(Fault::Passing(format!(
                "{} is not the manifest that was verified",
                path.display()
            )));
        }
        read_manifest(&bytes, &order.bundle)
    }
}
