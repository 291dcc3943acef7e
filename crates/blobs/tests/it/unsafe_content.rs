//! Content that was signed, and still may not be believed; and hosts on which something else is in the way.

use std::fs;

use escadre_blobs::{Blobs, DiskBlobs, merge};
use escadre_bundle::{ChunkRef, Content, Entry, EntryKind, FileContent, FileHash};
use escadre_model::delivery::Refusal;

use crate::stage::{Stage, listing, noise};

fn file(path: &str, size: u64, hash: FileHash, chunks: Vec<ChunkRef>) -> Entry {
    let content = FileContent {
        executable: false,
        size,
        hash,
        chunks,
    };
    Entry {
        path: path.parse().expect("a good path"),
        kind: EntryKind::File(content),
    }
}

#[test]
fn a_chunk_that_rots_or_is_swapped_stops_all_and_leaves_nothing() {
    let stage = Stage::new();
    stage.write("in/a", noise(1, 100_000));
    stage.write("in/b", noise(2, 2_000_000));
    let packed = stage.pack("in").expect("packs");
    let chunks = packed.content.chunks();
    let path = |at: usize| {
        let name = chunks[at].hash.to_string();
        stage
            .blobs
            .root()
            .join("chunks")
            .join(&name[..2])
            .join(name)
    };
    let good = fs::read(path(3)).expect("reads");
    let other = fs::read(path(1)).expect("reads");
    let mut altered = good.clone();
    altered[50] ^= 1;
    for bytes in [&other[..], &altered[..], &good[..good.len() - 1], b""] {
        fs::write(path(3), bytes).expect("writes");
        let error = stage
            .unpack(&packed.content, "out")
            .expect_err("is refused");
        assert_eq!(
            error.refusal(),
            Some(Refusal::Corrupt {
                what: format!("chunk {}", chunks[3].hash)
            })
        );
        assert!(!stage.path("out").exists());
        assert!(
            !stage.blobs.has(chunks[3].hash).expect("looks"),
            "it is in quarantine"
        );
    }
    fs::write(path(3), good).expect("writes");
    stage.unpack(&packed.content, "out").expect("unpacks");
}

#[test]
fn a_file_hash_that_its_chunks_do_not_make_is_refused() {
    let stage = Stage::new();
    stage.write("in/a", noise(1, 1_000_000));
    let packed = stage.pack("in").expect("packs");
    let (_, real) = packed.content.files().next().expect("one file");
    for chunks in [real.chunks.clone(), real.chunks[..1].to_vec()] {
        let size = chunks.iter().map(|chunk| u64::from(chunk.length)).sum();
        let content = Content::new(vec![file("a", size, FileHash::of(b"other"), chunks)])
            .expect("fits together");
        let error = stage.unpack(&content, "out").expect_err("is refused");
        assert_eq!(
            error.refusal().map(|refusal| refusal.code()),
            Some("unsafe_content"),
            "{error}"
        );
        assert!(!stage.path("out").exists());
    }
}

#[test]
fn a_length_that_a_chunk_does_not_have_is_refused() {
    let stage = Stage::new();
    stage.write("in/a", "12345");
    let packed = stage.pack("in").expect("packs");
    let chunk = ChunkRef {
        length: 4,
        ..packed.content.chunks()[0]
    };
    let content = Content::new(vec![file("a", 4, FileHash::of(b"1234"), vec![chunk])])
        .expect("fits together");
    let error = stage.unpack(&content, "out").expect_err("is refused");
    assert_eq!(
        error.refusal().map(|refusal| refusal.code()),
        Some("corrupt"),
        "{error}"
    );
}

#[test]
fn room_is_asked_for_before_anything_is_written() {
    let stage = Stage::new();
    // A terabyte from one chunk, again and again: small to sign, large to unpack.
    let chunk = ChunkRef::of(&vec![0; 1 << 20]);
    let files = (0..200)
        .map(|number| {
            file(
                &format!("f{number}"),
                1 << 34,
                FileHash::of(b"never"),
                vec![chunk; 1 << 14],
            )
        })
        .collect();
    let content = Content::new(files).expect("fits together");
    let error = stage.unpack(&content, "out").expect_err("is refused");
    match error.refusal() {
        Some(Refusal::NoSpace {
            needed,
            free,
            mount,
        }) => {
            assert!(
                needed >= 200 << 34 && free < needed && mount.starts_with('/'),
                "{error}"
            );
        }
        other => panic!("{other:?}"),
    }
    assert!(!stage.path("out").exists());
    assert!(merge(&content, &stage.blobs, &stage.path("out"), &|_| {}).is_err());
    assert!(!stage.path("out").exists());
}

#[test]
fn unpacking_wants_a_folder_of_its_own() {
    let stage = Stage::new();
    stage.write("in/a", "x");
    let packed = stage.pack("in").expect("packs");
    stage.write("out/mine", "stays");
    stage
        .unpack(&packed.content, "out")
        .expect_err("is there already");
    assert_eq!(
        fs::read_to_string(stage.path("out/mine")).expect("reads"),
        "stays"
    );
    fs::create_dir(stage.path("elsewhere")).expect("makes a folder");
    stage.link("link", "elsewhere");
    stage
        .unpack(&packed.content, "link")
        .expect_err("is a link");
    assert_eq!(listing(&stage.path("elsewhere")), "");
}

#[test]
fn merging_follows_no_link_that_lies_in_its_way() {
    let stage = Stage::new();
    stage.write("in/etc/passwd", "evil");
    let packed = stage.pack("in").expect("packs");
    stage.write("elsewhere/passwd", "good");
    fs::create_dir(stage.path("out")).expect("makes a folder");
    stage.link("out/etc", "../elsewhere");
    let error =
        merge(&packed.content, &stage.blobs, &stage.path("out"), &|_| {}).expect_err("is refused");
    assert!(error.to_string().contains("etc"), "{error}");
    assert_eq!(
        fs::read_to_string(stage.path("elsewhere/passwd")).expect("reads"),
        "good"
    );
    // A link in the place of a file is replaced itself, its target is not touched.
    fs::remove_file(stage.path("out/etc")).expect("removes");
    fs::create_dir(stage.path("out/etc")).expect("makes a folder");
    stage.link("out/etc/passwd", "../../elsewhere/passwd");
    merge(&packed.content, &stage.blobs, &stage.path("out"), &|_| {}).expect("merges");
    assert_eq!(
        fs::read_to_string(stage.path("elsewhere/passwd")).expect("reads"),
        "good"
    );
    assert_eq!(
        fs::read_to_string(stage.path("out/etc/passwd")).expect("reads"),
        "evil"
    );
}

#[test]
fn merging_does_not_replace_folders_or_devices() {
    let stage = Stage::new();
    stage.write("in/a", "x");
    let packed = stage.pack("in").expect("packs");
    for make in ["mkdir -p out/a", "mkdir -p out; mkfifo out/a"] {
        stage.run("sh", &["-c", make]);
        let error = merge(&packed.content, &stage.blobs, &stage.path("out"), &|_| {})
            .expect_err("is refused");
        assert_eq!(
            error.to_string(),
            "entry \"a\": is something else than a file or a link on this host, and is not replaced"
        );
        stage.run("rm", &["-r", "out"]);
    }
}

#[test]
fn content_that_went_round_the_checks_is_checked_again() {
    let stage = Stage::new();
    let entries =
        r#"[{"path":"l","kind":{"symlink":{"target":"d"}}},{"path":"l/x","kind":"directory"}]"#;
    let content: Content = serde_json::from_str(entries).expect("is JSON");
    assert_eq!(
        stage
            .unpack(&content, "out")
            .expect_err("is refused")
            .to_string(),
        "entry \"l/x\": lies below a link"
    );
}

#[test]
fn a_place_for_chunks_without_the_right_to_write_says_so() {
    let stage = Stage::new();
    let path = stage.write("file", "x");
    let error = DiskBlobs::open(path.join("blobs"))
        .expect_err("is no folder")
        .to_string();
    assert!(
        error.starts_with("cannot make the folder `") && error.contains("Not a directory"),
        "{error}"
    );
}
