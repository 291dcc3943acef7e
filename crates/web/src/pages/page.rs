//! What every page knows: who reads it, in which language, where it stands; and the extractor that makes it.

use std::borrow::Cow;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
    response::{Html, IntoResponse, Redirect, Response},
};
use escadre_api::{Actor, ApiError, ErrorKind, Role, health::About};
use escadre_model::Timestamp;
use jiff::tz::TimeZone;

use crate::{
    Face,
    app::App,
    assets::{Addresses, SPRITE, addresses},
    caller::{address, request_id},
    guard::{cookie, forgery},
    language::{Language, Words},
    link::{own_path, shell_word, with_query},
    rest::Refused,
};

/// What the layout and the parts of a page need.
pub(crate) struct Page {
    pub(crate) words: &'static Words,
    pub(crate) theme: &'static str,
    pub(crate) face: Face,
    pub(crate) about: About,
    pub(crate) actor: Option<Actor>,
    pub(crate) form_token: String,
    /// Path and query of this page, to come back to.
    pub(crate) path: String,
    pub(crate) now: Timestamp,
    pub(crate) zone: TimeZone,
    pub(crate) title: String,
    /// Which entry of the navigation is current.
    pub(crate) section: &'static str,
    /// Which live events make this page look again (words of `LiveEvent`), separated by blanks.
    pub(crate) live: &'static str,
    /// Commands that do the same as this page.
    pub(crate) commands: Vec<String>,
    /// The address of the list of this page as CSV.
    pub(crate) export: Option<String>,
    /// Set while something goes on without script: the page reloads itself after so many seconds.
    pub(crate) reload_s: Option<u32>,
    host: String,
    secure: bool,
}

/// An entry of the navigation.
pub(crate) struct Entry {
    pub(crate) section: &'static str,
    pub(crate) path: &'static str,
    /// Second key of the shortcut `g …`.
    pub(crate) key: &'static str,
    least: Role,
}

const fn entry(section: &'static str, path: &'static str, key: &'static str, least: Role) -> Entry {
    Entry {
        section,
        path,
        key,
        least,
    }
}

const VISUALISATION: [Entry; 4] = [
    entry("inbox", "/", "i", Role::Viewer),
    entry("hosts", "/hosts", "h", Role::Viewer),
    entry("checks", "/checks", "c", Role::Viewer),
    entry("rollouts", "/rollouts", "r", Role::Viewer),
];

const CONFIGURATION: [Entry; 7] = [
    entry("start", "/", "i", Role::Viewer),
    entry("bundles", "/bundles", "b", Role::Viewer),
    entry("wizard", "/rollouts/new", "n", Role::Publisher),
    entry("tokens", "/tokens", "t", Role::Administrator),
    entry("users", "/users", "u", Role::Administrator),
    entry("audit", "/audit", "a", Role::Administrator),
    entry("settings", "/settings", "s", Role::Viewer),
];

impl Page {
    async fn load(app: &App, parts: &Parts) -> Result<Self, ApiError> {
        let headers = &parts.headers;
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        Ok(Self {
            words: language(headers).words(),
            theme: theme(headers),
            face: app.face(),
            about: app.operations().about().await?,
            actor: None,
            form_token: String::new(),
            path: path.to_owned(),
            now: app.now(),
            zone: app.setup().zone.clone(),
            title: String::new(),
            section: "",
            live: "",
            commands: Vec::new(),
            export: None,
            reload_s: None,
            host: header_text(headers, header::HOST.as_str()).to_owned(),
            secure: app.setup().secure,
        })
    }

    /// Names the page (already translated) and says where in the navigation it is.
    pub(crate) fn titled(&mut self, title: impl Into<String>, section: &'static str) {
        self.title = title.into();
        self.section = section;
    }

    /// Adds the command line that does the same; each word is quoted as a shell needs it.
    pub(crate) fn command(&mut self, words: &[&str]) {
        let words: Vec<String> = words.iter().map(|word| shell_word(word)).collect();
        self.commands.push(format!("escadre {}", words.join(" ")));
    }

    /// Adds a command whose last word is a free text: left out when empty, marked as no option where it looks like one.
    pub(crate) fn command_about(&mut self, words: &[&str], text: &str) {
        let mut words = words.to_vec();
        if text.starts_with('-') {
            words.push("--");
        }
        if !text.is_empty() {
            words.push(text);
        }
        self.command(&words);
    }

    /// Adds the API call that does the same.
    pub(crate) fn call(&mut self, method: &str, path: &str, query: &[(&str, &str)]) {
        self.call_with(method, path, query, None);
    }

    /// Adds the API call that gives the list of this page, and its CSV.
    pub(crate) fn call_list(&mut self, path: &str, query: &[(&str, &str)]) {
        self.call("GET", path, query);
        let mut query = query.to_vec();
        query.push(("format", "csv"));
        self.export = Some(with_query(&format!("/api/v1{path}"), &query));
    }

    /// Adds the API call that does the same, with a JSON body.
    pub(crate) fn call_with(
        &mut self,
        method: &str,
        path: &str,
        query: &[(&str, &str)],
        body: Option<&serde_json::Value>,
    ) {
        let scheme = if self.secure { "https" } else { "http" };
        let address = format!("{scheme}://{}/api/v1{}", self.host, with_query(path, query));
        let method = if method == "GET" {
            String::new()
        } else {
            format!("-X {method} ")
        };
        let body = body.map_or(String::new(), |body| {
            let body = shell_word(&body.to_string());
            format!("-H 'Content-Type: application/json' -d {body} ")
        });
        let token = r#"-H "Authorization: Bearer $ESCADRE_TOKEN""#;
        let address = shell_word(&address);
        self.commands
            .push(format!("curl {method}{token} {body}{address}"));
    }

    /// A sentence.
    pub(crate) fn say(&self, key: &str) -> Cow<'static, str> {
        self.words.say(key)
    }

    /// The word for one of a family (`state-` and `critical`).
    pub(crate) fn word(&self, family: &str, word: &str) -> Cow<'static, str> {
        self.words.say(&format!("{family}-{word}"))
    }

    /// A sentence about a number.
    pub(crate) fn count(&self, key: &str, count: impl Amount) -> String {
        self.words.count(key, count.amount())
    }

    /// A sentence with one variable.
    pub(crate) fn fill(&self, key: &str, name: &str, value: impl ToString) -> String {
        self.words.fill(key, &[(name, &value.to_string())])
    }

    /// The navigation of this face, as far as the role goes.
    pub(crate) fn entries(&self) -> Vec<&'static Entry> {
        let entries: &'static [Entry] = match self.face {
            Face::Visualisation => &VISUALISATION,
            Face::Configuration => &CONFIGURATION,
        };
        let seen = |entry: &&Entry| self.may(entry.least);
        entries.iter().filter(seen).collect()
    }

    /// Whether the reader's role allows it. Only hides; the operation is what refuses.
    pub(crate) fn may(&self, least: Role) -> bool {
        self.actor.as_ref().is_some_and(|actor| actor.role >= least)
    }

    pub(crate) fn may_operate(&self) -> bool {
        self.may(Role::Operator)
    }

    pub(crate) fn may_publish(&self) -> bool {
        self.may(Role::Publisher)
    }

    pub(crate) fn may_administer(&self) -> bool {
        self.may(Role::Administrator)
    }

    pub(crate) fn is_configuration(&self) -> bool {
        self.face == Face::Configuration
    }

    /// A path on the visualisation.
    pub(crate) fn view(&self, path: &str) -> String {
        self.on(Face::Visualisation, &self.about.view_address, path)
    }

    /// A path on the configuration.
    pub(crate) fn config(&self, path: &str) -> String {
        self.on(Face::Configuration, &self.about.config_address, path)
    }

    /// The whole address of a path on this face, for links that are sent to somebody.
    pub(crate) fn address(&self, path: &str) -> String {
        let scheme = if self.secure { "https" } else { "http" };
        format!("{scheme}://{}{path}", self.host)
    }

    /// A path on a face: as it is on this one, else with this page's host name and the other one's port.
    fn on(&self, face: Face, address: &str, path: &str) -> String {
        if face == self.face {
            return path.to_owned();
        }
        let scheme = if self.secure { "https" } else { "http" };
        let port = address.rsplit(':').next().unwrap_or("");
        let name = match self.host.rsplit_once(':') {
            // A bare IPv6 address ends with a bracket, not with a port.
            Some((name, port)) if !port.ends_with(']') => name,
            _ => &self.host,
        };
        format!("{scheme}://{name}:{port}{path}")
    }

    pub(crate) fn languages(&self) -> [Language; 2] {
        Language::ALL
    }

    pub(crate) fn assets(&self) -> &'static Addresses {
        addresses()
    }

    pub(crate) fn sprite(&self) -> &'static str {
        SPRITE
    }

    /// The name of the form field that holds the token.
    pub(crate) fn token_field(&self) -> &'static str {
        forgery::FIELD
    }
}

/// A number that is counted, of whatever type (templates pass references).
pub(crate) trait Amount {
    fn amount(&self) -> u64;
}

impl Amount for u64 {
    fn amount(&self) -> u64 {
        *self
    }
}

impl Amount for u32 {
    fn amount(&self) -> u64 {
        u64::from(*self)
    }
}

impl Amount for usize {
    fn amount(&self) -> u64 {
        *self as u64
    }
}

impl<T: Amount> Amount for &T {
    fn amount(&self) -> u64 {
        (*self).amount()
    }
}

fn header_text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or("")
}

fn language(headers: &HeaderMap) -> Language {
    cookie::read(headers, cookie::LANGUAGE)
        .and_then(Language::from_tag)
        .unwrap_or_else(|| Language::accepted(header_text(headers, "accept-language")))
}

fn theme(headers: &HeaderMap) -> &'static str {
    match cookie::read(headers, cookie::THEME) {
        Some("light") => "light",
        Some("dark") => "dark",
        _ => "auto",
    }
}

/// A page that nobody has to be signed in for.
pub(crate) struct Open {
    pub(crate) page: Page,
    pub(crate) address: String,
}

impl FromRequestParts<App> for Open {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refused> {
        Ok(Self {
            page: Page::load(app, parts).await?,
            address: address(parts),
        })
    }
}

/// A page for somebody who is signed in.
pub(crate) struct Visit {
    pub(crate) actor: Actor,
    pub(crate) page: Page,
    /// The secret of the session, for form tokens and for signing out.
    pub(crate) session: String,
}

impl FromRequestParts<App> for Visit {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let name = cookie::session_name(app.setup().secure);
        let Some(secret) = cookie::read(&parts.headers, name) else {
            return Err(without_cookie(parts));
        };
        let session = secret.to_owned();
        let mut actor = match app.operations().session(secret, &address(parts)).await {
            Ok(actor) => actor,
            Err(error) if error.kind == ErrorKind::Unauthenticated => {
                return Err(to_sign_in(parts));
            }
            Err(error) => return Err(Refused(error).into_response()),
        };
        actor.request = request_id(parts);
        let page = Page::load(app, parts).await;
        let mut page = page.map_err(|error| Refused(error).into_response())?;
        page.form_token = forgery::token(&session);
        page.actor = Some(actor.clone());
        Ok(Self {
            actor,
            page,
            session,
        })
    }
}

/// Whoever follows a link from a mail or a ticket comes without the strict cookie, though perhaps signed in. A page that
/// leads to the same address makes the next request one of this site, and the cookie comes along.
fn without_cookie(parts: &Parts) -> Response {
    let from_elsewhere = header_text(&parts.headers, "sec-fetch-site") == "cross-site";
    if !from_elsewhere || parts.method != axum::http::Method::GET {
        return to_sign_in(parts);
    }
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let path = super::show::escape(own_path(path));
    Html(format!(
        r#"<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0;url={path}"><a href="{path}">{path}</a>"#
    ))
    .into_response()
}

/// To the sign-in page, and from there back to what was asked for (when it can be asked for again).
fn to_sign_in(parts: &Parts) -> Response {
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let then = if parts.method == axum::http::Method::GET && path != "/" {
        path
    } else {
        ""
    };
    Redirect::to(&with_query("/sign-in", &[("then", then)])).into_response()
}
