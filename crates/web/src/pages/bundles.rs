//! Bundles: what there is, who signed it, who uses it; and making one of an archive from this browser.

use askama::Template;
use axum::{
    Router,
    extract::{DefaultBodyLimit, FromRequestParts, Path, Request, State},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use escadre_api::{
    ApiError, ErrorKind, Role,
    bundle::{
        BundleDetail, BundleStatus, BundleSummary, BundleVerification, BundleWithdraw, UploadState,
    },
    rollout::RolloutSummary,
};
use escadre_model::BundleRef;

use super::{
    form::Posted,
    page::{Page, Visit},
    render,
};
use crate::{
    app::App,
    caller::forged,
    guard::forgery,
    link::segment,
    rest::{Received, Refused, receive},
};

pub(super) fn routes() -> Router<App> {
    let upload = post(upload).layer(DefaultBodyLimit::disable());
    Router::new()
        .route("/bundles", get(list).merge(upload))
        .route("/bundles/{name}/{version}", get(show))
        .route("/bundles/{name}/{version}/verify", post(verify))
        .route("/bundles/{name}/{version}/remove", post(remove))
        .route("/uploads/{name}/{version}", get(upload_state))
}

#[derive(Template)]
#[template(path = "bundles.html")]
struct List {
    page: Page,
    bundles: Vec<BundleSummary>,
}

impl Page {
    /// Whether agents would take it.
    pub(crate) fn bundle_status(&self, status: &BundleStatus) -> super::show::Markup {
        match status {
            BundleStatus::Signed => self.badge("shield", "ok", &self.say("bundle-signed")),
            BundleStatus::Unsigned => {
                self.badge("warning", "warning", &self.say("bundle-unsigned"))
            }
        }
    }

    /// The address of a bundle's page on this face.
    pub(crate) fn bundle_path(&self, bundle: &BundleRef) -> String {
        path_of(bundle)
    }
}

fn path_of(bundle: &BundleRef) -> String {
    format!(
        "/bundles/{}/{}",
        segment(bundle.name()),
        segment(bundle.version())
    )
}

async fn list(State(app): State<App>, visit: Visit) -> Result<Response, Refused> {
    let mut page = visit.page;
    page.titled(page.say("bundles-title"), "bundles");
    page.live = "bundle";
    page.command(&["bundle", "list"]);
    page.call_list("/bundles", &[]);
    let bundles = app.operations().bundles(&visit.actor).await?;
    Ok(render(&List { page, bundles }))
}

/// The form without script. The token is a field that must come before the file.
async fn upload(State(app): State<App>, request: Request) -> Result<Response, Response> {
    let (mut parts, body) = request.into_parts();
    let visit = Visit::from_request_parts(&mut parts, &app).await?;
    if !forgery::same_origin(&parts.headers) {
        return Err(Refused(forged()).into_response());
    }
    if visit.actor.role < Role::Publisher {
        let message = "only publishers and administrators upload bundles";
        let error = ApiError::new(ErrorKind::Forbidden, "auth.role", message);
        return Err(Refused(error).into_response());
    }
    let request = Request::from_parts(parts, body);
    let stored = receive(&app, request, Some(&visit.session)).await;
    let Received {
        upload,
        file_name,
        file,
    } = stored.map_err(IntoResponse::into_response)?;
    let state = app
        .operations()
        .bundle_upload(&visit.actor, upload, &file_name, file)
        .await
        .map_err(|error| Refused(error).into_response())?;
    let (name, version) = (segment(state.name.name()), segment(state.name.version()));
    Ok(Redirect::to(&format!("/uploads/{name}/{version}")).into_response())
}

#[derive(Template)]
#[template(path = "upload.html")]
struct Upload {
    page: Page,
    state: UploadState,
}

impl Upload {
    fn is_over(&self) -> bool {
        matches!(self.state.phase.as_str(), "done" | "unsigned" | "failed")
    }

    fn failed(&self) -> bool {
        self.state.phase == "failed"
    }

    fn phase(&self) -> String {
        let key = format!("upload-{}", self.state.phase);
        if self.page.words.has(&key) {
            self.page.say(&key).into_owned()
        } else {
            self.state.phase.clone()
        }
    }
}

type OneBundle = Path<(String, String)>;

fn named(name: &str, version: &str) -> Result<BundleRef, ApiError> {
    BundleRef::new(name, version)
        .map_err(|error| ApiError::invalid("bundle.name", error.to_string()))
}

async fn upload_state(
    State(app): State<App>,
    visit: Visit,
    Path((name, version)): OneBundle,
) -> Result<Response, Refused> {
    let mut page = visit.page;
    let bundle = named(&name, &version)?;
    let state = app.operations().upload_state(&visit.actor, &bundle).await?;
    page.titled(page.fill("upload-title", "name", &state.name), "bundles");
    page.live = "bundle";
    page.command(&["bundle", "show", &state.name.to_string()]);
    page.call(
        "GET",
        &format!("/uploads/{}/{}", segment(&name), segment(&version)),
        &[],
    );
    let mut view = Upload { page, state };
    if !view.is_over() {
        view.page.reload_s = Some(2);
    }
    Ok(render(&view))
}

#[derive(Template)]
#[template(path = "bundle.html")]
struct One {
    page: Page,
    bundle: BundleDetail,
    manifest: String,
    used: Vec<RolloutSummary>,
    verification: Option<BundleVerification>,
}

async fn one(
    app: &App,
    visit: Visit,
    bundle: BundleRef,
    verification: Option<BundleVerification>,
) -> Result<Response, Refused> {
    let (actor, mut page) = (visit.actor, visit.page);
    let detail = app.operations().bundle(&actor, &bundle).await?;
    let mut used = app.operations().rollouts(&actor).await?;
    used.retain(|rollout| rollout.bundle == bundle);
    page.titled(bundle.to_string(), "bundles");
    page.live = "bundle";
    let text = bundle.to_string();
    page.command(&["bundle", "show", &text]);
    page.command(&["bundle", "verify", &text]);
    if page.may_publish() {
        page.command(&["bundle", "rm", &text]);
    }
    page.call("GET", &path_of(&bundle), &[]);
    let manifest = format!("{:#}", detail.manifest);
    Ok(render(&One {
        page,
        bundle: detail,
        manifest,
        used,
        verification,
    }))
}

async fn show(
    State(app): State<App>,
    visit: Visit,
    Path((name, version)): OneBundle,
) -> Result<Response, Refused> {
    let bundle = named(&name, &version)?;
    one(&app, visit, bundle, None).await
}

async fn verify(
    State(app): State<App>,
    visit: Visit,
    Path((name, version)): OneBundle,
    Posted(_): Posted,
) -> Result<Response, Refused> {
    let bundle = named(&name, &version)?;
    let verification = app
        .operations()
        .bundle_verify(&visit.actor, &bundle)
        .await?;
    one(&app, visit, bundle, Some(verification)).await
}

/// Only unsigned bundles go from here: taking out a signed one wants the publisher's signature.
async fn remove(
    State(app): State<App>,
    visit: Visit,
    Path((name, version)): OneBundle,
    Posted(_): Posted,
) -> Result<Response, Refused> {
    let bundle = named(&name, &version)?;
    let withdraw = BundleWithdraw { targets: None };
    app.operations()
        .bundle_remove(&visit.actor, &bundle, withdraw)
        .await?;
    Ok(Redirect::to("/bundles").into_response())
}
