//! Users: made, changed, removed. There is always an administrator.

use std::{sync::Arc, time::Duration};

use escadre_api::{Actor, ApiError, ApiResult, ErrorKind, Role, account::*};
use escadre_model::id::UserId;
use escadre_store::{
    StoreError, Transaction,
    tables::{account, audit as log, session as sessions},
};
use escadre_trust::{SecretString, Token as Secret, TokenKind as Kind, password};

use super::{
    allowed::{Deed, act, require},
    random_id,
};
use crate::{
    clock,
    error::{blocking, of_trust},
    shared::Shared,
};

/// How long a one-time link works.
pub(super) const ONCE: Duration = Duration::from_secs(24 * 3600);
const PASSWORD_CHARACTERS: usize = 12;
/// The name in the audit log of whoever opens the socket.
const RESERVED: &str = "local";

pub(super) fn user_of(row: &account::Account) -> ApiResult<User> {
    Ok(User {
        name: row.name.clone(),
        role: role_of(&row.role)?,
        disabled: row.disabled,
        has_password: row.password.is_some(),
        created: row.created,
        last_sign_in: row.last_sign_in,
    })
}

pub(super) fn role_of(word: &str) -> ApiResult<Role> {
    word.parse().map_err(crate::error::internal)
}

pub(super) fn path_of(secret: &Secret) -> String {
    format!("/sign-in/once/{}", secret.reveal().expose())
}

pub(super) fn name_of(kind: &str, text: &str) -> ApiResult<String> {
    let name = text.trim();
    let fine = |c: char| c.is_alphanumeric() || " ._-@+".contains(c);
    if name.is_empty() || name.chars().count() > 64 || !name.chars().all(fine) {
        let message =
            format!("the name of a {kind} has 1 to 64 letters, digits, blanks and . _ - @ +");
        return Err(ApiError::invalid("name.invalid", message));
    }
    if name.eq_ignore_ascii_case(RESERVED) {
        let message = format!("`{RESERVED}` is who uses the socket on the server's own machine");
        return Err(ApiError::invalid("name.reserved", message));
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
                .decide(move |tx| add(tx, &kept, once.as_deref(), &line))
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

/// Adds a user whose name is free, with a one-time secret if there is one.
fn add(
    tx: &mut dyn Transaction,
    row: &account::Account,
    once: Option<&str>,
    line: &log::Line,
) -> Result<ApiResult<()>, StoreError> {
    if account::by_name(tx, &row.name)?.is_some() {
        let message = format!("there is a user `{}` already", row.name);
        return Ok(Err(ApiError::new(
            ErrorKind::Conflict,
            "user.taken",
            message,
        )));
    }
    account::insert(tx, row)?;
    if let Some(once) = once {
        let until = clock::after(row.created, ONCE);
        sessions::put_one_time(tx, once, row.id, row.created, until)?;
    }
    log::append(tx, line)?;
    Ok(Ok(()))
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
