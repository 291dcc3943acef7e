//! A bundle out of an archive that a browser sent: cut, kept, and signed if the publisher's key lies here.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use escadre_api::{Actor, ApiError, ApiResult, ErrorKind, Role, bundle::*};
use escadre_model::BundleRef;
use escadre_store::tables::{audit, bundle as rows};

use super::{
    allowed::{Deed, act, require},
    bundles::{follow_signatures, keep},
};
use crate::{
    error::{blocking, internal},
    shared::Shared,
    uploads::{self, of_bundle},
};

/// How often progress is told.
const SELDOM: Duration = Duration::from_millis(250);

pub(super) async fn bundle_upload(
    shared: &Arc<Shared>,
    actor: &Actor,
    upload: UploadNew,
    file_name: &str,
    file: PathBuf,
) -> ApiResult<UploadState> {
    // Whatever happens, the file is ours to delete.
    let file = Taken(file);
    let subject = format!("{}@{}", upload.name, upload.version);
    let deed = Deed::new("bundle.upload", subject).with(file_name);
    act(shared, actor, Role::Publisher, deed, |line| async move {
        let bundle = BundleRef::new(&upload.name, &upload.version)
            .map_err(|error| ApiError::invalid("bundle.name", error.to_string()))?;
        let wanted = bundle.clone();
        if shared
            .read(move |tx| rows::get(tx, &wanted))
            .await?
            .is_some()
        {
            let message = format!("`{bundle}` is there already");
            return Err(ApiError::new(ErrorKind::Conflict, "bundle.taken", message)
                .with_hint("a bundle never changes: give it another version"));
        }
        if !shared.uploads.begin(&bundle) {
            let message = format!("an upload of `{bundle}` is under way, or too many are");
            return Err(ApiError::new(
                ErrorKind::Conflict,
                "upload.under_way",
                message,
            ));
        }
        shared.uploads.set(&bundle, "cutting", 0, None, "");
        let (at_work, name) = (Arc::clone(shared), bundle.clone());
        tokio::spawn(async move {
            if let Err(error) = process(&at_work, &name, upload, file, line).await {
                at_work
                    .uploads
                    .set(&name, "failed", 0, None, &error.message);
            }
            at_work.tell("bundle.changed", &name);
        });
        upload_state(shared, actor, &bundle).await
    })
    .await
}

/// A file that is deleted when nobody needs it any more.
struct Taken(PathBuf);

impl Drop for Taken {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.0)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(%error, path = %self.0.display(), "an upload's file is left behind");
        }
    }
}

async fn process(
    shared: &Arc<Shared>,
    bundle: &BundleRef,
    upload: UploadNew,
    file: Taken,
    line: audit::Line,
) -> ApiResult<()> {
    let (at_work, name) = (Arc::clone(shared), bundle.clone());
    let told = Mutex::new(Instant::now());
    let manifest = blocking(move || {
        let blobs = Arc::clone(&at_work.blobs);
        // Called for every piece, by several threads: pages need not hear of each.
        let progress = |so_far: escadre_blobs::PackProgress| {
            let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
            if told.elapsed() >= SELDOM {
                *told = Instant::now();
                let total = Some(so_far.total);
                at_work
                    .uploads
                    .set(&name, "cutting", so_far.done, total, "");
                at_work.tell("bundle.changed", &name);
            }
        };
        uploads::make(&upload, &name, &file.0, &blobs, &progress)
    })
    .await?;
    shared.uploads.set(bundle, "signing", 0, None, "");
    let bytes = manifest.to_bytes().map_err(of_bundle)?;
    let text = String::from_utf8(bytes.clone()).map_err(internal)?;
    keep(shared, &manifest, text, Some(line)).await?;
    match shared.trust.sign_here(bundle.clone(), bytes).await? {
        Some(signatures) => {
            follow_signatures(shared, signatures, None).await?;
            shared.uploads.set(bundle, "done", 0, None, "");
        }
        None => {
            let message = format!("the publisher signs it next: escadre bundle sign {bundle}");
            shared.uploads.set(bundle, "unsigned", 0, None, &message);
        }
    }
    tracing::info!(%bundle, "uploaded");
    Ok(())
}

pub(super) async fn upload_state(
    shared: &Arc<Shared>,
    actor: &Actor,
    bundle: &BundleRef,
) -> ApiResult<UploadState> {
    require(actor, Role::Viewer)?;
    let missing = || {
        ApiError::not_found(
            "upload.unknown",
            format!("no upload of `{bundle}` is known"),
        )
    };
    shared.uploads.get(bundle).ok_or_else(missing)
}
