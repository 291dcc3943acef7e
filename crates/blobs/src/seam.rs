//! The seam: what every place that keeps chunks can do. [`crate::conformance`] says it again as tests.

use escadre_bundle::{ChunkHash, StoredChunk};

use crate::BlobError;

/// A place that keeps chunks by name. All methods may be called from many threads at once.
///
/// Content never changes under a name, so two writers of one chunk write the same, and a copy is never stale.
pub trait Blobs: Send + Sync {
    /// Keeps a chunk; true when it was not there. When this returns, the chunk survives a power cut.
    fn put(&self, chunk: &StoredChunk) -> Result<bool, BlobError>;

    /// Keeps many, which may be much cheaper than one by one; returns how many were not there.
    fn put_all(&self, chunks: &[StoredChunk]) -> Result<usize, BlobError> {
        chunks
            .iter()
            .try_fold(0, |fresh, chunk| Ok(fresh + usize::from(self.put(chunk)?)))
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
