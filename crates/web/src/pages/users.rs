//! Users and their roles. A one-time link is shown once, in the answer to the form.

use askama::Template;
use axum::{
    Router,
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use escadre_api::{
    ApiError, Role,
    account::{User, UserEdit, UserNew},
};

use super::{
    form::Posted,
    page::{Page, Visit},
    render,
};
use crate::{app::App, rest::Refused};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/users", get(list).post(create))
        .route("/users/{name}/edit", post(edit))
        .route("/users/{name}/link", post(link))
        .route("/users/{name}/remove", post(remove))
}

#[derive(Template)]
#[template(path = "users.html")]
struct List {
    page: Page,
    users: Vec<User>,
    /// Name and address, when a one-time link was just made.
    made: Option<(String, String)>,
}

impl List {
    fn roles(&self) -> [Role; 4] {
        Role::ALL
    }
}

async fn list(State(app): State<App>, visit: Visit) -> Result<Response, Refused> {
    shown(&app, visit, None).await
}

async fn shown(
    app: &App,
    visit: Visit,
    made: Option<(String, String)>,
) -> Result<Response, Refused> {
    let mut page = visit.page;
    page.titled(page.say("users-title"), "users");
    page.live = if made.is_some() { "" } else { "account" };
    page.command(&["user", "list"]);
    page.command(&["user", "create", "NAME", "--role", "operator"]);
    page.call_list("/users", &[]);
    let users = app.operations().users(&visit.actor).await?;
    Ok(render(&List { page, users, made }))
}

fn role(text: &str) -> Result<Role, ApiError> {
    text.parse()
        .map_err(|error: String| ApiError::invalid("user.role", error))
}

async fn create(
    State(app): State<App>,
    visit: Visit,
    Posted(fields): Posted,
) -> Result<Response, Refused> {
    let user = UserNew {
        name: fields.get("name").to_owned(),
        role: role(fields.get("role"))?,
        password: None,
    };
    let made = app.operations().user_create(&visit.actor, user).await?;
    let path = made.sign_in_path;
    let link = path.map(|path| (made.user.name, visit.page.address(&path)));
    shown(&app, visit, link).await
}

async fn edit(
    State(app): State<App>,
    visit: Visit,
    Path(name): Path<String>,
    Posted(fields): Posted,
) -> Result<Response, Refused> {
    let edit = UserEdit {
        role: Some(role(fields.get("role"))?),
        disabled: Some(!fields.get("disabled").is_empty()),
        password: None,
    };
    app.operations()
        .user_edit(&visit.actor, &name, edit)
        .await?;
    Ok(Redirect::to("/users").into_response())
}

async fn link(
    State(app): State<App>,
    visit: Visit,
    Path(name): Path<String>,
    Posted(_): Posted,
) -> Result<Response, Refused> {
    let operations = app.operations();
    let path = operations.user_sign_in_path(&visit.actor, &name).await?;
    let address = visit.page.address(&path);
    shown(&app, visit, Some((name, address))).await
}

async fn remove(
    State(app): State<App>,
    visit: Visit,
    Path(name): Path<String>,
    Posted(_): Posted,
) -> Result<Response, Refused> {
    app.operations().user_remove(&visit.actor, &name).await?;
    Ok(Redirect::to("/users").into_response())
}
