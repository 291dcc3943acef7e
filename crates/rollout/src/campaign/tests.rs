//! Stories of one rollout, event by event, and the table of what a person may ask in which state.

use escadre_model::{
    BundleRef, DeliveryId, HostId, RolloutId, Timestamp,
    delivery::{DeliveryState, Refusal, RolloutState},
};

use super::*;
use crate::{
    is_legal,
    report::{Outcome, Progress, Report, Wish},
};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a time")
}

fn number(n: u32) -> [u8; 16] {
    u128::from(n).to_be_bytes()
}

fn delivery(n: u32) -> DeliveryId {
    DeliveryId::from_random(number(n))
}

fn host(n: u32) -> HostId {
    HostId::from_random(number(n))
}

fn plan(stages: &[(u32, u32)], conditions: &[Condition]) -> Plan {
    let stage = |&(first, end): &(u32, u32)| Stage {
        name: String::new(),
        assignments: (first..end)
            .map(|n| Assignment {
                delivery: delivery(n),
                host: host(n),
            })
            .collect(),
        gate: Gate {
            conditions: conditions.to_vec(),
        },
    };
    Plan {
        id: RolloutId::from_random([1; 16]),
        bundle: BundleRef::new("hello", "1.0").expect("a bundle"),
        window: Window::default(),
        stages: stages.iter().map(stage).collect(),
    }
}

fn report(n: u32, sequence: u64, state: DeliveryState) -> Event {
    Event::Report(Report {
        sequence,
        delivery: delivery(n),
        state,
        at: at(1),
        progress: None,
        outcome: None,
        refusal: None,
        message: String::new(),
    })
}

/// A rollout with one host in that state.
fn in_state(state: DeliveryState) -> Campaign {
    let (campaign, _) = Campaign::create(at(0), &plan(&[(0, 2)], &[])).expect("a good plan");
    let records = campaign
        .records()
        .cloned()
        .map(|record| match record.delivery == delivery(0) {
            true => Record { state, ..record },
            false => record,
        });
    Campaign::restore(campaign.header().clone(), records)
}

fn create(plan: &Plan) -> Campaign {
    Campaign::create(at(0), plan).expect("a good plan").0
}

fn pause() -> Event {
    Event::Pause {
        reason: "alice".to_owned(),
    }
}

fn abort() -> Event {
    Event::Abort {
        reason: "bob".to_owned(),
    }
}

#[test]
fn every_report_in_every_state() {
    for from in DeliveryState::ALL {
        for to in DeliveryState::ALL {
            let mut campaign = in_state(from);
            let effects = campaign.handle(at(5), report(0, 1, to));
            let record = campaign.record(delivery(0)).expect("it is there");
            let repeated = from == to && from.is_final();
            let expected = if is_legal(from, to) { to } else { from };
            assert_eq!(record.state, expected, "{from:?} to {to:?}");
            let noted = effects
                .iter()
                .any(|effect| matches!(effect, Effect::Noted { .. }));
            assert_eq!(
                noted,
                !is_legal(from, to) && !repeated,
                "{from:?} to {to:?}: {effects:?}"
            );
            assert_eq!(
                (
                    campaign.counts().of(expected) > 0,
                    campaign.counts().total()
                ),
                (true, 2)
            );
            let again = campaign.handle(at(6), report(0, 1, to));
            assert_eq!(again, [], "a report counts once: {from:?} to {to:?}");
        }
    }
}

#[test]
fn a_late_report_of_an_older_number_changes_nothing() {
    let mut campaign = create(&plan(&[(0, 1)], &[]));
    campaign.handle(at(1), report(0, 4, DeliveryState::Applying));
    for (sequence, state) in [
        (3, DeliveryState::Verified),
        (4, DeliveryState::Failed),
        (1, DeliveryState::Notified),
    ] {
        assert_eq!(campaign.handle(at(2), report(0, sequence, state)), []);
    }
    assert_eq!(
        campaign.record(delivery(0)).map(|record| record.state),
        Some(DeliveryState::Applying)
    );
}

#[test]
fn what_a_person_may_ask() {
    let scheduled = || {
        let mut plan = plan(&[(0, 1)], &[]);
        plan.window.not_before = Some(at(100));
        create(&plan)
    };
    let running = || create(&plan(&[(0, 1)], &[]));
    let after = |mut campaign: Campaign, events: &[Event]| {
        for event in events {
            campaign.handle(at(1), event.clone());
        }
        campaign
    };
    let failed = report(0, 1, DeliveryState::Failed);
    let held = || {
        let mut plan = plan(
            &[(0, 1), (1, 2)],
            &[Condition::MaximumFailures { count: 0 }],
        );
        plan.stages[0].name = "first".to_owned();
        after(create(&plan), std::slice::from_ref(&failed))
    };
    use RolloutState::*;
    let rows = [
        (scheduled(), Scheduled, [Paused, Scheduled, Aborted]),
        (running(), Running, [Paused, Running, Aborted]),
        (
            after(running(), &[pause()]),
            Paused,
            [Paused, Running, Aborted],
        ),
        (
            after(scheduled(), &[pause()]),
            Paused,
            [Paused, Scheduled, Aborted],
        ),
        (held(), Held, [Paused, Running, Aborted]),
        (
            after(running(), &[abort()]),
            Aborted,
            [Aborted, Aborted, Aborted],
        ),
        (
            after(running(), std::slice::from_ref(&failed)),
            Finished,
            [Finished, Finished, Finished],
        ),
    ];
    for (campaign, from, expected) in rows {
        assert_eq!(campaign.header().state, from);
        for (event, to) in [pause(), Event::Resume, abort()].into_iter().zip(expected) {
            let mut campaign = campaign.clone();
            let effects = campaign.handle(at(2), event.clone());
            assert_eq!(campaign.header().state, to, "{event:?} while {from:?}");
            let noted = effects
                .iter()
                .any(|effect| matches!(effect, Effect::Noted { .. }));
            assert_eq!(noted, from == to, "{event:?} while {from:?}: {effects:?}");
        }
    }
    assert_eq!(
        held().header().reason,
        "the gate of stage first failed: 1 deliveries failed, at most 0 may"
    );
}

#[test]
fn orders_follow_the_state() {
    let mut campaign = create(&plan(&[(0, 2), (2, 3)], &[]));
    let wishes = |campaign: &Campaign| -> Vec<Option<Wish>> {
        campaign.records().map(|record| record.wish).collect()
    };
    let (go, hold, cancel) = (Some(Wish::Go), Some(Wish::Hold), Some(Wish::Cancel));
    assert_eq!(wishes(&campaign), [go, go, None]);
    campaign.handle(at(1), pause());
    assert_eq!(wishes(&campaign), [hold, hold, None]);
    campaign.handle(at(1), Event::Resume);
    campaign.handle(at(1), report(0, 1, DeliveryState::Succeeded));
    assert_eq!(wishes(&campaign), [None, go, None]);
    campaign.handle(at(1), report(1, 1, DeliveryState::Failed));
    assert_eq!(
        wishes(&campaign),
        [None, None, go],
        "without conditions a gate opens when all have ended"
    );
    campaign.handle(at(1), abort());
    assert_eq!(wishes(&campaign), [None, None, cancel]);
    assert_eq!(
        campaign.header().finished,
        None,
        "the host has not confirmed"
    );
    let effects = campaign.handle(at(9), report(2, 1, DeliveryState::Cancelled));
    assert_eq!(effects.last(), Some(&Effect::Finished { at: at(9) }));
    assert_eq!(campaign.header().state, RolloutState::Aborted);
}

#[test]
fn the_window_closes_on_the_silent_and_their_word_still_counts() {
    let mut plan = plan(&[(0, 4)], &[]);
    plan.window = Window {
        not_before: Some(at(10)),
        expires: Some(at(100)),
    };
    let mut campaign = create(&plan);
    assert_eq!(
        (
            campaign.next_tick(),
            campaign.record(delivery(0)).and_then(|r| r.wish)
        ),
        (Some(at(10)), None)
    );
    campaign.handle(at(10), Event::Tick);
    assert_eq!(
        (campaign.header().state, campaign.next_tick()),
        (RolloutState::Running, Some(at(100)))
    );
    campaign.handle(at(20), report(0, 1, DeliveryState::Applying));
    campaign.handle(at(100), Event::Tick);
    assert_eq!(campaign.counts().of(DeliveryState::Expired), 3);
    assert_eq!(
        campaign.record(delivery(0)).map(|r| r.state),
        Some(DeliveryState::Applying),
        "what runs ends"
    );
    assert_eq!(
        campaign.record(delivery(1)).map(|r| (r.presumed, r.wish)),
        Some((true, Some(Wish::Cancel)))
    );
    // One had begun in time and was only silent; one confirms; one confirms in its own words.
    campaign.handle(at(110), report(1, 1, DeliveryState::Applying));
    assert_eq!(
        campaign.record(delivery(1)).map(|r| r.state),
        Some(DeliveryState::Expired)
    );
    campaign.handle(at(111), report(1, 2, DeliveryState::Succeeded));
    campaign.handle(at(112), report(2, 1, DeliveryState::Expired));
    campaign.handle(at(113), report(3, 1, DeliveryState::Cancelled));
    let ends: Vec<_> = campaign
        .records()
        .skip(1)
        .map(|r| (r.state, r.presumed, r.wish))
        .collect();
    let expired = (DeliveryState::Expired, false, None);
    assert_eq!(
        ends,
        [(DeliveryState::Succeeded, false, None), expired, expired]
    );
    campaign.handle(at(114), report(0, 2, DeliveryState::Succeeded));
    assert_eq!(
        (campaign.header().state, campaign.next_tick()),
        (RolloutState::Finished, None)
    );
}

#[test]
fn a_removed_host_is_not_waited_for() {
    let mut campaign = create(&plan(
        &[(0, 3), (3, 4)],
        &[Condition::MinimumSucceeded { percent: 100 }],
    ));
    campaign.handle(at(1), report(0, 1, DeliveryState::Applying));
    campaign.handle(at(1), report(1, 1, DeliveryState::Succeeded));
    campaign.handle(at(2), Event::HostRemoved { host: host(0) });
    assert_eq!(
        campaign.record(delivery(0)).map(|r| r.state),
        Some(DeliveryState::Interrupted)
    );
    assert_eq!(
        campaign.record(delivery(3)).and_then(|r| r.wish),
        None,
        "one host is open"
    );
    campaign.handle(at(3), Event::HostRemoved { host: host(2) });
    assert_eq!(
        campaign.record(delivery(2)).map(|r| r.state),
        Some(DeliveryState::Cancelled)
    );
    assert_eq!(
        campaign.record(delivery(3)).and_then(|r| r.wish),
        Some(Wish::Go),
        "all that are left have succeeded"
    );
    assert_eq!(
        campaign.handle(at(3), Event::HostRemoved { host: host(2) }),
        []
    );
}

#[test]
fn what_a_host_tells_is_kept() {
    let mut campaign = create(&plan(&[(0, 2)], &[]));
    let told = |sequence, state| Report {
        progress: Some(Progress {
            have: 50 * sequence,
            total: 100,
            fetched: 10,
        }),
        ..match report(0, sequence, state) {
            Event::Report(report) => report,
            other => panic!("{other:?}"),
        }
    };
    campaign.handle(at(1), Event::Report(told(1, DeliveryState::Fetching)));
    campaign.handle(at(1), Event::Report(told(2, DeliveryState::Fetching)));
    assert_eq!(
        campaign.counts().bytes(),
        Progress {
            have: 100,
            total: 100,
            fetched: 10
        }
    );
    let outcome = Some(Outcome {
        exit_code: Some(3),
        attempts: 1,
        ..Outcome::default()
    });
    campaign.handle(
        at(1),
        Event::Report(Report {
            outcome,
            ..told(3, DeliveryState::Failed)
        }),
    );
    let refusal = Some(Refusal::Corrupt {
        what: "a chunk".to_owned(),
    });
    let refused = match report(1, 1, DeliveryState::Refused) {
        Event::Report(report) => Event::Report(Report { refusal, ..report }),
        other => other,
    };
    campaign.handle(at(1), refused);
    let codes: Vec<String> = campaign.records().map(Record::ocs_code).collect();
    assert_eq!(codes, ["EXIT_CODE_3", "ERR_BAD_DIGEST"]);
}

#[test]
fn plans_that_cannot_be() {
    let check = |change: &dyn Fn(&mut Plan), expected: &str| {
        let mut plan = plan(&[(0, 2), (2, 3)], &[]);
        change(&mut plan);
        let error = Campaign::create(at(50), &plan)
            .err()
            .map(|error| error.to_string());
        assert!(
            error.as_ref().is_some_and(|error| error.contains(expected)),
            "{expected}: {error:?}"
        );
    };
    check(&|plan| plan.stages.clear(), "no host");
    check(
        &|plan| plan.stages[1].assignments.clear(),
        "stage 2 names no host",
    );
    check(
        &|plan| plan.stages[1].assignments[0].host = host(0),
        "is named twice",
    );
    check(
        &|plan| plan.stages[1].assignments[0].delivery = delivery(0),
        "is named twice",
    );
    check(
        &|plan| plan.window.expires = Some(at(50)),
        "has already ended",
    );
    check(
        &|plan| {
            plan.window = Window {
                not_before: Some(at(90)),
                expires: Some(at(80)),
            }
        },
        "ends (1970-01-01T00:01:20Z) before it begins",
    );
    check(
        &|plan| plan.stages[0].gate.conditions = vec![Condition::MinimumSucceeded { percent: 101 }],
        "at most 100 can succeed",
    );
    check(
        &|plan| plan.stages = vec![plan.stages[1].clone(); 101],
        "at most 100 are allowed",
    );
}

#[test]
fn a_hundred_thousand_deliveries() {
    let mut campaign = create(&plan(
        &[(0, 100_000)],
        &[Condition::MaximumFailures { count: 10 }],
    ));
    let mut effects = 0;
    for n in 0..100_000 {
        effects += campaign
            .handle(at(1), report(n, 1, DeliveryState::Applying))
            .len();
        effects += campaign
            .handle(at(2), report(n, 2, DeliveryState::Succeeded))
            .len();
    }
    assert_eq!(campaign.counts().of(DeliveryState::Succeeded), 100_000);
    // Two changes and the end of an order for each, the end of the rollout once.
    assert_eq!(effects, 300_002);
    assert_eq!(campaign.header().state, RolloutState::Finished);
}
