//! A file of entries that survives a power cut: one line each, with a checksum, synced before the effect.
//!
//! ```text
//! 5f3e09aa {"ordered":{…}}
//! ```
//!
//! - A line that was cut short by a crash was never promised: it is dropped when the journal is opened.
//! - A line that is damaged in the middle (a bad disk) is left out, the file is kept beside as evidence, and the rest is
//!   read: steps that follow say enough.
//! - [`Journal::compact`] puts one entry in the place of all; a crash leaves the old file or the new one.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    marker::PhantomData,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use serde::{Serialize, de::DeserializeOwned};

use crate::error::{AgentError, At};

/// Bytes that a journal may have when it is opened; compaction keeps it far below.
const LONGEST: u64 = 256 << 20;
/// Bytes after which compaction is due.
const LONG: u64 = 1 << 20;

/// An open journal of entries `E`.
#[derive(Debug)]
pub(crate) struct Journal<E> {
    path: PathBuf,
    file: File,
    written: u64,
    /// Bytes of the last compaction: the next is due when as much again has come.
    compacted: u64,
    entries: PhantomData<fn(E) -> E>,
}

impl<E: Serialize + DeserializeOwned> Journal<E> {
    /// Opens or makes it, and gives what stands in it.
    pub(crate) fn open(path: &Path) -> Result<(Self, Vec<E>), AgentError> {
        let bytes = match fs::metadata(path) {
            Ok(metadata) if metadata.len() > LONGEST => {
                return Err(AgentError::Damaged {
                    path: path.to_owned(),
                    detail: "it is too long".to_owned(),
                });
            }
            Ok(_) => fs::read(path).at("read", path)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error).at("read", path),
        };
        let read = read::<E>(&bytes);
        if read.damaged > 0 {
            let evidence = path.with_extension("damaged");
            tracing::error!(journal = %path.display(), lines = read.damaged, kept = %evidence.display(), "damaged lines");
            fs::copy(path, &evidence).at("copy", path)?;
        }
        let file = append_to(path)?;
        if read.good_length < bytes.len() as u64 {
            tracing::warn!(journal = %path.display(), "the last line was cut short and is dropped");
            file.set_len(read.good_length).at("cut", path)?;
            file.sync_all().at("sync", path)?;
        }
        sync_folder_of(path)?;
        Ok((
            Self {
                path: path.to_owned(),
                file,
                written: read.good_length,
                compacted: 0,
                entries: PhantomData,
            },
            read.entries,
        ))
    }

    /// Appends without waiting for the disk: for what may be lost with the machine.
    pub(crate) fn append(&mut self, entry: &E) -> Result<(), AgentError> {
        let line = line(entry)
            .map_err(io::Error::from)
            .at("write", &self.path)?;
        let outcome = self.file.write_all(&line);
        if outcome.is_err() {
            // Half a line must not stand before the next one.
            self.file.set_len(self.written).at("cut", &self.path)?;
        }
        outcome.at("write", &self.path)?;
        self.written += line.len() as u64;
        Ok(())
    }

    /// Waits until all that was appended is on the disk.
    pub(crate) fn sync(&mut self) -> Result<(), AgentError> {
        self.file.sync_data().at("sync", &self.path)
    }

    /// It has become long.
    pub(crate) fn is_long(&self) -> bool {
        self.written > LONG.max(self.compacted.saturating_mul(2))
    }

    /// The same as [`Journal::compact`], where it is no more than order in the house: a full disk may say no.
    pub(crate) fn tidy(&mut self, whole: &E) {
        if let Err(error) = self.compact(whole) {
            self.compacted = self.written;
            tracing::warn!(%error, "the journal stays long");
        }
    }

    /// Replaces everything by one entry that says the same.
    fn compact(&mut self, whole: &E) -> Result<(), AgentError> {
        let fresh = self.path.with_extension("new");
        let line = line(whole).map_err(io::Error::from).at("write", &fresh)?;
        fs::remove_file(&fresh)
            .or_else(gone_is_fine)
            .at("remove", &fresh)?;
        let mut file = append_to(&fresh)?;
        file.write_all(&line).at("write", &fresh)?;
        file.sync_all().at("sync", &fresh)?;
        fs::rename(&fresh, &self.path).at("rename", &fresh)?;
        sync_folder_of(&self.path)?;
        (self.file, self.written, self.compacted) = (file, line.len() as u64, line.len() as u64);
        Ok(())
    }
}

/// What stands in the bytes of a journal.
struct Read<E> {
    entries: Vec<E>,
    /// Bytes up to the end of the last good line.
    good_length: u64,
    /// Bad lines before that.
    damaged: usize,
}

fn read<E: DeserializeOwned>(bytes: &[u8]) -> Read<E> {
    let mut read = Read {
        entries: Vec::new(),
        good_length: 0,
        damaged: 0,
    };
    let (mut position, mut bad) = (0, 0);
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        position += line.len() as u64;
        match entry(line) {
            Some(entry) => {
                read.entries.push(entry);
                read.good_length = position;
                read.damaged += std::mem::take(&mut bad);
            }
            None => bad += 1,
        }
    }
    read
}

fn entry<E: DeserializeOwned>(line: &[u8]) -> Option<E> {
    let line = line.strip_suffix(b"\n")?;
    let (sum, json) = line.split_at_checked(9)?;
    let sum = std::str::from_utf8(sum).ok()?.strip_suffix(' ')?;
    let same =
        sum.len() == 8 && u32::from_str_radix(sum, 16).is_ok_and(|sum| sum == checksum(json));
    same.then(|| serde_json::from_slice(json).ok()).flatten()
}

fn line<E: Serialize>(entry: &E) -> Result<Vec<u8>, serde_json::Error> {
    let json = serde_json::to_vec(entry)?;
    let mut line = format!("{:08x} ", checksum(&json)).into_bytes();
    line.extend_from_slice(&json);
    line.push(b'\n');
    Ok(line)
}

/// CRC-32 (IEEE 802.3), bit by bit: lines are short.
fn checksum(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, &byte| {
        (0..8).fold(sum ^ u32::from(byte), |sum, _| {
            if sum & 1 == 1 {
                (sum >> 1) ^ 0xedb8_8320
            } else {
                sum >> 1
            }
        })
    })
}

fn append_to(path: &Path) -> Result<File, AgentError> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
        .at("open", path)
}

pub(crate) fn sync_folder_of(path: &Path) -> Result<(), AgentError> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .at("sync", folder)
}

fn gone_is_fine(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound {
        Ok(())
    } else {
        Err(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(entries: &[String]) -> Vec<u8> {
        entries
            .iter()
            .flat_map(|entry| line(entry).expect("a string is JSON"))
            .collect()
    }

    #[test]
    fn the_checksum_is_the_known_one() {
        assert_eq!(checksum(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn every_prefix_gives_the_entries_that_were_whole() {
        let entries: Vec<String> = (0..6).map(|n| "x\"\n".repeat(n)).collect();
        let bytes = written(&entries);
        let home = tempfile::tempdir().expect("a temporary folder");
        for length in 0..=bytes.len() {
            let whole = bytes[..length]
                .iter()
                .filter(|&&byte| byte == b'\n')
                .count();
            let path = home.path().join("journal");
            fs::write(&path, &bytes[..length]).expect("written");
            let (mut journal, read) = Journal::<String>::open(&path).expect("opens");
            assert_eq!(read, entries[..whole], "after {length} bytes");
            journal.append(&"next".to_owned()).expect("appends");
            drop(journal);
            let (_, again) = Journal::<String>::open(&path).expect("opens");
            assert_eq!(
                again.last().map(String::as_str),
                Some("next"),
                "after {length} bytes"
            );
            assert_eq!(again.len(), whole + 1);
        }
    }

    #[test]
    fn compaction_leaves_one_entry_and_goes_on() {
        let home = tempfile::tempdir().expect("a temporary folder");
        let path = home.path().join("journal");
        let (mut journal, _) = Journal::<String>::open(&path).expect("opens");
        for word in ["a", "b"] {
            journal.append(&word.to_owned()).expect("appends");
        }
        journal.compact(&"ab".to_owned()).expect("compacts");
        journal.append(&"c".to_owned()).expect("appends");
        journal.sync().expect("syncs");
        assert_eq!(
            Journal::<String>::open(&path).expect("opens").1,
            ["ab", "c"]
        );
    }

    #[test]
    fn a_damaged_line_in_the_middle_costs_itself_alone() {
        let home = tempfile::tempdir().expect("a temporary folder");
        let path = home.path().join("journal");
        let mut bytes = written(&["a".to_owned(), "b".to_owned(), "c".to_owned()]);
        bytes[18] ^= 1;
        fs::write(&path, &bytes).expect("written");
        assert_eq!(Journal::<String>::open(&path).expect("opens").1, ["a", "c"]);
        assert!(path.with_extension("damaged").exists(), "evidence is kept");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(bytes: Vec<u8>) {
            let _ = read::<String>(&bytes);
        }
    }
}
