//! Cookies: one for the session, two for how a person likes the pages.
//!
//! Cookies do not know ports, so one session serves both faces on one host name.

use axum::http::{HeaderMap, HeaderValue, header};

/// Language that a person chose.
pub(crate) const LANGUAGE: &str = "escadre-language";
/// Theme that a person chose.
pub(crate) const THEME: &str = "escadre-theme";

/// Name of the session's cookie. The prefix makes browsers insist on `Secure`, path `/` and no domain.
pub(crate) fn session_name(secure: bool) -> &'static str {
    if secure {
        "__Host-escadre"
    } else {
        "escadre-session"
    }
}

/// The value of a cookie of the request.
pub(crate) fn read<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

/// A `Set-Cookie` value; without an age it ends with the browser. None when the value is not fit for a header.
pub(crate) fn write(
    name: &str,
    value: &str,
    secure: bool,
    age_s: Option<u64>,
) -> Option<HeaderValue> {
    let fit = |c: char| c.is_ascii_alphanumeric() || "-._~+/=".contains(c);
    if !value.chars().all(fit) {
        return None;
    }
    let secure = if secure { "; Secure" } else { "" };
    let age = age_s.map_or(String::new(), |age| format!("; Max-Age={age}"));
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{age}");
    HeaderValue::from_str(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_read_by_their_whole_name() {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::COOKIE,
            HeaderValue::from_static("xescadre-theme=light; escadre-theme=dark;x"),
        );
        assert_eq!(read(&headers, THEME), Some("dark"));
        assert_eq!(read(&headers, LANGUAGE), None);
    }

    #[test]
    fn cookies_are_strict_and_values_cannot_add_attributes() {
        let cookie = write("__Host-escadre", "abc", true, None).expect("a fit value");
        assert_eq!(
            cookie,
            "__Host-escadre=abc; Path=/; HttpOnly; SameSite=Strict; Secure"
        );
        for bad in ["a; Domain=evil", "a\r\nX: y", "a,b", "\u{e9}"] {
            assert_eq!(write("a", bad, true, None), None, "{bad}");
        }
    }
}
