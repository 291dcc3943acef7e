//! The page for what was refused: what happened, what to do, and under which code and request to look for it.

use askama::Template;
use axum::{
    extract::{FromRequestParts, Request, State},
    http::request::Parts,
    middleware::Next,
    response::{IntoResponse, Response},
};
use escadre_api::ApiError;

use super::{
    page::{Open, Page, Visit},
    render,
};
use crate::{app::App, caller::request_id};

#[derive(Template)]
#[template(path = "error.html")]
struct Refusal {
    page: Page,
    error: ApiError,
    title: String,
}

/// Writes the page for responses that carry an error.
pub(super) async fn finish(State(app): State<App>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let seen = parts.clone();
    let mut response = next.run(Request::from_parts(parts, body)).await;
    let Some(mut error) = response.extensions_mut().remove::<ApiError>() else {
        return response;
    };
    error.request = error.request.or(Some(request_id(&seen)));
    tracing::info!(code = error.code, error = error.message, "refused");
    let status = response.status();
    let Some(mut page) = page(&app, seen).await else {
        return (status, error.to_string()).into_response();
    };
    let title = page.say(&format!("error-title-{}", error.kind.status()));
    page.titled(title.clone(), "");
    let title = title.into_owned();
    (status, render(&Refusal { page, error, title })).into_response()
}

/// The page as the reader knows it: signed in, if possible. None when not even that can be found out.
async fn page(app: &App, mut parts: Parts) -> Option<Page> {
    if let Ok(visit) = Visit::from_request_parts(&mut parts, app).await {
        return Some(visit.page);
    }
    let open = Open::from_request_parts(&mut parts, app).await;
    open.ok().map(|open| open.page)
}
