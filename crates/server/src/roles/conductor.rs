//! The conductor: drives one campaign per rollout with reports, words of people and time, and journals what comes of it.
//!
//! As with the scheduler, the rows that a report changes and the deletion of that report are one unit of work. Campaigns
//! that are over leave memory when their last order is gone; a report that comes later brings its campaign back.

mod journal;
mod work;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use escadre_api::agent::DeliveryReport;
use escadre_bus::Heard;
use escadre_model::{DeliveryId, HostId, RolloutId};
use escadre_rollout::campaign::{Campaign, Event};
use escadre_store::{
    StoreError,
    tables::{audit, received, rollout},
};
use tokio::sync::{mpsc, oneshot};

use self::{journal::write, work::Work};
use crate::{clock, shared::Shared, worker::Stop};

pub(crate) use journal::{load, load_all};

/// Name of the role.
pub(crate) const NAME: &str = "conductor";
/// Reports that one step takes.
const STEP: u32 = 500;
/// A clock that is set forward is noticed after this.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

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
            let due = next.map_or(LONGEST_SLEEP, clock::until).min(LONGEST_SLEEP);
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
            Err(error) => super::unit::trouble(shared, NAME, &error).await,
        }
    };
    let more = received.len() >= STEP as usize;
    let (reports, numbers) = parse(received);
    let owners = loop {
        match owners(shared, &reports, &commands).await {
            Ok(owners) => break owners,
            Err(StoreError::Closed) => return false,
            Err(error) => super::unit::trouble(shared, NAME, &error).await,
        }
    };
    shared.counters.reports.inc_by(reports.len() as u64);
    let mut work = Work::new(clock::now(), numbers);
    let answers = {
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
        let obey = |command| obey(&mut work, &mut campaigns, command);
        let answers: Vec<_> = commands.into_iter().map(obey).collect();
        campaigns
            .values_mut()
            .for_each(|campaign| work.tick(campaign));
        answers
    };
    let written = write(shared, work.rows).await;
    for answer in answers {
        // Who asked may have gone away.
        let _ = answer.send(written.clone());
    }
    work.changed.tell(shared);
    forget_finished(shared);
    more
}

/// Does what a person wants; gives back who is to be told when that is on disk.
fn obey(
    work: &mut Work,
    campaigns: &mut BTreeMap<RolloutId, Campaign>,
    command: Command,
) -> oneshot::Sender<Result<(), StoreError>> {
    work.rows.audit.extend(command.audit);
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
    command.done
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
