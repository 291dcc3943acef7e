//! BLAKE3 hashes, typed by what they name: a chunk is never taken for a whole file.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::BundleError;

fn parse_hex(kind: &'static str, text: &str) -> Result<[u8; 32], BundleError> {
    let wrong = || BundleError::Hash {
        kind,
        text: text.chars().take(80).collect(),
    };
    if text.len() != 64 {
        return Err(wrong());
    }
    let mut bytes = [0; 32];
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let high = hex_digit(digits[0]).ok_or_else(wrong)?;
        let low = hex_digit(digits[1]).ok_or_else(wrong)?;
        *byte = high << 4 | low;
    }
    Ok(bytes)
}

fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

struct HexVisitor(&'static str);

impl de::Visitor<'_> for HexVisitor {
    type Value = [u8; 32];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a {} of 64 hexadecimal digits", self.0)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<[u8; 32], E> {
        parse_hex(self.0, text).map_err(E::custom)
    }
}

macro_rules! hash {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 32]);

        impl $name {
            /// The hash of these bytes.
            pub fn of(bytes: &[u8]) -> Self {
                Self(*blake3::hash(bytes).as_bytes())
            }

            /// A hash that was computed elsewhere.
            pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// Its 32 bytes.
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                const DIGITS: &[u8; 16] = b"0123456789abcdef";
                let mut text = [0; 64];
                for (place, byte) in text.chunks_exact_mut(2).zip(self.0) {
                    place[0] = DIGITS[usize::from(byte >> 4)];
                    place[1] = DIGITS[usize::from(byte & 15)];
                }
                f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = BundleError;
            fn from_str(text: &str) -> Result<Self, BundleError> {
                parse_hex($kind, text).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(HexVisitor($kind)).map(Self)
            }
        }
    };
}

hash!(
    /// Names a chunk: the hash of its uncompressed bytes.
    ChunkHash, "chunk hash"
);
hash!(
    /// The hash of a whole file.
    FileHash, "file hash"
);
hash!(
    /// The hash of a manifest's canonical bytes: names one bundle exactly.
    ManifestHash, "manifest hash"
);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn hashes_survive_text(bytes: [u8; 32]) {
            let hash = ChunkHash::from_bytes(bytes);
            prop_assert_eq!(hash.to_string().parse::<ChunkHash>(), Ok(hash));
            prop_assert_eq!(serde_json::to_string(&hash).ok(), Some(format!("\"{hash}\"")));
        }

        #[test]
        fn parsing_never_panics(text in "\\PC{0,70}") {
            let _ = text.parse::<FileHash>();
        }
    }

    #[test]
    fn one_form_only() {
        let hash = ChunkHash::of(b"abc").to_string();
        assert_eq!(
            hash,
            "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85"
        );
        assert!(hash.to_uppercase().parse::<ChunkHash>().is_err());
        assert!(hash[1..].parse::<ChunkHash>().is_err());
    }
}
