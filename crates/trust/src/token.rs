//! Tokens that people and programs carry: 256 random bits, shown once, stored only as a hash.
//!
//! The text is `esc_KIND_` and 48 characters: the secret and four bytes of checksum, so that a slip of the hand is told
//! from a wrong token without asking the store. SHA-256 is enough here because the secret has full entropy; the kind is
//! part of what is hashed, so a token of one kind can never pass for another.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::{SecretString, TrustError, secret};

/// What a token is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// A program at the REST API.
    Api,
    /// A browser that signed in.
    Session,
    /// A machine that wants to become a host; handed out inside an [`crate::EnrolmentText`].
    Enrolment,
    /// One sign-in by a link, then nothing.
    OneTime,
}

/// A token in hand: made just now, or shown by a client.
pub struct Token {
    kind: TokenKind,
    secret: Zeroizing<[u8; 32]>,
}

/// What the store keeps of a token. Look it up by this; equality takes constant time.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TokenDigest([u8; 32]);

impl TokenKind {
    /// The beginning of the text.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Api => "esc_api_",
            Self::Session => "esc_session_",
            Self::Enrolment => "esc_enrol_",
            Self::OneTime => "esc_once_",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Api => "API token",
            Self::Session => "session token",
            Self::Enrolment => "enrolment token",
            Self::OneTime => "one-time token",
        }
    }
}

impl Token {
    /// A new token.
    pub fn generate(kind: TokenKind) -> Result<Self, TrustError> {
        Ok(Self {
            kind,
            secret: Zeroizing::new(secret::random()?),
        })
    }

    /// Reads a token that a client shows. The error says what is wrong with the text; it never repeats it.
    pub fn parse(kind: TokenKind, text: &str) -> Result<Self, TrustError> {
        let bytes = unseal(kind, kind.words(), text)?;
        let secret = <[u8; 32]>::try_from(bytes.as_slice())
            .map_err(|_| wrong(kind.words(), "its length is not that of a token"))?;
        Ok(Self {
            kind,
            secret: Zeroizing::new(secret),
        })
    }

    /// The text to show once.
    pub fn reveal(&self) -> SecretString {
        seal(self.kind, self.secret.as_slice())
    }

    /// What to store and to look up.
    pub fn digest(&self) -> TokenDigest {
        let hash = Sha256::new()
            .chain_update(self.kind.prefix())
            .chain_update(self.secret.as_slice())
            .finalize();
        TokenDigest(hash.into())
    }

    pub(crate) fn from_secret(kind: TokenKind, secret: [u8; 32]) -> Self {
        Self {
            kind,
            secret: Zeroizing::new(secret),
        }
    }

    pub(crate) fn secret(&self) -> &[u8; 32] {
        &self.secret
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({}…)", self.kind.prefix())
    }
}

impl PartialEq for TokenDigest {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for TokenDigest {}

impl fmt::Display for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenDigest({self})")
    }
}

impl From<TokenDigest> for String {
    fn from(digest: TokenDigest) -> Self {
        digest.to_string()
    }
}

impl TryFrom<String> for TokenDigest {
    type Error = TrustError;
    fn try_from(text: String) -> Result<Self, TrustError> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(&text, &mut bytes).map_err(|_| TrustError::HexText {
            kind: "token digest",
            text,
        })?;
        Ok(Self(bytes))
    }
}

/// Compares two secrets (CSRF tokens, for one) in a time that depends on their length only.
pub fn same_secret(one: &[u8], other: &[u8]) -> bool {
    one.ct_eq(other).into()
}

/// Text of a kind's prefix, the payload and its checksum.
pub(crate) fn seal(kind: TokenKind, payload: &[u8]) -> SecretString {
    let mut bytes = Zeroizing::new(payload.to_vec());
    bytes.extend_from_slice(&checksum(kind, payload));
    SecretString::new(format!(
        "{}{}",
        kind.prefix(),
        URL_SAFE_NO_PAD.encode(bytes.as_slice())
    ))
}

/// The payload of a sealed text, or what is wrong with it.
pub(crate) fn unseal(
    kind: TokenKind,
    words: &'static str,
    text: &str,
) -> Result<Zeroizing<Vec<u8>>, TrustError> {
    let text = text.trim();
    if text.len() > 512 {
        return Err(wrong(words, "it is too long"));
    }
    let Some(body) = text.strip_prefix(kind.prefix()) else {
        return Err(wrong(
            words,
            format!("it does not begin with `{}`", kind.prefix()),
        ));
    };
    let mut bytes = Zeroizing::new(
        URL_SAFE_NO_PAD
            .decode(body)
            .map_err(|_| wrong(words, "it holds characters that do not belong, or was cut"))?,
    );
    let Some(length) = bytes.len().checked_sub(4) else {
        return Err(wrong(words, "it was cut"));
    };
    let given = bytes.split_off(length);
    if given != checksum(kind, &bytes) {
        return Err(wrong(
            words,
            "its checksum does not fit: a character was changed or it was cut; copy it again",
        ));
    }
    Ok(bytes)
}

fn checksum(kind: TokenKind, payload: &[u8]) -> [u8; 4] {
    let hash = Sha256::new()
        .chain_update(b"checksum ")
        .chain_update(kind.prefix())
        .chain_update(payload)
        .finalize();
    [hash[0], hash[1], hash[2], hash[3]]
}

pub(crate) fn wrong(kind: &'static str, reason: impl Into<String>) -> TrustError {
    TrustError::TokenText {
        kind,
        reason: reason.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KINDS: [TokenKind; 4] = [
        TokenKind::Api,
        TokenKind::Session,
        TokenKind::Enrolment,
        TokenKind::OneTime,
    ];

    proptest! {
        #[test]
        fn a_token_survives_its_text_and_no_slip_does(secret: [u8; 32], place in 0usize..48, to in "[A-Za-z0-9_-]") {
            for kind in KINDS {
                let token = Token::from_secret(kind, secret);
                let text = token.reveal().expose().to_owned();
                let back = Token::parse(kind, &format!(" {text}\n")).expect("its own text");
                prop_assert_eq!(back.digest(), token.digest());
                let mut slipped = text.clone();
                let place = kind.prefix().len() + place;
                slipped.replace_range(place..=place, &to);
                prop_assert!(slipped == text || Token::parse(kind, &slipped).is_err());
                prop_assert!(Token::parse(kind, &text[..text.len() - 1]).is_err());
            }
        }

        #[test]
        fn no_text_panics(text in "\\PC*") {
            for kind in KINDS {
                let _ = Token::parse(kind, &text);
                let _ = Token::parse(kind, &format!("{}{text}", kind.prefix()));
            }
        }
    }

    #[test]
    fn kinds_never_pass_for_each_other() -> Result<(), TrustError> {
        for made in KINDS {
            let token = Token::generate(made)?;
            assert!(
                !format!("{token:?}").contains(&token.reveal().expose()[12..]),
                "Debug shows the secret"
            );
            for asked in KINDS {
                assert_eq!(
                    Token::parse(asked, token.reveal().expose()).is_ok(),
                    asked == made
                );
                let other = Token::from_secret(asked, *token.secret());
                assert_eq!(other.digest() == token.digest(), asked == made);
            }
        }
        Ok(())
    }
}
