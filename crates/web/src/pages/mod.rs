//! The pages: rendered here, forms and links first, live by one small script.
//!
//! Invariants: what a page shows comes from the operations at the moment of the request; nothing is kept here.

mod account;
mod audit;
mod bundles;
mod chart;
mod checks;
mod error;
mod finding;
mod form;
mod host;
mod hosts;
mod inbox;
mod page;
mod rollouts;
mod settings;
mod show;
mod sign_in;
mod start;
mod tokens;
mod users;
mod wizard;

use askama::Template;
use axum::{
    Router,
    extract::State,
    http::{StatusCode, Uri},
    middleware,
    response::{Html, IntoResponse, Response},
    routing::get,
};
use escadre_api::{ApiError, ErrorKind};

use crate::{Face, app::App, rest::Refused};

/// All pages of the face of this router.
pub(crate) fn routes(app: &App) -> Router<App> {
    let common = sign_in::routes()
        .merge(account::routes())
        .merge(rollouts::routes());
    let faced = match app.face() {
        Face::Visualisation => Router::new()
            .route("/", get(inbox::show))
            .route("/hosts", get(hosts::show))
            .merge(host::routes())
            .merge(checks::routes()),
        Face::Configuration => Router::new()
            .route("/", get(start::show))
            .route("/audit", get(audit::show))
            .merge(bundles::routes())
            .merge(wizard::routes())
            .merge(tokens::routes())
            .merge(users::routes())
            .merge(settings::routes()),
    };
    common
        .merge(faced)
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn_with_state(app.clone(), error::finish))
}

async fn unknown(State(_): State<App>, uri: Uri) -> Refused {
    let message = format!("there is nothing at {}", uri.path());
    ApiError::not_found("request.path", message).into()
}

async fn wrong_method(State(_): State<App>, uri: Uri) -> Response {
    let message = format!("this is not possible on {}", uri.path());
    let error = ApiError::invalid("request.method", message);
    Refused(error).with_status(StatusCode::METHOD_NOT_ALLOWED)
}

/// A template as a page.
fn render<T: Template>(template: &T) -> Response {
    match template.render() {
        Ok(text) => Html(text).into_response(),
        Err(error) => {
            let message = format!("the page cannot be written: {error}");
            Refused(ApiError::new(ErrorKind::Internal, "page.template", message)).into_response()
        }
    }
}
