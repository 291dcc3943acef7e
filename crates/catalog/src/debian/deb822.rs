//! Stanzas of `Field: value` lines, read one at a time from a stream.
//!
//! Holds one stanza in memory, borrowed by the caller; lines are numbered for the problems. Comment lines (`#`) are passed
//! over; only an empty line ends a stanza.

use std::io::BufRead;

use memchr::{memchr, memchr_iter, memmem};

use crate::error::CatalogError;

/// The largest stanza that is read: 8 MiB, a thousand times the largest real one.
pub const STANZA_LIMIT: usize = 8 << 20;
/// How much is asked of the source at once.
const CHUNK: usize = 256 << 10;

/// A stream of stanzas.
pub struct Stanzas<R> {
    input: R,
    file: String,
    buffer: Vec<u8>,
    start: usize,
    line: u32,
    ended: bool,
}

/// One stanza.
#[derive(Debug, Clone, Copy)]
pub struct Stanza<'a> {
    /// Its text.
    pub text: &'a [u8],
    /// The line of the file where it begins, from 1.
    pub line: u32,
}

/// One field of a stanza.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// Name, as written; empty for a line that has none.
    pub name: &'a [u8],
    /// Value without blanks around it; continuation lines keep their line ends.
    pub value: &'a [u8],
    /// Line within the stanza, from 0.
    pub line: u32,
}

impl<R: BufRead> Stanzas<R> {
    /// Reads from a source. `file` is for errors.
    pub fn new(file: &str, input: R) -> Self {
        Self {
            input,
            file: file.to_owned(),
            buffer: Vec::new(),
            start: 0,
            line: 1,
            ended: false,
        }
    }

    /// The next stanza, or none at the end.
    pub fn next_stanza(&mut self) -> Result<Option<Stanza<'_>>, CatalogError> {
        self.skip_empty_lines()?;
        let mut searched = 0;
        loop {
            let held = &self.buffer[self.start..];
            if let Some(end) = memmem::find(&held[searched..], b"\n\n") {
                return Ok(Some(self.take(self.start + searched + end + 1)));
            }
            searched = held.len().saturating_sub(1);
            if held.len() > STANZA_LIMIT {
                let file = self.file.clone();
                return Err(CatalogError::Oversized {
                    file,
                    line: self.line,
                    what: "a stanza",
                    limit: STANZA_LIMIT,
                });
            }
            if !self.fill()? {
                let end = self.buffer.len();
                return Ok((end > self.start).then(|| self.take(end)));
            }
        }
    }

    fn take(&mut self, end: usize) -> Stanza<'_> {
        let text = &self.buffer[self.start..end];
        let line = self.line;
        let lines = memchr_iter(b'\n', text).count();
        self.line = self
            .line
            .saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
        self.start = end;
        Stanza { text, line }
    }

    fn skip_empty_lines(&mut self) -> Result<(), CatalogError> {
        loop {
            match self.buffer.get(self.start).copied() {
                Some(b'\n') => {
                    self.start += 1;
                    self.line = self.line.saturating_add(1);
                }
                Some(b'\r') => self.start += 1,
                Some(_) => return Ok(()),
                None if !self.fill()? => return Ok(()),
                None => {}
            }
        }
    }

    /// Moves what is left to the front and reads more; false at the end.
    fn fill(&mut self) -> Result<bool, CatalogError> {
        if self.ended {
            return Ok(false);
        }
        self.buffer.drain(..self.start);
        self.start = 0;
        let wanted = self.buffer.len() + CHUNK;
        while self.buffer.len() < wanted {
            let chunk = self.input.fill_buf().map_err(|source| CatalogError::Read {
                file: self.file.clone(),
                line: self.line,
                source,
            })?;
            if chunk.is_empty() {
                self.ended = true;
                break;
            }
            self.buffer.extend_from_slice(chunk);
            let length = chunk.len();
            self.input.consume(length);
        }
        Ok(true)
    }
}

impl<'a> Stanza<'a> {
    /// Its fields in order, comments left out.
    pub fn fields(self) -> Fields<'a> {
        Fields {
            rest: self.text,
            line: 0,
        }
    }

    /// The value of the first field of a name (case matters not).
    pub fn get(self, name: &str) -> Option<&'a [u8]> {
        self.fields()
            .find(|field| field.name.eq_ignore_ascii_case(name.as_bytes()))
            .map(|field| field.value)
    }
}

/// Fields of a stanza.
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    rest: &'a [u8],
    line: u32,
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        while self.rest.first() == Some(&b'#') {
            self.skip_line();
        }
        if self.rest.is_empty() {
            return None;
        }
        let first_line = self.line;
        let text = self.rest;
        let mut end = self.skip_line();
        while matches!(self.rest.first(), Some(b' ' | b'\t')) {
            end += self.skip_line();
        }
        let text = &text[..end];
        let (name, value) = match memchr(b':', text) {
            Some(colon) => (&text[..colon], &text[colon + 1..]),
            None => (&text[..0], text),
        };
        Some(Field {
            name,
            value: value.trim_ascii(),
            line: first_line,
        })
    }
}

impl Fields<'_> {
    /// Passes over a line; returns its length with its end.
    fn skip_line(&mut self) -> usize {
        let length = memchr(b'\n', self.rest).map_or(self.rest.len(), |at| at + 1);
        self.rest = &self.rest[length..];
        self.line = self.line.saturating_add(1);
        length
    }
}

/// The signed part of an inline-signed text, with its dash escapes; the whole text where it is not signed.
pub fn signed_part(text: &[u8]) -> &[u8] {
    let Some(begin) = memmem::find(text, b"-----BEGIN PGP SIGNED MESSAGE-----") else {
        return text;
    };
    let after = &text[begin..];
    let body = memmem::find(after, b"\n\n").map_or(after.len(), |at| at + 2);
    let body = &after[body..];
    let end =
        memmem::find(body, b"\n-----BEGIN PGP SIGNATURE-----").map_or(body.len(), |at| at + 1);
    &body[..end]
}
