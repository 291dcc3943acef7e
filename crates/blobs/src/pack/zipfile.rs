//! A zip file as a source.
//!
//! Taken: folders, files, and links that stay inside (as Info-ZIP writes them). Encrypted entries are refused, and so are archives
//! whose entries overlap, which only bombs do.

use std::{
    fs::File,
    io::{BufReader, Read},
};

use escadre_bundle::{ContentPath, limits};
use zip::{ZipArchive, read::ZipFile, result::ZipError};

use super::{feed::Feed, is_about_bytes};
use crate::BlobError;

pub(super) fn read(file: File, feed: &mut Feed<'_>) -> Result<(), BlobError> {
    let mut archive = ZipArchive::new(BufReader::with_capacity(256 << 10, file))
        .map_err(|error| fault(feed, error))?;
    if archive
        .has_overlapping_entries()
        .map_err(|error| fault(feed, error))?
    {
        let detail = "its entries overlap, as only a bomb's do".to_owned();
        return Err(BlobError::Archive {
            path: feed.source().to_owned(),
            detail,
        });
    }
    let total = archive.decompressed_size().unwrap_or(0);
    feed.shared()
        .set_total(u64::try_from(total).unwrap_or(u64::MAX));
    for index in 0..archive.len() {
        let entry = archive
            .by_index(index)
            .map_err(|error| fault(feed, error))?;
        add(entry, feed)?;
    }
    Ok(())
}

fn add<R: Read>(mut entry: ZipFile<'_, R>, feed: &mut Feed<'_>) -> Result<(), BlobError> {
    let raw = entry.name_raw().to_vec();
    let name = match entry.name() {
        Ok(name) => name.into_owned(),
        Err(error) => {
            return Err(BlobError::entry(
                &raw,
                format!("has a name that cannot be read: {error}"),
            ));
        }
    };
    let trimmed = name
        .strip_suffix('/')
        .filter(|name| !name.is_empty())
        .unwrap_or(&name);
    let path = ContentPath::new(trimmed.strip_prefix("./").unwrap_or(trimmed))?;
    let mode = entry.unix_mode().unwrap_or(0);
    match mode & 0o170_000 {
        _ if name.ends_with('/') => return feed.directory(path),
        0o040_000 => return feed.directory(path),
        0o120_000 => {
            let mut target = Vec::new();
            (&mut entry)
                .take(limits::PATH as u64 + 1)
                .read_to_end(&mut target)
                .map_err(|error| fault(feed, error.into()))?;
            feed.shared().advance(entry.size());
            return feed.symlink(path, &target);
        }
        0 | 0o100_000 => {}
        _ => {
            let reason = "is a device, a pipe or a socket; only folders, files and links inside of the bundle are taken";
            return Err(BlobError::entry(&raw, reason));
        }
    }
    add_file(entry, path, mode & 0o111 != 0, feed)
}

fn add_file<R: Read>(
    mut entry: ZipFile<'_, R>,
    path: ContentPath,
    executable: bool,
    feed: &mut Feed<'_>,
) -> Result<(), BlobError> {
    let (size, shown) = (entry.size(), path.to_string());
    let read = match feed.stream(path, executable, (&mut entry).take(size.saturating_add(1))) {
        Err(BlobError::Io { source, .. }) => return Err(fault(feed, source.into())),
        read => read?,
    };
    if read != size {
        let reason = format!("unpacks to another size than the {size} bytes that it claims");
        return Err(BlobError::entry(shown.as_bytes(), reason));
    }
    feed.shared().advance(size);
    Ok(())
}

fn fault(feed: &Feed<'_>, error: ZipError) -> BlobError {
    let path = feed.source().to_owned();
    match error {
        ZipError::Io(error) if !is_about_bytes(&error) => BlobError::Io {
            step: "read",
            path,
            source: error,
        },
        other => BlobError::Archive {
            path,
            detail: other.to_string(),
        },
    }
}
