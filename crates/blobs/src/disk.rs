//! Chunks as files: `chunks/ab/abcd…`, written under another name first, moved when they are safely on the disk.
//!
//! ```text
//! ROOT/chunks/ab/HASH      the stored form
//! ROOT/incoming/N          being written; swept away when the place is opened
//! ROOT/quarantine/HASH     was not good when it was read
//! ```
//!
//! One process writes to a place at a time. Reading the time stamps of files is the only clock here, and only collection
//! looks at it: asking for a chunk or putting it again renews its stamp, so what a bundle in the making found here is kept.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

use escadre_bundle::{ChunkHash, Decoder, LONGEST_STORED, StoredChunk};
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT};

use crate::{Batch, BlobError, Blobs, error::At};

const CHUNKS: &str = "chunks";
const INCOMING: &str = "incoming";
const QUARANTINE: &str = "quarantine";

/// A folder of chunks.
#[derive(Debug)]
pub struct DiskBlobs {
    root: PathBuf,
    /// For `syncfs`.
    handle: File,
    next_name: AtomicU64,
    decoders: Decoders,
}

/// What a collection did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Collected {
    /// Chunks that stay.
    pub kept: u64,
    /// Chunks removed.
    pub removed: u64,
    /// Bytes that they took.
    pub freed: u64,
}

impl DiskBlobs {
    /// Opens a place, or makes it; what a crash left half-written is removed.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, BlobError> {
        let root = root.into();
        let chunks = root.join(CHUNKS);
        for folder in [&chunks, &root.join(QUARANTINE)] {
            fs::create_dir_all(folder).at("make the folder", folder)?;
        }
        for shard in 0..=255u8 {
            let folder = chunks.join(format!("{shard:02x}"));
            match fs::create_dir(&folder) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(error).at("make the folder", folder);
                }
                _ => {}
            }
        }
        let incoming = root.join(INCOMING);
        match fs::remove_dir_all(&incoming) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error).at("sweep", incoming);
            }
            _ => fs::create_dir(&incoming).at("make the folder", &incoming)?,
        }
        let handle = File::open(&root).at("open", &root)?;
        for folder in [&chunks, &root] {
            File::open(folder)
                .and_then(|folder| folder.sync_all())
                .at("write out", folder)?;
        }
        Ok(Self {
            root,
            handle,
            next_name: AtomicU64::new(0),
            decoders: Decoders::default(),
        })
    }

    /// Where it is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Removes chunks that `is_live` does not know and that nobody asked for since `before`.
    ///
    /// `before` leaves a grace to bundles in the making: their chunks are here, and no manifest names them yet.
    pub fn collect(
        &self,
        is_live: &dyn Fn(ChunkHash) -> bool,
        before: SystemTime,
    ) -> Result<Collected, BlobError> {
        let mut collected = Collected::default();
        let mut dead = Vec::new();
        self.list(&mut |hash, length| match is_live(hash) {
            true => collected.kept += 1,
            false => dead.push((hash, length)),
        })?;
        for (hash, length) in dead {
            if self.remove_older(hash, before)? {
                collected.removed += 1;
                collected.freed += length;
            } else {
                collected.kept += 1;
            }
        }
        tracing::info!(
            kept = collected.kept,
            removed = collected.removed,
            freed = collected.freed,
            "collected chunks"
        );
        Ok(collected)
    }

    /// Moves a chunk out of sight before it looks at its age: who asks for it from then on is told that it is missing, who
    /// asked before has renewed its age.
    fn remove_older(&self, hash: ChunkHash, before: SystemTime) -> Result<bool, BlobError> {
        let (path, aside) = (self.path(hash), self.incoming());
        match fs::rename(&path, &aside) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            done => done.at("move", &path)?,
        }
        let modified = fs::metadata(&aside)
            .and_then(|metadata| metadata.modified())
            .at("read the age of", &aside)?;
        if modified < before {
            fs::remove_file(&aside).at("remove", &aside)?;
            return Ok(true);
        }
        fs::rename(&aside, &path).at("move back", &path)?;
        Ok(false)
    }

    fn flush(&self) -> Result<(), BlobError> {
        rustix::fs::syncfs(&self.handle).at("write out", &self.root)
    }

    fn path(&self, hash: ChunkHash) -> PathBuf {
        let name = hash.to_string();
        let mut path = self.root.join(CHUNKS);
        path.push(&name[..2]);
        path.push(name);
        path
    }

    fn incoming(&self) -> PathBuf {
        self.root
            .join(INCOMING)
            .join(self.next_name.fetch_add(1, Ordering::Relaxed).to_string())
    }

    /// True when it is there; its age is renewed.
    fn renew(&self, path: &Path) -> Result<bool, BlobError> {
        let omit = Timespec {
            tv_sec: 0,
            tv_nsec: UTIME_OMIT,
        };
        let now = Timespec {
            tv_sec: 0,
            tv_nsec: UTIME_NOW,
        };
        let stamps = Timestamps {
            last_access: omit,
            last_modification: now,
        };
        match rustix::fs::utimensat(CWD, path, &stamps, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(()) => Ok(true),
            Err(rustix::io::Errno::NOENT) => Ok(false),
            // A place on a read-only file system can still be read from; nothing is collected there.
            Err(rustix::io::Errno::ROFS) => path.try_exists().at("look for", path),
            Err(error) => Err(error).at("renew the age of", path),
        }
    }

    fn write_incoming(&self, chunk: &StoredChunk) -> Result<(File, PathBuf), BlobError> {
        let path = self.incoming();
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)
            .at("create", &path)?;
        match file.write_all(chunk.bytes()) {
            Ok(()) => Ok((file, path)),
            Err(error) => {
                // Best effort: a full disk is the usual reason, and opening the place sweeps it again.
                let _ = fs::remove_file(&path);
                Err(error).at("write", path)
            }
        }
    }

    fn read(&self, hash: ChunkHash) -> Result<Option<Vec<u8>>, BlobError> {
        let path = self.path(hash);
        let file = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened.at("open", &path)?,
        };
        let length = file
            .metadata()
            .at("read the size of", &path)?
            .len()
            .min(LONGEST_STORED as u64 + 1);
        let mut bytes = Vec::with_capacity(length as usize);
        file.take(LONGEST_STORED as u64 + 1)
            .read_to_end(&mut bytes)
            .at("read", &path)?;
        Ok(Some(bytes))
    }

    fn quarantine(&self, hash: ChunkHash, reason: &str) -> Result<(), BlobError> {
        tracing::warn!(chunk = %hash, reason, "a chunk is not good any more and is put aside");
        let (path, aside) = (
            self.path(hash),
            self.root.join(QUARANTINE).join(hash.to_string()),
        );
        match fs::rename(&path, aside) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            done => done.at("put aside", path),
        }
    }
}

impl Blobs for DiskBlobs {
    fn put(&self, chunk: &StoredChunk) -> Result<bool, BlobError> {
        let path = self.path(chunk.hash());
        if self.renew(&path)? {
            return Ok(false);
        }
        let (file, incoming) = self.write_incoming(chunk)?;
        file.sync_data().at("write out", &incoming)?;
        fs::rename(&incoming, &path).at("move into place", &path)?;
        let shard = path.parent().unwrap_or(&self.root);
        File::open(shard)
            .and_then(|folder| folder.sync_all())
            .at("write out", shard)?;
        Ok(true)
    }

    fn batch(&self) -> Result<Box<dyn Batch + '_>, BlobError> {
        Ok(Box::new(DiskBatch {
            place: self,
            waiting: Vec::new(),
        }))
    }

    fn get(&self, hash: ChunkHash) -> Result<Option<StoredChunk>, BlobError> {
        let Some(bytes) = self.read(hash)? else {
            return Ok(None);
        };
        match self.decoders.with(|decoder| decoder.verify(hash, bytes))? {
            Ok(chunk) => Ok(Some(chunk)),
            Err(error) => self.quarantine(hash, &error.to_string()).map(|()| None),
        }
    }

    fn get_unverified(&self, hash: ChunkHash) -> Result<Option<Vec<u8>>, BlobError> {
        self.read(hash)
    }

    fn has(&self, hash: ChunkHash) -> Result<bool, BlobError> {
        self.renew(&self.path(hash))
    }

    fn len(&self, hash: ChunkHash) -> Result<Option<u64>, BlobError> {
        let path = self.path(hash);
        match fs::metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            metadata => metadata
                .at("read the size of", &path)
                .map(|metadata| Some(metadata.len())),
        }
    }

    fn delete(&self, hash: ChunkHash) -> Result<bool, BlobError> {
        let path = self.path(hash);
        match fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            done => done.at("remove", &path).map(|()| true),
        }
    }

    fn list(&self, each: &mut dyn FnMut(ChunkHash, u64)) -> Result<(), BlobError> {
        let chunks = self.root.join(CHUNKS);
        for shard in fs::read_dir(&chunks).at("list", &chunks)? {
            let shard = shard.at("list", &chunks)?.path();
            for file in fs::read_dir(&shard).at("list", &shard)? {
                let file = file.at("list", &shard)?;
                let Some(hash) = file.file_name().to_str().and_then(|name| name.parse().ok())
                else {
                    continue;
                };
                match file.metadata() {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    metadata => each(hash, metadata.at("read the size of", file.path())?.len()),
                }
            }
        }
        Ok(())
    }
}

/// Files that wait under other names. Two flushes of the file system serve all of them, instead of two for each.
struct DiskBatch<'a> {
    place: &'a DiskBlobs,
    waiting: Vec<(PathBuf, PathBuf)>,
}

impl Batch for DiskBatch<'_> {
    fn add(&mut self, chunk: &StoredChunk) -> Result<(), BlobError> {
        let path = self.place.path(chunk.hash());
        if !self.place.renew(&path)? {
            let (_, incoming) = self.place.write_incoming(chunk)?;
            self.waiting.push((incoming, path));
        }
        Ok(())
    }

    fn commit(mut self: Box<Self>) -> Result<u64, BlobError> {
        if self.waiting.is_empty() {
            return Ok(0);
        }
        self.place.flush()?;
        let mut fresh = 0;
        for (incoming, path) in self.waiting.drain(..) {
            // The same chunk may be twice in the batch, or have come by another way.
            fresh += u64::from(!path.try_exists().at("look for", &path)?);
            fs::rename(incoming, &path).at("move into place", &path)?;
        }
        self.place.flush().map(|()| fresh)
    }
}

impl Drop for DiskBatch<'_> {
    fn drop(&mut self) {
        for (incoming, _) in self.waiting.drain(..) {
            if let Err(error) = fs::remove_file(&incoming) {
                tracing::warn!(file = %incoming.display(), %error, "a chunk that was not committed is left behind");
            }
        }
    }
}

/// Decoders that wait for the next reader: each holds a megabyte that is better not taken anew for every chunk.
#[derive(Default)]
struct Decoders(Mutex<Vec<Decoder>>);

impl Decoders {
    fn with<T>(&self, work: impl FnOnce(&mut Decoder) -> T) -> Result<T, BlobError> {
        let waiting = self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .pop();
        let mut decoder = waiting.map_or_else(Decoder::new, Ok)?;
        let done = work(&mut decoder);
        let mut waiting = self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if waiting.len() < 4 {
            waiting.push(decoder);
        }
        Ok(done)
    }
}

impl std::fmt::Debug for Decoders {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Decoders")
    }
}

#[cfg(test)]
mod tests;
