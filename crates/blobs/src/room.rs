//! Room on a file system, asked for before anything is written.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use escadre_bundle::{Content, EntryKind};
use escadre_model::{ByteCount, delivery::Refusal};

use crate::{BlobError, error::At};

/// What a file system has to offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// Its mount point.
    pub mount: PathBuf,
    /// Bytes that may still be written.
    pub free: ByteCount,
    /// Bytes that the smallest file takes.
    pub block: u64,
}

impl Room {
    /// The room where `path` lies or, when it is not there yet, where it would be made.
    pub fn at(path: &Path) -> Result<Self, BlobError> {
        let absolute = std::path::absolute(path).at("look at", path)?;
        let there = existing(&absolute).at("look at", &absolute)?;
        let stat = rustix::fs::statvfs(&there).at("ask for the room at", &there)?;
        let block = stat.f_frsize.max(512);
        let free = ByteCount(stat.f_bavail.saturating_mul(block));
        Ok(Self {
            mount: mount_of(&there).at("look at", &there)?,
            free,
            block,
        })
    }

    /// What unpacked content takes here: whole blocks for every entry.
    pub fn taken_by(&self, content: &Content) -> ByteCount {
        let blocks = |size: u64| size.div_ceil(self.block).max(1).saturating_mul(self.block);
        content
            .entries()
            .iter()
            .map(|entry| match &entry.kind {
                EntryKind::File(file) => ByteCount(blocks(file.size)),
                EntryKind::Directory | EntryKind::Symlink { .. } => ByteCount(self.block),
            })
            .sum()
    }

    /// Refuses when `needed` is not there.
    pub fn check(&self, needed: ByteCount) -> Result<(), Refusal> {
        if needed <= self.free {
            return Ok(());
        }
        Err(Refusal::NoSpace {
            needed: needed.0,
            free: self.free.0,
            mount: self.mount.display().to_string(),
        })
    }
}

/// Refuses content that has no room at `path`.
pub fn check_room(content: &Content, path: &Path) -> Result<(), BlobError> {
    let room = Room::at(path)?;
    Ok(room.check(room.taken_by(content))?)
}

/// The nearest part of the path that exists.
fn existing(path: &Path) -> io::Result<PathBuf> {
    for candidate in path.ancestors() {
        match fs::metadata(candidate) {
            Ok(_) => return fs::canonicalize(candidate),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::NotFound.into())
}

/// The highest folder above that is on the same device.
fn mount_of(path: &Path) -> io::Result<PathBuf> {
    let device = fs::metadata(path)?.dev();
    let mut mount = path;
    for above in path.ancestors() {
        if fs::metadata(above)?.dev() != device {
            break;
        }
        mount = above;
    }
    Ok(mount.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_what_df_says() {
        let room = Room::at(Path::new("/tmp/not/there/yet")).expect("asks");
        let df = std::process::Command::new("df")
            .args(["--output=target,avail", "-B1", "/tmp"])
            .output()
            .expect("df runs");
        let text = String::from_utf8(df.stdout).expect("df speaks UTF-8");
        let words: Vec<_> = text
            .lines()
            .nth(1)
            .expect("a second line")
            .split_whitespace()
            .collect();
        assert_eq!(words[0], room.mount.to_str().expect("a plain path"));
        let free: i128 = words[1].parse().expect("a number");
        // Others write to this disk at the same time.
        assert!(
            (free - i128::from(room.free.0)).abs() < 1 << 30,
            "{free} {}",
            room.free.0
        );
    }

    #[test]
    fn too_little_is_refused_with_numbers() {
        let room = Room {
            mount: "/var".into(),
            free: ByteCount(10),
            block: 512,
        };
        assert_eq!(room.check(ByteCount(10)), Ok(()));
        let refusal = room.check(ByteCount(11)).expect_err("too much").to_string();
        assert_eq!(refusal, "11 bytes are needed on /var, 10 are free");
    }
}
