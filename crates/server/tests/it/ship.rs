//! Shipping through the operations and the agent port: bundles, signatures, rollouts, deliveries.

use std::{
    io::Write,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use escadre_api::{
    ErrorKind, Role,
    agent::{Contact, Outcome, Wish},
    bundle::*,
    rollout::*,
};
use escadre_blobs::{EachChunk, PackOptions, pack};
use escadre_bundle::{Action, ChunkHash, Command, Decoder, Manifest};
use escadre_model::{
    BundleRef, Timestamp,
    delivery::{DeliveryState, Refusal, RolloutState},
};
use escadre_trust::{Lifetimes, Publisher};

use crate::world::{Agent, Place, World, actor, admin, inventory, until};

fn hello(version: &str) -> BundleRef {
    BundleRef::new("hello", version).expect("a name")
}

fn publisher() -> escadre_api::Actor {
    actor(Role::Publisher)
}

fn content(place: &Place) -> PathBuf {
    let folder = place.path("content");
    std::fs::create_dir_all(&folder).expect("a folder");
    let script = folder.join("install.sh");
    std::fs::write(&script, "#!/bin/sh\necho hello\n").expect("a file");
    std::fs::set_permissions(script, std::fs::Permissions::from_mode(0o755)).expect("a program");
    folder
}

/// Packs a folder here and sends what the server lacks.
async fn send(world: &World, folder: &Path, bundle: BundleRef) -> Manifest {
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

async fn signed(world: &World, place: &Place, manifest: &Manifest) -> BundlePublish {
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

fn new_rollout(version: &str, to: &str) -> RolloutNew {
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
async fn a_bundle_is_published_verified_and_withdrawn() {
    let place = Place::new();
    let world = place.start().await;
    let ops = world.ops();
    let manifest = send(&world, &content(&place), hello("1.0")).await;
    let publish = signed(&world, &place, &manifest).await;
    let unsigned = BundlePublish {
        targets: None,
        ..publish.clone()
    };
    let detail = ops
        .bundle_publish(&publisher(), unsigned)
        .await
        .expect("kept");
    assert_eq!(detail.summary.status, BundleStatus::Unsigned);
    let refused = ops
        .rollout_create(&publisher(), new_rollout("1.0", ""))
        .await
        .expect_err("unsigned");
    assert_eq!(refused.code, "bundle.unsigned");
    let detail = ops
        .bundle_publish(&publisher(), publish.clone())
        .await
        .expect("signed");
    assert_eq!(
        (detail.summary.status, detail.summary.files),
        (BundleStatus::Signed, 1)
    );
    assert_eq!(
        (detail.summary.action.as_str(), detail.summary.signers.len()),
        ("launch install.sh --quiet", 1)
    );
    assert!(
        ops.bundle_verify(&actor(Role::Viewer), &hello("1.0"))
            .await
            .expect("looked at")
            .good
    );
    let again = ops
        .bundle_publish(&publisher(), publish)
        .await
        .expect_err("a list that was taken before");
    assert_eq!(again.kind, ErrorKind::Conflict);
    let other = Manifest {
        description: "other".into(),
        ..manifest
    };
    let other = BundlePublish {
        manifest: String::from_utf8(other.to_bytes().expect("canonical")).expect("text"),
        targets: None,
    };
    assert_eq!(
        ops.bundle_publish(&publisher(), other)
            .await
            .expect_err("taken")
            .code,
        "bundle.taken"
    );

    let chunk = std::fs::read_dir(place.path("state/chunks/chunks"))
        .expect("chunks")
        .flatten();
    let chunk = chunk
        .flat_map(|shard| std::fs::read_dir(shard.path()).expect("a shard").flatten())
        .next();
    std::fs::write(chunk.expect("a chunk").path(), "altered").expect("altered");
    let verified = ops
        .bundle_verify(&actor(Role::Viewer), &hello("1.0"))
        .await
        .expect("looked at");
    assert!(
        !verified.good && verified.findings[0].contains("missing or damaged"),
        "{verified:?}"
    );

    let key = Publisher::open(&place.path("publisher"), None).expect("the key");
    let root = ops
        .trust_file(&publisher(), "root.json")
        .await
        .expect("a root");
    let list = ops
        .trust_file(&publisher(), "targets.json")
        .await
        .expect("a list");
    let without = key.remove_target(
        (&root, &list),
        &hello("1.0"),
        &Lifetimes::default(),
        Timestamp::now(),
    );
    let nothing = BundleWithdraw { targets: None };
    assert_eq!(
        ops.bundle_remove(&publisher(), &hello("1.0"), nothing)
            .await
            .expect_err("signed")
            .code,
        "bundle.signed"
    );
    let withdraw = BundleWithdraw {
        targets: Some(String::from_utf8(without.expect("signed")).expect("text")),
    };
    ops.bundle_remove(&publisher(), &hello("1.0"), withdraw)
        .await
        .expect("withdrawn");
    assert_eq!(ops.bundles(&admin()).await.expect("bundles"), vec![]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn content_that_is_not_what_its_name_says_is_refused() {
    let place = Place::new();
    let world = place.start().await;
    let ops = world.ops();
    let name = ChunkHash::of(b"content").to_string();
    let other = escadre_bundle::Encoder::new().expect("an encoder");
    let mut other = other;
    let chunk = other
        .encode(&escadre_bundle::Chunk::new(b"other").expect("a chunk"))
        .expect("compressed");
    for bytes in [chunk.bytes().to_vec(), b"no zstd".to_vec(), Vec::new()] {
        assert!(
            ops.chunk_put(&publisher(), &name, bytes.into())
                .await
                .is_err()
        );
    }
    assert_eq!(
        ops.chunk_put(&actor(Role::Operator), &name, bytes_of(b"content"))
            .await
            .expect_err("an operator")
            .kind,
        ErrorKind::Forbidden
    );
    ops.chunk_put(&publisher(), &name, bytes_of(b"content"))
        .await
        .expect("what it says");
    assert_eq!(
        ops.chunks_missing(&publisher(), vec![name])
            .await
            .expect("asked"),
        Vec::<String>::new()
    );
    let manifest = r#"{"format":1}"#.to_owned();
    let wrong = ops
        .bundle_publish(
            &publisher(),
            BundlePublish {
                manifest,
                targets: None,
            },
        )
        .await;
    assert_eq!(wrong.expect_err("no manifest").code, "bundle.invalid");
    world.stop().await;
}

fn bytes_of(content: &[u8]) -> bytes::Bytes {
    let mut encoder = escadre_bundle::Encoder::new().expect("an encoder");
    let chunk = escadre_bundle::Chunk::new(content).expect("a chunk");
    encoder
        .encode(&chunk)
        .expect("compressed")
        .into_bytes()
        .into()
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_becomes_a_bundle_signed_if_the_key_lies_here() {
    let place = Place::new();
    let world = place.start().await;
    let ops = world.ops();
    let upload = |version: &str, entry: &str| {
        let path = place.path(&format!("{version}.zip"));
        let mut archive = zip::ZipWriter::new(std::fs::File::create(&path).expect("a file"));
        archive
            .start_file(entry, zip::write::SimpleFileOptions::default())
            .expect("an entry");
        archive.write_all(b"#!/bin/sh\n").expect("written");
        archive.finish().expect("an archive");
        let new = UploadNew {
            name: "hello".into(),
            version: version.into(),
            action: UploadAction::Launch("install.sh --quiet".into()),
            description: "from a browser".into(),
        };
        (new, path)
    };
    let end = |version: &'static str| {
        let ops = world.ops();
        async move {
            until("the end of the upload", || async {
                let state = ops.upload_state(&publisher(), &hello(version)).await.ok()?;
                matches!(state.phase.as_str(), "done" | "unsigned" | "failed").then_some(state)
            })
            .await
        }
    };
    let (new, path) = upload("1.0", "install.sh");
    ops.bundle_upload(&publisher(), new, "hello.zip", path.clone())
        .await
        .expect("begun");
    assert_eq!(end("1.0").await.phase, "done");
    assert!(!path.exists(), "the file was taken");
    let detail = ops.bundle(&admin(), &hello("1.0")).await.expect("there");
    assert_eq!(detail.summary.status, BundleStatus::Signed);
    assert!(
        ops.bundle_verify(&admin(), &hello("1.0"))
            .await
            .expect("looked at")
            .good
    );

    let (new, path) = upload("2.0", "../../etc/cron.d/evil");
    ops.bundle_upload(&publisher(), new, "evil.zip", path)
        .await
        .expect("begun");
    let state = end("2.0").await;
    assert_eq!(state.phase, "failed", "{state:?}");
    assert_eq!(
        ops.bundle(&admin(), &hello("2.0"))
            .await
            .expect_err("nothing")
            .kind,
        ErrorKind::NotFound
    );

    std::fs::rename(place.path("publisher"), place.path("taken-away")).expect("moved");
    let (new, path) = upload("3.0", "install.sh");
    ops.bundle_upload(&publisher(), new, "hello.zip", path)
        .await
        .expect("begun");
    assert_eq!(end("3.0").await.phase, "unsigned");
    let findings = ops.healthcheck(&admin()).await.expect("findings");
    let key = findings
        .iter()
        .find(|finding| finding.name == "trust.publisher-key-on-server")
        .expect("looked at");
    assert_eq!(key.level, escadre_api::health::FindingLevel::Fine);
    world.stop().await;
}
