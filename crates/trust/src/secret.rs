//! Secrets in memory and on disk: a text that never prints, random bytes, and files of their owner alone.
//!
//! Every write is whole or not at all: a temporary file in the same folder, synced, then renamed, then the folder
//! synced. A crash leaves the old content or the new.

use std::{
    fmt, fs, io,
    io::{Read, Write},
    path::Path,
};

use zeroize::Zeroizing;

use crate::TrustError;

/// A text that is never printed by `Debug`, has no `Display`, cannot be serialised, and is zeroed when dropped.
#[derive(Clone)]
pub struct SecretString(Zeroizing<String>);

impl SecretString {
    /// Takes the text over.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself. Each call is a place to look at in a review.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretString(…)")
    }
}

impl From<String> for SecretString {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

/// Fills an array with random bytes of the operating system.
pub fn random<const N: usize>() -> Result<[u8; N], TrustError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(TrustError::Random)?;
    Ok(bytes)
}

/// Makes a folder that only its owner may enter; an existing one is closed to others.
pub fn create_private_folder(path: &Path) -> Result<(), TrustError> {
    fs::create_dir_all(path).map_err(TrustError::write(path))?;
    set_mode(path, 0o700).map_err(TrustError::write(path))
}

/// Writes a file that only its owner may read, whole or not at all.
pub fn write_private(path: &Path, content: &[u8]) -> Result<(), TrustError> {
    write_whole(path, content, 0o600).map_err(TrustError::write(path))
}

/// Writes a file that everybody may read, whole or not at all.
pub fn write_public(path: &Path, content: &[u8]) -> Result<(), TrustError> {
    write_whole(path, content, 0o644).map_err(TrustError::write(path))
}

/// Writes a private file that must not be there yet, even when another process writes it at the same time.
pub(crate) fn create_private(path: &Path, content: &[u8]) -> Result<(), TrustError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let write = || -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(content)?;
        set_mode(file.path(), 0o600)?;
        file.as_file().sync_all()?;
        file.persist_noclobber(path)?;
        sync_folder(folder)
    };
    write().map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => TrustError::AlreadyThere {
            path: path.to_owned(),
        },
        _ => TrustError::Write {
            path: path.to_owned(),
            source,
        },
    })
}

/// Reads a file of at most `limit` bytes.
pub(crate) fn read_bounded(path: &Path, limit: u64) -> Result<Vec<u8>, TrustError> {
    let mut content = Vec::new();
    let file = fs::File::open(path).map_err(TrustError::read(path))?;
    file.take(limit + 1)
        .read_to_end(&mut content)
        .map_err(TrustError::read(path))?;
    if content.len() as u64 > limit {
        let source = io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("larger than {limit} bytes"),
        );
        return Err(TrustError::Read {
            path: path.to_owned(),
            source,
        });
    }
    Ok(content)
}

/// Like [`read_bounded`], with nothing where there is no file.
pub(crate) fn read_if_there(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, TrustError> {
    match read_bounded(path, limit) {
        Ok(content) => Ok(Some(content)),
        Err(TrustError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Reads a private text file (a PEM) into memory that is zeroed afterwards.
pub(crate) fn read_secret_text(path: &Path) -> Result<Zeroizing<String>, TrustError> {
    let bytes = Zeroizing::new(read_bounded(path, 64 * 1024)?);
    let text = std::str::from_utf8(&bytes).map_err(|_| TrustError::KeyFile {
        path: path.to_owned(),
        reason: "it is not text".to_owned(),
    })?;
    Ok(Zeroizing::new(text.to_owned()))
}

fn write_whole(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(content)?;
    set_mode(file.path(), mode)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    sync_folder(folder)
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn set_mode(_path: &Path, _mode: u32) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    fs::File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_secret_never_prints() {
        let secret = SecretString::new("hunter2");
        assert_eq!(format!("{secret:?}"), "SecretString(…)");
        assert_eq!(secret.expose(), "hunter2");
    }

    #[test]
    fn private_files_are_their_owners_alone() -> Result<(), TrustError> {
        let home = tempfile::tempdir().expect("a temporary folder");
        let folder = home.path().join("keys");
        create_private_folder(&folder)?;
        let file = folder.join("key");
        let mode = |path: &Path| {
            fs::metadata(path)
                .map(|m| m.permissions().mode() & 0o777)
                .ok()
        };
        create_private(&file, b"one")?;
        assert_eq!((mode(&folder), mode(&file)), (Some(0o700), Some(0o600)));
        assert!(matches!(
            create_private(&file, b"two"),
            Err(TrustError::AlreadyThere { .. })
        ));
        assert_eq!(read_bounded(&file, 3)?, b"one");
        write_private(&file, b"two")?;
        assert_eq!(
            (read_bounded(&file, 3)?, mode(&file)),
            (b"two".to_vec(), Some(0o600))
        );
        assert!(read_bounded(&file, 2).is_err());
        assert_eq!(
            fs::read_dir(&folder).map(Iterator::count).ok(),
            Some(1),
            "no temporary file stays"
        );
        Ok(())
    }
}
