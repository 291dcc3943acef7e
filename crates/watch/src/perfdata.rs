//! Performance data: `'label'=value[unit];[warning];[critical];[minimum];[maximum]`, separated by blanks.

use escadre_model::Problem;
use escadre_model::check::Perf;
use escadre_model::problem::Severity;

use crate::threshold::Range;

/// More numbers than any plugin gives; what follows is left out, with a problem.
pub const MAX_PERF: usize = 1024;

/// Reads all that can be read; each piece that cannot be is a problem, at its column. `U` (no value) is left out.
pub fn parse(text: &str) -> (Vec<Perf>, Vec<Problem>) {
    let (mut perf, mut problems) = (Vec::new(), Vec::new());
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            return (perf, problems);
        }
        let column = column_of(text, rest);
        if perf.len() + problems.len() >= MAX_PERF {
            problems.push(problem(
                column,
                "perfdata.too-many",
                "the rest is left out: too many numbers",
            ));
            return (perf, problems);
        }
        let (piece, after) = split_piece(rest);
        match parse_piece(piece) {
            Ok(one) => perf.extend(one),
            Err(message) => problems.push(problem(column, "perfdata.malformed", message)),
        }
        rest = after;
    }
}

fn problem(column: u32, code: &str, message: &str) -> Problem {
    Problem::new(Severity::Warning, "", 0, code, message).at_column(column)
}

fn column_of(text: &str, rest: &str) -> u32 {
    let before = text.len() - rest.len();
    let characters = text
        .get(..before)
        .map_or(before, |head| head.chars().count());
    u32::try_from(characters)
        .unwrap_or(u32::MAX)
        .saturating_add(1)
}

/// Cuts at the first blank outside of quotes.
fn split_piece(text: &str) -> (&str, &str) {
    let mut quoted = false;
    let end = text.find(|c: char| {
        quoted ^= c == '\'';
        c.is_whitespace() && !quoted
    });
    text.split_at(end.unwrap_or(text.len()))
}

fn parse_piece(piece: &str) -> Result<Option<Perf>, &'static str> {
    let (label, values) = split_label(piece)?;
    let mut fields = values.split(';');
    let value = fields.next().unwrap_or_default();
    if value.starts_with('U') {
        return Ok(None);
    }
    let (value, unit) = split_unit(value).ok_or("the value is not a number")?;
    let mut threshold = || {
        fields
            .next()
            .and_then(|text| text.parse::<Range>().ok())
            .and_then(|range| range.plain())
    };
    let (warning, critical) = (threshold(), threshold());
    let mut bound = || fields.next().and_then(number);
    let (min, max) = (bound(), bound());
    Ok(Some(Perf {
        label,
        value,
        unit: unit.to_owned(),
        warning,
        critical,
        min,
        max,
    }))
}

fn split_label(piece: &str) -> Result<(String, &str), &'static str> {
    let (label, values) = match piece.strip_prefix('\'') {
        None => {
            let (label, values) = piece.split_once('=').ok_or("no `=` after the label")?;
            (label.to_owned(), values)
        }
        Some(quoted) => {
            // A quote within the label is doubled.
            let end = quoted
                .replace("''", "\0\0")
                .find('\'')
                .ok_or("the label's quote is not closed")?;
            let (label, rest) = (&quoted[..end], &quoted[end + 1..]);
            (
                label.replace("''", "'"),
                rest.strip_prefix('=').ok_or("no `=` after the label")?,
            )
        }
    };
    if label.is_empty() {
        Err("the label is empty")
    } else {
        Ok((label, values))
    }
}

/// A number at the beginning, and the unit that follows.
fn split_unit(text: &str) -> Option<(f64, &str)> {
    let bytes = text.as_bytes();
    let digits = |from: usize| {
        bytes
            .iter()
            .skip(from)
            .take_while(|c| c.is_ascii_digit())
            .count()
    };
    let mut end = usize::from(matches!(bytes.first(), Some(b'-' | b'+')));
    end += digits(end);
    if bytes.get(end) == Some(&b'.') {
        end += 1 + digits(end + 1);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'-' | b'+')));
        let exponent = digits(end + 1 + sign);
        if exponent > 0 {
            end += 1 + sign + exponent;
        }
    }
    Some((number(&text[..end])?, text[end..].trim()))
}

/// A finite number, written in digits.
pub(crate) fn number(text: &str) -> Option<f64> {
    let plain = text
        .bytes()
        .all(|c| c.is_ascii_digit() || b"+-.eE".contains(&c));
    let value: f64 = if plain {
        text.parse().ok()?
    } else {
        return None;
    };
    value.is_finite().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, expected: &[(&str, f64, &str, [Option<f64>; 4])], problems: usize) {
        let (perf, found) = parse(text);
        let read: Vec<_> = perf
            .iter()
            .map(|p| {
                (
                    p.label.as_str(),
                    p.value,
                    p.unit.as_str(),
                    [p.warning, p.critical, p.min, p.max],
                )
            })
            .collect();
        assert_eq!(read, expected, "{text}");
        assert_eq!(found.len(), problems, "{text}: {found:?}");
    }

    #[test]
    fn as_plugins_write_it() {
        const NONE: [Option<f64>; 4] = [None; 4];
        let full = [Some(1.0), Some(2.0), Some(0.0), Some(3.0)];
        check("", &[], 0);
        check(
            "time=0.002722s;1;2;0;3",
            &[("time", 0.002_722, "s", full)],
            0,
        );
        check(
            "/=2643MB;5948;5958;0;5968",
            &[(
                "/",
                2643.0,
                "MB",
                [Some(5948.0), Some(5958.0), Some(0.0), Some(5968.0)],
            )],
            0,
        );
        check(
            "load1=0.010;5.000;10.000;0; load5=.5",
            &[
                ("load1", 0.01, "", [Some(5.0), Some(10.0), Some(0.0), None]),
                ("load5", 0.5, "", NONE),
            ],
            0,
        );
        check(
            "'a label'=1% 'it''s'=2c",
            &[("a label", 1.0, "%", NONE), ("it's", 2.0, "c", NONE)],
            0,
        );
        check("a=-1.5e3B;~:5;10:20;;", &[("a", -1500.0, "B", NONE)], 0);
        check("a=U;1;2 b=1", &[("b", 1.0, "", NONE)], 0);
        check(
            "a=1   b=2\n c=3",
            &[
                ("a", 1.0, "", NONE),
                ("b", 2.0, "", NONE),
                ("c", 3.0, "", NONE),
            ],
            0,
        );
        check("a b=2 =3 c=x 'd=4 e=5", &[("b", 2.0, "", NONE)], 4);
        check(
            "a=1e b=1ex",
            &[("a", 1.0, "e", NONE), ("b", 1.0, "ex", NONE)],
            0,
        );
        check("a=nan b=inf c=1e999", &[], 3);
        check("a=1,5", &[("a", 1.0, ",5", NONE)], 0);
    }

    #[test]
    fn the_place_is_named() {
        let (_, problems) = parse("é=1 wrong b=2");
        assert_eq!(problems.iter().map(|p| p.column).collect::<Vec<_>>(), [5]);
    }

    #[test]
    fn without_end() {
        let (perf, problems) = parse(&"a=1 ".repeat(MAX_PERF + 5));
        assert_eq!((perf.len(), problems.len()), (MAX_PERF, 1));
    }

    proptest! {
        #[test]
        fn never_panics(text in "\\PC*", odd in "[a'=;U0-9.eE \\-~@:]{0,60}") {
            parse(&text);
            let (perf, _) = parse(&odd);
            prop_assert!(perf.iter().all(|p| p.value.is_finite() && !p.label.is_empty()));
        }

        #[test]
        fn quoting_is_undone(label in "[a-z' =]{1,20}", value in -1e9f64..1e9) {
            let text = format!("'{}'={value}s", label.replace('\'', "''"));
            let (perf, problems) = parse(&text);
            prop_assert_eq!(problems, vec![]);
            prop_assert_eq!((perf[0].label.as_str(), perf[0].value), (label.as_str(), value));
        }
    }
}
