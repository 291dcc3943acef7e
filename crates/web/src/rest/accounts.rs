//! Tokens, users and the audit log.

use axum::{Json, extract::State, http::HeaderMap, response::Response};
use escadre_api::{
    ApiError, Role,
    account::{
        AuditEntry, AuditFilter, Token, TokenMade, TokenNew, User, UserEdit, UserMade, UserNew,
    },
};
use escadre_model::id::TokenId;

use super::{
    answer::{Answer, Done, Made, list},
    body::{Asked, At, Document},
    route::{Route, delete, get, patch, post},
};
use crate::{app::App, caller::Caller};

pub(super) fn table() -> Vec<Route> {
    let table = vec![
        get("/tokens", "Enrolment and API tokens, newest first.", tokens).lists::<Token>(),
        post(
            "/tokens",
            "Makes a token; its secret is in this answer and nowhere else.",
            token_create,
        )
        .status(201)
        .takes::<TokenNew>()
        .answers::<TokenMade>(),
        delete("/tokens/{id}", "Revokes a token.", token_revoke),
        get("/users", "Users by name.", users).lists::<User>(),
        post("/users", "Makes a user.", user_create)
            .status(201)
            .takes::<UserNew>()
            .answers::<UserMade>(),
        patch(
            "/users/{name}",
            "Changes a user; one's own password: anyone.",
            user_edit,
        )
        .takes::<UserEdit>()
        .answers::<User>(),
        delete(
            "/users/{name}",
            "Removes a user with its sessions.",
            user_remove,
        ),
        post(
            "/users/{name}/sign-in-path",
            "A new one-time path for signing in.",
            sign_in_path,
        )
        .answers::<String>(),
        get("/audit", "The audit log, newest first.", audit)
            .query(&[
                ("text", "Words to find in actor, action, subject or detail."),
                ("before", "Only numbers below this one (for the next page)."),
                ("limit", "At most so many; 100 when absent."),
            ])
            .lists::<AuditEntry>(),
    ];
    table
        .into_iter()
        .map(|route| route.role(Role::Administrator))
        .collect()
}

async fn tokens(
    State(app): State<App>,
    Caller(actor): Caller,
    headers: HeaderMap,
) -> Answer<Response> {
    list(&headers, &app.operations().tokens(&actor).await?)
}

async fn token_create(
    State(app): State<App>,
    Caller(actor): Caller,
    Document(token): Document<TokenNew>,
) -> Answer<Made<TokenMade>> {
    Ok(Made(app.operations().token_create(&actor, token).await?))
}

async fn token_revoke(
    State(app): State<App>,
    Caller(actor): Caller,
    At(id): At<String>,
) -> Answer<Done> {
    let id: TokenId = id.parse().map_err(|error: escadre_model::id::IdError| {
        ApiError::invalid("token.id", error.to_string())
    })?;
    app.operations().token_revoke(&actor, id).await?;
    Ok(Done)
}

async fn users(
    State(app): State<App>,
    Caller(actor): Caller,
    headers: HeaderMap,
) -> Answer<Response> {
    list(&headers, &app.operations().users(&actor).await?)
}

async fn user_create(
    State(app): State<App>,
    Caller(actor): Caller,
    Document(user): Document<UserNew>,
) -> Answer<Made<UserMade>> {
    Ok(Made(app.operations().user_create(&actor, user).await?))
}

async fn user_edit(
    State(app): State<App>,
    Caller(actor): Caller,
    At(name): At<String>,
    Document(edit): Document<UserEdit>,
) -> Answer<Json<User>> {
    Ok(Json(app.operations().user_edit(&actor, &name, edit).await?))
}

async fn user_remove(
    State(app): State<App>,
    Caller(actor): Caller,
    At(name): At<String>,
) -> Answer<Done> {
    app.operations().user_remove(&actor, &name).await?;
    Ok(Done)
}

async fn sign_in_path(
    State(app): State<App>,
    Caller(actor): Caller,
    At(name): At<String>,
) -> Answer<Json<String>> {
    Ok(Json(
        app.operations().user_sign_in_path(&actor, &name).await?,
    ))
}

async fn audit(
    State(app): State<App>,
    Caller(actor): Caller,
    Asked(filter): Asked<AuditFilter>,
    headers: HeaderMap,
) -> Answer<Response> {
    list(&headers, &app.operations().audit(&actor, filter).await?)
}
