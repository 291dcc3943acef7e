//! Typed names and ids: no bare string or number identifies a thing.
//!
//! Random ids are 128 bits, written as a letter, a dash and 26 characters (`h-01j…`), and are never used again.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Why a text is no id or name of the asked kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a {kind}: {reason}")]
pub struct IdError {
    /// What was wanted (`host id`, `bundle name`, …).
    pub kind: &'static str,
    /// What was given.
    pub text: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

fn encode(value: u128) -> String {
    (0..26)
        .rev()
        .map(|place| ALPHABET[((value >> (place * 5)) & 31) as usize] as char)
        .collect()
}

fn decode(text: &str) -> Option<u128> {
    if text.len() != 26 || text.as_bytes()[0] > b'7' {
        return None;
    }
    text.bytes().try_fold(0u128, |value, byte| {
        let digit = ALPHABET.iter().position(|&a| a == byte)?;
        Some((value << 5) | digit as u128)
    })
}

macro_rules! random_id {
    ($(#[$doc:meta])* $name:ident, $letter:literal, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(u128);

        impl $name {
            /// An id from 16 random bytes, which the caller draws.
            pub const fn from_random(bytes: [u8; 16]) -> Self {
                Self(u128::from_be_bytes(bytes))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($letter, "-{}"), encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                text.strip_prefix(concat!($letter, "-")).and_then(decode).map(Self).ok_or_else(|| IdError {
                    kind: $kind,
                    text: text.to_owned(),
                    reason: concat!("wants `", $letter, "-` and 26 characters"),
                })
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.to_string()
            }
        }
    };
}

random_id!(
    /// A host: given at enrolment, bound to its certificate, never used again.
    HostId, "h", "host id"
);
random_id!(
    /// A rollout.
    RolloutId, "r", "rollout id"
);
random_id!(
    /// A delivery: one bundle on one host in one rollout.
    DeliveryId, "d", "delivery id"
);
random_id!(
    /// A token: of enrolment or of the API. The secret part is not in it.
    TokenId, "t", "token id"
);
random_id!(
    /// A user of the UIs and the API.
    UserId, "u", "user id"
);

/// A bundle's name and version, written `name@version`. A bundle never changes once it is published under it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BundleRef {
    name: String,
    version: String,
}

impl BundleRef {
    /// Checks both parts: 1 to 128 of `[A-Za-z0-9._+~-]`, not beginning with a dot or a dash.
    pub fn new(name: &str, version: &str) -> Result<Self, IdError> {
        for (kind, text) in [("bundle name", name), ("bundle version", version)] {
            let fine = |c: char| c.is_ascii_alphanumeric() || "._+~-".contains(c);
            let reason = if text.is_empty() || text.len() > 128 {
                "wants 1 to 128 characters"
            } else if text.starts_with(['.', '-']) {
                "may not begin with a dot or a dash"
            } else if !text.chars().all(fine) {
                "only letters, digits and . _ + ~ - are allowed"
            } else {
                continue;
            };
            return Err(IdError {
                kind,
                text: text.to_owned(),
                reason,
            });
        }
        Ok(Self {
            name: name.to_owned(),
            version: version.to_owned(),
        })
    }

    /// The name without the version.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The version; versions of one name are ordered as Debian orders them ([`crate::version::deb`]).
    pub fn version(&self) -> &str {
        &self.version
    }
}

impl fmt::Display for BundleRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.name, self.version)
    }
}

impl FromStr for BundleRef {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        match text.split_once('@') {
            Some((name, version)) => Self::new(name, version),
            None => Err(IdError {
                kind: "bundle",
                text: text.to_owned(),
                reason: "wants NAME@VERSION",
            }),
        }
    }
}

impl TryFrom<String> for BundleRef {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<BundleRef> for String {
    fn from(bundle: BundleRef) -> String {
        bundle.to_string()
    }
}

/// The name of a check on its host: unique there, stable over reloads (state is kept by it).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CheckName(pub String);

impl CheckName {
    /// The check that says whether the host itself answers (host state: up, down, unreachable).
    pub const HOST: &'static str = "host";
}

impl fmt::Display for CheckName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ids_survive_text(bytes: [u8; 16]) {
            let id = HostId::from_random(bytes);
            prop_assert_eq!(id.to_string().parse::<HostId>(), Ok(id));
        }

        #[test]
        fn parsing_never_panics(text in "\\PC*") {
            let _ = text.parse::<HostId>();
            let _ = text.parse::<BundleRef>();
        }
    }

    #[test]
    fn bundle_names_are_safe_file_names() {
        for bad in [
            "hello", "@1", "a@", "../a@1", "a/b@1", ".a@1", "a@1 2", "-a@1",
        ] {
            assert!(bad.parse::<BundleRef>().is_err(), "{bad}");
        }
        assert_eq!(
            "hello@1.0~rc1+b2"
                .parse::<BundleRef>()
                .map(|b| b.to_string())
                .as_deref(),
            Ok("hello@1.0~rc1+b2")
        );
    }
}
