//! What every engine behind [`Store`] must do. Each engine's tests call [`run`] on an empty store.
//!
//! The suite panics with the promise that is broken. It blocks: call it from an ordinary thread.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use escadre_model::Timestamp;

use crate::{
    Store, StoreError, Transaction,
    tables::{audit, lease, setting},
    value::values,
};

/// Every promise, one after the other.
pub fn run(store: &Arc<dyn Store>) {
    a_unit_happens_wholly_or_not_at_all(store.as_ref());
    values_survive(store.as_ref());
    parameters_go_by_their_number(store.as_ref());
    a_reader_sees_one_state_and_cannot_write(store.as_ref());
    writers_never_overlap(store);
    a_panic_ends_one_unit_only(store.as_ref());
    numbers_are_never_given_twice(store.as_ref());
    the_audit_log_only_grows(store.as_ref());
    an_old_epoch_is_refused(store.as_ref());
}

fn a_unit_happens_wholly_or_not_at_all(store: &dyn Store) {
    let broken: Result<(), StoreError> = store.write_blocking(|tx| {
        setting::put(tx, "half", "written")?;
        tx.execute("INSERT INTO setting (key) VALUES ($1)", values!["no value"])?;
        Ok(())
    });
    assert!(
        matches!(broken, Err(StoreError::Constraint { .. })),
        "a rule of the schema names itself: {broken:?}"
    );
    let half = store.read_blocking(|tx| setting::get(tx, "half"));
    assert_eq!(half, Ok(None), "nothing remains of a unit that failed");
}

fn values_survive(store: &dyn Store) {
    let texts = [
        "",
        "plain",
        "été ☃ \u{1F6A2}",
        "'; DROP TABLE setting; --",
        "line\nline",
    ];
    for text in texts {
        let back = store.write_blocking(move |tx| {
            setting::put(tx, "text", text)?;
            setting::get(tx, "text")
        });
        assert_eq!(
            back.as_ref().map(Option::as_deref),
            Ok(Some(text)),
            "text survives"
        );
    }
    let kinds = store.read_blocking(|tx| {
        tx.first(
            "SELECT $1, $2, $3, $4",
            values![i64::MIN, 0.1, vec![0, 255], None::<i64>],
            |row| {
                Ok((
                    row.take::<i64>()?,
                    row.take::<f64>()?,
                    row.take::<Vec<u8>>()?,
                    row.take::<Option<i64>>()?,
                ))
            },
        )
    });
    assert_eq!(
        kinds,
        Ok(Some((i64::MIN, 0.1, vec![0, 255], None))),
        "so do numbers, bytes and nothing"
    );
    let wrong = store.read_blocking(|tx| tx.single::<i64>("SELECT $1", values!["7"]));
    assert!(
        matches!(wrong, Err(StoreError::Row { .. })),
        "a text is no number: {wrong:?}"
    );
}

fn parameters_go_by_their_number(store: &dyn Store) {
    let order = store.read_blocking(|tx| {
        tx.first("SELECT $2, $1, $2", values!["one", "two"], |row| {
            Ok((
                row.take::<String>()?,
                row.take::<String>()?,
                row.take::<String>()?,
            ))
        })
    });
    let expected = ("two".to_owned(), "one".to_owned(), "two".to_owned());
    assert_eq!(
        order,
        Ok(Some(expected)),
        "$2 is the second parameter wherever it stands"
    );
    let missing = store.read_blocking(|tx| tx.single::<i64>("SELECT $2", values![1i64]));
    assert!(
        missing.is_err(),
        "a parameter that is not given is an error"
    );
}

fn a_reader_sees_one_state_and_cannot_write(store: &dyn Store) {
    let refused = store.read_blocking(|tx| setting::put(tx, "by", "reader"));
    assert!(refused.is_err(), "a reading unit cannot write");
    let saved = store.write_blocking(|tx| setting::put(tx, "state", "one"));
    assert_eq!(saved, Ok(()));
    let read = store.read_blocking(|tx| setting::get(tx, "state"));
    assert_eq!(
        read,
        Ok(Some("one".to_owned())),
        "what was written is read by all"
    );
}

fn writers_never_overlap(store: &Arc<dyn Store>) {
    let inside = Arc::new(AtomicBool::new(false));
    let before = store
        .write_blocking(|tx| setting::next_number(tx, "overlap"))
        .expect("a number");
    let writer = |_| {
        let (store, inside) = (Arc::clone(store), Arc::clone(&inside));
        std::thread::spawn(move || {
            for _ in 0..25 {
                let inside = Arc::clone(&inside);
                let outcome = store.write_blocking(move |tx| {
                    assert!(
                        !inside.swap(true, Ordering::SeqCst),
                        "two writing units at once"
                    );
                    let number = setting::next_number(tx, "overlap");
                    inside.store(false, Ordering::SeqCst);
                    number
                });
                outcome.expect("a writing unit succeeds");
            }
        })
    };
    let threads: Vec<_> = (0..8).map(writer).collect();
    threads
        .into_iter()
        .for_each(|thread| thread.join().expect("no writer breaks down"));
    let after = store.write_blocking(|tx| setting::next_number(tx, "overlap"));
    assert_eq!(after, Ok(before + 201), "no write is lost");
}

fn a_panic_ends_one_unit_only(store: &dyn Store) {
    let outcome: Result<(), StoreError> = store.write_blocking(|tx| {
        setting::put(tx, "panic", "written")?;
        panic!("on purpose");
    });
    assert!(
        matches!(outcome, Err(StoreError::Panicked(_))),
        "a panic becomes an error: {outcome:?}"
    );
    let left = store.write_blocking(|tx| setting::get(tx, "panic"));
    assert_eq!(
        left,
        Ok(None),
        "and its unit is undone, and the store goes on"
    );
}

fn numbers_are_never_given_twice(store: &dyn Store) {
    let numbers = store.write_blocking(|tx| {
        Ok((
            setting::next_number(tx, "n")?,
            setting::next_number(tx, "n")?,
            setting::next_number(tx, "m")?,
        ))
    });
    assert_eq!(numbers, Ok((1, 2, 1)), "counters are apart from each other");
}

fn line(action: &str) -> audit::Line {
    audit::Line {
        at: Timestamp::UNIX_EPOCH,
        actor: "alice".to_owned(),
        origin: "127.0.0.1".to_owned(),
        action: action.to_owned(),
        subject: "web_1".to_owned(),
        detail: "100% sure".to_owned(),
        outcome: "done".to_owned(),
        request: "q".to_owned(),
    }
}

fn the_audit_log_only_grows(store: &dyn Store) {
    let numbers = store.write_blocking(|tx| {
        Ok([
            audit::append(tx, &line("one"))?,
            audit::append(tx, &line("two"))?,
        ])
    });
    let [one, two] = numbers.expect("lines are appended");
    assert_eq!(two, one + 1, "numbers follow each other");
    for forgery in [
        "UPDATE audit SET actor = 'mallory'",
        "DELETE FROM audit",
        "INSERT INTO audit SELECT number + 7, at, actor, origin, action, subject, detail, outcome, request FROM audit",
    ] {
        let outcome = store.write_blocking(move |tx| tx.execute(forgery, &[]));
        assert!(
            matches!(outcome, Err(StoreError::Constraint { .. })),
            "`{forgery}` is refused: {outcome:?}"
        );
    }
    for (text, expected) in [
        ("TWO", 1),
        ("100%", 2),
        ("0% s", 2),
        ("web_1", 2),
        ("webx1", 0),
        ("", 2),
    ] {
        let found = store
            .read_blocking(move |tx| audit::find(tx, text, None, 10))
            .map(|lines| lines.len());
        assert_eq!(found, Ok(expected), "`{text}` finds as plain text");
    }
}

fn an_old_epoch_is_refused(store: &dyn Store) {
    let at = |second| Timestamp::from_second(second).expect("in range");
    let take = |owner: &'static str, now, until| {
        store.write_blocking(move |tx| lease::acquire(tx, "shard", owner, at(now), at(until)))
    };
    assert_eq!(take("one", 0, 10), Ok(Some(1)));
    assert_eq!(
        take("two", 5, 15),
        Ok(None),
        "a lease that is held is not given"
    );
    assert_eq!(
        take("two", 10, 20),
        Ok(Some(10)),
        "one that is over goes to who asks, and its epoch is not below the clock"
    );
    let work = |epoch: u64| {
        store.write_blocking(move |tx: &mut dyn Transaction| {
            setting::put(tx, "owner", &epoch.to_string())?;
            lease::guard(tx, "shard", epoch)
        })
    };
    assert_eq!(work(10), Ok(()));
    let stale = StoreError::StaleEpoch {
        lease: "shard".to_owned(),
        given: 1,
        current: 10,
    };
    assert_eq!(work(1), Err(stale), "who lost the lease is refused");
    let owner = store.read_blocking(|tx| setting::get(tx, "owner"));
    assert_eq!(
        owner,
        Ok(Some("10".to_owned())),
        "and what it wrote is undone"
    );
    let renewed = store.write_blocking(move |tx| lease::renew(tx, "shard", 1, at(99)));
    assert!(renewed.is_err(), "nor can it renew");
}
