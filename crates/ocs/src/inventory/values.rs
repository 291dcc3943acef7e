//! Numbers, sizes and times as agents write them: with units or without, empty, or nonsense.

use escadre_model::{ByteCount, Timestamp};

use crate::{message::Row, problems::Problems};

const MEBIBYTE: f64 = 1_048_576.0;
/// Larger than any amount that agents count, in any of their units.
const LARGEST: f64 = 1e12;

/// A number of a row that says something: `24105`, `2666 MHz`, `274877.906944`. Nonsense is told and is none.
pub(super) fn number(row: &Row, field: &str, problems: &mut Problems) -> Option<f64> {
    let text = row.get(field);
    if text.is_empty() {
        return None;
    }
    let number = leading_number(text);
    if number.is_none() {
        let message = format!("{}/{field} is no amount: `{}`", row.section, shown(text));
        problems.warn(row.line, "ocs.bad-number", message);
    }
    number
}

/// The number that a text begins with.
pub(super) fn leading_number(text: &str) -> Option<f64> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.');
    let number: f64 = text[..end.unwrap_or(text.len())].parse().ok()?;
    (number <= LARGEST).then_some(number)
}

/// A small count or a clock; none for 0 as well, which agents write for what they do not know.
pub(super) fn count(row: &Row, field: &str, problems: &mut Problems) -> Option<u32> {
    let number = number(row, field, problems)?;
    (1.0..1e6).contains(&number).then_some(number as u32)
}

/// An amount in what OCS calls MB, which is 1024 × 1024 bytes.
pub(super) fn mebibytes(row: &Row, field: &str, problems: &mut Problems) -> ByteCount {
    sized(row, field, MEBIBYTE, problems)
}

/// An amount in millions of bytes, as Unix agents count disks.
pub(super) fn megabytes(row: &Row, field: &str, problems: &mut Problems) -> ByteCount {
    sized(row, field, 1e6, problems)
}

/// An amount in bytes.
pub(super) fn bytes(row: &Row, field: &str, problems: &mut Problems) -> ByteCount {
    sized(row, field, 1.0, problems)
}

fn sized(row: &Row, field: &str, unit: f64, problems: &mut Problems) -> ByteCount {
    let number = number(row, field, problems).unwrap_or(0.0);
    ByteCount((number * unit).round() as u64)
}

/// `2026/11/19 08:31:12` or with dashes, read as UTC. Nothing for 1970, which stands for unknown.
pub(super) fn time(row: &Row, field: &str, problems: &mut Problems) -> Option<Timestamp> {
    let text = row.get(field);
    if text.is_empty() {
        return None;
    }
    let instant = format!("{}Z", text.replace('/', "-").replace(' ', "T"));
    let time: Option<Timestamp> = instant.parse().ok();
    if time.is_none() {
        let message = format!("{}/{field} is no time: `{}`", row.section, shown(text));
        problems.warn(row.line, "ocs.bad-date", message);
    }
    time.filter(|time| time.as_second() >= 366 * 86_400)
}

/// As much of a value as fits in a message.
pub(super) fn shown(text: &str) -> &str {
    &text[..text.floor_char_boundary(60)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        for (text, expected) in [
            ("24105", Some(24105.0)),
            ("2666 MHz", Some(2666.0)),
            ("274877.906944", Some(274_877.906_944)),
            ("0000", Some(0.0)),
            ("-1", None),
            ("1e300", Some(1.0)),
            ("99999999999999", None),
            ("1.2.3", None),
            (".", None),
            ("No", None),
        ] {
            assert_eq!(leading_number(text), expected, "{text}");
        }
    }
}
