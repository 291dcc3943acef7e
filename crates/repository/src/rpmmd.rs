//! rpm-md repositories: from `repomd.xml` and its signature down to `primary.xml`.

use escadre_catalog::rpmmd::repomd::{self, Repomd};
use escadre_model::inventory::PackageKind;
use reqwest::Client;

use crate::{
    build::{Format, Index, Plan},
    debian::small,
    decompress::Check,
    error::RepositoryError,
    location::Location,
    open::OpenOptions,
    signature::{Signed, Trust, system_keyrings, verify},
};

pub(crate) async fn plan(
    root: &Location,
    client: &Client,
    options: &OpenOptions,
) -> Result<Plan, RepositoryError> {
    let location = root.below("repodata/repomd.xml")?;
    let Some(text) = small(client, &location).await? else {
        let wanted = "repodata/repomd.xml".to_owned();
        return Err(RepositoryError::Missing {
            place: root.to_string(),
            wanted,
        });
    };
    let trust = match small(client, &root.below("repodata/repomd.xml.asc")?).await? {
        Some(signature) => {
            let keyrings = options
                .keyrings
                .clone()
                .unwrap_or_else(|| system_keyrings(std::path::Path::new("/")));
            Trust::Signed(
                verify(
                    &location.to_string(),
                    Signed::Detached(&text, &signature),
                    &keyrings,
                )?
                .1,
            )
        }
        None if options.allow_unsigned => Trust::Unsigned,
        None => {
            return Err(RepositoryError::Unsigned {
                place: location.to_string(),
            });
        }
    };
    let repomd = repomd::read(&location.to_string(), text.as_slice())?;
    let mut indexes = vec![index(root, &repomd, "primary", Format::Primary)?];
    if options.filelists && repomd.get("filelists").is_some() {
        indexes.push(index(root, &repomd, "filelists", Format::Filelists)?);
    }
    Ok(Plan {
        kind: PackageKind::Rpm,
        identity: format!("rpm-md {root} filelists {}", options.filelists),
        indexes,
        trust: vec![(root.to_string(), trust)],
        problems: Vec::new(),
    })
}

fn index(
    root: &Location,
    repomd: &Repomd,
    kind: &str,
    format: Format,
) -> Result<Index, RepositoryError> {
    let missing = || RepositoryError::Missing {
        place: root.to_string(),
        wanted: format!("{kind} with a sound checksum"),
    };
    let data = repomd.get(kind).ok_or_else(missing)?;
    let checksum = data.checksum.ok_or_else(missing)?;
    let check = Some(Check {
        size: data.size,
        checksum,
        unfolded: false,
    });
    Ok(Index {
        location: root.below(&data.path)?,
        root: root.to_string(),
        format,
        check,
    })
}
