//! The first page of the configuration: what this is, what is done, what comes next, each with the command for it.

use askama::Template;
use axum::{extract::State, response::Response};
use escadre_api::{
    bundle::BundleSummary,
    health::{Finding, FindingLevel},
    host::{HostFilter, HostSummary},
    rollout::RolloutSummary,
};

use super::{
    page::{Page, Visit},
    render,
};
use crate::{app::App, rest::Refused};

/// The finding that says where the publisher's key lies.
const PUBLISHER_KEY: &str = "trust.publisher-key-on-server";

#[derive(Template)]
#[template(path = "start.html")]
struct View {
    page: Page,
    hosts: Vec<HostSummary>,
    bundle: Option<BundleSummary>,
    rollout: Option<RolloutSummary>,
    key: Option<Finding>,
    findings: Vec<Finding>,
}

pub(super) async fn show(State(app): State<App>, visit: Visit) -> Result<Response, Refused> {
    let (actor, mut page) = (visit.actor, visit.page);
    page.titled(page.say("start-title"), "start");
    page.live = "host rollout bundle account";
    page.command(&["healthcheck"]);
    page.call("GET", "/healthcheck", &[]);
    let operations = app.operations();
    let few = HostFilter {
        limit: Some(3),
        ..HostFilter::default()
    };
    let hosts = operations.hosts(&actor, few).await?;
    let bundle = operations.bundles(&actor).await?.into_iter().next();
    let rollout = operations.rollouts(&actor).await?.into_iter().next();
    let findings = operations.healthcheck(&actor).await?;
    let mut findings: Vec<Finding> = findings
        .into_iter()
        .filter(|finding| finding.level > FindingLevel::Fine)
        .collect();
    let key = findings.iter().position(|f| f.name == PUBLISHER_KEY);
    let key = key.map(|index| findings.remove(index));
    Ok(render(&View {
        page,
        hosts,
        bundle,
        rollout,
        key,
        findings,
    }))
}
