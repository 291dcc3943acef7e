//! Folders there and back.

use std::{collections::BTreeMap, fs, num::NonZero, sync::Mutex};

use escadre_blobs::{Blobs, EachChunk, PackOptions, merge, pack};
use proptest::prelude::*;

use crate::stage::{Stage, listing, noise};

/// A folder with all that content can be.
fn stage() -> Stage {
    let stage = Stage::on_disk();
    stage.write("in/install.sh", "#!/bin/sh\necho hello\n");
    stage.mode("in/install.sh", 0o4711);
    stage.write("in/empty", "");
    stage.write("in/usr/share/doc/é/README", "text ".repeat(50_000));
    stage.mode("in/usr/share/doc/é/README", 0o600);
    stage.write("in/noise", noise(1, 3_000_000));
    stage.write("in/long", noise(2, 17 << 20));
    stage.link("in/usr/link", "../install.sh");
    stage.link("in/usr/dangling", "not-there");
    fs::create_dir(stage.path("in/empty-folder")).expect("makes a folder");
    stage
}

#[test]
fn a_folder_survives_with_two_modes_and_no_others() {
    let stage = stage();
    let packed = stage.pack("in").expect("packs");
    stage.unpack(&packed.content, "out").expect("unpacks");
    let out = listing(&stage.path("out"));
    let modes: Vec<_> = out
        .lines()
        .map(|line| line.split(" blake3").next().unwrap_or(line))
        .collect();
    assert!(
        modes
            .iter()
            .any(|line| line.starts_with("file 755  install.sh 21 ")),
        "{out}"
    );
    assert!(
        modes
            .iter()
            .any(|line| line.starts_with("file 644  usr/share/doc/é/README 250000 ")),
        "{out}"
    );
    // Apart from the modes, all is as it was.
    stage.mode("in/install.sh", 0o755);
    stage.mode("in/usr/share/doc/é/README", 0o644);
    assert_eq!(out, listing(&stage.path("in")));
    assert_eq!(packed.progress.done, packed.progress.total);
    assert_eq!(packed.progress.content, packed.content.size().0);
}

#[test]
fn the_outcome_does_not_depend_on_the_threads() {
    let stage = stage();
    let pack_with = |threads| {
        let options = PackOptions {
            threads: NonZero::new(threads),
            ..PackOptions::default()
        };
        pack(
            &stage.path("in"),
            &EachChunk(|_: &_| Ok(())),
            &options,
            &|_| {},
        )
        .expect("packs")
        .content
    };
    assert_eq!(pack_with(1), pack_with(5));
}

#[test]
fn a_file_cut_by_the_reader_has_the_chunks_of_one_cut_by_a_worker() {
    let stage = Stage::new();
    // Either side of the bound between the two ways.
    for length in [(16 << 20), (16 << 20) + 1] {
        stage.write("in/file", noise(7, length));
        let packed = stage.pack("in").expect("packs");
        let path = "file".parse().expect("a good path");
        let file = packed.content.file(&path).expect("is there");
        assert_eq!(
            file.hash.to_string(),
            blake3::hash(&noise(7, length)).to_hex().as_str()
        );
        assert_eq!(file.size, length as u64);
        stage.write("in/file", &noise(7, length)[..1 << 20]);
        let short = stage.pack("in").expect("packs");
        let first = short.content.file(&path).expect("is there").chunks[0];
        assert_eq!(file.chunks[0], first);
    }
}

#[test]
fn a_small_change_stores_little() {
    let stage = Stage::new();
    for number in 0..20 {
        stage.write(&format!("in/file{number}"), noise(number, 400_000));
    }
    let first = stage.pack("in").expect("packs");
    assert_eq!(
        first.progress.new_chunks as usize,
        first.content.chunks().len()
    );
    let mut bytes = noise(3, 400_000);
    bytes.splice(200_000..200_000, *b"a new line\n");
    stage.write("in/file3", bytes);
    let second = stage.pack("in").expect("packs");
    assert!(
        (1..=3).contains(&second.progress.new_chunks),
        "{:?}",
        second.progress
    );
    assert!(
        second.progress.new_bytes < 2_000_000,
        "{:?}",
        second.progress
    );
    let third = stage.pack("in").expect("packs");
    assert_eq!(
        (third.progress.new_chunks, third.progress.new_bytes),
        (0, 0)
    );
    assert_eq!(third.content, second.content);
}

#[test]
fn the_same_bytes_are_stored_once() {
    let stage = Stage::new();
    for name in ["a", "b", "c/d"] {
        stage.write(&format!("in/{name}"), noise(9, 20_000));
    }
    let packed = stage.pack("in").expect("packs");
    assert_eq!(packed.progress.new_chunks, 1);
}

#[test]
fn a_function_takes_each_chunk_once() {
    let stage = stage();
    let taken = Mutex::new(BTreeMap::new());
    let sink = EachChunk(|chunk: &escadre_bundle::StoredChunk| {
        let before = taken
            .lock()
            .expect("no panic")
            .insert(chunk.hash(), chunk.reference());
        assert_eq!(before, None);
        Ok(())
    });
    let packed = pack(&stage.path("in"), &sink, &PackOptions::default(), &|_| {}).expect("packs");
    let wanted: BTreeMap<_, _> = packed
        .content
        .chunks()
        .into_iter()
        .map(|chunk| (chunk.hash, chunk))
        .collect();
    assert_eq!(taken.into_inner().expect("no panic"), wanted);
}

#[test]
fn progress_grows_to_its_total() {
    let stage = stage();
    let seen = Mutex::new(Vec::new());
    let report =
        |progress: escadre_blobs::PackProgress| seen.lock().expect("no panic").push(progress);
    pack(
        &stage.path("in"),
        &stage.blobs,
        &PackOptions::default(),
        &report,
    )
    .expect("packs");
    let seen = seen.into_inner().expect("no panic");
    assert!(seen.len() > 10);
    assert!(seen.iter().all(|progress| progress.done <= progress.total));
    assert_eq!(
        seen.iter().map(|progress| progress.done).max(),
        Some(seen[0].total)
    );
}

#[test]
fn merging_replaces_files_and_leaves_the_rest() {
    let stage = Stage::new();
    stage.write("in/etc/app.conf", "new");
    stage.write("in/bin/run", "new program");
    stage.mode("in/bin/run", 0o755);
    stage.link("in/current", "bin");
    let packed = stage.pack("in").expect("packs");
    stage.write("out/etc/app.conf", "old");
    stage.write("out/etc/other", "stays");
    stage.write("elsewhere", "stays too");
    stage.link("out/current", "../elsewhere");
    for _ in 0..2 {
        merge(&packed.content, &stage.blobs, &stage.path("out"), &|_| {}).expect("merges");
        let names: Vec<_> = listing(&stage.path("out"))
            .lines()
            .map(|line| line[..line.len().min(32)].to_owned())
            .collect();
        insta::allow_duplicates! {
            insta::assert_snapshot!(names.join("\n"), @r"
            dir  755  bin
            file 755  bin/run 11 2bcdc01f262
            link      current -> bin
            dir  755  etc
            file 644  etc/app.conf 3 b20ab0a
            file 644  etc/other 5 7432e596d5
            ");
        }
    }
    assert_eq!(
        fs::read_to_string(stage.path("out/etc/app.conf")).expect("reads"),
        "new"
    );
    assert_eq!(
        fs::read_to_string(stage.path("elsewhere")).expect("reads"),
        "stays too"
    );
}

#[test]
fn a_half_done_merge_leaves_nothing_of_its_own() {
    let stage = Stage::new();
    stage.write("in/a", "new a");
    stage.write("in/b", "new b");
    let packed = stage.pack("in").expect("packs");
    stage.write("out/a", "old a");
    let lost = packed.content.chunks()[1].hash;
    stage.blobs.delete(lost).expect("deletes");
    let before = listing(&stage.path("out"));
    let error = merge(&packed.content, &stage.blobs, &stage.path("out"), &|_| {})
        .expect_err("a chunk is missing");
    assert_eq!(
        error.refusal().map(|refusal| refusal.code()),
        Some("corrupt")
    );
    assert_eq!(listing(&stage.path("out")), before);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_tree_survives(files in prop::collection::btree_map("[a-z]{1,3}(/[a-z]{1,3}){0,2}", (any::<u64>(), 0usize..300_000, any::<bool>()), 0..12)) {
        let stage = Stage::new();
        fs::create_dir(stage.path("in")).expect("makes a folder");
        let is_folder = |name: &String| files.keys().any(|other| other.starts_with(&format!("{name}/")));
        for (name, (seed, length, executable)) in files.iter().filter(|(name, _)| !is_folder(name)) {
            stage.write(&format!("in/{name}"), noise(*seed, *length));
            stage.mode(&format!("in/{name}"), if *executable { 0o755 } else { 0o644 });
        }
        let packed = stage.pack("in");
        // Windows reserves some short names, which chance finds now and then.
        let reserved = files.keys().any(|name| name.split('/').any(|part| ["con", "prn", "aux", "nul"].contains(&part)));
        prop_assert_eq!(packed.is_err(), reserved);
        if let Ok(packed) = packed {
            stage.unpack(&packed.content, "out").expect("unpacks");
            prop_assert_eq!(listing(&stage.path("in")), listing(&stage.path("out")));
        }
    }
}
