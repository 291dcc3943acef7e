//! From bytes to text: UTF-8 as agents send it, the Latin sets of old ones, and UTF-8 with stray Latin bytes in it.
//!
//! What a declaration says is a hint: bytes that are valid UTF-8 are never misread because of it.

use std::borrow::Cow;

use crate::{OcsError, problems::Problems};

/// The largest message; a real one with a thousand packages has 400 kB.
const DOCUMENT_LIMIT: usize = 16 << 20;
/// Where a declaration must have ended.
const DECLARATION_LIMIT: usize = 256;

/// Windows-1252 where it differs from ISO-8859-1, from 0x80; agents that say the latter mean the former.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
    '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// The text of a message.
pub(crate) fn decode<'a>(
    bytes: &'a [u8],
    problems: &mut Problems,
) -> Result<Cow<'a, str>, OcsError> {
    if bytes.len() > DOCUMENT_LIMIT {
        return Err(OcsError::Oversized {
            what: "the document",
            limit: DOCUMENT_LIMIT,
        });
    }
    match bytes {
        [0xff, 0xfe, rest @ ..] => return Ok(utf16(rest, u16::from_le_bytes).into()),
        [0xfe, 0xff, rest @ ..] => return Ok(utf16(rest, u16::from_be_bytes).into()),
        _ => {}
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let declared = declared(bytes);
    let is_utf8 = matches!(declared.as_str(), "" | "utf-8" | "utf8" | "us-ascii");
    if let Ok(text) = std::str::from_utf8(bytes) {
        if !is_utf8 && !text.is_ascii() {
            let message = format!("declared as `{declared}`, but it is UTF-8; read as UTF-8");
            problems.warn(1, "ocs.wrong-encoding", message);
        }
        return Ok(text.into());
    }
    match declared.as_str() {
        _ if is_utf8 => Ok(mixed(bytes, problems).into()),
        "iso-8859-1" | "iso8859-1" | "latin1" | "iso-8859-15" | "windows-1252" | "cp1252" => {
            Ok(bytes.iter().map(|byte| latin(*byte)).collect())
        }
        _ => Err(OcsError::Encoding(declared)),
    }
}

/// What `<?xml … encoding="…"?>` says, in lower case; empty without.
fn declared(bytes: &[u8]) -> String {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(DECLARATION_LIMIT)]);
    let value = head
        .trim_start()
        .strip_prefix("<?xml")
        .and_then(|rest| rest.split("?>").next())
        .and_then(|declaration| declaration.split_once("encoding"))
        .and_then(|(_, rest)| rest.trim_start().strip_prefix('='))
        .and_then(|rest| {
            let rest = rest.trim_start();
            let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
            rest[1..].split_once(quote)
        });
    value.map_or_else(String::new, |(name, _)| name.trim().to_lowercase())
}

fn latin(byte: u8) -> char {
    match byte {
        0x80..=0x9f => WINDOWS_1252[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let (pairs, _) = bytes.as_chunks::<2>();
    char::decode_utf16(pairs.iter().map(|pair| unit(*pair)))
        .map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}

/// UTF-8 in which some bytes are Latin: a name that an old tool wrote, in a document that is said to be UTF-8.
fn mixed(bytes: &[u8], problems: &mut Problems) -> String {
    let mut text = String::with_capacity(bytes.len() + 64);
    let mut first = None;
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            first.get_or_insert(text.len());
            text.extend(chunk.invalid().iter().map(|byte| latin(*byte)));
        }
    }
    let lines = text[..first.unwrap_or(0)].matches('\n').count();
    let line = u32::try_from(lines + 1).unwrap_or(u32::MAX);
    let message = "bytes that are not UTF-8; read as Windows-1252";
    problems.warn(line, "ocs.wrong-encoding", message);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], expected: &str, warned_in: Option<u32>) {
        let mut problems = Problems::default();
        let text = decode(bytes, &mut problems).expect("an encoding that is known");
        assert_eq!(text, expected);
        let line = problems.finish().first().map(|problem| problem.line);
        assert_eq!(line, warned_in, "{expected}");
    }

    #[test]
    fn cases() {
        check("<A>é</A>".as_bytes(), "<A>é</A>", None);
        check(b"\xef\xbb\xbf<A/>", "<A/>", None);
        check(b"\xff\xfe<\0A\0\xe9\0/\0>\0", "<Aé/>", None);
        check(b"\xfe\xff\0<\0A\0/\0>", "<A/>", None);
        let latin = b"<?xml version='1.0' encoding='ISO-8859-1'?><A>\xe9\x80\xff</A>";
        let expected = "<?xml version='1.0' encoding='ISO-8859-1'?><A>é€ÿ</A>";
        check(latin, expected, None);
        check(expected.as_bytes(), expected, Some(1));
        check(b"<A>\n\xe9 \xc3\xa9</A>", "<A>\né é</A>", Some(2));
    }

    #[test]
    fn unknown_and_oversized_are_refused() {
        let mut problems = Problems::default();
        let bytes = b"<?xml version=\"1.0\" encoding=\"koi8-r\"?>\xc1";
        let outcome = decode(bytes, &mut problems);
        assert!(matches!(outcome, Err(OcsError::Encoding(name)) if name == "koi8-r"));
        let oversized = vec![b' '; DOCUMENT_LIMIT + 1];
        let outcome = decode(&oversized, &mut problems);
        assert!(matches!(outcome, Err(OcsError::Oversized { .. })));
    }

    #[test]
    fn declarations() {
        for (text, expected) in [
            ("<?xml version=\"1.0\" encoding = \"UTF-8\" ?>", "utf-8"),
            ("<?xml encoding='a", ""),
            ("<?xml encoding=a?>", ""),
            ("<?xml encoding='é'?>", "é"),
            ("<A encoding='x'/>", ""),
        ] {
            assert_eq!(declared(text.as_bytes()), expected, "{text}");
        }
    }
}
