//! What every engine behind [`Bus`] must do. Each engine's tests call [`run`], which makes a new bus for each promise.
//!
//! The suite panics with the promise that is broken.

use std::{future::Future, sync::Arc, time::Duration};

use bytes::Bytes;

use crate::{Bus, BusError, Heard, Message, Subject};

/// How long something that must happen may take.
const SOON: Duration = Duration::from_secs(10);
/// Messages that a subscriber may be behind, and pieces that a queue holds, on the buses that `make` makes.
pub const LENGTH: usize = 4;

/// Every promise, each on a bus of its own with queues of [`LENGTH`].
pub async fn run(make: impl Fn() -> Arc<dyn Bus>) {
    everybody_hears_an_event(make()).await;
    who_is_too_slow_is_told(make()).await;
    work_goes_to_one_and_waits_for_it(make()).await;
    work_that_is_dropped_comes_again_first(make()).await;
    a_full_queue_makes_the_sender_wait(make()).await;
    after_the_end_nothing_is_taken(make()).await;
}

fn subject(text: &str) -> Subject {
    text.parse().expect("a subject")
}

fn message(about: &str, body: &'static str) -> Message {
    Message {
        subject: subject(about),
        body: Bytes::from_static(body.as_bytes()),
    }
}

async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(SOON, future)
        .await
        .unwrap_or_else(|_| panic!("{what}: nothing happens"))
}

async fn everybody_hears_an_event(bus: Arc<dyn Bus>) {
    assert_eq!(
        bus.publish(message("host.early", "1")),
        Ok(()),
        "an event nobody hears is no error"
    );
    let mut all = bus.subscribe(">".parse().expect("a pattern"));
    let mut hosts = bus.subscribe("host.*".parse().expect("a pattern"));
    for event in [
        message("rollout.changed", "2"),
        message("host.changed", "3"),
    ] {
        assert_eq!(bus.publish(event), Ok(()));
    }
    let heard = soon("an event", hosts.next()).await;
    assert_eq!(
        heard,
        Some(Heard::Message(message("host.changed", "3"))),
        "only what the pattern wants"
    );
    for expected in [
        message("rollout.changed", "2"),
        message("host.changed", "3"),
    ] {
        assert_eq!(
            soon("an event", all.next()).await,
            Some(Heard::Message(expected)),
            "in order"
        );
    }
}

async fn who_is_too_slow_is_told(bus: Arc<dyn Bus>) {
    let mut slow = bus.subscribe(">".parse().expect("a pattern"));
    for _ in 0..LENGTH + 3 {
        assert_eq!(
            bus.publish(message("a", "x")),
            Ok(()),
            "a slow subscriber stops nobody"
        );
    }
    assert_eq!(
        soon("the warning", slow.next()).await,
        Some(Heard::Lagged(3)),
        "how many were missed"
    );
    for _ in 0..LENGTH {
        assert_eq!(
            soon("the rest", slow.next()).await,
            Some(Heard::Message(message("a", "x")))
        );
    }
}

async fn work_goes_to_one_and_waits_for_it(bus: Arc<dyn Bus>) {
    let queue = subject("work");
    for body in ["1", "2"] {
        assert_eq!(
            bus.send(&queue, Bytes::from_static(body.as_bytes())).await,
            Ok(())
        );
    }
    let (mut one, mut other) = (bus.receive(&queue), bus.receive(&queue));
    let first = soon("work", one.next()).await.expect("work");
    let second = soon("work", other.next()).await.expect("work");
    assert_eq!(
        (first.body().as_ref(), second.body().as_ref()),
        (&b"1"[..], &b"2"[..]),
        "each piece goes to one"
    );
    assert_eq!((first.attempt(), second.attempt()), (1, 1));
    first.done();
    second.done();
    bus.close();
    assert!(
        soon("the end", one.next()).await.is_none(),
        "what is done does not come again"
    );
}

async fn work_that_is_dropped_comes_again_first(bus: Arc<dyn Bus>) {
    let queue = subject("work");
    for body in ["1", "2"] {
        assert_eq!(
            bus.send(&queue, Bytes::from_static(body.as_bytes())).await,
            Ok(())
        );
    }
    let mut receiver = bus.receive(&queue);
    drop(soon("work", receiver.next()).await.expect("work"));
    let again = soon("the same work", receiver.next()).await.expect("work");
    assert_eq!(
        (again.body().as_ref(), again.attempt()),
        (&b"1"[..], 2),
        "before what came later"
    );
    again.done();
}

async fn a_full_queue_makes_the_sender_wait(bus: Arc<dyn Bus>) {
    let queue = subject("work");
    for _ in 0..LENGTH {
        assert_eq!(soon("room", bus.send(&queue, Bytes::new())).await, Ok(()));
    }
    let sending = tokio::spawn({
        let (bus, queue) = (Arc::clone(&bus), queue.clone());
        async move { bus.send(&queue, Bytes::from_static(b"late")).await }
    });
    tokio::task::yield_now().await;
    assert!(!sending.is_finished(), "no room: the sender waits");
    let mut receiver = bus.receive(&queue);
    let work = soon("work", receiver.next()).await.expect("work");
    tokio::task::yield_now().await;
    assert!(!sending.is_finished(), "work in hand keeps its place");
    work.done();
    assert_eq!(
        soon("room", sending).await.expect("no panic"),
        Ok(()),
        "the sender goes on"
    );
}

async fn after_the_end_nothing_is_taken(bus: Arc<dyn Bus>) {
    let queue = subject("work");
    let mut listener = bus.subscribe(">".parse().expect("a pattern"));
    assert_eq!(bus.publish(message("a", "last")), Ok(()));
    assert_eq!(bus.send(&queue, Bytes::from_static(b"left")).await, Ok(()));
    let mut waiting = bus.receive(&subject("other"));
    let ended = tokio::spawn(async move { waiting.next().await.is_none() });
    tokio::task::yield_now().await;
    bus.close();
    assert!(
        soon("the end", ended).await.expect("no panic"),
        "who waits is let go"
    );
    assert_eq!(bus.publish(message("a", "late")), Err(BusError::Closed));
    assert_eq!(bus.send(&queue, Bytes::new()).await, Err(BusError::Closed));
    assert_eq!(
        soon("the last", listener.next()).await,
        Some(Heard::Message(message("a", "last")))
    );
    assert_eq!(soon("the end", listener.next()).await, None);
    let mut receiver = bus.receive(&queue);
    soon("what was left", receiver.next())
        .await
        .expect("what waits is still handed out")
        .done();
    assert!(soon("the end", receiver.next()).await.is_none());
    assert_eq!(
        soon(
            "the end",
            bus.subscribe(">".parse().expect("a pattern")).next()
        )
        .await,
        None
    );
}
