//! A machine becomes a host, and a host gets its next certificate.

use std::sync::Arc;

use axum::{Json, body::Body, extract::State};
use escadre_api::{
    ApiError, ApiResult, ErrorKind,
    agent::{Enrol, Enrolled, Renew, Renewed},
};
use escadre_model::{HostId, Timestamp};
use escadre_store::{
    StoreError, Transaction,
    tables::{audit, host, token},
};
use escadre_trust::{EnrolmentText, Fingerprint, TokenKind, TrustError, authority, secret};

use super::{Agent, Ctx, Origin, REQUEST_BYTES, Refused, document};
use crate::{
    clock, directory,
    error::{blocking, internal, of_trust},
    roles::scheduler,
    shared::Shared,
};

/// `POST /agent/v1/enrol`
pub(super) async fn enrol(
    State(shared): Ctx,
    origin: Origin,
    body: Body,
) -> Result<Json<Enrolled>, Refused> {
    let address = origin.text();
    shared.guards.addresses.check(&address)?;
    let asked: Enrol = document(body, REQUEST_BYTES).await?;
    let outcome = admit(&shared, &asked, &origin).await;
    if let Err(error) = &outcome {
        shared.guards.addresses.failed(&address);
        shared.counters.refusals.inc();
        refused(&shared, &asked, address, &error.code).await;
    }
    Ok(Json(outcome?))
}

async fn refused(shared: &Arc<Shared>, asked: &Enrol, address: String, code: &str) {
    let hostname: String = asked.hostname.chars().take(64).collect();
    let line = line(
        hostname.clone(),
        address,
        "host.enrol",
        hostname,
        String::new(),
        code,
    );
    if let Err(error) = shared.store.write(move |tx| audit::append(tx, &line)).await {
        tracing::error!(%error, "a refusal is not in the audit log");
    }
}

fn line(
    actor: String,
    origin: String,
    action: &str,
    subject: String,
    detail: String,
    outcome: &str,
) -> audit::Line {
    audit::Line {
        at: clock::now(),
        actor,
        origin,
        action: action.to_owned(),
        subject,
        detail,
        outcome: outcome.to_owned(),
        request: String::new(),
    }
}

async fn admit(shared: &Arc<Shared>, asked: &Enrol, origin: &Origin) -> ApiResult<Enrolled> {
    let (token, pinned) = read_token(&asked.token)?;
    let hostname = host_name(&asked.hostname)?;
    let trust = Arc::clone(&shared.trust);
    let root = blocking(move || trust.root_for(pinned.as_ref())).await?;
    let now = clock::now();
    let id = HostId::from_random(secret::random().map_err(of_trust)?);
    // Made before the token is used up: a request that is no good leaves the token as it was.
    let certificate = shared
        .trust
        .authority
        .issue_agent(&asked.csr, id, now)
        .map_err(of_trust)?;
    let sites = shared.settings().sites;
    let site = origin
        .0
        .and_then(|address| directory::site_of(&sites, address.ip()));
    let row = host::Host {
        id,
        name: hostname,
        site: site.unwrap_or_default(),
        tags: Vec::new(),
        notes: String::new(),
        agent_version: asked.agent_version.chars().take(64).collect(),
        created: now,
        last_contact: Some(now),
        certificate_expires: Some(clock::after(now, authority::AGENT_LIFE)),
        want_inventory: true,
    };
    let from = origin.text();
    let row = shared
        .decide(move |tx| take_in(tx, &token, row, from, now))
        .await?;
    tracing::info!(host = %row.id, name = row.name, "enrolled");
    let (host, name) = (row.id, row.name.clone());
    shared.directory.put(directory::Known {
        row: Arc::new(row),
        inventory: Arc::default(),
    });
    if let Some(event) = scheduler::define(shared, host) {
        crate::operations::command_engine(shared, event, None).await?;
    }
    shared.tell_host(host);
    shared.tell("account.changed", &());
    Ok(Enrolled {
        host,
        name,
        certificate,
        ca: shared.trust.authority.certificate_pem().to_owned(),
        root: String::from_utf8(root).map_err(internal)?,
    })
}

/// The digest of the token; it comes alone, or inside the whole text that also pins the CA and the root.
fn read_token(text: &str) -> ApiResult<(String, Option<Fingerprint>)> {
    if let Ok(text) = EnrolmentText::parse(text) {
        return Ok((text.token.digest().to_string(), Some(text.root)));
    }
    let bare = escadre_trust::Token::parse(TokenKind::Enrolment, text);
    let refused = |error: TrustError| {
        ApiError::new(ErrorKind::Unauthenticated, "enrol.token", error.to_string())
    };
    Ok((bare.map_err(refused)?.digest().to_string(), None))
}

fn host_name(text: &str) -> ApiResult<String> {
    let name = text.trim().to_lowercase();
    let fine = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if name.is_empty()
        || name.len() > 253
        || !name.chars().all(fine)
        || name.starts_with(['.', '-'])
    {
        let message = "a host name has 1 to 253 letters, digits, dots, dashes";
        return Err(ApiError::invalid("enrol.hostname", message));
    }
    Ok(name)
}

/// Why a token does not let a machine in.
fn objection(token: &token::Token, now: Timestamp) -> Option<(&'static str, &'static str)> {
    if token.revoked {
        Some(("enrol.token_revoked", "this enrolment token was revoked"))
    } else if token.used.is_some() {
        Some((
            "enrol.token_used",
            "this enrolment token was used already; it works once",
        ))
    } else if token.expires <= now {
        Some(("enrol.token_expired", "this enrolment token has expired"))
    } else {
        None
    }
}

/// Uses the token up and adds the host, or refuses; one unit of work, so a token works once even in a race.
fn take_in(
    tx: &mut dyn Transaction,
    digest: &str,
    mut row: host::Host,
    from: String,
    now: Timestamp,
) -> Result<ApiResult<host::Host>, StoreError> {
    let refuse = |code: &str, message: &str| {
        let error = ApiError::new(ErrorKind::Unauthenticated, code, message);
        Ok(Err(error.with_hint(
            "make a new one: `escadre token create NAME --enrolment`",
        )))
    };
    let Some(token) = token::by_hash(tx, digest)?.filter(|token| token.kind == "enrolment") else {
        return refuse(
            "enrol.token_unknown",
            "this enrolment token is not known here",
        );
    };
    if let Some((code, message)) = objection(&token, now) {
        return refuse(code, message);
    }
    token::used(tx, token.id, now)?;
    row.name = free_name(tx, &row.name)?;
    row.tags = token.tags;
    if let Some(site) = token.site {
        row.site = site;
    }
    host::insert(tx, &row)?;
    let detail = format!("with token `{}`, as {}", token.name, row.id);
    let actor = format!("token:{}", token.name);
    audit::append(
        tx,
        &line(actor, from, "host.enrol", row.name.clone(), detail, "done"),
    )?;
    Ok(Ok(row))
}

/// The name, or the name with the first number that is free.
fn free_name(tx: &mut dyn Transaction, wanted: &str) -> Result<String, StoreError> {
    let mut name = wanted.to_owned();
    let mut number = 2u32;
    while host::by_name(tx, &name)?.is_some() {
        name = format!("{wanted}-{number}");
        number += 1;
    }
    Ok(name)
}

/// `POST /agent/v1/renew`: only for a host that is still one of ours, which [`Agent`] has checked.
pub(super) async fn renew(
    State(shared): Ctx,
    Agent(host): Agent,
    body: Body,
) -> Result<Json<Renewed>, Refused> {
    let asked: Renew = document(body, REQUEST_BYTES).await?;
    let now = clock::now();
    let certificate = shared
        .trust
        .authority
        .issue_agent(&asked.csr, host, now)
        .map_err(of_trust)?;
    let expires = clock::after(now, authority::AGENT_LIFE);
    shared
        .write(move |tx| host::certified(tx, host, expires))
        .await?;
    shared
        .directory
        .change(host, |row| row.certificate_expires = Some(expires));
    Ok(Json(Renewed { certificate }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names_are_names() {
        for good in ["web1", "WEB1.example.org", "a_b"] {
            assert!(host_name(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            " ",
            "a b",
            "../x",
            "-x",
            ".x",
            "a\u{0}",
            "é",
            &"x".repeat(254),
        ] {
            assert!(host_name(bad).is_err(), "{bad:?}");
        }
    }
}
