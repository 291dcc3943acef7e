//! Texts made safe for their place: path segments, query strings, words of a shell.

/// A text as one segment of a path, or as a value in a query string.
pub(crate) fn segment(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(b"0123456789ABCDEF"[usize::from(byte >> 4)]));
            out.push(char::from(b"0123456789ABCDEF"[usize::from(byte & 15)]));
        }
    }
    // A segment of dots alone would be taken for a step in the path.
    if !out.is_empty() && out.bytes().all(|byte| byte == b'.') {
        return out.replace('.', "%2E");
    }
    out
}

/// A path with its query; pairs with an empty value are left out.
pub(crate) fn with_query(path: &str, pairs: &[(&str, &str)]) -> String {
    let query: Vec<String> = pairs
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(key, value)| format!("{key}={}", segment(value)))
        .collect();
    if query.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{}", query.join("&"))
    }
}

/// A text as one word of a POSIX shell. What people copy from a page must not run what a hostile host is called.
pub(crate) fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._/@%+=:,#".contains(c);
    if !text.is_empty() && !text.starts_with('#') && text.chars().all(plain) {
        return text.to_owned();
    }
    let visible: String = text
        .chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect();
    format!("'{}'", visible.replace('\'', r"'\''"))
}

/// A path on this site, or the first page: nobody is sent elsewhere by a link to us.
pub(crate) fn own_path(path: &str) -> &str {
    let own = path.starts_with('/')
        && !path.starts_with("//")
        && !path.contains('\\')
        && !path.chars().any(char::is_control);
    if own { path } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_stay_in_their_place() {
        for (text, expected) in [
            ("web-1", "web-1"),
            ("disk /", "disk%20%2F"),
            ("..", "%2E%2E"),
            ("a?b#c&d=é", "a%3Fb%23c%26d%3D%C3%A9"),
        ] {
            assert_eq!(segment(text), expected);
        }
        assert_eq!(
            with_query("/hosts", &[("query", ""), ("sort", "name")]),
            "/hosts?sort=name"
        );
    }

    #[test]
    fn words_of_a_shell_are_one_word() {
        for (text, expected) in [
            ("web-1", "web-1"),
            ("", "''"),
            ("site:a or tag~b", "'site:a or tag~b'"),
            ("$(rm -rf /)", "'$(rm -rf /)'"),
            ("it's", r"'it'\''s'"),
            ("a\nb", "'a\u{fffd}b'"),
            ("#x", "'#x'"),
        ] {
            assert_eq!(shell_word(text), expected);
        }
    }

    #[test]
    fn nobody_is_sent_elsewhere() {
        for good in ["/", "/hosts?query=a", "/checks/a/b%2Fc"] {
            assert_eq!(own_path(good), good);
        }
        for bad in [
            "",
            "//evil",
            "/\\evil",
            "https://evil",
            "evil",
            "/a\nb",
            "/\t/evil",
        ] {
            assert_eq!(own_path(bad), "/", "{bad:?}");
        }
    }
}
