//! A folder held by its descriptor, and ways to reach what lies below it that never leave it.
//!
//! Every step is one name, relative to a descriptor, without following links: whatever another process does to the tree
//! meanwhile, a path of content cannot lead anywhere else.

use std::{
    fs::File,
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
};

use escadre_bundle::ContentPath;
use rustix::{
    fs::{AtFlags, CWD, FileType, Mode, OFlags},
    io::Errno,
};

use crate::{BlobError, error::At};

const FOLDER: OFlags = OFlags::DIRECTORY
    .union(OFlags::RDONLY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// A folder, and the chain of folders that was entered last.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    top: OwnedFd,
    below: Vec<(String, OwnedFd)>,
}

impl Folder {
    /// Opens a folder of the host; links in its own path are the host's business and are followed.
    pub(crate) fn open(path: &Path) -> Result<Self, BlobError> {
        let flags = FOLDER.difference(OFlags::NOFOLLOW);
        let top =
            rustix::fs::openat(CWD, path, flags, Mode::empty()).at("open the folder", path)?;
        Ok(Self {
            path: path.to_owned(),
            top,
            below: Vec::new(),
        })
    }

    /// Another handle of the same folder, for another thread.
    pub(crate) fn again(&self) -> Result<Self, BlobError> {
        let top = self.top.try_clone().at("open the folder", &self.path)?;
        Ok(Self {
            path: self.path.clone(),
            top,
            below: Vec::new(),
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn top(&self) -> BorrowedFd<'_> {
        self.top.as_fd()
    }

    /// The folder that an entry lies in.
    pub(crate) fn parent_of(&mut self, entry: &ContentPath) -> Result<BorrowedFd<'_>, BlobError> {
        let names: Vec<&str> = entry.names().collect();
        let above = &names[..names.len() - 1];
        let same = self
            .below
            .iter()
            .zip(above)
            .take_while(|((entered, _), name)| entered == *name)
            .count();
        self.below.truncate(same);
        for name in &above[same..] {
            let from = self
                .below
                .last()
                .map_or(self.top.as_fd(), |(_, folder)| folder.as_fd());
            let folder = rustix::fs::openat(from, *name, FOLDER, Mode::empty()).map_err(
                |error| match error {
                    Errno::LOOP | Errno::NOTDIR => BlobError::entry(
                        entry.as_str().as_bytes(),
                        format!("`{name}` above it is no folder here"),
                    ),
                    error => self.fault("open", entry, error),
                },
            )?;
            self.below.push(((*name).to_owned(), folder));
        }
        Ok(self
            .below
            .last()
            .map_or(self.top.as_fd(), |(_, folder)| folder.as_fd()))
    }

    /// Makes a folder. True when it is new, false when there was a folder already.
    pub(crate) fn make_folder(&mut self, entry: &ContentPath) -> Result<bool, BlobError> {
        let parent = self.parent_of(entry)?;
        let mode = Mode::from_raw_mode(0o755);
        match rustix::fs::mkdirat(parent, entry.file_name(), mode) {
            // The umask of the process is not content.
            Ok(()) => match rustix::fs::openat(parent, entry.file_name(), FOLDER, Mode::empty())
                .and_then(|made| rustix::fs::fchmod(made, mode))
            {
                Ok(()) => Ok(true),
                Err(error) => Err(self.fault("set the mode of", entry, error)),
            },
            Err(Errno::EXIST) if self.kind_of(entry)? == Some(FileType::Directory) => Ok(false),
            Err(error) => Err(self.fault("make the folder", entry, error)),
        }
    }

    /// Creates a file that was not there, for writing, readable by its owner alone until its mode is set.
    pub(crate) fn create_file(
        &mut self,
        entry: &ContentPath,
        name: &str,
    ) -> Result<File, BlobError> {
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let parent = self.parent_of(entry)?;
        match rustix::fs::openat(parent, name, flags, Mode::from_raw_mode(0o600)) {
            Ok(file) => Ok(File::from(file)),
            Err(error) => Err(self.fault("create", entry, error)),
        }
    }

    /// Opens a regular file for reading, and nothing that only looks like one.
    pub(crate) fn open_file(&mut self, entry: &ContentPath) -> Result<File, BlobError> {
        // A pipe would otherwise wait for a writer.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let parent = self.parent_of(entry)?;
        let file = rustix::fs::openat(parent, entry.file_name(), flags, Mode::empty());
        let file = File::from(file.map_err(|error| self.fault("open", entry, error))?);
        match file.metadata() {
            Ok(metadata) if metadata.is_file() => Ok(file),
            Ok(_) => Err(BlobError::entry(
                entry.as_str().as_bytes(),
                "is no regular file any more",
            )),
            Err(error) => Err(self.fault("read the size of", entry, error)),
        }
    }

    /// What lies there, links not followed; none when nothing does.
    pub(crate) fn kind_of(&mut self, entry: &ContentPath) -> Result<Option<FileType>, BlobError> {
        let parent = self.parent_of(entry)?;
        match rustix::fs::statat(parent, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(FileType::from_raw_mode(stat.st_mode))),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(self.fault("look at", entry, error)),
        }
    }

    /// An error of the system about an entry.
    pub(crate) fn fault(
        &self,
        step: &'static str,
        entry: &ContentPath,
        error: impl Into<io::Error>,
    ) -> BlobError {
        BlobError::Io {
            step,
            path: self.path.join(entry.as_str()),
            source: error.into(),
        }
    }
}
