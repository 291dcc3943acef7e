//! The list of checks, and one check with its curves, its history and what a person can do about it.

use askama::Template;
use axum::{
    Router,
    extract::{Path, Query, State},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use escadre_api::check::{
    CheckDetail, CheckFilter, CheckSummary, DowntimeNew, HistoryEntry, PerfSeries,
};
use escadre_model::{Timestamp, check::CheckCommand};
use jiff::ToSpan;
use serde::Deserialize;
use serde_json::json;

use super::{
    form::Posted,
    hosts::WrongQuery,
    page::{Page, Visit},
    render,
    show::Markup,
};
use crate::{
    app::App,
    link::{segment, shell_word},
    rest::Refused,
};

const LIMIT: u32 = 500;
const HISTORY: u32 = 50;
const POINTS: u32 = 240;
/// Ranges of the curves: word in the address and hours.
const RANGES: [(&str, i64); 5] = [("1h", 1), ("6h", 6), ("24h", 24), ("7d", 168), ("30d", 720)];

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/checks", get(list))
        .route("/checks/{host}/{check}", get(show))
        .route("/checks/{host}/{check}/run", post(run))
        .route("/checks/{host}/{check}/acknowledge", post(acknowledge))
        .route("/checks/{host}/{check}/unacknowledge", post(unacknowledge))
        .route("/checks/{host}/{check}/downtime", post(downtime))
        .route("/downtimes/{number}/end", post(downtime_end))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    query: String,
    problems: bool,
}

#[derive(Template)]
#[template(path = "checks.html")]
struct List {
    page: Page,
    asked: Asked,
    checks: Vec<CheckSummary>,
    wrong: Option<WrongQuery>,
    cut: bool,
}

async fn list(
    State(app): State<App>,
    visit: Visit,
    Query(asked): Query<Asked>,
) -> Result<Response, Refused> {
    let mut page = visit.page;
    page.titled(page.say("checks-title"), "checks");
    page.live = "host";
    let problems = if asked.problems { "true" } else { "" };
    if asked.problems {
        page.command_about(&["check", "list", "--problems"], &asked.query);
    } else {
        page.command_about(&["check", "list"], &asked.query);
    }
    page.call_list(
        "/checks",
        &[("query", &asked.query), ("problems", problems)],
    );
    let wrong = WrongQuery::find(&asked.query);
    let mut checks = Vec::new();
    if wrong.is_none() {
        let filter = CheckFilter {
            query: asked.query.clone(),
            host: None,
            problems: asked.problems,
            limit: Some(LIMIT),
        };
        checks = app.operations().checks(&visit.actor, filter).await?;
    }
    let cut = checks.len() == LIMIT as usize;
    Ok(render(&List {
        page,
        asked,
        checks,
        wrong,
        cut,
    }))
}

#[derive(Deserialize)]
struct Range {
    #[serde(default)]
    range: String,
    done: Option<String>,
}

#[derive(Template)]
#[template(path = "check.html")]
struct One {
    page: Page,
    check: CheckDetail,
    history: Vec<HistoryEntry>,
    series: Vec<PerfSeries>,
    from: Timestamp,
    until: Timestamp,
    range: &'static str,
    done: Option<String>,
}

impl One {
    fn ranges(&self) -> [&'static str; 5] {
        RANGES.map(|(word, _)| word)
    }

    fn path(&self) -> String {
        path_of(&self.check.summary.host, &self.check.summary.name)
    }

    /// How it is run, as a line.
    fn how(&self) -> String {
        match &self.check.definition.command {
            CheckCommand::Builtin { name, args } => {
                let words = std::iter::once(name)
                    .chain(args)
                    .map(|word| shell_word(word));
                words.collect::<Vec<_>>().join(" ")
            }
            CheckCommand::Plugin { argv } => {
                let words = argv.iter().map(|word| shell_word(word));
                words.collect::<Vec<_>>().join(" ")
            }
            CheckCommand::Passive => self.page.say("check-passive").into_owned(),
        }
    }

    fn is_problem(&self) -> bool {
        self.check.summary.stale || self.check.summary.state.urgency() > 1
    }

    fn every(&self) -> String {
        let every = u64::from(self.check.definition.interval_s);
        self.page.words.span(every)
    }

    fn freshness(&self) -> String {
        match self.check.definition.freshness_s {
            0 => self.page.say("none").into_owned(),
            seconds => self.page.words.span(u64::from(seconds)),
        }
    }

    fn point_time(&self, at_ms: &i64) -> Markup {
        let at = Timestamp::from_millisecond(*at_ms).unwrap_or(self.until);
        self.page.time(&at)
    }
}

fn path_of(host: &str, check: &str) -> String {
    format!("/checks/{}/{}", segment(host), segment(check))
}

async fn show(
    State(app): State<App>,
    visit: Visit,
    Path((host, name)): Path<(String, String)>,
    Query(asked): Query<Range>,
) -> Result<Response, Refused> {
    let (actor, mut page) = (visit.actor, visit.page);
    page.titled(format!("{name} · {host}"), "checks");
    page.live = "host";
    page.command(&["check", "show", &host, &name]);
    let path = path_of(&host, &name);
    page.call("GET", &path, &[]);
    if page.may_operate() {
        page.call_with(
            "POST",
            &format!("{path}/acknowledge"),
            &[],
            Some(&json!({"comment": "…"})),
        );
    }
    let range = RANGES.into_iter().find(|(word, _)| *word == asked.range);
    let (range, hours) = range.unwrap_or(("24h", 24));
    let until = page.now;
    let from = until.checked_sub(hours.hours()).unwrap_or(until);
    let operations = app.operations();
    let check = operations.check(&actor, &host, &name).await?;
    let history = operations
        .check_history(&actor, &host, &name, HISTORY)
        .await?;
    let series = operations
        .check_perf(&actor, &host, &name, from, until, POINTS)
        .await?;
    Ok(render(&One {
        page,
        check,
        history,
        series,
        from,
        until,
        range,
        done: asked.done,
    }))
}

fn back(host: &str, check: &str, done: &str) -> Response {
    Redirect::to(&format!("{}?done={done}", path_of(host, check))).into_response()
}

type OneCheck = Path<(String, String)>;

async fn run(
    State(app): State<App>,
    visit: Visit,
    Path((host, name)): OneCheck,
    Posted(_): Posted,
) -> Result<Response, Refused> {
    app.operations()
        .check_run(&visit.actor, &host, &name)
        .await?;
    Ok(back(&host, &name, "run"))
}

async fn acknowledge(
    State(app): State<App>,
    visit: Visit,
    Path((host, name)): OneCheck,
    Posted(fields): Posted,
) -> Result<Response, Refused> {
    app.operations()
        .check_acknowledge(&visit.actor, &host, &name, fields.get("comment"))
        .await?;
    Ok(back(&host, &name, "acknowledged"))
}

async fn unacknowledge(
    State(app): State<App>,
    visit: Visit,
    Path((host, name)): OneCheck,
    Posted(_): Posted,
) -> Result<Response, Refused> {
    app.operations()
        .check_unacknowledge(&visit.actor, &host, &name)
        .await?;
    Ok(back(&host, &name, "unacknowledged"))
}

async fn downtime(
    State(app): State<App>,
    visit: Visit,
    Path((host, name)): OneCheck,
    Posted(fields): Posted,
) -> Result<Response, Refused> {
    let whole_host = fields.get("scope") == "host";
    let downtime = DowntimeNew {
        host: host.clone(),
        check: (!whole_host).then(|| name.clone()),
        duration_s: fields
            .get("minutes")
            .parse()
            .unwrap_or(60u64)
            .saturating_mul(60),
        comment: fields.get("comment").to_owned(),
    };
    app.operations()
        .downtime_add(&visit.actor, downtime)
        .await?;
    Ok(back(&host, &name, "downtime"))
}

async fn downtime_end(
    State(app): State<App>,
    visit: Visit,
    Path(number): Path<u64>,
    Posted(fields): Posted,
) -> Result<Response, Refused> {
    app.operations()
        .downtime_remove(&visit.actor, number)
        .await?;
    Ok(back(
        fields.get("host"),
        fields.get("check"),
        "downtime-ended",
    ))
}
