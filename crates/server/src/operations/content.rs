//! Content of bundles: chunks that come in, files of the trust metadata, and whether all is still what it says.

use std::sync::Arc;

use bytes::Bytes;
use escadre_api::{Actor, ApiError, ApiResult, ErrorKind, Role, bundle::*};
use escadre_blobs::Blobs;
use escadre_bundle::{ChunkHash, Decoder};
use escadre_model::BundleRef;

use super::{
    allowed::require,
    bundles::{SIGNED, find},
};
use crate::{
    error::{blocking, of_blobs},
    shared::Shared,
    uploads::of_bundle,
};

/// Chunks that may be asked for at once.
const ASKED: usize = 100_000;

fn chunk_name(text: &str) -> ApiResult<ChunkHash> {
    let message = "a chunk's name is 64 hexadecimal digits";
    text.parse()
        .map_err(|_| ApiError::invalid("chunk.name", message))
}

pub(super) async fn chunks_missing(
    shared: &Arc<Shared>,
    actor: &Actor,
    hashes: Vec<String>,
) -> ApiResult<Vec<String>> {
    require(actor, Role::Publisher)?;
    if hashes.len() > ASKED {
        let message = format!("at most {ASKED} chunks may be asked for at once");
        return Err(ApiError::new(
            ErrorKind::TooLarge,
            "chunk.too_many",
            message,
        ));
    }
    let hashes: Vec<ChunkHash> = hashes
        .iter()
        .map(|hash| chunk_name(hash))
        .collect::<ApiResult<_>>()?;
    let blobs = Arc::clone(&shared.blobs);
    let missing = blocking(move || blobs.missing(&hashes).map_err(of_blobs)).await?;
    Ok(missing.iter().map(ToString::to_string).collect())
}

pub(super) async fn chunk_put(
    shared: &Arc<Shared>,
    actor: &Actor,
    hash: &str,
    compressed: Bytes,
) -> ApiResult<()> {
    require(actor, Role::Publisher)?;
    let hash = chunk_name(hash)?;
    let blobs = Arc::clone(&shared.blobs);
    blocking(move || {
        let mut decoder = Decoder::new().map_err(of_bundle)?;
        let chunk = decoder
            .verify(hash, compressed.to_vec())
            .map_err(of_bundle)?;
        blobs.put(&chunk).map(drop).map_err(of_blobs)
    })
    .await
}

pub(super) async fn trust_file(
    shared: &Arc<Shared>,
    actor: &Actor,
    name: &str,
) -> ApiResult<Bytes> {
    require(actor, Role::Viewer)?;
    let (trust, wanted) = (Arc::clone(&shared.trust), name.to_owned());
    let found = blocking(move || trust.file(&wanted)).await?;
    let missing =
        || ApiError::not_found("trust.no_such_file", format!("there is no `{name}` here"));
    found.map(Bytes::from).ok_or_else(missing)
}

pub(super) async fn bundle_verify(
    shared: &Arc<Shared>,
    actor: &Actor,
    bundle: &BundleRef,
) -> ApiResult<BundleVerification> {
    require(actor, Role::Viewer)?;
    let (row, manifest) = find(shared, bundle).await?;
    let (blobs, trust, name) = (
        Arc::clone(&shared.blobs),
        Arc::clone(&shared.trust),
        bundle.clone(),
    );
    blocking(move || {
        let mut findings = Vec::new();
        if row.status == SIGNED {
            if !trust.signatures()?.bundles.contains(&name) {
                findings.push("the signed list does not name it".to_owned());
            }
        } else {
            findings.push("no publisher has signed it yet".to_owned());
        }
        let chunks = manifest.content.chunks();
        for chunk in &chunks {
            // Verified by `get`: what is no longer what its name says is put aside and reported missing.
            if blobs.get(chunk.hash).map_err(of_blobs)?.is_none() {
                findings.push(format!("chunk {} is missing or damaged", chunk.hash));
            }
        }
        Ok(BundleVerification {
            name,
            good: findings.is_empty(),
            chunks: chunks.len() as u64,
            findings: findings.into_iter().take(1000).collect(),
        })
    })
    .await
}
