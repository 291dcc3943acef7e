//! The stored form of a chunk, which is also its form on the wire: one zstd frame.
//!
//! A chunk is named by its uncompressed bytes, so the level may change at any time and old chunks stay good.

use zstd::bulk::{Compressor, Decompressor};

use crate::{BundleError, ChunkHash, ChunkRef, limits};

/// The most bytes that a chunk takes in its stored form: what does not compress grows a little.
pub const LONGEST_STORED: usize = limits::CHUNK as usize + (limits::CHUNK as usize >> 8) + 64;

/// Compresses chunks; keeps its working memory from one to the next, so each thread has its own.
pub struct Encoder {
    compressor: Compressor<'static>,
}

impl Encoder {
    /// The level with the best size for its time (measured; see the benchmark of `blobs`).
    pub const LEVEL: i32 = 3;

    /// With [`Encoder::LEVEL`].
    pub fn new() -> Result<Self, BundleError> {
        let compressor = Compressor::new(Self::LEVEL).map_err(compress)?;
        Ok(Self { compressor })
    }

    /// The stored form.
    pub fn encode(&mut self, chunk: &[u8]) -> Result<Vec<u8>, BundleError> {
        BundleError::bound(
            "the length of a chunk",
            chunk.len() as u64,
            limits::CHUNK.into(),
        )?;
        self.compressor.compress(chunk).map_err(compress)
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
}

impl Decoder {
    /// A fresh one.
    pub fn new() -> Result<Self, BundleError> {
        let decompressor = Decompressor::new().map_err(compress)?;
        Ok(Self { decompressor })
    }

    /// The chunk's bytes, exactly those of its name and length; anything else is an error, and costs no more than `length`.
    pub fn decode(&mut self, stored: &[u8], chunk: &ChunkRef) -> Result<Vec<u8>, BundleError> {
        let wrong = |reason: String| BundleError::Chunk {
            hash: chunk.hash,
            reason,
        };
        BundleError::bound(
            "the length of a chunk",
            chunk.length.into(),
            limits::CHUNK.into(),
        )?;
        let bytes = self
            .decompressor
            .decompress(stored, chunk.length as usize)
            .map_err(|error| {
                wrong(format!(
                    "does not decompress to {} bytes: {error}",
                    chunk.length
                ))
            })?;
        if bytes.len() != chunk.length as usize {
            return Err(wrong(format!(
                "has {} bytes instead of {}",
                bytes.len(),
                chunk.length
            )));
        }
        if ChunkHash::of(&bytes) != chunk.hash {
            return Err(wrong("its bytes have another hash".to_owned()));
        }
        Ok(bytes)
    }

    /// The same, when only the name is known: the bound is the greatest chunk that may be.
    pub fn decode_any(&mut self, stored: &[u8], hash: ChunkHash) -> Result<Vec<u8>, BundleError> {
        let wrong = |reason: String| BundleError::Chunk { hash, reason };
        let bound = limits::CHUNK as usize;
        let size = zstd::zstd_safe::get_frame_content_size(stored)
            .ok()
            .flatten();
        let capacity = size
            .and_then(|size| usize::try_from(size).ok())
            .unwrap_or(bound);
        if capacity > bound {
            return Err(wrong(format!(
                "claims {capacity} bytes, more than the limit of {bound}"
            )));
        }
        let bytes = self
            .decompressor
            .decompress(stored, capacity)
            .map_err(|error| wrong(format!("does not decompress: {error}")))?;
        if ChunkHash::of(&bytes) != hash {
            return Err(wrong("its bytes have another hash".to_owned()));
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn chunk_of(bytes: &[u8]) -> ChunkRef {
        ChunkRef {
            hash: ChunkHash::of(bytes),
            length: bytes.len() as u32,
        }
    }

    proptest! {
        #[test]
        fn chunks_survive(bytes in prop::collection::vec(any::<u8>(), 1..5000)) {
            let stored = Encoder::new().and_then(|mut e| e.encode(&bytes)).expect("encodes");
            let mut decoder = Decoder::new().expect("decoder");
            prop_assert_eq!(decoder.decode(&stored, &chunk_of(&bytes)), Ok(bytes.clone()));
            prop_assert_eq!(decoder.decode_any(&stored, ChunkHash::of(&bytes)), Ok(bytes));
        }

        #[test]
        fn an_altered_chunk_is_refused(bytes in prop::collection::vec(any::<u8>(), 1..500), at: prop::sample::Index, bit in 0..8u32) {
            let mut stored = Encoder::new().and_then(|mut e| e.encode(&bytes)).expect("encodes");
            let at = at.index(stored.len());
            stored[at] ^= 1u8 << bit;
            let mut decoder = Decoder::new().expect("decoder");
            // A flipped bit may leave the same bytes (unused bits of the header); never others.
            if let Ok(decoded) = decoder.decode(&stored, &chunk_of(&bytes)) {
                prop_assert_eq!(decoded, bytes);
            }
        }

        #[test]
        fn decoding_never_panics(stored in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut decoder = Decoder::new().expect("decoder");
            prop_assert!(decoder.decode(&stored, &chunk_of(b"something")).is_err());
            prop_assert!(decoder.decode_any(&stored, ChunkHash::of(b"something")).is_err());
        }
    }

    #[test]
    fn a_bomb_costs_no_more_than_the_chunk_may_have() {
        let bomb = zstd::bulk::compress(&vec![0; 64 << 20], 19).expect("compresses");
        assert!(bomb.len() < 10_000);
        let mut decoder = Decoder::new().expect("decoder");
        let claimed = ChunkRef {
            hash: ChunkHash::of(b""),
            length: 1000,
        };
        let error = decoder.decode(&bomb, &claimed).expect_err("too long");
        assert_eq!(error.refusal().code(), "corrupt");
        let error = decoder
            .decode_any(&bomb, claimed.hash)
            .expect_err("too long")
            .to_string();
        assert!(
            error.ends_with("claims 67108864 bytes, more than the limit of 1048576"),
            "{error}"
        );
    }

    #[test]
    fn a_truncated_chunk_and_a_wrong_length_are_refused() {
        let bytes = vec![7; 3000];
        let stored = Encoder::new()
            .and_then(|mut e| e.encode(&bytes))
            .expect("encodes");
        let mut decoder = Decoder::new().expect("decoder");
        let chunk = chunk_of(&bytes);
        for cut in 0..stored.len() {
            assert!(decoder.decode(&stored[..cut], &chunk).is_err());
        }
        for length in [2999, 3001] {
            assert!(
                decoder
                    .decode(&stored, &ChunkRef { length, ..chunk })
                    .is_err()
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
        let stored = Encoder::new()
            .and_then(|mut e| e.encode(&noise))
            .expect("encodes");
        assert!(stored.len() <= LONGEST_STORED, "{}", stored.len());
    }
}
