//! A folder as a source.

use std::{ffi::CStr, path::Path};

use escadre_bundle::{ContentPath, limits};
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};

use super::feed::Feed;
use crate::{BlobError, error::At, folder::Folder};

/// Longer files are cut by the thread that walks, so that all workers share in them.
const LONG: u64 = 16 << 20;

/// A folder whose entries are known.
pub(super) struct Tree {
    folder: Folder,
    entries: Vec<Found>,
}

struct Found {
    path: ContentPath,
    kind: FileType,
    mode: u32,
    size: u64,
}

impl Tree {
    /// Walks the whole folder, and refuses what content cannot be.
    pub(super) fn open(path: &Path) -> Result<Self, BlobError> {
        let mut folder = Folder::open(path)?;
        let mut entries = Vec::new();
        let mut open = vec![None];
        while let Some(parent) = open.pop() {
            for found in list(&mut folder, parent.as_ref())? {
                if found.kind == FileType::Directory {
                    open.push(Some(found.path.clone()));
                }
                entries.push(found);
                if entries.len() > limits::ENTRIES {
                    let (found, limit) = (entries.len() as u64, limits::ENTRIES as u64);
                    let what = "the number of entries".to_owned();
                    return Err(escadre_bundle::BundleError::TooLarge { what, found, limit }.into());
                }
            }
        }
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self { folder, entries })
    }

    pub(super) fn folder(&self) -> &Folder {
        &self.folder
    }

    pub(super) fn read(mut self, feed: &mut Feed<'_>) -> Result<(), BlobError> {
        let files = self
            .entries
            .iter()
            .filter(|found| found.kind == FileType::RegularFile);
        feed.shared().set_total(files.map(|found| found.size).sum());
        for found in self.entries {
            let executable = found.mode & 0o111 != 0;
            match found.kind {
                FileType::Directory => feed.directory(found.path)?,
                FileType::Symlink => {
                    let parent = self.folder.parent_of(&found.path)?;
                    let target = rustix::fs::readlinkat(parent, found.path.file_name(), Vec::new())
                        .map_err(|error| self.folder.fault("read the link", &found.path, error))?;
                    feed.symlink(found.path, target.as_bytes())?;
                }
                _ if found.size > LONG => {
                    let file = self.folder.open_file(&found.path)?;
                    let size = feed.stream(found.path, executable, file)?;
                    feed.shared().advance(size);
                }
                _ => feed.whole(found.path, executable)?,
            }
        }
        Ok(())
    }
}

fn list(folder: &mut Folder, parent: Option<&ContentPath>) -> Result<Vec<Found>, BlobError> {
    let shown = parent.map_or(folder.path().to_owned(), |parent| {
        folder.path().join(parent.as_str())
    });
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let opened = match parent {
        Some(parent) => rustix::fs::openat(
            folder.parent_of(parent)?,
            parent.file_name(),
            flags,
            Mode::empty(),
        ),
        None => rustix::fs::openat(folder.top(), c".", flags, Mode::empty()),
    };
    let directory = opened.at("list", &shown)?;
    let mut entries = Vec::new();
    for entry in Dir::read_from(&directory).at("list", &shown)? {
        let entry = entry.at("list", &shown)?;
        if matches!(entry.file_name().to_bytes(), b"." | b"..") {
            continue;
        }
        let stat = rustix::fs::statat(&directory, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW)
            .at("look at", &shown)?;
        let path = child(parent, entry.file_name())?;
        let kind = FileType::from_raw_mode(stat.st_mode);
        if let Some(what) = forbidden(kind) {
            let reason =
                format!("is {what}; only folders, files and links inside of the bundle are packed");
            return Err(BlobError::entry(path.as_str().as_bytes(), reason));
        }
        entries.push(Found {
            path,
            kind,
            mode: stat.st_mode,
            size: u64::try_from(stat.st_size).unwrap_or(0),
        });
    }
    Ok(entries)
}

fn child(parent: Option<&ContentPath>, name: &CStr) -> Result<ContentPath, BlobError> {
    let name = name
        .to_str()
        .map_err(|_| BlobError::entry(name.to_bytes(), "has a name that is not UTF-8"))?;
    let path = parent.map_or_else(|| name.to_owned(), |parent| format!("{parent}/{name}"));
    Ok(ContentPath::new(&path)?)
}

fn forbidden(kind: FileType) -> Option<&'static str> {
    match kind {
        FileType::RegularFile | FileType::Directory | FileType::Symlink => None,
        FileType::Fifo => Some("a named pipe"),
        FileType::Socket => Some("a socket"),
        FileType::CharacterDevice | FileType::BlockDevice => Some("a device"),
        _ => Some("neither a file nor a folder"),
    }
}
