//! The world of a simulation: time, the network, people, and the laws.
//!
//! Long because a world is one thing: its network, its agents and its server see each other's state.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
};

use escadre_model::{
    BundleRef, DeliveryId, HostId, RolloutId, Timestamp,
    delivery::{DeliveryState, Refusal},
};
use escadre_rollout::{
    Outcome, Progress, Report,
    campaign::{Assignment, Condition, Counts, Event as Order, Gate, Plan, Stage, Window},
    delivery::{ATTEMPTS, Effect, Event, Fault, Orders, Terms},
};

use super::{
    agent::{Agent, Fate, Work},
    random::Random,
    server::Server,
};

const START: i64 = 1_800_000_000_000;
const HOUR: i64 = 3_600_000;
/// Until then everything that can go wrong does; afterwards everything must come to its end.
const TROUBLE: i64 = START + 6 * HOUR;
const END: i64 = START + 72 * HOUR;

/// What to simulate.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting {
    pub seed: u64,
    pub agents: usize,
}

/// What happened.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    pub events: u64,
    pub crashes: u64,
    pub server_crashes: u64,
    pub lost: u64,
    pub doubled: u64,
    pub repeated_actions: u64,
    pub ends: String,
}

enum Happening {
    Contact {
        agent: usize,
        life: u64,
    },
    Poll {
        agent: usize,
        life: u64,
    },
    Request {
        agent: usize,
        request: u64,
        reports: Vec<Report>,
    },
    Answer {
        agent: usize,
        request: u64,
        orders: Orders,
    },
    Silence {
        agent: usize,
        request: u64,
    },
    Done {
        agent: usize,
        life: u64,
        event: Event,
    },
    Wake {
        agent: usize,
        life: u64,
    },
    Restart {
        agent: usize,
    },
    ClockJump {
        agent: usize,
    },
    ServerTick,
    ServerCrash,
    Person,
}

struct World {
    now: i64,
    random: Random,
    queue: BinaryHeap<Reverse<(i64, u64, usize)>>,
    happenings: Vec<Option<Happening>>,
    free: Vec<usize>,
    order: u64,
    requests: u64,
    agents: Vec<Agent>,
    by_host: BTreeMap<HostId, usize>,
    server: Server,
    server_up_at: i64,
    repeatable: bool,
    summary: Summary,
}

/// Runs one seed to its end and checks every law.
pub(crate) fn run(setting: Setting) -> Result<Summary, String> {
    let mut random = Random::new(setting.seed);
    let hosts: Vec<(HostId, DeliveryId)> = (0..setting.agents)
        .map(|_| {
            (
                HostId::from_random(random.id()),
                DeliveryId::from_random(random.id()),
            )
        })
        .collect();
    let plan = plan(&mut random, &hosts)?;
    let by_host = hosts
        .iter()
        .zip(0..)
        .map(|((host, _), index)| (*host, index))
        .collect();
    let agents = hosts
        .iter()
        .map(|(host, _)| new_agent(*host, &mut random))
        .collect();
    let mut world = World {
        now: START,
        repeatable: random.one_in(2),
        server: Server::new(time(START), &plan)?,
        random,
        queue: BinaryHeap::new(),
        happenings: Vec::new(),
        free: Vec::new(),
        order: 0,
        requests: 0,
        agents,
        by_host,
        server_up_at: START,
        summary: Summary::default(),
    };
    world.begin();
    world.go()?;
    world.check_end()?;
    Ok(world.summary)
}

fn time(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MAX)
}

fn new_agent(host: HostId, random: &mut Random) -> Agent {
    let fate = match random.between(0, 40) {
        0 => Fate::ExitsBadly,
        1 => Fate::Refuses,
        2 => Fate::FetchFails,
        3 => Fate::ObservesBadly,
        _ => Fate::Fine,
    };
    let clock = if random.one_in(10) {
        random.between(-HOUR, HOUR)
    } else {
        random.between(-2_000, 2_000)
    };
    Agent::new(host, fate, clock)
}

fn plan(random: &mut Random, hosts: &[(HostId, DeliveryId)]) -> Result<Plan, String> {
    let stages = random.between(1, 4) as usize;
    let size = hosts.len().div_ceil(stages).max(1);
    let mut stage = |members: &[(HostId, DeliveryId)]| {
        let mut conditions = Vec::new();
        if random.one_in(2) {
            conditions.push(Condition::MinimumSucceeded {
                percent: random.between(50, 96) as u8,
            });
        }
        if random.one_in(3) {
            conditions.push(Condition::MaximumFailures {
                count: random.between(0, 40) as u32,
            });
        }
        let assignments = members
            .iter()
            .map(|&(host, delivery)| Assignment { delivery, host })
            .collect();
        Stage {
            name: String::new(),
            assignments,
            gate: Gate { conditions },
        }
    };
    let stages = hosts.chunks(size).map(&mut stage).collect();
    let not_before = random
        .one_in(3)
        .then(|| time(START + random.between(1_000, HOUR / 4)));
    let expires = random
        .one_in(3)
        .then(|| time(START + random.between(HOUR / 3, 4 * HOUR)));
    Ok(Plan {
        id: RolloutId::from_random(random.id()),
        bundle: BundleRef::new("hello", "1.0").map_err(|error| error.to_string())?,
        window: Window {
            not_before,
            expires,
        },
        stages,
    })
}

impl World {
    fn begin(&mut self) {
        for agent in 0..self.agents.len() {
            let delay = self.random.between(0, 60_000);
            self.after(delay, Happening::Poll { agent, life: 0 });
        }
        for _ in 0..self.agents.len() / 4 {
            let agent = self.random.between(0, self.agents.len() as i64) as usize;
            let delay = self.random.between(0, 6 * HOUR);
            self.after(delay, Happening::ClockJump { agent });
        }
        for _ in 0..3 {
            let (crash, person) = (
                self.random.between(0, 6 * HOUR),
                self.random.between(0, 5 * HOUR),
            );
            self.after(crash, Happening::ServerCrash);
            self.after(person, Happening::Person);
        }
        // After the trouble somebody comes by every hour and lets stopped rollouts go on.
        (0..60).for_each(|hour| self.after(6 * HOUR + hour * HOUR, Happening::Person));
        (0..72 * 6).for_each(|turn| self.after(turn * HOUR / 6, Happening::ServerTick));
    }

    fn after(&mut self, delay: i64, happening: Happening) {
        let place = self.free.pop().unwrap_or_else(|| {
            self.happenings.push(None);
            self.happenings.len() - 1
        });
        self.happenings[place] = Some(happening);
        self.order += 1;
        self.queue
            .push(Reverse((self.now + delay, self.order, place)));
    }

    fn go(&mut self) -> Result<(), String> {
        while let Some(Reverse((at, _, place))) = self.queue.pop() {
            self.now = at;
            self.free.push(place);
            let Some(happening) = self.happenings[place].take() else {
                continue;
            };
            self.summary.events += 1;
            self.happen(happening)?;
            let total = self.server.campaign.counts().total() as usize;
            if total != self.agents.len() {
                return Err(format!(
                    "{total} deliveries are counted, there are {}",
                    self.agents.len()
                ));
            }
            if self.summary.events > 5_000 * (self.agents.len() as u64 + 10) {
                return Err("the agents are woken without end".to_owned());
            }
            if self.now > TROUBLE && self.summary.events.is_multiple_of(256) && self.is_over() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn is_over(&self) -> bool {
        self.server.campaign.header().finished.is_some()
            && (self.agents.iter()).all(|agent| {
                self.is_removed(agent)
                    || (agent.ledger.as_ref())
                        .is_some_and(|l| l.lives().is_empty() && l.unsent().len() == 0)
            })
    }

    fn is_removed(&self, agent: &Agent) -> bool {
        self.server
            .campaign
            .of_host(agent.host)
            .is_some_and(|record| record.removed)
    }

    fn happen(&mut self, happening: Happening) -> Result<(), String> {
        match happening {
            Happening::Contact { agent, life } => self.contact(agent, life),
            Happening::Poll { agent, life } => {
                self.contact(agent, life);
                if self.agents[agent].life == life {
                    let next = self.random.between(300_000, 900_000);
                    self.after(next, Happening::Poll { agent, life });
                }
            }
            Happening::Request {
                agent,
                request,
                reports,
            } => self.request(agent, request, reports)?,
            Happening::Answer {
                agent,
                request,
                orders,
            } => {
                if self.agents[agent].asked == Some(request) {
                    self.agents[agent].asked = None;
                    self.tell(agent, Event::Orders(orders))?;
                }
            }
            Happening::Silence { agent, request } => {
                if self.agents[agent].asked == Some(request) {
                    self.agents[agent].asked = None;
                    let life = self.agents[agent].life;
                    let delay = self.random.between(1_000, 60_000);
                    self.after(delay, Happening::Contact { agent, life });
                }
            }
            Happening::Done { agent, life, event } if self.agents[agent].life == life => {
                self.tell(agent, event)?
            }
            Happening::Wake { agent, life } if self.agents[agent].life == life => {
                self.tell(agent, Event::Tick)?
            }
            Happening::Done { .. } | Happening::Wake { .. } => {}
            Happening::Restart { agent } => {
                self.agents[agent].restart()?;
                self.tell(agent, Event::Tick)?;
                let life = self.agents[agent].life;
                self.after(10, Happening::Poll { agent, life });
            }
            Happening::ClockJump { agent } => {
                self.agents[agent].clock = self.random.between(-HOUR, HOUR);
                self.tell(agent, Event::Tick)?;
            }
            Happening::ServerTick => self.serve(Order::Tick),
            Happening::ServerCrash => {
                self.summary.server_crashes += 1;
                self.server.restart()?;
                self.server_up_at = self.now + self.random.between(1_000, 600_000);
            }
            Happening::Person => self.person(),
        }
        Ok(())
    }

    /// Somebody presses a button, or a machine is scrapped.
    fn person(&mut self) {
        let reason = "a person".to_owned();
        let order = match self.random.between(0, 10) {
            _ if self.server.is_stopped() => Order::Resume,
            _ if self.now > TROUBLE => return,
            0 | 1 => Order::Abort { reason },
            2 | 3 => {
                let agent = self.random.between(0, self.agents.len() as i64) as usize;
                Order::HostRemoved {
                    host: self.agents[agent].host,
                }
            }
            _ => Order::Pause { reason },
        };
        self.serve(order);
    }

    fn serve(&mut self, order: Order) {
        self.server.handle(time(self.now), order);
        self.wake_hosts();
    }

    /// The long poll: hosts whose orders changed come by soon, most of them.
    fn wake_hosts(&mut self) {
        for host in std::mem::take(&mut self.server.woken) {
            if self.random.one_in(10) {
                continue;
            }
            let Some(&agent) = self.by_host.get(&host) else {
                continue;
            };
            let (delay, life) = (self.random.between(5, 3_000), self.agents[agent].life);
            self.after(delay, Happening::Contact { agent, life });
        }
    }

    fn contact(&mut self, index: usize, life: u64) {
        let agent = &mut self.agents[index];
        if agent.life != life || agent.asked.is_some() {
            return;
        }
        let Some(ledger) = &agent.ledger else { return };
        self.requests += 1;
        let request = self.requests;
        agent.asked = Some(request);
        let reports: Vec<Report> = ledger.unsent().take(20).cloned().collect();
        self.after(
            30_000,
            Happening::Silence {
                agent: index,
                request,
            },
        );
        for delay in self.travel() {
            self.after(
                delay,
                Happening::Request {
                    agent: index,
                    request,
                    reports: reports.clone(),
                },
            );
        }
    }

    /// When copies of a message arrive: none, one or two.
    fn travel(&mut self) -> Vec<i64> {
        let bad = self.now < TROUBLE;
        if bad && self.random.one_in(10) {
            self.summary.lost += 1;
            return Vec::new();
        }
        let slow = if bad && self.random.one_in(20) {
            40_000
        } else {
            500
        };
        let mut delays = vec![self.random.between(1, slow)];
        if bad && self.random.one_in(10) {
            self.summary.doubled += 1;
            delays.push(self.random.between(1, 120_000));
        }
        delays
    }

    fn request(&mut self, agent: usize, request: u64, reports: Vec<Report>) -> Result<(), String> {
        if self.now < self.server_up_at {
            return Ok(());
        }
        let host = self.agents[agent].host;
        let answer = self.server.contact(time(self.now), host, reports)?;
        self.wake_hosts();
        if let Some(orders) = answer {
            for delay in self.travel() {
                self.after(
                    delay,
                    Happening::Answer {
                        agent,
                        request,
                        orders: orders.clone(),
                    },
                );
            }
        }
        Ok(())
    }

    /// Tells an agent something and does what it wants done.
    fn tell(&mut self, index: usize, event: Event) -> Result<(), String> {
        let now = time(self.now + self.agents[index].clock);
        let crash_in = if self.now < TROUBLE { 60 } else { 0 };
        let life = self.agents[index].life;
        let works = self.agents[index].handle(now, event, &mut self.random, crash_in);
        for work in works {
            match work {
                Work::Crash => {
                    self.agents[index].crash();
                    self.summary.crashes += 1;
                    let delay = self.random.between(100, 1_200_000);
                    self.after(delay, Happening::Restart { agent: index });
                }
                Work::Later(effect) if self.agents[index].life == life => {
                    self.carry_out(index, *effect)?
                }
                Work::Later(_) => {}
            }
        }
        let agent = &self.agents[index];
        if let Some(wake) = agent
            .ledger
            .as_ref()
            .and_then(|ledger| ledger.next_wake(now))
        {
            let delay = wake.as_millisecond() - now.as_millisecond();
            self.after(
                delay.max(1),
                Happening::Wake {
                    agent: index,
                    life: agent.life,
                },
            );
        }
        Ok(())
    }

    fn carry_out(&mut self, index: usize, effect: Effect) -> Result<(), String> {
        let (fate, life) = (self.agents[index].fate, self.agents[index].life);
        let (delay, event) = match effect {
            Effect::Fetch(order) => {
                let total = 1_000_000;
                let part = Progress {
                    have: total / 2,
                    total,
                    fetched: total / 2,
                };
                self.after(
                    5_000,
                    Happening::Done {
                        agent: index,
                        life,
                        event: Event::Progress(order.id, part),
                    },
                );
                (
                    self.random.between(100, 300_000),
                    Event::Fetched(order.id, self.fetched(fate)),
                )
            }
            Effect::Prepare(order, _) => {
                let lost = self.now < TROUBLE && self.random.one_in(30);
                let result = if lost {
                    Err(Fault::Passing("a chunk is gone".to_owned()))
                } else {
                    Ok(())
                };
                (
                    self.random.between(1, 5_000),
                    Event::Prepared(order.id, result),
                )
            }
            Effect::Apply(order, _) => {
                self.check_begin(index, order.id)?;
                let bad = fate == Fate::ExitsBadly;
                let outcome = Outcome {
                    exit_code: Some(i32::from(bad)),
                    ..Outcome::default()
                };
                let fault = bad.then(|| "it exits with 1".to_owned());
                (
                    self.random.between(1, 900_000),
                    Event::Applied(order.id, outcome, fault),
                )
            }
            Effect::Observe(order, _) => {
                let fault =
                    (fate == Fate::ObservesBadly).then(|| "the service does not run".to_owned());
                (
                    self.random.between(1, 60_000),
                    Event::Observed(order.id, fault),
                )
            }
            Effect::Tell => {
                let delay = self.random.between(1, 2_000);
                self.after(delay, Happening::Contact { agent: index, life });
                return Ok(());
            }
            Effect::Noted(note) => return Err(format!("an agent notes: {note}")),
            Effect::Journal(_) | Effect::StopFetch(_) | Effect::CleanUp(_) => return Ok(()),
        };
        self.after(
            delay,
            Happening::Done {
                agent: index,
                life,
                event,
            },
        );
        // The host may die in the middle of it.
        if self.now < TROUBLE && self.random.one_in(30) {
            self.agents[index].crash();
            self.summary.crashes += 1;
            let down = self.random.between(100, 1_200_000);
            self.after(down, Happening::Restart { agent: index });
        }
        Ok(())
    }

    fn fetched(&mut self, fate: Fate) -> Result<Terms, Fault> {
        if self.now < TROUBLE && self.random.one_in(5) {
            return Err(Fault::Passing("the server is gone".to_owned()));
        }
        match fate {
            Fate::Refuses => Err(Fault::Refused(Refusal::Corrupt {
                what: "a chunk".to_owned(),
            })),
            Fate::FetchFails => Err(Fault::Failed("no chunk cache".to_owned())),
            _ => Ok(Terms {
                manifest: "m".to_owned(),
                repeatable: self.repeatable,
                ..Terms::default()
            }),
        }
    }

    /// The laws of beginning.
    fn check_begin(&mut self, index: usize, delivery: DeliveryId) -> Result<(), String> {
        let begun = self.agents[index]
            .begun
            .get(&delivery)
            .copied()
            .unwrap_or(0);
        let most = if self.repeatable { ATTEMPTS } else { 1 };
        self.summary.repeated_actions += u64::from(begun > 1);
        if begun > most {
            return Err(format!("{delivery} was begun {begun} times"));
        }
        match self.server.campaign.record(delivery) {
            Some(record)
                if record.state == DeliveryState::Cancelled
                    && !record.presumed
                    && !record.removed =>
            {
                Err(format!(
                    "{delivery} begins although its cancellation was acknowledged"
                ))
            }
            Some(_) => Ok(()),
            None => Err(format!("{delivery} is unknown to the server and begins")),
        }
    }

    fn check_end(&mut self) -> Result<(), String> {
        if self.now > END || !self.is_over() {
            let stuck: Vec<String> = (self
                .server
                .campaign
                .records()
                .filter(|record| !record.state.is_final())
                .take(3))
            .map(|record| format!("{record:?}"))
            .collect();
            return Err(format!(
                "not everything came to its end: {:?} {stuck:?}",
                self.server.campaign.header()
            ));
        }
        if let Some(note) = self.server.notes.first() {
            return Err(format!("the server refused a report: {note}"));
        }
        self.server.restart()?;
        let mut counted = 0;
        for agent in &self.agents {
            let record = self
                .server
                .campaign
                .of_host(agent.host)
                .ok_or("a host without delivery")?;
            counted += 1;
            let ended = agent
                .ledger
                .as_ref()
                .and_then(|ledger| ledger.ended(record.delivery));
            let agree = match ended {
                _ if record.removed => true,
                // Never ordered: ended by the server alone.
                None => record.sequence == 0 && !record.presumed,
                Some(DeliveryState::Cancelled) if record.state == DeliveryState::Expired => true,
                Some(state) => state == record.state && !record.presumed,
            };
            let begun = agent.begun.get(&record.delivery).copied().unwrap_or(0);
            let ran = record.removed
                || record.state == DeliveryState::Interrupted
                || (begun > 0) == was_begun(record.state, agent.fate);
            if !agree || !ran {
                return Err(format!(
                    "the agent says {ended:?} (begun {begun} times), the server {record:?}"
                ));
            }
        }
        let counts: &Counts = self.server.campaign.counts();
        if counts.total() != counted || counts.open() != 0 {
            return Err(format!("{counted} deliveries, counted {counts:?}"));
        }
        self.summary.ends = counts
            .iter()
            .map(|(state, n)| format!("{} {n}", state.word()))
            .collect::<Vec<_>>()
            .join(", ");
        Ok(())
    }
}

/// Whether a delivery that ended so must have been begun. (An interrupted one may have died before its first instruction.)
fn was_begun(state: DeliveryState, fate: Fate) -> bool {
    match state {
        DeliveryState::Succeeded => true,
        DeliveryState::Failed => fate != Fate::FetchFails,
        _ => false,
    }
}
