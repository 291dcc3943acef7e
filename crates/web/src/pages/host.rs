//! One host: its checks, its inventory, its packages, its deliveries, and one time line of all of it.

use std::collections::HashMap;

use askama::Template;
use axum::{
    Router,
    extract::{Path, Query, State},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use escadre_api::{
    Actor, ApiError,
    check::{CheckFilter, CheckSummary, PerfSeries},
    host::{HostDetail, HostEdit, TimelineEntry},
    rollout::{Delivery, DeliveryFilter},
};
use escadre_model::{Timestamp, inventory::InstalledPackage};
use jiff::ToSpan;
use serde::Deserialize;

use super::{
    form::Posted,
    page::{Page, Visit},
    render,
};
use crate::{
    app::App,
    link::{segment, with_query},
    rest::Refused,
};

/// Rows of one page of packages or of the time line.
const WINDOW: usize = 100;
/// Checks of one host that get a spark; beyond, a page of curves helps nobody.
const SPARKS: usize = 40;
const SPARK_POINTS: u32 = 60;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/hosts/{name}", get(overview).post(edit))
        .route("/hosts/{name}/remove", post(remove))
        .route("/hosts/{name}/inventory", get(inventory))
        .route("/hosts/{name}/packages", get(packages))
        .route("/hosts/{name}/deliveries", get(deliveries))
        .route("/hosts/{name}/timeline", get(timeline))
}

/// What every tab of a host's page shows above itself.
struct Head {
    host: HostDetail,
    tab: &'static str,
}

impl Head {
    fn tabs(&self) -> [(&'static str, String); 5] {
        let base = format!("/hosts/{}", segment(&self.host.summary.name));
        ["checks", "inventory", "packages", "deliveries", "timeline"].map(|tab| {
            let path = if tab == "checks" {
                base.clone()
            } else {
                format!("{base}/{tab}")
            };
            (tab, path)
        })
    }
}

async fn head(
    app: &App,
    actor: &Actor,
    page: &mut Page,
    name: &str,
    tab: &'static str,
) -> Result<Head, ApiError> {
    let host = app.operations().host(actor, name).await?;
    page.titled(host.summary.name.clone(), "hosts");
    page.live = "host rollout";
    let path = format!("/hosts/{}", segment(name));
    match tab {
        "checks" => {
            page.command(&["check", "list", "--host", name]);
            page.call_list("/checks", &[("host", name)]);
        }
        "inventory" => {
            page.command(&["host", "show", name]);
            page.call("GET", &path, &[]);
        }
        "deliveries" => {
            page.command(&["delivery", "list", "--host", name]);
            page.call_list("/deliveries", &[("host", name)]);
        }
        tab => {
            page.command(&["host", tab, name]);
            page.call_list(&format!("{path}/{tab}"), &[]);
        }
    }
    Ok(Head { host, tab })
}

#[derive(Template)]
#[template(path = "host_checks.html")]
struct Overview {
    page: Page,
    head: Head,
    checks: Vec<CheckSummary>,
    sparks: HashMap<String, PerfSeries>,
    recent: Vec<TimelineEntry>,
}

impl Overview {
    fn spark(&self, check: &str) -> Option<&PerfSeries> {
        self.sparks.get(check)
    }
}

async fn overview(
    State(app): State<App>,
    visit: Visit,
    Path(name): Path<String>,
) -> Result<Response, Refused> {
    let (actor, mut page) = (visit.actor, visit.page);
    let head = head(&app, &actor, &mut page, &name, "checks").await?;
    let filter = CheckFilter {
        host: Some(name.clone()),
        ..CheckFilter::default()
    };
    let checks = app.operations().checks(&actor, filter).await?;
    let (now, day) = (page.now, 24.hours());
    let from = now.checked_sub(day).unwrap_or(now);
    let mut sparks = HashMap::new();
    for check in checks.iter().take(SPARKS) {
        let series = app
            .operations()
            .check_perf(&actor, &name, &check.name, from, now, SPARK_POINTS)
            .await?;
        if let Some(series) = series.into_iter().next() {
            sparks.insert(check.name.clone(), series);
        }
    }
    let recent = app
        .operations()
        .host_timeline(&actor, &name, None, 12)
        .await?;
    Ok(render(&Overview {
        page,
        head,
        checks,
        sparks,
        recent,
    }))
}

#[derive(Template)]
#[template(path = "host_inventory.html")]
struct InventoryView {
    page: Page,
    head: Head,
}

async fn inventory(
    State(app): State<App>,
    visit: Visit,
    Path(name): Path<String>,
) -> Result<Response, Refused> {
    let mut page = visit.page;
    let head = head(&app, &visit.actor, &mut page, &name, "inventory").await?;
    Ok(render(&InventoryView { page, head }))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Window {
    search: String,
    offset: usize,
    before: String,
}

#[derive(Template)]
#[template(path = "host_packages.html")]
struct Packages {
    page: Page,
    head: Head,
    search: String,
    packages: Vec<InstalledPackage>,
    total: usize,
    next: Option<String>,
}

async fn packages(
    State(app): State<App>,
    visit: Visit,
    Path(name): Path<String>,
    Query(window): Query<Window>,
) -> Result<Response, Refused> {
    let mut page = visit.page;
    let head = head(&app, &visit.actor, &mut page, &name, "packages").await?;
    let mut packages = app.operations().host_packages(&visit.actor, &name).await?;
    let search = window.search.trim().to_lowercase();
    packages.retain(|package| package.name.to_lowercase().contains(&search));
    let total = packages.len();
    let end = window.offset.saturating_add(WINDOW);
    let path = format!("/hosts/{}/packages", segment(&name));
    let next = (end < total).then(|| {
        with_query(
            &path,
            &[("search", &window.search), ("offset", &end.to_string())],
        )
    });
    let packages = packages.into_iter().skip(window.offset).take(WINDOW);
    Ok(render(&Packages {
        page,
        head,
        search: window.search,
        packages: packages.collect(),
        total,
        next,
    }))
}

#[derive(Template)]
#[template(path = "host_deliveries.html")]
struct Deliveries {
    page: Page,
    head: Head,
    deliveries: Vec<Delivery>,
}

async fn deliveries(
    State(app): State<App>,
    visit: Visit,
    Path(name): Path<String>,
) -> Result<Response, Refused> {
    let mut page = visit.page;
    let head = head(&app, &visit.actor, &mut page, &name, "deliveries").await?;
    let filter = DeliveryFilter {
        host: Some(name),
        limit: Some(WINDOW as u32),
        ..DeliveryFilter::default()
    };
    let deliveries = app.operations().deliveries(&visit.actor, filter).await?;
    Ok(render(&Deliveries {
        page,
        head,
        deliveries,
    }))
}

#[derive(Template)]
#[template(path = "host_timeline.html")]
struct Timeline {
    page: Page,
    head: Head,
    entries: Vec<TimelineEntry>,
    next: Option<String>,
}

async fn timeline(
    State(app): State<App>,
    visit: Visit,
    Path(name): Path<String>,
    Query(window): Query<Window>,
) -> Result<Response, Refused> {
    let mut page = visit.page;
    let head = head(&app, &visit.actor, &mut page, &name, "timeline").await?;
    // An address that somebody cut short shows the newest entries.
    let before: Option<Timestamp> = window.before.parse().ok();
    let entries = app
        .operations()
        .host_timeline(&visit.actor, &name, before, WINDOW as u32)
        .await?;
    let path = format!("/hosts/{}/timeline", segment(&name));
    let oldest = entries.last().filter(|_| entries.len() == WINDOW);
    let next = oldest.map(|entry| with_query(&path, &[("before", &entry.at.to_string())]));
    Ok(render(&Timeline {
        page,
        head,
        entries,
        next,
    }))
}

async fn edit(
    State(app): State<App>,
    visit: Visit,
    Path(name): Path<String>,
    Posted(fields): Posted,
) -> Result<Response, Refused> {
    let tags = fields.get("tags").split([' ', ',']);
    let tags = tags.filter(|tag| !tag.is_empty()).map(str::to_owned);
    let edit = HostEdit {
        site: Some(fields.get("site").to_owned()),
        tags: Some(tags.collect()),
        notes: Some(fields.get("notes").to_owned()),
    };
    app.operations()
        .host_edit(&visit.actor, &name, edit)
        .await?;
    let path = format!("/hosts/{}/inventory", segment(&name));
    Ok(Redirect::to(&path).into_response())
}

/// Removing wants the name typed again: it cannot be undone.
async fn remove(
    State(app): State<App>,
    visit: Visit,
    Path(name): Path<String>,
    Posted(fields): Posted,
) -> Result<Response, Refused> {
    if fields.get("name") != name {
        let message = "the name that was typed is not the name of this host";
        return Err(ApiError::invalid("host.name-differs", message).into());
    }
    app.operations().host_remove(&visit.actor, &name).await?;
    Ok(Redirect::to("/hosts").into_response())
}
