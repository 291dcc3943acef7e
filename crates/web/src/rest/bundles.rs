//! Bundles: their content as chunks, their authority as signed trust metadata, and uploads from a browser.

use axum::{
    Json,
    extract::{Request, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use escadre_api::{
    ApiError, Role,
    bundle::{
        BundleDetail, BundlePublish, BundleSummary, BundleVerification, BundleWithdraw, UploadState,
    },
};
use serde_json::{Value, json};

use super::{
    answer::{Answer, Done, Made, list},
    body::{At, Document, Perhaps, bundle_ref, bytes},
    route::{Route, delete, get, post, put},
    upload::{Received, receive},
};
use crate::{app::App, caller::Caller};

/// Largest chunk as stored; content-defined cutting stays far below it.
const CHUNK_LIMIT: usize = 32 << 20;

pub(super) fn table() -> Vec<Route> {
    let bytes = json!({"type": "string", "format": "binary"});
    let hashes = json!({"type": "array", "items": {"type": "string"}});
    let mut table = vec![
        get(
            "/bundles",
            "Bundles by name, newest version first.",
            bundles,
        )
        .lists::<BundleSummary>(),
        post(
            "/bundles",
            "Makes a bundle known; its chunks must be here.",
            publish,
        )
        .role(Role::Publisher)
        .status(201)
        .takes::<BundlePublish>()
        .answers::<BundleDetail>(),
        get(
            "/bundles/{name}/{version}",
            "One bundle with its manifest.",
            bundle,
        )
        .answers::<BundleDetail>(),
        delete("/bundles/{name}/{version}", "Takes a bundle out.", remove)
            .role(Role::Publisher)
            .takes::<BundleWithdraw>(),
        post(
            "/bundles/{name}/{version}/verify",
            "Checks every byte of it here.",
            verify,
        )
        .answers::<BundleVerification>(),
    ];
    table.extend([
        post(
            "/chunks/missing",
            "Which of these chunks (BLAKE3 in hexadecimal) are not here.",
            missing,
        )
        .role(Role::Publisher)
        .takes_as("application/json", hashes.clone())
        .answers_as("application/json", hashes),
        put(
            "/chunks/{hash}",
            "Takes a chunk, compressed with zstd; its content must hash to its name.",
            chunk_put,
        )
        .role(Role::Publisher)
        .limit(CHUNK_LIMIT)
        .takes_as("application/octet-stream", bytes.clone()),
        get(
            "/trust/{file}",
            "A file of the trust metadata by its TUF name.",
            trust,
        )
        .answers_as("application/octet-stream", bytes.clone()),
        put(
            "/trust/{file}",
            "New signed targets, or a newer root.",
            trust_put,
        )
        .role(Role::Publisher)
        .takes_as("application/octet-stream", bytes),
        post(
            "/uploads",
            "Makes a bundle of an archive (multipart form).",
            upload,
        )
        .role(Role::Publisher)
        .status(202)
        .streams()
        .takes_as("multipart/form-data", upload_form())
        .answers::<UploadState>(),
        get(
            "/uploads/{name}/{version}",
            "How far an upload is.",
            upload_state,
        )
        .answers::<UploadState>(),
    ]);
    table
}

fn upload_form() -> Value {
    json!({
        "type": "object",
        "required": ["name", "version", "action", "command", "file"],
        "properties": {
            "name": {"type": "string"},
            "version": {"type": "string"},
            "action": {"type": "string", "enum": ["launch", "execute", "store"]},
            "command": {"type": "string", "description": "Command line to launch or execute, or the folder to store into."},
            "description": {"type": "string"},
            "file": {"type": "string", "format": "binary", "description": ".zip, .tar, .tar.gz, or any single file. Last field of the form."},
        },
    })
}

async fn bundles(
    State(app): State<App>,
    Caller(actor): Caller,
    headers: HeaderMap,
) -> Answer<Response> {
    list(&headers, &app.operations().bundles(&actor).await?)
}

async fn publish(
    State(app): State<App>,
    Caller(actor): Caller,
    Document(publish): Document<BundlePublish>,
) -> Answer<Made<BundleDetail>> {
    Ok(Made(
        app.operations().bundle_publish(&actor, publish).await?,
    ))
}

async fn bundle(
    State(app): State<App>,
    Caller(actor): Caller,
    At((name, version)): At<(String, String)>,
) -> Answer<Json<BundleDetail>> {
    let bundle = bundle_ref(&name, &version)?;
    Ok(Json(app.operations().bundle(&actor, &bundle).await?))
}

async fn remove(
    State(app): State<App>,
    Caller(actor): Caller,
    At((name, version)): At<(String, String)>,
    Perhaps(withdraw): Perhaps<BundleWithdraw>,
) -> Answer<Done> {
    let bundle = bundle_ref(&name, &version)?;
    let withdraw = withdraw.unwrap_or(BundleWithdraw { targets: None });
    app.operations()
        .bundle_remove(&actor, &bundle, withdraw)
        .await?;
    Ok(Done)
}

async fn verify(
    State(app): State<App>,
    Caller(actor): Caller,
    At((name, version)): At<(String, String)>,
) -> Answer<Json<BundleVerification>> {
    let bundle = bundle_ref(&name, &version)?;
    Ok(Json(app.operations().bundle_verify(&actor, &bundle).await?))
}

async fn missing(
    State(app): State<App>,
    Caller(actor): Caller,
    Document(hashes): Document<Vec<String>>,
) -> Answer<Json<Vec<String>>> {
    Ok(Json(app.operations().chunks_missing(&actor, hashes).await?))
}

async fn chunk_put(
    State(app): State<App>,
    Caller(actor): Caller,
    At(hash): At<String>,
    request: Request,
) -> Answer<Done> {
    let body = bytes(request, &app).await?;
    app.operations().chunk_put(&actor, &hash, body).await?;
    Ok(Done)
}

async fn trust(
    State(app): State<App>,
    Caller(actor): Caller,
    At(file): At<String>,
) -> Answer<Response> {
    let bytes = app.operations().trust_file(&actor, &file).await?;
    Ok(([("content-type", "application/octet-stream")], bytes).into_response())
}

async fn trust_put(
    State(app): State<App>,
    Caller(actor): Caller,
    At(file): At<String>,
    request: Request,
) -> Answer<Done> {
    let body = bytes(request, &app).await?;
    app.operations().trust_put(&actor, &file, body).await?;
    Ok(Done)
}

async fn upload(
    State(app): State<App>,
    Caller(actor): Caller,
    request: Request,
) -> Answer<(StatusCode, Json<UploadState>)> {
    // Who may not publish must not fill the disk first.
    if actor.role < Role::Publisher {
        let message = "only publishers and administrators upload bundles";
        return Err(ApiError::new(escadre_api::ErrorKind::Forbidden, "auth.role", message).into());
    }
    let Received {
        upload,
        file_name,
        file,
    } = receive(&app, request, None).await?;
    let state = app
        .operations()
        .bundle_upload(&actor, upload, &file_name, file)
        .await?;
    Ok((StatusCode::ACCEPTED, Json(state)))
}

async fn upload_state(
    State(app): State<App>,
    Caller(actor): Caller,
    At((name, version)): At<(String, String)>,
) -> Answer<Json<UploadState>> {
    let bundle = bundle_ref(&name, &version)?;
    Ok(Json(app.operations().upload_state(&actor, &bundle).await?))
}
