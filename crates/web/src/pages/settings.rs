//! Settings of the installation, and what this server is.

use askama::Template;
use axum::{
    Router,
    extract::{Query, State},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use escadre_api::{ApiError, ErrorKind, account::Settings};
use serde::Deserialize;

use super::{
    account::refusal,
    form::{Fields, Posted},
    page::{Page, Visit},
    render,
};
use crate::{app::App, rest::Refused};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/settings", get(show).post(save))
}

#[derive(Deserialize)]
struct Asked {
    done: Option<String>,
}

#[derive(Template)]
#[template(path = "settings.html")]
struct View {
    page: Page,
    settings: Settings,
    done: bool,
    error: Option<String>,
}

fn view(mut page: Page, settings: Settings, done: bool, error: Option<String>) -> Response {
    page.titled(page.say("settings-title"), "settings");
    page.command(&["settings", "show"]);
    page.call("GET", "/settings", &[]);
    if page.may_administer() {
        let body = serde_json::json!(settings);
        page.call_with("PUT", "/settings", &[], Some(&body));
    }
    render(&View {
        page,
        settings,
        done,
        error,
    })
}

async fn show(
    State(app): State<App>,
    visit: Visit,
    Query(asked): Query<Asked>,
) -> Result<Response, Refused> {
    let settings = app.operations().settings(&visit.actor).await?;
    Ok(view(visit.page, settings, asked.done.is_some(), None))
}

fn read(fields: &Fields) -> Result<Settings, ApiError> {
    let number = |name: &str| {
        let text = fields.get(name);
        text.parse().map_err(|_| {
            let message = format!("{name}: `{text}` is no whole number");
            ApiError::invalid("settings.number", message)
        })
    };
    Ok(Settings {
        name: fields.get("name").to_owned(),
        contact_every_s: number("contact_every_s")?,
        keep_days: number("keep_days")?,
        sites: fields.raw("sites").replace("\r\n", "\n"),
    })
}

async fn save(
    State(app): State<App>,
    visit: Visit,
    Posted(fields): Posted,
) -> Result<Response, Refused> {
    let settings = read(&fields)?;
    let saved = app
        .operations()
        .settings_edit(&visit.actor, settings.clone())
        .await;
    match saved {
        Ok(_) => Ok(Redirect::to("/settings?done=yes").into_response()),
        Err(error) if error.kind == ErrorKind::Invalid => {
            let text = refusal(&visit.page, &error);
            Ok(view(visit.page, settings, false, Some(text)))
        }
        Err(error) => Err(error.into()),
    }
}
