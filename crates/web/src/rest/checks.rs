//! Checks, acknowledgements and downtimes.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use escadre_api::{
    Role,
    check::{
        CheckDetail, CheckFilter, CheckSummary, Downtime, DowntimeNew, HistoryEntry, PerfSeries,
    },
};
use jiff::ToSpan;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    answer::{Answer, Done, Made, list},
    body::{Asked, At, Document, Perhaps, time},
    route::{Route, delete, get, post},
};
use crate::{app::App, caller::Caller};

const USUAL_ENTRIES: u32 = 200;
const USUAL_POINTS: u32 = 500;

pub(super) fn table() -> Vec<Route> {
    vec![
        get("/checks", "Checks, most urgent first.", checks)
            .query(&[
                ("query", "Hosts, in the query language; empty: all."),
                ("host", "Only this host."),
                ("problems", "`true`: only hard problems and stale checks."),
                ("limit", "At most so many."),
            ])
            .lists::<CheckSummary>(),
        get("/checks/{host}/{check}", "One check.", check).answers::<CheckDetail>(),
        get(
            "/checks/{host}/{check}/history",
            "Its changes of state, newest first.",
            history,
        )
        .query(&[("limit", "At most so many; 200 when absent.")])
        .lists::<HistoryEntry>(),
        get("/checks/{host}/{check}/perf", "Its performance data.", perf)
            .query(&[
                ("from", "Since when; one day ago when absent."),
                ("until", "Until when; now when absent."),
                (
                    "points",
                    "At most so many points a series; 500 when absent.",
                ),
            ])
            .lists::<PerfSeries>(),
        post("/checks/{host}/{check}/run", "Runs it at once.", run)
            .role(Role::Operator)
            .status(202),
        post(
            "/checks/{host}/{check}/acknowledge",
            "Takes a problem.",
            acknowledge,
        )
        .role(Role::Operator)
        .takes::<Comment>()
        .answers::<CheckDetail>(),
        delete(
            "/checks/{host}/{check}/acknowledge",
            "Gives a problem back.",
            unacknowledge,
        )
        .role(Role::Operator)
        .status(200)
        .answers::<CheckDetail>(),
        post("/downtimes", "Plans a downtime, from now on.", downtime_add)
            .role(Role::Operator)
            .status(201)
            .takes::<DowntimeNew>()
            .answers::<Downtime>(),
        delete("/downtimes/{number}", "Ends a downtime.", downtime_remove).role(Role::Operator),
    ]
}

/// What a person says to a problem.
#[derive(Debug, Default, Deserialize, ToSchema)]
struct Comment {
    /// Why, or what is being done.
    #[serde(default)]
    comment: String,
}

type OneCheck = At<(String, String)>;

async fn checks(
    State(app): State<App>,
    Caller(actor): Caller,
    Asked(filter): Asked<CheckFilter>,
    headers: HeaderMap,
) -> Answer<Response> {
    list(&headers, &app.operations().checks(&actor, filter).await?)
}

async fn check(
    State(app): State<App>,
    Caller(actor): Caller,
    At((host, name)): OneCheck,
) -> Answer<Json<CheckDetail>> {
    Ok(Json(app.operations().check(&actor, &host, &name).await?))
}

#[derive(Deserialize)]
struct Limit {
    limit: Option<u32>,
}

async fn history(
    State(app): State<App>,
    Caller(actor): Caller,
    At((host, name)): OneCheck,
    Asked(Limit { limit }): Asked<Limit>,
    headers: HeaderMap,
) -> Answer<Response> {
    let limit = limit.unwrap_or(USUAL_ENTRIES);
    let entries = app
        .operations()
        .check_history(&actor, &host, &name, limit)
        .await?;
    list(&headers, &entries)
}

#[derive(Deserialize)]
struct Range {
    from: Option<String>,
    until: Option<String>,
    points: Option<u32>,
}

async fn perf(
    State(app): State<App>,
    Caller(actor): Caller,
    At((host, name)): OneCheck,
    Asked(range): Asked<Range>,
    headers: HeaderMap,
) -> Answer<Response> {
    let until = match range.until.as_deref() {
        Some(text) => time(text)?,
        None => app.now(),
    };
    let from = match range.from.as_deref() {
        Some(text) => time(text)?,
        None => until.checked_sub(24.hours()).unwrap_or(until),
    };
    let points = range.points.unwrap_or(USUAL_POINTS);
    let series = app
        .operations()
        .check_perf(&actor, &host, &name, from, until, points)
        .await?;
    list(&headers, &series)
}

async fn run(
    State(app): State<App>,
    Caller(actor): Caller,
    At((host, name)): OneCheck,
) -> Answer<StatusCode> {
    app.operations().check_run(&actor, &host, &name).await?;
    Ok(StatusCode::ACCEPTED)
}

async fn acknowledge(
    State(app): State<App>,
    Caller(actor): Caller,
    At((host, name)): OneCheck,
    Perhaps(comment): Perhaps<Comment>,
) -> Answer<Json<CheckDetail>> {
    let comment = comment.unwrap_or_default().comment;
    let check = app
        .operations()
        .check_acknowledge(&actor, &host, &name, &comment)
        .await?;
    Ok(Json(check))
}

async fn unacknowledge(
    State(app): State<App>,
    Caller(actor): Caller,
    At((host, name)): OneCheck,
) -> Answer<Json<CheckDetail>> {
    let check = app
        .operations()
        .check_unacknowledge(&actor, &host, &name)
        .await?;
    Ok(Json(check))
}

async fn downtime_add(
    State(app): State<App>,
    Caller(actor): Caller,
    Document(downtime): Document<DowntimeNew>,
) -> Answer<Made<Downtime>> {
    Ok(Made(app.operations().downtime_add(&actor, downtime).await?))
}

async fn downtime_remove(
    State(app): State<App>,
    Caller(actor): Caller,
    At(number): At<u64>,
) -> Answer<Done> {
    app.operations().downtime_remove(&actor, number).await?;
    Ok(Done)
}
