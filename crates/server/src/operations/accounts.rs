//! Who asks: sign-in, sessions, tokens, users; and the audit log.

use std::{sync::Arc, time::Duration};

use escadre_api::{Actor, ApiError, ApiResult, ErrorKind, Role, account::*};
use escadre_model::{
    Timestamp,
    id::{TokenId, UserId},
};
use escadre_store::{
    StoreError, Transaction,
    tables::{account, audit as log, session as sessions, token},
};
use escadre_trust::{
    EnrolmentText, Fingerprint, SecretString, Token as Secret, TokenKind as Kind, password,
};

use super::{
    allowed::{Deed, act, require, write},
    random_id,
};
use crate::{
    clock,
    error::{blocking, of_trust},
    shared::Shared,
};

/// A session that is not used for so long is over.
const IDLE: Duration = Duration::from_secs(12 * 3600);
/// A session is over after so long in any case.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);
/// How often a session's end or a token's use is written.
const SELDOM: Duration = Duration::from_secs(300);
/// How long a one-time link works.
const ONCE: Duration = Duration::from_secs(24 * 3600);
const PASSWORD_CHARACTERS: usize = 12;
const FIRST: &str = "admin";
const DAY: u64 = 24 * 3600;

fn unauthenticated(code: &str, message: &str) -> ApiError {
    ApiError::new(ErrorKind::Unauthenticated, code, message)
}

fn visitor(name: &str, address: &str) -> Actor {
    Actor {
        name: name.chars().take(128).collect(),
        role: Role::Viewer,
        via: "session",
        address: address.to_owned(),
        request: String::new(),
    }
}

fn user_of(row: &account::Account) -> ApiResult<User> {
    Ok(User {
        name: row.name.clone(),
        role: role_of(&row.role)?,
        disabled: row.disabled,
        has_password: row.password.is_some(),
        created: row.created,
        last_sign_in: row.last_sign_in,
    })
}

fn role_of(word: &str) -> ApiResult<Role> {
    word.parse().map_err(crate::error::internal)
}

// === Sign-in ===

pub(super) async fn sign_in(
    shared: &Arc<Shared>,
    name: &str,
    given: &str,
    address: &str,
) -> ApiResult<SessionMade> {
    shared.guards.names.check(name)?;
    shared.guards.addresses.check(address)?;
    let wanted = name.to_owned();
    let row = shared.read(move |tx| account::by_name(tx, &wanted)).await?;
    let row = row.filter(|row| !row.disabled);
    let stored = row.as_ref().and_then(|row| row.password.clone());
    let good = check_password(shared, SecretString::new(given), stored).await?;
    match row.filter(|_| good) {
        Some(row) => {
            shared.guards.names.succeeded(name);
            begin(shared, row, address, "session.sign_in").await
        }
        None => {
            shared.guards.names.failed(name);
            shared.guards.addresses.failed(address);
            shared.counters.refusals.inc();
            let line =
                Deed::new("session.sign_in", name).line(&visitor(name, address), "sign_in.wrong");
            write(shared, line).await;
            Err(unauthenticated(
                "sign_in.wrong",
                "name or password is wrong",
            ))
        }
    }
}

/// Takes as long for a user who does not exist.
async fn check_password(
    shared: &Arc<Shared>,
    given: SecretString,
    stored: Option<String>,
) -> ApiResult<bool> {
    let _turn = shared
        .guards
        .passwords
        .acquire()
        .await
        .map_err(crate::error::internal)?;
    blocking(move || match stored {
        Some(stored) => password::verify(&given, &stored).map_err(of_trust),
        None => password::verify_nobody(&given)
            .map(|()| false)
            .map_err(of_trust),
    })
    .await
}

pub(super) async fn sign_in_once(
    shared: &Arc<Shared>,
    secret: &str,
    address: &str,
) -> ApiResult<SessionMade> {
    shared.guards.addresses.check(address)?;
    let now = clock::now();
    let row = match Secret::parse(Kind::OneTime, secret) {
        Err(_) => None,
        Ok(secret) => {
            let hash = secret.digest().to_string();
            let take =
                move |tx: &mut dyn Transaction| match sessions::take_one_time(tx, &hash, now)? {
                    Some(id) => account::by_id(tx, id),
                    None => Ok(None),
                };
            shared.write(take).await?
        }
    };
    match row.filter(|row| !row.disabled) {
        Some(row) => begin(shared, row, address, "session.sign_in_once").await,
        None => {
            shared.guards.addresses.failed(address);
            shared.counters.refusals.inc();
            let deed = Deed::new("session.sign_in_once", "");
            write(
                shared,
                deed.line(&visitor("", address), "sign_in.link_over"),
            )
            .await;
            Err(unauthenticated(
                "sign_in.link_over",
                "this link was used already, or is too old",
            )
            .with_hint("ask for a new one: `escadre user link NAME`"))
        }
    }
}

async fn begin(
    shared: &Arc<Shared>,
    mut row: account::Account,
    address: &str,
    action: &'static str,
) -> ApiResult<SessionMade> {
    let secret = Secret::generate(Kind::Session).map_err(of_trust)?;
    let now = clock::now();
    row.last_sign_in = Some(now);
    let user = user_of(&row)?;
    let begun = sessions::Session {
        hash: secret.digest().to_string(),
        account: row.id,
        created: now,
        expires: clock::after(now, IDLE),
        address: address.to_owned(),
    };
    let line = Deed::new(action, row.name.clone()).line(&visitor(&row.name, address), "done");
    shared
        .write(move |tx| {
            sessions::insert(tx, &begun)?;
            account::update(tx, &row)?;
            log::append(tx, &line)
        })
        .await?;
    Ok(SessionMade {
        secret: secret.reveal().expose().to_owned(),
        user,
    })
}

pub(super) async fn session(shared: &Arc<Shared>, secret: &str, address: &str) -> ApiResult<Actor> {
    let over = || unauthenticated("session.over", "the session is over; sign in again");
    let hash = Secret::parse(Kind::Session, secret)
        .map_err(|_| over())?
        .digest()
        .to_string();
    let asked = hash.clone();
    let found = shared
        .read(move |tx| {
            let Some(found) = sessions::get(tx, &asked)? else {
                return Ok(None);
            };
            Ok(account::by_id(tx, found.account)?.map(|row| (found, row)))
        })
        .await?;
    let now = clock::now();
    let (found, row) = found
        .filter(|(found, row)| found.expires > now && !row.disabled)
        .ok_or_else(over)?;
    let longest = clock::after(found.created, LONGEST);
    let next = clock::after(now, IDLE).min(longest);
    if next > clock::after(found.expires, SELDOM) {
        shared
            .write(move |tx| sessions::extend(tx, &hash, next))
            .await?;
    }
    Ok(Actor {
        name: row.name,
        role: role_of(&row.role)?,
        via: "session",
        address: address.to_owned(),
        request: String::new(),
    })
}

pub(super) async fn sign_out(shared: &Arc<Shared>, secret: &str) -> ApiResult<()> {
    let Ok(secret) = Secret::parse(Kind::Session, secret) else {
        return Ok(());
    };
    let hash = secret.digest().to_string();
    shared.write(move |tx| sessions::remove(tx, &hash)).await
}

pub(super) async fn token_actor(
    shared: &Arc<Shared>,
    secret: &str,
    address: &str,
) -> ApiResult<Actor> {
    shared.guards.addresses.check(address)?;
    let refuse = |code: &str, message: &str| {
        shared.guards.addresses.failed(address);
        shared.counters.refusals.inc();
        unauthenticated(code, message)
    };
    let hash = match Secret::parse(Kind::Api, secret) {
        Ok(secret) => secret.digest().to_string(),
        Err(error) => return Err(refuse("token.wrong", &error.to_string())),
    };
    let now = clock::now();
    let found = shared.read(move |tx| token::by_hash(tx, &hash)).await?;
    let Some(row) = found.filter(|row| row.kind == "api") else {
        return Err(refuse("token.wrong", "this token is not known here"));
    };
    if row.revoked {
        return Err(refuse("token.revoked", "this token was revoked"));
    }
    if row.expires <= now {
        return Err(refuse("token.expired", "this token has expired"));
    }
    if row.used.is_none_or(|at| clock::after(at, SELDOM) <= now) {
        let id = row.id;
        shared.write(move |tx| token::used(tx, id, now)).await?;
    }
    Ok(Actor {
        name: format!("token:{}", row.name),
        role: role_of(row.role.as_deref().unwrap_or("viewer"))?,
        via: "token",
        address: address.to_owned(),
        request: String::new(),
    })
}

/// A one-time link for the first administrator, who is made if nobody is there; nothing once anybody has a password.
pub(super) async fn first_sign_in(shared: &Arc<Shared>) -> ApiResult<Option<String>> {
    let secret = Secret::generate(Kind::OneTime).map_err(of_trust)?;
    let (hash, now, id) = (
        secret.digest().to_string(),
        clock::now(),
        random_id(UserId::from_random)?,
    );
    let made = shared
        .write(move |tx| {
            let all = account::all(tx)?;
            if all.iter().any(|row| row.password.is_some()) {
                return Ok(false);
            }
            let known = all
                .iter()
                .find(|row| row.role == Role::Administrator.word() && !row.disabled);
            let owner = match known {
                Some(row) => row.id,
                None => {
                    let row = account::Account {
                        id,
                        name: FIRST.to_owned(),
                        role: Role::Administrator.word().to_owned(),
                        disabled: false,
                        password: None,
                        created: now,
                        last_sign_in: None,
                    };
                    account::insert(tx, &row)?;
                    id
                }
            };
            sessions::put_one_time(tx, &hash, owner, now, clock::after(now, ONCE))?;
            Ok(true)
        })
        .await?;
    Ok(made.then(|| path_of(&secret)))
}

fn path_of(secret: &Secret) -> String {
    format!("/sign-in/once/{}", secret.reveal().expose())
}

// === Tokens ===

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
            let name = name_of("token", &new.name)?;
            let (kind, role, secret, digest, life) = match new.kind {
                TokenKind::Api => {
                    let role = new.role.ok_or_else(|| {
                        ApiError::invalid("token.role", "a token of the API wants a role")
                    })?;
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
                name,
                kind: kind.to_owned(),
                role: role.map(|role| role.word().to_owned()),
                site: new.site.filter(|site| !site.is_empty()),
                tags: super::hosts::tidy_tags(&new.tags)?,
                created: now,
                expires: clock::after(now, Duration::from_secs(life)),
                used: None,
                revoked: false,
            };
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

// === Users ===

fn name_of(kind: &str, text: &str) -> ApiResult<String> {
    let name = text.trim();
    let fine = |c: char| c.is_alphanumeric() || " ._-@+".contains(c);
    if name.is_empty() || name.chars().count() > 64 || !name.chars().all(fine) {
        let message =
            format!("the name of a {kind} has 1 to 64 letters, digits, blanks and . _ - @ +");
        return Err(ApiError::invalid("name.invalid", message));
    }
    Ok(name.to_owned())
}

async fn hash(shared: &Arc<Shared>, given: String) -> ApiResult<String> {
    if given.chars().count() < PASSWORD_CHARACTERS {
        let message = format!("a password has {PASSWORD_CHARACTERS} characters or more");
        return Err(ApiError::invalid("password.short", message));
    }
    let _turn = shared
        .guards
        .passwords
        .acquire()
        .await
        .map_err(crate::error::internal)?;
    blocking(move || password::hash(&SecretString::new(given)).map_err(of_trust)).await
}

pub(super) async fn users(shared: &Arc<Shared>, actor: &Actor) -> ApiResult<Vec<User>> {
    require(actor, Role::Administrator)?;
    shared
        .read(account::all)
        .await?
        .iter()
        .map(user_of)
        .collect()
}

pub(super) async fn user_create(
    shared: &Arc<Shared>,
    actor: &Actor,
    new: UserNew,
) -> ApiResult<UserMade> {
    let deed = Deed::new("user.create", new.name.clone()).with(new.role.word());
    act(
        shared,
        actor,
        Role::Administrator,
        deed,
        |line| async move {
            let name = name_of("user", &new.name)?;
            let password = match new.password {
                Some(given) => Some(hash(shared, given).await?),
                None => None,
            };
            let secret = Secret::generate(Kind::OneTime).map_err(of_trust)?;
            let once = password.is_none().then(|| secret.digest().to_string());
            let now = clock::now();
            let row = account::Account {
                id: random_id(UserId::from_random)?,
                name,
                role: new.role.word().to_owned(),
                disabled: false,
                password,
                created: now,
                last_sign_in: None,
            };
            let (kept, wants_link) = (row.clone(), once.is_some());
            shared
                .decide(move |tx| {
                    if account::by_name(tx, &kept.name)?.is_some() {
                        let message = format!("there is a user `{}` already", kept.name);
                        return Ok(Err(ApiError::new(
                            ErrorKind::Conflict,
                            "user.taken",
                            message,
                        )));
                    }
                    account::insert(tx, &kept)?;
                    if let Some(once) = &once {
                        sessions::put_one_time(tx, once, kept.id, now, clock::after(now, ONCE))?;
                    }
                    log::append(tx, &line)?;
                    Ok(Ok(()))
                })
                .await?;
            shared.tell("account.changed", &());
            Ok(UserMade {
                user: user_of(&row)?,
                sign_in_path: wants_link.then(|| path_of(&secret)),
            })
        },
    )
    .await
}

/// Whether somebody could still administrate without this user.
fn is_last_administrator(tx: &mut dyn Transaction, id: UserId) -> Result<bool, StoreError> {
    let all = account::all(tx)?;
    let can = |row: &account::Account| row.role == Role::Administrator.word() && !row.disabled;
    Ok(all.iter().any(|row| row.id == id && can(row))
        && !all.iter().any(|row| row.id != id && can(row)))
}

fn last_administrator() -> ApiError {
    ApiError::new(
        ErrorKind::Conflict,
        "user.last_administrator",
        "this is the last administrator",
    )
    .with_hint("make another user an administrator first")
}

fn no_user(name: &str) -> ApiError {
    ApiError::not_found("user.unknown", format!("there is no user `{name}`"))
}

pub(super) async fn user_edit(
    shared: &Arc<Shared>,
    actor: &Actor,
    name: &str,
    edit: UserEdit,
) -> ApiResult<User> {
    let own_password = actor.via == "session"
        && actor.name == name
        && edit.role.is_none()
        && edit.disabled.is_none();
    let role = if own_password {
        Role::Viewer
    } else {
        Role::Administrator
    };
    let deed = Deed::new("user.edit", name).with(described(&edit));
    let wanted = name.to_owned();
    act(shared, actor, role, deed, |line| async move {
        let password = match edit.password {
            Some(given) => Some(hash(shared, given).await?),
            None => None,
        };
        let work = move |tx: &mut dyn Transaction| {
            let Some(mut row) = account::by_name(tx, &wanted)? else {
                return Ok(Err(no_user(&wanted)));
            };
            let loses = edit.role.is_some_and(|role| role < Role::Administrator)
                || edit.disabled == Some(true);
            if loses && is_last_administrator(tx, row.id)? {
                return Ok(Err(last_administrator()));
            }
            let ends_sessions = loses || password.is_some();
            row.role = edit.role.map_or(row.role, |role| role.word().to_owned());
            row.disabled = edit.disabled.unwrap_or(row.disabled);
            row.password = password.or(row.password);
            account::update(tx, &row)?;
            if ends_sessions && !own_password {
                sessions::remove_all(tx, row.id)?;
            }
            log::append(tx, &line)?;
            Ok(Ok(row))
        };
        let row = shared.decide(work).await?;
        shared.tell("account.changed", &());
        user_of(&row)
    })
    .await
}

fn described(edit: &UserEdit) -> String {
    let parts = [
        edit.role.map(|role| format!("role {role}")),
        edit.disabled.map(|disabled| {
            if disabled {
                "disabled".to_owned()
            } else {
                "enabled".to_owned()
            }
        }),
        edit.password.as_ref().map(|_| "new password".to_owned()),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

pub(super) async fn user_remove(shared: &Arc<Shared>, actor: &Actor, name: &str) -> ApiResult<()> {
    let wanted = name.to_owned();
    act(
        shared,
        actor,
        Role::Administrator,
        Deed::new("user.remove", name),
        |line| async move {
            let work = move |tx: &mut dyn Transaction| {
                let Some(row) = account::by_name(tx, &wanted)? else {
                    return Ok(Err(no_user(&wanted)));
                };
                if is_last_administrator(tx, row.id)? {
                    return Ok(Err(last_administrator()));
                }
                account::remove(tx, row.id)?;
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

pub(super) async fn user_sign_in_path(
    shared: &Arc<Shared>,
    actor: &Actor,
    name: &str,
) -> ApiResult<String> {
    let wanted = name.to_owned();
    act(
        shared,
        actor,
        Role::Administrator,
        Deed::new("user.link", name),
        |line| async move {
            let secret = Secret::generate(Kind::OneTime).map_err(of_trust)?;
            let (hash, now) = (secret.digest().to_string(), clock::now());
            let work = move |tx: &mut dyn Transaction| {
                let Some(row) = account::by_name(tx, &wanted)? else {
                    return Ok(Err(no_user(&wanted)));
                };
                sessions::put_one_time(tx, &hash, row.id, now, clock::after(now, ONCE))?;
                log::append(tx, &line)?;
                Ok(Ok(()))
            };
            shared.decide(work).await?;
            Ok(path_of(&secret))
        },
    )
    .await
}

// === Audit ===

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

/// Whether anybody has ever signed in.
pub(super) async fn is_first_run(shared: &Arc<Shared>) -> ApiResult<bool> {
    let nobody = |at: &account::Account| -> Option<Timestamp> { at.last_sign_in };
    Ok(shared
        .read(account::all)
        .await?
        .iter()
        .all(|row| nobody(row).is_none()))
}
