//! Chunks on a real disk: what is there after a crash, a rotten byte, a collection.

use std::time::Duration;

use super::*;
use crate::conformance::{self, sample};

fn place() -> (tempfile::TempDir, DiskBlobs) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let blobs = DiskBlobs::open(folder.path().join("blobs")).expect("opens");
    (folder, blobs)
}

#[test]
fn keeps_every_promise_of_the_seam() {
    let (_folder, blobs) = place();
    assert_eq!(conformance::run(&blobs), Ok(()));
}

#[test]
fn what_was_put_is_there_after_opening_again() {
    let (_folder, blobs) = place();
    let chunk = sample(1, 5000).expect("a chunk");
    assert!(blobs.put(&chunk).expect("puts"));
    let again = DiskBlobs::open(blobs.root()).expect("opens again");
    assert_eq!(again.get(chunk.hash()).expect("reads"), Some(chunk));
}

#[test]
fn a_chunk_that_rots_is_put_aside_and_reported_missing() {
    type Harm = fn(&Path) -> io::Result<()>;
    let harms: [(&str, Harm); 4] = [
        ("altered", |path| {
            let mut bytes = fs::read(path)?;
            let middle = bytes.len() / 2;
            bytes[middle] ^= 0x55;
            fs::write(path, bytes)
        }),
        ("cut short", |path| {
            OpenOptions::new().write(true).open(path)?.set_len(9)
        }),
        ("emptied", |path| {
            OpenOptions::new().write(true).open(path)?.set_len(0)
        }),
        ("endless", |path| {
            OpenOptions::new().write(true).open(path)?.set_len(1 << 40)
        }),
    ];
    for (name, harm) in harms {
        let (_folder, blobs) = place();
        let chunk = sample(1, 5000).expect("a chunk");
        blobs.put(&chunk).expect("puts");
        harm(&blobs.path(chunk.hash())).expect(name);
        assert_eq!(blobs.get(chunk.hash()).expect(name), None, "{name}");
        assert!(!blobs.has(chunk.hash()).expect(name), "{name}");
        assert!(
            blobs
                .root()
                .join(QUARANTINE)
                .join(chunk.hash().to_string())
                .exists(),
            "{name}"
        );
        assert!(blobs.put(&chunk).expect(name), "{name}");
        assert_eq!(blobs.get(chunk.hash()).expect(name), Some(chunk), "{name}");
    }
}

#[test]
fn half_written_chunks_are_swept_away() {
    let (_folder, blobs) = place();
    let (_, incoming) = blobs
        .write_incoming(&sample(1, 100).expect("a chunk"))
        .expect("writes");
    assert!(incoming.exists());
    let again = DiskBlobs::open(blobs.root()).expect("opens again");
    assert!(!incoming.exists());
    again
        .list(&mut |hash, _| panic!("{hash} should not be there"))
        .expect("lists");
}

#[test]
fn collection_spares_the_living_the_young_and_the_asked_for() {
    let (_folder, blobs) = place();
    let chunks: Vec<_> = (0..4)
        .map(|number| sample(number, 100).expect("a chunk"))
        .collect();
    blobs.put_all(&chunks).expect("puts");
    let [live, old, young, asked] = [0, 1, 2, 3].map(|at: usize| chunks[at].hash());
    let limit = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    for hash in [live, old, asked] {
        let file = OpenOptions::new()
            .write(true)
            .open(blobs.path(hash))
            .expect("opens");
        file.set_modified(limit - Duration::from_secs(60))
            .expect("ages");
    }
    assert!(blobs.has(asked).expect("looks"));
    let collected = blobs
        .collect(&|hash| hash == live, limit)
        .expect("collects");
    let freed = chunks[1].bytes().len() as u64;
    assert_eq!(
        collected,
        Collected {
            kept: 3,
            removed: 1,
            freed
        }
    );
    assert_eq!(
        blobs.missing(&[live, old, young, asked]).expect("looks"),
        [old]
    );
}

#[test]
fn foreign_files_are_left_alone() {
    let (_folder, blobs) = place();
    fs::write(blobs.root().join("chunks/ab/README"), "x").expect("writes");
    blobs
        .list(&mut |hash, _| panic!("{hash} should not be there"))
        .expect("lists");
}
