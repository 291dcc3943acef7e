//! Several publishers, on machines that never meet: thresholds, rotation, recall, and a server that lies to them.

use escadre_trust::{
    Fingerprint, MetadataFolder, Publisher, RootPlan, TrustError,
    metadata::{TargetChange, changes, is_complete_root, is_complete_targets},
};

use crate::fleet::{Fleet, LIVES, bundle, days, forge, start};

fn publisher(fleet: &Fleet, name: &str) -> Publisher {
    Publisher::create(&fleet.key_file(name), None).expect("a key")
}

/// A fleet where two of three publishers must agree, founded by one and joined by rotation.
fn two_of_three() -> (Fleet, Publisher, Publisher) {
    let fleet = Fleet::with("hello@1.0");
    let (second, third) = (publisher(&fleet, "second"), publisher(&fleet, "third"));
    let plan = fleet.plan(&[&fleet.publisher, &second, &third], 2);
    let old = fleet.root();
    let root = fleet
        .publisher
        .next_root(&old, &plan, start())
        .expect("a root");
    assert_eq!(
        is_complete_root(Some(&old), &root).ok(),
        Some(false),
        "the new threshold is two"
    );
    second
        .pin_root(&old, &Fingerprint::of(&old))
        .expect("compared by telephone");
    let root = second.sign_root(Some(&old), &root).expect("signed");
    assert_eq!(is_complete_root(Some(&old), &root).ok(), Some(true));
    third
        .pin_root(&root, &Fingerprint::of(&root))
        .expect("complete");
    let list = fleet.list();
    let refused = fleet
        .server
        .publish(Some(&root), None, &fleet.online, &LIVES, start());
    assert!(
        matches!(
            refused,
            Err(TrustError::MetadataSignature {
                role: "targets",
                ..
            })
        ),
        "the list has one signer"
    );
    let renewed = fleet
        .publisher
        .renew_targets((&old, &list), Some(&root), &LIVES, start())
        .expect("the list for the new root");
    let renewed = second
        .sign_targets((&old, &list), Some(&root), &renewed)
        .expect("signed");
    fleet
        .server
        .publish(Some(&root), Some(&renewed), &fleet.online, &LIVES, start())
        .expect("complete");
    (fleet, second, third)
}

#[tokio::test]
async fn one_signature_of_two_is_none() {
    let (fleet, second, third) = two_of_three();
    let (root, list) = (fleet.root(), fleet.list());
    let mut agent = fleet.agent("agent");
    fleet
        .link()
        .update(&mut agent, start())
        .await
        .expect("good");
    let add =
        |by: &Publisher| by.add_target((&root, &list), &bundle("new@1"), b"new@1", &LIVES, start());
    let half = add(&fleet.publisher).expect("signed by one");
    fleet
        .server
        .store_manifest(&bundle("new@1"), b"new@1")
        .expect("stored");
    assert_eq!(is_complete_targets(&root, &half).ok(), Some(false));
    let refused = fleet
        .server
        .publish(None, Some(&half), &fleet.online, &LIVES, start());
    assert!(
        matches!(refused, Err(TrustError::MetadataSignature { .. })),
        "{refused:?}"
    );
    // The server publishes it all the same, with its own keys; or with the one signature twice.
    let mut doubled: tough::schema::Signed<tough::schema::Targets> =
        serde_json::from_slice(&half).expect("a list");
    doubled.signatures.push(doubled.signatures[0].clone());
    let version = doubled.signed.version.get();
    for forged in [half.clone(), serde_json::to_vec(&doubled).expect("JSON")] {
        let link = fleet.link();
        link.sign_as_server(&fleet, &forged, version, 1_900_000_000, start());
        assert_eq!(
            link.refusal(&mut agent, start()).await.code(),
            "bad_signature"
        );
    }
    // The same person signing again changes nothing; another one completes it.
    let again = fleet
        .publisher
        .sign_targets((&root, &list), None, &half)
        .expect("signed again");
    assert_eq!(is_complete_targets(&root, &again).ok(), Some(false));
    assert_eq!(
        changes(&list, &half).ok(),
        Some(vec![TargetChange::Added(bundle("new@1"))])
    );
    let whole = third
        .sign_targets((&root, &list), None, &half)
        .expect("read and signed");
    fleet
        .server
        .publish(None, Some(&whole), &fleet.online, &LIVES, start())
        .expect("complete");
    let view = fleet
        .link()
        .update(&mut agent, start())
        .await
        .expect("good");
    assert!(view.entry(&bundle("new@1")).is_ok());
    // Compare-and-swap: another list for the same place comes too late.
    let late = second
        .add_target(
            (&root, &list),
            &bundle("late@1"),
            b"late@1",
            &LIVES,
            start(),
        )
        .expect("signed");
    let late = third.sign_targets((&root, &fleet.list()), None, &late);
    assert!(
        matches!(late, Err(TrustError::MetadataVersion { .. })),
        "{late:?}"
    );
}

/// An agent that slept through three rotations follows them all; a key that was rotated out is a stranger's.
#[tokio::test]
async fn publishers_rotate() {
    let fleet = Fleet::with("hello@1.0");
    let mut agent = fleet.agent("agent");
    let mut holder = Publisher::open(&fleet.key_file("publisher"), None).expect("the key");
    for (round, name) in ["one", "two", "three"].iter().enumerate() {
        let (root, list) = (fleet.root(), fleet.list());
        let next = publisher(&fleet, name);
        let plan = fleet.plan(&[&next], 1);
        let now = start() + days(round as u64);
        let rotated = holder
            .next_root(&root, &plan, now)
            .expect("signed by the old key");
        let alone = fleet
            .server
            .publish(Some(&rotated), None, &fleet.online, &LIVES, now);
        assert!(alone.is_err(), "signed by the old key only");
        next.pin_root(&root, &Fingerprint::of(&root))
            .expect("compared");
        let rotated = next
            .sign_root(Some(&root), &rotated)
            .expect("signed by the new key too");
        let renewed = next
            .renew_targets((&root, &list), Some(&rotated), &LIVES, now)
            .expect("signed by the new key");
        fleet
            .server
            .publish(Some(&rotated), Some(&renewed), &fleet.online, &LIVES, now)
            .expect("accepted");
        holder = next;
    }
    let view = fleet
        .link()
        .update(&mut agent, start() + days(3))
        .await
        .expect("followed");
    assert_eq!(view.root_version(), 4);
    assert!(view.entry(&bundle("hello@1.0")).is_ok());

    let (root, list) = (fleet.root(), fleet.list());
    let old = fleet
        .publisher
        .add_target((&root, &list), &bundle("x@1"), b"x", &LIVES, start());
    assert!(
        matches!(old, Err(TrustError::RootUnknown { .. })),
        "three roots behind: {old:?}"
    );
    fleet
        .publisher
        .pin_root(&root, &Fingerprint::of(&root))
        .expect("caught up");
    let old = fleet
        .publisher
        .add_target((&root, &list), &bundle("x@1"), b"x", &LIVES, start());
    assert!(
        matches!(old, Err(TrustError::NotAPublisher { .. })),
        "{old:?}"
    );
    let mut stale: tough::schema::Signed<tough::schema::Targets> =
        serde_json::from_slice(&list).expect("a list");
    let version = stale.signed.version.get() + 1;
    stale.signed.version = version.try_into().expect("not zero");
    let link = fleet.link();
    let forged = forge(stale.signed, &[&fleet.key_file("publisher/publisher.pem")]);
    link.sign_as_server(&fleet, &forged, version, 1_900_000_000, start() + days(3));
    assert_eq!(
        link.refusal(&mut agent, start() + days(3)).await.code(),
        "unknown_publisher"
    );
}

#[tokio::test]
async fn a_recall_reaches_agents() {
    let fleet = Fleet::with("bad@1");
    let mut agent = fleet.agent("agent");
    let view = fleet
        .link()
        .update(&mut agent, start())
        .await
        .expect("good");
    assert!(view.entry(&bundle("bad@1")).is_ok());
    let (root, list) = (fleet.root(), fleet.list());
    let without = fleet
        .publisher
        .remove_target((&root, &list), &bundle("bad@1"), &LIVES, start())
        .expect("signed");
    assert_eq!(
        changes(&list, &without).ok(),
        Some(vec![TargetChange::Removed(bundle("bad@1"))])
    );
    fleet
        .server
        .publish(None, Some(&without), &fleet.online, &LIVES, start())
        .expect("accepted");
    let view = fleet
        .link()
        .update(&mut agent, start())
        .await
        .expect("good");
    assert_eq!(
        view.entry(&bundle("bad@1"))
            .map_err(|refusal| refusal.code()),
        Err("bad_signature")
    );
    let again =
        fleet
            .publisher
            .remove_target((&root, &fleet.list()), &bundle("bad@1"), &LIVES, start());
    assert!(matches!(again, Err(TrustError::NotPublished { .. })));
}

/// A server that was taken over hands its own root and list to the publisher, hoping for a signature.
#[test]
fn a_publisher_signs_nothing_that_it_never_read() {
    let fleet = Fleet::with("hello@1.0");
    let evil = Fleet::new();
    // A root of the attacker's that names the honest publisher too, and a list with malware that this root allows.
    let mut plan: RootPlan = evil.plan(&[&evil.publisher], 1);
    plan.publishers.push(fleet.publisher.public_key());
    let (root, _) = evil.publisher.found(&plan, start()).expect("a root");
    let mut list: tough::schema::Signed<tough::schema::Targets> =
        serde_json::from_slice(&fleet.list()).expect("a list");
    list.signed.version = 50.try_into().expect("not zero");
    let target = list.signed.targets.values().next().expect("hello").clone();
    list.signed.add_target(
        tough::TargetName::new("malware/1.json").expect("a name"),
        target,
    );
    let list = forge(list.signed, &[&evil.key_file("publisher/publisher.pem")]);
    let add = |root: &[u8], list: &[u8]| {
        fleet
            .publisher
            .add_target((root, list), &bundle("new@1"), b"new@1", &LIVES, start())
    };
    assert!(matches!(
        add(&root, &list),
        Err(TrustError::MetadataSignature { .. } | TrustError::RootUnknown { .. })
    ));
    assert!(matches!(
        add(&fleet.root(), &list),
        Err(TrustError::MetadataSignature {
            role: "targets",
            ..
        })
    ));
    // An old list, in which a recalled bundle still stands.
    let old = fleet.list();
    fleet.publish("other@1", start());
    add(&fleet.root(), &fleet.list()).expect("the newest is seen");
    assert!(matches!(
        add(&fleet.root(), &old),
        Err(TrustError::MetadataVersion {
            role: "targets",
            ..
        })
    ));
    // A stranger's root is not pinned by mistake.
    let pinned = fleet
        .publisher
        .pin_root(&root, &Fingerprint::of(&fleet.root()));
    assert!(matches!(pinned, Err(TrustError::RootUnknown { .. })));
}

#[test]
fn senseless_roots_are_not_made() {
    let fleet = Fleet::new();
    let (a, b) = (
        fleet.publisher.public_key(),
        publisher(&fleet, "b").public_key(),
    );
    let online = fleet.online.public();
    let check = |publishers: &[_], threshold, online, expected: &str| {
        let plan = RootPlan {
            publishers: publishers.to_vec(),
            threshold,
            online,
            lifetimes: LIVES,
        };
        let error = fleet
            .publisher
            .next_root(&fleet.root(), &plan, start())
            .err()
            .map(|error| error.to_string());
        assert!(
            error
                .as_deref()
                .is_some_and(|error| error.contains(expected)),
            "{expected}: {error:?}"
        );
    };
    check(&[a, b], 0, online, "at least 1");
    check(&[a, b], 3, online, "wants 3 of 2");
    check(&[], 1, online, "wants 1 of 0");
    check(&[a, a], 2, online, "named twice");
    check(
        &[a, online.snapshot],
        1,
        online,
        "also the server's snapshot key",
    );
}

#[test]
fn a_bundle_never_changes() {
    let fleet = Fleet::with("hello@1.0");
    let (root, list) = (fleet.root(), fleet.list());
    let other = fleet.publisher.add_target(
        (&root, &list),
        &bundle("hello@1.0"),
        b"other",
        &LIVES,
        start(),
    );
    assert!(matches!(other, Err(TrustError::BundleChanged { .. })));
    let same = fleet.publisher.add_target(
        (&root, &list),
        &bundle("hello@1.0"),
        b"hello@1.0",
        &LIVES,
        start(),
    );
    assert!(same.is_ok(), "publishing the same again is harmless");
}

/// The folders of publisher and server on two machines, with only bytes between them.
#[test]
fn a_publisher_far_from_the_server() {
    let fleet = Fleet::new();
    let far = tempfile::tempdir().expect("a temporary folder");
    let far = Publisher::create(&far.path().join("keys"), None).expect("a key");
    let plan = fleet.plan(&[&far], 1);
    let (root, list) = far.found(&plan, start()).expect("founded there");
    let server = MetadataFolder::open(&fleet.key_file("server-2")).expect("a folder");
    assert!(server.status().expect("readable").is_none());
    server
        .publish(Some(&root), Some(&list), &fleet.online, &LIVES, start())
        .expect("accepted here");
    let list = far
        .add_target((&root, &list), &bundle("a@1"), b"a", &LIVES, start())
        .expect("signed there");
    let missing = server.publish(None, Some(&list), &fleet.online, &LIVES, start());
    assert!(
        matches!(missing, Err(TrustError::ManifestMissing { .. })),
        "{missing:?}"
    );
    server.store_manifest(&bundle("a@1"), b"b").expect("stored");
    assert!(
        server
            .publish(None, Some(&list), &fleet.online, &LIVES, start())
            .is_err(),
        "another manifest"
    );
    server.store_manifest(&bundle("a@1"), b"a").expect("stored");
    server
        .publish(None, Some(&list), &fleet.online, &LIVES, start())
        .expect("accepted");
    assert_eq!(server.bundles().ok(), Some(vec![bundle("a@1")]));
    let status = server.status().expect("readable").expect("founded");
    assert_eq!(
        (
            status.root_version,
            status.targets_version,
            status.threshold
        ),
        (1, 2, 1)
    );
    assert_eq!(
        (status.publishers, status.root_fingerprint),
        (vec![far.public_key()], Fingerprint::of(&root))
    );
}
