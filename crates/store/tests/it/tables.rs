//! The table modules, each on a real database.

use escadre_model::{
    BundleRef, ByteCount, CheckName, DeliveryId, HostId, RolloutId, Timestamp,
    check::Perf,
    delivery::{DeliveryState, RolloutState},
    id::{TokenId, UserId},
    inventory::{InstalledPackage, Inventory},
};
use escadre_store::{
    Store, StoreError, Transaction,
    tables::{account, bundle, host, inventory, perf, received, rollout, session, token, watch},
};

use crate::new_store;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("in range")
}

fn host_row(number: u8) -> host::Host {
    host::Host {
        id: HostId::from_random([number; 16]),
        name: format!("host{number}"),
        site: "bordeaux".to_owned(),
        tags: vec!["a b".to_owned(), "ü".to_owned()],
        notes: String::new(),
        agent_version: "1".to_owned(),
        created: at(1),
        last_contact: None,
        certificate_expires: None,
        want_inventory: true,
    }
}

fn on(store: &dyn Store, work: fn(&mut dyn Transaction) -> Result<(), StoreError>) {
    assert_eq!(store.write_blocking(work), Ok(()));
}

#[test]
fn a_host_goes_with_all_that_hangs_on_it_and_its_id_never_returns() {
    let (_folder, store) = new_store();
    on(store.as_ref(), |tx| {
        let row = host_row(1);
        host::insert(tx, &row)?;
        assert_eq!(host::by_name(tx, "host1")?, Some(row.clone()));
        assert!(
            host::insert(
                tx,
                &host::Host {
                    name: "other".into(),
                    ..row.clone()
                }
            )
            .is_err(),
            "same id"
        );
        host::edit(tx, row.id, "lyon", &["new".to_owned()], "notes")?;
        host::heard(tx, row.id, at(5), "2")?;
        host::certified(tx, row.id, at(99))?;
        let edited = host::by_id(tx, row.id)?.expect("there");
        assert_eq!(
            (
                edited.site.as_str(),
                edited.notes.as_str(),
                edited.last_contact
            ),
            ("lyon", "notes", Some(at(5)))
        );
        watch::put_record(tx, row.id, "{}")?;
        inventory::put(tx, row.id, at(6), &Inventory::default())?;
        host::remove(tx, row.id, at(7))?;
        assert_eq!(host::all(tx)?, vec![]);
        assert_eq!(watch::records(tx)?, Vec::<String>::new());
        assert!(host::is_gone(tx, row.id)?);
        let again = host::insert(tx, &row).expect_err("an id is never used again");
        assert!(matches!(again, StoreError::Constraint { .. }));
        watch::put_record(tx, row.id, "{}")?;
        assert_eq!(
            watch::records(tx)?.len(),
            0,
            "a record of a host that is gone is not kept"
        );
        Ok(())
    });
}

#[test]
fn what_agents_say_waits_in_order_until_it_is_dealt_with() {
    let (_folder, store) = new_store();
    on(store.as_ref(), |tx| {
        let id = host_row(1).id;
        assert_eq!(received::cursor(tx, id)?, None);
        host::insert(tx, &host_row(1))?;
        for document in ["one", "two", "three"] {
            received::keep(tx, received::Kind::Result, id, at(1), document)?;
        }
        received::keep(tx, received::Kind::Report, id, at(1), "report")?;
        let cursor = received::Cursor {
            results: 3,
            reports: 1,
        };
        received::set_cursor(tx, id, cursor)?;
        assert_eq!(received::cursor(tx, id)?, Some(cursor));
        let waiting = received::waiting(tx, received::Kind::Result, 2)?;
        let words: Vec<&str> = waiting.iter().map(|one| one.document.as_str()).collect();
        assert_eq!(words, ["one", "two"]);
        received::dealt_with(
            tx,
            &waiting.iter().map(|one| one.number).collect::<Vec<_>>(),
        )?;
        assert_eq!(received::waiting(tx, received::Kind::Result, 9)?.len(), 1);
        assert_eq!(received::waiting(tx, received::Kind::Report, 9)?.len(), 1);
        Ok(())
    });
}

fn package(name: &str, version: &str) -> InstalledPackage {
    InstalledPackage {
        name: name.into(),
        version: version.into(),
        size: ByteCount(1),
        ..Default::default()
    }
}

#[test]
fn an_inventory_replaces_the_one_before() {
    let (_folder, store) = new_store();
    on(store.as_ref(), |tx| {
        let id = host_row(1).id;
        host::insert(tx, &host_row(1))?;
        let sets = [
            vec![package("a", "1"), package("b", "1")],
            vec![package("b", "2"), package("a", "1"), package("c", "1")],
            vec![package("c", "1"), package("b", "1")],
            vec![],
        ];
        for mut packages in sets {
            let given = Inventory {
                hostname: "h".into(),
                packages: packages.clone(),
                ..Inventory::default()
            };
            inventory::put(tx, id, at(1), &given)?;
            packages.sort();
            assert_eq!(inventory::packages(tx, id)?, packages);
            assert_eq!(inventory::all_packages(tx)?.len(), packages.len());
            assert_eq!(
                inventory::get(tx, id)?,
                Some(Inventory {
                    packages: vec![],
                    ..given
                })
            );
        }
        Ok(())
    });
}

fn value(value: f64) -> Perf {
    Perf {
        label: "load".into(),
        value,
        unit: String::new(),
        warning: Some(2.0),
        critical: None,
        min: None,
        max: None,
    }
}

#[test]
fn sums_of_performance_data_agree_with_the_values() {
    let (_folder, store) = new_store();
    on(store.as_ref(), |tx| {
        let id = host_row(1).id;
        host::insert(tx, &host_row(1))?;
        for second in 0..1200 {
            perf::add(tx, id, "load", at(second), &value(second as f64))?;
        }
        perf::add(tx, id, "load", at(5), &value(f64::NAN))?;
        let series = perf::series(tx, id, "load")?;
        assert_eq!((series.len(), series[0].warning), (1, Some(2.0)));
        let key = series[0].id;
        let raw = perf::points(tx, key, (at(0), at(1200)), at(1200), 100)?;
        assert_eq!(raw.len(), 1200);
        let sums = perf::points(tx, key, (at(0), at(1200)), at(1200), 1)?;
        let expected: Vec<(i64, u64, f64, f64)> = (0..4)
            .map(|n| (n * 300, 300, (n * 300) as f64, (n * 300 + 299) as f64))
            .collect();
        let found: Vec<_> = sums
            .iter()
            .map(|p| (p.at.as_second(), p.count, p.low, p.high))
            .collect();
        assert_eq!(found, expected);
        assert_eq!(
            sums.iter().map(|point| point.total).sum::<f64>(),
            f64::from((0..1200).sum::<i32>())
        );
        let later = at(3 * 86_400);
        assert!(perf::forget(tx, later, 90, 10_000)? >= 1200);
        assert_eq!(
            perf::points(tx, key, (at(0), at(1200)), later, 100)?,
            sums,
            "an old range shows the sums"
        );
        assert!(perf::forget(tx, at(400 * 86_400), 90, 10_000)? > 0);
        assert_eq!(
            perf::points(tx, key, (at(0), at(1200)), at(400 * 86_400), 100)?,
            vec![]
        );
        Ok(())
    });
}

#[test]
fn history_is_found_newest_first() {
    let (_folder, store) = new_store();
    on(store.as_ref(), |tx| {
        let id = host_row(1).id;
        host::insert(tx, &host_row(1))?;
        for (second, name, kind) in [
            (1, "load", "state"),
            (2, "disk /", "state"),
            (3, "load", "stale"),
            (3, "", "x"),
        ] {
            let line = watch::HistoryLine {
                host: id,
                name: CheckName(name.into()),
                at: at(second),
                kind: kind.into(),
                document: "{}".into(),
            };
            watch::add_history(tx, &line)?;
        }
        let load = CheckName("load".into());
        let kinds =
            |lines: Vec<watch::HistoryLine>| lines.into_iter().map(|l| l.kind).collect::<Vec<_>>();
        assert_eq!(
            kinds(watch::check_history(
                tx,
                id,
                &load,
                ["state", "stale", "fresh"],
                9
            )?),
            ["stale", "state"]
        );
        assert_eq!(
            kinds(watch::check_history(tx, id, &load, ["state", "", ""], 9)?),
            ["state"]
        );
        assert_eq!(watch::host_history(tx, id, at(3), 9)?.len(), 2);
        assert_eq!(watch::forget_history(tx, at(3))?, 2);
        let number = watch::number_downtime(tx, id)?;
        assert_eq!(watch::downtime_host(tx, number)?, Some(id));
        Ok(())
    });
}

#[test]
fn secrets_work_once_or_until_their_end() {
    let (_folder, store) = new_store();
    on(store.as_ref(), |tx| {
        let user = account::Account {
            id: UserId::from_random([1; 16]),
            name: "alice".into(),
            role: "viewer".into(),
            disabled: false,
            password: None,
            created: at(1),
            last_sign_in: None,
        };
        account::insert(tx, &user)?;
        assert!(
            account::insert(
                tx,
                &account::Account {
                    id: UserId::from_random([2; 16]),
                    ..user.clone()
                }
            )
            .is_err()
        );
        session::put_one_time(tx, "first", user.id, at(1), at(10))?;
        session::put_one_time(tx, "second", user.id, at(1), at(10))?;
        assert_eq!(
            session::take_one_time(tx, "first", at(2))?,
            None,
            "a newer one replaces it"
        );
        assert_eq!(session::take_one_time(tx, "second", at(2))?, Some(user.id));
        assert_eq!(session::take_one_time(tx, "second", at(2))?, None, "once");
        session::put_one_time(tx, "late", user.id, at(1), at(10))?;
        assert_eq!(session::take_one_time(tx, "late", at(10))?, None, "over");
        let one = session::Session {
            hash: "s".into(),
            account: user.id,
            created: at(1),
            expires: at(5),
            address: "::1".into(),
        };
        session::insert(tx, &one)?;
        session::extend(tx, "s", at(50))?;
        assert_eq!(session::get(tx, "s")?.map(|s| s.expires), Some(at(50)));
        assert_eq!(session::forget(tx, at(50))?, 1);
        session::insert(tx, &one)?;
        account::remove(tx, user.id)?;
        assert_eq!(
            session::get(tx, "s")?,
            None,
            "a user goes with the sessions"
        );
        Ok(())
    });
}

#[test]
fn tokens_are_found_by_their_hash() {
    let (_folder, store) = new_store();
    on(store.as_ref(), |tx| {
        let row = token::Token {
            id: TokenId::from_random([1; 16]),
            hash: "abc".into(),
            name: "ci".into(),
            kind: "api".into(),
            role: Some("viewer".into()),
            site: None,
            tags: vec!["t".into()],
            created: at(1),
            expires: at(9),
            used: None,
            revoked: false,
        };
        token::insert(tx, &row)?;
        token::used(tx, row.id, at(3))?;
        token::revoke(tx, row.id)?;
        let expected = token::Token {
            used: Some(at(3)),
            revoked: true,
            ..row.clone()
        };
        assert_eq!(token::by_hash(tx, "abc")?, Some(expected.clone()));
        assert_eq!(token::all(tx)?, vec![expected]);
        assert_eq!(token::forget(tx, at(10))?, 1);
        Ok(())
    });
}

fn delivery_row(number: u8, state: DeliveryState) -> rollout::Delivery {
    rollout::Delivery {
        id: DeliveryId::from_random([number; 16]),
        rollout: RolloutId::from_random([1; 16]),
        host: HostId::from_random([number; 16]),
        host_name: format!("host{number}"),
        bundle: BundleRef::new("hello", "1").expect("a name"),
        state,
        since: at(i64::from(number)),
        created: at(1),
        record: "{}".into(),
        outcome: None,
    }
}

#[test]
fn rollouts_and_deliveries_come_back_as_they_went_in() {
    let (_folder, store) = new_store();
    on(store.as_ref(), |tx| {
        let hello = BundleRef::new("hello", "1").expect("a name");
        let row = rollout::Rollout {
            id: RolloutId::from_random([1; 16]),
            number: rollout::next_number(tx, &hello)?,
            bundle: hello.clone(),
            query: "os:debian".into(),
            note: "n".into(),
            author: "alice".into(),
            created: at(1),
            not_before: None,
            expires: Some(at(9)),
            state: RolloutState::Running,
            reason: String::new(),
            finished: None,
            campaign: "{}".into(),
        };
        rollout::insert(tx, &row)?;
        assert_eq!(rollout::by_number(tx, &hello, 1)?, Some(row.clone()));
        rollout::update(
            tx,
            row.id,
            RolloutState::Held,
            "gate",
            Some(at(4)),
            "{\"a\":1}",
        )?;
        let held = rollout::by_id(tx, row.id)?.expect("there");
        assert_eq!(
            (held.state, held.reason.as_str(), held.campaign.as_str()),
            (RolloutState::Held, "gate", "{\"a\":1}")
        );
        for (number, state) in [
            (1, DeliveryState::Fetching),
            (2, DeliveryState::Failed),
            (3, DeliveryState::Refused),
        ] {
            rollout::insert_delivery(tx, &delivery_row(number, state))?;
        }
        let count = |tx: &mut dyn Transaction, wanted: rollout::Wanted| {
            rollout::deliveries(tx, &wanted).map(|rows| rows.len())
        };
        assert_eq!(count(tx, rollout::Wanted::default())?, 3);
        assert_eq!(
            count(
                tx,
                rollout::Wanted {
                    failed: true,
                    ..Default::default()
                }
            )?,
            2
        );
        assert_eq!(
            count(
                tx,
                rollout::Wanted {
                    since: Some(at(3)),
                    ..Default::default()
                }
            )?,
            1
        );
        assert_eq!(
            count(
                tx,
                rollout::Wanted {
                    host: Some(HostId::from_random([1; 16])),
                    ..Default::default()
                }
            )?,
            1
        );
        assert_eq!(
            count(
                tx,
                rollout::Wanted {
                    limit: Some(2),
                    ..Default::default()
                }
            )?,
            2
        );
        let hello_only = rollout::Wanted {
            bundle: Some(hello.clone()),
            rollout: Some(row.id),
            ..Default::default()
        };
        assert_eq!(count(tx, hello_only)?, 3);
        assert_eq!(rollout::in_use(tx)?, vec![(hello.clone(), 1)]);
        let one = delivery_row(1, DeliveryState::Fetching);
        rollout::update_delivery(
            tx,
            one.id,
            (DeliveryState::Failed, at(8)),
            "{\"b\":2}",
            Some("{}"),
        )?;
        rollout::update_delivery(
            tx,
            one.id,
            (DeliveryState::Failed, at(8)),
            "{\"b\":3}",
            None,
        )?;
        let stored = rollout::delivery(tx, one.id)?.expect("there");
        assert_eq!(
            (stored.record.as_str(), stored.outcome.as_deref()),
            ("{\"b\":3}", Some("{}"))
        );
        let step = rollout::Step {
            delivery: one.id,
            host: one.host,
            at: at(8),
            state: DeliveryState::Failed,
            message: "exit 1".into(),
        };
        rollout::add_step(tx, &step)?;
        assert_eq!(rollout::steps(tx, one.id)?, vec![step.clone()]);
        assert_eq!(
            rollout::host_steps(tx, one.host, at(9), 5)?,
            vec![(hello, step)]
        );
        Ok(())
    });
}

#[test]
fn a_bundle_never_changes_under_its_name() {
    let (_folder, store) = new_store();
    on(store.as_ref(), |tx| {
        let row = bundle::Bundle {
            bundle: BundleRef::new("hello", "1").expect("a name"),
            status: "unsigned".into(),
            action: "launch x".into(),
            size: 1,
            stored: 2,
            files: 3,
            signers: vec![],
            created: at(1),
            expires: None,
            manifest: "{}".into(),
        };
        bundle::insert(tx, &row)?;
        let again = bundle::insert(tx, &row).expect_err("taken");
        assert!(again.is_unique(), "{again}");
        bundle::set_status(tx, &row.bundle, "signed", &["key".to_owned()])?;
        let signed = bundle::Bundle {
            status: "signed".into(),
            signers: vec!["key".into()],
            ..row.clone()
        };
        assert_eq!(bundle::get(tx, &row.bundle)?, Some(signed.clone()));
        assert_eq!(bundle::all(tx)?, vec![signed]);
        bundle::remove(tx, &row.bundle)?;
        assert_eq!(bundle::get(tx, &row.bundle)?, None);
        Ok(())
    });
}
