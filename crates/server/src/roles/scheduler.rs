//! The scheduler: drives the watch engine with results, words of people and time, and journals what comes of it.
//!
//! One step takes what waits (results that the receiver stored, commands, signs of life, what is due), lets the engine
//! handle it, and writes the outcome in one unit of work: records of hosts that changed, history, performance data,
//! and the deletion of the results that were dealt with. Only then are others told, and commands answered. A write that
//! fails is tried again; until it succeeds nothing more is handled.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use escadre_bus::{Heard, Message, Subscription};
use escadre_model::{
    CheckName, HostId, Timestamp,
    check::{CheckCommand, CheckDefinition, CheckResult, Perf},
};
use escadre_store::{
    StoreError, Transaction,
    tables::{audit, inventory, lease, perf, received, watch},
};
use escadre_watch::{Effect, Engine, Event, HistoryEntry, ResultEvent, Runner, Watched};
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};

use crate::{
    clock,
    shared::{SHARD, Shared},
    worker::{Condition, Stop},
};

/// Name of the role.
pub(crate) const NAME: &str = "scheduler";
/// Results that one step takes.
const STEP: u32 = 500;
const PATIENCE: Duration = Duration::from_secs(1);

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

/// What one step changed, ready to be written.
#[derive(Default)]
struct Outcome {
    records: Vec<(HostId, String)>,
    history: Vec<watch::HistoryLine>,
    perf: Vec<(HostId, CheckName, Timestamp, Vec<Perf>)>,
    dealt_with: Vec<u64>,
    audit: Vec<audit::Line>,
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
        freshness_s: contact_every_s.saturating_mul(3).max(10),
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
                .map_or(Duration::from_secs(3600), clock::until);
            tokio::select! {
                () = stop.wait() => {}
                command = commands.recv() => waiting.extend(command),
                event = heard.next() => note(&shared, event, &mut hosts),
                () = tokio::time::sleep(due) => {}
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
            Err(error) => trouble(shared, &error).await,
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

/// The engine at work, and what comes of it.
struct Work<'a> {
    now: Timestamp,
    engine: &'a mut Engine,
    changed: BTreeSet<HostId>,
    told: Told,
    outcome: Outcome,
}

/// Who is to be told.
#[derive(Default)]
struct Told {
    hosts: BTreeSet<HostId>,
    orders: BTreeSet<HostId>,
    runs: Vec<(HostId, CheckName)>,
}

impl<'a> Work<'a> {
    fn new(now: Timestamp, engine: &'a mut Engine) -> Self {
        Self {
            now,
            engine,
            changed: BTreeSet::new(),
            told: Told::default(),
            outcome: Outcome::default(),
        }
    }

    /// What a person wants changes the host's record, whether or not the engine names an effect.
    fn command(&mut self, event: Event) {
        let host = match &event {
            Event::Define { host, .. }
            | Event::HostGone { host }
            | Event::Heard { host }
            | Event::RunNow { host, .. }
            | Event::Acknowledge { host, .. }
            | Event::RemoveAcknowledgement { host, .. }
            | Event::PlanDowntime { host, .. }
            | Event::CancelDowntime { host, .. }
            | Event::SetNotifications { host, .. } => *host,
            Event::Result(result) => result.host,
            Event::Resume | Event::Tick => {
                self.tick();
                return;
            }
        };
        if matches!(event, Event::Define { .. } | Event::HostGone { .. }) {
            self.told.orders.insert(host);
        }
        self.changed.insert(host);
        self.told.hosts.insert(host);
        self.handle(host, event);
    }

    fn result(&mut self, one: &received::Received) {
        self.outcome.dealt_with.push(one.number);
        let stored: StoredResult = match serde_json::from_str(&one.document) {
            Ok(stored) => stored,
            Err(error) => {
                tracing::error!(%error, number = one.number, "a stored result cannot be read; left out");
                return;
            }
        };
        let (check, taken, perf) = (
            stored.check.clone(),
            stored.taken,
            stored.result.perf.clone(),
        );
        let event = Event::Result(ResultEvent {
            host: one.host,
            check: stored.check,
            sequence: Some(stored.sequence),
            taken,
            result: stored.result,
        });
        if self.handle(one.host, event) {
            self.outcome
                .perf
                .push((one.host, check, taken.min(self.now), perf));
        }
    }

    fn tick(&mut self) {
        let effects = self.engine.handle(self.now, Event::Tick);
        self.take(effects);
    }

    /// False when the engine did not take it.
    fn handle(&mut self, host: HostId, event: Event) -> bool {
        let effects = self.engine.handle(self.now, event);
        let dropped = effects
            .iter()
            .any(|effect| matches!(effect, Effect::Dropped { host: of, .. } if *of == host));
        self.take(effects);
        !dropped
    }

    fn take(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Updated { host, .. } | Effect::Removed { host, .. } => {
                    self.changed.insert(host);
                    self.told.hosts.insert(host);
                }
                Effect::History(entry) => {
                    self.changed.insert(entry.host);
                    self.outcome.history.extend(line(entry));
                }
                Effect::Run(order) => self.told.runs.push((order.host, order.check)),
                Effect::StaleBegan { host, .. } | Effect::StaleEnded { host, .. } => {
                    self.changed.insert(host);
                    self.told.hosts.insert(host);
                }
                Effect::ProblemBegan(change) => tracing::info!(
                    host = %change.host, check = %change.check, state = change.to.word(), "a problem began"
                ),
                Effect::Recovered(change) => {
                    tracing::info!(host = %change.host, check = %change.check, "a problem ended");
                }
                Effect::StateChanged(_) | Effect::Notify(_) | Effect::Dropped { .. } => {}
            }
        }
    }

    fn finish<T>(mut self, answers: T) -> (Outcome, Told, T) {
        for host in std::mem::take(&mut self.changed) {
            let Some(record) = self.engine.host(host) else {
                continue;
            };
            match serde_json::to_string(record) {
                Ok(document) => self.outcome.records.push((host, document)),
                Err(error) => tracing::error!(%error, %host, "a host's record cannot be written"),
            }
        }
        (self.outcome, self.told, answers)
    }
}

fn line(entry: HistoryEntry) -> Option<watch::HistoryLine> {
    let document = serde_json::to_string(&entry.kind);
    let document = document
        .inspect_err(|error| tracing::error!(%error, "a line of history is lost"))
        .ok()?;
    Some(watch::HistoryLine {
        host: entry.host,
        name: entry.check.unwrap_or_else(|| CheckName(String::new())),
        at: entry.at,
        kind: entry.kind.word().to_owned(),
        document,
    })
}

fn put(tx: &mut dyn Transaction, epoch: u64, outcome: &Outcome) -> Result<(), StoreError> {
    lease::guard(tx, SHARD, epoch)?;
    for (host, document) in &outcome.records {
        watch::put_record(tx, *host, document)?;
    }
    for line in &outcome.history {
        watch::add_history(tx, line)?;
    }
    for (host, check, at, values) in &outcome.perf {
        for value in values {
            perf::add(tx, *host, &check.0, *at, value)?;
        }
    }
    for line in &outcome.audit {
        audit::append(tx, line)?;
    }
    received::dealt_with(tx, &outcome.dealt_with)
}

/// Writes, and tries again while the fault may pass.
async fn write(shared: &Arc<Shared>, outcome: Outcome) -> Result<(), StoreError> {
    let is_empty = outcome.records.is_empty()
        && outcome.history.is_empty()
        && outcome.audit.is_empty()
        && outcome.dealt_with.is_empty();
    if is_empty {
        return Ok(());
    }
    let (outcome, epoch) = (Arc::new(outcome), shared.epoch);
    loop {
        let rows = Arc::clone(&outcome);
        match shared.store.write(move |tx| put(tx, epoch, &rows)).await {
            Ok(()) => {
                shared.workers.set(NAME, Condition::Well);
                return Ok(());
            }
            Err(error) if error.is_passing() => trouble(shared, &error).await,
            Err(error) => {
                shared
                    .workers
                    .set(NAME, Condition::Trouble(error.to_string()));
                return Err(error);
            }
        }
    }
}

async fn trouble(shared: &Shared, error: &StoreError) {
    shared
        .workers
        .set(NAME, Condition::Trouble(error.to_string()));
    tokio::time::sleep(PATIENCE).await;
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

/// The engine as the last run left it, its hosts defined anew from their inventories.
pub(crate) fn restore(
    tx: &mut dyn Transaction,
) -> Result<Vec<escadre_watch::HostRecord>, StoreError> {
    let mut records = Vec::new();
    for document in watch::records(tx)? {
        records.push(
            serde_json::from_str(&document).map_err(|error| StoreError::Row {
                sql: "watch_record".to_owned(),
                reason: error.to_string(),
            })?,
        );
    }
    // Read here so that a damaged inventory stops the start, not the first page.
    inventory::all(tx)?;
    Ok(records)
}
