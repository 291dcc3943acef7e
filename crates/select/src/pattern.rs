//! Patterns of other people's files: Perl's, read by a library that needs no backtracking.
//!
//! Bounds: length of the text, size of what it compiles to, nesting. A pattern beyond them, or with something that only
//! Perl has, is an error and matches nothing.

use regex::{Regex, RegexBuilder};

/// A pattern that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PatternError(String);

const LENGTH_LIMIT: usize = 4096;
const COMPILED_LIMIT: usize = 1 << 20;
const NEST_LIMIT: u32 = 50;

/// Compiles a pattern that is searched without regard to case.
pub fn compile(perl: &str) -> Result<Regex, PatternError> {
    build(perl, true)
}

/// Compiles a pattern that is searched exactly (preference and skip lists).
pub fn compile_exact(perl: &str) -> Result<Regex, PatternError> {
    build(perl, false)
}

fn build(perl: &str, any_case: bool) -> Result<Regex, PatternError> {
    if perl.len() > LENGTH_LIMIT {
        return Err(PatternError("pattern of more than 4096 bytes".to_owned()));
    }
    let regex = RegexBuilder::new(&translate(perl))
        .case_insensitive(any_case)
        .size_limit(COMPILED_LIMIT)
        .dfa_size_limit(COMPILED_LIMIT)
        .nest_limit(NEST_LIMIT)
        .build();
    regex.map_err(|error| {
        let text = error.to_string();
        let last = text.lines().last().unwrap_or_default();
        PatternError(last.trim_start_matches("error: ").to_owned())
    })
}

/// Says in the library's words what Perl's say: escapes without meaning, and signs that are plain inside brackets.
fn translate(perl: &str) -> String {
    let mut out = String::with_capacity(perl.len());
    let mut chars = perl.chars().peekable();
    let mut in_class = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' => escaped(chars.next(), &mut out),
            '[' if in_class && chars.peek() != Some(&':') => out.push_str("\\["),
            '&' | '~' if in_class => out.extend(['\\', c]),
            '[' if !in_class => {
                in_class = true;
                out.push('[');
                if chars.next_if_eq(&'^').is_some() {
                    out.push('^');
                }
                if chars.next_if_eq(&']').is_some() {
                    out.push_str("\\]");
                }
            }
            '[' => {
                // A named class such as `[:digit:]` is taken whole.
                out.push('[');
                for inner in chars.by_ref() {
                    out.push(inner);
                    if inner == ']' {
                        break;
                    }
                }
            }
            ']' if in_class => {
                in_class = false;
                out.push(']');
            }
            '{' if !in_class && !is_repetition(chars.clone()) => out.push_str("\\{"),
            '}' if !in_class && !out_has_open_brace(&out) => out.push_str("\\}"),
            c => out.push(c),
        }
    }
    out
}

/// What stands behind a backslash; punctuation that means something to the library only when escaped is taken as it is.
fn escaped(c: Option<char>, out: &mut String) {
    const PLAIN: &str = "<>\"',;:=@%!_` ";
    match c {
        Some('Z') => out.push_str("\\z"),
        Some(c) if PLAIN.contains(c) => out.push(c),
        Some(c) => out.extend(['\\', c]),
        None => out.push_str("\\\\"),
    }
}

fn is_repetition(rest: impl Iterator<Item = char>) -> bool {
    let mut digits = 0;
    for c in rest.take(12) {
        match c {
            '0'..='9' => digits += 1,
            ',' if digits > 0 => {}
            '}' => return digits > 0,
            _ => return false,
        }
    }
    false
}

fn out_has_open_brace(out: &str) -> bool {
    let tail = out.rfind('{').map(|at| &out[at..]);
    tail.is_some_and(|tail| {
        tail.len() < 14 && tail[1..].chars().all(|c| c.is_ascii_digit() || c == ',')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn perl_patterns() {
        for (pattern, text, found) in [
            ("a\\/b", "xA/By", true),
            ("8281[05].* CGC", "Intel 82810 CGC", true),
            ("3D Rage (?:LT|Pro)", "ATI 3d rage pro", true),
            ("[nN][vV]idia.*NV1[15]", "nVidia|NV15", true),
            ("a{2,3}b", "aab", true),
            ("a{b}", "a{b}", true),
            ("[[:digit:]]x", "5x", true),
            ("[]a[]", "[", true),
            ("\\<a\\>", "<a>", true),
            ("^LT:", "XLT:foo", false),
            ("x&&y", "x&&y", true),
        ] {
            let regex = compile(pattern).expect("a pattern that Perl takes");
            assert_eq!(regex.is_match(text), found, "{pattern}");
        }
    }

    #[test]
    fn hostile_patterns_are_errors() {
        let nested = "(".repeat(2000);
        for pattern in [
            "(a",
            "(?=x)",
            "(.)\\1",
            "((((x{1000}){1000}){1000}){1000})",
            nested.as_str(),
        ] {
            assert!(compile(pattern).is_err(), "{pattern}");
        }
    }
}
