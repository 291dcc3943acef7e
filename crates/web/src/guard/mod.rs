//! What stands around every handler: request ids, security headers, compression, forgery protection, cookies.

pub(crate) mod cookie;
pub(crate) mod forgery;
mod headers;

use axum::{
    Router,
    extract::Request,
    http::HeaderValue,
    middleware::{Next, from_fn},
    response::Response,
};
use tower_http::compression::CompressionLayer;
use tracing::Instrument;

/// The id of a request: in the log, in the audit log, in error documents and in the `x-request-id` header.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(pub(crate) String);

/// Puts the outer layers around a router. Server-sent events are left uncompressed by the layer itself.
pub(crate) fn layers(router: Router) -> Router {
    router
        .layer(CompressionLayer::new())
        .layer(from_fn(headers::set))
        .layer(from_fn(number))
}

/// Random bytes. Without a source of randomness they are zeros: fine for ids and for masks, so use it for no secret.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if let Err(error) = getrandom::fill(&mut bytes) {
        tracing::error!(%error, "the system gives no random bytes");
    }
    bytes
}

async fn number(mut request: Request, next: Next) -> Response {
    let id = hex::encode(random::<8>());
    request.extensions_mut().insert(RequestId(id.clone()));
    let span = tracing::info_span!(
        "request",
        id,
        method = %request.method(),
        path = loggable(request.uri().path())
    );
    async move {
        let mut response = next.run(request).await;
        let status = response.status();
        if status.is_server_error() {
            tracing::warn!(%status, "answered");
        } else {
            tracing::debug!(%status, "answered");
        }
        if let Ok(value) = HeaderValue::from_str(&id) {
            response.headers_mut().insert("x-request-id", value);
        }
        response
    }
    .instrument(span)
    .await
}

/// A path without the secret of a one-time link, which must not reach any log.
fn loggable(path: &str) -> &str {
    const ONCE: &str = "/sign-in/once/";
    if path.starts_with(ONCE) { ONCE } else { path }
}
