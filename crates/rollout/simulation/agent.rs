//! An agent of a simulation: the ledger, a journal that survives, and a host on which actions leave traces.

use std::collections::{BTreeMap, VecDeque};

use escadre_model::{DeliveryId, HostId, Timestamp};
use escadre_rollout::delivery::{Effect, Entry, Event, Ledger};

use super::random::Random;

/// How the world treats this agent's host.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fate {
    Fine,
    ExitsBadly,
    Refuses,
    FetchFails,
    ObservesBadly,
}

pub(crate) struct Agent {
    pub host: HostId,
    /// Synced entries; the only thing that a crash leaves.
    journal: Vec<Entry>,
    /// None while it is down.
    pub ledger: Option<Ledger>,
    /// Rises at each crash: what was under way before belongs to nobody.
    pub life: u64,
    /// The request that waits for an answer.
    pub asked: Option<u64>,
    /// Its clock is ahead by so many milliseconds.
    pub clock: i64,
    pub fate: Fate,
    /// Times that the action was begun.
    pub begun: BTreeMap<DeliveryId, u32>,
    pub crashes: u32,
}

/// What the world has to do for the agent.
pub(crate) enum Work {
    Later(Box<Effect>),
    Crash,
}

impl Agent {
    pub(super) fn new(host: HostId, fate: Fate, clock: i64) -> Self {
        Self {
            host,
            journal: Vec::new(),
            ledger: Some(Ledger::default()),
            life: 0,
            asked: None,
            clock,
            fate,
            begun: BTreeMap::new(),
            crashes: 0,
        }
    }

    /// Handles an event and carries out its effects one by one; the host may die before or after each.
    pub(super) fn handle(
        &mut self,
        now: Timestamp,
        event: Event,
        random: &mut Random,
        crash_in: u64,
    ) -> Vec<Work> {
        let Some(ledger) = &mut self.ledger else {
            return Vec::new();
        };
        let mut effects: VecDeque<Effect> = ledger.handle(now, event).into();
        let mut work = Vec::new();
        while let Some(effect) = effects.pop_front() {
            if crash_in > 0 && random.one_in(crash_in) {
                work.push(Work::Crash);
                return work;
            }
            match effect {
                Effect::Journal(entry) => self.journal.push(entry),
                Effect::Apply(order, terms) => {
                    *self.begun.entry(order.id).or_default() += 1;
                    work.push(Work::Later(Box::new(Effect::Apply(order, terms))));
                }
                effect => work.push(Work::Later(Box::new(effect))),
            }
        }
        if random.one_in(50) {
            self.journal = vec![ledger.snapshot()];
        }
        work
    }

    pub(super) fn crash(&mut self) {
        self.ledger = None;
        self.asked = None;
        self.life += 1;
        self.crashes += 1;
    }

    /// Comes back with what its journal says, read from its written form.
    pub(super) fn restart(&mut self) -> Result<(), String> {
        let lines: Result<Vec<String>, _> =
            self.journal.iter().map(serde_json::to_string).collect();
        let entries: Result<Vec<Entry>, _> = lines
            .map_err(|error| error.to_string())?
            .iter()
            .map(|line| serde_json::from_str(line))
            .collect();
        let entries = entries.map_err(|error| error.to_string())?;
        let ledger = Ledger::recover(entries);
        if Ledger::recover([ledger.snapshot()]) != ledger {
            return Err("a compacted journal says something else than the whole".to_owned());
        }
        self.ledger = Some(ledger);
        Ok(())
    }
}
