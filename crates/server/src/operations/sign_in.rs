//! Who asks: passwords, one-time links, sessions, tokens of the API.
//!
//! A refusal takes as long and says as much whether or not the name is there.

use std::{sync::Arc, time::Duration};

use escadre_api::{Actor, ApiError, ApiResult, ErrorKind, Role, account::*};
use escadre_model::{Timestamp, id::UserId};
use escadre_store::{
    Transaction,
    tables::{account, audit as log, session as sessions, token},
};
use escadre_trust::{SecretString, Token as Secret, TokenKind as Kind, password};

use super::{
    accounts::{ONCE, path_of, role_of, user_of},
    allowed::{Deed, write},
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
const FIRST: &str = "admin";

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
    let outcome = known_token(shared, secret, clock::now()).await;
    if let Err(error) = &outcome
        && error.kind == ErrorKind::Unauthenticated
    {
        shared.guards.addresses.failed(address);
        shared.counters.refusals.inc();
        let line = Deed::new("token.use", "").line(&visitor("", address), &error.code);
        write(shared, line).await;
    }
    let row = outcome?;
    Ok(Actor {
        name: format!("token:{}", row.name),
        role: role_of(row.role.as_deref().unwrap_or("viewer"))?,
        via: "token",
        address: address.to_owned(),
        request: String::new(),
    })
}

/// The row of a token that is good now.
async fn known_token(
    shared: &Arc<Shared>,
    secret: &str,
    now: Timestamp,
) -> ApiResult<token::Token> {
    let parsed = Secret::parse(Kind::Api, secret);
    let parsed = parsed.map_err(|error| unauthenticated("token.wrong", &error.to_string()))?;
    let hash = parsed.digest().to_string();
    let found = shared.read(move |tx| token::by_hash(tx, &hash)).await?;
    let Some(row) = found.filter(|row| row.kind == "api") else {
        return Err(unauthenticated(
            "token.wrong",
            "this token is not known here",
        ));
    };
    if row.revoked {
        return Err(unauthenticated("token.revoked", "this token was revoked"));
    }
    if row.expires <= now {
        return Err(unauthenticated("token.expired", "this token has expired"));
    }
    if row.used.is_none_or(|at| clock::after(at, SELDOM) <= now) {
        let id = row.id;
        shared.write(move |tx| token::used(tx, id, now)).await?;
    }
    Ok(row)
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

/// Whether anybody has ever signed in.
pub(super) async fn is_first_run(shared: &Arc<Shared>) -> ApiResult<bool> {
    Ok(shared
        .read(account::all)
        .await?
        .iter()
        .all(|row| row.last_sign_in.is_none()))
}
