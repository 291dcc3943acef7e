//! Measures packing against the tools that people use today, in one run, as ratios of medians.
//!
//! ```text
//! cargo run --release -p escadre-blobs --example pack_bench -- [--megabytes 1000] [--rounds 3] [--folder DIR]
//! ```
//!
//! - pack (chunks, BLAKE3, zstd, safely on the disk) against `tar c | zstd -3 -T0`, with and without `sync` after it;
//! - chunk and hash alone against `sha256sum`;
//! - the averages of chunks from 64 to 256 KiB: stored bytes, and what a small change costs.

use std::{
    collections::BTreeMap,
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use escadre_blobs::{
    Batch, BlobError, DiskBlobs, EachChunk, PackOptions, Packed, Sink, pack, unpack,
};
use escadre_bundle::{ChunkHash, Cutting, StoredChunk};

type Outcome<T> = Result<T, Box<dyn Error>>;

type Ignore = fn(&StoredChunk) -> Result<(), BlobError>;

/// Wants no chunk: what is left of packing is reading, cutting and hashing.
struct NamesOnly(EachChunk<Ignore>);

impl Sink for NamesOnly {
    fn wants(&self, _: ChunkHash) -> Result<bool, BlobError> {
        Ok(false)
    }

    fn begin(&self) -> Result<Box<dyn Batch + '_>, BlobError> {
        self.0.begin()
    }
}

struct Arguments {
    megabytes: usize,
    rounds: usize,
    folder: PathBuf,
}

fn main() -> Outcome<()> {
    let arguments = arguments()?;
    let place = tempfile::tempdir_in(&arguments.folder)?;
    let input = place.path().join("in");
    fill(&input, arguments.megabytes << 20)?;
    say(&format!(
        "{} MB in {} files, {} rounds",
        arguments.megabytes,
        files(&input)?.len(),
        arguments.rounds
    ));
    compare(&input, place.path(), arguments.rounds)?;
    averages(&input)
}

fn arguments() -> Outcome<Arguments> {
    let mut arguments = Arguments {
        megabytes: 1000,
        rounds: 3,
        folder: std::env::temp_dir(),
    };
    let mut given = std::env::args().skip(1);
    while let Some(name) = given.next() {
        let value = given.next().ok_or(format!("{name} wants a value"))?;
        match name.as_str() {
            "--megabytes" => arguments.megabytes = value.parse()?,
            "--rounds" => arguments.rounds = value.parse()?,
            "--folder" => arguments.folder = value.into(),
            other => return Err(format!("{other} is not known").into()),
        }
    }
    Ok(arguments)
}

#[expect(clippy::print_stdout, reason = "a benchmark shows its table")]
fn say(line: &str) {
    println!("{line}");
}

/// All that is compared, turn by turn, so that what else the machine does falls on all alike.
fn compare(input: &Path, place: &Path, rounds: usize) -> Outcome<()> {
    let shown = input.display();
    let mut times: BTreeMap<&str, Vec<Duration>> = BTreeMap::new();
    for round in 0..=rounds {
        let mut turn: Vec<(&str, Duration)> = Vec::new();
        // Nothing is removed before the end: where a disk discards at once, that would be paid by whoever comes next.
        let (blobs, out) = (
            place.join(format!("blobs{round}")),
            place.join(format!("out{round}")),
        );
        let archive = place.join(format!("a{round}.tar.zst"));
        let kept = archive.display();
        turn.push((
            "tar | zstd",
            shell(&format!("tar c -C {shown} . | zstd -q -3 -T0 > {kept}"))?,
        ));
        turn.push((
            "tar | zstd, sync",
            shell(&format!(
                "tar c -C {shown} . | zstd -q -3 -T0 > {kept}.2 && sync -f {kept}.2"
            ))?,
        ));
        let begin = Instant::now();
        let packed = pack(
            input,
            &DiskBlobs::open(&blobs)?,
            &PackOptions::default(),
            &|_| {},
        )?;
        turn.push(("pack", begin.elapsed()));
        let begin = Instant::now();
        unpack(&packed.content, &DiskBlobs::open(&blobs)?, &out, &|_| {})?;
        turn.push(("unpack", begin.elapsed()));
        let sink = EachChunk(|_: &StoredChunk| Ok(()));
        let begin = Instant::now();
        pack(input, &sink, &PackOptions::default(), &|_| {})?;
        turn.push(("pack, not stored", begin.elapsed()));
        turn.push((
            "sha256sum",
            shell(&format!(
                "find {shown} -type f -print0 | xargs -0 sha256sum > /dev/null"
            ))?,
        ));
        turn.push(("chunk and hash", names(input, Cutting::STANDARD)?.1));
        // The first turn warms the cache.
        for (name, time) in turn.into_iter().filter(|_| round > 0) {
            times.entry(name).or_default().push(time);
        }
    }
    table(times);
    Ok(())
}

fn table(times: BTreeMap<&str, Vec<Duration>>) {
    let mut medians = BTreeMap::new();
    for (name, mut list) in times {
        list.sort();
        medians.insert(name, list[list.len() / 2]);
        say(&format!(
            "{name:18} {:7.3} s   {list:.2?}",
            list[list.len() / 2].as_secs_f64()
        ));
    }
    for (ours, theirs) in [
        ("pack", "tar | zstd"),
        ("pack", "tar | zstd, sync"),
        ("pack, not stored", "tar | zstd"),
        ("chunk and hash", "sha256sum"),
    ] {
        let ratio = medians[theirs].as_secs_f64() / medians[ours].as_secs_f64();
        say(&format!("{ours} is {ratio:.2} times as fast as {theirs}"));
    }
}

fn shell(line: &str) -> Outcome<Duration> {
    let begin = Instant::now();
    let status = Command::new("sh").args(["-c", line]).status()?;
    if status.success() {
        Ok(begin.elapsed())
    } else {
        Err(format!("{line}: {status}").into())
    }
}

fn names(input: &Path, cutting: Cutting) -> Outcome<(Packed, Duration)> {
    let options = PackOptions {
        cutting,
        ..PackOptions::default()
    };
    let begin = Instant::now();
    let packed = pack(input, &NamesOnly(EachChunk(|_| Ok(()))), &options, &|_| {})?;
    Ok((packed, begin.elapsed()))
}

/// What each average costs: time, chunks, stored bytes, and the bytes to send after a line was added to every tenth file.
fn averages(input: &Path) -> Outcome<()> {
    let store = |cutting| -> Outcome<(Packed, u64, BTreeMap<ChunkHash, usize>)> {
        let stored = std::sync::Mutex::new(BTreeMap::new());
        let sink = EachChunk(|chunk: &StoredChunk| {
            let mut stored = stored
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            stored.insert(chunk.hash(), chunk.bytes().len());
            Ok(())
        });
        let options = PackOptions {
            cutting,
            ..PackOptions::default()
        };
        let packed = pack(input, &sink, &options, &|_| {})?;
        let stored = stored
            .into_inner()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        Ok((
            packed,
            stored.values().map(|&bytes| bytes as u64).sum(),
            stored,
        ))
    };
    let mut before = Vec::new();
    let kinds = [
        ("64 KiB", Cutting::with_average(64 << 10)),
        ("standard", Cutting::STANDARD),
        ("256 KiB", Cutting::with_average(256 << 10)),
    ];
    for (name, cutting) in kinds {
        let begin = Instant::now();
        before.push((name, cutting, store(cutting)?, begin.elapsed()));
    }
    for path in files(input)?.iter().step_by(10) {
        let mut bytes = fs::read(path)?;
        let middle = bytes.len() / 2;
        bytes.splice(middle..middle, *b"a new line in the middle\n");
        fs::write(path, bytes)?;
    }
    for (name, cutting, (packed, bytes, chunks), time) in before {
        let (_, _, after) = store(cutting)?;
        let sent: usize = after
            .iter()
            .filter(|(hash, _)| !chunks.contains_key(hash))
            .map(|(_, bytes)| bytes)
            .sum();
        let average = packed.content.size().0 as usize / chunks.len().max(1);
        say(&format!(
            "{name:9} {:6.2} s, {} chunks of {average} bytes, {bytes} bytes stored, {sent} bytes after a small change",
            time.as_secs_f64(),
            chunks.len()
        ));
    }
    Ok(())
}

fn files(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let mut paths = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()?;
    paths.sort();
    Ok(paths)
}

/// Half text of invented words, a few common and many rare; half without a pattern. Files from 20 KB to 64 MB.
fn fill(folder: &Path, bytes: usize) -> Outcome<()> {
    fs::create_dir(folder)?;
    let mut random = Random(0x5eed);
    let words: Vec<String> = (0..20_000).map(|_| random.word()).collect();
    for (kind, budget) in [("text", bytes / 2), ("noise", bytes / 2)] {
        let (mut left, mut number) = (budget, 0);
        while left > 0 {
            let length = [20_000, 300_000, 4_000_000, 64_000_000][number % 4].min(left);
            let content = if kind == "text" {
                random.text(&words, length)
            } else {
                random.noise(length)
            };
            fs::write(folder.join(format!("{kind}{number}")), content)?;
            (left, number) = (left - length, number + 1);
        }
    }
    Ok(())
}

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn word(&mut self) -> String {
        let length = 2 + self.next() % 9;
        (0..length)
            .map(|_| char::from(b'a' + (self.next() % 26) as u8))
            .collect()
    }

    fn text(&mut self, words: &[String], length: usize) -> Vec<u8> {
        let mut text = Vec::with_capacity(length + 16);
        while text.len() < length {
            // The product of two uniform numbers prefers the first words.
            let (a, b) = (
                self.next() as usize % words.len(),
                self.next() as usize % words.len(),
            );
            text.extend_from_slice(words[a * b / words.len()].as_bytes());
            text.push(if self.next().is_multiple_of(12) {
                b'\n'
            } else {
                b' '
            });
        }
        text.truncate(length);
        text
    }

    fn noise(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(length + 8);
        while bytes.len() < length {
            bytes.extend_from_slice(&self.next().to_le_bytes());
        }
        bytes.truncate(length);
        bytes
    }
}
