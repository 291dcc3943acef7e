//! XML as a stream of elements and texts, in bounds: no element, text or nesting is larger than any real one.

use std::io::{self, BufRead, Read};

use quick_xml::{Reader, escape::resolve_xml_entity, events::Event};

use crate::error::CatalogError;

/// The largest tag or text.
const ITEM_LIMIT: usize = 8 << 20;
/// The deepest nesting.
const DEPTH_LIMIT: usize = 64;

/// One step through a document.
#[derive(Debug)]
pub(super) enum Item {
    Start(Element),
    Text(String),
    /// Name of the element, without prefix.
    End(String),
    Eof,
}

/// A start tag.
#[derive(Debug, Default)]
pub(super) struct Element {
    /// Without prefix.
    pub(super) name: String,
    attributes: Vec<(String, String)>,
}

impl Element {
    /// An attribute's value; empty if it is not there.
    pub(super) fn get(&self, name: &str) -> &str {
        self.attributes
            .iter()
            .find(|(key, _)| key == name)
            .map_or("", |(_, value)| value)
    }
}

/// A document that is read.
pub(super) struct Document<R> {
    file: String,
    reader: Reader<Bounded<R>>,
    buffer: Vec<u8>,
    depth: usize,
}

impl<R: BufRead> Document<R> {
    pub(super) fn new(file: &str, input: R) -> Self {
        let mut reader = Reader::from_reader(Bounded { input, since: 0 });
        reader.config_mut().expand_empty_elements = true;
        Self {
            file: file.to_owned(),
            reader,
            buffer: Vec::new(),
            depth: 0,
        }
    }

    pub(super) fn position(&self) -> u64 {
        self.reader.buffer_position()
    }

    fn broken(&self, message: impl ToString) -> CatalogError {
        CatalogError::Xml {
            file: self.file.clone(),
            position: self.position(),
            message: message.to_string(),
        }
    }

    /// The next item. Comments, declarations and document types are passed over; entities beyond XML's own are empty.
    pub(super) fn next(&mut self) -> Result<Item, CatalogError> {
        loop {
            self.buffer.clear();
            self.reader.get_mut().since = 0;
            let position = self.reader.buffer_position();
            let event = match self.reader.read_event_into(&mut self.buffer) {
                Ok(event) => event,
                Err(quick_xml::Error::Io(error)) => {
                    let source = io::Error::new(error.kind(), error.to_string());
                    let source = std::sync::Arc::try_unwrap(error).unwrap_or(source);
                    return Err(CatalogError::Read {
                        file: self.file.clone(),
                        line: 0,
                        source,
                    });
                }
                Err(error) => {
                    let file = self.file.clone();
                    return Err(CatalogError::Xml {
                        file,
                        position,
                        message: error.to_string(),
                    });
                }
            };
            let item = match event {
                Event::Start(start) => {
                    self.depth += 1;
                    let element = Element {
                        name: start.local_name().into_inner().to_owned(),
                        attributes: attributes(&start),
                    };
                    Item::Start(element)
                }
                Event::End(end) => {
                    self.depth = self.depth.saturating_sub(1);
                    Item::End(end.local_name().into_inner().to_owned())
                }
                Event::Text(text) => Item::Text(text.xml10_content().into_owned()),
                Event::CData(text) => Item::Text(text.xml10_content().into_owned()),
                Event::GeneralRef(reference) => match reference.resolve_char_ref() {
                    Ok(Some(character)) => Item::Text(character.to_string()),
                    _ => Item::Text(
                        resolve_xml_entity(&reference.xml10_content())
                            .unwrap_or_default()
                            .to_owned(),
                    ),
                },
                Event::Eof if self.depth > 0 => {
                    return Err(self.broken("the file ends within an element"));
                }
                Event::Eof => Item::Eof,
                _ => continue,
            };
            if self.depth > DEPTH_LIMIT {
                return Err(self.broken("elements nest too deep"));
            }
            return Ok(item);
        }
    }
}

fn attributes(start: &quick_xml::events::BytesStart<'_>) -> Vec<(String, String)> {
    let mut list = start.attributes();
    let readable = list.with_checks(false).filter_map(Result::ok);
    readable
        .map(|attribute| {
            let key = attribute.key.into_inner().to_owned();
            let value = attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0);
            (
                key,
                value.map(std::borrow::Cow::into_owned).unwrap_or_default(),
            )
        })
        .collect()
}

/// Counts what is taken since the last item, and ends an item that will not end.
struct Bounded<R> {
    input: R,
    since: usize,
}

impl<R: BufRead> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.since += count;
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Bounded<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.since > ITEM_LIMIT {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "an element is larger than any real one",
            ));
        }
        self.input.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.since += amount;
        self.input.consume(amount);
    }
}
