//! What requests carry: JSON bodies, query strings and path parts, each refused with our own error document.

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Path, Query, Request},
    http::request::Parts,
};
use escadre_api::{ApiError, ErrorKind};
use escadre_model::{BundleRef, Timestamp};
use serde::de::DeserializeOwned;

use super::Refused;
use crate::app::App;

/// A JSON body.
pub(super) struct Document<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<App> for Document<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, app: &App) -> Result<Self, Refused> {
        let bytes = bytes(request, app).await?;
        serde_json::from_slice(&bytes).map(Self).map_err(|error| {
            let message = format!("the body is not the document that is wanted: {error}");
            ApiError::invalid("request.body", message)
                .with_hint("/api/v1/openapi.json describes every document")
                .into()
        })
    }
}

/// A JSON body that may be left out.
pub(super) struct Perhaps<T>(pub(super) Option<T>);

impl<T: DeserializeOwned> FromRequest<App> for Perhaps<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, app: &App) -> Result<Self, Refused> {
        let bytes = bytes(request, app).await?;
        if bytes.is_empty() {
            return Ok(Self(None));
        }
        serde_json::from_slice(&bytes)
            .map(|value| Self(Some(value)))
            .map_err(|error| {
                let message = format!("the body is not the document that is wanted: {error}");
                ApiError::invalid("request.body", message).into()
            })
    }
}

/// The whole body, up to the limit of its route.
pub(super) async fn bytes(request: Request, app: &App) -> Result<Bytes, Refused> {
    Bytes::from_request(request, app).await.map_err(|refusal| {
        let too_large = refusal.status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE;
        let kind = if too_large {
            ErrorKind::TooLarge
        } else {
            ErrorKind::Invalid
        };
        ApiError::new(kind, "request.body", refusal.body_text()).into()
    })
}

/// The query string.
pub(super) struct Asked<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<App> for Asked<T> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refused> {
        let query = Query::<T>::from_request_parts(parts, app).await;
        query
            .map(|Query(value)| Self(value))
            .map_err(|refusal| ApiError::invalid("request.query", refusal.body_text()).into())
    }
}

/// Parts of the path.
pub(super) struct At<T>(pub(super) T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for At<T> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refused> {
        let path = Path::<T>::from_request_parts(parts, app).await;
        path.map(|Path(value)| Self(value))
            .map_err(|refusal| ApiError::invalid("request.path", refusal.body_text()).into())
    }
}

/// A bundle from two parts of the path.
pub(super) fn bundle_ref(name: &str, version: &str) -> Result<BundleRef, Refused> {
    BundleRef::new(name, version)
        .map_err(|error| ApiError::invalid("bundle.name", error.to_string()).into())
}

/// A time from the query string: RFC 3339, or milliseconds since 1970.
pub(super) fn time(text: &str) -> Result<Timestamp, Refused> {
    let parsed = match text.parse::<i64>() {
        Ok(milliseconds) => Timestamp::from_millisecond(milliseconds),
        Err(_) => text.parse(),
    };
    parsed.map_err(|error| {
        ApiError::invalid("request.time", format!("`{text}` is no time: {error}"))
            .with_hint("write it as 2026-11-20T09:30:00Z")
            .into()
    })
}
