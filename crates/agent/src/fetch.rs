//! Fetching a delivery: trust first, content last.
//!
//! ```text
//! trust metadata ► manifest ► whom it is for ► expiry ► version ► room ► the chunks that lack
//! ```
//!
//! The order is a promise: nothing of a step is looked at before the one before it has held. The server appears here only as
//! a place that bytes come from.

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use escadre_blobs::{BlobError, Blobs, DiskBlobs, Room, check_room};
use escadre_bundle::{Action, ChunkRef, Decoder, Manifest, ManifestHash, StoredChunk};
use escadre_model::{
    BundleRef, ByteCount, Timestamp, delivery::Refusal, inventory::Inventory, version,
};
use escadre_rollout::{
    Progress,
    delivery::{Fault, Order, Terms},
};
use escadre_trust::{AgentTrust, UpdateError, secret::write_private};
use tokio::{
    sync::Mutex,
    task::{JoinSet, spawn_blocking},
    time::Instant,
};

use crate::{facts::Facts, link::Link, state::StateFolder};

/// Chunks that are fetched at a time.
const AT_ONCE: usize = 4;
/// A chunk that comes altered is asked for so many times.
const TRIES: usize = 3;
const TELL_EVERY: Duration = Duration::from_secs(2);

/// What fetching needs; cheap to clone.
#[derive(Clone)]
pub(crate) struct Fetcher {
    pub(crate) folder: StateFolder,
    pub(crate) link: Arc<Link>,
    pub(crate) trust: Arc<Mutex<AgentTrust>>,
    pub(crate) blobs: Arc<DiskBlobs>,
    pub(crate) name: Arc<str>,
}

/// What of this host the manifest is held against.
pub(crate) struct Host {
    pub(crate) inventory: Arc<Inventory>,
    /// Highest version seen of the bundle.
    pub(crate) seen: Option<String>,
}

impl Fetcher {
    /// Fetches and verifies everything of an order. May be dropped at any time: what came stays.
    pub(crate) async fn fetch(
        &self,
        order: &Order,
        host: &Host,
        progress: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<Terms, Fault> {
        let bytes = self.signed_manifest(&order.bundle).await?;
        let manifest = read_manifest(&bytes, &order.bundle)?;
        manifest
            .check_expiry(Timestamp::now())
            .map_err(Fault::Refused)?;
        check_target(&manifest, &self.name, &host.inventory)?;
        if let Some(seen) = &host.seen
            && !manifest.allow_downgrade
            && version::deb(order.bundle.version(), seen).is_lt()
        {
            let offered = order.bundle.version().to_owned();
            return Err(Fault::Refused(Refusal::Downgrade {
                offered,
                seen: seen.clone(),
            }));
        }
        let work = self.folder.work(order.id);
        let missing = self.missing(&manifest).await?;
        check_rooms(&manifest, &missing, self.folder.root())?;
        self.fetch_chunks(&manifest, missing, progress).await?;
        let hash = ManifestHash::of(&bytes).to_string();
        keep_manifest(&work, &bytes)?;
        Ok(Terms {
            manifest: hash,
            repeatable: manifest.repeatable,
            allow_downgrade: manifest.allow_downgrade,
            expires: manifest.expires,
        })
    }

    async fn signed_manifest(&self, bundle: &BundleRef) -> Result<Vec<u8>, Fault> {
        let transport: Arc<Link> = Arc::clone(&self.link);
        let mut trust = self.trust.lock().await;
        let now = Timestamp::now();
        let view = trust
            .update(Arc::clone(&self.link) as _, now)
            .await
            .map_err(fault_of_update)?;
        view.verified_manifest(&*transport, bundle, now)
            .await
            .map_err(fault_of_update)
    }

    async fn missing(&self, manifest: &Manifest) -> Result<Vec<ChunkRef>, Fault> {
        let chunks = manifest.content.chunks();
        let blobs = Arc::clone(&self.blobs);
        let look = spawn_blocking(move || {
            let hashes: Vec<_> = chunks.iter().map(|chunk| chunk.hash).collect();
            let missing: std::collections::BTreeSet<_> =
                blobs.missing(&hashes)?.into_iter().collect();
            Ok::<_, BlobError>(
                chunks
                    .into_iter()
                    .filter(|chunk| missing.contains(&chunk.hash))
                    .collect(),
            )
        });
        look.await
            .map_err(|error| Fault::Passing(error.to_string()))?
            .map_err(fault_of_blobs)
    }

    async fn fetch_chunks(
        &self,
        manifest: &Manifest,
        missing: Vec<ChunkRef>,
        progress: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<(), Fault> {
        let total: u64 = manifest
            .content
            .chunks()
            .iter()
            .map(|chunk| u64::from(chunk.length))
            .sum();
        let lacking: u64 = missing.iter().map(|chunk| u64::from(chunk.length)).sum();
        let mut state = Progress {
            have: total.saturating_sub(lacking),
            total,
            fetched: 0,
        };
        let mut told = Instant::now();
        let mut queue = missing.into_iter();
        let mut running: JoinSet<Result<(ChunkRef, u64), Fault>> = JoinSet::new();
        loop {
            while running.len() < AT_ONCE
                && let Some(chunk) = queue.next()
            {
                let fetcher = self.clone();
                running.spawn(
                    async move { fetcher.fetch_chunk(chunk).await.map(|wire| (chunk, wire)) },
                );
            }
            let Some(ended) = running.join_next().await else {
                return Ok(());
            };
            let (chunk, wire) = ended.map_err(|error| Fault::Passing(error.to_string()))??;
            state.have += u64::from(chunk.length);
            state.fetched += wire;
            if told.elapsed() >= TELL_EVERY {
                told = Instant::now();
                progress(state);
            }
        }
    }

    /// Fetches one chunk, verifies and keeps it; the bytes that came over the wire.
    async fn fetch_chunk(&self, chunk: ChunkRef) -> Result<u64, Fault> {
        for _ in 0..TRIES {
            let answer = self
                .link
                .chunk(chunk.hash)
                .await
                .map_err(|error| Fault::Passing(error.to_string()))?;
            let Some(stored) = answer else {
                return Err(Fault::Passing(format!(
                    "the server has no chunk {} at the moment",
                    chunk.hash
                )));
            };
            let wire = stored.len() as u64;
            let blobs = Arc::clone(&self.blobs);
            let keep = spawn_blocking(move || keep_chunk(&blobs, chunk, stored));
            if keep
                .await
                .map_err(|error| Fault::Passing(error.to_string()))??
            {
                return Ok(wire);
            }
            tracing::warn!(chunk = %chunk.hash, "came altered or cut short; asking again");
        }
        Err(Fault::Refused(Refusal::Corrupt {
            what: format!("chunk {}", chunk.hash),
        }))
    }
}

/// False when these bytes are not that chunk.
fn keep_chunk(blobs: &DiskBlobs, chunk: ChunkRef, stored: Vec<u8>) -> Result<bool, Fault> {
    let mut decoder = Decoder::new().map_err(|error| Fault::Passing(error.to_string()))?;
    let Ok(verified): Result<StoredChunk, _> = decoder.verify(chunk.hash, stored) else {
        return Ok(false);
    };
    if verified.reference() != chunk {
        return Ok(false);
    }
    blobs.put(&verified).map_err(fault_of_blobs)?;
    Ok(true)
}

/// Parses a manifest whose bytes are verified, and holds it against what was ordered.
pub(crate) fn read_manifest(bytes: &[u8], bundle: &BundleRef) -> Result<Manifest, Fault> {
    let manifest = Manifest::parse(bytes).map_err(|error| Fault::Refused(error.refusal()))?;
    if manifest.bundle != *bundle {
        let detail = format!("{} was signed under the name of {bundle}", manifest.bundle);
        return Err(Fault::Refused(Refusal::Metadata { detail }));
    }
    Ok(manifest)
}

/// Refuses a manifest that is not made for this host.
pub(crate) fn check_target(
    manifest: &Manifest,
    name: &str,
    inventory: &Inventory,
) -> Result<(), Fault> {
    let target = &manifest.conditions.target;
    if target.matches(&Facts { name, inventory }) {
        return Ok(());
    }
    Err(Fault::Refused(Refusal::WrongTarget {
        condition: target.to_string(),
    }))
}

/// Refuses when one of the file systems has not the room for what will be written to it, all things together.
fn check_rooms(manifest: &Manifest, missing: &[ChunkRef], state: &Path) -> Result<(), Fault> {
    for (mount, wanted) in &manifest.conditions.free {
        let room = Room::at(Path::new(mount)).map_err(fault_of_blobs)?;
        room.check(*wanted).map_err(Fault::Refused)?;
    }
    let mut wanted: BTreeMap<_, (Room, ByteCount)> = BTreeMap::new();
    let mut want = |path: &Path, bytes: &dyn Fn(&Room) -> ByteCount| -> Result<(), Fault> {
        let room = Room::at(path).map_err(fault_of_blobs)?;
        let more = bytes(&room);
        let (_, sum) = wanted
            .entry(room.mount.clone())
            .or_insert((room, ByteCount(0)));
        *sum = *sum + more;
        Ok(())
    };
    let chunks: u64 = missing.iter().map(|chunk| u64::from(chunk.length)).sum();
    want(state, &|_| ByteCount(chunks))?;
    let place = match &manifest.action {
        Action::Store { path } => Path::new(path),
        _ => state,
    };
    want(place, &|room| room.taken_by(&manifest.content))?;
    wanted
        .values()
        .try_for_each(|(room, sum)| room.check(*sum))
        .map_err(Fault::Refused)
}

/// Room for unpacked content, asked again right before it is unpacked.
pub(crate) fn check_place(manifest: &Manifest, place: &Path) -> Result<(), Fault> {
    check_room(&manifest.content, place).map_err(fault_of_blobs)
}

fn keep_manifest(work: &Path, bytes: &[u8]) -> Result<(), Fault> {
    let local = |error: &dyn std::error::Error| Fault::Passing(error.to_string());
    escadre_trust::secret::create_private_folder(work).map_err(|error| local(&error))?;
    write_private(&work.join("manifest.json"), bytes).map_err(|error| local(&error))
}

fn fault_of_update(error: UpdateError) -> Fault {
    match error {
        UpdateError::Refused(refusal) => Fault::Refused(refusal),
        UpdateError::Unreachable { .. } | UpdateError::Local(_) => {
            Fault::Passing(error.to_string())
        }
    }
}

/// A fault of the host's disk may pass; content that is not good is refused.
pub(crate) fn fault_of_blobs(error: BlobError) -> Fault {
    match (&error, error.refusal()) {
        (BlobError::Missing { .. }, _) | (_, None) => Fault::Passing(error.to_string()),
        (_, Some(refusal)) => Fault::Refused(refusal),
    }
}
