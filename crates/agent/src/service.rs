//! The agent's life: one task that decides, and others that wait for the link, for programs and for the disk.
//!
//! It wakes for what is due (a check, a contact, a delivery's window) and for nothing else.

use std::{
    collections::BTreeSet, fs::File, future::Future, path::PathBuf, pin::pin, sync::Arc,
    time::Duration,
};

use escadre_api::agent::{Contact, Orders, Renew};
use escadre_blobs::DiskBlobs;
use escadre_model::{
    CheckName, Timestamp,
    check::{CheckDefinition, CheckResult},
    inventory::Inventory,
};
use escadre_probe::Prober;
use escadre_rollout::delivery::Event;
use escadre_trust::{AgentTrust, identity, secret::write_private};
use serde::{Deserialize, Serialize};
use tokio::{
    sync::{Mutex, mpsc},
    time::Instant,
};

use crate::{
    alarm::Alarm,
    contact::{Brought, Rhythm},
    deliveries::{Deliveries, orders_of},
    error::{AgentError, LinkError},
    fetch::Fetcher,
    link::Link,
    outbox::Outbox,
    state::{Settings, StateFolder},
    survey::{self, Survey},
    timetable::Timetable,
};

const ORDERS: &str = "orders.json";
/// A full disk is asked again after so long.
const DISK_PAUSE: Duration = Duration::from_secs(5);
/// Results that say something new are collected for so long before they are told,
const CHANGES: Duration = Duration::from_secs(1);
/// and those that say the same again for so long.
const REPETITIONS: Duration = Duration::from_secs(10);
/// A long poll that ends earlier without news is not asked again before the next contact.
const SHORTEST_WAIT: Duration = Duration::from_secs(5);
/// Between two looks at the certificate, and at old content.
const UPKEEP_EVERY: Duration = Duration::from_secs(6 * 3600);
/// The clock may be set while we sleep: look at it at least so often.
const LONGEST_SLEEP: Duration = Duration::from_secs(600);

/// What a run wants to know.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// Where [`crate::enrol`] left the agent's state.
    pub state_dir: PathBuf,
    /// Plugins that run at a time.
    pub plugins_at_once: usize,
}

impl RunOptions {
    /// With the usual bounds.
    pub fn new(state_dir: impl Into<PathBuf>) -> Self {
        Self {
            state_dir: state_dir.into(),
            plugins_at_once: 8,
        }
    }
}

/// What the other tasks tell the one that decides.
#[derive(Debug)]
pub(crate) enum Happening {
    /// Of a delivery.
    Delivery(Event),
    /// A check has run.
    Checked(CheckName, CheckResult),
    /// A contact ended.
    Contacted(Box<Contacted>),
    /// A long poll ended.
    Waited(Result<bool, LinkError>, Duration),
    /// The inventory was taken.
    Surveyed(Option<Box<Inventory>>),
    /// A new certificate came, or not.
    Renewed(Result<String, LinkError>),
}

/// A contact and its answer.
#[derive(Debug)]
pub(crate) struct Contacted {
    answer: Result<Orders, LinkError>,
    inventory: Option<Arc<Inventory>>,
    brought: Brought,
    round_trip: Duration,
}

/// The checks as they were last ordered.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
struct LastOrders {
    revision: u64,
    checks: Vec<CheckDefinition>,
}

/// Runs the agent until `shutdown` is ready. A program of a bundle that runs then is left to its end, and counts as interrupted.
pub async fn run(
    options: RunOptions,
    shutdown: impl Future<Output = ()>,
) -> Result<(), AgentError> {
    let mut shutdown = pin!(shutdown);
    let mut service = Service::open(&options)?;
    let mut alarm = Alarm::new().map_err(AgentError::Timer)?;
    tokio::select! {
        () = &mut shutdown => return Ok(()),
        inventory = survey::collect() => service.surveyed(inventory),
    }
    service.deliver(Event::Tick);
    loop {
        service.begin_what_is_due();
        let due = service.next();
        tokio::select! {
            () = &mut shutdown => return Ok(()),
            happening = service.outcomes.recv() => match happening {
                Some(happening) => service.take(happening),
                None => return Ok(()),
            },
            rung = alarm.at(due) => {
                rung.map_err(AgentError::Timer)?;
                service.deliver_if_due();
            }
        }
    }
}

struct Service {
    folder: StateFolder,
    settings: Settings,
    link: Arc<Link>,
    deliveries: Deliveries,
    outbox: Outbox,
    timetable: Timetable,
    prober: Prober,
    survey: Survey,
    surveying: bool,
    rhythm: Rhythm,
    waiting: bool,
    orders: LastOrders,
    upkeep: Instant,
    /// The disk refused something: try again then.
    disk: Option<Instant>,
    inbox: mpsc::Sender<Happening>,
    outcomes: mpsc::Receiver<Happening>,
    _lock: File,
}

impl Service {
    fn open(options: &RunOptions) -> Result<Self, AgentError> {
        let (folder, settings) = StateFolder::open(&options.state_dir)?;
        let lock = folder.lock()?;
        let link = Arc::new(Link::new(
            &settings.server,
            &folder.authority()?,
            &folder.credentials()?,
        )?);
        let (inbox, outcomes) = mpsc::channel(64);
        let fetcher = Fetcher {
            folder: folder.clone(),
            link: Arc::clone(&link),
            trust: Arc::new(Mutex::new(AgentTrust::open(&folder.path("trust"))?)),
            blobs: Arc::new(DiskBlobs::open(folder.path("chunks"))?),
            name: settings.name.as_str().into(),
        };
        let now = Instant::now();
        let orders: LastOrders = folder
            .read_json(ORDERS)
            .unwrap_or_else(|error| {
                tracing::warn!(%error, "the last orders cannot be read; they will come again");
                None
            })
            .unwrap_or_default();
        let mut timetable = Timetable::default();
        timetable.set(orders.checks.clone(), now);
        Ok(Self {
            deliveries: Deliveries::open(fetcher, inbox.clone())?,
            outbox: Outbox::open(&folder.path("results.journal"))?,
            survey: Survey::open(&folder, now),
            timetable,
            prober: Prober::new(options.plugins_at_once),
            surveying: false,
            rhythm: Rhythm::new(now),
            waiting: false,
            orders,
            upkeep: now,
            disk: None,
            inbox,
            outcomes,
            link,
            settings,
            folder,
            _lock: lock,
        })
    }

    /// When something is due next.
    fn next(&self) -> Instant {
        let now = Instant::now();
        let delivery = self.deliveries.next_wake().map(|at| {
            let left = at
                .as_millisecond()
                .saturating_sub(Timestamp::now().as_millisecond());
            now + Duration::from_millis(u64::try_from(left).unwrap_or(0).saturating_add(1))
        });
        let survey = (!self.surveying).then_some(self.survey.due);
        [
            self.rhythm.next(),
            self.timetable.next(),
            delivery,
            survey,
            self.disk,
            Some(self.upkeep),
        ]
        .into_iter()
        .flatten()
        .fold(now + LONGEST_SLEEP, Instant::min)
    }

    fn begin_what_is_due(&mut self) {
        let now = Instant::now();
        for definition in self.timetable.take_due(now) {
            let (prober, name) = (self.prober.clone(), definition.name.clone());
            self.begin(async move { Happening::Checked(name, prober.run(&definition).await) });
        }
        if self.survey.due <= now && !self.surveying {
            self.surveying = true;
            self.begin(async { Happening::Surveyed(survey::collect().await.map(Box::new)) });
        }
        if self.upkeep <= now {
            self.upkeep = now + UPKEEP_EVERY;
            self.renew_if_due();
            self.deliveries.collect_chunks();
        }
        if self.rhythm.next().is_some_and(|due| due <= now) {
            self.contact(now);
        }
    }

    fn begin(&self, work: impl Future<Output = Happening> + Send + 'static) {
        let inbox = self.inbox.clone();
        tokio::spawn(async move {
            let happening = work.await;
            // Closed only when the agent ends.
            let _ = inbox.send(happening).await;
        });
    }

    fn contact(&mut self, now: Instant) {
        self.rhythm.begin(now);
        let results = self.outbox.batch().unwrap_or_else(|error| {
            tracing::error!(%error, "results wait for the disk");
            Vec::new()
        });
        let inventory = self.survey.to_tell();
        let contact = Contact {
            sent: Timestamp::now(),
            agent_version: crate::VERSION.to_owned(),
            revision: self.orders.revision,
            inventory: inventory.as_deref().cloned().map(Box::new),
            results,
            reports: self.deliveries.reports(),
            results_from: Some(self.outbox.first()),
            reports_from: Some(self.deliveries.first_report()),
        };
        let brought = Brought::of(&contact);
        let link = Arc::clone(&self.link);
        self.begin(async move {
            let began = Instant::now();
            let answer = link.contact(&contact).await;
            Happening::Contacted(Box::new(Contacted {
                answer,
                inventory,
                brought,
                round_trip: began.elapsed(),
            }))
        });
    }

    fn take(&mut self, happening: Happening) {
        match happening {
            Happening::Delivery(event) => {
                let ended = matches!(event, Event::Observed(..) | Event::Applied(_, _, Some(_)));
                self.deliver(event);
                if ended {
                    // What is installed has changed.
                    self.survey.due = Instant::now();
                }
            }
            Happening::Checked(name, result) => self.checked(name, result),
            Happening::Contacted(contacted) => self.contacted(*contacted),
            Happening::Waited(outcome, took) => self.waited(outcome, took),
            Happening::Surveyed(inventory) => {
                self.surveying = false;
                self.surveyed(inventory.map(|inventory| *inventory));
            }
            Happening::Renewed(outcome) => self.renewed(outcome),
        }
    }

    fn deliver(&mut self, event: Event) {
        let outcome = self.deliveries.handle(event);
        self.delivered(outcome);
    }

    /// Time went by.
    fn deliver_if_due(&mut self) {
        if self.disk.is_some_and(|at| at <= Instant::now()) {
            let outcome = self.deliveries.go_on();
            self.delivered(outcome);
        }
        self.deliver(Event::Tick);
    }

    fn delivered(&mut self, outcome: Result<bool, AgentError>) {
        match outcome {
            Ok(tell) => {
                self.disk = None;
                if tell {
                    self.rhythm.hurry(Instant::now());
                }
            }
            Err(error) => {
                tracing::error!(%error, "deliveries wait for the disk");
                self.disk = Some(Instant::now() + DISK_PAUSE);
            }
        }
    }

    fn checked(&mut self, name: CheckName, result: CheckResult) {
        let now = Instant::now();
        let changed = self.timetable.done(&name, result.state, now);
        if let Err(error) = self.outbox.push(name, result) {
            tracing::error!(%error, "a result is lost");
        }
        self.rhythm
            .within(if changed { CHANGES } else { REPETITIONS }, now);
    }

    fn surveyed(&mut self, inventory: Option<Inventory>) {
        let now = Instant::now();
        match inventory {
            Some(inventory) => {
                self.survey.set(inventory, now);
                self.deliveries.set_inventory(self.survey.current());
                if self.survey.to_tell().is_some() {
                    self.rhythm.hurry(now);
                }
            }
            None => self.survey.due = now + UPKEEP_EVERY,
        }
    }

    fn contacted(&mut self, contacted: Contacted) {
        let now = Instant::now();
        match contacted.answer {
            Ok(orders) => {
                if let Some(inventory) = &contacted.inventory
                    && let Err(error) = self.survey.told(inventory, &self.folder)
                {
                    tracing::warn!(%error, "it will be told again");
                }
                self.obey(orders, contacted.brought, contacted.round_trip);
            }
            Err(error) => {
                if self.rhythm.faults() < 3 {
                    tracing::warn!(%error, "no contact");
                }
                self.rhythm.failed(now);
            }
        }
    }

    fn obey(&mut self, orders: Orders, brought: Brought, round_trip: Duration) {
        let now = Instant::now();
        if orders.epoch < self.deliveries.epoch() {
            let (old, seen) = (orders.epoch, self.deliveries.epoch());
            tracing::warn!("orders of epoch {old} are refused: epoch {seen} was seen");
            self.rhythm.failed(now);
            return;
        }
        self.prober
            .set_reference(orders.now, Timestamp::now(), round_trip);
        if let Err(error) = self.outbox.stored(orders.results_stored) {
            tracing::error!(%error, "stored results will be sent again");
        }
        if orders.want_inventory {
            self.survey.want();
        }
        self.deliver(Event::Orders(orders_of(&orders)));
        self.take_checks(&orders, now);
        self.timetable.hurry(&orders.run_now, now);
        if brought.is_refused(&orders) | self.deliveries.take_insisted() {
            tracing::warn!("the server does not take all that it is told; it is told again later");
            self.rhythm.failed(now);
        } else {
            let to_tell = self.outbox.waiting() + self.deliveries.unsent();
            let more = to_tell > 0 || self.survey.to_tell().is_some();
            self.rhythm.answered(now, orders.contact_every_s, more);
        }
        if !self.waiting {
            self.wait();
        }
    }

    fn take_checks(&mut self, orders: &Orders, now: Instant) {
        let changed = orders.checks.is_some() || orders.revision != self.orders.revision;
        if let Some(checks) = &orders.checks {
            let names: BTreeSet<&CheckName> = checks.iter().map(|check| &check.name).collect();
            tracing::info!(
                revision = orders.revision,
                checks = names.len(),
                "new orders"
            );
            self.orders.checks.clone_from(checks);
            self.timetable.set(checks.clone(), now);
        }
        self.orders.revision = orders.revision;
        if changed && let Err(error) = self.folder.write_json(ORDERS, &self.orders) {
            tracing::error!(%error, "after a restart the orders before these will hold");
        }
    }

    fn wait(&mut self) {
        self.waiting = true;
        let (link, revision) = (Arc::clone(&self.link), self.orders.revision);
        self.begin(async move {
            let began = Instant::now();
            let outcome = link.wait(revision).await;
            Happening::Waited(outcome, began.elapsed())
        });
    }

    fn waited(&mut self, outcome: Result<bool, LinkError>, took: Duration) {
        self.waiting = false;
        match outcome {
            Ok(true) => self.rhythm.hurry(Instant::now()),
            Ok(false) if took >= SHORTEST_WAIT => self.wait(),
            Ok(false) => tracing::debug!("the server does not hold long polls"),
            // The next contact that succeeds begins a new one.
            Err(error) => tracing::debug!(%error, "the long poll ended"),
        }
    }

    fn renew_if_due(&mut self) {
        let due = self.folder.credentials().map(|credentials| {
            credentials.certificate().is_some_and(|certificate| {
                identity::is_due(certificate, Timestamp::now()).unwrap_or(true)
            })
        });
        let request = match due {
            Ok(false) => return,
            Ok(true) => self.folder.key().and_then(|key| Ok(key.request()?)),
            Err(error) => Err(error),
        };
        match request {
            Ok(csr) => {
                let link = Arc::clone(&self.link);
                self.begin(async move {
                    let renewed = link.renew(&Renew { csr }).await;
                    Happening::Renewed(renewed.map(|renewed| renewed.certificate))
                });
            }
            Err(error) => tracing::error!(%error, "the certificate cannot be renewed"),
        }
    }

    fn renewed(&mut self, outcome: Result<String, LinkError>) {
        let certificate = match outcome {
            Ok(certificate) => certificate,
            Err(error) => {
                tracing::warn!(%error, host = self.settings.name, "the certificate is not renewed yet");
                return;
            }
        };
        // Written only if it is for our key; the old one serves until then.
        let credentials = self
            .folder
            .key()
            .and_then(|key| Ok(key.with_certificate(&certificate)?));
        let written = credentials.and_then(|credentials| {
            write_private(&self.folder.path("agent.crt"), certificate.as_bytes())?;
            self.link.replace(&self.folder.authority()?, &credentials)
        });
        match written {
            Ok(()) => tracing::info!("the certificate is renewed"),
            Err(error) => tracing::error!(%error, "the new certificate is not used"),
        }
    }
}
