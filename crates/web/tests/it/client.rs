//! A browser of few words for the tests: it sends requests to a router and keeps what came back.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, StatusCode},
};
use escadre_api::Role;
use escadre_web::{Face, router};
use http_body_util::BodyExt;
use tower::ServiceExt;

use crate::fixture::{Fixture, setup};

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    /// A header as text; empty when it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or("")
    }

    /// The form token that stands in the page.
    pub(crate) fn form_token(&self) -> String {
        let at = self.body.split("name=\"form_token\" value=\"").nth(1);
        let token = at.and_then(|rest| rest.split('"').next());
        token.expect("a form token in the page").to_owned()
    }
}

/// A router over a fixture.
pub(crate) struct Client {
    pub(crate) fixture: Arc<Fixture>,
    app: Router,
    cookie: String,
}

impl Client {
    /// A face, looked at by somebody with this role.
    pub(crate) fn new(fixture: Fixture, face: Face, role: Role) -> Self {
        let fixture = Arc::new(fixture);
        let secret = fixture.enter(role);
        Self {
            app: router(setup(fixture.clone()), face),
            fixture,
            cookie: format!("escadre-session={secret}"),
        }
    }

    /// Over another router of the same fixture.
    pub(crate) fn over(mut self, app: Router) -> Self {
        self.app = app;
        self
    }

    /// Without a session.
    pub(crate) fn stranger(mut self) -> Self {
        self.cookie.clear();
        self
    }

    /// With another cookie beside the session's.
    pub(crate) fn with_cookie(mut self, cookie: &str) -> Self {
        self.cookie = format!("{}; {cookie}", self.cookie);
        self
    }

    /// Sends a request as it is, with the cookie.
    pub(crate) async fn send(&self, mut request: Request<Body>) -> Answer {
        let headers = request.headers_mut();
        headers.insert("host", "localhost:7767".parse().expect("a header"));
        if !self.cookie.is_empty() {
            headers.insert("cookie", self.cookie.parse().expect("a header"));
        }
        let response = self.app.clone().oneshot(request).await.expect("no failure");
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8_lossy(&body).into_owned(),
        }
    }

    /// Fetches a page.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        let request = Request::get(path).body(Body::empty());
        self.send(request.expect("a request")).await
    }

    /// Sends a form as a browser does, with the token of a page of this session.
    pub(crate) async fn post(&self, path: &str, fields: &str) -> Answer {
        let token = self.get("/account").await.form_token();
        self.post_raw(path, &format!("form_token={token}&{fields}"), "same-origin")
            .await
    }

    /// Sends a form with exactly these fields, from a page of such a site.
    pub(crate) async fn post_raw(&self, path: &str, fields: &str, site: &str) -> Answer {
        let request = Request::post(path)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("sec-fetch-site", site)
            .body(Body::from(fields.to_owned()));
        self.send(request.expect("a request")).await
    }
}

/// All pages of a face that can be fetched.
pub(crate) fn paths(face: Face) -> Vec<&'static str> {
    match face {
        Face::Visualisation => vec![
            "/",
            "/hosts",
            "/hosts/bdd-1",
            "/hosts/bdd-1/inventory",
            "/hosts/bdd-1/packages",
            "/hosts/bdd-1/deliveries",
            "/hosts/bdd-1/timeline",
            "/checks",
            "/checks/bdd-1/disk%20%2Fsrv",
            "/rollouts",
            "/rollouts/r-01040g2081040g2081040g2081",
            "/deliveries/d-01040g2081040g2081040g2081",
            "/account",
        ],
        Face::Configuration => vec![
            "/",
            "/bundles",
            "/bundles/hello/1.0",
            "/uploads/hello/1.0",
            "/rollouts/new",
            "/rollouts/new?step=who&bundle=hello@1.0&asked=yes",
            "/rollouts/new?step=when&bundle=hello@1.0&asked=yes",
            "/rollouts/new?step=review&bundle=hello@1.0&asked=yes",
            "/tokens",
            "/users",
            "/audit",
            "/settings",
            "/rollouts",
            "/rollouts/r-01040g2081040g2081040g2081",
            "/deliveries/d-01040g2081040g2081040g2081",
            "/account",
        ],
    }
}
