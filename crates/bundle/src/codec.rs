//! The stored form of a chunk, which is also its form on the wire: one zstd frame.
//!
//! A chunk is named by its uncompressed bytes, so the level may change at any time and old chunks stay good.

use zstd::bulk::{Compressor, Decompressor};

use crate::{BundleError, ChunkHash, ChunkRef, limits};

/// The most bytes that a chunk takes in its stored form: what does not compress grows a little.
pub const LONGEST_STORED: usize = limits::CHUNK as usize + (limits::CHUNK as usize >> 8) + 64;

/// A chunk in memory with its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunk<'a> {
    reference: ChunkRef,
    bytes: &'a [u8],
}

impl<'a> Chunk<'a> {
    /// Names these bytes, which are at most [`limits::CHUNK`].
    pub fn new(bytes: &'a [u8]) -> Result<Self, BundleError> {
        BundleError::bound(
            "the length of a chunk",
            bytes.len() as u64,
            limits::CHUNK.into(),
        )?;
        Ok(Self {
            reference: ChunkRef::of(bytes),
            bytes,
        })
    }

    /// Its name and length.
    pub fn reference(&self) -> ChunkRef {
        self.reference
    }
}

/// The stored form of a chunk that is known to be good: compressed here, or verified by [`Decoder::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredChunk {
    reference: ChunkRef,
    bytes: Vec<u8>,
}

impl StoredChunk {
    /// Its name.
    pub fn hash(&self) -> ChunkHash {
        self.reference.hash
    }

    /// Its name and its length uncompressed.
    pub fn reference(&self) -> ChunkRef {
        self.reference
    }

    /// The stored form.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The stored form.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// Compresses chunks; keeps its working memory from one to the next, so each thread has its own.
pub struct Encoder {
    compressor: Compressor<'static>,
    scratch: Vec<u8>,
}

impl Encoder {
    /// The library's own default level; no other was measured.
    pub const LEVEL: i32 = 3;

    /// With [`Encoder::LEVEL`].
    pub fn new() -> Result<Self, BundleError> {
        Self::with_level(Self::LEVEL)
    }

    /// With another level, for measurements.
    pub fn with_level(level: i32) -> Result<Self, BundleError> {
        let compressor = Compressor::new(level).map_err(compress)?;
        Ok(Self {
            compressor,
            scratch: vec![0; LONGEST_STORED],
        })
    }

    /// Compresses.
    pub fn encode(&mut self, chunk: &Chunk<'_>) -> Result<StoredChunk, BundleError> {
        let scratch = self.scratch.as_mut_slice();
        let length = self
            .compressor
            .compress_to_buffer(chunk.bytes, scratch)
            .map_err(compress)?;
        Ok(StoredChunk {
            reference: chunk.reference,
            bytes: self.scratch[..length].to_vec(),
        })
    }
}

fn compress(error: std::io::Error) -> BundleError {
    BundleError::Compress {
        detail: error.to_string(),
    }
}

/// Decompresses chunks within their bounds; keeps its working memory from one to the next.
pub struct Decoder {
    decompressor: Decompressor<'static>,
    scratch: Vec<u8>,
}

impl Decoder {
    /// A fresh one.
    pub fn new() -> Result<Self, BundleError> {
        let decompressor = Decompressor::new().map_err(compress)?;
        Ok(Self {
            decompressor,
            scratch: vec![0; limits::CHUNK as usize],
        })
    }

    /// The chunk's bytes, exactly those of its name and length; anything else is an error, and costs no more than a chunk may.
    pub fn decode(&mut self, stored: &[u8], chunk: &ChunkRef) -> Result<&[u8], BundleError> {
        let bytes = self.decompress(stored, chunk.hash)?;
        if bytes.len() != chunk.length as usize {
            let reason = format!("has {} bytes instead of {}", bytes.len(), chunk.length);
            return Err(BundleError::Chunk {
                hash: chunk.hash,
                reason,
            });
        }
        Ok(bytes)
    }

    /// Proves that a stored form from elsewhere is that chunk, when no more than its name is known.
    pub fn verify(&mut self, hash: ChunkHash, stored: Vec<u8>) -> Result<StoredChunk, BundleError> {
        let length = self.decompress(&stored, hash)?.len() as u32;
        Ok(StoredChunk {
            reference: ChunkRef { hash, length },
            bytes: stored,
        })
    }

    fn decompress(&mut self, stored: &[u8], hash: ChunkHash) -> Result<&[u8], BundleError> {
        let wrong = |reason: String| BundleError::Chunk { hash, reason };
        if stored.len() > LONGEST_STORED {
            return Err(wrong(format!(
                "has {} bytes, more than the limit of {LONGEST_STORED}",
                stored.len()
            )));
        }
        let length = self
            .decompressor
            .decompress_to_buffer(stored, self.scratch.as_mut_slice())
            .map_err(|error| {
                wrong(format!(
                    "does not decompress within {} bytes: {error}",
                    limits::CHUNK
                ))
            })?;
        let bytes = &self.scratch[..length];
        if ChunkHash::of(bytes) != hash {
            return Err(wrong("its bytes have another hash".to_owned()));
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encoded(bytes: &[u8]) -> Vec<u8> {
        let chunk = Chunk::new(bytes).expect("short enough");
        Encoder::new()
            .and_then(|mut encoder| encoder.encode(&chunk))
            .expect("encodes")
            .into_bytes()
    }

    fn decoder() -> Decoder {
        Decoder::new().expect("there is memory")
    }

    proptest! {
        #[test]
        fn chunks_survive(bytes in prop::collection::vec(any::<u8>(), 1..5000)) {
            let stored = encoded(&bytes);
            let mut decoder = decoder();
            prop_assert_eq!(decoder.decode(&stored, &ChunkRef::of(&bytes)), Ok(bytes.as_slice()));
            let verified = decoder.verify(ChunkHash::of(&bytes), stored.clone()).expect("good");
            prop_assert_eq!(verified.reference(), ChunkRef::of(&bytes));
            prop_assert_eq!(verified.into_bytes(), stored);
        }

        #[test]
        fn an_altered_chunk_is_refused(
            bytes in prop::collection::vec(any::<u8>(), 1..500), at: prop::sample::Index, bit in 0..8u32,
        ) {
            let mut stored = encoded(&bytes);
            let at = at.index(stored.len());
            stored[at] ^= 1u8 << bit;
            // A flipped bit may leave the same bytes (unused bits of the header); never others.
            if let Ok(decoded) = decoder().decode(&stored, &ChunkRef::of(&bytes)) {
                prop_assert_eq!(decoded, bytes.as_slice());
            }
        }

        #[test]
        fn decoding_never_panics(stored in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut decoder = decoder();
            prop_assert!(decoder.decode(&stored, &ChunkRef::of(b"something")).is_err());
            prop_assert!(decoder.verify(ChunkHash::of(b"something"), stored).is_err());
        }
    }

    #[test]
    fn a_bomb_costs_no_more_than_a_chunk_may_have() {
        let bomb = zstd::bulk::compress(&vec![0; 64 << 20], 19).expect("compresses");
        assert!(bomb.len() < 10_000);
        let claimed = ChunkRef {
            hash: ChunkHash::of(b""),
            length: 1000,
        };
        let error = decoder().decode(&bomb, &claimed).expect_err("too long");
        assert_eq!(error.refusal().code(), "corrupt");
        assert!(
            error
                .to_string()
                .contains("does not decompress within 1048576 bytes"),
            "{error}"
        );
        assert!(decoder().verify(claimed.hash, bomb).is_err());
    }

    #[test]
    fn a_truncated_chunk_and_a_wrong_length_are_refused() {
        let bytes = vec![7; 3000];
        let stored = encoded(&bytes);
        let mut decoder = decoder();
        let chunk = ChunkRef::of(&bytes);
        for cut in 0..stored.len() {
            assert!(decoder.decode(&stored[..cut], &chunk).is_err());
        }
        for length in [2999, 3001] {
            let error = decoder
                .decode(&stored, &ChunkRef { length, ..chunk })
                .expect_err("wrong length")
                .to_string();
            assert!(
                error.ends_with(&format!("has 3000 bytes instead of {length}")),
                "{error}"
            );
        }
    }

    #[test]
    fn what_does_not_compress_stays_within_the_bound() {
        let mut state = 1u64;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 56) as u8
        })
        .take(limits::CHUNK as usize)
        .collect();
        assert!(encoded(&noise).len() <= LONGEST_STORED);
        assert!(Chunk::new(&[noise.as_slice(), b"x"].concat()).is_err());
    }
}
