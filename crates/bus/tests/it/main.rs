//! The bus as roles use it.

use std::sync::Arc;

use escadre_bus::{Bus, BusError, LocalBus, Message, conformance, decode, encode};

#[tokio::test]
async fn the_local_bus_keeps_every_promise_of_the_seam() {
    conformance::run(|| Arc::new(LocalBus::new(conformance::LENGTH, conformance::LENGTH))).await;
}

#[test]
fn documents_survive_and_wrong_ones_are_named() {
    let subject = "host.changed".parse().expect("a subject");
    let body = encode(&subject, &("web1", 3)).expect("writable");
    let message = Message { subject, body };
    assert_eq!(
        decode::<(String, u32)>(&message),
        Ok(("web1".to_owned(), 3))
    );
    let wrong = decode::<u32>(&message);
    assert!(
        matches!(&wrong, Err(BusError::Document { subject, .. }) if subject == "host.changed"),
        "{wrong:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_senders_and_receivers_lose_nothing_and_double_nothing() {
    let bus: Arc<dyn Bus> = Arc::new(LocalBus::new(4, 4));
    let queue = "work".parse().expect("a subject");
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let mut receiver = bus.receive(&queue);
        tasks.spawn(async move {
            let mut seen = Vec::new();
            while let Some(work) = receiver.next().await {
                // Every other piece is dropped once and must come again.
                if work.attempt() == 1 && work.body().len() % 2 == 0 {
                    continue;
                }
                seen.push(work.body().len());
                work.done();
            }
            seen
        });
    }
    let sent: Vec<usize> = (1..=200).collect();
    for size in &sent {
        assert_eq!(bus.send(&queue, vec![0; *size].into()).await, Ok(()));
    }
    bus.close();
    let mut seen: Vec<usize> = tasks.join_all().await.into_iter().flatten().collect();
    seen.sort_unstable();
    assert_eq!(seen, sent);
}
