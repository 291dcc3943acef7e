//! Carries out what the ledger of deliveries wants, in its order: no effect before its journal entry is on the disk.
//!
//! When the disk refuses an entry, everything behind it waits, and the entry is tried again: nothing is lost, nothing is begun
//! that would be forgotten.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::{Duration, SystemTime},
};

use escadre_api::agent::{DeliveryReport, Orders as Answer, Outcome, Progress, Wish as Wanted};
use escadre_model::{DeliveryId, Timestamp, inventory::Inventory};
use escadre_rollout::{
    Report, Wish,
    delivery::{Effect, Event, Ledger, Order, Orders},
};
use tokio::{
    sync::mpsc,
    task::{AbortHandle, spawn_blocking},
};

use crate::{
    ends::{Ends, Line},
    error::AgentError,
    fetch::{Fetcher, Host},
    journal::Journal,
    service::Happening,
    state::remove_tree,
};

/// Bytes of reports in one message; one report at least.
const MESSAGE: usize = 512 << 10;
const REPORTS: usize = 200;
/// Chunks are kept for so long after they were last needed: the next version of a bundle shares most of them.
const CHUNK_LIFE: Duration = Duration::from_secs(30 * 24 * 3600);

/// The deliveries of this host.
pub(crate) struct Deliveries {
    ledger: Ledger,
    ends: Ends,
    journal: Journal<Line>,
    /// The server orders again what it was told twice to have ended.
    insisted: bool,
    /// Effects that wait for the disk.
    waiting: VecDeque<Effect>,
    fetcher: Fetcher,
    inbox: mpsc::Sender<Happening>,
    under_way: HashMap<DeliveryId, AbortHandle>,
    inventory: Arc<Inventory>,
}

impl Deliveries {
    /// Recovers what the journal says, and removes what deliveries that are over left behind.
    pub(crate) fn open(
        fetcher: Fetcher,
        inbox: mpsc::Sender<Happening>,
    ) -> Result<Self, AgentError> {
        let (mut journal, lines) = Journal::open(&fetcher.folder.path("deliveries.journal"))?;
        let (ends, entries) = Ends::recover(lines);
        let ledger = Ledger::recover(entries);
        journal.tidy(&whole(&ledger, &ends));
        let live: Vec<String> = ledger
            .lives()
            .iter()
            .map(|life| life.kept.order.id.to_string())
            .collect();
        fetcher
            .folder
            .clean_work(|name| live.iter().any(|id| id == name))?;
        Ok(Self {
            ledger,
            ends,
            journal,
            insisted: false,
            waiting: VecDeque::new(),
            fetcher,
            inbox,
            under_way: HashMap::new(),
            inventory: Arc::default(),
        })
    }

    pub(crate) fn set_inventory(&mut self, inventory: Arc<Inventory>) {
        self.inventory = inventory;
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.ledger.epoch()
    }

    pub(crate) fn next_wake(&self) -> Option<Timestamp> {
        self.ledger.next_wake(Timestamp::now())
    }

    /// Removes content that nothing asked for in a long time.
    pub(crate) fn collect_chunks(&self) {
        let blobs = Arc::clone(&self.fetcher.blobs);
        drop(spawn_blocking(move || {
            let Some(before) = SystemTime::now().checked_sub(CHUNK_LIFE) else {
                return;
            };
            // What a delivery under way needs was asked for lately; if not, it is fetched again.
            if let Err(error) = blobs.collect(&|_| false, before) {
                tracing::warn!(%error, "old content stays");
            }
        }));
    }

    /// Takes an event; true if there is something to tell the server. An error means that the disk refuses: call
    /// [`Deliveries::go_on`] later.
    pub(crate) fn handle(&mut self, event: Event) -> Result<bool, AgentError> {
        self.waiting
            .extend(self.ledger.handle(Timestamp::now(), event));
        self.go_on()
    }

    /// Carries out what waits.
    pub(crate) fn go_on(&mut self) -> Result<bool, AgentError> {
        let mut tell = false;
        while let Some(effect) = self.waiting.front() {
            if let Effect::Journal(entry) = effect {
                self.journal.append(&Line::Entry(entry.clone()))?;
                self.insisted |= self.ends.fold(entry);
                self.waiting.pop_front();
                // Entries in a row need the disk once.
                if !matches!(self.waiting.front(), Some(Effect::Journal(_))) {
                    self.journal.sync()?;
                }
            } else if let Some(effect) = self.waiting.pop_front() {
                tell |= effect == Effect::Tell;
                self.carry_out(effect);
            }
        }
        if self.journal.is_long() {
            self.journal.tidy(&whole(&self.ledger, &self.ends));
        }
        Ok(tell)
    }

    /// Reports that the server has not stored, as many as fit; none that is not on our own disk.
    pub(crate) fn reports(&self) -> Vec<DeliveryReport> {
        let mut room = MESSAGE;
        let unsent = self.ledger.unsent().take(REPORTS);
        let whole = unsent.map(|report| self.ends.complete(report));
        let fitting = whole.take_while(|report| {
            let size =
                300 + report.message.len() + report.outcome.as_ref().map_or(0, |o| o.output.len());
            let fits = size <= room || room == MESSAGE;
            room = room.saturating_sub(size);
            fits
        });
        if self.waiting.is_empty() {
            fitting.map(|report| told(&report)).collect()
        } else {
            Vec::new()
        }
    }

    pub(crate) fn unsent(&self) -> usize {
        self.ledger.unsent().len()
    }

    /// Number of the oldest report that is still here, or of the next one.
    pub(crate) fn first_report(&self) -> u64 {
        self.ends.first_report()
    }

    /// Since it was asked last: the server ordered again what it was told twice to have ended.
    pub(crate) fn take_insisted(&mut self) -> bool {
        std::mem::take(&mut self.insisted)
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Fetch(order) => self.fetch(order),
            Effect::Prepare(order, terms) => {
                let (fetcher, inventory) = (self.fetcher.clone(), Arc::clone(&self.inventory));
                self.begin(order.id, async move {
                    let result = fetcher.prepare(&order, &terms, inventory).await;
                    Event::Prepared(order.id, result)
                });
            }
            Effect::Apply(order, terms) => {
                tracing::info!(delivery = %order.id, bundle = %order.bundle, "applying");
                let fetcher = self.fetcher.clone();
                self.begin(order.id, async move {
                    let (outcome, fault) = fetcher.apply(&order, &terms).await;
                    Event::Applied(order.id, outcome, fault)
                });
            }
            Effect::Observe(order, terms) => {
                let fetcher = self.fetcher.clone();
                self.begin(order.id, async move {
                    let fault = fetcher.observe(&order, &terms).await;
                    Event::Observed(order.id, fault)
                });
            }
            Effect::StopFetch(id) => self.stop(id),
            Effect::CleanUp(id) => {
                self.stop(id);
                let work = self.fetcher.folder.work(id);
                drop(spawn_blocking(move || remove_tree(&work)));
            }
            Effect::Noted(note) => tracing::warn!("{note}"),
            Effect::Tell | Effect::Journal(_) => {}
        }
    }

    fn fetch(&mut self, order: Order) {
        tracing::info!(delivery = %order.id, bundle = %order.bundle, "fetching");
        let fetcher = self.fetcher.clone();
        let host = Host {
            inventory: Arc::clone(&self.inventory),
            seen: self.ledger.seen(order.bundle.name()).map(str::to_owned),
        };
        let inbox = self.inbox.clone();
        self.begin(order.id, async move {
            let id = order.id;
            // Nobody waits for progress: if the inbox is full, the next one tells more.
            let progress =
                |progress| drop(inbox.try_send(Happening::Delivery(Event::Progress(id, progress))));
            Event::Fetched(id, fetcher.fetch(&order, &host, &progress).await)
        });
    }

    fn begin(&mut self, id: DeliveryId, work: impl Future<Output = Event> + Send + 'static) {
        let inbox = self.inbox.clone();
        let task = tokio::spawn(async move {
            let event = work.await;
            // Closed only when the agent ends.
            let _ = inbox.send(Happening::Delivery(event)).await;
        });
        self.under_way.insert(id, task.abort_handle());
    }

    fn stop(&mut self, id: DeliveryId) {
        if let Some(task) = self.under_way.remove(&id) {
            task.abort();
        }
    }
}

/// One line that says all.
fn whole(ledger: &Ledger, ends: &Ends) -> Line {
    Line::Whole {
        ledger: ledger.snapshot(),
        ends: ends.clone(),
    }
}

/// The server's answer, in the ledger's words.
pub(crate) fn orders_of(answer: &Answer) -> Orders {
    let order = |order: &escadre_api::agent::DeliveryOrder| Order {
        id: order.id,
        rollout: order.rollout,
        bundle: order.bundle.clone(),
        not_before: order.not_before,
        expires: order.expires,
        wish: match order.wish {
            Wanted::Go => Wish::Go,
            Wanted::Hold => Wish::Hold,
            Wanted::Cancel => Wish::Cancel,
        },
    };
    Orders {
        epoch: answer.epoch,
        reports_stored: answer.reports_stored,
        deliveries: answer.deliveries.iter().map(order).collect(),
    }
}

fn told(report: &Report) -> DeliveryReport {
    DeliveryReport {
        sequence: report.sequence,
        delivery: report.delivery,
        state: report.state,
        at: report.at,
        progress: report.progress.map(|p| Progress {
            have: p.have,
            total: p.total,
            fetched: p.fetched,
        }),
        outcome: report.outcome.as_ref().map(|o| Outcome {
            exit_code: o.exit_code,
            output: o.output.clone(),
            duration_ms: o.duration_ms,
            attempts: o.attempts,
        }),
        refusal: report.refusal.clone(),
        message: report.message.clone(),
    }
}
