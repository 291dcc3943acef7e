//! Shipping through the operations and the agent port: rollouts, deliveries, what survives.

use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use escadre_api::{
    ErrorKind, Role,
    agent::{Contact, Outcome, Wish},
    bundle::BundlePublish,
    rollout::*,
};
use escadre_blobs::{EachChunk, PackOptions, pack};
use escadre_bundle::{Action, Command, Decoder, Manifest};
use escadre_model::{
    BundleRef, Timestamp,
    delivery::{DeliveryState, Refusal, RolloutState},
};
use escadre_trust::{Lifetimes, Publisher};

use crate::world::{Agent, Place, World, actor, admin, inventory, until};

pub(crate) fn hello(version: &str) -> BundleRef {
    BundleRef::new("hello", version).expect("a name")
}

pub(crate) fn publisher() -> escadre_api::Actor {
    actor(Role::Publisher)
}

pub(crate) fn content(place: &Place) -> PathBuf {
    let folder = place.path("content");
    std::fs::create_dir_all(&folder).expect("a folder");
    let script = folder.join("install.sh");
    std::fs::write(&script, "#!/bin/sh\necho hello\n").expect("a file");
    std::fs::set_permissions(script, std::fs::Permissions::from_mode(0o755)).expect("a program");
    folder
}

/// Packs a folder here and sends what the server lacks.
pub(crate) async fn send(world: &World, folder: &Path, bundle: BundleRef) -> Manifest {
    let chunks = std::sync::Mutex::new(Vec::new());
    let sink = EachChunk(|chunk: &escadre_bundle::StoredChunk| {
        chunks.lock().expect("no panic").push(chunk.clone());
        Ok(())
    });
    let packed = pack(folder, &sink, &PackOptions::default(), &|_| {}).expect("packed");
    let chunks = chunks.into_inner().expect("no panic");
    let names: Vec<String> = chunks
        .iter()
        .map(|chunk| chunk.hash().to_string())
        .collect();
    let missing = world
        .ops()
        .chunks_missing(&publisher(), names)
        .await
        .expect("asked");
    for chunk in chunks
        .iter()
        .filter(|chunk| missing.contains(&chunk.hash().to_string()))
    {
        let (name, bytes) = (chunk.hash().to_string(), chunk.bytes().to_vec());
        world
            .ops()
            .chunk_put(&publisher(), &name, bytes.into())
            .await
            .expect("taken");
    }
    let command = Command::from_line("install.sh --quiet").expect("a command");
    Manifest::new(
        bundle,
        Timestamp::now(),
        packed.content,
        Action::Launch { command },
    )
}

pub(crate) async fn signed(world: &World, place: &Place, manifest: &Manifest) -> BundlePublish {
    let key = Publisher::open(&place.path("publisher"), None).expect("the key");
    let root = world
        .ops()
        .trust_file(&publisher(), "root.json")
        .await
        .expect("a root");
    let list = world
        .ops()
        .trust_file(&publisher(), "targets.json")
        .await
        .expect("a list");
    let bytes = manifest.to_bytes().expect("canonical");
    let next = key
        .add_target(
            (&root, &list),
            &manifest.bundle,
            &bytes,
            &Lifetimes::default(),
            Timestamp::now(),
        )
        .expect("signed");
    BundlePublish {
        manifest: String::from_utf8(bytes).expect("text"),
        targets: Some(String::from_utf8(next).expect("text")),
    }
}

async fn publish(world: &World, place: &Place, version: &str) -> Manifest {
    let manifest = send(world, &content(place), hello(version)).await;
    let publish = signed(world, place, &manifest).await;
    world
        .ops()
        .bundle_publish(&publisher(), publish)
        .await
        .expect("published");
    manifest
}

pub(crate) fn new_rollout(version: &str, to: &str) -> RolloutNew {
    RolloutNew {
        bundle: hello(version),
        to: to.to_owned(),
        except: Vec::new(),
        not_before: None,
        expires: None,
        note: String::new(),
    }
}

async fn host(world: &World, place: &Place, name: &str) -> Agent {
    let mut agent = world.enrol(name, &place.path("")).await;
    agent
        .send(&Contact {
            inventory: Some(inventory(&[])),
            ..agent.contact()
        })
        .await;
    agent
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollout_from_preview_to_the_last_report() {
    let place = Place::new();
    let world = place.start().await;
    let ops = world.ops();
    let manifest = publish(&world, &place, "1.0").await;
    let mut web = host(&world, &place, "web").await;
    let mut db = host(&world, &place, "db").await;
    host(&world, &place, "spare").await;
    let new = RolloutNew {
        except: vec!["spare".into()],
        ..new_rollout("1.0", "name:web or name:db or name:spare")
    };
    let preview = ops
        .rollout_preview(&actor(Role::Viewer), new.clone())
        .await
        .expect("a preview");
    assert_eq!(preview.included, ["db", "web"]);
    assert_eq!(
        preview
            .excluded
            .iter()
            .map(|one| one.code.as_str())
            .collect::<Vec<_>>(),
        ["excepted"]
    );
    let refused = ops
        .rollout_create(&actor(Role::Operator), new.clone())
        .await
        .expect_err("an operator");
    assert_eq!(refused.kind, ErrorKind::Forbidden);
    let made = ops
        .rollout_create(&publisher(), new.clone())
        .await
        .expect("made");
    assert_eq!(
        (made.name.as_str(), made.state, made.total),
        ("hello@1.0#1", RolloutState::Running, 2)
    );

    let orders = web.say(vec![], vec![]).await;
    let order = orders.deliveries.first().expect("an order").clone();
    assert_eq!(
        (order.bundle.clone(), order.wish, orders.deliveries.len()),
        (hello("1.0"), Wish::Go, 1)
    );
    fetch_and_verify(&web, &manifest).await;
    let other = db
        .say(vec![], vec![])
        .await
        .deliveries
        .first()
        .expect("an order")
        .clone();
    // A host cannot report what is another's.
    let forged = web.report(other.id, DeliveryState::Succeeded);
    web.say(vec![], vec![forged]).await;
    for state in [
        DeliveryState::Notified,
        DeliveryState::Fetching,
        DeliveryState::Verified,
        DeliveryState::Applying,
    ] {
        let report = web.report(order.id, state);
        web.say(vec![], vec![report]).await;
    }
    let mut last = web.report(order.id, DeliveryState::Observing);
    last.outcome = Some(Outcome {
        exit_code: Some(0),
        output: "hello".into(),
        duration_ms: 5,
        attempts: 1,
    });
    let done = web.report(order.id, DeliveryState::Succeeded);
    let orders = web.say(vec![], vec![last.clone(), done.clone()]).await;
    assert_eq!(orders.reports_stored, 7);
    // Sent again because the answer was lost: nothing more happens.
    web.say(vec![], vec![last, done]).await;
    let mut refusal = db.report(other.id, DeliveryState::Refused);
    refusal.refusal = Some(Refusal::NoSpace {
        needed: 10,
        free: 1,
        mount: "/".into(),
    });
    db.say(vec![], vec![refusal]).await;
    let ended = until("the end of the rollout", || async {
        ops.rollout(&admin(), "hello@1.0#1")
            .await
            .ok()
            .filter(|rollout| rollout.finished.is_some())
    })
    .await;
    assert_eq!((ended.counts["succeeded"], ended.counts["refused"]), (1, 1));
    assert_eq!(
        (ended.have, ended.wanted),
        (manifest.content.size().0, 2 * manifest.content.size().0)
    );
    let delivery = ops.delivery(&admin(), order.id).await.expect("there");
    assert_eq!(delivery.outcome.expect("an outcome").output, "hello");
    let steps: Vec<&str> = delivery
        .steps
        .iter()
        .map(|step| step.state.word())
        .collect();
    assert_eq!(
        steps,
        [
            "notified",
            "fetching",
            "verified",
            "applying",
            "observing",
            "succeeded"
        ]
    );
    let failed = ops
        .deliveries(
            &admin(),
            DeliveryFilter {
                failed: true,
                ..Default::default()
            },
        )
        .await
        .expect("failed");
    assert_eq!(
        failed
            .iter()
            .map(|one| one.host.as_str())
            .collect::<Vec<_>>(),
        ["db"]
    );
    assert!(
        failed[0].message.contains("10 bytes are needed"),
        "{}",
        failed[0].message
    );
    assert_eq!(
        web.say(vec![], vec![]).await.deliveries,
        vec![],
        "no order is left"
    );

    let preview = ops.rollout_preview(&admin(), new).await.expect("a preview");
    assert_eq!(
        preview.included,
        ["db"],
        "who has it is left out, who refused may try again"
    );
    let inbox = ops.inbox(&admin()).await.expect("the first page");
    assert_eq!(inbox.failed.len(), 1);
    world.stop().await;
}

/// What the agent does with an order, as far as the port goes: metadata, manifest, chunks.
async fn fetch_and_verify(agent: &Agent, manifest: &Manifest) {
    let timestamp = agent
        .client
        .get(agent.url("trust/timestamp.json"))
        .send()
        .await
        .expect("an answer");
    assert!(timestamp.status().is_success());
    for chunk in manifest.content.chunks() {
        for _ in 0..2 {
            let answer = agent
                .client
                .get(agent.url(&format!("chunks/{}", chunk.hash)))
                .send()
                .await
                .expect("an answer");
            assert!(answer.status().is_success());
            let bytes = answer.bytes().await.expect("a chunk");
            Decoder::new()
                .expect("a decoder")
                .decode(&bytes, &chunk)
                .expect("it is what its name says");
        }
    }
    let missing = agent
        .client
        .get(agent.url(&format!("chunks/{}", "0".repeat(64))))
        .send()
        .await
        .expect("an answer");
    assert_eq!(missing.status(), reqwest::StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollout_is_paused_resumed_and_aborted_and_survives_a_restart() {
    let place = Place::new();
    let world = place.start().await;
    publish(&world, &place, "1.0").await;
    let mut web = host(&world, &place, "web").await;
    let made = world
        .ops()
        .rollout_create(&publisher(), new_rollout("1.0", ""))
        .await
        .expect("made");
    let again = world
        .ops()
        .rollout_create(&publisher(), new_rollout("1.0", ""))
        .await
        .expect_err("under way");
    assert_eq!(again.code, "rollout.nobody");
    let operator = actor(Role::Operator);
    assert_eq!(web.say(vec![], vec![]).await.deliveries[0].wish, Wish::Go);
    let paused = world
        .ops()
        .rollout_pause(&operator, made.id)
        .await
        .expect("paused");
    assert_eq!(
        (paused.state, paused.reason.as_str()),
        (RolloutState::Paused, "paused by the operator")
    );
    assert_eq!(
        world
            .ops()
            .rollout_pause(&operator, made.id)
            .await
            .expect_err("paused")
            .code,
        "rollout.state"
    );
    assert_eq!(web.say(vec![], vec![]).await.deliveries[0].wish, Wish::Hold);
    world.stop().await;

    let world = place.start().await;
    web.address = world.agents;
    assert_eq!(
        web.say(vec![], vec![]).await.deliveries[0].wish,
        Wish::Hold,
        "as it was"
    );
    world
        .ops()
        .rollout_resume(&operator, made.id)
        .await
        .expect("resumed");
    let order = web.say(vec![], vec![]).await.deliveries[0].clone();
    assert_eq!(order.wish, Wish::Go);
    world
        .ops()
        .rollout_abort(&operator, made.id)
        .await
        .expect("aborted");
    assert_eq!(
        web.say(vec![], vec![]).await.deliveries[0].wish,
        Wish::Cancel,
        "until the host has said that it heard"
    );
    let cancelled = web.report(order.id, DeliveryState::Cancelled);
    web.say(vec![], vec![cancelled]).await;
    let ended = until("the end", || async {
        world
            .ops()
            .rollout(&admin(), &made.id.to_string())
            .await
            .ok()
            .filter(|rollout| rollout.finished.is_some())
    })
    .await;
    assert_eq!(
        (ended.state, ended.counts["cancelled"]),
        (RolloutState::Aborted, 1)
    );
    let lines = world
        .ops()
        .audit(&admin(), Default::default())
        .await
        .expect("lines");
    let said: Vec<&str> = lines.iter().map(|line| line.action.as_str()).collect();
    for expected in [
        "rollout.create",
        "rollout.pause",
        "rollout.resume",
        "rollout.abort",
    ] {
        assert!(said.contains(&expected), "{expected}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_kill_9() {
    let place = Place::new();
    let world = place.start().await;
    publish(&world, &place, "1.0").await;
    let mut web = host(&world, &place, "web").await;
    world
        .ops()
        .rollout_create(&publisher(), new_rollout("1.0", ""))
        .await
        .expect("made");
    let order = web.say(vec![], vec![]).await.deliveries[0].clone();
    let reports =
        [DeliveryState::Notified, DeliveryState::Fetching].map(|state| web.report(order.id, state));
    assert_eq!(web.say(vec![], reports.to_vec()).await.reports_stored, 2);
    // The files as a process that is killed now leaves them: no lock, no end, nothing closed.
    let killed = Place::new();
    for name in ["state/server", "publisher", "state/chunks"] {
        copy(&place.path(name), &killed.path(name));
    }
    world.stop().await;
    let world = killed.start().await;
    web.address = world.agents;
    assert_eq!(web.say(vec![], vec![]).await.reports_stored, 2);
    until("both steps", || async {
        let delivery = world.ops().delivery(&admin(), order.id).await.ok()?;
        (delivery.state == DeliveryState::Fetching && delivery.steps.len() == 2).then_some(())
    })
    .await;
    world.stop().await;
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("readable").flatten() {
        let target = to.join(entry.file_name());
        match entry.file_type().expect("a kind").is_dir() {
            true => copy(&entry.path(), &target),
            // A journal that SQLite has just folded in may be gone again.
            false => drop(std::fs::copy(entry.path(), target)),
        }
    }
}
