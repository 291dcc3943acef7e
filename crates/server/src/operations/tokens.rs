//! Tokens of both kinds, and the audit log.

use std::{sync::Arc, time::Duration};

use escadre_api::{Actor, ApiError, ApiResult, ErrorKind, Role, account::*};
use escadre_model::id::TokenId;
use escadre_store::{
    Transaction,
    tables::{audit as log, token},
};
use escadre_trust::{EnrolmentText, Fingerprint, SecretString, Token as Secret, TokenKind as Kind};

use super::{
    accounts::{name_of, role_of},
    allowed::{Deed, act, require},
    random_id,
};
use crate::{clock, error::of_trust, shared::Shared};

const DAY: u64 = 24 * 3600;

fn token_of(row: token::Token) -> ApiResult<Token> {
    Ok(Token {
        name: row.name,
        id: row.id,
        kind: if row.kind == "api" {
            TokenKind::Api
        } else {
            TokenKind::Enrolment
        },
        role: row.role.as_deref().map(role_of).transpose()?,
        site: row.site,
        tags: row.tags,
        created: row.created,
        expires: row.expires,
        used: row.used,
        revoked: row.revoked,
    })
}

pub(super) async fn tokens(shared: &Arc<Shared>, actor: &Actor) -> ApiResult<Vec<Token>> {
    require(actor, Role::Administrator)?;
    shared
        .read(token::all)
        .await?
        .into_iter()
        .map(token_of)
        .collect()
}

pub(super) async fn token_create(
    shared: &Arc<Shared>,
    actor: &Actor,
    new: TokenNew,
) -> ApiResult<TokenMade> {
    let deed = Deed::new("token.create", new.name.clone()).with(match new.kind {
        TokenKind::Api => format!("api, {}", new.role.map_or("no role", Role::word)),
        TokenKind::Enrolment => "enrolment".to_owned(),
    });
    act(
        shared,
        actor,
        Role::Administrator,
        deed,
        |line| async move {
            let (row, secret) = make(shared, &new)?;
            let kept = row.clone();
            shared
                .write(move |tx| {
                    token::insert(tx, &kept)?;
                    log::append(tx, &line)
                })
                .await?;
            shared.tell("account.changed", &());
            Ok(TokenMade {
                token: token_of(row)?,
                secret: secret.expose().to_owned(),
            })
        },
    )
    .await
}

/// A token's row and the text that is shown once.
fn make(shared: &Arc<Shared>, new: &TokenNew) -> ApiResult<(token::Token, SecretString)> {
    let (kind, role, secret, digest, life) = match new.kind {
        TokenKind::Api => {
            let wants_role = || ApiError::invalid("token.role", "a token of the API wants a role");
            let role = new.role.ok_or_else(wants_role)?;
            let secret = Secret::generate(Kind::Api).map_err(of_trust)?;
            (
                "api",
                Some(role),
                secret.reveal(),
                secret.digest(),
                90 * DAY,
            )
        }
        TokenKind::Enrolment => {
            let token = Secret::generate(Kind::Enrolment).map_err(of_trust)?;
            let digest = token.digest();
            (
                "enrolment",
                None,
                enrolment_text(shared, token)?.reveal(),
                digest,
                DAY,
            )
        }
    };
    let life = new.lifetime_s.unwrap_or(life).clamp(60, 3650 * DAY);
    let now = clock::now();
    let row = token::Token {
        id: random_id(TokenId::from_random)?,
        hash: digest.to_string(),
        name: name_of("token", &new.name)?,
        kind: kind.to_owned(),
        role: role.map(|role| role.word().to_owned()),
        site: new.site.clone().filter(|site| !site.is_empty()),
        tags: super::hosts::tidy_tags(&new.tags)?,
        created: now,
        expires: clock::after(now, Duration::from_secs(life)),
        used: None,
        revoked: false,
    };
    Ok((row, secret))
}

fn enrolment_text(shared: &Arc<Shared>, token: Secret) -> ApiResult<EnrolmentText> {
    let root = shared.trust.file("root.json")?.ok_or_else(|| {
        ApiError::new(
            ErrorKind::Conflict,
            "trust.none",
            "no publisher has founded trust here yet",
        )
        .with_hint("hosts pin the publishers' root when they enrol; give it first")
    })?;
    Ok(EnrolmentText {
        token,
        ca: shared.trust.authority.fingerprint(),
        root: Fingerprint::of(&root),
    })
}

pub(super) async fn token_revoke(
    shared: &Arc<Shared>,
    actor: &Actor,
    id: TokenId,
) -> ApiResult<()> {
    act(
        shared,
        actor,
        Role::Administrator,
        Deed::new("token.revoke", id.to_string()),
        |line| async move {
            let work = move |tx: &mut dyn Transaction| {
                if token::by_id(tx, id)?.is_none() {
                    return Ok(Err(ApiError::not_found(
                        "token.unknown",
                        format!("there is no token {id}"),
                    )));
                }
                token::revoke(tx, id)?;
                log::append(tx, &line)?;
                Ok(Ok(()))
            };
            shared.decide(work).await?;
            shared.tell("account.changed", &());
            Ok(())
        },
    )
    .await
}

pub(super) async fn audit(
    shared: &Arc<Shared>,
    actor: &Actor,
    filter: AuditFilter,
) -> ApiResult<Vec<AuditEntry>> {
    require(actor, Role::Administrator)?;
    let limit = filter.limit.unwrap_or(100).min(10_000);
    let lines = shared
        .read(move |tx| log::find(tx, &filter.text, filter.before, limit))
        .await?;
    Ok(lines
        .into_iter()
        .map(|(number, line)| entry(number, line))
        .collect())
}

fn entry(number: u64, line: log::Line) -> AuditEntry {
    AuditEntry {
        number,
        at: line.at,
        actor: line.actor,
        from: line.origin,
        action: line.action,
        subject: line.subject,
        detail: line.detail,
        outcome: line.outcome,
        request: line.request,
    }
}
