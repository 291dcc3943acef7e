//! The installation: what it is, the first page, healthcheck, live events, metrics, settings.

use std::{sync::Arc, time::Duration};

use escadre_api::{
    Actor, ApiError, ApiResult, Role, account::Settings, health::*, live::LiveEvent,
};
use escadre_model::check::CheckState;
use escadre_store::tables::{audit, setting};
use escadre_trust::Fingerprint;
use escadre_watch::Standing;
use futures_util::stream::{self, BoxStream, StreamExt};
use tokio::sync::broadcast::error::RecvError;

use super::{
    allowed::{Deed, act, require},
    checks, command_engine, deliveries, rollouts, sign_in,
};
use crate::{
    clock, directory,
    error::internal,
    health,
    roles::scheduler,
    shared::{SETTINGS, Shared},
};

/// Failed deliveries that the first page shows.
const LATELY: Duration = Duration::from_secs(7 * 24 * 3600);

pub(super) async fn about(shared: &Arc<Shared>) -> ApiResult<About> {
    let root = shared.trust.file("root.json")?;
    Ok(About {
        name: shared.settings().name,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started: shared.started,
        roles: shared
            .workers
            .all()
            .into_iter()
            .map(|worker| worker.name.to_owned())
            .collect(),
        ca_fingerprint: shared.trust.authority.fingerprint().to_string(),
        root_fingerprint: root
            .map(|root| Fingerprint::of(&root).to_string())
            .unwrap_or_default(),
        config_address: shared.config.told(shared.config.config_address),
        view_address: shared.config.told(shared.config.view_address),
        agent_address: shared.config.told(shared.config.agent_address),
        first_run: sign_in::is_first_run(shared).await?,
    })
}

pub(super) async fn inbox(shared: &Arc<Shared>, actor: &Actor) -> ApiResult<Inbox> {
    require(actor, Role::Viewer)?;
    let mut all = checks::of_hosts(shared, &shared.directory.all());
    checks::order(&mut all);
    let mut inbox = Inbox {
        problems: Vec::new(),
        handled: Vec::new(),
        stale: Vec::new(),
        failed: deliveries::failed_since(shared, clock::before(clock::now(), LATELY)).await?,
        findings: health::findings(shared)
            .await?
            .into_iter()
            .filter(|f| f.level > FindingLevel::Fine)
            .collect(),
        counts: counts(shared),
    };
    for check in all {
        let is_bad = !matches!(check.state, CheckState::Ok | CheckState::Pending);
        let is_hard = check.kind == escadre_model::check::StateKind::Hard;
        if check.stale && !(is_bad && is_hard) {
            inbox.stale.push(check);
        } else if is_bad && is_hard {
            match check.acknowledged.is_some() || check.in_downtime {
                true => inbox.handled.push(check),
                false => inbox.problems.push(check),
            }
        }
    }
    Ok(inbox)
}

/// Numbers for the top bar.
pub(super) fn counts(shared: &Shared) -> Counts {
    let mut counts = Counts::default();
    let engine = shared.engine();
    for known in shared.directory.all() {
        counts.hosts += 1;
        match engine.standing(known.row.id).unwrap_or(Standing::Pending) {
            Standing::Up => counts.hosts_up += 1,
            Standing::Down => counts.hosts_down += 1,
            Standing::Stale => counts.hosts_stale += 1,
            Standing::Pending => {}
        }
        let record = engine.host(known.row.id);
        for check in record.into_iter().flat_map(|record| record.checks.values()) {
            counts.checks += 1;
            match check.status.state {
                CheckState::Ok if check.status.stale_since.is_none() => counts.checks_ok += 1,
                CheckState::Ok => {}
                CheckState::Warning => counts.checks_warning += 1,
                CheckState::Critical => counts.checks_critical += 1,
                CheckState::Unknown | CheckState::Pending => counts.checks_unknown += 1,
            }
        }
    }
    drop(engine);
    let campaigns = shared.campaigns();
    let active = campaigns
        .values()
        .filter(|campaign| rollouts::is_active(campaign.header().state))
        .count();
    counts.rollouts_active = u32::try_from(active).unwrap_or(u32::MAX);
    counts
}

pub(super) async fn healthcheck(shared: &Arc<Shared>, actor: &Actor) -> ApiResult<Vec<Finding>> {
    require(actor, Role::Viewer)?;
    health::findings(shared).await
}

pub(super) fn live(shared: &Arc<Shared>) -> BoxStream<'static, LiveEvent> {
    let events = shared.live.subscribe();
    stream::unfold(events, |mut events| async move {
        match events.recv().await {
            Ok(event) => Some((event, events)),
            Err(RecvError::Lagged(_)) => Some((LiveEvent::Lagged, events)),
            Err(RecvError::Closed) => None,
        }
    })
    .boxed()
}

pub(super) async fn metrics(shared: &Arc<Shared>) -> ApiResult<String> {
    crate::metrics::text(shared, counts(shared))
}

pub(super) async fn settings(shared: &Arc<Shared>, actor: &Actor) -> ApiResult<Settings> {
    require(actor, Role::Viewer)?;
    Ok(shared.settings())
}

pub(super) async fn settings_edit(
    shared: &Arc<Shared>,
    actor: &Actor,
    new: Settings,
) -> ApiResult<Settings> {
    let deed = Deed::new("settings.edit", "settings").with(differences(&shared.settings(), &new));
    act(
        shared,
        actor,
        Role::Administrator,
        deed,
        |line| async move {
            check(&new)?;
            let text = serde_json::to_string(&new).map_err(internal)?;
            shared
                .write(move |tx| {
                    setting::put(tx, SETTINGS, &text)?;
                    audit::append(tx, &line)
                })
                .await?;
            let old = {
                let mut settings = shared
                    .settings
                    .write()
                    .unwrap_or_else(std::sync::PoisonError::into_inner);
                std::mem::replace(&mut *settings, new.clone())
            };
            if old.contact_every_s != new.contact_every_s {
                for known in shared.directory.all() {
                    if let Some(event) = scheduler::define(shared, known.row.id) {
                        command_engine(shared, event, None).await?;
                    }
                }
                crate::agents::tell_all(shared);
            }
            shared.tell("account.changed", &());
            Ok(new)
        },
    )
    .await
}

fn check(new: &Settings) -> ApiResult<()> {
    let refuse = |code: &str, message: String| Err(ApiError::invalid(code, message));
    if new.name.trim().is_empty() || new.name.chars().count() > 64 {
        return refuse(
            "settings.name",
            "the name has 1 to 64 characters".to_owned(),
        );
    }
    if !(1..=86_400).contains(&new.contact_every_s) {
        return refuse(
            "settings.contact",
            "agents speak every 1 to 86400 seconds".to_owned(),
        );
    }
    if !(1..=3650).contains(&new.keep_days) {
        return refuse(
            "settings.keep",
            "history is kept for 1 to 3650 days".to_owned(),
        );
    }
    if new.sites.len() > 256 << 10 {
        return refuse(
            "settings.sites",
            "the list of sites has at most 256 KiB".to_owned(),
        );
    }
    match directory::wrong_site_line(&new.sites) {
        Some((line, text)) => refuse(
            "settings.sites",
            format!("line {line}: `{text}` is not `SUBNET = SITE`"),
        ),
        None => Ok(()),
    }
}

fn differences(old: &Settings, new: &Settings) -> String {
    let mut all = Vec::new();
    if old.name != new.name {
        all.push(format!("name {} → {}", old.name, new.name));
    }
    if old.contact_every_s != new.contact_every_s {
        all.push(format!(
            "contact every {} → {} s",
            old.contact_every_s, new.contact_every_s
        ));
    }
    if old.keep_days != new.keep_days {
        all.push(format!("keep {} → {} days", old.keep_days, new.keep_days));
    }
    if old.sites != new.sites {
        all.push("sites".to_owned());
    }
    all.join("; ")
}
