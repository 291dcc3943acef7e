//! The seam: what every place that keeps chunks can do. [`crate::conformance`] says it again as tests.

use escadre_bundle::{ChunkHash, StoredChunk};

use crate::BlobError;

/// A place that keeps chunks by name. All methods may be called from many threads at once.
///
/// Content never changes under a name, so two writers of one chunk write the same, and a copy is never stale.
pub trait Blobs: Send + Sync {
    /// Keeps a chunk; true when it was not there. When this returns, the chunk survives a power cut.
    fn put(&self, chunk: &StoredChunk) -> Result<bool, BlobError>;

    /// Begins to keep many, which is much cheaper than one by one: a disk is flushed once for all of them.
    fn batch(&self) -> Result<Box<dyn Batch + '_>, BlobError>;

    /// Keeps some in one batch; returns how many were not there.
    fn put_all(&self, chunks: &[StoredChunk]) -> Result<u64, BlobError> {
        let mut batch = self.batch()?;
        chunks.iter().try_for_each(|chunk| batch.add(chunk))?;
        batch.commit()
    }

    /// The chunk, verified. One that is not good any more is put aside and reported as not there.
    fn get(&self, hash: ChunkHash) -> Result<Option<StoredChunk>, BlobError>;

    /// The stored form as it lies there, unverified: for sending it to who verifies it anyway.
    fn get_unverified(&self, hash: ChunkHash) -> Result<Option<Vec<u8>>, BlobError>;

    /// Whether it is there. One that is stays for the grace of the next collection, even if nothing uses it yet.
    fn has(&self, hash: ChunkHash) -> Result<bool, BlobError>;

    /// Those that are not there, in the order given.
    fn missing(&self, hashes: &[ChunkHash]) -> Result<Vec<ChunkHash>, BlobError> {
        let mut missing = Vec::new();
        for &hash in hashes {
            if !self.has(hash)? {
                missing.push(hash);
            }
        }
        Ok(missing)
    }

    /// Bytes of its stored form; none when it is not there.
    fn len(&self, hash: ChunkHash) -> Result<Option<u64>, BlobError>;

    /// Removes it; false when it was not there.
    fn delete(&self, hash: ChunkHash) -> Result<bool, BlobError>;

    /// Gives every chunk with the bytes of its stored form, in no order. Chunks that come or go meanwhile may be in it or not.
    fn list(&self, each: &mut dyn FnMut(ChunkHash, u64)) -> Result<(), BlobError>;
}

/// Chunks that come to be there together.
pub trait Batch: Send {
    /// Takes a chunk. It may be there from now on, or from the commit on.
    fn add(&mut self, chunk: &StoredChunk) -> Result<(), BlobError>;

    /// Makes them all be there and survive a power cut; returns how many were not there before. Without it they may vanish.
    fn commit(self: Box<Self>) -> Result<u64, BlobError>;
}
