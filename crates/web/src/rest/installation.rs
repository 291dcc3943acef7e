//! The installation itself: what it is, its first page, its health, its settings, what changes now.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response, Sse, sse},
};
use escadre_api::{
    Role,
    account::Settings,
    health::{About, Finding, Inbox},
    live::LiveEvent,
};
use futures_util::{Stream, StreamExt};
use serde_json::json;

use super::{
    answer::{Answer, list},
    body::Document,
    route::{Route, get, put},
};
use crate::{app::App, caller::Caller};

pub(super) fn table() -> Vec<Route> {
    vec![
        get("/about", "What this server is.", about).answers::<About>(),
        get(
            "/inbox",
            "What needs me: everything a person should look at.",
            inbox,
        )
        .answers::<Inbox>(),
        get(
            "/healthcheck",
            "Every finding about the installation, worst first.",
            healthcheck,
        )
        .lists::<Finding>(),
        get(
            "/metrics",
            "Metrics for Prometheus; also at /metrics.",
            metrics,
        )
        .answers_as("text/plain", json!({"type": "string"})),
        get(
            "/events",
            "What changes from now on, as server-sent events with one JSON document each.",
            events,
        )
        .answers_as(
            "text/event-stream",
            json!({"$ref": "#/components/schemas/LiveEvent"}),
        )
        .also::<LiveEvent>(),
        get("/settings", "Settings of the installation.", settings).answers::<Settings>(),
        put("/settings", "Changes the settings.", settings_edit)
            .role(Role::Administrator)
            .status(200)
            .takes::<Settings>()
            .answers::<Settings>(),
    ]
}

async fn about(State(app): State<App>, _: Caller) -> Answer<Json<About>> {
    Ok(Json(app.operations().about().await?))
}

async fn inbox(State(app): State<App>, Caller(actor): Caller) -> Answer<Json<Inbox>> {
    Ok(Json(app.operations().inbox(&actor).await?))
}

async fn healthcheck(
    State(app): State<App>,
    Caller(actor): Caller,
    headers: HeaderMap,
) -> Answer<Response> {
    list(&headers, &app.operations().healthcheck(&actor).await?)
}

pub(crate) async fn metrics(State(app): State<App>, _: Caller) -> Answer<Response> {
    let text = app.operations().metrics().await?;
    let format = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, format)], text).into_response())
}

async fn events(
    State(app): State<App>,
    _: Caller,
) -> Sse<impl Stream<Item = Result<sse::Event, axum::Error>>> {
    let live = app.operations().live();
    Sse::new(live.map(|event| sse::Event::default().json_data(event)))
        .keep_alive(sse::KeepAlive::default())
}

async fn settings(State(app): State<App>, Caller(actor): Caller) -> Answer<Json<Settings>> {
    Ok(Json(app.operations().settings(&actor).await?))
}

async fn settings_edit(
    State(app): State<App>,
    Caller(actor): Caller,
    Document(settings): Document<Settings>,
) -> Answer<Json<Settings>> {
    Ok(Json(
        app.operations().settings_edit(&actor, settings).await?,
    ))
}
