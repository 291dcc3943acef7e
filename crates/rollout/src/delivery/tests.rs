//! Every cut of a journal, and the orders that a host must not follow.

use escadre_model::{
    BundleRef, DeliveryId, RolloutId, Timestamp,
    delivery::{DeliveryState, Refusal},
};

use super::*;
use crate::report::{Outcome, Progress, Wish};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a time")
}

fn id(n: u8) -> DeliveryId {
    DeliveryId::from_random([n; 16])
}

fn order(n: u8, bundle: &str, wish: Wish) -> Order {
    Order {
        id: id(n),
        rollout: RolloutId::from_random([1; 16]),
        bundle: bundle.parse::<BundleRef>().expect("a bundle"),
        not_before: None,
        expires: None,
        wish,
    }
}

fn orders(stored: u64, deliveries: &[Order]) -> Event {
    Event::Orders(Orders {
        epoch: 1,
        reports_stored: stored,
        deliveries: deliveries.to_vec(),
    })
}

fn terms(repeatable: bool) -> Terms {
    Terms {
        manifest: "m".to_owned(),
        repeatable,
        ..Terms::default()
    }
}

/// Answers what the effects ask for until nothing is asked; gives the journal and how often the action was begun.
fn go_on(ledger: &mut Ledger, first: Vec<Effect>, repeatable: bool) -> (Vec<Entry>, u32) {
    let (mut journal, mut begun) = (Vec::new(), 0);
    let mut effects: std::collections::VecDeque<Effect> = first.into();
    while let Some(effect) = effects.pop_front() {
        let event = match effect {
            Effect::Journal(entry) => {
                journal.push(entry);
                continue;
            }
            Effect::Fetch(order) => Event::Fetched(order.id, Ok(terms(repeatable))),
            Effect::Prepare(order, _) => Event::Prepared(order.id, Ok(())),
            Effect::Apply(order, _) => {
                begun += 1;
                let outcome = Outcome {
                    exit_code: Some(0),
                    ..Outcome::default()
                };
                Event::Applied(order.id, outcome, None)
            }
            Effect::Observe(order, _) => Event::Observed(order.id, None),
            _ => continue,
        };
        effects.extend(ledger.handle(at(10), event));
    }
    (journal, begun)
}

fn whole_life(repeatable: bool) -> Vec<Entry> {
    let mut ledger = Ledger::default();
    let first = ledger.handle(at(1), orders(0, &[order(1, "hello@1", Wish::Go)]));
    let (journal, begun) = go_on(&mut ledger, first, repeatable);
    assert_eq!(
        (begun, ledger.ended(id(1))),
        (1, Some(DeliveryState::Succeeded))
    );
    journal
}

/// True if the entries say that the action was begun.
fn begun(entries: &[Entry]) -> bool {
    entries.iter().any(|entry| matches!(entry, Entry::Step { report, .. } if report.state == DeliveryState::Applying))
}

#[test]
fn every_cut_of_a_journal() {
    for repeatable in [false, true] {
        let journal = whole_life(repeatable);
        assert_eq!(
            journal.len(),
            8,
            "ordered, six steps and an epoch: {journal:?}"
        );
        for cut in 0..=journal.len() {
            let kept = &journal[..cut];
            let mut ledger = Ledger::recover(kept.to_vec());
            assert_eq!(
                Ledger::recover([ledger.snapshot()]),
                ledger,
                "compaction says the same"
            );
            let first = ledger.handle(at(10), Event::Tick);
            let (_, again) = go_on(&mut ledger, first, repeatable);
            let last = kept.iter().rev().find_map(|entry| match entry {
                Entry::Step { report, .. } => Some(report.state),
                _ => None,
            });
            let ordered = kept.iter().any(|entry| matches!(entry, Entry::Ordered(_)));
            let (end, runs) = match last {
                _ if !ordered => (None, 0),
                Some(DeliveryState::Applying) if !repeatable => {
                    (Some(DeliveryState::Interrupted), 0)
                }
                Some(DeliveryState::Applying) => (Some(DeliveryState::Succeeded), 1),
                _ if begun(kept) => (Some(DeliveryState::Succeeded), 0),
                _ => (Some(DeliveryState::Succeeded), 1),
            };
            assert_eq!(
                (ledger.ended(id(1)), again),
                (end, runs),
                "cut after {cut} of {journal:?}"
            );
            let numbers: Vec<u64> = ledger.unsent().map(|report| report.sequence).collect();
            assert_eq!(
                numbers,
                (1..=numbers.len() as u64).collect::<Vec<_>>(),
                "numbers rise without holes"
            );
        }
    }
}

#[test]
fn a_repeatable_action_that_always_kills_the_host_ends() {
    let mut journal = whole_life(true);
    journal.retain(|entry| !matches!(entry, Entry::Step { report, .. } if report.state > DeliveryState::Applying));
    let mut runs = 1;
    loop {
        let mut ledger = Ledger::recover(journal.clone());
        let first = ledger.handle(at(20), Event::Tick);
        journal.extend(first.iter().filter_map(|effect| match effect {
            Effect::Journal(entry) => Some(entry.clone()),
            _ => None,
        }));
        if let Some(state) = ledger.ended(id(1)) {
            assert_eq!((state, runs), (DeliveryState::Interrupted, ATTEMPTS));
            return;
        }
        for effect in ledger.handle(at(21), Event::Prepared(id(1), Ok(()))) {
            match effect {
                Effect::Journal(entry) => journal.push(entry),
                Effect::Apply(..) => runs += 1,
                _ => {}
            }
        }
        assert!(runs <= ATTEMPTS, "without end");
    }
}

/// What a fresh host does about these events; the last states of its delivery.
fn states(events: Vec<Event>) -> Vec<DeliveryState> {
    let mut ledger = Ledger::default();
    let mut states = Vec::new();
    for event in events {
        for effect in ledger.handle(at(50), event) {
            if let Effect::Journal(Entry::Step { report, .. }) = effect {
                states.push(report.state);
            }
        }
    }
    states
}

#[test]
fn wishes_times_and_faults() {
    use DeliveryState::*;
    let go = || order(1, "hello@1", Wish::Go);
    let with = |wish| orders(0, &[Order { wish, ..go() }]);
    let fetched = || Event::Fetched(id(1), Ok(terms(false)));
    let check = |events: Vec<Event>, expected: &[DeliveryState]| {
        let told = format!("{events:?}");
        assert_eq!(states(events), expected, "{told}");
    };
    check(vec![with(Wish::Hold)], &[Notified]);
    check(vec![with(Wish::Cancel)], &[Notified, Cancelled]);
    check(
        vec![with(Wish::Go), with(Wish::Cancel)],
        &[Notified, Fetching, Cancelled],
    );
    check(
        vec![with(Wish::Go), orders(0, &[])],
        &[Notified, Fetching, Cancelled],
    );
    check(
        vec![with(Wish::Go), with(Wish::Hold), fetched()],
        &[Notified, Fetching],
    );
    check(
        vec![with(Wish::Go), with(Wish::Hold), with(Wish::Go), fetched()],
        &[Notified, Fetching, Verified],
    );
    let held = || {
        vec![
            with(Wish::Go),
            fetched(),
            with(Wish::Hold),
            Event::Prepared(id(1), Ok(())),
        ]
    };
    check(held(), &[Notified, Fetching, Verified]);
    check(
        [held(), vec![with(Wish::Go), Event::Prepared(id(1), Ok(()))]].concat(),
        &[Notified, Fetching, Verified, Applying],
    );
    let prepared = || vec![with(Wish::Go), fetched(), Event::Prepared(id(1), Ok(()))];
    let applied = |code, fault: Option<&str>| {
        let outcome = Outcome {
            exit_code: Some(code),
            ..Outcome::default()
        };
        Event::Applied(id(1), outcome, fault.map(str::to_owned))
    };
    check(
        [
            prepared(),
            vec![
                with(Wish::Cancel),
                applied(0, None),
                Event::Observed(id(1), None),
            ],
        ]
        .concat(),
        &[Notified, Fetching, Verified, Applying, Observing, Succeeded],
    );
    check(
        [prepared(), vec![applied(1, Some("bad"))]].concat(),
        &[Notified, Fetching, Verified, Applying, Failed],
    );
    let expires = |second| {
        orders(
            0,
            &[Order {
                expires: Some(at(second)),
                ..go()
            }],
        )
    };
    check(vec![expires(50)], &[Notified, Expired]);
    check(
        vec![expires(51), fetched()],
        &[Notified, Fetching, Verified],
    );
    check(
        vec![orders(
            0,
            &[Order {
                not_before: Some(at(51)),
                ..go()
            }],
        )],
        &[Notified],
    );
    let old = Terms {
        expires: Some(at(50)),
        ..terms(false)
    };
    check(
        vec![with(Wish::Go), Event::Fetched(id(1), Ok(old))],
        &[Notified, Fetching, Verified, Refused],
    );
    let refused = Fault::Refused(Refusal::Corrupt {
        what: "x".to_owned(),
    });
    check(
        vec![with(Wish::Go), Event::Fetched(id(1), Err(refused.clone()))],
        &[Notified, Fetching, Refused],
    );
    check(
        vec![
            with(Wish::Go),
            fetched(),
            Event::Prepared(id(1), Err(refused)),
        ],
        &[Notified, Fetching, Verified, Refused],
    );
    let passing = Fault::Passing("gone".to_owned());
    check(
        vec![with(Wish::Go), Event::Fetched(id(1), Err(passing.clone()))],
        &[Notified, Fetching],
    );
    check(
        vec![
            with(Wish::Go),
            fetched(),
            Event::Prepared(id(1), Err(passing)),
        ],
        &[Notified, Fetching, Verified, Fetching],
    );
    let other = order(1, "evil@1", Wish::Go);
    check(
        vec![with(Wish::Go), orders(0, &[other])],
        &[Notified, Fetching],
    );
}

#[test]
fn pauses_after_faults_grow_and_are_kept() {
    let mut ledger = Ledger::default();
    ledger.handle(at(0), orders(0, &[order(1, "hello@1", Wish::Go)]));
    let (mut now, mut last) = (at(0), 0);
    for _ in 0..6 {
        ledger.handle(
            now,
            Event::Fetched(id(1), Err(Fault::Passing("gone".to_owned()))),
        );
        let wake = ledger.next_wake(now).expect("it tries again");
        let pause = wake.as_second() - now.as_second();
        assert!(pause > last, "{pause} after {last}");
        assert_eq!(ledger.handle(now, Event::Tick), [], "not before");
        last = pause;
        now = wake;
        let fetches = ledger.handle(now, Event::Tick);
        assert!(matches!(fetches[..], [Effect::Fetch(_)]), "{fetches:?}");
    }
}

#[test]
fn a_clock_that_is_put_back_does_not_stop_a_delivery() {
    let mut ledger = Ledger::default();
    ledger.handle(at(100_000), orders(0, &[order(1, "hello@1", Wish::Go)]));
    ledger.handle(
        at(100_000),
        Event::Fetched(id(1), Err(Fault::Passing("gone".to_owned()))),
    );
    let effects = ledger.handle(at(1_000), Event::Tick);
    assert!(matches!(effects[..], [Effect::Fetch(_)]), "{effects:?}");
}

#[test]
fn reports_stay_until_they_are_stored_and_ends_are_remembered() {
    let mut ledger = Ledger::recover(whole_life(false));
    assert_eq!(ledger.unsent().len(), 6);
    ledger.handle(at(11), orders(4, &[]));
    assert_eq!(
        ledger
            .unsent()
            .map(|report| report.sequence)
            .collect::<Vec<_>>(),
        [5, 6]
    );
    // The server has not yet stored the end: it is about to be told, and not told twice.
    assert_eq!(
        ledger.handle(at(12), orders(4, &[order(1, "hello@1", Wish::Go)])),
        []
    );
    ledger.handle(at(13), orders(6, &[]));
    assert_eq!(ledger.unsent().len(), 0);
    // A server put back from a backup orders it again: it is told the end, and nothing runs.
    let mut ledger = Ledger::recover([ledger.snapshot()]);
    let effects = ledger.handle(at(14), orders(6, &[order(1, "hello@1", Wish::Go)]));
    let told: Vec<_> = ledger
        .unsent()
        .map(|report| (report.sequence, report.state))
        .collect();
    assert_eq!(told, [(7, DeliveryState::Succeeded)]);
    assert!(
        effects
            .iter()
            .all(|effect| matches!(effect, Effect::Journal(_) | Effect::Tell)),
        "{effects:?}"
    );
}

#[test]
fn a_journal_from_a_backup_goes_on_behind_the_server() {
    let mut ledger = Ledger::recover(whole_life(false)[..4].to_vec());
    let before: Vec<_> = ledger.unsent().map(|report| report.state).collect();
    ledger.handle(at(11), orders(100, &[order(1, "hello@1", Wish::Go)]));
    let after: Vec<_> = ledger
        .unsent()
        .map(|report| (report.sequence, report.state))
        .collect();
    let expected: Vec<_> = (101..).zip(before).collect();
    assert_eq!(after[..expected.len()], expected);
}

#[test]
fn older_versions_and_older_owners_are_refused() {
    let mut ledger = Ledger::recover(whole_life(false));
    ledger.handle(at(11), orders(6, &[order(2, "hello@0.9", Wish::Go)]));
    assert_eq!(ledger.seen("hello"), Some("1"));
    ledger.handle(at(12), Event::Fetched(id(2), Ok(terms(false))));
    assert_eq!(ledger.ended(id(2)), Some(DeliveryState::Refused));
    let refusal = ledger
        .unsent()
        .last()
        .and_then(|report| report.refusal.clone());
    assert_eq!(refusal.map(|refusal| refusal.code()), Some("downgrade"));
    let old = Event::Orders(Orders {
        epoch: 0,
        reports_stored: 9,
        deliveries: vec![order(3, "hello@2", Wish::Go)],
    });
    let effects = ledger.handle(at(13), old);
    assert!(
        matches!(&effects[..], [Effect::Noted(note)] if note.contains("epoch 0")),
        "{effects:?}"
    );
}

#[test]
fn progress_is_told_one_by_one_and_hosts_take_no_more_than_they_can() {
    let mut ledger = Ledger::default();
    ledger.handle(at(0), orders(0, &[order(1, "hello@1", Wish::Go)]));
    let progress = || {
        Event::Progress(
            id(1),
            Progress {
                have: 1,
                total: 2,
                fetched: 1,
            },
        )
    };
    assert_eq!(ledger.handle(at(1), progress()), [], "reports wait already");
    ledger.handle(at(1), orders(2, &[order(1, "hello@1", Wish::Go)]));
    assert_eq!(
        ledger.handle(at(1), progress()).len(),
        2,
        "a journal entry, and it is told"
    );
    let many: Vec<Order> = (0..=u16::MAX)
        .take(MAX_DELIVERIES + 5)
        .map(|n| Order {
            id: DeliveryId::from_random(u128::from(n).to_be_bytes()),
            ..order(1, "hello@1", Wish::Hold)
        })
        .collect();
    let mut ledger = Ledger::default();
    ledger.handle(at(0), orders(0, &many));
    assert_eq!(ledger.lives().len(), MAX_DELIVERIES);
}

#[test]
fn a_server_that_stores_nothing_does_not_fill_the_disk() {
    let mut ledger = Ledger::default();
    for n in 0..MAX_UNSENT as u128 {
        let id = DeliveryId::from_random(n.to_be_bytes());
        let order = Order {
            id,
            ..order(1, "hello@1", Wish::Cancel)
        };
        ledger.handle(at(0), orders(0, &[order]));
    }
    assert_eq!(ledger.unsent().len(), MAX_UNSENT);
}
