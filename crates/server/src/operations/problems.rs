//! What people do about problems: run a check at once, take a problem, plan a downtime.

use std::{sync::Arc, time::Duration};

use escadre_api::{Actor, ApiError, ApiResult, ErrorKind, Role, check::*};
use escadre_model::{HostId, check::CheckState};
use escadre_store::tables::watch;
use escadre_watch::{DowntimeId, Event};

use super::{
    allowed::{Deed, act},
    checks::{self, locate, shown},
    command_engine,
    hosts::find,
};
use crate::{clock, shared::Shared};

/// A downtime is at most so long.
const LONGEST_DOWNTIME: u64 = 366 * 24 * 3600;

pub(super) async fn check_run(
    shared: &Arc<Shared>,
    actor: &Actor,
    host: &str,
    name: &str,
) -> ApiResult<()> {
    let deed = Deed::new("check.run", host).with(name);
    act(shared, actor, Role::Operator, deed, |line| async move {
        let (id, check) = locate(shared, host, name)?;
        command_engine(
            shared,
            Event::RunNow {
                host: id,
                check: Some(check),
            },
            Some(line),
        )
        .await
    })
    .await
}

pub(super) async fn check_acknowledge(
    shared: &Arc<Shared>,
    actor: &Actor,
    host: &str,
    name: &str,
    comment: &str,
) -> ApiResult<CheckDetail> {
    let deed = Deed::new("check.acknowledge", host).with(format!("{name}: {comment}"));
    act(shared, actor, Role::Operator, deed, |line| async move {
        let (id, check) = locate(shared, host, name)?;
        let is_fine = shared
            .engine()
            .status(id, &check)
            .is_none_or(|status| matches!(status.state, CheckState::Ok | CheckState::Pending));
        if is_fine {
            let message = format!("`{name}` on `{host}` has no problem to take");
            return Err(ApiError::new(
                ErrorKind::Conflict,
                "check.no_problem",
                message,
            ));
        }
        let acknowledgement = escadre_watch::Acknowledgement {
            author: actor.name.clone(),
            comment: bounded(comment)?,
            sticky: true,
            at: clock::now(),
        };
        let event = Event::Acknowledge {
            host: id,
            check,
            acknowledgement,
            notify: true,
        };
        command_engine(shared, event, Some(line)).await?;
        checks::check(shared, actor, host, name).await
    })
    .await
}

fn bounded(comment: &str) -> ApiResult<String> {
    if comment.len() > 4096 {
        return Err(ApiError::invalid(
            "comment.too_long",
            "a comment has at most 4096 bytes",
        ));
    }
    Ok(comment.to_owned())
}

pub(super) async fn check_unacknowledge(
    shared: &Arc<Shared>,
    actor: &Actor,
    host: &str,
    name: &str,
) -> ApiResult<CheckDetail> {
    let deed = Deed::new("check.unacknowledge", host).with(name);
    act(shared, actor, Role::Operator, deed, |line| async move {
        let (id, check) = locate(shared, host, name)?;
        command_engine(
            shared,
            Event::RemoveAcknowledgement { host: id, check },
            Some(line),
        )
        .await?;
        checks::check(shared, actor, host, name).await
    })
    .await
}

pub(super) async fn downtime_add(
    shared: &Arc<Shared>,
    actor: &Actor,
    new: DowntimeNew,
) -> ApiResult<Downtime> {
    let what = new.check.clone().unwrap_or_else(|| "all checks".to_owned());
    let deed = Deed::new("downtime.add", new.host.clone())
        .with(format!("{what}, {} s: {}", new.duration_s, new.comment));
    act(shared, actor, Role::Operator, deed, |line| async move {
        if new.duration_s == 0 || new.duration_s > LONGEST_DOWNTIME {
            return Err(ApiError::invalid(
                "downtime.length",
                "a downtime lasts a second to a year",
            ));
        }
        let (host, check) = match &new.check {
            Some(check) => {
                locate(shared, &new.host, check).map(|(host, check)| (host, Some(check)))?
            }
            None => (find(shared, &new.host)?.row.id, None),
        };
        let number = shared
            .write(move |tx| watch::number_downtime(tx, host))
            .await?;
        let now = clock::now();
        let downtime = escadre_watch::Downtime {
            id: DowntimeId(number),
            check,
            from: now,
            until: clock::after(now, Duration::from_secs(new.duration_s)),
            author: actor.name.clone(),
            comment: bounded(&new.comment)?,
        };
        let planned = shown(&downtime);
        command_engine(shared, Event::PlanDowntime { host, downtime }, Some(line)).await?;
        Ok(planned)
    })
    .await
}

pub(super) async fn downtime_remove(
    shared: &Arc<Shared>,
    actor: &Actor,
    number: u64,
) -> ApiResult<()> {
    let host = shared
        .read(move |tx| watch::downtime_host(tx, number))
        .await?;
    let subject = host.map_or_else(|| number.to_string(), |host| shared.directory.name(host));
    let deed = Deed::new("downtime.remove", subject).with(format!("number {number}"));
    act(shared, actor, Role::Operator, deed, |line| async move {
        let id = DowntimeId(number);
        let is_planned = |host: &HostId| {
            let engine = shared.engine();
            engine
                .host(*host)
                .is_some_and(|record| record.downtimes.iter().any(|(one, _)| one.id == id))
        };
        let host = host.filter(is_planned).ok_or_else(|| {
            ApiError::not_found(
                "downtime.unknown",
                format!("there is no downtime {number}, or it is over"),
            )
        })?;
        command_engine(shared, Event::CancelDowntime { host, id }, Some(line)).await
    })
    .await
}
