//! Rollouts and deliveries.

use axum::{Json, extract::State, http::HeaderMap, response::Response};
use escadre_api::{
    Actor, ApiError, Role,
    rollout::{Delivery, DeliveryFilter, RolloutNew, RolloutPreview, RolloutSummary},
};
use escadre_model::{DeliveryId, RolloutId};

use super::{
    answer::{Answer, Made, list},
    body::{Asked, At, Document},
    route::{Route, get, post},
};
use crate::{app::App, caller::Caller};

pub(super) fn table() -> Vec<Route> {
    vec![
        get("/rollouts", "Rollouts, newest first.", rollouts).lists::<RolloutSummary>(),
        post("/rollouts", "Makes a rollout.", create)
            .role(Role::Publisher)
            .status(201)
            .takes::<RolloutNew>()
            .answers::<RolloutSummary>(),
        post(
            "/rollouts/preview",
            "Who would get it, and who would not and why.",
            preview,
        )
        .takes::<RolloutNew>()
        .answers::<RolloutPreview>(),
        get(
            "/rollouts/{id}",
            "One rollout, by id or by name (`hello@1.0#3`).",
            rollout,
        )
        .answers::<RolloutSummary>(),
        post("/rollouts/{id}/pause", "Stops it for now.", pause)
            .role(Role::Operator)
            .answers::<RolloutSummary>(),
        post("/rollouts/{id}/resume", "Goes on.", resume)
            .role(Role::Operator)
            .answers::<RolloutSummary>(),
        post("/rollouts/{id}/abort", "Stops it for good.", abort)
            .role(Role::Operator)
            .answers::<RolloutSummary>(),
        get("/deliveries", "Deliveries, newest first.", deliveries)
            .query(&[
                ("rollout", "Of this rollout (id)."),
                ("host", "Of this host (name)."),
                ("failed", "`true`: only failures."),
                ("limit", "At most so many."),
            ])
            .lists::<Delivery>(),
        get("/deliveries/{id}", "One delivery with its steps.", delivery).answers::<Delivery>(),
    ]
}

async fn rollouts(
    State(app): State<App>,
    Caller(actor): Caller,
    headers: HeaderMap,
) -> Answer<Response> {
    list(&headers, &app.operations().rollouts(&actor).await?)
}

async fn create(
    State(app): State<App>,
    Caller(actor): Caller,
    Document(rollout): Document<RolloutNew>,
) -> Answer<Made<RolloutSummary>> {
    Ok(Made(
        app.operations().rollout_create(&actor, rollout).await?,
    ))
}

async fn preview(
    State(app): State<App>,
    Caller(actor): Caller,
    Document(rollout): Document<RolloutNew>,
) -> Answer<Json<RolloutPreview>> {
    Ok(Json(
        app.operations().rollout_preview(&actor, rollout).await?,
    ))
}

async fn rollout(
    State(app): State<App>,
    Caller(actor): Caller,
    At(id): At<String>,
) -> Answer<Json<RolloutSummary>> {
    Ok(Json(app.operations().rollout(&actor, &id).await?))
}

async fn pause(
    State(app): State<App>,
    Caller(actor): Caller,
    At(id): At<String>,
) -> Answer<Json<RolloutSummary>> {
    let id = find(&app, &actor, &id).await?;
    Ok(Json(app.operations().rollout_pause(&actor, id).await?))
}

async fn resume(
    State(app): State<App>,
    Caller(actor): Caller,
    At(id): At<String>,
) -> Answer<Json<RolloutSummary>> {
    let id = find(&app, &actor, &id).await?;
    Ok(Json(app.operations().rollout_resume(&actor, id).await?))
}

async fn abort(
    State(app): State<App>,
    Caller(actor): Caller,
    At(id): At<String>,
) -> Answer<Json<RolloutSummary>> {
    let id = find(&app, &actor, &id).await?;
    Ok(Json(app.operations().rollout_abort(&actor, id).await?))
}

/// The id of a rollout that is named by id or by name.
async fn find(app: &App, actor: &Actor, name: &str) -> Answer<RolloutId> {
    match name.parse() {
        Ok(id) => Ok(id),
        Err(_) => Ok(app.operations().rollout(actor, name).await?.id),
    }
}

async fn deliveries(
    State(app): State<App>,
    Caller(actor): Caller,
    Asked(filter): Asked<DeliveryFilter>,
    headers: HeaderMap,
) -> Answer<Response> {
    list(
        &headers,
        &app.operations().deliveries(&actor, filter).await?,
    )
}

async fn delivery(
    State(app): State<App>,
    Caller(actor): Caller,
    At(id): At<String>,
) -> Answer<Json<Delivery>> {
    let id: DeliveryId = id.parse().map_err(|error: escadre_model::id::IdError| {
        ApiError::invalid("delivery.id", error.to_string())
    })?;
    Ok(Json(app.operations().delivery(&actor, id).await?))
}
