//! The audit log: who did what, when, from where, and whether it was allowed.

use askama::Template;
use axum::{
    extract::{Query, State},
    response::Response,
};
use escadre_api::account::{AuditEntry, AuditFilter};
use serde::Deserialize;

use super::{
    page::{Page, Visit},
    render,
};
use crate::{app::App, link::with_query, rest::Refused};

const WINDOW: u32 = 100;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    text: String,
    before: Option<u64>,
}

#[derive(Template)]
#[template(path = "audit.html")]
struct View {
    page: Page,
    text: String,
    entries: Vec<AuditEntry>,
    next: Option<String>,
}

pub(super) async fn show(
    State(app): State<App>,
    visit: Visit,
    Query(asked): Query<Asked>,
) -> Result<Response, Refused> {
    let mut page = visit.page;
    page.titled(page.say("audit-title"), "audit");
    page.command_about(&["audit", "list"], &asked.text);
    page.call_list("/audit", &[("text", &asked.text)]);
    let filter = AuditFilter {
        text: asked.text.clone(),
        before: asked.before,
        limit: Some(WINDOW),
    };
    let entries = app.operations().audit(&visit.actor, filter).await?;
    let oldest = entries.last().filter(|_| entries.len() == WINDOW as usize);
    let next = oldest.map(|entry| {
        let before = entry.number.to_string();
        with_query("/audit", &[("text", &asked.text), ("before", &before)])
    });
    Ok(render(&View {
        page,
        text: asked.text,
        entries,
        next,
    }))
}
