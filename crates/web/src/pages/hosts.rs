//! The list of hosts: query, order and window are in the address, so that every view of it can be sent to somebody.

use askama::Template;
use axum::{
    extract::{Query as FromQuery, State},
    response::Response,
};
use escadre_api::{
    Actor, ErrorKind,
    host::{HostFilter, HostSummary},
};
use escadre_model::query::Query;
use serde::Deserialize;

use super::{
    page::{Page, Visit},
    render,
};
use crate::{app::App, link::with_query, rest::Refused};

/// Rows of one page.
const WINDOW: usize = 100;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    query: String,
    sort: String,
    after: String,
    offset: usize,
}

#[derive(Template)]
#[template(path = "hosts.html")]
struct View {
    page: Page,
    asked: Asked,
    hosts: Vec<HostSummary>,
    wrong: Option<WrongQuery>,
    next: Option<String>,
    first: bool,
}

/// What is wrong with a query, and where.
pub(super) struct WrongQuery {
    pub(super) message: String,
    /// Column from 1; 0 when it is not known.
    pub(super) column: usize,
    /// The query with a mark under the column.
    pub(super) marked: String,
}

impl WrongQuery {
    /// None when the query is right.
    pub(super) fn find(text: &str) -> Option<Self> {
        let error = Query::parse(text).err()?;
        let line = text.replace(char::is_control, " ");
        let mark = " ".repeat(error.column.saturating_sub(1).min(line.chars().count()));
        Some(Self {
            column: error.column,
            message: error.message,
            marked: format!("{line}\n{mark}^"),
        })
    }
}

/// Columns that the list can be ordered by: key of the heading and word in the address.
const COLUMNS: [(&str, &str); 6] = [
    ("col-state", "state"),
    ("col-name", "name"),
    ("col-problems", "problems"),
    ("col-site", "site"),
    ("col-os", "os"),
    ("col-contact", "contact"),
];

impl View {
    fn columns(&self) -> [(&'static str, &'static str); 6] {
        COLUMNS
    }

    fn is_sorted(&self, word: &str) -> bool {
        self.asked.sort == word || (self.asked.sort.is_empty() && word == "name")
    }

    fn sorted_by(&self, word: &str) -> String {
        with_query("/hosts", &[("query", &self.asked.query), ("sort", word)])
    }
}

pub(super) async fn show(
    State(app): State<App>,
    visit: Visit,
    FromQuery(asked): FromQuery<Asked>,
) -> Result<Response, Refused> {
    let mut page = visit.page;
    page.titled(page.say("hosts-title"), "hosts");
    page.live = "host";
    page.command_about(&["host", "list"], &asked.query);
    page.call_list("/hosts", &[("query", &asked.query)]);
    let mut wrong = WrongQuery::find(&asked.query);
    let mut hosts = Vec::new();
    let mut next = None;
    if wrong.is_none() {
        match window(&app, &visit.actor, &asked).await {
            Ok(found) => (hosts, next) = found,
            Err(Refused(error)) if error.kind == ErrorKind::Invalid => {
                wrong = Some(WrongQuery {
                    column: 0,
                    message: error.message,
                    marked: asked.query.clone(),
                });
            }
            Err(other) => return Err(other),
        }
    }
    let first = asked.after.is_empty() && asked.offset == 0;
    Ok(render(&View {
        page,
        asked,
        hosts,
        wrong,
        next,
        first,
    }))
}

/// One page of the list, and the address of the next one.
async fn window(
    app: &App,
    actor: &Actor,
    asked: &Asked,
) -> Result<(Vec<HostSummary>, Option<String>), Refused> {
    let by_name = matches!(asked.sort.as_str(), "" | "name");
    let filter = HostFilter {
        query: asked.query.clone(),
        after: (by_name && !asked.after.is_empty()).then(|| asked.after.clone()),
        limit: by_name.then_some(WINDOW as u32 + 1),
    };
    let mut hosts = app.operations().hosts(actor, filter).await?;
    let query = ("query", asked.query.as_str());
    let sort = ("sort", asked.sort.as_str());
    if by_name {
        let more = hosts.len() > WINDOW;
        hosts.truncate(WINDOW);
        let last = hosts.last().filter(|_| more).map(|host| host.name.clone());
        let next = last.map(|last| with_query("/hosts", &[query, sort, ("after", &last)]));
        return Ok((hosts, next));
    }
    order(&mut hosts, &asked.sort);
    let end = asked.offset.saturating_add(WINDOW);
    let next = (end < hosts.len())
        .then(|| with_query("/hosts", &[query, sort, ("offset", &end.to_string())]));
    let shown = hosts.into_iter().skip(asked.offset).take(WINDOW).collect();
    Ok((shown, next))
}

/// Orders by a column, what is worst first; names decide where all else is the same.
fn order(hosts: &mut [HostSummary], sort: &str) {
    let urgency = |host: &HostSummary| {
        let down = host.state == escadre_api::host::HostState::Down;
        std::cmp::Reverse((down, host.stale, host.worst.urgency(), host.problems))
    };
    match sort {
        "state" => hosts.sort_by_cached_key(|host| (urgency(host), host.name.clone())),
        "problems" => {
            hosts.sort_by_cached_key(|host| (std::cmp::Reverse(host.problems), host.name.clone()))
        }
        "site" => hosts.sort_by_cached_key(|host| (host.site.clone(), host.name.clone())),
        "os" => hosts.sort_by_cached_key(|host| (host.os.clone(), host.name.clone())),
        "contact" => hosts.sort_by_cached_key(|host| (host.last_contact, host.name.clone())),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::WrongQuery;

    #[test]
    fn the_mark_stands_under_the_column() {
        assert!(WrongQuery::find("site:a").is_none());
        let wrong = WrongQuery::find("site:a (").expect("an open parenthesis is wrong");
        assert!(wrong.marked.starts_with("site:a (\n"), "{}", wrong.marked);
        assert!(wrong.marked.ends_with('^'));
    }
}
