//! A command line to words, as POSIX quotes them (Shell Command Language §2.2), and nothing of what a shell does with them then:
//! no variable, no pattern, no redirection, no second command.
//!
//! Characters that would have been special to a shell are refused outside quotes: who writes `a && b` wants a shell, and has to
//! say so, rather than pass `&&` as an argument.

use crate::{BundleError, limits};

/// Splits `install.sh --name "a b"` into `install.sh`, `--name`, `a b`.
pub fn split_words(line: &str) -> Result<Vec<String>, BundleError> {
    BundleError::bound(
        "the length of the command line",
        line.len() as u64,
        limits::TEXT as u64,
    )?;
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = line.chars().zip(1..);
    while let Some((c, column)) = chars.next() {
        let wrong = |reason| Err(BundleError::Words { column, reason });
        match c {
            '\0' => return wrong("a NUL can be in no argument"),
            ' ' | '\t' | '\n' => words.extend(word.take()),
            '\'' => single_quoted(word.get_or_insert_default(), &mut chars, column)?,
            '"' => double_quoted(word.get_or_insert_default(), &mut chars, column)?,
            '\\' => match chars.next() {
                Some(('\n', _)) => {}
                Some((escaped, _)) => word.get_or_insert_default().push(escaped),
                None => return wrong("a backslash at the end escapes nothing"),
            },
            '|' | '&' | ';' | '<' | '>' | '(' | ')' | '$' | '`' => {
                return wrong(
                    "only a shell understands this character: quote it, or ask for a shell",
                );
            }
            '#' if word.is_none() => {
                return wrong("only a shell understands a comment: quote the `#`");
            }
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    match words.len() {
        0 => Err(BundleError::Words {
            column: 1,
            reason: "there is no command",
        }),
        count => BundleError::bound("the number of arguments", count as u64, limits::LIST as u64)
            .map(|()| words),
    }
}

fn single_quoted(
    word: &mut String,
    chars: &mut impl Iterator<Item = (char, usize)>,
    open: usize,
) -> Result<(), BundleError> {
    for (c, column) in chars {
        match c {
            '\'' => return Ok(()),
            '\0' => {
                return Err(BundleError::Words {
                    column,
                    reason: "a NUL can be in no argument",
                });
            }
            c => word.push(c),
        }
    }
    Err(BundleError::Words {
        column: open,
        reason: "this quote is never closed",
    })
}

fn double_quoted(
    word: &mut String,
    chars: &mut impl Iterator<Item = (char, usize)>,
    open: usize,
) -> Result<(), BundleError> {
    while let Some((c, column)) = chars.next() {
        let wrong = |reason| Err(BundleError::Words { column, reason });
        match c {
            '"' => return Ok(()),
            '\0' => return wrong("a NUL can be in no argument"),
            '$' | '`' => {
                return wrong("a shell would expand this: use single quotes, or ask for a shell");
            }
            '\\' => match chars.next() {
                Some(('\n', _)) => {}
                Some((c @ ('"' | '\\' | '$' | '`'), _)) => word.push(c),
                Some((c, _)) => word.extend(['\\', c]),
                None => break,
            },
            c => word.push(c),
        }
    }
    Err(BundleError::Words {
        column: open,
        reason: "this quote is never closed",
    })
}

/// The line that [`split_words`] splits into these words; for people, and to show what will run.
pub fn join_words<S: AsRef<str>>(words: &[S]) -> String {
    let plain = |word: &str| {
        !word.is_empty()
            && word
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "@%_+=:,./-".contains(c))
    };
    let quoted = words.iter().map(|word| match word.as_ref() {
        word if plain(word) => word.to_owned(),
        word => format!("'{}'", word.replace('\'', "'\\''")),
    });
    quoted.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_are_split_as_posix_quotes_them() {
        for (line, words) in [
            ("install.sh --quiet", &["install.sh", "--quiet"][..]),
            ("  a\tb \n c ", &["a", "b", "c"]),
            ("a 'b c' \"d e\"", &["a", "b c", "d e"]),
            ("a'b'\"c\"d", &["abcd"]),
            ("a '' \"\"", &["a", "", ""]),
            (r"a\ b c\\d \'", &["a b", r"c\d", "'"]),
            (r#""a \"b\" \n \\ \$x""#, &[r#"a "b" \n \ $x"#]),
            ("a\\\nb", &["ab"]),
            (
                "'$HOME' '`x`' '*' a*b ~ a#b",
                &["$HOME", "`x`", "*", "a*b", "~", "a#b"],
            ),
            ("\u{a0}a é", &["\u{a0}a", "é"]),
        ] {
            assert_eq!(
                split_words(line).map_err(|e| e.to_string()),
                Ok(words.iter().map(|w| (*w).to_owned()).collect())
            );
        }
    }

    #[test]
    fn what_needs_a_shell_is_refused_with_its_column() {
        for (line, sentence) in [
            ("", "command line, column 1: there is no command"),
            (" \t", "command line, column 1: there is no command"),
            ("a 'b", "command line, column 3: this quote is never closed"),
            (
                "a \"b\\",
                "command line, column 3: this quote is never closed",
            ),
            (
                "a\\",
                "command line, column 2: a backslash at the end escapes nothing",
            ),
            (
                "é && b",
                "command line, column 3: only a shell understands this character: quote it, or ask for a shell",
            ),
            (
                "a > b",
                "command line, column 3: only a shell understands this character: quote it, or ask for a shell",
            ),
            (
                "a \"$b\"",
                "command line, column 4: a shell would expand this: use single quotes, or ask for a shell",
            ),
            (
                "#a",
                "command line, column 1: only a shell understands a comment: quote the `#`",
            ),
            ("a\0", "command line, column 2: a NUL can be in no argument"),
        ] {
            assert_eq!(
                split_words(line).map_err(|e| e.to_string()),
                Err(sentence.to_owned()),
                "{line:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn joined_words_split_again(words in prop::collection::vec("[^\\x00]{0,12}", 1..8)) {
            prop_assert_eq!(split_words(&join_words(&words)), Ok(words));
        }

        #[test]
        fn splitting_never_panics(line in "\\PC{0,40}") {
            let _ = split_words(&line);
        }
    }
}
