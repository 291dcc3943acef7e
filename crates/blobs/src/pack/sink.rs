//! Where chunks go when something is packed: any [`Blobs`], or a function for each.

use escadre_bundle::{ChunkHash, StoredChunk};

use crate::{Batch, BlobError, Blobs};

/// Takes the chunks of what is packed.
pub trait Sink: Sync {
    /// Whether a chunk is wanted; what is not wanted is not compressed.
    fn wants(&self, hash: ChunkHash) -> Result<bool, BlobError>;

    /// Begins to take chunks; they are committed when all went well.
    fn begin(&self) -> Result<Box<dyn Batch + '_>, BlobError>;
}

impl<B: Blobs + ?Sized> Sink for B {
    fn wants(&self, hash: ChunkHash) -> Result<bool, BlobError> {
        self.has(hash).map(|has| !has)
    }

    fn begin(&self) -> Result<Box<dyn Batch + '_>, BlobError> {
        self.batch()
    }
}

/// Gives every distinct chunk to a function.
pub struct EachChunk<F>(pub F);

impl<F: Fn(&StoredChunk) -> Result<(), BlobError> + Sync> Sink for EachChunk<F> {
    fn wants(&self, _: ChunkHash) -> Result<bool, BlobError> {
        Ok(true)
    }

    fn begin(&self) -> Result<Box<dyn Batch + '_>, BlobError> {
        Ok(Box::new(Each {
            function: &self.0,
            given: 0,
        }))
    }
}

struct Each<'a, F> {
    function: &'a F,
    given: u64,
}

impl<F: Fn(&StoredChunk) -> Result<(), BlobError> + Sync> Batch for Each<'_, F> {
    fn add(&mut self, chunk: &StoredChunk) -> Result<(), BlobError> {
        self.given += 1;
        (self.function)(chunk)
    }

    fn commit(self: Box<Self>) -> Result<u64, BlobError> {
        Ok(self.given)
    }
}
