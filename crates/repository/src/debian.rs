//! Debian repositories: from `InRelease` (or `Release` with `Release.gpg`) down to the `Packages` of each component.

use escadre_catalog::debian::{
    deb822::signed_part,
    release::{self, Release},
};
use escadre_model::{Problem, Timestamp, inventory::PackageKind};
use reqwest::Client;

use crate::{
    build::{Format, Index, Plan},
    decompress::Check,
    error::RepositoryError,
    location::Location,
    open::OpenOptions,
    signature::{Signed, Trust, system_keyrings, verify},
    web,
};

/// Forms in which an index may lie there, the quickest to read of the small ones first.
const ENDS: [&str; 4] = [".zst", ".xz", ".gz", ""];
/// The largest `Release` that is read.
pub(crate) const RELEASE_LIMIT: usize = 32 << 20;

/// Which part of a Debian mirror is meant.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part<'a> {
    pub(crate) root: &'a Location,
    /// Folder of the `Release` below the root (`dists/bookworm`); empty for a flat repository.
    pub(crate) folder: &'a str,
    pub(crate) components: &'a [String],
    pub(crate) architectures: &'a [String],
}

impl Part<'_> {
    /// A file beside its `Release`.
    fn file(&self, name: &str) -> Result<Location, RepositoryError> {
        if self.folder.is_empty() {
            self.root.below(name)
        } else {
            self.root.below(&format!("{}/{name}", self.folder))
        }
    }
}

pub(crate) async fn plan(
    part: Part<'_>,
    client: &Client,
    options: &OpenOptions,
) -> Result<Plan, RepositoryError> {
    let identity = format!(
        "debian {} {} {:?} {:?}",
        part.root, part.folder, part.components, part.architectures
    );
    let mut plan = Plan {
        kind: PackageKind::Deb,
        identity,
        indexes: Vec::new(),
        trust: Vec::new(),
        problems: Vec::new(),
    };
    let Some((text, trust)) = signed_release(&part, client, options).await? else {
        return unsigned_folder(part, plan, options).await;
    };
    let place = part.file("Release")?.to_string();
    let release = release::parse(&place, &text);
    plan.problems.extend(release.problems.iter().cloned());
    check_age(&place, &release, options.now)?;
    plan.trust.push((part.root.to_string(), trust));
    for path in index_paths(&part, &release) {
        plan.indexes.extend(index(&part, &release, &path)?);
    }
    if plan.indexes.is_empty() {
        let wanted = format!(
            "Packages of {:?} for {:?}",
            part.components, part.architectures
        );
        return Err(RepositoryError::Missing {
            place: part.root.to_string(),
            wanted,
        });
    }
    Ok(plan)
}

/// The signed text and who signed it; none if there is no `Release` at all.
async fn signed_release(
    part: &Part<'_>,
    client: &Client,
    options: &OpenOptions,
) -> Result<Option<(Vec<u8>, Trust)>, RepositoryError> {
    let file = |name: &str| part.file(name);
    let keyrings = options
        .keyrings
        .clone()
        .unwrap_or_else(|| system_keyrings(std::path::Path::new("/")));
    let inline = small(client, &file("InRelease")?).await?;
    if let Some(inline) = inline {
        if options.allow_unsigned && !inline.starts_with(b"-----BEGIN PGP") {
            return Ok(Some((signed_part(&inline).to_vec(), Trust::Unsigned)));
        }
        let (text, key) = verify(
            &file("InRelease")?.to_string(),
            Signed::Inline(&inline),
            &keyrings,
        )?;
        return Ok(Some((text, Trust::Signed(key))));
    }
    let Some(release) = small(client, &file("Release")?).await? else {
        return Ok(None);
    };
    match small(client, &file("Release.gpg")?).await? {
        Some(signature) => {
            let place = file("Release")?.to_string();
            let (text, key) = verify(&place, Signed::Detached(&release, &signature), &keyrings)?;
            Ok(Some((text, Trust::Signed(key))))
        }
        None if options.allow_unsigned => Ok(Some((release, Trust::Unsigned))),
        None => Err(RepositoryError::Unsigned {
            place: file("Release")?.to_string(),
        }),
    }
}

pub(crate) async fn small(
    client: &Client,
    location: &Location,
) -> Result<Option<Vec<u8>>, RepositoryError> {
    match location {
        Location::Web(url) => web::small(client, url, RELEASE_LIMIT).await,
        Location::Folder(path) => match tokio::fs::metadata(path).await {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(RepositoryError::file("read", path)(error)),
            Ok(meta) if meta.len() > RELEASE_LIMIT as u64 => Err(RepositoryError::Bomb {
                file: location.to_string(),
                limit: format!("{RELEASE_LIMIT} bytes"),
            }),
            Ok(_) => tokio::fs::read(path)
                .await
                .map(Some)
                .map_err(RepositoryError::file("read", path)),
        },
    }
}

pub(crate) fn check_age(
    place: &str,
    release: &Release,
    now: Option<Timestamp>,
) -> Result<(), RepositoryError> {
    match (now, valid_until(release)) {
        (Some(now), Some(end)) if now > end => Err(RepositoryError::Expired {
            place: place.to_owned(),
            date: release.valid_until.clone(),
        }),
        _ => Ok(()),
    }
}

/// When the metadata end to be valid, if they say so.
fn valid_until(release: &Release) -> Option<Timestamp> {
    let date = release.valid_until.replace(" UTC", " +0000");
    jiff::fmt::rfc2822::parse(&date)
        .ok()
        .map(|zoned| zoned.timestamp())
}

fn index_paths(part: &Part<'_>, release: &Release) -> Vec<String> {
    if part.components.is_empty() && release.components.is_empty() {
        return vec!["Packages".to_owned()];
    }
    let components = if part.components.is_empty() {
        &release.components
    } else {
        part.components
    };
    let architectures = if part.architectures.is_empty() {
        &release.architectures
    } else {
        part.architectures
    };
    let mut paths = Vec::new();
    for component in components {
        // Some repositories name the component with the suite in front of it.
        let component = component.rsplit('/').next().unwrap_or(component);
        for architecture in architectures.iter().filter(|name| *name != "source") {
            paths.push(format!("{component}/binary-{architecture}/Packages"));
        }
    }
    paths
}

/// The best form of an index that the signed text lists (and that lies there, in a folder).
fn index(part: &Part<'_>, release: &Release, path: &str) -> Result<Option<Index>, RepositoryError> {
    for end in ENDS {
        let Some(file) = release.file(&format!("{path}{end}")) else {
            continue;
        };
        let location = part.file(&file.path)?;
        if let Location::Folder(path) = &location
            && !path.exists()
        {
            continue;
        }
        let check = Some(Check {
            size: Some(file.size),
            checksum: file.checksum,
            unfolded: false,
        });
        return Ok(Some(Index {
            location,
            root: part.root.to_string(),
            format: Format::Packages,
            check,
        }));
    }
    Ok(None)
}

/// A bare folder with `Packages` files and no `Release`: only by the explicit word.
async fn unsigned_folder(
    part: Part<'_>,
    mut plan: Plan,
    options: &OpenOptions,
) -> Result<Plan, RepositoryError> {
    let wanted = "InRelease, Release".to_owned();
    let Location::Folder(_) = part.root else {
        return Err(RepositoryError::Missing {
            place: part.root.to_string(),
            wanted,
        });
    };
    for end in [".zst", ".xz", ".gz", ".lz4", ""] {
        let location = part.file(&format!("Packages{end}"))?;
        let Location::Folder(path) = &location else {
            continue;
        };
        if path.exists() {
            if !options.allow_unsigned {
                return Err(RepositoryError::Unsigned {
                    place: part.root.to_string(),
                });
            }
            plan.indexes.push(Index {
                location,
                root: part.root.to_string(),
                format: Format::Packages,
                check: None,
            });
            plan.trust.push((part.root.to_string(), Trust::Unsigned));
            let message = "no Release file: nothing vouches for these packages";
            let severity = escadre_model::problem::Severity::Warning;
            plan.problems.push(Problem::new(
                severity,
                &part.root.to_string(),
                0,
                "repository.unsigned",
                message,
            ));
            return Ok(plan);
        }
    }
    Err(RepositoryError::Missing {
        place: part.root.to_string(),
        wanted: format!("{wanted}, Packages"),
    })
}
