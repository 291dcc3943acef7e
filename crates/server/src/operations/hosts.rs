//! Hosts: lists by query, one with its inventory, what a person may change, and removal.

use std::{collections::HashMap, sync::Arc};

use escadre_api::{Actor, ApiError, ApiResult, Role, host::*};
use escadre_model::{
    HostId, Timestamp,
    check::CheckState,
    inventory::{InstalledPackage, Inventory},
    query::Query,
};
use escadre_store::tables::{audit, host as rows, inventory};
use escadre_watch::{Event, HostRecord, Standing};

use super::{
    allowed::{Deed, act, require},
    command_campaigns, command_engine, timeline,
};
use crate::{
    clock,
    directory::{Asked, Known},
    roles::conductor::Wanted,
    shared::Shared,
};

pub(super) fn unknown(name: &str) -> ApiError {
    ApiError::not_found("host.unknown", format!("there is no host `{name}`"))
        .with_hint("`escadre host list` shows all")
}

/// A host by its name.
pub(super) fn find(shared: &Shared, name: &str) -> ApiResult<Known> {
    shared.directory.by_name(name).ok_or_else(|| unknown(name))
}

/// Hosts that a query names, by name; all others too, where `others` wants them.
pub(super) async fn matching(
    shared: &Arc<Shared>,
    query: &str,
) -> ApiResult<(Vec<Known>, Vec<Known>)> {
    let query = Query::parse(query)
        .map_err(|error| ApiError::invalid("query.invalid", error.to_string()))?;
    let all = shared.directory.all();
    let packages = packages_for(shared, &query).await?;
    let engine = shared.engine();
    Ok(all.into_iter().partition(|known| {
        let subject = Asked {
            known,
            standing: engine.standing(known.row.id).unwrap_or(Standing::Pending),
            packages: packages.get(&known.row.id).map_or(&[], Vec::as_slice),
        };
        query.matches(&subject)
    }))
}

/// Packages of every host, for queries that ask for any.
async fn packages_for(
    shared: &Arc<Shared>,
    query: &Query,
) -> ApiResult<HashMap<HostId, Vec<InstalledPackage>>> {
    let mut packages: HashMap<HostId, Vec<InstalledPackage>> = HashMap::new();
    if query.text().to_lowercase().contains("has:") {
        for (host, package) in shared.read(inventory::all_packages).await? {
            packages.entry(host).or_default().push(package);
        }
    }
    Ok(packages)
}

/// A host as it is shown in lists.
pub(super) fn summary(
    known: &Known,
    record: Option<&HostRecord>,
    standing: Standing,
) -> HostSummary {
    let checks = || record.into_iter().flat_map(|record| record.checks.values());
    let own = record.and_then(HostRecord::own_check);
    let state = match own.map(|own| own.status.state) {
        Some(CheckState::Ok) => HostState::Up,
        None | Some(CheckState::Pending) => HostState::Pending,
        Some(_) => HostState::Down,
    };
    let worst = checks()
        .map(|check| check.status.state)
        .max_by_key(|state| state.urgency());
    let problems = checks().filter(|check| check.status.is_problem()).count();
    let (row, inventory) = (&known.row, &known.inventory);
    let networks = inventory
        .networks
        .iter()
        .flat_map(|network| &network.addresses);
    HostSummary {
        name: row.name.clone(),
        id: row.id,
        state,
        stale: standing == Standing::Stale
            || own.is_some_and(|own| own.status.stale_since.is_some()),
        since: own.map(|own| own.status.since),
        worst: worst.unwrap_or(CheckState::Pending),
        problems: u32::try_from(problems).unwrap_or(u32::MAX),
        site: row.site.clone(),
        tags: row.tags.clone(),
        os: inventory.os.name.clone(),
        arch: inventory.os.arch.clone(),
        addresses: networks
            .map(|address| format!("{}/{}", address.ip, address.prefix))
            .collect(),
        agent_version: row.agent_version.clone(),
        last_contact: row.last_contact,
        created: row.created,
    }
}

pub(super) fn summaries(shared: &Shared, hosts: &[Known]) -> Vec<HostSummary> {
    let engine = shared.engine();
    let one = |known: &Known| {
        let standing = engine.standing(known.row.id).unwrap_or(Standing::Pending);
        summary(known, engine.host(known.row.id), standing)
    };
    hosts.iter().map(one).collect()
}

pub(super) async fn hosts(
    shared: &Arc<Shared>,
    actor: &Actor,
    filter: HostFilter,
) -> ApiResult<Vec<HostSummary>> {
    require(actor, Role::Viewer)?;
    let (mut found, _) = matching(shared, &filter.query).await?;
    if let Some(after) = &filter.after {
        found.retain(|known| known.row.name > *after);
    }
    found.truncate(filter.limit.map_or(usize::MAX, |limit| limit as usize));
    Ok(summaries(shared, &found))
}

fn detail(shared: &Shared, known: &Known, packages: Vec<InstalledPackage>) -> HostDetail {
    let mut all = summaries(shared, std::slice::from_ref(known));
    HostDetail {
        summary: all.remove(0),
        inventory: Inventory {
            packages,
            ..(*known.inventory).clone()
        },
        certificate_expires: known.row.certificate_expires,
        notes: known.row.notes.clone(),
    }
}

pub(super) async fn host(shared: &Arc<Shared>, actor: &Actor, name: &str) -> ApiResult<HostDetail> {
    require(actor, Role::Viewer)?;
    let known = find(shared, name)?;
    let id = known.row.id;
    let packages = shared.read(move |tx| inventory::packages(tx, id)).await?;
    Ok(detail(shared, &known, packages))
}

pub(super) async fn host_packages(
    shared: &Arc<Shared>,
    actor: &Actor,
    name: &str,
) -> ApiResult<Vec<InstalledPackage>> {
    require(actor, Role::Viewer)?;
    let id = find(shared, name)?.row.id;
    shared.read(move |tx| inventory::packages(tx, id)).await
}

pub(super) async fn host_timeline(
    shared: &Arc<Shared>,
    actor: &Actor,
    name: &str,
    before: Option<Timestamp>,
    limit: u32,
) -> ApiResult<Vec<TimelineEntry>> {
    require(actor, Role::Viewer)?;
    let known = find(shared, name)?;
    timeline::of(
        shared,
        &known,
        before.unwrap_or(Timestamp::MAX),
        limit.min(1000),
    )
    .await
}

/// Tags without blanks around them, sorted, each once.
pub(super) fn tidy_tags(tags: &[String]) -> ApiResult<Vec<String>> {
    let mut tidy: Vec<String> = tags
        .iter()
        .map(|tag| tag.trim().to_owned())
        .filter(|tag| !tag.is_empty())
        .collect();
    tidy.sort();
    tidy.dedup();
    let is_wrong =
        |tag: &&String| tag.chars().count() > 64 || tag.chars().any(|c| c.is_control() || c == ',');
    if let Some(wrong) = tidy.iter().find(is_wrong) {
        let message = format!("`{wrong}` is no tag: at most 64 characters, no comma");
        return Err(ApiError::invalid("tag.invalid", message));
    }
    if tidy.len() > 100 {
        return Err(ApiError::invalid(
            "tag.too_many",
            "a host has at most 100 tags",
        ));
    }
    Ok(tidy)
}

pub(super) async fn host_edit(
    shared: &Arc<Shared>,
    actor: &Actor,
    name: &str,
    edit: HostEdit,
) -> ApiResult<HostDetail> {
    let described = [
        edit.site.as_ref().map(|site| format!("site {site}")),
        edit.tags
            .as_ref()
            .map(|tags| format!("tags {}", tags.join(", "))),
        edit.notes.as_ref().map(|_| "notes".to_owned()),
    ];
    let deed = Deed::new("host.edit", name).with(
        described
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join("; "),
    );
    act(shared, actor, Role::Operator, deed, |line| async move {
        let known = find(shared, name)?;
        let id = known.row.id;
        let site = edit
            .site
            .map_or_else(|| known.row.site.clone(), |site| site.trim().to_owned());
        let tags = edit
            .tags
            .map_or_else(|| Ok(known.row.tags.clone()), |tags| tidy_tags(&tags))?;
        let notes = edit.notes.unwrap_or_else(|| known.row.notes.clone());
        if site.chars().count() > 128 || notes.len() > 64 << 10 {
            return Err(ApiError::invalid(
                "host.too_long",
                "a site has at most 128 characters, notes 64 KiB",
            ));
        }
        let row = (site.clone(), tags.clone(), notes.clone());
        shared
            .write(move |tx| {
                rows::edit(tx, id, &row.0, &row.1, &row.2)?;
                audit::append(tx, &line)
            })
            .await?;
        shared.directory.change(id, |row| {
            row.site = site;
            row.tags = tags;
            row.notes = notes;
        });
        shared.tell_host(id);
        host(shared, actor, name).await
    })
    .await
}

pub(super) async fn host_remove(shared: &Arc<Shared>, actor: &Actor, name: &str) -> ApiResult<()> {
    act(
        shared,
        actor,
        Role::Administrator,
        Deed::new("host.remove", name),
        |line| async move {
            let id = find(shared, name)?.row.id;
            let now = clock::now();
            shared
                .write(move |tx| {
                    rows::remove(tx, id, now)?;
                    audit::append(tx, &line)
                })
                .await?;
            // From here on its certificate opens nothing.
            shared.directory.remove(id);
            shared.run_now().remove(&id);
            command_engine(shared, Event::HostGone { host: id }, None).await?;
            command_campaigns(shared, Wanted::HostRemoved(id), None).await?;
            shared.tell_orders(id);
            shared.tell("host.changed", &id);
            Ok(())
        },
    )
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_tidied() {
        let given = [" b ", "a", "b", ""].map(str::to_owned);
        assert_eq!(tidy_tags(&given).expect("good"), ["a", "b"]);
        for wrong in ["a,b", "a\nb", &"x".repeat(65)] {
            assert!(tidy_tags(&[wrong.to_owned()]).is_err(), "{wrong}");
        }
    }
}
