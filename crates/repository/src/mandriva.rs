//! Mandriva trees: `media_info/media.cfg` and the synthesis of each medium; or one synthesis alone.
//!
//! These trees bear no signature of their metadata (only each package does), so they need the explicit word.

use escadre_catalog::media_cfg;
use escadre_model::inventory::PackageKind;
use reqwest::Client;

use crate::{
    build::{Format, Index, Plan},
    debian::small,
    error::RepositoryError,
    location::Location,
    open::OpenOptions,
    signature::Trust,
};

pub(crate) async fn plan(
    root: &Location,
    client: &Client,
    options: &OpenOptions,
) -> Result<Plan, RepositoryError> {
    if !options.allow_unsigned {
        return Err(RepositoryError::Unsigned {
            place: root.to_string(),
        });
    }
    let mut plan = Plan {
        kind: PackageKind::Rpm,
        identity: format!("mandriva {root}"),
        indexes: Vec::new(),
        trust: vec![(root.to_string(), Trust::Unsigned)],
        problems: Vec::new(),
    };
    if let Location::Folder(path) = root
        && path.is_file()
    {
        plan.indexes.push(synthesis(root.clone(), root));
        return Ok(plan);
    }
    let location = root.below("media_info/media.cfg")?;
    let Some(text) = small(client, &location).await? else {
        let wanted = "media_info/media.cfg".to_owned();
        return Err(RepositoryError::Missing {
            place: root.to_string(),
            wanted,
        });
    };
    let media = media_cfg::parse(&location.to_string(), &String::from_utf8_lossy(&text));
    plan.problems = media.problems;
    for medium in media
        .media
        .iter()
        .filter(|medium| !medium.hdlist.is_empty())
    {
        let below = root.below(medium.rpms.as_deref().unwrap_or(&medium.directory))?;
        plan.indexes.push(synthesis(
            root.below(&format!("media_info/{}", medium.synthesis_file()))?,
            &below,
        ));
    }
    Ok(plan)
}

fn synthesis(location: Location, root: &Location) -> Index {
    Index {
        location,
        root: root.to_string(),
        format: Format::Synthesis,
        check: None,
    }
}
