//! A folder or an archive becomes content and chunks.
//!
//! ```text
//! source ──jobs──► workers: cut, name, compress what is not there yet ──► writer ──► sink
//! ```
//!
//! One thread walks the source. Small files of a folder are left to the workers whole; a long file or an archive is cut by the
//! thread that reads it, and its chunks are named and compressed by the workers. Channels are bounded, so memory is too.
//!
//! Archives are not trusted: their paths obey [`escadre_bundle::ContentPath`], nothing but folders, files and inward links is taken
//! from them, and what they unpack to is bounded by their own size.

mod feed;
mod sink;
mod tarball;
mod tree;
mod work;
mod zipfile;

use std::{
    fs::File,
    io::{self, Read, Seek},
    num::NonZero,
    path::Path,
    sync::{
        Arc, Mutex,
        mpsc::{channel, sync_channel},
    },
    thread,
};

use escadre_bundle::{Content, Cutting, Encoder, limits};
use escadre_model::ByteCount;

pub use sink::{EachChunk, Groups, Sink};

use crate::{BlobError, error::At};
use feed::Feed;
use work::{Shared, Worker};

/// How to pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackOptions {
    /// Threads that name and compress; none: one for each processor.
    pub threads: Option<NonZero<usize>>,
    /// More bytes than this are refused.
    pub limit: ByteCount,
    /// An archive may unpack to so many times its size (and to [`PackOptions::SMALL`] in any case).
    pub ratio: u64,
    /// How content is cut.
    pub cutting: Cutting,
    /// How much is spent on compression.
    pub level: i32,
}

impl PackOptions {
    /// What any archive may unpack to.
    pub const SMALL: ByteCount = ByteCount(64 << 20);
}

impl Default for PackOptions {
    fn default() -> Self {
        Self {
            threads: None,
            limit: ByteCount(limits::FILE),
            ratio: 256,
            cutting: Cutting::STANDARD,
            level: Encoder::LEVEL,
        }
    }
}

/// How far it is. `done` of `total` are bytes of the source: of the files of a folder, of the file of an archive.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct PackProgress {
    /// Bytes of the source that were read.
    pub done: u64,
    /// Bytes of the source.
    pub total: u64,
    /// Bytes of content, uncompressed.
    pub content: u64,
    /// Chunks that were not there.
    pub new_chunks: u64,
    /// Bytes of their stored form.
    pub new_bytes: u64,
}

/// The outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    /// The entries, for a manifest.
    pub content: Content,
    /// The last progress.
    pub progress: PackProgress,
}

/// Packs a folder, a zip file or a tar archive (plain, gzip or zstd) into a sink; the kind is seen from the bytes.
///
/// `progress` is called often, from several threads.
pub fn pack(
    source: &Path,
    sink: &dyn Sink,
    options: &PackOptions,
    progress: &(dyn Fn(PackProgress) + Sync),
) -> Result<Packed, BlobError> {
    let opened = Opened::new(source, options)?;
    let shared = Shared::new(sink, options, progress, opened.limit(options));
    let threads = options
        .threads
        .or_else(|| thread::available_parallelism().ok())
        .map_or(1, NonZero::get);
    let (pieces_in, pieces) = channel();
    let feed = thread::scope(|scope| {
        let (jobs_in, jobs) = sync_channel(threads * 4);
        let (chunks_in, chunks) = sync_channel(64);
        let jobs = Arc::new(Mutex::new(jobs));
        let (shared, root) = (&shared, opened.folder());
        for _ in 0..threads {
            let (jobs, chunks, pieces) = (Arc::clone(&jobs), chunks_in.clone(), pieces_in.clone());
            let root = root.map(crate::folder::Folder::again).transpose()?;
            scope.spawn(move || {
                shared.note(Worker::new(shared, root, chunks).and_then(|w| w.run(&jobs, &pieces)))
            });
        }
        drop((jobs, chunks_in, pieces_in));
        // The channel is closed after the failure is noted, or its end would pass for the cause.
        scope.spawn(move || shared.note(work::write(shared, &chunks)));
        let mut feed = Feed::new(shared, jobs_in, source);
        let read = opened.read(&mut feed);
        shared.stop_unless(read.is_ok());
        read.and_then(|()| feed.finish())
    });
    // What a worker met is the cause; the source then only found that nobody listens any more.
    shared.failure()?;
    let content = feed?.content(pieces)?;
    Ok(Packed {
        content,
        progress: shared.progress(),
    })
}

enum Opened {
    Folder(tree::Tree),
    Zip(File, u64),
    Tar(File, u64, tarball::Coding),
}

impl Opened {
    fn new(source: &Path, options: &PackOptions) -> Result<Self, BlobError> {
        let metadata = std::fs::metadata(source).at("look at", source)?;
        if metadata.is_dir() {
            return tree::Tree::open(source).map(Self::Folder);
        }
        if !metadata.is_file() {
            return Err(BlobError::Archive {
                path: source.to_owned(),
                detail: "it is neither a folder nor a file".to_owned(),
            });
        }
        if metadata.len() > options.limit.0 {
            return Err(BlobError::Bomb {
                path: source.to_owned(),
                limit: options.limit.0,
            });
        }
        let mut file = File::open(source).at("open", source)?;
        let mut head = Vec::new();
        (&mut file)
            .take(512)
            .read_to_end(&mut head)
            .at("read", source)?;
        file.rewind().at("read", source)?;
        recognise(&head, file, metadata.len()).map_err(|detail| BlobError::Archive {
            path: source.to_owned(),
            detail: detail.to_owned(),
        })
    }

    fn folder(&self) -> Option<&crate::folder::Folder> {
        match self {
            Self::Folder(tree) => Some(tree.folder()),
            _ => None,
        }
    }

    /// The most bytes of content that it may have.
    fn limit(&self, options: &PackOptions) -> u64 {
        match self {
            Self::Folder(_) => options.limit.0,
            Self::Zip(_, length) | Self::Tar(_, length, _) => length
                .saturating_mul(options.ratio)
                .max(PackOptions::SMALL.0)
                .min(options.limit.0),
        }
    }

    fn read(self, feed: &mut Feed<'_>) -> Result<(), BlobError> {
        match self {
            Self::Folder(tree) => tree.read(feed),
            Self::Zip(file, _) => zipfile::read(file, feed),
            Self::Tar(file, length, coding) => tarball::read(file, length, coding, feed),
        }
    }
}

fn recognise(head: &[u8], file: File, length: u64) -> Result<Opened, &'static str> {
    match head {
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Ok(Opened::Zip(file, length)),
        [0x1f, 0x8b, ..] => Ok(Opened::Tar(file, length, tarball::Coding::Gzip)),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Ok(Opened::Tar(file, length, tarball::Coding::Zstd)),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => {
            Err("xz is not read here; use .tar.zst, .tar.gz, .zip or the folder itself")
        }
        [b'B', b'Z', b'h', ..] => {
            Err("bzip2 is not read here; use .tar.zst, .tar.gz, .zip or the folder itself")
        }
        _ if tarball::is_tar(head) => Ok(Opened::Tar(file, length, tarball::Coding::Plain)),
        [] => Err("it is empty"),
        _ => Err("its first bytes are those of no zip, tar, tar.gz or tar.zst"),
    }
}

/// True for errors that say that the bytes are wrong, rather than that they cannot be read.
fn is_about_bytes(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::InvalidData
            | io::ErrorKind::UnexpectedEof
            | io::ErrorKind::InvalidInput
            | io::ErrorKind::Other
    )
}
