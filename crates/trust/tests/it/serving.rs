//! The server's folder over time: freshness, restarts, backups, crashes between two files.

use std::fs;

use escadre_trust::{Fingerprint, MetadataFolder, OnlineKeys, Publisher, TrustError};

use crate::fleet::{Fleet, LIVES, days, start};

#[tokio::test]
async fn freshness_goes_on_for_a_year_and_leaves_few_files() {
    let fleet = Fleet::with("hello@1.0");
    let mut agent = fleet.agent("agent");
    let mut signed = 0;
    for day in 0..364 {
        let now = start() + days(day);
        if fleet.server.is_due(&LIVES, now).expect("readable") {
            fleet
                .server
                .freshen(&fleet.online, &LIVES, now)
                .expect("fresh");
            signed += 1;
        }
        if day % 30 == 0 {
            fleet
                .link()
                .update(&mut agent, now)
                .await
                .expect("fresh enough");
        }
    }
    assert!((100..=200).contains(&signed), "{signed}");
    let files = fs::read_dir(fleet.key_file("server"))
        .expect("readable")
        .count();
    assert!(files < 20, "{files}");
    let now = start() + days(365);
    fleet
        .server
        .freshen(&fleet.online, &LIVES, now)
        .expect("fresh");
    let refusal = fleet.link().refusal(&mut agent, now).await;
    assert!(
        refusal.to_string().starts_with("targets metadata expired"),
        "the publishers have slept: {refusal}"
    );
}

/// Restoring yesterday's backup does not lock the agents out: versions follow the clock.
#[tokio::test]
async fn a_restored_backup_is_believed() {
    let fleet = Fleet::with("hello@1.0");
    let mut agent = fleet.agent("agent");
    let backup = fs::read(fleet.key_file("server/timestamp.json")).expect("readable");
    for hour in 1..20_u64 {
        fleet
            .server
            .freshen(
                &fleet.online,
                &LIVES,
                start() + days(0) + std::time::Duration::from_secs(hour * 3600),
            )
            .expect("fresh");
    }
    fleet
        .link()
        .update(&mut agent, start() + days(1))
        .await
        .expect("good");
    fs::write(fleet.key_file("server/timestamp.json"), backup).expect("restored");
    assert_eq!(
        fleet
            .link()
            .refusal(&mut agent, start() + days(1))
            .await
            .code(),
        "metadata"
    );
    fleet
        .server
        .freshen(&fleet.online, &LIVES, start() + days(1))
        .expect("fresh");
    fleet
        .link()
        .update(&mut agent, start() + days(1))
        .await
        .expect("believed again");
}

/// The server stops between the files of one publication; after its start all is whole.
#[tokio::test]
async fn a_crash_after_the_list_and_before_snapshot_and_timestamp() {
    let fleet = Fleet::with("hello@1.0");
    let before = fleet.link();
    fleet.publish("hello@2.0", start() + days(1));
    let (_, snapshot, _) = fleet.link().newest("snapshot");
    assert_ne!(snapshot, before.newest("snapshot").1);
    let folder = fleet.key_file("server");
    fs::remove_file(folder.join(&snapshot)).expect("not yet written");
    fs::write(folder.join("timestamp.json"), before.get("timestamp.json")).expect("the old one");
    let mut agent = fleet.agent("agent");
    let view = fleet
        .link()
        .update(&mut agent, start() + days(1))
        .await
        .expect("the old state is whole");
    assert_eq!(view.targets_version(), 2);
    let server = MetadataFolder::open(&folder).expect("opens");
    server
        .freshen(&fleet.online, &LIVES, start() + days(1))
        .expect("completed");
    let view = fleet
        .link()
        .update(&mut agent, start() + days(1))
        .await
        .expect("the new state is whole");
    assert_eq!(view.targets_version(), 3);
}

/// The same in a rotation of publishers: the list for the next root is written, that root is not.
#[tokio::test]
async fn a_crash_after_the_list_and_before_its_root() {
    let fleet = Fleet::with("hello@1.0");
    let (root, list) = (fleet.root(), fleet.list());
    let next = Publisher::create(&fleet.key_file("next"), None).expect("a key");
    next.pin_root(&root, &Fingerprint::of(&root))
        .expect("compared");
    let rotated = fleet
        .publisher
        .next_root(&root, &fleet.plan(&[&next], 1), start())
        .expect("signed");
    let rotated = next.sign_root(Some(&root), &rotated).expect("signed");
    let renewed = next
        .renew_targets((&root, &list), Some(&rotated), &LIVES, start())
        .expect("signed");
    fs::write(fleet.key_file("server/3.targets.json"), &renewed).expect("written before the crash");
    let server = MetadataFolder::open(&fleet.key_file("server")).expect("opens");
    server
        .freshen(&fleet.online, &LIVES, start())
        .expect("the old list is the current one");
    let mut agent = fleet.agent("agent");
    let view = fleet
        .link()
        .update(&mut agent, start())
        .await
        .expect("the old state is whole");
    assert_eq!((view.root_version(), view.targets_version()), (1, 2));
    server
        .publish(
            Some(&rotated),
            Some(&renewed),
            &fleet.online,
            &LIVES,
            start(),
        )
        .expect("published again");
    let view = fleet
        .link()
        .update(&mut agent, start())
        .await
        .expect("the new state is whole");
    assert_eq!((view.root_version(), view.targets_version()), (2, 3));
}

#[test]
fn only_the_named_online_keys_may_keep_it_fresh() {
    let fleet = Fleet::new();
    let others = OnlineKeys::create(&fleet.key_file("others")).expect("keys");
    let refused = fleet.server.freshen(&others, &LIVES, start());
    assert!(
        matches!(refused, Err(TrustError::OnlineKeys(_))),
        "{refused:?}"
    );
    assert!(matches!(
        OnlineKeys::create(&fleet.key_file("others")),
        Err(TrustError::AlreadyThere { .. })
    ));
    assert_eq!(
        OnlineKeys::open(&fleet.key_file("others"))
            .expect("opens")
            .public(),
        others.public()
    );
}

/// A process that was killed in an update leaves a copy, which the next start removes; damaged files heal.
#[tokio::test]
async fn an_agent_that_was_killed_or_lost_files() {
    let fleet = Fleet::with("hello@1.0");
    let mut agent = fleet.agent("agent");
    fleet
        .link()
        .update(&mut agent, start())
        .await
        .expect("good");
    let folder = fleet.key_file("agent");
    fs::create_dir(folder.join("update-abc")).expect("made");
    let mut agent = escadre_trust::AgentTrust::open(&folder).expect("opens");
    assert!(!folder.join("update-abc").exists());
    for file in [
        "root.json",
        "timestamp.json",
        "snapshot.json",
        "targets.json",
        "newest-time",
    ] {
        fs::write(folder.join(file), b"{").expect("damaged");
        fleet
            .link()
            .update(&mut agent, start())
            .await
            .unwrap_or_else(|error| panic!("{file}: {error}"));
        fs::remove_file(folder.join(file)).expect("lost");
        fleet
            .link()
            .update(&mut agent, start())
            .await
            .unwrap_or_else(|error| panic!("{file}: {error}"));
    }
}
