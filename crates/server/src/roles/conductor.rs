//! The conductor: drives one campaign per rollout with reports, words of people and time, and journals what comes of it.
//!
//! As with the scheduler, the rows that a report changes and the deletion of that report are one unit of work. Campaigns
//! that are over leave memory when their last order is gone; a report that comes later brings its campaign back.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use escadre_api::agent::DeliveryReport;
use escadre_bus::Heard;
use escadre_model::{DeliveryId, HostId, RolloutId, Timestamp, delivery::DeliveryState};
use escadre_rollout::{
    Outcome as ActionOutcome, Progress, Report,
    campaign::{Campaign, Effect, Event, Header, Record},
};
use escadre_store::{
    StoreError, Transaction,
    tables::{audit, lease, received, rollout},
};
use tokio::sync::{mpsc, oneshot};

use crate::{
    clock,
    shared::{SHARD, Shared},
    worker::{Condition, Stop},
};

/// Name of the role.
pub(crate) const NAME: &str = "conductor";
/// Reports that one step takes.
const STEP: u32 = 500;
const PATIENCE: Duration = Duration::from_secs(1);

/// Something that a person wants of a rollout.
pub(crate) struct Command {
    /// What.
    pub(crate) wish: Wanted,
    /// A line for the audit log, written with the outcome.
    pub(crate) audit: Option<audit::Line>,
    /// Is told when the outcome is on disk.
    pub(crate) done: oneshot::Sender<Result<(), StoreError>>,
}

/// What is wanted.
pub(crate) enum Wanted {
    /// A rollout that was made: its row, its deliveries, its campaign.
    New(Box<New>),
    /// An event for one rollout.
    Event(RolloutId, Box<Event>),
    /// A host is gone, for all rollouts.
    HostRemoved(HostId),
}

/// A rollout that was made.
pub(crate) struct New {
    /// Its row.
    pub(crate) row: rollout::Rollout,
    /// Rows of its deliveries.
    pub(crate) deliveries: Vec<rollout::Delivery>,
    /// Its core.
    pub(crate) campaign: Campaign,
}

/// Rows that one step changed.
#[derive(Default)]
struct Rows {
    new: Vec<(rollout::Rollout, Vec<rollout::Delivery>)>,
    headers: Vec<Header>,
    records: Vec<(Record, Option<String>)>,
    steps: Vec<rollout::Step>,
    dealt_with: Vec<u64>,
    audit: Vec<audit::Line>,
}

impl Rows {
    fn is_empty(&self) -> bool {
        self.new.is_empty()
            && self.headers.is_empty()
            && self.records.is_empty()
            && self.steps.is_empty()
            && self.dealt_with.is_empty()
            && self.audit.is_empty()
    }
}

/// Works until it is stopped.
pub(crate) async fn run(
    shared: Arc<Shared>,
    mut commands: mpsc::Receiver<Command>,
    mut stop: Stop,
) {
    let Ok(subject) = "reported.*".parse() else {
        return;
    };
    let mut heard = shared.bus.subscribe(subject);
    let mut more = true;
    let mut waiting = Vec::new();
    loop {
        if !more {
            let next = shared
                .campaigns()
                .values()
                .filter_map(Campaign::next_tick)
                .min();
            let due = next.map_or(Duration::from_secs(3600), clock::until);
            tokio::select! {
                () = stop.wait() => {}
                command = commands.recv() => waiting.extend(command),
                event = heard.next() => if let Some(Heard::Lagged(_)) = event { tracing::debug!("hints were lost") },
                () = tokio::time::sleep(due) => {}
            }
        }
        while let Ok(command) = commands.try_recv() {
            waiting.push(command);
        }
        more = step(&shared, std::mem::take(&mut waiting)).await;
        if stop.is_given() {
            return;
        }
    }
}

/// One step; true when more reports may wait.
async fn step(shared: &Arc<Shared>, commands: Vec<Command>) -> bool {
    let received = loop {
        match shared
            .store
            .read(|tx| received::waiting(tx, received::Kind::Report, STEP))
            .await
        {
            Ok(received) => break received,
            Err(StoreError::Closed) => return false,
            Err(error) => trouble(shared, &error).await,
        }
    };
    let more = received.len() >= STEP as usize;
    let (reports, numbers) = parse(received);
    let owners = match owners(shared, &reports, &commands).await {
        Ok(owners) => owners,
        Err(error) => {
            trouble(shared, &error).await;
            return true;
        }
    };
    shared.counters.reports.inc_by(reports.len() as u64);
    let mut work = Work {
        now: clock::now(),
        rows: Rows::default(),
        changed: Changed::default(),
    };
    work.rows.dealt_with = numbers;
    let mut answers = Vec::new();
    {
        let mut campaigns = shared.campaigns_mut();
        for (host, report) in reports {
            let owner = owners.get(&report.delivery);
            match owner.and_then(|owner| campaigns.get_mut(owner)) {
                Some(campaign) => work.report(campaign, host, report),
                None => {
                    tracing::warn!(%host, delivery = %report.delivery, "a report of no delivery of ours")
                }
            }
        }
        for command in commands {
            work.rows.audit.extend(command.audit);
            answers.push(command.done);
            match command.wish {
                Wanted::New(new) => {
                    let New {
                        row,
                        deliveries,
                        campaign,
                    } = *new;
                    work.changed.rollouts.insert(row.id);
                    work.changed
                        .hosts
                        .extend(deliveries.iter().map(|delivery| delivery.host));
                    campaigns.insert(row.id, campaign);
                    work.rows.new.push((row, deliveries));
                }
                Wanted::Event(id, event) => {
                    if let Some(campaign) = campaigns.get_mut(&id) {
                        work.event(campaign, *event);
                    }
                }
                Wanted::HostRemoved(host) => {
                    for campaign in campaigns.values_mut() {
                        work.event(campaign, Event::HostRemoved { host });
                    }
                }
            }
        }
        for campaign in campaigns.values_mut() {
            if campaign.next_tick().is_some_and(|due| due <= work.now) {
                work.event(campaign, Event::Tick);
            }
        }
    }
    let written = write(shared, work.rows).await;
    for answer in answers {
        // Who asked may have gone away.
        let _ = answer.send(written.clone());
    }
    work.changed.tell(shared);
    forget_finished(shared);
    more
}

fn parse(received: Vec<received::Received>) -> (Vec<(HostId, DeliveryReport)>, Vec<u64>) {
    let numbers = received.iter().map(|one| one.number).collect();
    let read = |one: received::Received| match serde_json::from_str(&one.document) {
        Ok(report) => Some((one.host, report)),
        Err(error) => {
            tracing::error!(%error, number = one.number, "a stored report cannot be read; left out");
            None
        }
    };
    (received.into_iter().filter_map(read).collect(), numbers)
}

/// The rollout of each delivery that is reported; campaigns that are not in memory are brought back.
async fn owners(
    shared: &Arc<Shared>,
    reports: &[(HostId, DeliveryReport)],
    commands: &[Command],
) -> Result<HashMap<DeliveryId, RolloutId>, StoreError> {
    let wanted: BTreeSet<DeliveryId> = reports.iter().map(|(_, report)| report.delivery).collect();
    let mut owners = HashMap::new();
    {
        let campaigns = shared.campaigns();
        for delivery in &wanted {
            let owner = campaigns
                .iter()
                .find(|(_, campaign)| campaign.record(*delivery).is_some());
            owners.extend(owner.map(|(id, _)| (*delivery, *id)));
        }
    }
    let unknown: Vec<DeliveryId> = wanted
        .into_iter()
        .filter(|one| !owners.contains_key(one))
        .collect();
    let asked: Vec<RolloutId> = commands
        .iter()
        .filter_map(|command| match command.wish {
            Wanted::Event(id, _) => Some(id),
            _ => None,
        })
        .collect();
    let loaded: Vec<RolloutId> = shared.campaigns().keys().copied().collect();
    let found = shared
        .store
        .read(move |tx| {
            let mut rollouts: BTreeSet<RolloutId> = asked.into_iter().collect();
            let mut owners = Vec::new();
            for delivery in unknown {
                if let Some(row) = rollout::delivery(tx, delivery)? {
                    rollouts.insert(row.rollout);
                    owners.push((delivery, row.rollout));
                }
            }
            rollouts.retain(|id| !loaded.contains(id));
            let campaigns = rollouts
                .into_iter()
                .filter_map(|id| load(tx, id).transpose());
            Ok((owners, campaigns.collect::<Result<Vec<_>, _>>()?))
        })
        .await?;
    owners.extend(found.0);
    let mut campaigns = shared.campaigns_mut();
    found.1.into_iter().for_each(|campaign| {
        campaigns.insert(campaign.header().id, campaign);
    });
    Ok(owners)
}

/// A campaign out of its rows.
pub(crate) fn load(
    tx: &mut dyn Transaction,
    id: RolloutId,
) -> Result<Option<Campaign>, StoreError> {
    let broken = |error: serde_json::Error| StoreError::Row {
        sql: format!("rollout {id}"),
        reason: error.to_string(),
    };
    let Some(row) = rollout::by_id(tx, id)? else {
        return Ok(None);
    };
    let header: Header = serde_json::from_str(&row.campaign).map_err(broken)?;
    let records = rollout::records(tx, id)?;
    let records = records
        .iter()
        .map(|text| serde_json::from_str::<Record>(text));
    Ok(Some(Campaign::restore(
        header,
        records.collect::<Result<Vec<_>, _>>().map_err(broken)?,
    )))
}

/// Every campaign that is not over, or that ended after `since` (its hosts may still have an order to call back).
pub(crate) fn load_all(
    tx: &mut dyn Transaction,
    since: Timestamp,
) -> Result<Vec<Campaign>, StoreError> {
    let rows = rollout::all(tx)?;
    let wanted = rows
        .iter()
        .filter(|row| row.finished.is_none_or(|at| at >= since));
    let ids: Vec<RolloutId> = wanted.map(|row| row.id).collect();
    ids.into_iter()
        .filter_map(|id| load(tx, id).transpose())
        .collect()
}

/// Campaigns at work, and what comes of it.
struct Work {
    now: Timestamp,
    rows: Rows,
    changed: Changed,
}

/// Who is to be told.
#[derive(Default)]
struct Changed {
    rollouts: BTreeSet<RolloutId>,
    hosts: BTreeSet<HostId>,
}

impl Changed {
    fn tell(self, shared: &Shared) {
        self.rollouts
            .iter()
            .for_each(|id| shared.tell("rollout.changed", id));
        for host in self.hosts {
            shared.tell_orders(host);
            shared.tell_host(host);
        }
    }
}

impl Work {
    /// Only the host of a delivery can report it.
    fn report(&mut self, campaign: &mut Campaign, host: HostId, report: DeliveryReport) {
        if campaign
            .record(report.delivery)
            .is_none_or(|record| record.host != host)
        {
            tracing::warn!(%host, delivery = %report.delivery, "a host reports what is not its own; left out");
            return;
        }
        let outcome = report
            .outcome
            .as_ref()
            .and_then(|outcome| serde_json::to_string(outcome).ok());
        tracing::info!(%host, delivery = %report.delivery, state = report.state.word(), "delivery reported");
        let delivery = report.delivery;
        self.handle(
            campaign,
            Event::Report(core(report)),
            Some((delivery, outcome)),
        );
    }

    fn event(&mut self, campaign: &mut Campaign, event: Event) {
        self.handle(campaign, event, None);
    }

    fn handle(
        &mut self,
        campaign: &mut Campaign,
        event: Event,
        mut outcome: Option<(DeliveryId, Option<String>)>,
    ) {
        let effects = campaign.handle(self.now, event);
        let mut deliveries = BTreeSet::new();
        let mut header = false;
        for effect in effects {
            match effect {
                Effect::OrderChanged { host, delivery, .. } => {
                    self.changed.hosts.insert(host);
                    deliveries.insert(delivery);
                }
                Effect::DeliveryChanged {
                    delivery,
                    host,
                    from,
                    to,
                } => {
                    self.changed.hosts.insert(host);
                    deliveries.insert(delivery);
                    if from != to {
                        self.step(campaign, delivery, to);
                    }
                }
                Effect::RolloutChanged { .. } | Effect::Finished { .. } => header = true,
                Effect::Noted { delivery, note } => {
                    tracing::warn!(rollout = %campaign.header().id, ?delivery, note, "noted");
                }
            }
        }
        if header || !deliveries.is_empty() {
            self.changed.rollouts.insert(campaign.header().id);
            self.rows.headers.push(campaign.header().clone());
        }
        for delivery in deliveries {
            let Some(record) = campaign.record(delivery) else {
                continue;
            };
            let own = outcome
                .take_if(|(of, _)| *of == delivery)
                .and_then(|(_, outcome)| outcome);
            self.rows.records.push((record.clone(), own));
        }
    }

    fn step(&mut self, campaign: &Campaign, delivery: DeliveryId, state: DeliveryState) {
        let Some(record) = campaign.record(delivery) else {
            return;
        };
        let refusal = record.refusal.as_ref().map(ToString::to_string);
        self.rows.steps.push(rollout::Step {
            delivery,
            host: record.host,
            at: record.since,
            state,
            message: refusal.unwrap_or_else(|| record.message.clone()),
        });
    }
}

/// What came over the wire, as the core knows it.
fn core(report: DeliveryReport) -> Report {
    Report {
        sequence: report.sequence,
        delivery: report.delivery,
        state: report.state,
        at: report.at,
        progress: report.progress.map(|progress| Progress {
            have: progress.have,
            total: progress.total,
            fetched: progress.fetched,
        }),
        outcome: report.outcome.map(|outcome| ActionOutcome {
            exit_code: outcome.exit_code,
            output: outcome.output,
            duration_ms: outcome.duration_ms,
            attempts: outcome.attempts,
        }),
        refusal: report.refusal,
        message: report.message,
    }
}

fn put(tx: &mut dyn Transaction, epoch: u64, rows: &Rows) -> Result<(), StoreError> {
    lease::guard(tx, SHARD, epoch)?;
    let text = |sql: &str, error: serde_json::Error| StoreError::Row {
        sql: sql.to_owned(),
        reason: error.to_string(),
    };
    for (row, deliveries) in &rows.new {
        rollout::insert(tx, row)?;
        deliveries
            .iter()
            .try_for_each(|delivery| rollout::insert_delivery(tx, delivery))?;
    }
    for header in &rows.headers {
        let document = serde_json::to_string(header).map_err(|error| text("rollout", error))?;
        rollout::update(
            tx,
            header.id,
            header.state,
            &header.reason,
            header.finished,
            &document,
        )?;
    }
    for (record, outcome) in &rows.records {
        let document = serde_json::to_string(record).map_err(|error| text("delivery", error))?;
        let stands = (record.state, record.since);
        rollout::update_delivery(tx, record.delivery, stands, &document, outcome.as_deref())?;
    }
    rows.steps
        .iter()
        .try_for_each(|step| rollout::add_step(tx, step))?;
    for line in &rows.audit {
        audit::append(tx, line)?;
    }
    received::dealt_with(tx, &rows.dealt_with)
}

/// Writes, and tries again while the fault may pass.
async fn write(shared: &Arc<Shared>, rows: Rows) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    let (rows, epoch) = (Arc::new(rows), shared.epoch);
    loop {
        let these = Arc::clone(&rows);
        match shared.store.write(move |tx| put(tx, epoch, &these)).await {
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

/// Campaigns that are over and have no order left need no memory.
fn forget_finished(shared: &Shared) {
    let is_over = |campaign: &Campaign| {
        campaign.header().finished.is_some()
            && campaign.records().all(|record| record.wish.is_none())
    };
    let over: Vec<RolloutId> = shared
        .campaigns()
        .iter()
        .filter(|(_, one)| is_over(one))
        .map(|(id, _)| *id)
        .collect();
    if !over.is_empty() {
        let mut campaigns = shared.campaigns_mut();
        over.iter().for_each(|id| {
            campaigns.remove(id);
        });
    }
}
