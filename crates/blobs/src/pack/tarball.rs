//! A tar archive as a source: plain, gzip or zstd.
//!
//! Taken: folders, files, links that stay inside, hard links to an earlier file of the archive (as a second copy). Owners, times,
//! extended attributes and all bits of the mode but `x` are left behind. The rest is refused with its name.

use std::{
    fs::File,
    io::{self, BufReader, Read},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use escadre_bundle::ContentPath;
use tar::{Archive, Entry, EntryType};

use super::{feed::Feed, is_about_bytes, work::Shared};
use crate::BlobError;

/// What the headers between two entries may take: long names and attributes are kept in memory.
const HEADERS: u64 = 1 << 20;
/// Zeros that may follow the end of the archive.
const PADDING: u64 = 16 << 20;

/// How the archive is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    Plain,
    Gzip,
    Zstd,
}

/// Whether a file that begins so is a tar archive: the sum of the first header's bytes is right.
pub(super) fn is_tar(head: &[u8]) -> bool {
    let Some(header) = head.get(..512) else {
        return false;
    };
    if header.iter().all(|&byte| byte == 0) {
        return true;
    }
    let sum = |bytes: &[u8]| bytes.iter().map(|&byte| u32::from(byte)).sum::<u32>();
    let written = std::str::from_utf8(&header[148..156])
        .ok()
        .and_then(|text| u32::from_str_radix(text.trim_matches(['\0', ' ']), 8).ok());
    // The field itself counts as blanks.
    written == Some(sum(&header[..148]) + 8 * 32 + sum(&header[156..]))
}

pub(super) fn read(
    file: File,
    length: u64,
    coding: Coding,
    feed: &mut Feed<'_>,
) -> Result<(), BlobError> {
    feed.shared().set_total(length);
    let counted = Counted {
        file,
        shared: feed.shared(),
    };
    let decoded = decode(counted, coding).map_err(|error| fault(feed, error))?;
    let meter = Meter::default();
    let mut archive = Archive::new(Metered {
        inner: decoded,
        meter: meter.clone(),
    });
    let mut entries = match archive.entries() {
        Ok(entries) => entries,
        Err(error) => return Err(fault(feed, error)),
    };
    loop {
        meter.allow(HEADERS);
        match entries.next() {
            None => break,
            Some(Err(error)) => return Err(fault(feed, error)),
            Some(Ok(entry)) => add(entry, &meter, feed)?,
        }
    }
    if meter.is_at_end() {
        return Err(fault(
            feed,
            io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "it is cut short: its end mark is missing",
            ),
        ));
    }
    // The sums of gzip and zstd stand at the end of the file.
    meter.allow(PADDING);
    io::copy(&mut archive.into_inner(), &mut io::sink())
        .map_err(|error| fault(feed, error))
        .map(drop)
}

fn decode<'a>(counted: Counted<'a>, coding: Coding) -> io::Result<Box<dyn Read + 'a>> {
    let buffered = BufReader::with_capacity(256 << 10, counted);
    Ok(match coding {
        Coding::Plain => Box::new(buffered),
        Coding::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(buffered)),
        Coding::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(buffered)?),
    })
}

fn add<R: Read>(
    mut entry: Entry<'_, R>,
    meter: &Meter,
    feed: &mut Feed<'_>,
) -> Result<(), BlobError> {
    let kind = entry.header().entry_type();
    if kind == EntryType::XGlobalHeader {
        return Ok(());
    }
    let raw = entry.path_bytes().into_owned();
    let Some(path) = content_path(&raw)? else {
        return Ok(());
    };
    if let Some(what) = forbidden(&mut entry, kind) {
        let reason =
            format!("is {what}; only folders, files and links inside of the bundle are taken");
        return Err(BlobError::entry(&raw, reason));
    }
    let target = entry.link_name_bytes().unwrap_or_default().into_owned();
    match kind {
        EntryType::Directory => feed.directory(path),
        EntryType::Symlink => feed.symlink(path, &target),
        EntryType::Link => match content_path(&target) {
            Ok(Some(first)) => feed.hard_link(path, &first),
            _ => {
                let reason = format!(
                    "is a hard link to `{}`, outside of the archive",
                    target.escape_ascii()
                );
                Err(BlobError::entry(&raw, reason))
            }
        },
        _ => add_file(entry, path, meter, feed),
    }
}

fn add_file<R: Read>(
    mut entry: Entry<'_, R>,
    path: ContentPath,
    meter: &Meter,
    feed: &mut Feed<'_>,
) -> Result<(), BlobError> {
    let executable = entry.header().mode().is_ok_and(|mode| mode & 0o111 != 0);
    let (size, shown) = (entry.size(), path.to_string());
    meter.allow(u64::MAX);
    let read = match feed.stream(path, executable, &mut entry) {
        Err(BlobError::Io { source, .. }) => return Err(fault(feed, source)),
        read => read?,
    };
    if read == size {
        return Ok(());
    }
    let detail = format!("it is cut short: {read} of {size} bytes of `{shown}` are there");
    Err(fault(
        feed,
        io::Error::new(io::ErrorKind::UnexpectedEof, detail),
    ))
}

/// The path without the `./` before and the `/` after that tar writes; none for the folder itself.
fn content_path(raw: &[u8]) -> Result<Option<ContentPath>, BlobError> {
    let text = std::str::from_utf8(raw)
        .map_err(|_| BlobError::entry(raw, "has a name that is not UTF-8"))?;
    let text = text
        .strip_suffix('/')
        .filter(|text| !text.is_empty())
        .unwrap_or(text);
    let text = text.strip_prefix("./").unwrap_or(text);
    if matches!(text, "." | "./") {
        return Ok(None);
    }
    Ok(Some(ContentPath::new(text)?))
}

fn forbidden<R: Read>(entry: &mut Entry<'_, R>, kind: EntryType) -> Option<&'static str> {
    match kind {
        EntryType::Directory | EntryType::Symlink | EntryType::Link => None,
        EntryType::Regular | EntryType::Continuous => {
            let attributes = entry.pax_extensions().ok().flatten();
            let is_sparse = attributes.is_some_and(|mut attributes| {
                attributes.any(|attribute| {
                    attribute.is_ok_and(|a| a.key_bytes().starts_with(b"GNU.sparse"))
                })
            });
            is_sparse.then_some("a sparse file (make the archive without --sparse)")
        }
        EntryType::GNUSparse => Some("a sparse file (make the archive without --sparse)"),
        EntryType::Char | EntryType::Block => Some("a device"),
        EntryType::Fifo => Some("a named pipe"),
        _ => Some("of a kind that is not known here"),
    }
}

fn fault(feed: &Feed<'_>, error: io::Error) -> BlobError {
    let path = feed.source().to_owned();
    if is_about_bytes(&error) {
        return BlobError::Archive {
            path,
            detail: error.to_string(),
        };
    }
    BlobError::Io {
        step: "read",
        path,
        source: error,
    }
}

/// Tells how much of the file was read.
struct Counted<'a> {
    file: File,
    shared: &'a Shared<'a>,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.shared.advance(count as u64);
        Ok(count)
    }
}

/// How much may be read before the next permission: what is not content is bounded by it.
#[derive(Debug, Clone, Default)]
struct Meter {
    left: Arc<AtomicU64>,
    is_at_end: Arc<AtomicBool>,
}

impl Meter {
    fn allow(&self, bytes: u64) {
        self.left.store(bytes, Ordering::Relaxed);
    }

    fn is_at_end(&self) -> bool {
        self.is_at_end.load(Ordering::Relaxed)
    }
}

struct Metered<R> {
    inner: R,
    meter: Meter,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.meter.left.load(Ordering::Relaxed);
        let most = usize::try_from(left)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        if most == 0 && !buffer.is_empty() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "a header or what follows the end has no end",
            ));
        }
        let count = self.inner.read(&mut buffer[..most])?;
        if count == 0 && !buffer.is_empty() {
            self.meter.is_at_end.store(true, Ordering::Relaxed);
        }
        if left != u64::MAX {
            self.meter.allow(left - count as u64);
        }
        Ok(count)
    }
}
