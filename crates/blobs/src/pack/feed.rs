//! What a source tells of its entries: checked at once, so that a hostile one is refused before work is done for it.

use std::{
    collections::HashMap,
    io::Read,
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, SyncSender},
};

use escadre_bundle::{
    BundleError, ChunkRef, Chunker, Content, ContentPath, Cut, Entry, EntryKind, FileContent,
    FileHash, LinkTarget, limits,
};

use super::work::{Job, Piece, Shared};
use crate::{BlobError, error::At};

/// Chunks that travel together to a worker have at least so many bytes.
const PART: usize = 2 << 20;

/// Collects entries and sends work.
pub(super) struct Feed<'a> {
    shared: &'a Shared<'a>,
    jobs: SyncSender<Job>,
    source: PathBuf,
    chunker: Chunker,
    entries: Vec<(ContentPath, Draft)>,
    /// The entry that has a fold, so that what would collide is refused at once.
    folds: HashMap<String, usize>,
}

/// An entry whose chunks are being named.
enum Draft {
    Directory,
    Symlink(LinkTarget),
    /// `whole` is set where the reading thread had to hash the whole.
    File {
        executable: bool,
        whole: Option<FileHash>,
    },
    /// A hard link: the same bytes as that earlier entry.
    Same(usize),
}

impl<'a> Feed<'a> {
    pub(super) fn new(shared: &'a Shared<'a>, jobs: SyncSender<Job>, source: &Path) -> Self {
        let chunker = Chunker::new(shared.options().cutting);
        Self {
            shared,
            jobs,
            source: source.to_owned(),
            chunker,
            entries: Vec::new(),
            folds: HashMap::new(),
        }
    }

    pub(super) fn source(&self) -> &Path {
        &self.source
    }

    pub(super) fn shared(&self) -> &'a Shared<'a> {
        self.shared
    }

    pub(super) fn directory(&mut self, path: ContentPath) -> Result<(), BlobError> {
        // Archives name a folder again when they were appended to; it is still one folder.
        if let Some((known, Draft::Directory)) = self
            .folds
            .get(&path.fold())
            .and_then(|&at| self.entries.get(at))
            && *known == path
        {
            return Ok(());
        }
        self.add(path, Draft::Directory).map(drop)
    }

    pub(super) fn symlink(&mut self, path: ContentPath, target: &[u8]) -> Result<(), BlobError> {
        let text = std::str::from_utf8(target).map_err(|_| {
            BlobError::entry(
                path.as_str().as_bytes(),
                "is a link whose target is not UTF-8",
            )
        })?;
        let inward = |error: BundleError| {
            let reason =
                format!("is a link to `{text}`, which is not inside of the bundle ({error})");
            BlobError::entry(path.as_str().as_bytes(), reason)
        };
        let target = LinkTarget::new(text).map_err(inward)?;
        target.resolve(&path).map_err(inward)?;
        self.add(path, Draft::Symlink(target)).map(drop)
    }

    /// The bytes of an earlier file under another name.
    pub(super) fn hard_link(
        &mut self,
        path: ContentPath,
        first: &ContentPath,
    ) -> Result<(), BlobError> {
        let at = self.folds.get(&first.fold()).copied();
        match at.and_then(|at| Some((at, self.entries.get(at)?))) {
            Some((at, (known, Draft::File { .. }))) if known == first => {
                self.add(path, Draft::Same(at)).map(drop)
            }
            Some((_, (known, Draft::Same(at)))) if known == first => {
                let at = *at;
                self.add(path, Draft::Same(at)).map(drop)
            }
            _ => {
                let reason =
                    format!("is a hard link to `{first}`, which is no earlier file of the archive");
                Err(BlobError::entry(path.as_str().as_bytes(), reason))
            }
        }
    }

    /// A file of the folder that is packed, for a worker to read.
    pub(super) fn whole(&mut self, path: ContentPath, executable: bool) -> Result<(), BlobError> {
        let file = self.add(
            path.clone(),
            Draft::File {
                executable,
                whole: None,
            },
        )?;
        self.send(Job::Whole { file, path })
    }

    /// A file that is read and cut here; returns its size.
    pub(super) fn stream(
        &mut self,
        path: ContentPath,
        executable: bool,
        bytes: impl Read,
    ) -> Result<u64, BlobError> {
        let shown = self.source.join(path.as_str());
        let file = self.add(
            path,
            Draft::File {
                executable,
                whole: None,
            },
        )?;
        let mut bytes = bytes.take(limits::FILE + 1);
        let mut part = Part::default();
        let (mut order, mut hasher) = (0, blake3::Hasher::new());
        self.chunker.reset();
        while let Some(Cut { bytes: chunk, .. }) =
            self.chunker.next(&mut bytes).at("read", &shown)?
        {
            self.shared.admit(chunk.len(), &self.source)?;
            part.bytes.extend_from_slice(chunk);
            part.lengths.push(chunk.len());
            if part.bytes.len() >= PART {
                hasher.update(&part.bytes);
                let job = std::mem::take(&mut part).job(file, order, false);
                self.jobs.send(job).map_err(|_| BlobError::Thread {
                    work: "names chunks",
                })?;
                order += 1;
            }
        }
        if order > 0 {
            hasher.update(&part.bytes);
            let hash = FileHash::from_bytes(*hasher.finalize().as_bytes());
            if let Some((_, Draft::File { whole, .. })) = self.entries.get_mut(file) {
                *whole = Some(hash);
            }
        }
        if !part.lengths.is_empty() {
            self.send(part.job(file, order, order == 0))?;
        }
        Ok(limits::FILE + 1 - bytes.limit())
    }

    fn send(&self, job: Job) -> Result<(), BlobError> {
        self.jobs.send(job).map_err(|_| BlobError::Thread {
            work: "names chunks",
        })
    }

    fn add(&mut self, path: ContentPath, draft: Draft) -> Result<usize, BlobError> {
        let at = self.entries.len();
        if at >= limits::ENTRIES {
            let (found, limit) = (at as u64 + 1, limits::ENTRIES as u64);
            return Err(BundleError::TooLarge {
                what: "the number of entries".to_owned(),
                found,
                limit,
            }
            .into());
        }
        let first = self
            .folds
            .insert(path.fold(), at)
            .and_then(|first| self.entries.get(first));
        match first {
            None => {
                self.entries.push((path, draft));
                Ok(at)
            }
            Some((first, _)) if *first == path => {
                Err(BlobError::entry(path.as_str().as_bytes(), "is there twice"))
            }
            Some((first, _)) => {
                let (first, second) = (first.to_string(), path.to_string());
                Err(BundleError::Collision { first, second }.into())
            }
        }
    }

    /// Checks the tree as a whole while nothing is committed yet; then lets the workers end.
    pub(super) fn finish(self) -> Result<Fed, BlobError> {
        let fed = Fed {
            entries: self.entries,
        };
        let outcome = fed.join(&HashMap::new());
        self.shared.stop_unless(outcome.is_ok());
        outcome.map(|_| fed)
    }
}

#[derive(Default)]
struct Part {
    bytes: Vec<u8>,
    lengths: Vec<usize>,
}

impl Part {
    fn job(self, file: usize, order: usize, is_all: bool) -> Job {
        Job::Part {
            file,
            order,
            bytes: self.bytes,
            lengths: self.lengths,
            is_all,
        }
    }
}

/// What the pieces of a file make together, by its number.
type Files = HashMap<usize, (Vec<ChunkRef>, Option<FileHash>)>;

/// All that a source had.
pub(super) struct Fed {
    entries: Vec<(ContentPath, Draft)>,
}

impl Fed {
    /// Joins entries and the pieces of their files.
    pub(super) fn content(self, pieces: Receiver<Piece>) -> Result<Content, BlobError> {
        let mut pieces: Vec<Piece> = pieces.into_iter().collect();
        pieces.sort_by_key(|piece| (piece.file, piece.order));
        let mut files: Files = HashMap::new();
        for piece in pieces {
            let (chunks, whole) = files.entry(piece.file).or_default();
            chunks.extend(piece.chunks);
            *whole = whole.or(piece.whole);
        }
        self.join(&files)
    }

    fn join(
        &self,
        files: &HashMap<usize, (Vec<ChunkRef>, Option<FileHash>)>,
    ) -> Result<Content, BlobError> {
        let file_of = |at: usize, draft: &Draft| match draft {
            Draft::File { executable, whole } => {
                let (chunks, hash) = files.get(&at).cloned().unwrap_or_default();
                let size = chunks.iter().map(|chunk| u64::from(chunk.length)).sum();
                let hash = whole.or(hash).unwrap_or_else(|| FileHash::of(b""));
                EntryKind::File(FileContent {
                    executable: *executable,
                    size,
                    hash,
                    chunks,
                })
            }
            Draft::Symlink(target) => EntryKind::Symlink {
                target: target.clone(),
            },
            Draft::Directory | Draft::Same(_) => EntryKind::Directory,
        };
        let mut entries = Vec::with_capacity(self.entries.len());
        for (at, (path, draft)) in self.entries.iter().enumerate() {
            let (at, draft) = match draft {
                Draft::Same(first) => (
                    *first,
                    self.entries.get(*first).map_or(draft, |(_, draft)| draft),
                ),
                draft => (at, draft),
            };
            entries.push(Entry {
                path: path.clone(),
                kind: file_of(at, draft),
            });
        }
        Ok(Content::new(entries)?)
    }
}
