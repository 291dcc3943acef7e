//! Hosts.

use axum::{Json, extract::State, http::HeaderMap, response::Response};
use escadre_api::{
    Role,
    host::{HostDetail, HostEdit, HostFilter, HostSummary, TimelineEntry},
};
use serde::Deserialize;
use serde_json::json;

use super::{
    answer::{Answer, Done, list},
    body::{Asked, At, Document, time},
    route::{Route, delete, get, patch},
};
use crate::{app::App, caller::Caller};

/// Entries of a time line when nobody says how many.
const USUAL_ENTRIES: u32 = 200;

pub(super) fn table() -> Vec<Route> {
    let package = json!({"type": "array", "items": {"type": "object", "properties": {
        "name": {"type": "string"}, "version": {"type": "string"}, "arch": {"type": "string"},
        "kind": {"type": "string"}, "size": {"type": "integer"},
    }}});
    vec![
        get("/hosts", "Hosts by name.", hosts)
            .query(&[
                ("query", "Which hosts, in the query language; empty: all."),
                ("after", "Only names after this one (for the next page)."),
                ("limit", "At most so many."),
            ])
            .lists::<HostSummary>(),
        get("/hosts/{name}", "One host with its inventory.", host).answers::<HostDetail>(),
        patch(
            "/hosts/{name}",
            "Changes site, tags or notes; absent fields stay.",
            edit,
        )
        .role(Role::Operator)
        .takes::<HostEdit>()
        .answers::<HostDetail>(),
        delete(
            "/hosts/{name}",
            "Forgets a host and refuses its certificate from now on.",
            remove,
        )
        .role(Role::Administrator),
        get(
            "/hosts/{name}/packages",
            "Its installed packages.",
            packages,
        )
        .answers_as("application/json", package),
        get(
            "/hosts/{name}/timeline",
            "Everything that happened to it, newest first.",
            timeline,
        )
        .query(&[
            (
                "before",
                "Only what happened before this time (for the next page).",
            ),
            ("limit", "At most so many; 200 when absent."),
        ])
        .lists::<TimelineEntry>(),
    ]
}

async fn hosts(
    State(app): State<App>,
    Caller(actor): Caller,
    Asked(filter): Asked<HostFilter>,
    headers: HeaderMap,
) -> Answer<Response> {
    list(&headers, &app.operations().hosts(&actor, filter).await?)
}

async fn host(
    State(app): State<App>,
    Caller(actor): Caller,
    At(name): At<String>,
) -> Answer<Json<HostDetail>> {
    Ok(Json(app.operations().host(&actor, &name).await?))
}

async fn edit(
    State(app): State<App>,
    Caller(actor): Caller,
    At(name): At<String>,
    Document(edit): Document<HostEdit>,
) -> Answer<Json<HostDetail>> {
    Ok(Json(app.operations().host_edit(&actor, &name, edit).await?))
}

async fn remove(
    State(app): State<App>,
    Caller(actor): Caller,
    At(name): At<String>,
) -> Answer<Done> {
    app.operations().host_remove(&actor, &name).await?;
    Ok(Done)
}

async fn packages(
    State(app): State<App>,
    Caller(actor): Caller,
    At(name): At<String>,
    headers: HeaderMap,
) -> Answer<Response> {
    list(
        &headers,
        &app.operations().host_packages(&actor, &name).await?,
    )
}

#[derive(Deserialize)]
struct Range {
    before: Option<String>,
    limit: Option<u32>,
}

async fn timeline(
    State(app): State<App>,
    Caller(actor): Caller,
    At(name): At<String>,
    Asked(range): Asked<Range>,
    headers: HeaderMap,
) -> Answer<Response> {
    let before = range.before.as_deref().map(time).transpose()?;
    let limit = range.limit.unwrap_or(USUAL_ENTRIES);
    let entries = app
        .operations()
        .host_timeline(&actor, &name, before, limit)
        .await?;
    list(&headers, &entries)
}
