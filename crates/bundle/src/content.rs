//! The content of a bundle: a tree of folders, files and inward links, in one order.
//!
//! Only two modes exist: 0o755 for folders and programs, 0o644 for the rest. Owners, times, set-uid bits, devices, sockets and hard
//! links have no place in the format, so they cannot be smuggled through it.

use std::collections::{BTreeSet, HashMap};

use escadre_model::ByteCount;
use serde::{Deserialize, Serialize};

use crate::{BundleError, ChunkHash, ContentPath, FileHash, LinkTarget, limits};

/// One chunk of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChunkRef {
    /// Its name.
    pub hash: ChunkHash,
    /// Its bytes, uncompressed.
    pub length: u32,
}

/// A file's bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileContent {
    /// Mode 0o755 rather than 0o644.
    pub executable: bool,
    /// Bytes.
    pub size: u64,
    /// Hash of the whole.
    pub hash: FileHash,
    /// Its chunks, in order. None for an empty file.
    pub chunks: Vec<ChunkRef>,
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum EntryKind {
    /// A folder.
    Directory,
    /// A file.
    File(FileContent),
    /// A symbolic link that stays inside of the bundle.
    Symlink {
        /// Where it points, from the folder it lies in.
        target: LinkTarget,
    },
}

/// A path and what lies there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Where.
    pub path: ContentPath,
    /// What.
    pub kind: EntryKind,
}

impl Entry {
    /// The mode it is created with; links have none of their own.
    pub fn mode(&self) -> u32 {
        match &self.kind {
            EntryKind::File(file) if !file.executable => 0o644,
            _ => 0o755,
        }
    }
}

/// The entries, ordered by path, every folder above an entry being an entry itself.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Content {
    entries: Vec<Entry>,
}

impl Content {
    /// Puts entries in order, adds the folders that are implied, and checks the whole.
    pub fn new(mut entries: Vec<Entry>) -> Result<Self, BundleError> {
        BundleError::bound(
            "the number of entries",
            entries.len() as u64,
            limits::ENTRIES as u64,
        )?;
        let known: BTreeSet<ContentPath> = entries.iter().map(|entry| entry.path.clone()).collect();
        let mut implied = BTreeSet::new();
        for path in &known {
            let mut above = path.parent();
            while let Some(folder) = above.filter(|folder| !known.contains(folder)) {
                above = folder.parent();
                if !implied.insert(folder) {
                    break;
                }
            }
        }
        entries.extend(implied.into_iter().map(|path| Entry {
            path,
            kind: EntryKind::Directory,
        }));
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        let content = Self { entries };
        content.check()?;
        Ok(content)
    }

    /// In order of their paths: a folder comes before what it holds.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entry of that path.
    pub fn entry(&self, path: &ContentPath) -> Option<&Entry> {
        let at = self
            .entries
            .binary_search_by(|entry| entry.path.cmp(path))
            .ok()?;
        self.entries.get(at)
    }

    /// The file of that path.
    pub fn file(&self, path: &ContentPath) -> Option<&FileContent> {
        match &self.entry(path)?.kind {
            EntryKind::File(file) => Some(file),
            _ => None,
        }
    }

    /// Marks a file as a program (archives made on Windows know no such bit). False when there is no such file.
    pub fn make_executable(&mut self, path: &ContentPath) -> bool {
        let Ok(at) = self.entries.binary_search_by(|entry| entry.path.cmp(path)) else {
            return false;
        };
        match self.entries.get_mut(at).map(|entry| &mut entry.kind) {
            Some(EntryKind::File(file)) => {
                file.executable = true;
                true
            }
            _ => false,
        }
    }

    /// All files with their paths.
    pub fn files(&self) -> impl Iterator<Item = (&ContentPath, &FileContent)> {
        self.entries.iter().filter_map(|entry| match &entry.kind {
            EntryKind::File(file) => Some((&entry.path, file)),
            _ => None,
        })
    }

    /// Every chunk once, in the order of first use.
    pub fn chunks(&self) -> Vec<ChunkRef> {
        let mut seen = std::collections::HashSet::new();
        self.files()
            .flat_map(|(_, file)| &file.chunks)
            .filter(|chunk| seen.insert(chunk.hash))
            .copied()
            .collect()
    }

    /// Bytes of all files together.
    pub fn size(&self) -> ByteCount {
        self.files().map(|(_, file)| ByteCount(file.size)).sum()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// All rules on the tree. [`Content::new`] and [`crate::Manifest::parse`] ask it; only content that was deserialised by other
    /// ways has not been through it.
    pub fn check(&self) -> Result<(), BundleError> {
        BundleError::bound(
            "the number of entries",
            self.entries.len() as u64,
            limits::ENTRIES as u64,
        )?;
        self.check_order()?;
        self.check_folds()?;
        let mut lengths = HashMap::new();
        for entry in &self.entries {
            self.check_parent(entry)?;
            match &entry.kind {
                EntryKind::Directory => {}
                EntryKind::Symlink { target } => drop(target.resolve(&entry.path)?),
                EntryKind::File(file) => check_file(&entry.path, file, &mut lengths)?,
            }
        }
        BundleError::sum(
            "the size of the content",
            self.files().map(|(_, file)| file.size),
        )
        .map(drop)
    }

    fn check_order(&self) -> Result<(), BundleError> {
        for (first, second) in self.entries.iter().zip(self.entries.iter().skip(1)) {
            if first.path == second.path {
                return Err(BundleError::entry(&first.path, "is there twice"));
            }
            if first.path > second.path {
                return Err(BundleError::entry(
                    &second.path,
                    "is not in its place, entries are ordered by path",
                ));
            }
        }
        Ok(())
    }

    fn check_folds(&self) -> Result<(), BundleError> {
        let mut folds = HashMap::with_capacity(self.entries.len());
        for entry in &self.entries {
            if let Some(first) = folds.insert(entry.path.fold(), &entry.path) {
                let (first, second) = (first.to_string(), entry.path.to_string());
                return Err(BundleError::Collision { first, second });
            }
        }
        Ok(())
    }

    fn check_parent(&self, entry: &Entry) -> Result<(), BundleError> {
        let Some(parent) = entry.path.parent() else {
            return Ok(());
        };
        let reason = match self.entry(&parent).map(|parent| &parent.kind) {
            Some(EntryKind::Directory) => return Ok(()),
            Some(EntryKind::Symlink { .. }) => "lies below a link",
            Some(EntryKind::File(_)) => "lies below a file",
            None => "lies in a folder that is no entry",
        };
        Err(BundleError::entry(&entry.path, reason))
    }
}

/// Chunks add up to the file, and one name always has one length.
fn check_file(
    path: &ContentPath,
    file: &FileContent,
    lengths: &mut HashMap<ChunkHash, u32>,
) -> Result<(), BundleError> {
    BundleError::bound(&format!("the size of `{path}`"), file.size, limits::FILE)?;
    let mut sum = 0u64;
    for chunk in &file.chunks {
        if chunk.length == 0 {
            return Err(BundleError::entry(path, "has an empty chunk"));
        }
        BundleError::bound(
            &format!("a chunk of `{path}`"),
            chunk.length.into(),
            limits::CHUNK.into(),
        )?;
        if *lengths.entry(chunk.hash).or_insert(chunk.length) != chunk.length {
            return Err(BundleError::entry(
                path,
                format!("chunk {} has two lengths", chunk.hash),
            ));
        }
        sum = sum.saturating_add(chunk.length.into());
    }
    if sum == file.size {
        return Ok(());
    }
    Err(BundleError::entry(
        path,
        format!("has {} bytes, its chunks have {sum}", file.size),
    ))
}

#[cfg(test)]
mod tests;
