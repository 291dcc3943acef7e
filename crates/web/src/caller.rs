//! Who asks: the UNIX socket, an API token, or a session.

use std::net::SocketAddr;

use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::{Method, header, request::Parts},
};
use escadre_api::{Actor, ApiError, ErrorKind, Role};

use crate::{
    app::App,
    guard::{RequestId, cookie, forgery},
    rest::Refused,
};

/// Marks requests that came over the UNIX socket, whose file only its owner can open.
#[derive(Clone, Copy)]
pub(crate) struct FromSocket;

/// The actor of a REST request.
pub(crate) struct Caller(pub(crate) Actor);

impl FromRequestParts<App> for Caller {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refused> {
        if parts.extensions.get::<FromSocket>().is_some() {
            return Ok(Self(local(request_id(parts))));
        }
        let address = address(parts);
        let mut actor = if let Some(secret) = bearer(parts)? {
            app.operations().token_actor(secret, &address).await?
        } else {
            let name = cookie::session_name(app.setup().secure);
            let secret = cookie::read(&parts.headers, name).ok_or_else(nobody)?;
            if changes(&parts.method) && !proven(parts, secret) {
                return Err(forged().into());
            }
            app.operations().session(secret, &address).await?
        };
        actor.request = request_id(parts);
        Ok(Self(actor))
    }
}

fn local(request: String) -> Actor {
    Actor {
        name: "local".to_owned(),
        role: Role::Administrator,
        via: "socket",
        address: String::new(),
        request,
    }
}

/// The id that the outermost layer gave to the request.
pub(crate) fn request_id(parts: &Parts) -> String {
    let id = parts.extensions.get::<RequestId>();
    id.map_or(String::new(), |id| id.0.clone())
}

/// The address of the peer as text; empty for the socket.
pub(crate) fn address(parts: &Parts) -> String {
    let info = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    info.map_or(String::new(), |info| info.0.ip().to_canonical().to_string())
}

/// Whether a request with this method may change something.
pub(crate) fn changes(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// What a request without session and token gets.
pub(crate) fn nobody() -> ApiError {
    let message = "nobody is signed in";
    ApiError::new(ErrorKind::Unauthenticated, "auth.missing", message)
        .with_hint("sign in, or send an API token as `Authorization: Bearer …`")
}

/// What a forged request gets.
pub(crate) fn forged() -> ApiError {
    let message = "the request does not come from a page of this session";
    ApiError::new(ErrorKind::Forbidden, "auth.forged", message)
        .with_hint("load the page again and repeat")
}

fn proven(parts: &Parts, session: &str) -> bool {
    let token = parts.headers.get(forgery::HEADER);
    let token = token.and_then(|token| token.to_str().ok()).unwrap_or("");
    forgery::same_origin(&parts.headers) && forgery::verify(session, token)
}

fn bearer(parts: &Parts) -> Result<Option<&str>, ApiError> {
    let Some(value) = parts.headers.get(header::AUTHORIZATION) else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or("");
    match text.split_once(' ') {
        Some((scheme, secret)) if scheme.eq_ignore_ascii_case("bearer") => Ok(Some(secret.trim())),
        _ => Err(ApiError::new(
            ErrorKind::Unauthenticated,
            "auth.scheme",
            "only bearer tokens are understood",
        )
        .with_hint("send `Authorization: Bearer SECRET`")),
    }
}
