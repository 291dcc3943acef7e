//! A message as a stream of rows: an envelope with DEVICEID and QUERY, and CONTENT with one element per row.
//!
//! Attributes and child elements are the same thing here, as they are for the reference server (the OCS reference §2),
//! and fields below fields lie flat in their row. Only one row is in memory at a time, and its parts are bounded.

use std::{borrow::Cow, collections::VecDeque};

use quick_xml::{
    Reader, XmlVersion,
    escape::resolve_xml_entity,
    events::{BytesStart, Event},
};

use crate::{OcsError, problems::Problems};

/// The deepest nesting; real messages have six levels.
const DEPTH_LIMIT: usize = 32;
/// The most fields of one row.
const FIELD_LIMIT: usize = 256;
/// The longest value, in bytes.
const VALUE_LIMIT: usize = 4096;
/// The longest name of an element or attribute that can mean anything.
const NAME_LIMIT: usize = 64;

/// One element of the envelope or of CONTENT.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    /// Its name: `HARDWARE`, `DEVICEID`.
    pub(crate) section: String,
    /// Where it begins.
    pub(crate) line: u32,
    /// Beside CONTENT, not within.
    pub(crate) in_envelope: bool,
    /// Its own text.
    pub(crate) text: String,
    fields: Vec<(String, String)>,
}

impl Row {
    /// The first value of a field that says something; empty if none does.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.all(name).next().unwrap_or_default()
    }

    /// All values of a field that say something.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let values = self.fields.iter().filter(move |(field, _)| field == name);
        values.map(|(_, value)| value.as_str())
    }

    fn finish(mut self) -> Self {
        self.text = clean(&self.text);
        for (_, value) in &mut self.fields {
            *value = clean(value);
        }
        self.fields.retain(|(_, value)| !value.is_empty());
        self
    }
}

/// Without control characters and space around; what is not available is empty.
fn clean(value: &str) -> String {
    let spaced = value.replace(char::is_control, " ");
    let value = spaced.trim();
    if value.eq_ignore_ascii_case("n/a") {
        String::new()
    } else {
        value.to_owned()
    }
}

/// Where a text goes.
#[derive(Debug, Clone, Copy)]
enum Target {
    Row,
    Field(usize),
    Nowhere,
}

/// A message that is read.
pub(crate) struct Rows<'a> {
    text: &'a str,
    reader: Reader<&'a [u8]>,
    counted: usize,
    line: u32,
    depth: usize,
    in_content: bool,
    seen_root: bool,
    row: Option<Row>,
    targets: Vec<Target>,
    is_cut: bool,
    ready: VecDeque<Row>,
}

impl<'a> Rows<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let mut reader = Reader::from_str(text);
        let config = reader.config_mut();
        config.expand_empty_elements = true;
        config.allow_dangling_amp = true;
        Self {
            text,
            reader,
            counted: 0,
            line: 1,
            depth: 0,
            in_content: false,
            seen_root: false,
            row: None,
            targets: Vec::new(),
            is_cut: false,
            ready: VecDeque::new(),
        }
    }

    /// The next row; none at the end of a whole document.
    pub(crate) fn next(&mut self, problems: &mut Problems) -> Result<Option<Row>, OcsError> {
        loop {
            if let Some(row) = self.ready.pop_front() {
                return Ok(Some(row));
            }
            self.count_lines();
            let event = match self.reader.read_event() {
                Ok(event) => event,
                Err(error) => return Err(self.malformed(error.to_string())),
            };
            match event {
                Event::Start(start) => self.open(&start)?,
                Event::End(_) => self.close(problems),
                Event::Text(text) => self.take(&text.xml10_content()),
                Event::CData(text) => self.take(&text.xml10_content()),
                Event::GeneralRef(reference) => match reference.resolve_char_ref() {
                    Ok(Some(character)) => self.take(character.encode_utf8(&mut [0; 4])),
                    _ => self.take(resolve_xml_entity(&reference).unwrap_or_default()),
                },
                Event::DocType(_) => return Err(OcsError::DocumentType { line: self.line }),
                Event::Eof if self.depth > 0 => {
                    return Err(self.malformed("the document ends within an element"));
                }
                Event::Eof if !self.seen_root => return Err(OcsError::NotARequest(String::new())),
                Event::Eof => return Ok(None),
                Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            }
        }
    }

    fn malformed(&self, message: impl Into<String>) -> OcsError {
        let (line, message) = (self.line, message.into());
        OcsError::Malformed { line, message }
    }

    fn count_lines(&mut self) {
        let position = usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX);
        let position = position.clamp(self.counted, self.text.len());
        let passed = &self.text.as_bytes()[self.counted..position];
        let lines = passed.iter().filter(|byte| **byte == b'\n').count();
        self.line = self
            .line
            .saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
        self.counted = position;
    }

    fn open(&mut self, start: &BytesStart<'_>) -> Result<(), OcsError> {
        self.depth += 1;
        if self.depth > DEPTH_LIMIT {
            return Err(self.malformed("elements nest too deep"));
        }
        let name = start.local_name();
        let name = name.into_inner();
        if self.row.is_some() {
            self.open_field(name, start);
        } else if self.depth == 1 {
            if self.seen_root || name != "REQUEST" {
                return Err(OcsError::NotARequest(shorten(name).to_owned()));
            }
            self.seen_root = true;
            self.queue_attributes(start, true);
        } else if self.depth == 2 && name == "CONTENT" {
            self.in_content = true;
            self.queue_attributes(start, false);
        } else {
            self.row = Some(Row {
                section: shorten(name).to_owned(),
                line: self.line,
                in_envelope: !self.in_content,
                ..Row::default()
            });
            self.targets.push(Target::Row);
            self.add_attributes(start);
        }
        Ok(())
    }

    fn open_field(&mut self, name: &str, start: &BytesStart<'_>) {
        let target = self.add_field(name, "");
        self.targets.push(target);
        self.add_attributes(start);
    }

    fn add_field(&mut self, name: &str, value: &str) -> Target {
        let Some(row) = &mut self.row else {
            return Target::Nowhere;
        };
        if row.fields.len() >= FIELD_LIMIT {
            self.is_cut = true;
            return Target::Nowhere;
        }
        let mut kept = String::new();
        self.is_cut |= !append(&mut kept, value);
        row.fields.push((shorten(name).to_owned(), kept));
        Target::Field(row.fields.len() - 1)
    }

    fn add_attributes(&mut self, start: &BytesStart<'_>) {
        for (name, value) in attributes(start) {
            self.add_field(&name, &value);
        }
    }

    /// Attributes of the envelope are rows of one text.
    fn queue_attributes(&mut self, start: &BytesStart<'_>, in_envelope: bool) {
        for (name, value) in attributes(start) {
            let mut text = String::new();
            append(&mut text, &value);
            let row = Row {
                section: shorten(&name).to_owned(),
                line: self.line,
                in_envelope,
                text,
                fields: Vec::new(),
            };
            self.ready.push_back(row.finish());
        }
    }

    fn take(&mut self, text: &str) {
        let Some(row) = &mut self.row else { return };
        let value = match self.targets.last() {
            Some(Target::Row) => Some(&mut row.text),
            Some(Target::Field(index)) => row.fields.get_mut(*index).map(|(_, value)| value),
            _ => None,
        };
        if let Some(value) = value {
            self.is_cut |= !append(value, text);
        }
    }

    fn close(&mut self, problems: &mut Problems) {
        self.depth = self.depth.saturating_sub(1);
        if self.targets.pop().is_none() {
            self.in_content = false;
            return;
        }
        if !self.targets.is_empty() {
            return;
        }
        if let Some(row) = self.row.take() {
            if std::mem::take(&mut self.is_cut) {
                let message = format!(
                    "{} has too many or too long values; they are cut",
                    row.section
                );
                problems.warn(row.line, "ocs.long-value", message);
            }
            self.ready.push_back(row.finish());
        }
    }
}

/// Attributes that can be read, so many at most.
fn attributes(start: &BytesStart<'_>) -> Vec<(String, String)> {
    let mut list = start.attributes();
    let readable = list.with_checks(false).filter_map(Result::ok);
    readable
        .take(FIELD_LIMIT)
        .map(|attribute| {
            let name = attribute.key.into_inner().to_owned();
            let value = attribute.normalized_value(XmlVersion::Implicit1_0);
            (name, value.map(Cow::into_owned).unwrap_or_default())
        })
        .collect()
}

/// Appends as far as there is room; false if something was left out.
fn append(value: &mut String, text: &str) -> bool {
    let room = VALUE_LIMIT.saturating_sub(value.len());
    let end = text.floor_char_boundary(room);
    value.push_str(&text[..end]);
    end == text.len()
}

fn shorten(name: &str) -> &str {
    &name[..name.floor_char_boundary(NAME_LIMIT)]
}

#[cfg(test)]
mod tests;
