//! What all tests stand on: a temporary place, and a folder as one readable text.

use std::{
    fmt::Write,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use escadre_blobs::{BlobError, DiskBlobs, PackOptions, Packed, pack, unpack};
use escadre_bundle::Content;

/// A temporary folder with a place for chunks in it.
pub(crate) struct Stage {
    folder: tempfile::TempDir,
    pub(crate) blobs: DiskBlobs,
}

impl Stage {
    pub(crate) fn new() -> Self {
        // Each flush of a disk waits for all that other programs write there: in memory when there is such a place.
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() {
            tempfile::tempdir_in(memory)
        } else {
            tempfile::tempdir()
        };
        Self::at(folder.expect("a temporary folder"))
    }

    /// On the disk where temporary files go.
    pub(crate) fn on_disk() -> Self {
        Self::at(tempfile::tempdir().expect("a temporary folder"))
    }

    fn at(folder: tempfile::TempDir) -> Self {
        let blobs = DiskBlobs::open(folder.path().join("blobs")).expect("opens");
        Self { folder, blobs }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file, and the folders above it.
    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder above")).expect("makes folders");
        fs::write(&path, bytes).expect("writes");
        path
    }

    pub(crate) fn mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode))
            .expect("sets the mode");
    }

    pub(crate) fn link(&self, name: &str, target: &str) {
        std::os::unix::fs::symlink(target, self.path(name)).expect("makes a link");
    }

    /// Runs a tool of the system in the temporary folder.
    pub(crate) fn run(&self, program: &str, arguments: &[&str]) {
        let done = Command::new(program)
            .args(arguments)
            .current_dir(self.folder.path())
            .output();
        let done = done.unwrap_or_else(|error| panic!("{program} is needed: {error}"));
        assert!(
            done.status.success(),
            "{program} {arguments:?}: {}",
            String::from_utf8_lossy(&done.stderr)
        );
    }

    pub(crate) fn pack(&self, name: &str) -> Result<Packed, BlobError> {
        pack(
            &self.path(name),
            &self.blobs,
            &PackOptions::default(),
            &|_| {},
        )
    }

    pub(crate) fn unpack(&self, content: &Content, name: &str) -> Result<(), BlobError> {
        unpack(content, &self.blobs, &self.path(name), &|_| {})
    }
}

/// Bytes without a pattern.
pub(crate) fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed ^ 0x9e37_79b9_7f4a_7c15;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// Everything that a folder holds, one line each: kind, mode, path, what is in it.
pub(crate) fn listing(folder: &Path) -> String {
    let mut text = String::new();
    list(folder, folder, &mut text);
    text
}

fn list(top: &Path, folder: &Path, text: &mut String) {
    let mut paths: Vec<_> = fs::read_dir(folder)
        .expect("lists")
        .map(|entry| entry.expect("lists").path())
        .collect();
    paths.sort();
    for path in paths {
        let metadata = fs::symlink_metadata(&path).expect("looks");
        let name = path.strip_prefix(top).expect("is below").display();
        let mode = metadata.permissions().mode() & 0o7777;
        if metadata.is_symlink() {
            let target = fs::read_link(&path).expect("reads the link");
            writeln!(text, "link      {name} -> {}", target.display()).expect("memory");
        } else if metadata.is_dir() {
            writeln!(text, "dir  {mode:o}  {name}").expect("memory");
            list(top, &path, text);
        } else {
            let bytes = fs::read(&path).expect("reads");
            writeln!(
                text,
                "file {mode:o}  {name} {} {}",
                bytes.len(),
                blake3::hash(&bytes).to_hex()
            )
            .expect("memory");
        }
    }
}
