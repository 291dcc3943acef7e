//! Who may, and the line in the audit log either way.

use std::{future::Future, sync::Arc};

use escadre_api::{Actor, ApiError, ApiResult, ErrorKind, Role};
use escadre_store::tables::audit;
use tracing::Instrument;

use crate::{clock, shared::Shared};

/// Refuses an actor below a role.
pub(super) fn require(actor: &Actor, role: Role) -> ApiResult<()> {
    if actor.role >= role {
        return Ok(());
    }
    let message = format!(
        "this wants the role {role}; {} has the role {}",
        actor.name, actor.role
    );
    let mut error = ApiError::new(ErrorKind::Forbidden, "role.missing", message)
        .with_hint("ask an administrator to do it, or for the role");
    error.request = Some(actor.request.clone());
    Err(error)
}

/// What is done, to what.
pub(super) struct Deed {
    /// Stable word (`rollout.create`).
    pub(super) action: &'static str,
    /// To what.
    pub(super) subject: String,
    /// For people.
    pub(super) detail: String,
}

impl Deed {
    /// A deed without details.
    pub(super) fn new(action: &'static str, subject: impl Into<String>) -> Self {
        Self {
            action,
            subject: subject.into(),
            detail: String::new(),
        }
    }

    /// The same, with details.
    pub(super) fn with(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    /// Its line in the audit log.
    pub(super) fn line(&self, actor: &Actor, outcome: &str) -> audit::Line {
        let origin = if actor.address.is_empty() {
            actor.via
        } else {
            &actor.address
        };
        audit::Line {
            at: clock::now(),
            actor: actor.name.clone(),
            origin: origin.to_owned(),
            action: self.action.to_owned(),
            subject: bounded(&self.subject),
            detail: bounded(&self.detail),
            outcome: outcome.to_owned(),
            request: actor.request.clone(),
        }
    }
}

fn bounded(text: &str) -> String {
    text.chars().take(2000).collect()
}

/// Does a deed for an actor who may. The work gets the line to write in its own unit of work; a refusal is written here.
pub(super) async fn act<T, F>(
    shared: &Arc<Shared>,
    actor: &Actor,
    role: Role,
    deed: Deed,
    work: impl FnOnce(audit::Line) -> F,
) -> ApiResult<T>
where
    F: Future<Output = ApiResult<T>>,
{
    let span = tracing::info_span!(
        "operation",
        action = deed.action,
        subject = deed.subject,
        actor = actor.name,
        request = actor.request
    );
    let outcome = match require(actor, role) {
        Ok(()) => work(deed.line(actor, "done")).instrument(span).await,
        Err(error) => Err(error),
    };
    if let Err(error) = &outcome {
        tracing::info!(
            actor = actor.name,
            action = deed.action,
            code = error.code,
            "refused"
        );
        write(shared, deed.line(actor, &error.code)).await;
    }
    outcome.map_err(|mut error| {
        error.request.get_or_insert_with(|| actor.request.clone());
        error
    })
}

/// Writes a line on its own. That it cannot be written must not turn a refusal into something else.
pub(super) async fn write(shared: &Arc<Shared>, line: audit::Line) {
    if let Err(error) = shared.store.write(move |tx| audit::append(tx, &line)).await {
        tracing::error!(%error, "a line is not in the audit log");
    }
}
