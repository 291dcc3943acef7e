//! One's own account: who one is here, and a new password.

use askama::Template;
use axum::{
    Router,
    extract::{Query, State},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use escadre_api::{ApiError, account::UserEdit};
use serde::Deserialize;

use super::{
    form::Posted,
    page::{Page, Visit},
    render,
};
use crate::{app::App, link::segment, rest::Refused};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/account", get(show).post(change))
}

#[derive(Deserialize)]
struct Asked {
    first: Option<String>,
    done: Option<String>,
}

#[derive(Template)]
#[template(path = "account.html")]
struct Account {
    page: Page,
    name: String,
    role: String,
    /// Came by a one-time link and has no password yet.
    first: bool,
    done: bool,
    error: Option<String>,
}

fn account(mut page: Page, first: bool, done: bool, error: Option<String>) -> Response {
    page.titled(page.say("account-title"), "account");
    let actor = page.actor.clone();
    let (name, role) = actor.map_or_else(Default::default, |actor| (actor.name, actor.role.word()));
    page.command(&["user", "set", &name, "--password"]);
    let body = serde_json::json!({"password": "…"});
    page.call_with(
        "PATCH",
        &format!("/users/{}", segment(&name)),
        &[],
        Some(&body),
    );
    let role = page.say(&format!("role-{role}")).into_owned();
    render(&Account {
        page,
        name,
        role,
        first,
        done,
        error,
    })
}

async fn show(visit: Visit, Query(asked): Query<Asked>) -> Response {
    account(
        visit.page,
        asked.first.is_some(),
        asked.done.is_some(),
        None,
    )
}

async fn change(
    State(app): State<App>,
    visit: Visit,
    Posted(fields): Posted,
) -> Result<Response, Refused> {
    let first = !fields.get("first").is_empty();
    let (password, again) = (fields.raw("password"), fields.raw("again"));
    if password != again {
        let error = visit.page.say("account-differ").into_owned();
        return Ok(account(visit.page, first, false, Some(error)));
    }
    let edit = UserEdit {
        password: Some(password.to_owned()),
        ..UserEdit::default()
    };
    let name = visit.actor.name.clone();
    match app.operations().user_edit(&visit.actor, &name, edit).await {
        Ok(_) if first => Ok(Redirect::to("/").into_response()),
        Ok(_) => Ok(Redirect::to("/account?done=yes").into_response()),
        Err(error) if error.kind == escadre_api::ErrorKind::Invalid => {
            let text = refusal(&visit.page, &error);
            Ok(account(visit.page, first, false, Some(text)))
        }
        Err(error) => Err(error.into()),
    }
}

/// What was refused, with what to do.
pub(super) fn refusal(page: &Page, error: &ApiError) -> String {
    match &error.hint {
        Some(hint) => format!("{} ({hint})", page.error(error)),
        None => page.error(error),
    }
}
