//! Bringing package files to a folder: copied or downloaded (and resumed), and never there unless verified.

use std::path::{Path, PathBuf};

use escadre_catalog::{PackageId, catalog::Checksum};
use reqwest::Client;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{decompress::Hasher, error::RepositoryError, location::Location, open::Opened, web};

/// A package file that is there and verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The package.
    pub package: PackageId,
    /// Its file.
    pub path: PathBuf,
    /// The checksum that it has; none only where the source, accepted as unsigned, gives none.
    pub checksum: Option<Checksum>,
    /// Its size in bytes.
    pub size: u64,
}

/// How far the fetching is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Packages that are there.
    pub packages_done: usize,
    /// Packages in all.
    pub packages: usize,
    /// Bytes that are there.
    pub bytes_done: u64,
    /// Bytes in all.
    pub bytes: u64,
}

/// Brings the files of packages into a folder. What is there already and has the right checksum is kept.
pub async fn fetch_packages(
    opened: &Opened,
    packages: &[PackageId],
    into: &Path,
    mut progress: impl FnMut(Progress),
) -> Result<Vec<Fetched>, RepositoryError> {
    tokio::fs::create_dir_all(into)
        .await
        .map_err(RepositoryError::file("create", into))?;
    let client = web::client()?;
    let details = opened.details()?;
    let bytes = packages.iter().fold(0u64, |sum, &id| {
        sum.saturating_add(opened.catalog.file_size(id))
    });
    let mut state = Progress {
        packages_done: 0,
        packages: packages.len(),
        bytes_done: 0,
        bytes,
    };
    let mut fetched = Vec::with_capacity(packages.len());
    for &package in packages {
        let task = Task {
            package,
            name: opened.catalog.name(package),
            root: opened.catalog.source(package),
            path: details.of(package).path,
            checksum: details.of(package).checksum,
            size: opened.catalog.file_size(package),
        };
        if task.checksum.is_none() && opened.is_signed() {
            return Err(RepositoryError::Checksum {
                file: task.path.to_owned(),
                reason: "its index gives none".to_owned(),
            });
        }
        let before = state;
        let one = task
            .run(into, &client, |held| {
                progress(Progress {
                    bytes_done: before.bytes_done + held,
                    ..before
                })
            })
            .await?;
        state.packages_done += 1;
        state.bytes_done = state.bytes_done.saturating_add(one.size);
        progress(state);
        fetched.push(one);
    }
    Ok(fetched)
}

/// One file to bring.
struct Task<'a> {
    package: PackageId,
    name: &'a str,
    root: &'a str,
    path: &'a str,
    checksum: Option<Checksum>,
    size: u64,
}

impl Task<'_> {
    async fn run(
        &self,
        into: &Path,
        client: &Client,
        progress: impl FnMut(u64),
    ) -> Result<Fetched, RepositoryError> {
        let file = Path::new(self.path)
            .file_name()
            .ok_or_else(|| RepositoryError::NoFile(self.name.to_owned()))?;
        let path = into.join(file);
        let fetched = Fetched {
            package: self.package,
            path: path.clone(),
            checksum: self.checksum,
            size: self.size,
        };
        if self.checksum.is_some() && self.verify(&path).await.is_ok() {
            return Ok(fetched);
        }
        let part = into.join(format!("{}.part", file.to_string_lossy()));
        match Location::parse(self.root)?.below(self.path)? {
            Location::Web(url) => web::download(client, &url, &part, self.size, progress).await?,
            Location::Folder(source) => copy(&source, &part, self.size, progress).await?,
        }
        if let Err(error) = self.verify(&part).await {
            // A wrong file must not be gone on with the next time.
            drop(tokio::fs::remove_file(&part).await);
            return Err(error);
        }
        tokio::fs::rename(&part, &path)
            .await
            .map_err(RepositoryError::file("rename", &part))?;
        Ok(fetched)
    }

    async fn verify(&self, path: &Path) -> Result<(), RepositoryError> {
        let wrong = |reason: String| RepositoryError::Checksum {
            file: self.path.to_owned(),
            reason,
        };
        let mut file = tokio::fs::File::open(path)
            .await
            .map_err(RepositoryError::file("read", path))?;
        let mut hasher = self.checksum.map(Hasher::like);
        let mut buffer = vec![0u8; 256 << 10];
        let mut size = 0u64;
        loop {
            let count = file
                .read(&mut buffer)
                .await
                .map_err(RepositoryError::file("read", path))?;
            if count == 0 {
                break;
            }
            size += count as u64;
            if let Some(hasher) = &mut hasher {
                hasher.update(&buffer[..count]);
            }
        }
        if self.size > 0 && size != self.size {
            return Err(wrong(format!("{size} bytes instead of {}", self.size)));
        }
        let matches = match (hasher, self.checksum) {
            (Some(hasher), Some(checksum)) => hasher.is(checksum),
            _ => true,
        };
        if matches {
            Ok(())
        } else {
            Err(wrong("its checksum is another".to_owned()))
        }
    }
}

async fn copy(
    source: &Path,
    part: &Path,
    size: u64,
    mut progress: impl FnMut(u64),
) -> Result<(), RepositoryError> {
    let mut from = tokio::fs::File::open(source)
        .await
        .map_err(RepositoryError::file("read", source))?;
    let mut to = tokio::fs::File::create(part)
        .await
        .map_err(RepositoryError::file("write", part))?;
    let mut buffer = vec![0u8; 1 << 20];
    let mut held = 0u64;
    loop {
        let count = from
            .read(&mut buffer)
            .await
            .map_err(RepositoryError::file("read", source))?;
        if count == 0 {
            break;
        }
        held += count as u64;
        if size > 0 && held > size {
            let file = source.display().to_string();
            return Err(RepositoryError::Checksum {
                file,
                reason: format!("it is longer than {size} bytes"),
            });
        }
        to.write_all(&buffer[..count])
            .await
            .map_err(RepositoryError::file("write", part))?;
        progress(held);
    }
    to.sync_all()
        .await
        .map_err(RepositoryError::file("write", part))
}
