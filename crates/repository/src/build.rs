//! From a plan (which indexes, what they must be) to a catalog.

use std::{
    collections::VecDeque,
    io::{self, Read},
    path::PathBuf,
    time::UNIX_EPOCH,
};

use escadre_catalog::{Catalog, CatalogBuilder, CatalogError, Details, debian, rpmmd, synthesis};
use escadre_model::{Problem, inventory::PackageKind};

use crate::{
    decompress::{self, Check, Limits, Stream, StreamFault},
    error::RepositoryError,
    location::Location,
    signature::Trust,
};

/// How many files are unfolded at once.
const AT_ONCE: usize = 4;
/// The largest synthesis: it is read whole.
const SYNTHESIS_LIMIT: u64 = 512 << 20;

/// What an index is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Packages,
    Primary,
    /// Read after `Primary`, for the paths that something requires.
    Filelists,
    Synthesis,
}

/// One index that makes part of the catalog.
#[derive(Debug, Clone)]
pub(crate) struct Index {
    /// Where it lies.
    pub(crate) location: Location,
    /// Root below which the packages' paths are.
    pub(crate) root: String,
    pub(crate) format: Format,
    pub(crate) check: Option<Check>,
}

/// All that makes up a catalog.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) kind: PackageKind,
    /// What the source is, in words that do not change with its content.
    pub(crate) identity: String,
    pub(crate) indexes: Vec<Index>,
    pub(crate) trust: Vec<(String, Trust)>,
    pub(crate) problems: Vec<Problem>,
}

impl Plan {
    /// Goes on with the indexes of another source.
    pub(crate) fn join(&mut self, other: Self) -> Result<(), RepositoryError> {
        if other.kind != self.kind {
            return Err(RepositoryError::Mixed {
                first: self.identity.clone(),
                other: other.identity,
            });
        }
        self.identity = format!("{}\n{}", self.identity, other.identity);
        self.indexes.extend(other.indexes);
        // Files are looked for when it is known what all packages ask for.
        self.indexes
            .sort_by_key(|index| index.format == Format::Filelists);
        self.trust.extend(other.trust);
        self.problems.extend(other.problems);
        Ok(())
    }

    /// Names the state of the source: another stamp, another content.
    pub(crate) fn stamp(&self) -> Result<String, RepositoryError> {
        let mut hasher = blake3::Hasher::new();
        for index in &self.indexes {
            hasher.update(
                format!("{}\0{}\0{:?}\0", index.location, index.root, index.format).as_bytes(),
            );
            if let Some(check) = index.check {
                hasher.update(format!("{}\0{:?}\0", check.checksum, check.size).as_bytes());
            }
            if let Location::Folder(path) = &index.location {
                let meta = std::fs::metadata(path).map_err(RepositoryError::file("read", path))?;
                let modified = meta
                    .modified()
                    .ok()
                    .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
                hasher.update(format!("{}\0{:?}\0", meta.len(), modified).as_bytes());
            }
        }
        for (place, trust) in &self.trust {
            hasher.update(format!("{place}\0{trust:?}\0").as_bytes());
        }
        Ok(hasher.finalize().to_hex().to_string())
    }
}

/// Reads all indexes, which are files now (`files` in the order of the plan's indexes).
pub(crate) fn build(
    plan: &Plan,
    files: &[PathBuf],
    limits: Limits,
) -> Result<(Catalog, Details, Vec<Problem>), RepositoryError> {
    let mut builder = CatalogBuilder::new(plan.kind);
    let mut problems = plan.problems.clone();
    let mut running: VecDeque<io::Result<Stream>> = VecDeque::new();
    let mut next = plan.indexes.iter().zip(files);
    let start = |(index, file): (&Index, &PathBuf)| decompress::open(file, index.check, limits);
    running.extend(next.by_ref().take(AT_ONCE).map(start));
    for (index, file) in plan.indexes.iter().zip(files) {
        let name = index.location.to_string();
        let stream = running
            .pop_front()
            .unwrap_or_else(|| Err(io::Error::other("no stream")));
        let mut stream = stream.map_err(RepositoryError::file("read", file))?;
        if index.format != Format::Filelists {
            builder.begin_source(&index.root)?;
        }
        let read = read_index(
            index.format,
            &name,
            &mut stream,
            &mut builder,
            &mut problems,
        );
        read.map_err(|error| stream_error(&name, error))?;
        // Trailing bytes count for the checksum, and the checksum for everything.
        io::copy(&mut stream, &mut io::sink()).map_err(|source| {
            stream_error(
                &name,
                CatalogError::Read {
                    file: name.clone(),
                    line: 0,
                    source,
                },
            )
        })?;
        running.extend(next.next().map(start));
    }
    let (catalog, details) = builder.finish()?;
    Ok((catalog, details, problems))
}

fn read_index(
    format: Format,
    name: &str,
    stream: &mut Stream,
    builder: &mut CatalogBuilder,
    problems: &mut Vec<Problem>,
) -> Result<(), CatalogError> {
    match format {
        Format::Packages => problems.extend(debian::packages::read(name, stream, builder)?),
        Format::Primary => problems.extend(rpmmd::primary::read(name, stream, builder)?),
        Format::Filelists => {
            let wanted = builder.unanswered_paths();
            if !wanted.is_empty() {
                let owners = rpmmd::filelists::read(name, stream, &wanted)
                    .and_then(|owners| builder.add_files(&owners));
                owners?;
            }
        }
        Format::Synthesis => {
            let mut text = Vec::new();
            let read = stream.take(SYNTHESIS_LIMIT).read_to_end(&mut text);
            read.map_err(|source| CatalogError::Read {
                file: name.to_owned(),
                line: 0,
                source,
            })?;
            let synthesis = synthesis::parse(name, &text);
            problems.extend(synthesis.problems);
            for package in &synthesis.packages {
                builder.owned(package)?;
            }
        }
    }
    Ok(())
}

/// Finds our own faults again in the error of a stream.
fn stream_error(name: &str, error: CatalogError) -> RepositoryError {
    let inner = match &error {
        CatalogError::Read { source, .. } => source
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<StreamFault>()),
        _ => None,
    };
    match inner.cloned() {
        Some(StreamFault::Bomb(limit)) => RepositoryError::Bomb {
            file: name.to_owned(),
            limit,
        },
        Some(StreamFault::Checksum(reason)) => RepositoryError::Checksum {
            file: name.to_owned(),
            reason,
        },
        None => error.into(),
    }
}
