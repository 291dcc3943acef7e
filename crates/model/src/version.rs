//! Order of package versions, exactly as dpkg and as rpm have it.
//!
//! Both take any text and never fail: what is malformed for the tool still gets a place in a total preorder.

use std::cmp::Ordering;

use crate::inventory::PackageKind;

/// Compares two versions in the way of their kind.
pub fn compare(kind: PackageKind, a: &str, b: &str) -> Ordering {
    match kind {
        PackageKind::Deb => deb(a, b),
        PackageKind::Rpm => rpm(a, b),
    }
}

/// `dpkg --compare-versions`: `[epoch:]upstream[-revision]`.
pub fn deb(a: &str, b: &str) -> Ordering {
    let (epoch_a, rest_a) = deb_epoch(a);
    let (epoch_b, rest_b) = deb_epoch(b);
    let (upstream_a, revision_a) = rest_a.rsplit_once('-').unwrap_or((rest_a, ""));
    let (upstream_b, revision_b) = rest_b.rsplit_once('-').unwrap_or((rest_b, ""));
    digits(epoch_a.as_bytes(), epoch_b.as_bytes())
        .then_with(|| deb_part(upstream_a.as_bytes(), upstream_b.as_bytes()))
        .then_with(|| deb_part(revision_a.as_bytes(), revision_b.as_bytes()))
}

fn deb_epoch(version: &str) -> (&str, &str) {
    match version.split_once(':') {
        Some((epoch, rest)) if epoch.bytes().all(|c| c.is_ascii_digit()) => (epoch, rest),
        _ => ("", version),
    }
}

/// Weight of a byte in the non-digit parts: `~` before the end, the end before letters, letters before the rest.
fn weight(byte: Option<&u8>) -> i32 {
    match byte {
        None => 0,
        Some(b'~') => -1,
        Some(c) if c.is_ascii_digit() => 0,
        Some(c) if c.is_ascii_alphabetic() => i32::from(*c),
        Some(c) => i32::from(*c) + 256,
    }
}

fn deb_part(mut a: &[u8], mut b: &[u8]) -> Ordering {
    while !a.is_empty() || !b.is_empty() {
        let is_text = |s: &[u8]| s.first().is_some_and(|c| !c.is_ascii_digit());
        while is_text(a) || is_text(b) {
            let order = weight(a.first()).cmp(&weight(b.first()));
            if order != Ordering::Equal {
                return order;
            }
            a = a.get(1..).unwrap_or_default();
            b = b.get(1..).unwrap_or_default();
        }
        let (number_a, rest_a) = split_digits(a);
        let (number_b, rest_b) = split_digits(b);
        let order = digits(number_a, number_b);
        if order != Ordering::Equal {
            return order;
        }
        (a, b) = (rest_a, rest_b);
    }
    Ordering::Equal
}

fn split_digits(text: &[u8]) -> (&[u8], &[u8]) {
    text.split_at(text.iter().take_while(|c| c.is_ascii_digit()).count())
}

/// Compares two runs of digits of any length as numbers.
fn digits(a: &[u8], b: &[u8]) -> Ordering {
    let strip = |s: &[u8]| s.iter().take_while(|&&c| c == b'0').count();
    let (a, b) = (&a[strip(a)..], &b[strip(b)..]);
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// rpm's order of `[epoch:]version[-release]`. A missing epoch is 0; a release is compared only when both have one.
pub fn rpm(a: &str, b: &str) -> Ordering {
    let (epoch_a, version_a, release_a) = rpm_split(a);
    let (epoch_b, version_b, release_b) = rpm_split(b);
    digits(epoch_a.as_bytes(), epoch_b.as_bytes())
        .then_with(|| rpm_part(version_a, version_b))
        .then_with(|| match (release_a, release_b) {
            (Some(a), Some(b)) => rpm_part(a, b),
            _ => Ordering::Equal,
        })
}

/// Splits `[epoch:]version[-release]`; the epoch counts only if it is all digits.
pub fn rpm_split(evr: &str) -> (&str, &str, Option<&str>) {
    let (epoch, rest) = match evr.split_once(':') {
        Some((epoch, rest)) if epoch.bytes().all(|c| c.is_ascii_digit()) => (epoch, rest),
        _ => ("", evr),
    };
    match rest.rsplit_once('-') {
        Some((version, release)) => (epoch, version, Some(release)),
        None => (epoch, rest, None),
    }
}

/// `rpmvercmp`: segments of digits or letters; `~` sorts before everything, `^` after the end but before a next segment.
pub fn rpm_part(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    if a == b {
        return Ordering::Equal;
    }
    loop {
        let separator = |c: &&u8| !c.is_ascii_alphanumeric() && **c != b'~' && **c != b'^';
        a = &a[a.iter().take_while(separator).count()..];
        b = &b[b.iter().take_while(separator).count()..];
        match (a.first(), b.first()) {
            (Some(b'~'), Some(b'~')) | (Some(b'^'), Some(b'^')) => {
                (a, b) = (&a[1..], &b[1..]);
                continue;
            }
            (Some(b'~'), _) => return Ordering::Less,
            (_, Some(b'~')) => return Ordering::Greater,
            (Some(b'^'), None) => return Ordering::Greater,
            (None, Some(b'^')) => return Ordering::Less,
            (Some(b'^'), Some(_)) => return Ordering::Less,
            (Some(_), Some(b'^')) => return Ordering::Greater,
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(first), Some(_)) => {
                let numeric = first.is_ascii_digit();
                let kind = |c: &&u8| {
                    if numeric {
                        c.is_ascii_digit()
                    } else {
                        c.is_ascii_alphabetic()
                    }
                };
                let (segment_a, rest_a) = a.split_at(a.iter().take_while(kind).count());
                let (segment_b, rest_b) = b.split_at(b.iter().take_while(kind).count());
                if segment_b.is_empty() {
                    return if numeric {
                        Ordering::Greater
                    } else {
                        Ordering::Less
                    };
                }
                let order = if numeric {
                    digits(segment_a, segment_b)
                } else {
                    segment_a.cmp(segment_b)
                };
                if order != Ordering::Equal {
                    return order;
                }
                (a, b) = (rest_a, rest_b);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Ordering::{Equal, Greater, Less};

    fn check(compare: fn(&str, &str) -> Ordering, cases: &[(&str, Ordering, &str)]) {
        for &(a, order, b) in cases {
            assert_eq!(compare(a, b), order, "{a} against {b}");
            assert_eq!(compare(b, a), order.reverse(), "{b} against {a}");
        }
    }

    #[test]
    fn dpkg_order() {
        check(
            deb,
            &[
                ("1.0", Equal, "1.0"),
                ("1.0", Equal, "1.0-0"),
                ("1.0", Equal, "0:1.0"),
                ("1.0~rc1", Less, "1.0"),
                ("1.0", Less, "1.0+b1"),
                ("1.0a", Less, "1.0+"),
                ("1.9", Less, "1.10"),
                ("1:0.1", Greater, "99"),
                ("1.0-1~", Less, "1.0-1"),
                ("007", Equal, "7"),
                ("2.0-1-2", Greater, "2.0-1-1"),
                ("1.0~~", Less, "1.0~"),
            ],
        );
    }

    #[test]
    fn rpm_order() {
        check(
            rpm,
            &[
                ("1.0", Equal, "1.0-5"),
                ("1.0-4", Less, "1.0-5"),
                ("1.0~rc1", Less, "1.0"),
                ("1.0^git1", Greater, "1.0"),
                ("1.0^git1", Less, "1.0.1"),
                ("a", Less, "1"),
                ("1.0a", Greater, "1.0"),
                ("2a", Less, "2.1"),
                ("1_0", Equal, "1.0"),
                ("1:1", Greater, "2"),
                ("5.5p10", Greater, "5.5p9"),
            ],
        );
    }
}
