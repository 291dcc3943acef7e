//! Laws that hold whatever happens, in whatever order.

use std::collections::{BTreeMap, BTreeSet};

use escadre_model::check::{CheckCommand, CheckDefinition, CheckResult, CheckState, StateKind};
use escadre_model::{CheckName, HostId, Timestamp};
use escadre_watch::{
    Acknowledgement, Downtime, DowntimeId, Effect, Engine, Event, NotificationKind, ResultEvent,
    Runner, Settings, Snapshot, SnapshotError, Watched,
};
use proptest::prelude::*;

use crate::story::time;

const STATES: [CheckState; 5] = [
    CheckState::Ok,
    CheckState::Warning,
    CheckState::Critical,
    CheckState::Unknown,
    CheckState::Pending,
];
const NAMES: [&str; 3] = [CheckName::HOST, "load", "disk /"];

fn host(number: u8) -> HostId {
    HostId::from_random([number; 16])
}

fn a_check() -> impl Strategy<Value = Watched> {
    let numbers = (0..60u32, 0..20u32, 0..4u32, 0..5u32, 0..40u32);
    (
        0..NAMES.len(),
        any::<bool>(),
        numbers,
        any::<[bool; 2]>(),
        0..30u32,
    )
        .prop_map(
            |(
                name,
                passive,
                (interval_s, retry_s, max_attempts, timeout_s, freshness_s),
                [volatile, at_once],
                renotify,
            )| {
                let name = NAMES[name].to_owned();
                let command = if passive || name == CheckName::HOST {
                    CheckCommand::Passive
                } else {
                    CheckCommand::Plugin {
                        argv: vec!["/bin/true".to_owned()],
                    }
                };
                let name = CheckName(name);
                let definition = CheckDefinition {
                    name,
                    command,
                    interval_s,
                    retry_s,
                    max_attempts,
                    timeout_s,
                    freshness_s,
                };
                let mut watched = Watched::from(definition);
                watched.policy.volatile = volatile;
                watched.policy.hard_at_once = at_once;
                watched.policy.renotify_s = renotify;
                watched
            },
        )
}

fn a_result(now: i64) -> impl Strategy<Value = Event> {
    let times = (-100..5i64, -100..5i64);
    (
        0..2u8,
        0..NAMES.len(),
        0..STATES.len(),
        proptest::option::of(0..20u64),
        times,
    )
        .prop_map(move |(number, name, state, sequence, (taken, started))| {
            let (state, output, long_output) = (STATES[state], "text".to_owned(), String::new());
            let started = time(now + started);
            let result = CheckResult {
                state,
                output,
                long_output,
                perf: Vec::new(),
                started,
                duration_ms: 3,
            };
            let check = CheckName(NAMES[name].to_owned());
            Event::Result(ResultEvent {
                host: host(number),
                check,
                sequence,
                taken: time(now + taken),
                result,
            })
        })
}

fn an_event(now: i64) -> impl Strategy<Value = Event> {
    let name = || (0..NAMES.len()).prop_map(|name| CheckName(NAMES[name].to_owned()));
    let subject = move || (0..2u8, name());
    let runner = prop_oneof![Just(Runner::Here), Just(Runner::Elsewhere)];
    let downtime = (
        0..2u8,
        0..3u64,
        proptest::option::of(name()),
        -10..20i64,
        0..60i64,
    );
    prop_oneof![
        2 => (0..2u8, runner, proptest::collection::vec(a_check(), 0..4))
            .prop_map(|(number, runner, checks)| Event::Define { host: host(number), runner, checks }),
        12 => a_result(now),
        3 => (0..2u8).prop_map(|number| Event::Heard { host: host(number) }),
        3 => Just(Event::Tick),
        1 => Just(Event::Resume),
        1 => (0..2u8).prop_map(|number| Event::HostGone { host: host(number) }),
        1 => (0..2u8, proptest::option::of(name())).prop_map(|(n, check)| Event::RunNow { host: host(n), check }),
        2 => (subject(), any::<[bool; 2]>()).prop_map(move |((number, check), [sticky, notify])| {
            let acknowledgement =
                Acknowledgement { author: "a".to_owned(), comment: "c".to_owned(), sticky, at: time(now) };
            Event::Acknowledge { host: host(number), check, acknowledgement, notify }
        }),
        1 => subject().prop_map(|(n, check)| Event::RemoveAcknowledgement { host: host(n), check }),
        2 => downtime.prop_map(move |(number, id, check, from, length)| {
            let (from, until) = (time(now + from), time(now + from + length));
            let (author, comment) = ("a".to_owned(), "c".to_owned());
            let downtime = Downtime { id: DowntimeId(id), check, from, until, author, comment };
            Event::PlanDowntime { host: host(number), downtime }
        }),
        1 => (0..2u8, 0..3u64).prop_map(|(n, id)| Event::CancelDowntime { host: host(n), id: DowntimeId(id) }),
        1 => (0..2u8, proptest::option::of(name()), any::<bool>())
            .prop_map(|(n, check, on)| Event::SetNotifications { host: host(n), check, on }),
    ]
}

/// Events with their times; now and then the clock is set back.
fn a_history() -> impl Strategy<Value = Vec<(i64, Event)>> {
    let steps = proptest::collection::vec(prop_oneof![9 => 0..25i64, 1 => -50..0i64], 1..60);
    steps.prop_flat_map(|steps| {
        let mut now = 1000;
        let times = steps.into_iter().map(move |step| {
            now += step;
            now
        });
        times
            .map(|now| (Just(now), an_event(now)))
            .collect::<Vec<_>>()
    })
}

/// The hosts that effects name.
fn named(effects: &[Effect]) -> BTreeSet<HostId> {
    let host = |effect: &Effect| match effect {
        Effect::Updated { host, .. }
        | Effect::StaleBegan { host, .. }
        | Effect::StaleEnded { host, .. }
        | Effect::Dropped { host, .. }
        | Effect::Removed { host, .. } => *host,
        Effect::StateChanged(change) | Effect::ProblemBegan(change) | Effect::Recovered(change) => {
            change.host
        }
        Effect::Notify(notification) => notification.host,
        Effect::History(entry) => entry.host,
        Effect::Run(order) => order.host,
    };
    effects.iter().map(host).collect()
}

fn hold(engine: &Engine, now: Timestamp) -> Result<(), TestCaseError> {
    prop_assert!(
        engine.next_due().is_none_or(|due| due > now),
        "what is due is done"
    );
    for record in engine.hosts() {
        for (name, check) in &record.checks {
            let status = &check.status;
            let fine = matches!(status.state, CheckState::Ok | CheckState::Pending);
            prop_assert!(
                (1..=status.max_attempts).contains(&status.attempt),
                "{name}: {status:?}"
            );
            prop_assert_eq!(status.max_attempts, check.definition.max_attempts.max(1));
            prop_assert!(
                status.kind == StateKind::Hard || (!fine && status.attempt < status.max_attempts),
                "{status:?}"
            );
            prop_assert!(
                status.kind == StateKind::Soft || status.hard_state == status.state,
                "{name}: {status:?}"
            );
            prop_assert!(
                !fine
                    || (!status.is_problem()
                        && status.acknowledgement.is_none()
                        && status.notified == 0)
            );
            prop_assert!(!(status.state == CheckState::Ok && status.kind == StateKind::Soft));
            let freshness = std::time::Duration::from_secs(u64::from(check.definition.freshness_s));
            if let (Some(checked), None, true) =
                (status.checked, status.stale_since, !freshness.is_zero())
            {
                prop_assert!(
                    checked + freshness > now,
                    "{name} is fresh without news: {status:?}"
                );
            }
        }
    }
    Ok(())
}

/// Problems begin and end in turn, and the end is told only to those who heard of the beginning.
fn follow(
    effects: &[Effect],
    open: &mut BTreeMap<(HostId, CheckName), bool>,
    told: &mut BTreeMap<(HostId, CheckName), bool>,
) -> Result<(), TestCaseError> {
    for effect in effects {
        match effect {
            Effect::ProblemBegan(c) => {
                prop_assert_ne!(open.insert((c.host, c.check.clone()), true), Some(true));
            }
            Effect::Recovered(c) => {
                prop_assert_eq!(open.insert((c.host, c.check.clone()), false), Some(true));
            }
            Effect::Notify(n) if n.kind == NotificationKind::Problem => {
                told.insert((n.host, n.check.clone()), true);
            }
            Effect::Notify(n) if n.kind == NotificationKind::Recovery => {
                prop_assert_eq!(told.insert((n.host, n.check.clone()), false), Some(true));
            }
            Effect::Removed { host, check } => {
                open.remove(&(*host, check.clone()));
                told.remove(&(*host, check.clone()));
            }
            _ => {}
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn whatever_happens(history in a_history()) {
        let mut engine = Engine::new(Settings { first_spread_s: 7 });
        let (mut open, mut told) = (BTreeMap::new(), BTreeMap::new());
        for (now, event) in history {
            let effects = engine.handle(time(now), event);
            follow(&effects, &mut open, &mut told)?;
            hold(&engine, time(now))?;
        }
        for _ in 0..50 {
            let Some(due) = engine.next_due() else { break };
            let effects = engine.handle(due, Event::Tick);
            follow(&effects, &mut open, &mut told)?;
            hold(&engine, due)?;
            prop_assert!(!effects.is_empty() || engine.next_due() != Some(due));
        }
    }

    #[test]
    fn what_changes_is_named(history in a_history()) {
        let mut engine = Engine::new(Settings::default());
        let mut before = BTreeMap::new();
        let mut clock = 0;
        for (now, event) in history {
            let whole = matches!(event, Event::Heard { .. } | Event::Resume | Event::Define { .. }) || now < clock;
            clock = now;
            let named = named(&engine.handle(time(now), event));
            let after: BTreeMap<_, _> = engine.hosts().map(|record| (record.host, record.clone())).collect();
            if !whole {
                for (host, record) in &after {
                    prop_assert!(named.contains(host) || before.get(host) == Some(record), "{host} changed in silence");
                }
            }
            before = after;
        }
    }

    #[test]
    fn a_restored_engine_goes_on_alike(history in a_history(), cut in 0..60usize) {
        let mut engine = Engine::new(Settings::default());
        let mut restored = None;
        for (place, (now, event)) in history.into_iter().enumerate() {
            if place == cut {
                let text = serde_json::to_string(&engine.snapshot()).expect("a snapshot is JSON");
                let snapshot: Snapshot = serde_json::from_str(&text).expect("and is read again");
                restored = Some(Engine::restore(snapshot).expect("and fits"));
            }
            let effects = engine.handle(time(now), event.clone());
            if let Some(restored) = &mut restored {
                prop_assert_eq!(restored.handle(time(now), event), effects);
                prop_assert_eq!(restored.next_due(), engine.next_due());
                prop_assert_eq!(restored.snapshot(), engine.snapshot());
            }
        }
    }
}

#[test]
fn a_snapshot_of_the_future_is_refused() {
    let mut snapshot = Engine::new(Settings::default()).snapshot();
    snapshot.format = 99;
    let error = Engine::restore(snapshot).expect_err("this version cannot know it");
    assert_eq!(
        error,
        SnapshotError::Format {
            found: 99,
            known: Snapshot::FORMAT
        }
    );
}
