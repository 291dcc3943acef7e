//! What an agent refuses, and that it then runs nothing.

use std::{fs, sync::Arc};

use escadre_bundle::Manifest;
use escadre_model::{ByteCount, Timestamp, delivery::DeliveryState, query::Query};
use escadre_trust::Publisher;

use crate::house::{House, Running, Server, bundle, found, publish};

/// Publishes hello@2.0, changed by `change`, and gives the code of its refusal. Nothing must have run.
async fn refusal(number: u8, change: impl FnOnce(&Arc<House>, &mut Manifest)) -> String {
    let house = House::new();
    let (_server, port) = house.listen(0).await;
    house.enrol(port).await.expect("enrolled");
    let trace = house.path("trace");
    let mut manifest = house.script("hello@2.0", &format!("echo ran >> {}", trace.display()));
    change(&house, &mut manifest);
    let agent = Running::begin(&house.path("agent"));
    let id = house.order("hello@2.0", number);
    let end = house.end_of(id).await;
    agent.end().await;
    assert_eq!(end.state, DeliveryState::Refused, "{end:?}");
    assert!(!trace.exists(), "it ran");
    end.refusal.expect("a refusal").code().to_owned()
}

#[tokio::test]
async fn refusals_have_their_codes() {
    let codes = [
        refusal(1, |house, manifest| {
            house.publish(manifest);
            house.with(|server| server.alters_chunks = true);
        })
        .await,
        refusal(2, |house, manifest| {
            manifest.conditions.target = Query::parse("os:plan9").expect("a query");
            house.publish(manifest);
        })
        .await,
        refusal(3, |house, manifest| {
            manifest
                .conditions
                .free
                .insert("/".to_owned(), ByteCount(1 << 60));
            house.publish(manifest);
        })
        .await,
        refusal(4, |house, manifest| {
            manifest.created = Timestamp::UNIX_EPOCH;
            manifest.expires = Timestamp::from_second(1_000_000_000).ok();
            house.publish(manifest);
        })
        .await,
        // Signed by nobody: the list does not name it.
        refusal(5, |_, _| {}).await,
    ];
    assert_eq!(
        codes,
        [
            "corrupt",
            "wrong_target",
            "no_space",
            "expired",
            "bad_signature"
        ]
    );
}

#[tokio::test]
async fn an_older_version_is_refused_unless_it_may_be_older() {
    let house = House::new();
    let (_server, port) = house.listen(0).await;
    house.enrol(port).await.expect("enrolled");
    for (name, may) in [
        ("hello@2.0", false),
        ("hello@1.9", false),
        ("hello@1.8", true),
    ] {
        let mut manifest = house.script(name, "exit 0");
        manifest.allow_downgrade = may;
        house.publish(&manifest);
    }
    let agent = Running::begin(&house.path("agent"));
    for (number, name, state) in [
        (1, "hello@2.0", DeliveryState::Succeeded),
        (2, "hello@1.9", DeliveryState::Refused),
        (3, "hello@1.8", DeliveryState::Succeeded),
    ] {
        let id = house.order(name, number);
        let end = house.end_of(id).await;
        assert_eq!(end.state, state, "{name}: {end:?}");
    }
    agent.end().await;
}

/// The attacker has the server: its CA, its TLS keys, its online signing keys, its store. Not the publisher's key.
#[tokio::test]
async fn a_server_that_is_taken_over_executes_nothing() {
    let house = House::new();
    let (_server, port) = house.listen(0).await;
    house.enrol(port).await.expect("enrolled");
    house.publish(&house.script("hello@1.0", "exit 0"));
    let agent = Running::begin(&house.path("agent"));
    let honest = house.order("hello@1.0", 1);
    assert_eq!(house.end_of(honest).await.state, DeliveryState::Succeeded);

    let trace = house.path("trace");
    let evil = house.script("hello@1.1", &format!("echo owned > {}", trace.display()));
    let bytes = evil.to_bytes().expect("a manifest");
    let stranger =
        Publisher::create(&house.path("stranger"), None).expect("a key of the attacker's");

    // A manifest that nobody signed lies on the server.
    house
        .with(|server| server.metadata.store_manifest(&evil.bundle, &bytes))
        .expect("stored");
    let unsigned = house.order("hello@1.1", 2);
    assert_eq!(house.end_of(unsigned).await.state, DeliveryState::Refused);

    // Malware under the name and in the place of what was signed.
    let signed = house.path("metadata/manifests/hello");
    let mut masked = evil.clone();
    masked.bundle = bundle("hello@1.0");
    let masked = masked.to_bytes().expect("a manifest");
    let mut replaced = 0;
    for entry in fs::read_dir(&signed).expect("readable") {
        fs::write(entry.expect("an entry").path(), &masked).expect("written");
        replaced += 1;
    }
    assert!(replaced > 0, "there is a manifest to replace");
    let again = house.order("hello@1.0", 3);
    assert_eq!(house.end_of(again).await.state, DeliveryState::Refused);

    // A whole repository of the attacker's own, fresh and signed with the server's true online keys.
    let (forged, _) = found(&stranger, &house.online, &house.path("forged"));
    publish(&forged, &stranger, &house.online, &evil.bundle, &bytes);
    house.with(|server| server.metadata = forged);
    let forged = house.order("hello@1.1", 4);
    let end = house.end_of(forged).await;
    assert_eq!(end.state, DeliveryState::Refused, "{end:?}");

    // Orders that claim everything at once, with the highest epoch.
    house.with(|server| server.epoch = u64::MAX);
    let last = house.order("hello@1.1", 5);
    assert_eq!(house.end_of(last).await.state, DeliveryState::Refused);
    agent.end().await;
    assert!(!trace.exists(), "the attacker's program ran");
}

#[tokio::test]
async fn orders_of_an_older_epoch_are_refused() {
    let house = House::new();
    let (_server, port) = house.listen(0).await;
    house.enrol(port).await.expect("enrolled");
    house.publish(&house.script("hello@1.0", "exit 0"));
    house.with(|server| server.epoch = 5);
    let agent = Running::begin(&house.path("agent"));
    let first = house.order("hello@1.0", 1);
    assert_eq!(house.end_of(first).await.state, DeliveryState::Succeeded);
    house.with(|server| server.epoch = 4);
    let stale = house.order("hello@1.0", 2);
    // Two answers: when the second is asked for, the first has been read.
    let twice = |server: &mut Server| {
        (server.answers.iter().filter(|&&epoch| epoch == 4).count() >= 2).then_some(())
    };
    house.until("two answers of the old owner", twice).await;
    house.with(|server| {
        assert_eq!(server.states(stale), []);
        server.epoch = 6;
        server.revision += 1;
    });
    house.changed.notify_waiters();
    assert_eq!(house.end_of(stale).await.state, DeliveryState::Succeeded);
    agent.end().await;
}
