//! What handlers answer: documents, lists, nothing, refusals.

use axum::{
    Json,
    extract::Request,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use escadre_api::ApiError;
use serde::Serialize;

use super::csv;
use crate::guard::RequestId;

/// What a refused request gets. The document is written by whoever knows the request's id and the client's taste:
/// [`finish`] for the API, the error page for pages.
#[derive(Debug)]
pub(crate) struct Refused(pub(crate) ApiError);

impl From<ApiError> for Refused {
    fn from(error: ApiError) -> Self {
        Self(error)
    }
}

impl Refused {
    /// With a status that the sort of error does not say by itself.
    pub(crate) fn with_status(self, status: StatusCode) -> Response {
        let mut response = status.into_response();
        response.extensions_mut().insert(self.0);
        response
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.kind.status());
        self.with_status(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
    }
}

/// The result of a handler.
pub(super) type Answer<T> = Result<T, Refused>;

/// 201 with the document of what was made.
pub(super) struct Made<T>(pub(super) T);

impl<T: Serialize> IntoResponse for Made<T> {
    fn into_response(self) -> Response {
        (StatusCode::CREATED, Json(self.0)).into_response()
    }
}

/// 204: it is done, there is nothing to say.
pub(super) struct Done;

impl IntoResponse for Done {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

/// A list: an array of objects, or CSV where the client asks for it.
pub(super) fn list<T: Serialize>(headers: &HeaderMap, rows: &[T]) -> Answer<Response> {
    let wanted = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok());
    let wants_csv = wanted.is_some_and(|accept| {
        accept
            .split(',')
            .any(|part| part.trim().split(';').next() == Some("text/csv"))
    });
    if !wants_csv {
        return Ok(Json(rows).into_response());
    }
    let text = csv::text(rows).map_err(|error| {
        let message = format!("the list does not become CSV: {error}");
        ApiError::new(escadre_api::ErrorKind::Internal, "answer.csv", message)
    })?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"list.csv\"",
        ),
    ];
    Ok((headers, text).into_response())
}

/// Turns a refusal into its document, with the id of the request.
pub(super) async fn finish(mut request: Request, next: Next) -> Response {
    let id = request.extensions().get::<RequestId>().cloned();
    // A link cannot say what it accepts: `?format=csv` says it for those.
    let query = request.uri().query().unwrap_or("");
    if query.split('&').any(|pair| pair == "format=csv") {
        let csv = HeaderValue::from_static("text/csv");
        request.headers_mut().insert(header::ACCEPT, csv);
    }
    let mut response = next.run(request).await;
    let Some(mut error) = response.extensions_mut().remove::<ApiError>() else {
        return response;
    };
    error.request = error.request.or(id.map(|id| id.0));
    tracing::info!(code = error.code, error = error.message, "refused");
    let mut answer = (response.status(), Json(error)).into_response();
    if response.status() == StatusCode::UNAUTHORIZED {
        let bearer = HeaderValue::from_static("Bearer");
        answer
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, bearer);
    }
    answer
}
