//! Forms that were sent: refused unless they come from our own page, and with the session's token where there is one.

use axum::{
    Form,
    extract::{FromRequest, Request},
};
use escadre_api::ApiError;

use crate::{
    app::App,
    caller::forged,
    guard::{cookie, forgery},
    rest::Refused,
};

/// The fields of a form, in the order they were sent.
#[derive(Debug, Default)]
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    /// The first value of a field, without blanks around it; empty when it is not there.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.raw(name).trim()
    }

    /// The first value of a field as it is (passwords).
    pub(crate) fn raw(&self, name: &str) -> &str {
        let field = self.0.iter().find(|(key, _)| key == name);
        field.map_or("", |(_, value)| value.as_str())
    }

    /// A value that may be left out.
    pub(crate) fn some(&self, name: &str) -> Option<String> {
        let value = self.get(name);
        (!value.is_empty()).then(|| value.to_owned())
    }

    /// All values of a field.
    pub(crate) fn all(&self, name: &str) -> Vec<String> {
        let named = self.0.iter().filter(|(key, _)| key == name);
        named.map(|(_, value)| value.clone()).collect()
    }
}

impl From<Vec<(String, String)>> for Fields {
    fn from(fields: Vec<(String, String)>) -> Self {
        Self(fields)
    }
}

/// A form of a page that wants a session.
pub(crate) struct Posted(pub(crate) Fields);

impl FromRequest<App> for Posted {
    type Rejection = Refused;

    async fn from_request(request: Request, app: &App) -> Result<Self, Refused> {
        let name = cookie::session_name(app.setup().secure);
        let session = cookie::read(request.headers(), name)
            .unwrap_or("")
            .to_owned();
        let PostedOpen(fields) = PostedOpen::from_request(request, app).await?;
        if session.is_empty() || !forgery::verify(&session, fields.raw(forgery::FIELD)) {
            return Err(forged().into());
        }
        Ok(Self(fields))
    }
}

/// A form of a page that nobody has to be signed in for: only its origin can be checked.
pub(crate) struct PostedOpen(pub(crate) Fields);

impl FromRequest<App> for PostedOpen {
    type Rejection = Refused;

    async fn from_request(request: Request, app: &App) -> Result<Self, Refused> {
        if !forgery::same_origin(request.headers()) {
            return Err(forged().into());
        }
        let form = Form::<Vec<(String, String)>>::from_request(request, app).await;
        let Form(fields) =
            form.map_err(|refusal| ApiError::invalid("request.body", refusal.body_text()))?;
        Ok(Self(Fields(fields)))
    }
}
