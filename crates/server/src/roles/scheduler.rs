//! The scheduler: drives the watch engine with results, words of people and time, and journals what comes of it.
//!
//! One step takes what waits (results that the receiver stored, commands, signs of life, what is due), lets the engine
//! handle it, and writes the outcome in one unit of work: records of hosts that changed, history, performance data,
//! and the deletion of the results that were dealt with. Only then are others told, and commands answered. A write that
//! fails is tried again; until it succeeds nothing more is handled.

mod journal;
mod work;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use escadre_bus::{Heard, Message, Subscription};
use escadre_model::{
    CheckName, HostId, Timestamp,
    check::{CheckCommand, CheckDefinition, CheckResult},
};
use escadre_store::{
    StoreError,
    tables::{audit, received},
};
use escadre_watch::{Event, Runner, Watched};
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};

use self::{
    journal::write,
    work::{Told, Work},
};
use crate::{clock, shared::Shared, worker::Stop};

pub(crate) use journal::restore;

/// Name of the role.
pub(crate) const NAME: &str = "scheduler";
/// Results that one step takes.
const STEP: u32 = 500;
/// A clock that is set forward is noticed after this.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// A result on its way from the receiver to the scheduler, as it is stored.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StoredResult {
    /// The agent's number.
    pub(crate) sequence: u64,
    /// Which check.
    pub(crate) check: CheckName,
    /// When it was taken, by our clock.
    pub(crate) taken: Timestamp,
    /// What it gave.
    pub(crate) result: CheckResult,
}

/// Something that a person or another role wants of the engine.
pub(crate) struct Command {
    /// What.
    pub(crate) event: Event,
    /// A line for the audit log, written with the outcome.
    pub(crate) audit: Option<audit::Line>,
    /// Is told when the outcome is on disk.
    pub(crate) done: oneshot::Sender<Result<(), StoreError>>,
}

/// The checks of a host: what its inventory calls for, and the host itself, which is up as long as its agent speaks.
pub(crate) fn checks_of(
    known: &escadre_model::inventory::Inventory,
    contact_every_s: u32,
) -> Vec<Watched> {
    let own = CheckDefinition {
        name: CheckName(CheckName::HOST.to_owned()),
        command: CheckCommand::Passive,
        interval_s: contact_every_s,
        retry_s: contact_every_s,
        max_attempts: 1,
        timeout_s: 10,
        freshness_s: contact_every_s.saturating_mul(3).max(5),
    };
    let others = escadre_probe::checks::default_checks(known).into_iter();
    std::iter::once(own)
        .chain(others.filter(|check| check.name.0 != CheckName::HOST))
        .map(Watched::from)
        .collect()
}

/// The event that defines a host's checks.
pub(crate) fn define(shared: &Shared, host: HostId) -> Option<Event> {
    let known = shared.directory.by_id(host)?;
    let checks = checks_of(&known.inventory, shared.settings().contact_every_s);
    Some(Event::Define {
        host,
        runner: Runner::Elsewhere,
        checks,
    })
}

/// Works until it is stopped.
pub(crate) async fn run(
    shared: Arc<Shared>,
    mut commands: mpsc::Receiver<Command>,
    mut stop: Stop,
) {
    let Ok(everything) = "received.>".parse() else {
        return;
    };
    let mut heard = shared.bus.subscribe(everything);
    let mut hosts = BTreeSet::new();
    let mut waiting = Vec::new();
    let mut more = true;
    loop {
        if !more {
            let due = shared
                .engine()
                .next_due()
                .map_or(LONGEST_SLEEP, clock::until);
            tokio::select! {
                () = stop.wait() => {}
                command = commands.recv() => waiting.extend(command),
                event = heard.next() => note(&shared, event, &mut hosts),
                () = tokio::time::sleep(due.min(LONGEST_SLEEP)) => {}
            }
        }
        drain(
            &shared,
            &mut commands,
            heard.as_mut(),
            &mut waiting,
            &mut hosts,
        );
        more = step(
            &shared,
            std::mem::take(&mut waiting),
            std::mem::take(&mut hosts),
        )
        .await;
        if stop.is_given() {
            return;
        }
    }
}

fn drain(
    shared: &Shared,
    commands: &mut mpsc::Receiver<Command>,
    heard: &mut dyn Subscription,
    waiting: &mut Vec<Command>,
    hosts: &mut BTreeSet<HostId>,
) {
    use futures_util::FutureExt;
    while let Ok(command) = commands.try_recv() {
        waiting.push(command);
    }
    while let Some(Some(event)) = heard.next().now_or_never() {
        note(shared, Some(event), hosts);
    }
}

/// A host has spoken. When signs of life were lost, every host that spoke lately counts.
fn note(shared: &Shared, event: Option<Heard>, hosts: &mut BTreeSet<HostId>) {
    match event {
        Some(Heard::Message(message)) => hosts.extend(host_in(&message)),
        Some(Heard::Lagged(_)) => {
            let lately = clock::before(clock::now(), Duration::from_secs(60));
            let spoke = |at: Option<Timestamp>| at.is_some_and(|at| at >= lately);
            let all = shared.directory.all().into_iter();
            hosts.extend(
                all.filter(|known| spoke(known.row.last_contact))
                    .map(|known| known.row.id),
            );
        }
        None => {}
    }
}

fn host_in(message: &Message) -> Option<HostId> {
    escadre_bus::decode(message)
        .inspect_err(|error| tracing::warn!(%error, "a message is not understood"))
        .ok()
}

/// One step; true when more results may wait.
async fn step(shared: &Arc<Shared>, commands: Vec<Command>, hosts: BTreeSet<HostId>) -> bool {
    let received = loop {
        match shared
            .store
            .read(|tx| received::waiting(tx, received::Kind::Result, STEP))
            .await
        {
            Ok(received) => break received,
            Err(StoreError::Closed) => return false,
            Err(error) => super::unit::trouble(shared, NAME, &error).await,
        }
    };
    let more = received.len() >= STEP as usize;
    let now = clock::now();
    let (outcome, told, answers) = {
        let mut engine = shared.engine_mut();
        let mut work = Work::new(now, &mut engine);
        for host in hosts {
            work.handle(host, Event::Heard { host });
        }
        received.iter().for_each(|one| work.result(one));
        let mut answers = Vec::new();
        for command in commands {
            work.command(command.event);
            work.outcome.audit.extend(command.audit);
            answers.push(command.done);
        }
        work.tick();
        work.finish(answers)
    };
    shared.counters.results.inc_by(outcome.perf.len() as u64);
    let written = write(shared, outcome).await;
    for answer in answers {
        // Who asked may have gone away.
        let _ = answer.send(written.clone());
    }
    tell(shared, told);
    more
}

fn tell(shared: &Shared, told: Told) {
    let mut orders = told.orders;
    if !told.runs.is_empty() {
        let mut run_now = shared.run_now();
        for (host, check) in told.runs {
            run_now.entry(host).or_default().insert(check);
            orders.insert(host);
        }
    }
    told.hosts
        .into_iter()
        .for_each(|host| shared.tell_host(host));
    orders.into_iter().for_each(|host| shared.tell_orders(host));
}
