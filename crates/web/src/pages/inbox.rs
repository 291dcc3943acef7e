//! *What needs me*: problems, silence, failed deliveries and findings, each with what changed last beside it.

use std::collections::BTreeMap;

use askama::Template;
use axum::{extract::State, response::Response};
use escadre_api::{
    Actor,
    check::CheckSummary,
    health::{Finding, Inbox},
    host::TimelineEntry,
    rollout::Delivery,
};

use super::{
    page::{Page, Visit},
    render,
};
use crate::{app::App, rest::Refused};

/// For so many hosts the last change is looked up; beyond, the list is too long for anyone to read it.
const LAST_CHANGES: usize = 25;

#[derive(Template)]
#[template(path = "inbox.html")]
struct View {
    page: Page,
    inbox: Inbox,
    changes: BTreeMap<String, TimelineEntry>,
}

impl View {
    /// What changed last on the host, other than its checks.
    fn change(&self, host: &str) -> Option<&TimelineEntry> {
        self.changes.get(host)
    }

    fn lists(&self) -> [(&'static str, &Vec<CheckSummary>); 3] {
        [
            ("problems", &self.inbox.problems),
            ("stale", &self.inbox.stale),
            ("handled", &self.inbox.handled),
        ]
    }

    fn failed(&self) -> &[Delivery] {
        &self.inbox.failed
    }

    fn findings(&self) -> &[Finding] {
        &self.inbox.findings
    }

    fn is_calm(&self) -> bool {
        self.inbox.problems.is_empty()
            && self.inbox.stale.is_empty()
            && self.inbox.failed.is_empty()
            && self.inbox.findings.is_empty()
    }
}

pub(super) async fn show(State(app): State<App>, visit: Visit) -> Result<Response, Refused> {
    let mut page = visit.page;
    page.titled(page.say("inbox-title"), "inbox");
    page.live = "host rollout bundle account";
    page.command(&["check", "list", "--problems"]);
    page.command(&["healthcheck"]);
    page.call("GET", "/inbox", &[]);
    let inbox = app.operations().inbox(&visit.actor).await?;
    let changes = changes(&app, &visit.actor, &inbox).await;
    Ok(render(&View {
        page,
        inbox,
        changes,
    }))
}

async fn changes(app: &App, actor: &Actor, inbox: &Inbox) -> BTreeMap<String, TimelineEntry> {
    let mut changes = BTreeMap::new();
    let listed = inbox.problems.iter().chain(&inbox.stale);
    for check in listed.take(LAST_CHANGES) {
        if changes.contains_key(&check.host) {
            continue;
        }
        let entries = app
            .operations()
            .host_timeline(actor, &check.host, None, 50)
            .await;
        let cause = entries
            .unwrap_or_default()
            .into_iter()
            .find(|entry| entry.kind != "check");
        if let Some(entry) = cause {
            changes.insert(check.host.clone(), entry);
        }
    }
    changes
}
