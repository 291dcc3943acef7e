//! Bodies as they travel (the OCS reference §2): a zlib stream; injector tools also send gzip or the bare document.

use std::io::Read;

use flate2::read::{GzDecoder, ZlibDecoder};

use crate::OcsError;

/// Takes a body off the wire. `limit` bounds the bytes that come out, whatever goes in.
pub fn inflate(bytes: &[u8], limit: usize) -> Result<Vec<u8>, OcsError> {
    if bytes.starts_with(&[0x1f, 0x8b]) {
        drain(GzDecoder::new(bytes), limit)
    } else if is_document(bytes) {
        drain(bytes, limit)
    } else {
        drain(ZlibDecoder::new(bytes), limit)
    }
}

fn is_document(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    bytes.trim_ascii_start().first() == Some(&b'<')
}

fn drain(source: impl Read, limit: usize) -> Result<Vec<u8>, OcsError> {
    let one_more = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let mut out = Vec::new();
    source
        .take(one_more)
        .read_to_end(&mut out)
        .map_err(OcsError::Inflate)?;
    if out.len() > limit {
        return Err(OcsError::Oversized {
            what: "the inflated body",
            limit,
        });
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{
        Compression,
        write::{GzEncoder, ZlibEncoder},
    };

    use super::*;

    fn zlib(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).expect("memory takes all");
        encoder.finish().expect("memory takes all")
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).expect("memory takes all");
        encoder.finish().expect("memory takes all")
    }

    #[test]
    fn takes_the_three_forms() {
        let document = b"<REQUEST/>";
        for body in [zlib(document), gzip(document), document.to_vec()] {
            assert_eq!(inflate(&body, 10).expect("a good body"), document);
        }
    }

    #[test]
    fn a_bomb_ends_at_the_limit() {
        let bomb = zlib(&vec![b' '; 8 << 20]);
        assert!(bomb.len() < 10_000);
        for body in [bomb, gzip(&[b' '; 5000]), b"<REQUEST/>".to_vec()] {
            let outcome = inflate(&body, 9);
            assert!(matches!(outcome, Err(OcsError::Oversized { limit: 9, .. })));
        }
    }

    #[test]
    fn damaged_or_cut_bodies_are_refused() {
        let whole = zlib(b"<REQUEST><QUERY>PROLOG</QUERY></REQUEST>");
        let mut damaged = whole.clone();
        damaged[10] ^= 0x55;
        for body in [&whole[..whole.len() - 5], &damaged, b"", b"no stream"] {
            assert!(matches!(inflate(body, 1000), Err(OcsError::Inflate(_))));
        }
    }
}
