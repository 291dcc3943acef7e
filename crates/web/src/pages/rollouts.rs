//! Rollouts and deliveries: where each stands, why, and the button that stops it.

use std::{collections::BTreeMap, fmt::Write};

use askama::Template;
use axum::{
    Router,
    extract::{Path, Query, State},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use escadre_api::{
    ApiError,
    rollout::{Delivery, DeliveryFilter, RolloutSummary},
};
use escadre_model::{
    DeliveryId, RolloutId,
    delivery::{DeliveryState, RolloutState},
    id::IdError,
};
use serde::Deserialize;

use super::{
    form::Posted,
    page::{Page, Visit},
    render,
    show::{Markup, icon},
};
use crate::{app::App, rest::Refused};

/// Deliveries that one page shows.
const LIMIT: u32 = 500;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/rollouts", get(list))
        .route("/rollouts/{id}", get(show))
        .route("/rollouts/{id}/{verb}", post(act))
        .route("/deliveries/{id}", get(delivery))
}

/// Deliveries by what a person wants to know of them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) done: u32,
    pub(super) failed: u32,
    pub(super) running: u32,
    pub(super) waiting: u32,
}

impl Parts {
    pub(super) fn of(rollout: &RolloutSummary) -> Self {
        let mut parts = Self::default();
        for state in DeliveryState::ALL {
            let count = rollout.counts.get(state.word()).copied().unwrap_or(0);
            let part = match state {
                state if state.is_failure() => &mut parts.failed,
                state if state.is_final() => &mut parts.done,
                DeliveryState::Assigned | DeliveryState::Notified | DeliveryState::Postponed => {
                    &mut parts.waiting
                }
                _ => &mut parts.running,
            };
            *part += count;
        }
        parts
    }

    fn all(&self) -> [(&'static str, u32); 4] {
        [
            ("done", self.done),
            ("failed", self.failed),
            ("running", self.running),
            ("waiting", self.waiting),
        ]
    }

    fn finished(&self) -> u32 {
        self.done + self.failed
    }
}

impl Page {
    /// The bar of a rollout: done, failed, running, waiting. The numbers stand beside it in words.
    pub(crate) fn rollout_bar(&self, rollout: &RolloutSummary, class: &str) -> Markup {
        let parts = Parts::of(rollout);
        let total = f64::from(rollout.total.max(1));
        let mut svg = format!(
            r#"<svg class="bar {class}" viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true">"#
        );
        let mut x = 0.0;
        for (part, count) in parts.all() {
            let width = f64::from(count) / total * 1000.0;
            // Writing to a string cannot fail.
            let _ = write!(
                svg,
                r#"<rect class="fill-{part}" x="{x:.1}" y="0" width="{width:.1}" height="10"/>"#
            );
            x += width;
        }
        svg.push_str("</svg>");
        Markup(svg)
    }

    /// The numbers of the bar, in words.
    pub(crate) fn rollout_key(&self, rollout: &RolloutSummary) -> Markup {
        let mut list = r#"<ul class="bar-key">"#.to_owned();
        for (part, count) in Parts::of(rollout).all() {
            let shape = match part {
                "done" => "ok",
                "failed" => "critical",
                "running" => "running",
                _ => "pending",
            };
            let text = super::show::escape(&self.count(&format!("part-{part}"), count));
            let icon = icon(shape);
            let _ = write!(list, r#"<li class="key-{part}">{icon}{text}</li>"#);
        }
        list.push_str("</ul>");
        Markup(list)
    }

    /// The numbers of the bar, in one short line for tables.
    pub(crate) fn rollout_short(&self, rollout: &RolloutSummary) -> String {
        let parts = Parts::of(rollout);
        let values = [
            ("finished", self.number(parts.finished())),
            ("total", self.number(rollout.total)),
            ("failed", self.number(parts.failed)),
        ];
        let values: Vec<(&str, &str)> = values
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let key = if parts.failed > 0 {
            "rollout-short-failed"
        } else {
            "rollout-short"
        };
        self.words.fill(key, &values)
    }
}

#[derive(Template)]
#[template(path = "rollouts.html")]
struct List {
    page: Page,
    rollouts: Vec<RolloutSummary>,
    next: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    offset: usize,
    only: String,
}

/// Rows of one page of rollouts.
const WINDOW: usize = 100;

async fn list(
    State(app): State<App>,
    visit: Visit,
    Query(asked): Query<Asked>,
) -> Result<Response, Refused> {
    let mut page = visit.page;
    page.titled(page.say("rollouts-title"), "rollouts");
    page.live = "rollout";
    page.command(&["rollout", "list"]);
    page.call_list("/rollouts", &[]);
    let rollouts = app.operations().rollouts(&visit.actor).await?;
    let end = asked.offset.saturating_add(WINDOW);
    let next = (end < rollouts.len()).then(|| format!("/rollouts?offset={end}"));
    let rollouts = rollouts.into_iter().skip(asked.offset).take(WINDOW);
    Ok(render(&List {
        page,
        rollouts: rollouts.collect(),
        next,
    }))
}

#[derive(Template)]
#[template(path = "rollout.html")]
struct One {
    page: Page,
    rollout: RolloutSummary,
    deliveries: Vec<Delivery>,
    only_failed: bool,
    cut: bool,
}

impl One {
    fn may_pause(&self) -> bool {
        let state = self.rollout.state;
        self.page.may_operate() && matches!(state, RolloutState::Running | RolloutState::Scheduled)
    }

    fn may_resume(&self) -> bool {
        let state = self.rollout.state;
        self.page.may_operate() && matches!(state, RolloutState::Paused | RolloutState::Held)
    }

    fn may_abort(&self) -> bool {
        let over = matches!(
            self.rollout.state,
            RolloutState::Aborted | RolloutState::Finished
        );
        self.page.may_operate() && !over
    }

    /// Hosts per hour so far and the time left at that pace, while it is running and there is something to go by.
    fn pace(&self) -> Option<(u64, String)> {
        let parts = Parts::of(&self.rollout);
        let began = self.rollout.not_before.unwrap_or(self.rollout.created);
        let began = began.max(self.rollout.created);
        let seconds = u64::try_from(self.page.now.as_second() - began.as_second()).ok()?;
        let finished = u64::from(parts.finished());
        if self.rollout.state != RolloutState::Running || finished == 0 || seconds == 0 {
            return None;
        }
        let left = u64::from(parts.running + parts.waiting);
        let span = self.page.words.span(seconds * left / finished);
        Some((finished * 3600 / seconds, span))
    }

    fn percent(&self, delivery: &Delivery) -> Option<u64> {
        let progress = delivery.progress.filter(|_| !delivery.state.is_final())?;
        let total = progress.total.max(1);
        Some((progress.have.min(total) as f64 * 100.0 / total as f64) as u64)
    }
}

/// What a person must see first stands first: failures, then what runs, what waits, what is done.
fn rank(state: DeliveryState) -> u8 {
    if state.is_failure() {
        0
    } else if state.is_final() {
        3
    } else if state >= DeliveryState::Fetching {
        1
    } else {
        2
    }
}

async fn show(
    State(app): State<App>,
    visit: Visit,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Refused> {
    let (actor, mut page) = (visit.actor, visit.page);
    let rollout = app.operations().rollout(&actor, &id).await?;
    page.titled(rollout.name.clone(), "rollouts");
    page.live = "rollout";
    page.command(&["rollout", "show", &rollout.name]);
    if page.may_operate() {
        page.command(&["rollout", "pause", &rollout.name]);
    }
    page.call("GET", &format!("/rollouts/{}", rollout.id), &[]);
    let only_failed = asked.only == "failed";
    let filter = DeliveryFilter {
        rollout: Some(rollout.id),
        failed: only_failed,
        limit: Some(LIMIT),
        host: None,
    };
    let mut deliveries = app.operations().deliveries(&actor, filter).await?;
    let cut = deliveries.len() == LIMIT as usize;
    deliveries.sort_by_cached_key(|delivery| (rank(delivery.state), delivery.host.clone()));
    Ok(render(&One {
        page,
        rollout,
        deliveries,
        only_failed,
        cut,
    }))
}

async fn act(
    State(app): State<App>,
    visit: Visit,
    Path((id, verb)): Path<(String, String)>,
    Posted(_): Posted,
) -> Result<Response, Refused> {
    let invalid = |error: IdError| ApiError::invalid("rollout.id", error.to_string());
    let id: RolloutId = id.parse().map_err(invalid)?;
    let operations = app.operations();
    match verb.as_str() {
        "pause" => operations.rollout_pause(&visit.actor, id).await?,
        "resume" => operations.rollout_resume(&visit.actor, id).await?,
        "abort" => operations.rollout_abort(&visit.actor, id).await?,
        other => {
            let message = format!("a rollout cannot be told to {other}");
            return Err(ApiError::not_found("request.path", message).into());
        }
    };
    Ok(Redirect::to(&format!("/rollouts/{id}")).into_response())
}

#[derive(Template)]
#[template(path = "delivery.html")]
struct DeliveryView {
    page: Page,
    delivery: Delivery,
    rollouts: BTreeMap<RolloutId, String>,
}

impl DeliveryView {
    fn rollout_name(&self) -> String {
        let name = self.rollouts.get(&self.delivery.rollout);
        name.cloned()
            .unwrap_or_else(|| self.delivery.rollout.to_string())
    }
}

async fn delivery(
    State(app): State<App>,
    visit: Visit,
    Path(id): Path<String>,
) -> Result<Response, Refused> {
    let (actor, mut page) = (visit.actor, visit.page);
    let invalid = |error: IdError| ApiError::invalid("delivery.id", error.to_string());
    let id: DeliveryId = id.parse().map_err(invalid)?;
    let delivery = app.operations().delivery(&actor, id).await?;
    page.titled(
        format!("{} · {}", delivery.bundle, delivery.host),
        "rollouts",
    );
    page.live = "rollout";
    page.command(&["delivery", "show", &id.to_string()]);
    page.call("GET", &format!("/deliveries/{id}"), &[]);
    let of = delivery.rollout.to_string();
    let mut rollouts = BTreeMap::new();
    if let Ok(rollout) = app.operations().rollout(&actor, &of).await {
        rollouts.insert(rollout.id, rollout.name);
    }
    Ok(render(&DeliveryView {
        page,
        delivery,
        rollouts,
    }))
}
