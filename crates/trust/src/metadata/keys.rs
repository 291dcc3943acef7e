//! Ed25519 keys of publishers and of the server's online roles, and fingerprints.
//!
//! Private keys are PKCS#8 in PEM, readable by `openssl pkey`; with a passphrase they are encrypted as PBES2 with scrypt
//! (N 2^14, r 8, p 1) and AES-256-CBC, which `openssl` opens too.

use std::{fmt, path::Path, str::FromStr};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use pkcs8::{
    EncryptedPrivateKeyInfoRef, LineEnding, PrivateKeyInfoRef, SecretDocument, pkcs5::pbes2,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tough::schema::{
    decoded::{Decoded, Hex},
    key::{Ed25519Key, Ed25519Scheme, Key},
};

use crate::{
    SecretString, TrustError,
    secret::{self, create_private, read_secret_text},
};

/// A public Ed25519 key, written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicKey([u8; 32]);

/// A SHA-256 by which a certificate or root metadata is known beforehand.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint([u8; 32]);

/// A private key in memory.
pub(crate) struct SigningKey {
    pair: Ed25519KeyPair,
    public: PublicKey,
}

impl PublicKey {
    pub(crate) fn from_tuf(key: &Key) -> Option<Self> {
        match key {
            Key::Ed25519 { keyval, .. } => {
                <[u8; 32]>::try_from(keyval.public.as_ref()).ok().map(Self)
            }
            _ => None,
        }
    }

    pub(crate) fn tuf(self) -> Key {
        Key::Ed25519 {
            keyval: Ed25519Key {
                public: self.0.to_vec().into(),
                _extra: Default::default(),
            },
            scheme: Ed25519Scheme::Ed25519,
            _extra: Default::default(),
        }
    }

    pub(crate) fn key_id(self) -> Result<Decoded<Hex>, TrustError> {
        self.tuf()
            .key_id()
            .map_err(|error| TrustError::RootPlan(error.to_string()))
    }
}

impl Fingerprint {
    /// The fingerprint of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// A fingerprint from its bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl SigningKey {
    /// Makes a key and writes it to a file that must not be there.
    pub(crate) fn create(
        path: &Path,
        passphrase: Option<&SecretString>,
    ) -> Result<Self, TrustError> {
        let unusable = |reason: String| TrustError::KeyFile {
            path: path.to_owned(),
            reason,
        };
        let pair = Ed25519KeyPair::generate().map_err(|error| unusable(error.to_string()))?;
        let document = pair
            .to_pkcs8v1()
            .map_err(|error| unusable(error.to_string()))?;
        let pem = encode(document.as_ref(), passphrase).map_err(unusable)?;
        create_private(path, pem.expose().as_bytes())?;
        Self::from_pair(pair, path)
    }

    /// Opens a key file.
    pub(crate) fn open(path: &Path, passphrase: Option<&SecretString>) -> Result<Self, TrustError> {
        let unusable = |reason: String| TrustError::KeyFile {
            path: path.to_owned(),
            reason,
        };
        let text = read_secret_text(path)?;
        let (label, document) =
            SecretDocument::from_pem(&text).map_err(|error| unusable(error.to_string()))?;
        let document = match (label, passphrase) {
            ("PRIVATE KEY", _) => document,
            ("ENCRYPTED PRIVATE KEY", None) => {
                return Err(TrustError::PassphraseWanted {
                    path: path.to_owned(),
                });
            }
            ("ENCRYPTED PRIVATE KEY", Some(passphrase)) => {
                EncryptedPrivateKeyInfoRef::try_from(document.as_bytes())
                    .map_err(|error| unusable(error.to_string()))?
                    .decrypt(passphrase.expose())
                    .map_err(|_| TrustError::PassphraseWrong {
                        path: path.to_owned(),
                    })?
            }
            (other, _) => {
                return Err(unusable(format!(
                    "it holds a {other}, a PRIVATE KEY is wanted"
                )));
            }
        };
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(document.as_bytes())
            .map_err(|error| unusable(format!("no Ed25519 key: {error}")))?;
        Self::from_pair(pair, path)
    }

    pub(crate) fn public(&self) -> PublicKey {
        self.public
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.pair.sign(message).as_ref().to_vec()
    }

    fn from_pair(pair: Ed25519KeyPair, path: &Path) -> Result<Self, TrustError> {
        let public =
            <[u8; 32]>::try_from(pair.public_key().as_ref()).map_err(|_| TrustError::KeyFile {
                path: path.to_owned(),
                reason: "no Ed25519 key".to_owned(),
            })?;
        Ok(Self {
            pair,
            public: PublicKey(public),
        })
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.public)
    }
}

/// Whether the key file asks for a passphrase.
pub(crate) fn is_locked(path: &Path) -> Result<bool, TrustError> {
    Ok(read_secret_text(path)?.contains("BEGIN ENCRYPTED PRIVATE KEY"))
}

fn encode(document: &[u8], passphrase: Option<&SecretString>) -> Result<SecretString, String> {
    let reason = |error: &dyn fmt::Display| error.to_string();
    let info = PrivateKeyInfoRef::try_from(document).map_err(|error| reason(&error))?;
    let pem = match passphrase {
        None => SecretDocument::try_from(document)
            .and_then(|document| document.to_pem("PRIVATE KEY", LineEnding::LF))
            .map_err(|error| reason(&error))?,
        Some(passphrase) => {
            let (salt, iv) = match (secret::random::<16>(), secret::random::<16>()) {
                (Ok(salt), Ok(iv)) => (salt, iv),
                (Err(error), _) | (_, Err(error)) => return Err(error.to_string()),
            };
            let cost =
                pkcs8::pkcs5::scrypt::Params::new(14, 8, 1).map_err(|error| reason(&error))?;
            let scheme = pbes2::Parameters::generate_scrypt_aes256cbc(cost, &salt, iv)
                .map_err(|error| reason(&error))?;
            info.encrypt_with_params(scheme, passphrase.expose())
                .map_err(|error| reason(&error))?
                .to_pem("ENCRYPTED PRIVATE KEY", LineEnding::LF)
                .map_err(|error| reason(&error))?
        }
    };
    Ok(SecretString::new(pem.as_str()))
}

macro_rules! hexadecimal {
    ($name:ident, $kind:literal) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = TrustError;
            fn from_str(text: &str) -> Result<Self, TrustError> {
                let mut bytes = [0; 32];
                match hex::decode_to_slice(text.trim(), &mut bytes) {
                    Ok(()) => Ok(Self(bytes)),
                    Err(_) => Err(TrustError::HexText {
                        kind: $kind,
                        text: text.chars().take(80).collect(),
                    }),
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = TrustError;
            fn try_from(text: String) -> Result<Self, TrustError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.to_string()
            }
        }
    };
}

hexadecimal!(PublicKey, "public key");
hexadecimal!(Fingerprint, "fingerprint");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_opens_with_its_passphrase_only() -> Result<(), TrustError> {
        let home = tempfile::tempdir().expect("a temporary folder");
        let (open, locked) = (home.path().join("open.pem"), home.path().join("locked.pem"));
        let made = SigningKey::create(&open, None)?;
        assert_eq!(SigningKey::open(&open, None)?.public(), made.public());
        let passphrase = SecretString::new("très secret");
        let made = SigningKey::create(&locked, Some(&passphrase))?;
        assert_eq!(
            SigningKey::open(&locked, Some(&passphrase))?.public(),
            made.public()
        );
        assert!(matches!(
            SigningKey::open(&locked, None),
            Err(TrustError::PassphraseWanted { .. })
        ));
        let wrong = SecretString::new("très secrets");
        assert!(matches!(
            SigningKey::open(&locked, Some(&wrong)),
            Err(TrustError::PassphraseWrong { .. })
        ));
        assert_eq!((is_locked(&open)?, is_locked(&locked)?), (false, true));
        assert!(matches!(
            SigningKey::create(&open, None),
            Err(TrustError::AlreadyThere { .. })
        ));
        Ok(())
    }

    #[test]
    fn hexadecimal_texts_are_read_back_or_refused() {
        let key = PublicKey([0xab; 32]);
        assert_eq!(key.to_string().parse::<PublicKey>().ok(), Some(key));
        for bad in ["", "ab", &"z".repeat(64), &"a".repeat(63), &"a".repeat(66)] {
            assert!(bad.parse::<Fingerprint>().is_err(), "{bad}");
        }
    }
}
