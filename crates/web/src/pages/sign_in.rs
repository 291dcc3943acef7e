//! Signing in: by password, by a one-time link, and out again.

use askama::Template;
use axum::{
    Router,
    extract::{Path, Query, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use escadre_api::{ApiError, ErrorKind};
use serde::Deserialize;

use super::{
    form::{Posted, PostedOpen},
    page::{Open, Page, Visit},
    render,
};
use crate::{app::App, guard::cookie, language::Language, link::own_path, rest::Refused};

/// A year: how long language and theme are remembered.
const REMEMBER_S: u64 = 31_536_000;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/sign-in", get(show).post(sign_in))
        .route("/sign-in/once/{secret}", get(once).post(sign_in_once))
        .route("/sign-out", post(sign_out))
        .route("/preferences", post(preferences))
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignIn {
    page: Page,
    then: String,
    name: String,
    error: Option<ApiError>,
}

#[derive(Template)]
#[template(path = "once.html")]
struct Once {
    page: Page,
}

#[derive(Deserialize)]
struct Then {
    #[serde(default)]
    then: String,
}

async fn show(open: Open, Query(Then { then }): Query<Then>) -> Response {
    let mut page = open.page;
    page.titled(page.say("sign-in-title"), "");
    render(&SignIn {
        page,
        then: own_path(&then).to_owned(),
        name: String::new(),
        error: None,
    })
}

async fn sign_in(
    State(app): State<App>,
    open: Open,
    PostedOpen(fields): PostedOpen,
) -> Result<Response, Refused> {
    let (name, then) = (fields.get("name"), own_path(fields.get("then")));
    let made = app
        .operations()
        .sign_in(name, fields.raw("password"), &open.address)
        .await;
    match made {
        Ok(made) => Ok(enter(&app, &made.secret, then)),
        Err(error) if error.kind == ErrorKind::Internal => Err(error.into()),
        Err(error) => {
            let mut page = open.page;
            page.titled(page.say("sign-in-title"), "");
            let status = StatusCode::from_u16(error.kind.status());
            let shown = render(&SignIn {
                page,
                then: then.to_owned(),
                name: name.to_owned(),
                error: Some(error),
            });
            Ok((status.unwrap_or(StatusCode::UNAUTHORIZED), shown).into_response())
        }
    }
}

/// Only shows a button: whatever looks at links before people do must not use the link up.
async fn once(open: Open, Path(_): Path<String>) -> Response {
    let mut page = open.page;
    page.titled(page.say("once-title"), "");
    render(&Once { page })
}

async fn sign_in_once(
    State(app): State<App>,
    open: Open,
    Path(secret): Path<String>,
    PostedOpen(_): PostedOpen,
) -> Result<Response, Refused> {
    let made = app
        .operations()
        .sign_in_once(&secret, &open.address)
        .await?;
    let then = if made.user.has_password {
        "/"
    } else {
        "/account?first=yes"
    };
    Ok(enter(&app, &made.secret, then))
}

fn enter(app: &App, secret: &str, then: &str) -> Response {
    let secure = app.setup().secure;
    let set = cookie::write(cookie::session_name(secure), secret, secure, None);
    with_cookie(Redirect::to(then), set)
}

async fn sign_out(
    State(app): State<App>,
    visit: Visit,
    Posted(_): Posted,
) -> Result<Response, Refused> {
    app.operations().sign_out(&visit.session).await?;
    let secure = app.setup().secure;
    let set = cookie::write(cookie::session_name(secure), "", secure, Some(0));
    Ok(with_cookie(Redirect::to("/sign-in"), set))
}

/// Language or theme, then back to where one was.
async fn preferences(State(app): State<App>, PostedOpen(fields): PostedOpen) -> Response {
    let back = Redirect::to(own_path(fields.get("back")));
    let secure = app.setup().secure;
    let (name, value) = match (fields.get("language"), fields.get("theme")) {
        (tag, _) if Language::from_tag(tag).is_some() => (cookie::LANGUAGE, tag),
        (_, theme @ ("light" | "dark" | "auto")) => (cookie::THEME, theme),
        _ => return back.into_response(),
    };
    with_cookie(back, cookie::write(name, value, secure, Some(REMEMBER_S)))
}

fn with_cookie(redirect: Redirect, cookie: Option<HeaderValue>) -> Response {
    let mut response = redirect.into_response();
    if let Some(cookie) = cookie {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}
