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

/// A batch for places that take several chunks in one go, such as a server: gives them to a function in groups.
pub struct Groups<F> {
    function: F,
    waiting: Vec<StoredChunk>,
    bytes: usize,
    given: u64,
}

impl<F: FnMut(&[StoredChunk]) -> Result<(), BlobError> + Send> Groups<F> {
    /// A group is given away when it has so many bytes.
    const FULL: usize = 4 << 20;

    /// With nothing in it.
    pub fn new(function: F) -> Self {
        Self {
            function,
            waiting: Vec::new(),
            bytes: 0,
            given: 0,
        }
    }

    fn give(&mut self) -> Result<(), BlobError> {
        if !self.waiting.is_empty() {
            (self.function)(&self.waiting)?;
        }
        self.given += self.waiting.len() as u64;
        self.waiting.clear();
        self.bytes = 0;
        Ok(())
    }
}

impl<F: FnMut(&[StoredChunk]) -> Result<(), BlobError> + Send> Batch for Groups<F> {
    fn add(&mut self, chunk: &StoredChunk) -> Result<(), BlobError> {
        self.bytes += chunk.bytes().len();
        self.waiting.push(chunk.clone());
        if self.bytes >= Self::FULL {
            self.give()
        } else {
            Ok(())
        }
    }

    fn commit(mut self: Box<Self>) -> Result<u64, BlobError> {
        self.give()?;
        Ok(self.given)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_lose_and_double_nothing() {
        let chunks: Vec<_> = (0..30)
            .map(|number| crate::conformance::sample(number, 900).expect("a chunk"))
            .collect();
        let mut given = Vec::new();
        let mut batch = Box::new(Groups::new(|group: &[StoredChunk]| {
            given.extend_from_slice(group);
            Ok(())
        }));
        batch.bytes = Groups::<fn(&[StoredChunk]) -> Result<(), BlobError>>::FULL - 2000;
        chunks
            .iter()
            .try_for_each(|chunk| batch.add(chunk))
            .expect("takes");
        assert!(batch.given > 0 && !batch.waiting.is_empty());
        assert_eq!(batch.commit().expect("gives the rest"), 30);
        assert_eq!(given, chunks);
    }
}
