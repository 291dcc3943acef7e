//! Tokens: enrolment of machines, access for programs. A secret is shown once, in the answer to the form.

use askama::Template;
use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use escadre_api::{
    ApiError, Role,
    account::{Token, TokenKind, TokenMade, TokenNew},
};
use escadre_model::id::{IdError, TokenId};

use super::{
    form::{Fields, Posted},
    page::{Page, Visit},
    render,
};
use crate::{app::App, link::shell_word, rest::Refused};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/tokens", get(list).post(create))
        .route("/tokens/revoke", post(revoke))
}

#[derive(Template)]
#[template(path = "tokens.html")]
struct List {
    page: Page,
    tokens: Vec<Token>,
    made: Option<TokenMade>,
}

impl List {
    fn is_enrolment(&self, token: &Token) -> bool {
        token.kind == TokenKind::Enrolment
    }

    /// Can still be used.
    fn is_alive(&self, token: &Token) -> bool {
        let spent = self.is_enrolment(token) && token.used.is_some();
        !token.revoked && !spent && token.expires > self.page.now
    }

    fn status(&self, token: &Token) -> super::show::Markup {
        let page = &self.page;
        if token.revoked {
            page.badge("stopped", "pending", &page.say("token-revoked"))
        } else if self.is_enrolment(token) && token.used.is_some() {
            page.badge("ok", "pending", &page.say("token-used"))
        } else if token.expires <= page.now {
            page.badge("stale", "pending", &page.say("token-expired"))
        } else {
            page.badge("key", "ok", &page.say("token-alive"))
        }
    }

    /// What to run with the secret.
    fn command(&self, made: &TokenMade) -> String {
        let secret = shell_word(&made.secret);
        match made.token.kind {
            TokenKind::Enrolment => {
                let server = shell_word(&self.page.about.agent_address);
                format!(
                    "escadre agent enrol --agent-server {server} --enrolment {secret} && escadre agent run"
                )
            }
            TokenKind::Api => {
                let server = shell_word(&self.page.address(""));
                let ca = if server.starts_with("https") {
                    " --ca ca.pem"
                } else {
                    ""
                };
                format!("escadre --server {server}{ca} --token {secret} host list")
            }
        }
    }
}

async fn list(State(app): State<App>, visit: Visit) -> Result<Response, Refused> {
    shown(&app, visit, None).await
}

async fn shown(app: &App, visit: Visit, made: Option<TokenMade>) -> Result<Response, Refused> {
    let mut page = visit.page;
    page.titled(page.say("tokens-title"), "tokens");
    // A page that shows a secret must not fetch itself again: the secret would be gone.
    page.live = if made.is_some() { "" } else { "account host" };
    page.command(&["token", "list"]);
    page.command(&["token", "create", "NAME", "--enrolment"]);
    page.call_list("/tokens", &[]);
    let tokens = app.operations().tokens(&visit.actor).await?;
    Ok(render(&List { page, tokens, made }))
}

async fn create(
    State(app): State<App>,
    visit: Visit,
    Posted(fields): Posted,
) -> Result<Response, Refused> {
    let new = wanted(&fields)?;
    let made = app.operations().token_create(&visit.actor, new).await?;
    shown(&app, visit, Some(made)).await
}

fn wanted(fields: &Fields) -> Result<TokenNew, ApiError> {
    let kind = match fields.get("kind") {
        "api" => TokenKind::Api,
        _ => TokenKind::Enrolment,
    };
    let role: Option<Role> = match (kind, fields.get("role")) {
        (TokenKind::Enrolment, _) | (_, "") => None,
        (TokenKind::Api, role) => Some(
            role.parse()
                .map_err(|error: String| ApiError::invalid("token.role", error))?,
        ),
    };
    let hours: Option<u64> = fields.get("hours").parse().ok();
    let tags = fields.get("tags").split([' ', ',']);
    Ok(TokenNew {
        name: fields.get("name").to_owned(),
        kind,
        role,
        site: fields.some("site"),
        tags: tags
            .filter(|tag| !tag.is_empty())
            .map(str::to_owned)
            .collect(),
        lifetime_s: hours.map(|hours| hours.saturating_mul(3600)),
    })
}

async fn revoke(
    State(app): State<App>,
    visit: Visit,
    Posted(fields): Posted,
) -> Result<Response, Refused> {
    let invalid = |error: IdError| ApiError::invalid("token.id", error.to_string());
    let id: TokenId = fields.get("id").parse().map_err(invalid)?;
    app.operations().token_revoke(&visit.actor, id).await?;
    Ok(Redirect::to("/tokens").into_response())
}
