//! The threads that name and compress chunks, and the one that hands them to the sink.

use std::{
    collections::HashSet,
    io::Read,
    path::Path,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{Receiver, Sender, SyncSender},
    },
};

use escadre_bundle::{
    Chunk, ChunkHash, ChunkRef, Chunker, ContentPath, Cut, Encoder, FileHash, StoredChunk, limits,
};

use super::{PackOptions, PackProgress, Sink};
use crate::{BlobError, error::At, folder::Folder};

/// Something to name and compress, for the file with that number.
pub(super) enum Job {
    /// A whole file of the folder that is packed.
    Whole { file: usize, path: ContentPath },
    /// Some chunks in order, cut already. `is_all` when the file has no others.
    Part {
        file: usize,
        order: usize,
        bytes: Vec<u8>,
        lengths: Vec<usize>,
        is_all: bool,
    },
}

/// What became of a job.
pub(super) struct Piece {
    pub(super) file: usize,
    pub(super) order: usize,
    pub(super) chunks: Vec<ChunkRef>,
    pub(super) whole: Option<FileHash>,
}

/// What all threads see.
pub(super) struct Shared<'a> {
    sink: &'a dyn Sink,
    options: &'a PackOptions,
    report: &'a (dyn Fn(PackProgress) + Sync),
    limit: u64,
    seen: Mutex<HashSet<ChunkHash>>,
    failure: Mutex<Option<BlobError>>,
    is_over: AtomicBool,
    done: AtomicU64,
    total: AtomicU64,
    content: AtomicU64,
    new_chunks: AtomicU64,
    new_bytes: AtomicU64,
}

impl<'a> Shared<'a> {
    pub(super) fn new(
        sink: &'a dyn Sink,
        options: &'a PackOptions,
        report: &'a (dyn Fn(PackProgress) + Sync),
        limit: u64,
    ) -> Self {
        Self {
            sink,
            options,
            report,
            limit,
            seen: Mutex::default(),
            failure: Mutex::default(),
            is_over: AtomicBool::new(false),
            done: AtomicU64::new(0),
            total: AtomicU64::new(0),
            content: AtomicU64::new(0),
            new_chunks: AtomicU64::new(0),
            new_bytes: AtomicU64::new(0),
        }
    }

    pub(super) fn options(&self) -> &PackOptions {
        self.options
    }

    /// Keeps the first failure, and makes all threads stop.
    pub(super) fn note(&self, outcome: Result<(), BlobError>) {
        if let Err(error) = outcome {
            self.is_over.store(true, Ordering::Relaxed);
            self.failure
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .get_or_insert(error);
        }
    }

    /// Makes all threads stop, and nothing be committed.
    pub(super) fn stop_unless(&self, all_is_well: bool) {
        if !all_is_well {
            self.is_over.store(true, Ordering::Relaxed);
        }
    }

    pub(super) fn failure(&self) -> Result<(), BlobError> {
        self.failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
            .map_or(Ok(()), Err)
    }

    /// Counts bytes of content before anything is done for them.
    pub(super) fn admit(&self, bytes: usize, source: &Path) -> Result<(), BlobError> {
        let before = self.content.fetch_add(bytes as u64, Ordering::Relaxed);
        if before.saturating_add(bytes as u64) > self.limit {
            return Err(BlobError::Bomb {
                path: source.to_owned(),
                limit: self.limit,
            });
        }
        Ok(())
    }

    pub(super) fn set_total(&self, total: u64) {
        self.total.store(total, Ordering::Relaxed);
    }

    /// Counts bytes of the source, and tells.
    pub(super) fn advance(&self, bytes: u64) {
        self.done.fetch_add(bytes, Ordering::Relaxed);
        (self.report)(self.progress());
    }

    pub(super) fn progress(&self) -> PackProgress {
        PackProgress {
            done: self.done.load(Ordering::Relaxed),
            total: self.total.load(Ordering::Relaxed),
            content: self.content.load(Ordering::Relaxed),
            new_chunks: self.new_chunks.load(Ordering::Relaxed),
            new_bytes: self.new_bytes.load(Ordering::Relaxed),
        }
    }
}

pub(super) struct Worker<'a> {
    shared: &'a Shared<'a>,
    root: Option<Folder>,
    namer: Namer<'a>,
    chunker: Chunker,
}

impl<'a> Worker<'a> {
    pub(super) fn new(
        shared: &'a Shared<'a>,
        root: Option<Folder>,
        chunks: SyncSender<StoredChunk>,
    ) -> Result<Self, BlobError> {
        let encoder = Encoder::with_level(shared.options.level)?;
        let chunker = Chunker::new(shared.options.cutting);
        Ok(Self {
            shared,
            root,
            namer: Namer {
                shared,
                encoder,
                chunks,
            },
            chunker,
        })
    }

    /// Works until the source has no more, or something failed.
    pub(super) fn run(
        mut self,
        jobs: &Mutex<Receiver<Job>>,
        pieces: &Sender<Piece>,
    ) -> Result<(), BlobError> {
        while !self.shared.is_over.load(Ordering::Relaxed) {
            let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(job) = job else { break };
            let piece = match job {
                Job::Whole { file, path } => self.whole(file, &path)?,
                Job::Part {
                    file,
                    order,
                    bytes,
                    lengths,
                    is_all,
                } => {
                    let chunks = self.namer.name_all(&bytes, &lengths)?;
                    let whole = is_all.then(|| hash_of_whole(&bytes, &chunks));
                    Piece {
                        file,
                        order,
                        chunks,
                        whole,
                    }
                }
            };
            pieces.send(piece).map_err(|_| BlobError::Thread {
                work: "collects pieces",
            })?;
        }
        Ok(())
    }

    fn whole(&mut self, file: usize, path: &ContentPath) -> Result<Piece, BlobError> {
        let root = self.root.as_mut().ok_or(BlobError::Thread {
            work: "holds the folder",
        })?;
        let shown = root.path().join(path.as_str());
        let mut source = root.open_file(path)?.take(limits::FILE + 1);
        let (mut chunks, mut hasher) = (Vec::new(), blake3::Hasher::new());
        self.chunker.reset();
        while let Some(Cut { bytes, is_last }) =
            self.chunker.next(&mut source).at("read", &shown)?
        {
            self.shared.admit(bytes.len(), &shown)?;
            let chunk = self.namer.name(bytes)?;
            self.shared.advance(chunk.length.into());
            if chunks.is_empty() && is_last {
                let whole = FileHash::from_bytes(*chunk.hash.as_bytes());
                return Ok(Piece {
                    file,
                    order: 0,
                    chunks: vec![chunk],
                    whole: Some(whole),
                });
            }
            hasher.update(bytes);
            chunks.push(chunk);
        }
        Ok(Piece {
            file,
            order: 0,
            chunks,
            whole: Some(FileHash::from_bytes(*hasher.finalize().as_bytes())),
        })
    }
}

/// The hash of bytes that were cut into these chunks.
fn hash_of_whole(bytes: &[u8], chunks: &[ChunkRef]) -> FileHash {
    match chunks {
        [only] => FileHash::from_bytes(*only.hash.as_bytes()),
        _ => FileHash::of(bytes),
    }
}

/// Names chunks, and sends on what is wanted and was not seen yet.
struct Namer<'a> {
    shared: &'a Shared<'a>,
    encoder: Encoder,
    chunks: SyncSender<StoredChunk>,
}

impl Namer<'_> {
    fn name_all(
        &mut self,
        mut bytes: &[u8],
        lengths: &[usize],
    ) -> Result<Vec<ChunkRef>, BlobError> {
        let mut chunks = Vec::with_capacity(lengths.len());
        for &length in lengths {
            let (chunk, rest) = bytes.split_at(length);
            chunks.push(self.name(chunk)?);
            bytes = rest;
        }
        Ok(chunks)
    }

    fn name(&mut self, bytes: &[u8]) -> Result<ChunkRef, BlobError> {
        let chunk = Chunk::new(bytes)?;
        let reference = chunk.reference();
        let is_new = self
            .shared
            .seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(reference.hash);
        if is_new && self.shared.sink.wants(reference.hash)? {
            let stored = self.encoder.encode(&chunk)?;
            self.chunks.send(stored).map_err(|_| BlobError::Thread {
                work: "writes chunks",
            })?;
        }
        Ok(reference)
    }
}

/// Hands chunks to the sink until nobody sends any more, and commits them when nobody failed.
pub(super) fn write(shared: &Shared<'_>, chunks: &Receiver<StoredChunk>) -> Result<(), BlobError> {
    let mut batch = shared.sink.begin()?;
    for chunk in chunks {
        batch.add(&chunk)?;
        shared.new_chunks.fetch_add(1, Ordering::Relaxed);
        shared
            .new_bytes
            .fetch_add(chunk.bytes().len() as u64, Ordering::Relaxed);
    }
    if shared.is_over.load(Ordering::Relaxed) {
        return Ok(());
    }
    batch.commit().map(drop)
}
