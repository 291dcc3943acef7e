//! The rate file (`rpmsrate`): how much each package is wanted, and under which conditions (the DrakX reference §2).
//!
//! Line oriented, nested by the columns of tokens. What is broken in real files is read as the original did and
//! reported: [`RateFile::problems`] has it with lines, [`RateFile::log`] the lines that the original logged.
//!
//! Absent on purpose: what a condition means ([`crate::condition`]) and which packages exist ([`crate::rating`]).

mod merge;
mod tokens;

use std::{collections::BTreeMap, sync::Arc};

use escadre_model::{
    Problem,
    problem::Severity::{Error, Warning},
};
use serde::{Deserialize, Serialize};

/// A package of the rate file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rated {
    /// 5 "must have" … 1 "maybe". 0 and 6 to 9 are read too, and never selected.
    pub rate: u8,
    /// All of these must hold; each is an item or several joined by `||`.
    pub flags: Vec<Arc<str>>,
    /// Lines that name it, in order.
    pub lines: Vec<u32>,
    /// Its place among all packages, by where it is named first.
    pub place: usize,
}

/// What a rate file says.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct RateFile {
    /// Name of the file, for problems and reasons.
    pub file: String,
    /// Packages by name.
    pub packages: BTreeMap<String, Rated>,
    /// Packages kept on disk for later steps (`INSTALL`, `PRINTER`), in file order.
    pub need_to_copy: Vec<String>,
    /// Lines that the original logged.
    pub log: Vec<String>,
    /// What is wrong or doubtful, with lines.
    pub problems: Vec<Problem>,
}

/// Why a rate file cannot be used. The texts are the original's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RateFileError {
    /// Columns would be unclear.
    #[error("tabulations not allowed at line {line}")]
    Tabulation {
        /// Line, from 1.
        line: u32,
    },
    /// Packages without a rate.
    #[error("missing rate for \"{rest}\" at line {line} (flags are {flags})")]
    MissingRate {
        /// The packages.
        rest: String,
        /// Line, from 1.
        line: u32,
        /// Flags that were in force.
        flags: String,
    },
    /// A token that no person wrote.
    #[error("condition of more than 4096 bytes at line {line}")]
    TooLong {
        /// Line, from 1.
        line: u32,
    },
    /// Packages listed twice with flags that cannot be joined.
    #[error("{count} fatal errors in rpmsrate")]
    Twice {
        /// How many.
        count: usize,
    },
}

/// How many tokens may be in force at once: deeper nesting than any person writes.
const DEPTH_LIMIT: usize = 200;
/// How long a token may be, in bytes.
const TOKEN_LIMIT: usize = 4096;

/// Tokens in force for lines that are deeper than a column.
struct Block {
    column: usize,
    tokens: Vec<Arc<str>>,
    /// Line, if it is a block without packages that none has used yet.
    unused: Option<u32>,
}

struct Reader {
    result: RateFile,
    blocks: Vec<Block>,
    line: u32,
    refused: usize,
}

/// Reads a rate file. The value is what was read until the error, if there is one.
pub fn parse(file: &str, text: &str) -> (RateFile, Option<RateFileError>) {
    let mut reader = Reader {
        result: RateFile {
            file: file.to_owned(),
            ..RateFile::default()
        },
        blocks: Vec::new(),
        line: 0,
        refused: 0,
    };
    let error = reader.read(text).err();
    if let Some(error) = &error {
        reader.problem(Error, "rpmsrate.fatal", error.to_string());
    }
    (reader.result, error)
}

impl Reader {
    fn read(&mut self, text: &str) -> Result<(), RateFileError> {
        for line in text.split('\n') {
            self.line = self.line.saturating_add(1);
            if line.contains('\t') {
                return Err(RateFileError::Tabulation { line: self.line });
            }
            let code = line.split('#').next().unwrap_or_default();
            self.comment_in_quotes(line, code);
            self.code(code)?;
        }
        self.close(0);
        match self.refused {
            0 => Ok(()),
            count => Err(RateFileError::Twice { count }),
        }
    }

    fn code(&mut self, code: &str) -> Result<(), RateFileError> {
        let blanks = code.bytes().take_while(|byte| tokens::is_blank(*byte));
        let indentation = blanks.count();
        // A line of a single `0` was an empty one for the original.
        if matches!(&code[indentation..], "" | "0") {
            return Ok(());
        }
        self.close(indentation);
        let head = tokens::head(code, indentation);
        let mut in_force = match self.blocks.last() {
            Some(block) => block.tokens.clone(),
            None => Vec::new(),
        };
        let mut opened = Vec::with_capacity(head.tokens.len());
        for token in head.tokens {
            self.unclosed_quote(&token);
            if token.text.len() > TOKEN_LIMIT {
                return Err(RateFileError::TooLong { line: self.line });
            }
            if in_force.len() < DEPTH_LIMIT {
                in_force.push(token.text.into());
            }
            opened.push((token.column, in_force.len()));
        }
        if head.rest.is_empty() {
            let column = opened.first().map_or(indentation, |first| first.0);
            self.open(column, in_force, Some(self.line));
            return Ok(());
        }
        self.packages(head.rest, &in_force)?;
        for (column, length) in opened {
            self.open(column, in_force[..length].to_vec(), None);
        }
        Ok(())
    }

    fn open(&mut self, column: usize, tokens: Vec<Arc<str>>, unused: Option<u32>) {
        if self.blocks.len() < DEPTH_LIMIT {
            self.blocks.push(Block {
                column,
                tokens,
                unused,
            });
        }
    }

    /// Closes every block whose column is not to the left.
    fn close(&mut self, column: usize) {
        while self
            .blocks
            .last()
            .is_some_and(|block| block.column >= column)
        {
            let Some(block) = self.blocks.pop() else {
                return;
            };
            let Some(line) = block.unused else { continue };
            let text = block
                .tokens
                .last()
                .map(|text| text.to_string())
                .unwrap_or_default();
            let has_rate = block.tokens.iter().any(|token| is_rate(token));
            let (code, message) = if has_rate && !text.starts_with("CAT_") {
                (
                    "rpmsrate.flag-not-package",
                    format!("`{text}` was read as a flag, so the line names no package"),
                )
            } else {
                ("rpmsrate.empty-block", format!("no package under `{text}`"))
            };
            let problem = Problem::new(Warning, &self.result.file, line, code, message);
            self.result.problems.push(problem);
        }
    }

    fn packages(&mut self, rest: &str, in_force: &[Arc<str>]) -> Result<(), RateFileError> {
        let rate = in_force.iter().find(|token| is_rate(token));
        let Some(rate) = rate.and_then(|token| token.parse::<u8>().ok()) else {
            return Err(RateFileError::MissingRate {
                rest: rest.to_owned(),
                line: self.line,
                flags: in_force.to_vec().join("&&"),
            });
        };
        for block in &mut self.blocks {
            block.unused = None;
        }
        let flags: Vec<Arc<str>> = in_force.iter().filter(|t| !is_rate(t)).cloned().collect();
        let has = |word: &str| flags.iter().any(|flag| **flag == *word);
        let (install, nocopy, printer) = (has("INSTALL"), has("NOCOPY"), has("PRINTER"));
        for name in rest
            .split_ascii_whitespace()
            .flat_map(|word| word.split('\u{b}'))
        {
            if name.is_empty() {
                continue;
            }
            self.package_or_flag(name);
            if (install && !nocopy) || (printer && !install) {
                self.result.need_to_copy.push(name.to_owned());
            }
            if !install {
                self.package(name, rate, &flags);
            }
        }
        Ok(())
    }

    fn package(&mut self, name: &str, rate: u8, flags: &[Arc<str>]) {
        let line = self.line;
        let place = self.result.packages.len();
        let Some(previous) = self.result.packages.get_mut(name) else {
            let rated = Rated {
                rate,
                flags: flags.to_vec(),
                lines: vec![line],
                place,
            };
            self.result.packages.insert(name.to_owned(), rated);
            return;
        };
        let old_rate = std::mem::replace(&mut previous.rate, rate);
        previous.lines.push(line);
        match merge::merge(flags, &previous.flags) {
            Some(flags) => previous.flags = flags,
            None => {
                previous.flags = flags.to_vec();
                self.refused += 1;
                let message = format!(
                    "can not handle complicate flags for packages appearing twice ({name})"
                );
                self.logged(Error, "rpmsrate.twice", &message);
            }
        }
        if rate != old_rate {
            let message = format!(
                "package {name} appearing twice with different rates ({rate} != {old_rate})"
            );
            self.logged(Warning, "rpmsrate.two-rates", &message);
        }
    }

    fn package_or_flag(&mut self, name: &str) {
        if !name.bytes().any(|byte| byte.is_ascii_lowercase()) {
            let message = format!("{name} is parsed as a package name, not as a flag");
            self.logged(Warning, "rpmsrate.capitals", &message);
        }
    }

    fn logged(&mut self, severity: escadre_model::problem::Severity, code: &str, message: &str) {
        self.result.log.push(format!("{}: {message}", self.line));
        self.problem(severity, code, message.to_owned());
    }

    fn problem(&mut self, severity: escadre_model::problem::Severity, code: &str, message: String) {
        let problem = Problem::new(severity, &self.result.file, self.line, code, message);
        self.result.problems.push(problem);
    }

    fn unclosed_quote(&mut self, token: &tokens::Token) {
        if token.text.matches('"').count() % 2 == 1
            || token
                .text
                .split("||")
                .any(|item| item.matches('"').count() % 2 == 1)
        {
            let message = format!("`{}` has a quote that is not closed", token.text);
            self.problem(Warning, "rpmsrate.unclosed-quote", message);
        }
    }

    fn comment_in_quotes(&mut self, line: &str, code: &str) {
        if code.len() < line.len() && code.matches('"').count() % 2 == 1 {
            let message = "`#` begins a comment even inside quotes".to_owned();
            self.problem(Warning, "rpmsrate.comment-in-quotes", message);
        }
    }
}

/// Tokens of exactly one digit are rates, wherever they stand.
fn is_rate(token: &str) -> bool {
    matches!(token.as_bytes(), [digit] if digit.is_ascii_digit())
}

#[cfg(test)]
mod tests;
