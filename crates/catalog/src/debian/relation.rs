//! Dependency fields: `a (>= 1) | b:any, c`, read straight into a catalog.
//!
//! Tolerant as apt is: what follows a name and is understood by no rule is passed over. Architecture lists (`[amd64]`) and
//! build profiles (`<…>`) do not occur in binary packages and are skipped.

use memchr::memchr;

use crate::{
    catalog::{AtomFlags, CatalogBuilder, RelationKind, RelationSink},
    error::CatalogError,
    package::{Op, Property},
};

/// One alternative, borrowed from the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alternative<'a> {
    /// Name, without `:any`; another architecture (`:i386`) stays.
    pub name: &'a [u8],
    /// Operator.
    pub op: Op,
    /// Version; empty without an operator.
    pub version: &'a [u8],
    /// Written `:any`.
    pub any_arch: bool,
}

/// Adds a whole field to the package that was added last.
pub fn push_field(
    builder: &mut CatalogBuilder,
    kind: RelationKind,
    fields: &[(&[u8], bool)],
) -> Result<(), CatalogError> {
    if fields.iter().all(|(value, _)| value.is_empty()) {
        return Ok(());
    }
    let mut sink = builder.relate(kind);
    for &(value, before) in fields {
        for group in split(value, b',') {
            push_group(&mut sink, group, before)?;
        }
    }
    sink.close()
}

/// Adds one dependency with its alternatives.
pub(crate) fn push_group(
    sink: &mut RelationSink<'_>,
    group: &[u8],
    before: bool,
) -> Result<(), CatalogError> {
    let mut alternatives = split(group, b'|').filter_map(alternative).peekable();
    while let Some(one) = alternatives.next() {
        let flags = AtomFlags {
            more: alternatives.peek().is_some(),
            any_arch: one.any_arch,
            before,
        };
        sink.atom(one.name, (one.op, one.version), flags)?;
    }
    Ok(())
}

/// Cuts at a separator, without the empty parts.
pub fn split(text: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        match memchr(separator, text) {
            Some(at) => {
                rest = Some(&text[at + 1..]);
                Some(&text[..at])
            }
            None => {
                rest = None;
                Some(text)
            }
        }
    })
    .map(<[u8]>::trim_ascii)
    .filter(|part| !part.is_empty())
}

/// Reads `name[:arch] [(op version)]`; none if there is no name.
pub fn alternative(text: &[u8]) -> Option<Alternative<'_>> {
    let text = text.trim_ascii();
    let ends_name = |c: &u8| c.is_ascii_whitespace() || matches!(c, b'(' | b'[' | b'<');
    let name_end = text.iter().position(ends_name).unwrap_or(text.len());
    let (name, rest) = text.split_at(name_end);
    let (name, any_arch) = match name.strip_suffix(b":any") {
        Some(name) => (name, true),
        None => (name, false),
    };
    if name.is_empty() {
        return None;
    }
    let rest = rest.trim_ascii_start();
    let (op, version) = rest
        .strip_prefix(b"(")
        .and_then(range)
        .unwrap_or((Op::Any, b""));
    Some(Alternative {
        name,
        op,
        version,
        any_arch,
    })
}

fn range(text: &[u8]) -> Option<(Op, &[u8])> {
    let inner = text[..memchr(b')', text).unwrap_or(text.len())].trim_ascii();
    let sign = inner
        .iter()
        .position(|c| !matches!(c, b'<' | b'>' | b'='))
        .unwrap_or(inner.len());
    let (sign, version) = inner.split_at(sign);
    // The old `<` and `>` mean "or equal", as Debian policy says.
    let op = match sign {
        b"<" | b"<=" => Op::LessEqual,
        b"<<" => Op::Less,
        b">" | b">=" => Op::GreaterEqual,
        b">>" => Op::Greater,
        b"=" => Op::Equal,
        _ => return None,
    };
    let version = version.trim_ascii();
    (!version.is_empty()).then_some((op, version))
}

/// Reads a field into owned properties: one a dependency; alternatives stay text in the name.
pub fn properties(value: &[u8], before: bool) -> Vec<Property> {
    split(value, b',')
        .map(|group| property(group, before))
        .collect()
}

fn property(group: &[u8], before: bool) -> Property {
    let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match alternative(group) {
        Some(one) if memchr(b'|', group).is_none() => {
            let name = lossy(one.name) + if one.any_arch { ":any" } else { "" };
            Property {
                name,
                op: one.op,
                version: lossy(one.version),
                before,
            }
        }
        _ => Property {
            before,
            ..Property::any(lossy(group))
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alternatives() {
        for (text, name, op, version, any) in [
            ("libc6", "libc6", Op::Any, "", false),
            ("libc6 (>= 2.36)", "libc6", Op::GreaterEqual, "2.36", false),
            ("libc6(>=2.36)", "libc6", Op::GreaterEqual, "2.36", false),
            ("a (<< 1:2)", "a", Op::Less, "1:2", false),
            ("a (< 1)", "a", Op::LessEqual, "1", false),
            ("a (>> 1)", "a", Op::Greater, "1", false),
            (
                "python3:any (>= 3.5~)",
                "python3",
                Op::GreaterEqual,
                "3.5~",
                true,
            ),
            ("wine32:i386", "wine32:i386", Op::Any, "", false),
            ("a [amd64] <!nocheck>", "a", Op::Any, "", false),
            ("a (= )", "a", Op::Any, "", false),
            ("a (= 1", "a", Op::Equal, "1", false),
        ] {
            let read = alternative(text.as_bytes()).expect("a name");
            let expected = Alternative {
                name: name.as_bytes(),
                op,
                version: version.as_bytes(),
                any_arch: any,
            };
            assert_eq!(read, expected, "{text}");
        }
        assert_eq!(alternative(b" (>= 1)"), None);
    }

    #[test]
    fn owned() {
        let shown: Vec<String> = properties(b"a (>= 1), b | c (<< 2) ,,d:any", false)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(shown, ["a >= 1", "b | c (<< 2)", "d:any"]);
    }
}
