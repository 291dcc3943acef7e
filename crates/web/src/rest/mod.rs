//! The REST API: each operation as a route, described by the table from which the OpenAPI document is made too.
//!
//! Invariants:
//! - The table [`table`] is the only place where a route is named: what is served is what is documented.
//! - Every error is one [`escadre_api::ApiError`] document with the id of its request.
//! - Lists are arrays of objects, or CSV where the client asks for it.

mod accounts;
mod answer;
mod body;
mod bundles;
mod checks;
mod csv;
mod document;
mod hosts;
mod installation;
mod rollouts;
mod route;
mod upload;

use std::sync::OnceLock;

use axum::{
    Router,
    extract::{DefaultBodyLimit, State},
    http::{Method, StatusCode, Uri},
    middleware,
    response::{IntoResponse, Response},
    routing::get,
};
use escadre_api::ApiError;

use crate::{Face, Setup, app::App, guard};
pub(crate) use answer::Refused;
pub(crate) use installation::metrics;
use route::Route;
pub(crate) use upload::{Received, receive};

/// Where the API lies.
pub(crate) const PREFIX: &str = "/api/v1";

/// Largest JSON document that is read.
const DOCUMENT_LIMIT: usize = 4 << 20;

/// The REST API alone, under `/api/v1`, with `/metrics` beside it.
pub fn router(setup: impl Into<Setup>) -> Router {
    let app = App::new(setup.into(), Face::Configuration);
    let inner = Router::new()
        .route("/metrics", get(metrics))
        .nest(PREFIX, routes())
        .fallback(unknown)
        .layer(middleware::from_fn(answer::finish))
        .with_state(app);
    guard::layers(inner)
}

/// The OpenAPI document, as it is served and as it lies beside the sources.
pub fn document() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| document::text(&table()))
}

/// Method and path (with the prefix) of every route.
pub fn routes_list() -> Vec<(&'static str, String)> {
    table()
        .iter()
        .map(|route| (route.method(), format!("{PREFIX}{}", route.path())))
        .collect()
}

pub(crate) fn routes() -> Router<App> {
    let described = table()
        .into_iter()
        .fold(Router::new(), |router, route| route.mount(router));
    described
        .route("/openapi.json", get(openapi))
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(DOCUMENT_LIMIT))
        .layer(middleware::from_fn(answer::finish))
}

fn table() -> Vec<Route> {
    let mut table = installation::table();
    table.extend(hosts::table());
    table.extend(checks::table());
    table.extend(bundles::table());
    table.extend(rollouts::table());
    table.extend(accounts::table());
    table
}

async fn openapi() -> Response {
    ([("content-type", "application/json")], document()).into_response()
}

async fn unknown(State(_): State<App>, uri: Uri) -> Refused {
    let message = format!("there is nothing at {}", uri.path());
    ApiError::not_found("request.path", message)
        .with_hint("the routes are in /api/v1/openapi.json")
        .into()
}

async fn wrong_method(method: Method, uri: Uri) -> Response {
    let message = format!("{method} is not possible on {}", uri.path());
    let error = ApiError::invalid("request.method", message)
        .with_hint("the routes are in /api/v1/openapi.json");
    Refused(error).with_status(StatusCode::METHOD_NOT_ALLOWED)
}
