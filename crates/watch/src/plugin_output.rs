//! The plugin contract: what standard output and the exit code of a plugin say.
//!
//! ```text
//! first line, for people | perf data
//! further lines,
//! the last of them | more perf data
//! and all after it too
//! ```
//! `\|` is a pipe in the text. Like the original, what is beyond [`MAX_OUTPUT`] is cut off.

use escadre_model::Problem;
use escadre_model::check::Perf;

use crate::perfdata;

/// Bytes of a plugin's output that count.
pub const MAX_OUTPUT: usize = 8192;

/// A plugin's output, taken apart.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct PluginOutput {
    /// First line, without perf data.
    pub output: String,
    /// Further lines, without perf data.
    pub long_output: String,
    /// Perf data of all places.
    pub perf: Vec<Perf>,
    /// What of the perf data could not be read.
    pub problems: Vec<Problem>,
}

/// Takes a plugin's standard output apart. Control characters other than line ends and tabs are dropped.
pub fn parse(text: &str) -> PluginOutput {
    let text = cut(text);
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let (output, mut data) = split_pipe(first);
    let (long, more) = split_pipe(rest);
    if !more.is_empty() {
        data.push(' ');
        data.push_str(&more);
    }
    let (perf, problems) = perfdata::parse(&data);
    PluginOutput {
        output: output.trim().to_owned(),
        long_output: long.trim_end().to_owned(),
        perf,
        problems,
    }
}

/// What counts of a text, cut between characters.
fn cut(text: &str) -> &str {
    let mut end = text.len().min(MAX_OUTPUT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Before and after the first pipe that no backslash precedes; the escaped ones become plain.
fn split_pipe(text: &str) -> (String, String) {
    let (mut before, mut after) = (String::with_capacity(text.len()), String::new());
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '\\' if characters.peek() == Some(&'|') => before.extend(characters.next()),
            '|' => {
                after = characters.collect();
                break;
            }
            c if c.is_control() && c != '\n' && c != '\t' => {}
            c => before.push(c),
        }
    }
    (before, after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, output: &str, long: &str, labels: &[&str]) {
        let parsed = parse(text);
        assert_eq!(
            (parsed.output.as_str(), parsed.long_output.as_str()),
            (output, long),
            "{text}"
        );
        assert_eq!(
            parsed
                .perf
                .iter()
                .map(|p| p.label.as_str())
                .collect::<Vec<_>>(),
            labels,
            "{text}"
        );
    }

    #[test]
    fn the_contract() {
        check("", "", "", &[]);
        check("OK - fine\n", "OK - fine", "", &[]);
        check("OK - fine | a=1 b=2", "OK - fine", "", &["a", "b"]);
        check(
            "DISK OK | /=2643MB\n/ 15272 MB (77%);\n/boot 68 MB (69%) | /boot=68MB\n/home=69357MB\n",
            "DISK OK",
            "/ 15272 MB (77%);\n/boot 68 MB (69%)",
            &["/", "/boot", "/home"],
        );
        check("a \\| b | c=1", "a | b", "", &["c"]);
        check("x\r\ny\r\n", "x", "y", &[]);
        check("|a=1", "", "", &["a"]);
        check("OK\n|a=1\nb=2", "OK", "", &["a", "b"]);
        check("\u{1b}[31mred\u{7}", "[31mred", "", &[]);
    }

    #[test]
    fn too_much_is_cut_between_characters() {
        let parsed = parse(&"é".repeat(MAX_OUTPUT));
        assert_eq!(parsed.output.len(), MAX_OUTPUT);
        let parsed = parse(&format!("x{}", "é".repeat(MAX_OUTPUT)));
        assert_eq!(parsed.output.len(), MAX_OUTPUT - 1);
    }

    proptest! {
        #[test]
        fn never_panics(text in any::<String>(), odd in "[a|\\\\\n'=1 ]{0,60}") {
            parse(&text);
            let parsed = parse(&odd);
            prop_assert!(!parsed.output.contains('\n'));
        }
    }
}
