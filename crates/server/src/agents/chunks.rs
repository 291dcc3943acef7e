//! Chunks and trust files. A rollout asks for the same few chunks from everybody: those stay in memory.

use std::{
    collections::{BTreeMap, HashMap},
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    extract::{Path, State},
    http::{
        HeaderValue,
        header::{CACHE_CONTROL, CONTENT_TYPE, ETAG},
    },
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use escadre_api::ApiError;
use escadre_blobs::Blobs;
use escadre_bundle::ChunkHash;

use super::{Agent, Ctx, Refused};
use crate::error::{blocking, of_blobs};

/// Bytes that are kept for what is asked for most lately; a bounded share of a small server's memory.
pub(crate) const HOT_BYTES: usize = 256 << 20;

/// What was asked for lately, up to so many bytes.
#[derive(Debug)]
pub(crate) struct ChunkCache<K>(Mutex<Hot<K>>);

#[derive(Debug)]
struct Hot<K> {
    by_key: HashMap<K, (u64, Bytes)>,
    by_age: BTreeMap<u64, K>,
    clock: u64,
    bytes: usize,
    limit: usize,
}

impl<K: Copy + Eq + Hash> ChunkCache<K> {
    /// An empty cache for so many bytes.
    pub(crate) fn new(limit: usize) -> Self {
        Self(Mutex::new(Hot {
            by_key: HashMap::new(),
            by_age: BTreeMap::new(),
            clock: 0,
            bytes: 0,
            limit,
        }))
    }

    /// What lies under the key; it is the youngest from now on.
    pub(crate) fn get(&self, key: K) -> Option<Bytes> {
        let mut hot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        hot.clock += 1;
        let now = hot.clock;
        let (age, bytes) = hot.by_key.get_mut(&key)?;
        let (old, bytes) = (std::mem::replace(age, now), bytes.clone());
        hot.by_age.remove(&old);
        hot.by_age.insert(now, key);
        Some(bytes)
    }

    /// Keeps it; the oldest make room.
    pub(crate) fn put(&self, key: K, bytes: Bytes) {
        let mut hot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if bytes.len() > hot.limit / 4 || hot.by_key.contains_key(&key) {
            return;
        }
        hot.clock += 1;
        let now = hot.clock;
        hot.bytes += bytes.len();
        hot.by_key.insert(key, (now, bytes));
        hot.by_age.insert(now, key);
        while hot.bytes > hot.limit {
            let Some((_, oldest)) = hot.by_age.pop_first() else {
                break;
            };
            if let Some((_, bytes)) = hot.by_key.remove(&oldest) {
                hot.bytes -= bytes.len();
            }
        }
    }
}

/// `GET /agent/v1/chunks/HASH`. A chunk is at most 1 MiB: a cold one is one read.
pub(super) async fn chunk(
    State(shared): Ctx,
    _: Agent,
    Path(hash): Path<String>,
) -> Result<Response, Refused> {
    let key: ChunkHash = hash
        .parse()
        .map_err(|_| ApiError::invalid("chunk.name", "a chunk's name is 64 hexadecimal digits"))?;
    let bytes = match shared.chunks.get(key) {
        Some(bytes) => bytes,
        None => {
            let blobs = Arc::clone(&shared.blobs);
            let read = blocking(move || blobs.get_unverified(key).map_err(of_blobs)).await?;
            let missing =
                || ApiError::not_found("chunk.missing", format!("chunk {key} is not here"));
            let bytes = Bytes::from(read.ok_or_else(missing)?);
            shared.chunks.put(key, bytes.clone());
            bytes
        }
    };
    shared.counters.chunks.inc();
    shared.counters.chunk_bytes.inc_by(bytes.len() as u64);
    let mut response = bytes.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/zstd"));
    // The name is the content: whoever has it once never asks again.
    headers.insert(
        CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=31536000, immutable"),
    );
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{key}\"")) {
        headers.insert(ETAG, tag);
    }
    Ok(response)
}

/// `GET /agent/v1/trust/FILE`
pub(super) async fn trust_file(
    State(shared): Ctx,
    _: Agent,
    Path(name): Path<String>,
) -> Result<Response, Refused> {
    let trust = Arc::clone(&shared.trust);
    let asked = name.clone();
    let found =
        blocking(move || trust.metadata.read(&asked).map_err(crate::error::of_trust)).await?;
    let missing =
        || ApiError::not_found("trust.no_such_file", format!("there is no `{name}` here"));
    let mut response = found.ok_or_else(missing)?.into_response();
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_make_room_and_the_bound_holds() {
        let cache = ChunkCache::new(100);
        let bytes = |length: usize| Bytes::from(vec![0; length]);
        for key in 0..5u32 {
            cache.put(key, bytes(20));
        }
        assert!(cache.get(0).is_some(), "now 1 is the oldest");
        cache.put(5, bytes(20));
        assert!(cache.get(1).is_none());
        assert!(cache.get(0).is_some());
        cache.put(6, bytes(26));
        assert!(
            cache.get(6).is_none(),
            "one that takes a quarter of the room is not kept"
        );
        let hot = cache.0.lock().expect("no panic");
        assert_eq!(
            hot.bytes,
            hot.by_key
                .values()
                .map(|(_, bytes)| bytes.len())
                .sum::<usize>()
        );
        assert!(hot.bytes <= 100);
    }
}
