//! Where chunks go when something is packed: any [`Blobs`], or a function for each.

use escadre_bundle::{ChunkHash, StoredChunk};

use crate::{BlobError, Blobs};

/// Takes the chunks of what is packed.
pub trait Sink: Sync {
    /// Whether a chunk is wanted; what is not wanted is not compressed.
    fn wants(&self, hash: ChunkHash) -> Result<bool, BlobError>;

    /// Takes some chunks. Called by one thread at a time.
    fn take(&self, chunks: &[StoredChunk]) -> Result<(), BlobError>;
}

impl<B: Blobs + ?Sized> Sink for B {
    fn wants(&self, hash: ChunkHash) -> Result<bool, BlobError> {
        self.has(hash).map(|has| !has)
    }

    fn take(&self, chunks: &[StoredChunk]) -> Result<(), BlobError> {
        self.put_all(chunks).map(drop)
    }
}

/// Gives every distinct chunk to a function.
pub struct EachChunk<F>(pub F);

impl<F: Fn(&StoredChunk) -> Result<(), BlobError> + Sync> Sink for EachChunk<F> {
    fn wants(&self, _: ChunkHash) -> Result<bool, BlobError> {
        Ok(true)
    }

    fn take(&self, chunks: &[StoredChunk]) -> Result<(), BlobError> {
        chunks.iter().try_for_each(&self.0)
    }
}
