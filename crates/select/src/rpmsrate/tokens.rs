//! The tokens at the head of a line of a rate file (the DrakX reference §2, points 4 and 5).
//!
//! A token is a digit `1`…`5` or an or-list of items, and ends at a blank or at the end of the line. The text between
//! quotes is as short as possible, but goes on over further quotes until what follows fits.
//!
//! Invariant: linear in the line. Where an or-list can end is worked out once, from right to left, so that no line can
//! make the search start again and again.

/// A token and the column where it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    /// The text, blanks outside quotes taken out.
    pub(super) text: String,
    /// Column of its first character, from 0.
    pub(super) column: usize,
}

/// The head of a line: its tokens, and what is left for packages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head<'a> {
    /// Tokens, in order.
    pub(super) tokens: Vec<Token>,
    /// The rest of the line, trailing blanks included; empty when all of it was tokens.
    pub(super) rest: &'a str,
}

/// Takes the tokens of a line whose comment is already removed. `start` is where the text begins, after the indentation.
pub(super) fn head(line: &str, start: usize) -> Head<'_> {
    let scan = Scan::new(line.as_bytes());
    let mut tokens = Vec::new();
    let mut at = start;
    while at < line.len() {
        let Some(end) = scan.token_end(at) else { break };
        tokens.push(Token {
            text: without_blanks(&line[at..end]),
            column: at,
        });
        at = scan.blank_end[end];
    }
    Head {
        tokens,
        rest: &line[at..],
    }
}

/// Blanks of the original's patterns; a tabulation never comes this far.
pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\r' | 0x0b | 0x0c)
}

/// Removes the blanks that stand outside quotes. Behind a quote that is never closed nothing is removed.
fn without_blanks(token: &str) -> String {
    let mut kept = String::with_capacity(token.len());
    let mut rest = token;
    while let Some(quote) = rest.find('"') {
        let (plain, quoted) = rest.split_at(quote);
        kept.extend(plain.chars().filter(|c| !is_blank_char(*c)));
        let Some(close) = quoted[1..].find('"') else {
            kept.push_str(quoted);
            return kept;
        };
        let (text, after) = quoted.split_at(close + 2);
        kept.push_str(text);
        rest = after;
    }
    kept.extend(rest.chars().filter(|c| !is_blank_char(*c)));
    kept
}

fn is_blank_char(c: char) -> bool {
    u8::try_from(c).is_ok_and(is_blank)
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_digit() || byte.is_ascii_uppercase() || byte == b'_'
}

/// For each place of a line, what can be said by looking to the right only.
struct Scan<'a> {
    line: &'a [u8],
    /// End of the blanks that begin here.
    blank_end: Vec<usize>,
    /// End of the name that begins here.
    name_end: Vec<usize>,
    /// End of the or-list, if an item of it ends here.
    list_end: Vec<Option<usize>>,
    /// First closing quote from here on after which an or-list can end.
    closing: Vec<Option<usize>>,
}

impl<'a> Scan<'a> {
    fn new(line: &'a [u8]) -> Self {
        let length = line.len();
        let mut scan = Self {
            line,
            blank_end: vec![length; length + 1],
            name_end: vec![length; length + 1],
            list_end: vec![Some(length); length + 1],
            closing: vec![None; length + 1],
        };
        for at in (0..length).rev() {
            let byte = line[at];
            scan.blank_end[at] = if is_blank(byte) {
                scan.blank_end[at + 1]
            } else {
                at
            };
            scan.name_end[at] = if is_name(byte) {
                scan.name_end[at + 1]
            } else {
                at
            };
            scan.closing[at] = if byte == b'"' && scan.list_end[at + 1].is_some() {
                Some(at)
            } else {
                scan.closing[at + 1]
            };
            scan.list_end[at] = scan.list_end_at(at);
        }
        scan
    }

    fn list_end_at(&self, at: usize) -> Option<usize> {
        let bars = self.blank_end[at];
        if self.line[bars..].starts_with(b"||") {
            let next = self.item_end(self.blank_end[bars + 2]);
            if next.is_some() {
                return next;
            }
        }
        is_blank(self.line[at]).then_some(at)
    }

    /// End of the or-list whose next item begins here.
    fn item_end(&self, at: usize) -> Option<usize> {
        let name = match self.line.get(at) {
            Some(b'!') => self.blank_end[at + 1],
            _ => at,
        };
        let end = self.name_end[name];
        if end == name {
            return None;
        }
        if self.line.get(end) == Some(&b'"') {
            return self.closing[end + 1].and_then(|quote| self.list_end[quote + 1]);
        }
        self.list_end[end]
    }

    fn token_end(&self, at: usize) -> Option<usize> {
        let alone = self.line.get(at + 1).is_none_or(|byte| is_blank(*byte));
        if alone && matches!(self.line[at], b'1'..=b'5') {
            return Some(at + 1);
        }
        self.item_end(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &[(&str, usize)], rest: &str) {
        let start = line.len() - line.trim_start().len();
        let read = head(line, start);
        let tokens: Vec<_> = read
            .tokens
            .iter()
            .map(|token| (token.text.as_str(), token.column))
            .collect();
        assert_eq!((tokens.as_slice(), read.rest), (expected, rest), "{line}");
    }

    #[test]
    fn tokens_and_rest() {
        check("CAT_X", &[("CAT_X", 0)], "");
        check(
            "  5 LOCALES\"ru\" a b ",
            &[("5", 2), ("LOCALES\"ru\"", 4)],
            "a b ",
        );
        check(
            "5 DRIVER\"a|b c\" || HW\"d\" p",
            &[("5", 0), ("DRIVER\"a|b c\"||HW\"d\"", 2)],
            "p",
        );
        check("! CAT_A  ||CAT_B p", &[("!CAT_A||CAT_B", 0)], "p");
        check("5 CAT_B || pkg", &[("5", 0), ("CAT_B", 2)], "|| pkg");
        check("5 CAT_B|| pkg", &[("5", 0)], "CAT_B|| pkg");
        check("5 || CAT_B", &[("5", 0)], "|| CAT_B");
        check("55 x", &[("55", 0)], "x");
        check("HW\"a\"b p", &[], "HW\"a\"b p");
        check("HW\"a\"b\" p", &[("HW\"a\"b\"", 0)], "p");
        check("HW\"open p", &[], "HW\"open p");
        check("3 HDF", &[("3", 0), ("HDF", 2)], "");
        check("2 abc HDF2", &[("2", 0)], "abc HDF2");
        check(
            "5 LOCALES\"am || LOCALES\"as\" || LOCALES\"bn\" ibus",
            &[
                ("5", 0),
                ("LOCALES\"am || LOCALES\"as\" || LOCALES\"bn\"", 2),
            ],
            "ibus",
        );
        check(
            "5 CAT_KDE || CAT GNOME || CAT_XFCE audacity",
            &[("5", 0), ("CAT_KDE||CAT", 2), ("GNOME||CAT_XFCE", 17)],
            "audacity",
        );
    }

    #[test]
    fn a_long_line_of_quotes_is_quick() {
        let line = format!("HW{}x", "\"||HW\"".repeat(100_000));
        assert!(head(&line, 0).tokens.is_empty());
    }
}
