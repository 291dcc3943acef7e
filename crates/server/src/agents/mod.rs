//! The agent port (the receiver): enrolment, contact, orders, trust files, chunks. See `escadre_api::agent`.
//!
//! Invariants:
//! - Who asks is the [`Peer`] that the listener read out of the verified certificate; nothing in a body says otherwise.
//! - Without a certificate only `enrol` answers. A certificate of a host that was removed opens nothing.
//! - What is acknowledged was stored before.

mod chunks;
mod contact;
mod enrol;
mod orders;

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Json, Router,
    body::Body,
    extract::{ConnectInfo, FromRequestParts, Request, State},
    http::{StatusCode, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use escadre_api::{ApiError, ErrorKind};
use escadre_model::HostId;
use escadre_trust::PeerIdentity;

use crate::shared::Shared;

pub(crate) use chunks::{ChunkCache, HOT_BYTES};
pub(crate) use orders::tell_all;

/// Bytes of a contact: an inventory with ten thousands of packages, and results of days.
const CONTACT_BYTES: usize = 32 << 20;
/// Bytes of an enrolment or a renewal.
const REQUEST_BYTES: usize = 64 << 10;

/// The client of a connection whose certificate was verified. The listener puts it into each request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer(pub PeerIdentity);

/// An agent that is one of our hosts now.
pub(crate) struct Agent(pub(crate) HostId);

/// An error as the answer of a request.
pub(crate) struct Refused(pub(crate) ApiError);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status =
            StatusCode::from_u16(self.0.kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, Json(self.0)).into_response()
    }
}

impl From<ApiError> for Refused {
    fn from(error: ApiError) -> Self {
        Self(error)
    }
}

impl FromRequestParts<Arc<Shared>> for Agent {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, Refused> {
        let Some(Peer(peer)) = parts.extensions.get::<Peer>() else {
            return Err(Refused(ApiError::new(
                ErrorKind::Unauthenticated,
                "agent.no_certificate",
                "this wants a host's certificate: enrol first",
            )));
        };
        if shared.directory.by_id(peer.host).is_none() {
            tracing::warn!(host = %peer.host, serial = peer.serial, "a host that was removed asks");
            return Err(Refused(unknown_host(peer.host)));
        }
        Ok(Self(peer.host))
    }
}

pub(crate) fn unknown_host(host: HostId) -> ApiError {
    ApiError::new(
        ErrorKind::Forbidden,
        "host.removed",
        format!("host {host} is no longer one of ours"),
    )
    .with_hint("enrol the machine again")
}

/// What listens on the agent port.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/agent/v1/enrol", post(enrol::enrol))
        .route("/agent/v1/renew", post(enrol::renew))
        .route("/agent/v1/contact", post(contact::contact))
        .route("/agent/v1/wait", get(orders::wait))
        .route("/agent/v1/trust/{*name}", get(chunks::trust_file))
        .route("/agent/v1/chunks/{hash}", get(chunks::chunk))
        .fallback(nothing_here)
        .layer(axum::middleware::from_fn(trace))
        .with_state(shared)
}

async fn nothing_here() -> Refused {
    Refused(ApiError::not_found(
        "agent.no_such_path",
        "there is nothing here",
    ))
}

/// Each request in a span with its host; what goes wrong on our side is logged.
async fn trace(request: Request, next: Next) -> Response {
    use tracing::Instrument;
    let host = request
        .extensions()
        .get::<Peer>()
        .map(|Peer(peer)| peer.host.to_string());
    let span =
        tracing::info_span!("agent", host, method = %request.method(), path = request.uri().path());
    let response = next.run(request).instrument(span.clone()).await;
    span.in_scope(|| {
        if response.status().is_server_error() {
            tracing::error!(status = response.status().as_u16(), "answered");
        } else {
            tracing::trace!(status = response.status().as_u16(), "answered");
        }
    });
    response
}

/// Where a request comes from.
pub(crate) struct Origin(pub(crate) Option<SocketAddr>);

impl Origin {
    /// The address as text; empty when it is not known.
    pub(crate) fn text(&self) -> String {
        self.0.map_or_else(String::new, |address| {
            address.ip().to_canonical().to_string()
        })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Origin {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let info = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        Ok(Self(info.map(|ConnectInfo(address)| *address)))
    }
}

/// How long a body may take to arrive.
const BODY_TIME: std::time::Duration = std::time::Duration::from_secs(60);

/// A JSON body of at most so many bytes, read within a minute.
pub(crate) async fn document<T: serde::de::DeserializeOwned>(
    body: Body,
    limit: usize,
) -> Result<T, Refused> {
    let read = tokio::time::timeout(BODY_TIME, axum::body::to_bytes(body, limit)).await;
    let bytes = match read {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(error)) => {
            let text = format!("the body is larger than {limit} bytes, or was cut: {error}");
            return Err(Refused(ApiError::new(
                ErrorKind::TooLarge,
                "agent.body",
                text,
            )));
        }
        Err(_) => {
            return Err(Refused(ApiError::new(
                ErrorKind::Unavailable,
                "agent.slow",
                "the body came too slowly",
            )));
        }
    };
    serde_json::from_slice(&bytes)
        .map_err(|error| Refused(ApiError::invalid("agent.document", error.to_string())))
}

pub(crate) type Ctx = State<Arc<Shared>>;
