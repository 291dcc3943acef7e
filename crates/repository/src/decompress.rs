//! Files unfolded in threads of their own, within bounds, and checked while they pass.
//!
//! The reader that comes out fails at the end if the checksum was wrong: whoever reads to the end has read the right bytes.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, sync_channel},
    },
    thread,
};

use escadre_catalog::catalog::Checksum;
use sha2::{Digest, Sha256, Sha512};

/// Pieces that a decompressor may be ahead of its reader.
const AHEAD: usize = 4;
/// Size of a piece.
const PIECE: usize = 256 << 10;
/// Below this size no ratio is suspicious.
const SMALL: u64 = 64 << 20;
/// What an xz stream may ask for, which is four times what its strongest preset needs.
const XZ_MEMORY: u64 = 256 << 20;

/// How far a file may unfold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes in all.
    pub bytes: u64,
    /// Bytes out for each byte in; text does not reach 30.
    pub ratio: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 4 << 30,
            ratio: 200,
        }
    }
}

/// What a file must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Check {
    pub(crate) size: Option<u64>,
    pub(crate) checksum: Checksum,
    /// Of the file as it lies there, or of what it unfolds to.
    pub(crate) unfolded: bool,
}

/// A running SHA-2.
pub(crate) enum Hasher {
    Sha256(Sha256),
    Sha512(Sha512),
}

impl Hasher {
    pub(crate) fn like(checksum: Checksum) -> Self {
        match checksum {
            Checksum::Sha256(_) => Self::Sha256(Sha256::new()),
            Checksum::Sha512(_) => Self::Sha512(Sha512::new()),
        }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::Sha512(hasher) => hasher.update(bytes),
        }
    }

    pub(crate) fn is(self, checksum: Checksum) -> bool {
        match (self, checksum) {
            (Self::Sha256(hasher), Checksum::Sha256(sum)) => hasher.finalize().as_slice() == sum,
            (Self::Sha512(hasher), Checksum::Sha512(sum)) => hasher.finalize().as_slice() == sum,
            _ => false,
        }
    }
}

/// What went wrong inside a stream, carried through `io::Error`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum StreamFault {
    #[error("unfolds beyond {0}")]
    Bomb(String),
    #[error("{0}")]
    Checksum(String),
}

fn fault(fault: StreamFault) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, fault)
}

/// Opens a file, whatever its compression (told by its first bytes), and unfolds it in a thread.
pub(crate) fn open(path: &Path, check: Option<Check>, limits: Limits) -> io::Result<Stream> {
    let file = File::open(path)?;
    let (sender, receiver) = sync_channel::<io::Result<Vec<u8>>>(AHEAD);
    thread::Builder::new()
        .name("decompress".to_owned())
        .spawn(move || {
            let mut source = match Unfolding::new(file, check, limits) {
                Ok(source) => source,
                Err(error) => {
                    // A reader that is gone wants no error.
                    drop(sender.send(Err(error)));
                    return;
                }
            };
            loop {
                let piece = source.next_piece();
                let last = !matches!(&piece, Ok(piece) if !piece.is_empty());
                if sender.send(piece).is_err() || last {
                    return;
                }
            }
        })?;
    Ok(Stream {
        receiver,
        piece: Vec::new(),
        at: 0,
        ended: false,
    })
}

/// Reads a file whole, unfolded, within a bound.
pub(crate) fn read_whole(path: &Path, check: Option<Check>, limit: u64) -> io::Result<Vec<u8>> {
    let mut source = Unfolding::new(
        File::open(path)?,
        check,
        Limits {
            bytes: limit,
            ..Limits::default()
        },
    )?;
    let mut whole = Vec::new();
    loop {
        let piece = source.next_piece()?;
        if piece.is_empty() {
            return Ok(whole);
        }
        whole.extend_from_slice(&piece);
    }
}

/// Bytes as they come out of a decompressing thread.
pub(crate) struct Stream {
    receiver: Receiver<io::Result<Vec<u8>>>,
    piece: Vec<u8>,
    at: usize,
    ended: bool,
}

impl BufRead for Stream {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at >= self.piece.len() && !self.ended {
            self.at = 0;
            self.piece = match self.receiver.recv() {
                Ok(piece) => piece?,
                Err(_) => return Err(io::Error::other("the decompressor ended early")),
            };
            self.ended = self.piece.is_empty();
        }
        Ok(self.piece.get(self.at..).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        self.at += amount;
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut available = self.fill_buf()?;
        let count = available.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

/// A file that counts and hashes what is read of it.
struct Counted {
    file: File,
    count: Arc<AtomicU64>,
    hasher: Option<(Hasher, std::sync::mpsc::Sender<Hasher>)>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.count.fetch_add(count as u64, Ordering::Relaxed);
        if let Some((hasher, _)) = &mut self.hasher {
            hasher.update(&buffer[..count]);
        }
        Ok(count)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        // What the decompressor left unread belongs to the file all the same.
        let mut rest = vec![0; 64 << 10];
        while self.hasher.is_some() && matches!(self.read(&mut rest), Ok(count) if count > 0) {}
        if let Some((hasher, back)) = self.hasher.take() {
            drop(back.send(hasher));
        }
    }
}

struct Unfolding {
    reader: Option<Box<dyn Read>>,
    count: Arc<AtomicU64>,
    out: u64,
    limits: Limits,
    check: Option<Check>,
    unfolded: Option<Hasher>,
    raw: Option<Receiver<Hasher>>,
}

impl Unfolding {
    fn new(file: File, check: Option<Check>, limits: Limits) -> io::Result<Self> {
        let count = Arc::new(AtomicU64::new(0));
        let mut unfolded = None;
        let mut raw = None;
        let mut hasher = None;
        if let Some(check) = check {
            if check.unfolded {
                unfolded = Some(Hasher::like(check.checksum));
            } else {
                let (sender, receiver) = std::sync::mpsc::channel();
                raw = Some(receiver);
                hasher = Some((Hasher::like(check.checksum), sender));
            }
        }
        let counted = Counted {
            file,
            count: Arc::clone(&count),
            hasher,
        };
        let mut input = BufReader::with_capacity(PIECE, counted);
        let reader: Box<dyn Read> = match input.fill_buf()? {
            [0x1F, 0x8B, ..] => Box::new(flate2::bufread::MultiGzDecoder::new(input)),
            [0xFD, b'7', b'z', b'X', b'Z', 0, ..] => {
                let flags = liblzma::stream::CONCATENATED;
                let stream = liblzma::stream::Stream::new_stream_decoder(XZ_MEMORY, flags)
                    .map_err(io::Error::other)?;
                Box::new(liblzma::bufread::XzDecoder::new_stream(input, stream))
            }
            [0x28, 0xB5, 0x2F, 0xFD, ..] => {
                Box::new(zstd::stream::read::Decoder::with_buffer(input)?)
            }
            [0x04, 0x22, 0x4D, 0x18, ..] => Box::new(lz4_flex::frame::FrameDecoder::new(input)),
            _ => Box::new(input),
        };
        Ok(Self {
            reader: Some(reader),
            count,
            out: 0,
            limits,
            check,
            unfolded,
            raw,
        })
    }

    /// The next bytes; none at the end, once the checks are passed.
    fn next_piece(&mut self) -> io::Result<Vec<u8>> {
        let mut piece = Vec::with_capacity(PIECE);
        if let Some(reader) = &mut self.reader {
            reader.by_ref().take(PIECE as u64).read_to_end(&mut piece)?;
        }
        self.out += piece.len() as u64;
        if self.out > self.limits.bytes {
            return Err(fault(StreamFault::Bomb(format!(
                "{} bytes",
                self.limits.bytes
            ))));
        }
        let taken = self.count.load(Ordering::Relaxed);
        if self.out > SMALL && self.out / self.limits.ratio.max(1) > taken {
            return Err(fault(StreamFault::Bomb(format!(
                "{} times its size",
                self.limits.ratio
            ))));
        }
        if let Some(hasher) = &mut self.unfolded {
            hasher.update(&piece);
        }
        if piece.is_empty() {
            self.finish()?;
        }
        Ok(piece)
    }

    fn finish(&mut self) -> io::Result<()> {
        self.reader = None;
        let Some(check) = self.check.take() else {
            return Ok(());
        };
        let size = if check.unfolded {
            self.out
        } else {
            self.count.load(Ordering::Relaxed)
        };
        if let Some(expected) = check.size.filter(|&expected| expected != size) {
            return Err(fault(StreamFault::Checksum(format!(
                "{size} bytes instead of {expected}"
            ))));
        }
        let hasher = match self.unfolded.take() {
            Some(hasher) => Some(hasher),
            None => self.raw.take().and_then(|raw| raw.recv().ok()),
        };
        if hasher.is_some_and(|hasher| hasher.is(check.checksum)) {
            Ok(())
        } else {
            Err(fault(StreamFault::Checksum(format!(
                "its checksum is not {}",
                check.checksum
            ))))
        }
    }
}
