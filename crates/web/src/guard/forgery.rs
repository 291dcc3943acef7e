//! Forged requests: what changes something must come from our own pages.
//!
//! Three walls, each enough alone: `SameSite=Strict` cookies, the browser's word about the origin, and a token in each
//! form that is bound to the session. The token is masked anew in every page, so that compression leaks nothing of it.

use axum::http::{HeaderMap, header};

/// Name of the form field with the token.
pub(crate) const FIELD: &str = "form_token";
/// Name of the header with the token, for requests by script.
pub(crate) const HEADER: &str = "x-form-token";

const CONTEXT: &str = "escadre web 2026-11 form token of a session";

/// The token of a session, under a fresh mask.
pub(crate) fn token(session: &str) -> String {
    let mask = super::random::<32>();
    let mut masked = blake3::derive_key(CONTEXT, session.as_bytes());
    for (byte, mask) in masked.iter_mut().zip(mask) {
        *byte ^= mask;
    }
    format!("{}{}", hex::encode(mask), hex::encode(masked))
}

/// Whether the token belongs to the session. Compares in constant time.
pub(crate) fn verify(session: &str, token: &str) -> bool {
    let mut bytes = [0u8; 64];
    if hex::decode_to_slice(token, &mut bytes).is_err() {
        return false;
    }
    let mut given = [0u8; 32];
    for (index, byte) in given.iter_mut().enumerate() {
        *byte = bytes[index] ^ bytes[index + 32];
    }
    let wanted = blake3::Hash::from(blake3::derive_key(CONTEXT, session.as_bytes()));
    wanted == blake3::Hash::from(given)
}

/// Whether the browser says that the request comes from a page of this very origin. Silence is a no.
pub(crate) fn same_origin(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return matches!(site, "same-origin" | "none");
    }
    let host = text(header::HOST.as_str());
    let origin = text(header::ORIGIN.as_str()).and_then(|origin| {
        origin
            .strip_prefix("https://")
            .or_else(|| origin.strip_prefix("http://"))
    });
    match (origin, host) {
        (Some(origin), Some(host)) => origin.eq_ignore_ascii_case(host),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_fit_their_session_only() {
        let (one, two) = (token("secret"), token("secret"));
        assert_ne!(one, two, "masked anew");
        assert!(verify("secret", &one) && verify("secret", &two));
        assert!(!verify("other", &one));
        for bad in ["", "00", &one[1..], &"0".repeat(128), &"é".repeat(64)] {
            assert!(!verify("secret", bad), "{bad}");
        }
    }

    #[test]
    fn origins() {
        let check = |pairs: &[(&'static str, &'static str)], expected: bool| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.insert(*name, axum::http::HeaderValue::from_static(value));
            }
            assert_eq!(same_origin(&headers), expected, "{pairs:?}");
        };
        check(&[], false);
        check(&[("sec-fetch-site", "same-origin")], true);
        check(&[("sec-fetch-site", "cross-site")], false);
        check(&[("sec-fetch-site", "same-site")], false);
        check(&[("host", "a:7766"), ("origin", "https://a:7766")], true);
        // The other face is another origin: it links here, it never posts here.
        check(&[("host", "a:7766"), ("origin", "https://a:7767")], false);
        check(&[("host", "a"), ("origin", "null")], false);
        check(&[("host", "a")], false);
    }
}
