//! The TUF specification's list of attacks (§1.5.2), one test each, and those that our design adds.
//!
//! Two of the list have no test here: *extraneous dependencies* (a bundle names its content itself and depends on
//! nothing) and *slow retrieval* (time-outs are the transport's, tested where it is built).

use std::collections::HashMap;

use escadre_model::delivery::Refusal;
use escadre_trust::{AgentTrust, Fingerprint, Lifetimes, OnlineKeys, Publisher, UpdateError};
use sha2::{Digest, Sha256};
use tough::{
    TargetName,
    schema::{
        Hashes, RoleType, Root, Signed, Target, Targets,
        decoded::{Decoded, Hex},
        key::Key,
    },
};

use crate::fleet::{Fleet, LIVES, Link, bundle, days, forge, manifest_name, number, start};

fn list_of(bytes: &[u8]) -> Signed<Targets> {
    serde_json::from_slice(bytes).expect("a list")
}

fn target(manifest: &[u8]) -> Target {
    let hashes = Hashes {
        sha256: Sha256::digest(manifest).to_vec().into(),
        _extra: HashMap::new(),
    };
    Target {
        length: manifest.len() as u64,
        hashes,
        custom: HashMap::new(),
        _extra: HashMap::new(),
    }
}

fn name(text: &str) -> TargetName {
    TargetName::new(text).expect("a target's name")
}

/// The list as it is, with one bundle of the attacker's more, not signed yet.
fn with_malware(list: &[u8]) -> Targets {
    let mut list = list_of(list).signed;
    list.version = number(list.version.get() + 1);
    list.add_target(name("malware/1.json"), target(b"malware@1"));
    list
}

#[tokio::test]
async fn what_publishers_sign_is_believed() {
    let fleet = Fleet::with("hello@1.0");
    let (link, mut agent) = (fleet.link(), fleet.agent("agent"));
    let view = link
        .update(&mut agent, start())
        .await
        .expect("good metadata");
    let manifest = view
        .verified_manifest(&link, &bundle("hello@1.0"), start())
        .await
        .expect("a good manifest");
    assert_eq!(
        (
            manifest.as_slice(),
            view.root_version(),
            view.targets_version()
        ),
        (b"hello@1.0".as_slice(), 1, 2)
    );
    let stored = agent.stored().expect("readable").expect("accepted before");
    assert_eq!(
        stored.check_manifest(&bundle("hello@1.0"), b"hello@1.0", start()),
        Ok(())
    );
    let again = link
        .update(&mut agent, start() + days(1))
        .await
        .expect("the same again");
    assert_eq!(again.targets_version(), 2);
}

#[tokio::test]
async fn arbitrary_software() {
    let fleet = Fleet::with("hello@1.0");
    let (link, mut agent) = (fleet.link(), fleet.agent("agent"));
    let view = link
        .update(&mut agent, start())
        .await
        .expect("good metadata");
    link.set(&manifest_name("hello@1.0"), "malware@1");
    let got = view
        .verified_manifest(&link, &bundle("hello@1.0"), start())
        .await;
    assert!(
        matches!(got, Err(UpdateError::Refused(Refusal::Corrupt { .. }))),
        "{got:?}"
    );

    // The list itself, altered under its old signature.
    let (version, _, list) = fleet.link().newest("targets");
    let mut altered = list_of(&list);
    altered.signed = with_malware(&list);
    let altered = serde_json::to_vec(&altered).expect("JSON");
    link.sign_as_server(&fleet, &altered, version + 1, 1_900_000_000, start());
    assert_eq!(
        link.refusal(&mut agent, start()).await.code(),
        "bad_signature"
    );

    // Signed by a publisher of another installation.
    let stranger = Publisher::create(&fleet.key_file("stranger"), None).expect("a key");
    let forged = forge(
        with_malware(&list),
        &[&fleet.key_file("stranger/publisher.pem")],
    );
    link.sign_as_server(&fleet, &forged, version + 1, 1_900_000_000, start());
    let refusal = link.refusal(&mut agent, start()).await;
    assert_eq!(
        refusal.code(),
        "unknown_publisher",
        "{refusal} {stranger:?}"
    );

    // Signed by nobody.
    let unsigned = forge(with_malware(&list), &[]);
    link.sign_as_server(&fleet, &unsigned, version + 1, 1_900_000_000, start());
    assert_eq!(
        link.refusal(&mut agent, start()).await.code(),
        "bad_signature"
    );
}

#[tokio::test]
async fn endless_data() {
    let fleet = Fleet::with("hello@1.0");
    let mut agent = fleet.agent("agent");
    let (_, snapshot, _) = fleet.link().newest("snapshot");
    for (file, size) in [
        ("timestamp.json", 100_000),
        ("2.root.json", 1_000_000),
        (snapshot.as_str(), 100_000),
    ] {
        let link = fleet.link();
        link.set(file, vec![b' '; size]);
        let refusal = link.refusal(&mut agent, start()).await;
        assert!(
            refusal.to_string().contains("endless data"),
            "{file}: {refusal}"
        );
        let asked = link.asked.lock().expect("no panic").clone();
        assert!(
            asked.iter().all(|(_, limit)| *limit <= 32 * 1024 * 1024),
            "{asked:?}"
        );
    }
    // The snapshot says how long the list is; a longer one is not read to its end.
    let (_, targets, mut content) = fleet.link().newest("targets");
    content.extend_from_slice(&[b' '; 1000]);
    let link = fleet.link();
    link.set(&targets, content);
    assert_eq!(link.refusal(&mut agent, start()).await.code(), "corrupt");
    // A manifest: the transport is told the signed length, and its answer is measured.
    let link = fleet.link();
    let view = link
        .update(&mut agent, start())
        .await
        .expect("good metadata");
    link.set(&manifest_name("hello@1.0"), vec![b'x'; 10_000_000]);
    assert!(
        view.verified_manifest(&link, &bundle("hello@1.0"), start())
            .await
            .is_err()
    );
    assert_eq!(
        link.asked
            .lock()
            .expect("no panic")
            .last()
            .map(|(_, limit)| *limit),
        Some(9)
    );
}

/// Whoever took the online keys pushes versions to their end; after the keys are rotated, everything goes on.
#[tokio::test]
async fn fast_forward() {
    let mut fleet = Fleet::with("hello@1.0");
    let (link, mut agent) = (fleet.link(), fleet.agent("agent"));
    let (version, _, list) = link.newest("targets");
    link.sign_as_server(&fleet, &list, version, u64::MAX - 1, start());
    link.update(&mut agent, start())
        .await
        .expect("the keys are good, so far");
    assert_eq!(
        fleet.link().refusal(&mut agent, start()).await.code(),
        "metadata",
        "the honest server is refused now"
    );

    fleet.online = OnlineKeys::create(&fleet.key_file("online-2")).expect("new keys");
    let root = fleet
        .publisher
        .next_root(&fleet.root(), &fleet.plan(&[&fleet.publisher], 1), start())
        .expect("a root");
    fleet
        .server
        .publish(Some(&root), None, &fleet.online, &LIVES, start())
        .expect("accepted");
    let view = fleet
        .link()
        .update(&mut agent, start())
        .await
        .expect("healed by the rotation");
    assert_eq!(view.root_version(), 2);
    assert!(view.entry(&bundle("hello@1.0")).is_ok());
    assert!(
        link.update(&mut agent, start()).await.is_err(),
        "the stolen keys are worth nothing now"
    );
}

/// A rotation cannot be held back: a new root is kept even when the rest of that update is refused.
#[tokio::test]
async fn a_rotation_half_seen() {
    let mut fleet = Fleet::with("hello@1.0");
    let (old, mut agent) = (fleet.link(), fleet.agent("agent"));
    old.update(&mut agent, start())
        .await
        .expect("before the rotation");
    fleet.online = OnlineKeys::create(&fleet.key_file("online-2")).expect("new keys");
    let root = fleet
        .publisher
        .next_root(&fleet.root(), &fleet.plan(&[&fleet.publisher], 1), start())
        .expect("a root");
    let half = fleet.link();
    half.set("2.root.json", root);
    assert_eq!(
        half.refusal(&mut agent, start()).await.code(),
        "bad_signature"
    );
    assert!(
        old.update(&mut agent, start()).await.is_err(),
        "the old online keys are done with"
    );
    let again = AgentTrust::open(&fleet.key_file("agent"))
        .expect("opens")
        .stored();
    assert_eq!(
        again.expect("readable").map(|view| view.root_version()),
        Some(2)
    );
}

/// What is hidden stays hidden for the life of a timestamp and no longer, whatever the clock does.
#[tokio::test]
async fn indefinite_freeze() {
    let fleet = Fleet::with("hello@1.0");
    let (frozen, mut agent) = (fleet.link(), fleet.agent("agent"));
    fleet.publish("fix@1", start() + days(1));
    assert!(
        frozen.update(&mut agent, start() + days(2)).await.is_ok(),
        "not to be told from nothing new"
    );
    for now in [start() + days(3), start() + days(365)] {
        let refusal = frozen.refusal(&mut agent, now).await;
        assert!(
            refusal
                .to_string()
                .contains("timestamp metadata expired on 2027-01-18"),
            "{refusal}"
        );
    }
    let view = fleet
        .link()
        .update(&mut agent, start() + days(3))
        .await
        .expect("the link is honest again");
    assert!(view.entry(&bundle("fix@1")).is_ok());
    // Setting the agent's clock back does not make old metadata young.
    assert_eq!(
        fleet
            .link()
            .refusal(&mut agent, start() + days(5))
            .await
            .code(),
        "expired"
    );
    fleet
        .server
        .freshen(&fleet.online, &LIVES, start() + days(5))
        .expect("fresh");
    let late = fleet.link();
    late.update(&mut agent, start() + days(7))
        .await
        .expect("fresh enough");
    assert!(
        late.update(&mut agent, start()).await.is_ok(),
        "a clock that is behind does not lock the agent out"
    );
    let mut behind = fleet.agent("behind");
    late.update(&mut behind, start() + days(7))
        .await
        .expect("good");
    fleet
        .server
        .freshen(
            &fleet.online,
            &Lifetimes {
                timestamp: days(1),
                ..LIVES
            },
            start() + days(5),
        )
        .expect("short");
    assert_eq!(
        fleet.link().refusal(&mut behind, start()).await.code(),
        "expired",
        "it remembers day 7"
    );
}

/// A clock that was far ahead leaves no trace once it is set right.
#[tokio::test]
async fn a_clock_in_the_next_century() {
    let fleet = Fleet::with("hello@1.0");
    let (link, mut agent) = (fleet.link(), fleet.agent("agent"));
    for (year, expected) in [
        (1970, None),
        (2100, Some("expired")),
        (2027, None),
        (1970, None),
    ] {
        let now = format!("{year}-01-16T00:00:00Z").parse().expect("a time");
        let refused = match link.update(&mut agent, now).await {
            Ok(_) => None,
            Err(UpdateError::Refused(refusal)) => Some(refusal.code()),
            Err(other) => panic!("{other}"),
        };
        assert_eq!(refused, expected, "{year}");
    }
}

#[tokio::test]
async fn mix_and_match() {
    let fleet = Fleet::with("hello@1.0");
    let old = fleet.link();
    fleet.publish("hello@2.0", start());
    let mut agent = fleet.agent("agent");
    // An old list under the new snapshot; an old snapshot under the new timestamp.
    for role in ["targets", "snapshot"] {
        let link = fleet.link();
        let (_, name, _) = link.newest(role);
        link.set(&name, old.newest(role).2);
        assert_eq!(
            link.refusal(&mut agent, start()).await.code(),
            "corrupt",
            "{role}"
        );
    }
    // A list with the right version number and other content, both signed by the publisher (a fork).
    let list = old.newest("targets").2;
    let root = fleet.root();
    let other = Publisher::open(&fleet.key_file("publisher"), None).expect("the key");
    let memory = format!("publisher/followed/{}/targets-seen", Fingerprint::of(&root));
    std::fs::remove_file(fleet.key_file(&memory)).expect("its memory is lost");
    let fork = other
        .add_target(
            (&root, &list),
            &bundle("fork@1"),
            b"fork@1",
            &LIVES,
            start(),
        )
        .expect("signed");
    let link = fleet.link();
    link.set(&link.newest("targets").1, fork);
    assert_eq!(link.refusal(&mut agent, start()).await.code(), "corrupt");
}

#[tokio::test]
async fn rollback() {
    let fleet = Fleet::with("hello@1.0");
    let (old, mut agent) = (fleet.link(), fleet.agent("agent"));
    fleet.publish("hello@2.0", start() + days(1));
    fleet
        .link()
        .update(&mut agent, start() + days(1))
        .await
        .expect("the newest");
    let refusal = old.refusal(&mut agent, start() + days(1)).await;
    assert!(refusal.to_string().contains("timestamp"), "{refusal}");
    // The server itself, with its keys, cannot go back to a list that the agent has seen replaced.
    let (version, _, list) = old.newest("targets");
    old.sign_as_server(&fleet, &list, version, 1_900_000_000, start() + days(1));
    let refusal = old.refusal(&mut agent, start() + days(1)).await;
    assert!(
        refusal.code() == "metadata" && refusal.to_string().contains("targets.json"),
        "{refusal}"
    );
    // An old root is no update.
    let link = fleet.link();
    link.set("2.root.json", fleet.root());
    assert_eq!(
        link.refusal(&mut agent, start() + days(1)).await.code(),
        "metadata"
    );
}

/// The server is taken over, keys and all. Whatever is tried, the agent sees nothing that no publisher signed.
#[tokio::test]
async fn every_key_of_the_server_in_hand() {
    let fleet = Fleet::with("hello@1.0");
    let (snapshot, timestamp) = (
        fleet.key_file("online/snapshot.pem"),
        fleet.key_file("online/timestamp.pem"),
    );
    let keys = [snapshot.as_path(), timestamp.as_path()];
    let (version, _, list) = fleet.link().newest("targets");
    let mut agent = fleet.agent("agent");
    fleet
        .link()
        .update(&mut agent, start())
        .await
        .expect("before the attack");

    let attack = async |agent: &mut AgentTrust, what: &str, link: Link| {
        let refusal = link.refusal(agent, start()).await;
        assert!(
            ["bad_signature", "unknown_publisher", "metadata"].contains(&refusal.code()),
            "{what}: {refusal}"
        );
        let stored = agent.stored().expect("readable").expect("accepted before");
        assert!(stored.entry(&bundle("malware@1")).is_err(), "{what}");
        assert!(
            fleet.link().update(agent, start()).await.is_ok(),
            "{what}: the honest server is believed as before"
        );
    };

    let link = fleet.link();
    link.sign_as_server(
        &fleet,
        &forge(with_malware(&list), &keys),
        version + 1,
        1_900_000_000,
        start(),
    );
    attack(&mut agent, "a list signed by the online keys", link).await;

    let mut root: Signed<Root> = serde_json::from_slice(&fleet.root()).expect("a root");
    root.signed.version = number(2);
    let online = root
        .signed
        .roles
        .get(&RoleType::Snapshot)
        .expect("there")
        .clone();
    for role in [RoleType::Root, RoleType::Targets] {
        root.signed.roles.insert(role, online.clone());
    }
    let link = fleet.link();
    link.set("2.root.json", forge(root.signed.clone(), &keys));
    link.sign_as_server(
        &fleet,
        &forge(with_malware(&list), &keys),
        version + 1,
        1_900_000_000,
        start(),
    );
    attack(
        &mut agent,
        "a root that makes the online keys publishers",
        link,
    )
    .await;

    root.signed.version = number(1);
    let other_first = forge(root.signed, &keys);
    let pinned = AgentTrust::pin(
        &fleet.key_file("fresh"),
        &other_first,
        &Fingerprint::of(&fleet.root()),
    );
    assert!(
        matches!(
            pinned,
            Err(UpdateError::Refused(Refusal::BadSignature { .. }))
        ),
        "another first root at enrolment"
    );
}

#[tokio::test]
async fn wrong_target() {
    let fleet = Fleet::with("hello@1.0");
    fleet.publish("wipe@1.0", start());
    let (link, mut agent) = (fleet.link(), fleet.agent("agent"));
    let view = link
        .update(&mut agent, start())
        .await
        .expect("good metadata");
    link.set(&manifest_name("hello@1.0"), "wipe@1.0");
    let got = view
        .verified_manifest(&link, &bundle("hello@1.0"), start())
        .await;
    assert!(
        matches!(got, Err(UpdateError::Refused(Refusal::Corrupt { .. }))),
        "signed, but not for this name"
    );
    assert_eq!(
        view.check_manifest(&bundle("hello@1.1"), b"hello@1.0", start())
            .map_err(|r| r.code()),
        Err("bad_signature")
    );
    link.remove(&manifest_name("wipe@1.0"));
    let got = view
        .verified_manifest(&link, &bundle("wipe@1.0"), start())
        .await;
    assert!(
        matches!(got, Err(UpdateError::Refused(Refusal::Metadata { .. }))),
        "{got:?}"
    );
}

/// Any file cut anywhere or gone: refused, and the next honest update is believed.
#[tokio::test]
async fn cut_short_or_hidden() {
    let fleet = Fleet::with("hello@1.0");
    let mut agent = fleet.agent("agent");
    let files = [
        fleet.link().newest("targets").1,
        fleet.link().newest("snapshot").1,
        "timestamp.json".to_owned(),
    ];
    for file in &files {
        for part in [0, 1, 2, 3] {
            let link = fleet.link();
            let content = link.get(file);
            link.set(file, &content[..content.len() * part / 4]);
            assert_eq!(
                link.refusal(&mut agent, start()).await.code(),
                "corrupt",
                "{file} {part}/4"
            );
        }
        let link = fleet.link();
        link.remove(file);
        assert_eq!(
            link.refusal(&mut agent, start()).await.code(),
            "metadata",
            "{file} hidden"
        );
        *link.broken.lock().expect("no panic") = Some(file.clone());
        let got = link.update(&mut agent, start()).await;
        assert!(
            matches!(&got, Err(UpdateError::Unreachable { name, .. }) if name == file),
            "{got:?}"
        );
        assert!(agent.stored().expect("readable").is_none(), "{file}");
    }
    let link = fleet.link();
    *link.broken.lock().expect("no panic") = Some("2.root.json".to_owned());
    let got = link.update(&mut agent, start()).await;
    assert!(
        matches!(got, Err(UpdateError::Unreachable { .. })),
        "a broken link is not `there is no newer root`"
    );
    assert!(fleet.link().update(&mut agent, start()).await.is_ok());
}

/// The same key under two ids would be two signers of three; a root that says so is not believed, even signed.
#[tokio::test]
async fn the_same_key_twice() {
    let fleet = Fleet::with("hello@1.0");
    let mut root: Signed<Root> = serde_json::from_slice(&fleet.root()).expect("a root");
    let publisher: Key = fleet
        .publisher
        .public_key()
        .to_string()
        .parse()
        .expect("a key");
    let twin = match publisher.clone() {
        Key::Ed25519 { keyval, scheme, .. } => Key::Ed25519 {
            keyval,
            scheme,
            _extra: HashMap::from([("note".to_owned(), "twin".into())]),
        },
        other => other,
    };
    let ids: Vec<Decoded<Hex>> = [&publisher, &twin]
        .map(|key| key.key_id().expect("an id"))
        .to_vec();
    let third = Publisher::create(&fleet.key_file("third"), None).expect("a key");
    let third: Key = third.public_key().to_string().parse().expect("a key");
    let third_id = third.key_id().expect("an id");
    root.signed.keys.insert(ids[1].clone(), twin);
    root.signed.keys.insert(third_id.clone(), third);
    root.signed.version = number(2);
    for role in [RoleType::Root, RoleType::Targets] {
        let keys = root.signed.roles.get_mut(&role).expect("there");
        keys.keyids = [ids.clone(), vec![third_id.clone()]].concat();
        keys.threshold = number(2);
    }
    let pem = fleet.key_file("publisher/publisher.pem");
    let mut twice: Signed<Root> =
        serde_json::from_slice(&forge(root.signed, &[&pem, &pem])).expect("a root");
    twice.signatures[1].keyid = ids[1].clone();
    let twice = serde_json::to_vec(&twice).expect("JSON");
    assert!(
        fleet
            .server
            .publish(Some(&twice), None, &fleet.online, &LIVES, start())
            .is_err(),
        "the server refuses it"
    );
    let (link, mut agent) = (fleet.link(), fleet.agent("agent"));
    link.set("2.root.json", twice);
    assert!(link.update(&mut agent, start()).await.is_err());
    let view = fleet
        .link()
        .update(&mut agent, start())
        .await
        .expect("the old root still counts");
    assert_eq!(view.root_version(), 1);
}
