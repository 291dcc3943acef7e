//! Content and chunks become files again, below one folder and nowhere else.
//!
//! Order: room is asked for, folders are made, files are written (each chunk verified before a byte of it is), links come last, so
//! that nothing is ever written through one. Modes are 0o755 and 0o644; owners are the process's.
//!
//! [`unpack`] makes a new folder, whole or not at all. [`merge`] puts content into a folder that may hold other things: every file is
//! complete on the disk under another name before it takes its place, so a crash leaves the old file or the new one.

use std::{
    fs::{self, File, Permissions},
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    thread,
};

use escadre_bundle::{
    ChunkRef, Content, ContentPath, Decoder, Entry, EntryKind, FileContent, FileHash,
};
use rustix::{
    fs::{AtFlags, FileType},
    io::Errno,
};

use crate::{BlobError, Blobs, Room, check_room, error::At, folder::Folder};

/// How far it is.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct UnpackProgress {
    /// Bytes written.
    pub done: u64,
    /// Bytes of the content.
    pub total: u64,
}

/// Unpacks into a folder that is made for it; when something fails, the folder is removed again.
///
/// `progress` is called for every chunk, from several threads.
pub fn unpack(
    content: &Content,
    blobs: &dyn Blobs,
    target: &Path,
    progress: &(dyn Fn(UnpackProgress) + Sync),
) -> Result<(), BlobError> {
    content.check()?;
    check_room(content, target)?;
    fs::create_dir(target).at("make the folder", target)?;
    let outcome =
        Unpacking::new(content, blobs, target, Place::New, progress).and_then(Unpacking::run);
    if outcome.is_err()
        && let Err(error) = fs::remove_dir_all(target)
    {
        tracing::warn!(folder = %target.display(), %error, "what was half unpacked cannot be removed");
    }
    outcome
}

/// Puts content into a folder, which is made when it is not there; what else lies there stays. Safe to repeat.
pub fn merge(
    content: &Content,
    blobs: &dyn Blobs,
    target: &Path,
    progress: &(dyn Fn(UnpackProgress) + Sync),
) -> Result<(), BlobError> {
    content.check()?;
    check_room(content, target)?;
    fs::create_dir_all(target).at("make the folder", target)?;
    Unpacking::new(content, blobs, target, Place::Shared, progress)?.run()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Made for this content.
    New,
    /// Holds other things, perhaps an older version of the same files.
    Shared,
}

struct Unpacking<'a> {
    content: &'a Content,
    blobs: &'a dyn Blobs,
    folder: Folder,
    place: Place,
    report: &'a (dyn Fn(UnpackProgress) + Sync),
    total: u64,
    done: AtomicU64,
    next: AtomicUsize,
    is_over: AtomicBool,
}

impl<'a> Unpacking<'a> {
    fn new(
        content: &'a Content,
        blobs: &'a dyn Blobs,
        target: &Path,
        place: Place,
        report: &'a (dyn Fn(UnpackProgress) + Sync),
    ) -> Result<Self, BlobError> {
        Ok(Self {
            content,
            blobs,
            folder: Folder::open(target)?,
            place,
            report,
            total: content.size().0,
            done: AtomicU64::new(0),
            next: AtomicUsize::new(0),
            is_over: AtomicBool::new(false),
        })
    }

    fn run(self) -> Result<(), BlobError> {
        let mut folder = self.folder.again()?;
        self.make_folders(&mut folder)?;
        let outcome = self
            .write_files()
            .and_then(|()| self.make_links(&mut folder))
            .and_then(|()| self.flush());
        if self.place == Place::New {
            return outcome;
        }
        let outcome = outcome
            .and_then(|()| self.move_into_place(&mut folder))
            .and_then(|()| self.flush());
        if outcome.is_err() {
            self.remove_waiting(&mut folder);
        }
        outcome
    }

    fn make_folders(&self, folder: &mut Folder) -> Result<(), BlobError> {
        for entry in self.content.entries() {
            if entry.kind == EntryKind::Directory {
                let is_new = folder.make_folder(&entry.path)?;
                if !is_new && self.place == Place::New {
                    return Err(BlobError::entry(
                        entry.path.as_str().as_bytes(),
                        "is there already",
                    ));
                }
            } else if self.place == Place::Shared {
                check_place(folder, &entry.path)?;
            }
        }
        Ok(())
    }

    fn write_files(&self) -> Result<(), BlobError> {
        let files: Vec<&Entry> = self
            .content
            .entries()
            .iter()
            .filter(|entry| matches!(entry.kind, EntryKind::File(_)))
            .collect();
        let threads = thread::available_parallelism()
            .map_or(1, usize::from)
            .min(files.len());
        let failure = Mutex::new(None);
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    if let Err(error) = self.write_some(&files) {
                        self.is_over.store(true, Ordering::Relaxed);
                        failure
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .get_or_insert(error);
                    }
                });
            }
        });
        failure
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
            .map_or(Ok(()), Err)
    }

    /// The work of one thread: the next file that no other has taken.
    fn write_some(&self, files: &[&Entry]) -> Result<(), BlobError> {
        let mut folder = self.folder.again()?;
        let mut decoder = Decoder::new()?;
        while !self.is_over.load(Ordering::Relaxed) {
            let Some(entry) = files.get(self.next.fetch_add(1, Ordering::Relaxed)) else {
                break;
            };
            if let EntryKind::File(content) = &entry.kind {
                self.write_file(&mut folder, entry, content, &mut decoder)?;
            }
        }
        Ok(())
    }

    fn write_file(
        &self,
        folder: &mut Folder,
        entry: &Entry,
        content: &FileContent,
        decoder: &mut Decoder,
    ) -> Result<(), BlobError> {
        let mut file = self.create(folder, &entry.path)?;
        let mut hasher = blake3::Hasher::new();
        for chunk in &content.chunks {
            let bytes = self.fetch(chunk, decoder)?;
            if content.chunks.len() > 1 {
                hasher.update(bytes);
            }
            file.write_all(bytes)
                .map_err(|error| self.write_fault(&entry.path, error))?;
            let done =
                self.done.fetch_add(bytes.len() as u64, Ordering::Relaxed) + bytes.len() as u64;
            (self.report)(UnpackProgress {
                done,
                total: self.total,
            });
        }
        let whole = match content.chunks.as_slice() {
            [only] => FileHash::from_bytes(*only.hash.as_bytes()),
            _ => FileHash::from_bytes(*hasher.finalize().as_bytes()),
        };
        if whole != content.hash {
            let reason = format!(
                "its chunks make {whole}, the manifest says {}",
                content.hash
            );
            return Err(BlobError::entry(entry.path.as_str().as_bytes(), reason));
        }
        file.set_permissions(Permissions::from_mode(entry.mode()))
            .map_err(|error| folder.fault("set the mode of", &entry.path, error))
    }

    /// A chunk's bytes, verified.
    fn fetch<'d>(&self, chunk: &ChunkRef, decoder: &'d mut Decoder) -> Result<&'d [u8], BlobError> {
        let hash = chunk.hash;
        let stored = self
            .blobs
            .get_unverified(hash)?
            .ok_or(BlobError::Missing { hash })?;
        match decoder.decode(&stored, chunk) {
            Ok(bytes) => Ok(bytes),
            Err(error) => {
                // A verified read puts a chunk aside that went bad where it is kept.
                self.blobs.get(hash)?;
                Err(error.into())
            }
        }
    }

    /// Creates the file under the name that it is written with.
    fn create(&self, folder: &mut Folder, path: &ContentPath) -> Result<File, BlobError> {
        let name = self.first_name(path);
        self.clear(folder, path, &name)?;
        folder.create_file(path, &name)
    }

    fn make_links(&self, folder: &mut Folder) -> Result<(), BlobError> {
        for entry in self.content.entries() {
            if let EntryKind::Symlink { target } = &entry.kind {
                let name = self.first_name(&entry.path);
                self.clear(folder, &entry.path, &name)?;
                let parent = folder.parent_of(&entry.path)?;
                rustix::fs::symlinkat(target.as_str(), parent, name.as_str())
                    .map_err(|error| folder.fault("make the link", &entry.path, error))?;
            }
        }
        Ok(())
    }

    fn move_into_place(&self, folder: &mut Folder) -> Result<(), BlobError> {
        for entry in self
            .content
            .entries()
            .iter()
            .filter(|entry| entry.kind != EntryKind::Directory)
        {
            let name = self.first_name(&entry.path);
            let parent = folder.parent_of(&entry.path)?;
            rustix::fs::renameat(parent, name.as_str(), parent, entry.path.file_name())
                .map_err(|error| folder.fault("move into place", &entry.path, error))?;
        }
        Ok(())
    }

    fn remove_waiting(&self, folder: &mut Folder) {
        for entry in self
            .content
            .entries()
            .iter()
            .filter(|entry| entry.kind != EntryKind::Directory)
        {
            if let Err(error) = self.clear(folder, &entry.path, &self.first_name(&entry.path)) {
                tracing::warn!(%error, "a file that did not get into its place is left behind");
            }
        }
    }

    /// Removes what an earlier, interrupted attempt left under a waiting name.
    fn clear(&self, folder: &mut Folder, path: &ContentPath, name: &str) -> Result<(), BlobError> {
        if self.place == Place::New {
            return Ok(());
        }
        let parent = folder.parent_of(path)?;
        match rustix::fs::unlinkat(parent, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(folder.fault("remove the remains of", path, error)),
        }
    }

    /// Where others look, a file waits under a name of its own until it is complete.
    fn first_name(&self, path: &ContentPath) -> String {
        match self.place {
            Place::New => path.file_name().to_owned(),
            Place::Shared => format!(
                ".escadre-{:.32}",
                FileHash::of(path.file_name().as_bytes()).to_string()
            ),
        }
    }

    fn flush(&self) -> Result<(), BlobError> {
        rustix::fs::syncfs(self.folder.top()).at("write out", self.folder.path())
    }

    fn write_fault(&self, path: &ContentPath, error: io::Error) -> BlobError {
        if error.kind() == io::ErrorKind::StorageFull
            && let Ok(room) = Room::at(self.folder.path())
            && let Err(refusal) = room.check(
                room.taken_by(self.content)
                    .max(escadre_model::ByteCount(room.free.0 + 1)),
            )
        {
            return refusal.into();
        }
        self.folder.fault("write", path, error)
    }
}

/// In a shared folder, only a file or a link may be replaced.
fn check_place(folder: &mut Folder, path: &ContentPath) -> Result<(), BlobError> {
    match folder.kind_of(path)? {
        None | Some(FileType::RegularFile | FileType::Symlink) => Ok(()),
        Some(_) => {
            let reason =
                "is something else than a file or a link on this host, and is not replaced";
            Err(BlobError::entry(path.as_str().as_bytes(), reason))
        }
    }
}
