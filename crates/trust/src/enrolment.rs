//! The one text that makes a machine a host: a single-use token, and the two fingerprints that end trust on first use.
//!
//! By the CA's fingerprint the agent knows the server before it says a word; by the root's it knows the publishers
//! without believing the server. Who hands the text over is who is trusted, nobody on the way.

use std::fmt;

use crate::{
    SecretString, TrustError,
    metadata::Fingerprint,
    token::{Token, TokenKind, seal, unseal, wrong},
};

const WORDS: &str = "enrolment text";

/// What an administrator copies to the new machine: one string, `esc_enrol_…`.
pub struct EnrolmentText {
    /// Proves to the server that the machine was invited.
    pub token: Token,
    /// SHA-256 of the CA's certificate (DER).
    pub ca: Fingerprint,
    /// SHA-256 of the root metadata that the agent begins with.
    pub root: Fingerprint,
}

impl EnrolmentText {
    /// Reads the text. The error says whether it was cut, mistyped, or is something else.
    pub fn parse(text: &str) -> Result<Self, TrustError> {
        let bytes = unseal(TokenKind::Enrolment, WORDS, text)?;
        let (parts, rest) = bytes.as_chunks::<32>();
        match (parts, rest) {
            ([token, ca, root], []) => Ok(Self {
                token: Token::from_secret(TokenKind::Enrolment, *token),
                ca: Fingerprint::from_bytes(*ca),
                root: Fingerprint::from_bytes(*root),
            }),
            ([_], []) => Err(wrong(
                WORDS,
                "it is the bare token; the whole text also holds two fingerprints",
            )),
            _ => Err(wrong(WORDS, "its length is not that of an enrolment text")),
        }
    }

    /// The text to show once.
    pub fn reveal(&self) -> SecretString {
        let payload = [
            *self.token.secret(),
            *self.ca.as_bytes(),
            *self.root.as_bytes(),
        ]
        .concat();
        seal(TokenKind::Enrolment, &payload)
    }
}

impl fmt::Debug for EnrolmentText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "EnrolmentText({:?}, ca {}, root {})",
            self.token, self.ca, self.root
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> EnrolmentText {
        EnrolmentText {
            token: Token::from_secret(TokenKind::Enrolment, [7; 32]),
            ca: Fingerprint::from_bytes([1; 32]),
            root: Fingerprint::from_bytes([2; 32]),
        }
    }

    #[test]
    fn the_text_survives_copying() -> Result<(), TrustError> {
        let text = sample().reveal();
        let back = EnrolmentText::parse(&format!("\t{}\r\n", text.expose()))?;
        assert_eq!((back.ca, back.root), (sample().ca, sample().root));
        assert_eq!(back.token.digest(), sample().token.digest());
        assert_eq!(text.expose().len(), 144);
        Ok(())
    }

    #[test]
    fn errors_say_what_is_wrong() {
        let text = sample().reveal().expose().to_owned();
        let check = |text: &str, expected: &str| {
            let error = EnrolmentText::parse(text)
                .err()
                .map(|e| e.to_string())
                .unwrap_or_default();
            assert!(error.contains(expected), "{text}: {error}");
            assert!(
                text.len() < 20 || !error.contains(&text[10..20]),
                "the error repeats the secret"
            );
        };
        check("", "does not begin with `esc_enrol_`");
        check(
            &text.replace("enrol", "api"),
            "does not begin with `esc_enrol_`",
        );
        check(&text[..text.len() - 2], "checksum");
        check(&text.replacen("BwcH", "BwcI", 1), "checksum");
        check(
            &text.replacen("BwcH", "Bw H", 1),
            "characters that do not belong",
        );
        check(sample().token.reveal().expose(), "bare token");
        check(&"esc_enrol_A".repeat(100), "too long");
    }
}
