//! How far uploads are, and making a bundle of an archive.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use escadre_api::{
    ApiError, ApiResult,
    bundle::{UploadAction, UploadNew, UploadState},
};
use escadre_blobs::{DiskBlobs, PackOptions, PackProgress, pack};
use escadre_bundle::{Action, BundleError, Command, Content, Manifest};
use escadre_model::BundleRef;

use crate::{clock, error::of_blobs};

/// Uploads that are remembered after they ended.
const REMEMBERED: usize = 256;

/// Every upload since the start.
#[derive(Debug, Default)]
pub(crate) struct Uploads(Mutex<BTreeMap<BundleRef, UploadState>>);

impl Uploads {
    /// Begins one; false when one of that name is under way.
    pub(crate) fn begin(&self, bundle: &BundleRef) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.get(bundle).is_some_and(|state| !is_over(&state.phase)) {
            return false;
        }
        while all.len() >= REMEMBERED {
            let Some(over) = all
                .iter()
                .find(|(_, state)| is_over(&state.phase))
                .map(|(name, _)| name.clone())
            else {
                return false;
            };
            all.remove(&over);
        }
        all.insert(bundle.clone(), state(bundle, "receiving", 0, None, ""));
        true
    }

    /// Says how far it is.
    pub(crate) fn set(
        &self,
        bundle: &BundleRef,
        phase: &str,
        done: u64,
        total: Option<u64>,
        message: &str,
    ) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(bundle.clone(), state(bundle, phase, done, total, message));
    }

    /// How far it is.
    pub(crate) fn get(&self, bundle: &BundleRef) -> Option<UploadState> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(bundle)
            .cloned()
    }
}

fn is_over(phase: &str) -> bool {
    matches!(phase, "done" | "unsigned" | "failed")
}

fn state(
    bundle: &BundleRef,
    phase: &str,
    done: u64,
    total: Option<u64>,
    message: &str,
) -> UploadState {
    UploadState {
        name: bundle.clone(),
        phase: phase.to_owned(),
        done,
        total,
        message: message.to_owned(),
    }
}

/// Cuts an archive into chunks and makes the manifest. Blocks.
pub(crate) fn make(
    upload: &UploadNew,
    bundle: &BundleRef,
    file: &Path,
    blobs: &Arc<DiskBlobs>,
    progress: &(dyn Fn(PackProgress) + Sync),
) -> ApiResult<Manifest> {
    let packed = pack(file, blobs.as_ref(), &PackOptions::default(), progress).map_err(of_blobs)?;
    let mut content = packed.content;
    let action = action(&upload.action, &mut content).map_err(of_bundle)?;
    let mut manifest = Manifest::new(bundle.clone(), clock::now(), content, action);
    manifest.description = upload.description.clone();
    manifest.to_bytes().map_err(of_bundle)?;
    Ok(manifest)
}

fn action(wanted: &UploadAction, content: &mut Content) -> Result<Action, BundleError> {
    Ok(match wanted {
        UploadAction::Launch(line) => {
            let action = Action::Launch {
                command: Command::from_line(line)?,
            };
            if let Some(program) = action.program() {
                content.make_executable(&program?);
            }
            action
        }
        UploadAction::Execute(line) => Action::Execute {
            command: Command::from_line(line)?,
        },
        UploadAction::Store(path) => Action::Store { path: path.clone() },
    })
}

/// What a rule of bundles that is broken is to who asked.
pub(crate) fn of_bundle(error: BundleError) -> ApiError {
    ApiError::invalid("bundle.invalid", error.to_string())
}
