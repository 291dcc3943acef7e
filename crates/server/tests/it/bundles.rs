//! Bundles through the operations: published, verified, withdrawn, uploaded; and what is refused.

use std::io::Write;

use escadre_api::{ErrorKind, Role, bundle::*};
use escadre_bundle::{ChunkHash, Manifest};
use escadre_model::Timestamp;
use escadre_trust::{Lifetimes, Publisher};

use crate::{
    ship::{content, hello, new_rollout, publisher, send, signed},
    world::{Place, actor, admin, until},
};

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
    let mut other = escadre_bundle::Encoder::new().expect("an encoder");
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
