//! Content: order, implied folders, names that fold together, links and sizes.

use super::*;

fn file(path: &str, bytes: &[u8]) -> Entry {
    let chunks = if bytes.is_empty() {
        Vec::new()
    } else {
        vec![ChunkRef {
            hash: ChunkHash::of(bytes),
            length: bytes.len() as u32,
        }]
    };
    let content = FileContent {
        executable: false,
        size: bytes.len() as u64,
        hash: FileHash::of(bytes),
        chunks,
    };
    entry(path, EntryKind::File(content))
}

fn entry(path: &str, kind: EntryKind) -> Entry {
    Entry {
        path: path.parse().expect("a good path"),
        kind,
    }
}

fn link(path: &str, target: &str) -> Entry {
    entry(
        path,
        EntryKind::Symlink {
            target: target.parse().expect("a good target"),
        },
    )
}

fn paths(content: &Content) -> Vec<&str> {
    content
        .entries()
        .iter()
        .map(|entry| entry.path.as_str())
        .collect()
}

#[test]
fn implied_folders_are_added_and_all_is_in_order() {
    let content =
        Content::new(vec![file("b/c/d", b"x"), file("a", b""), file("b-1", b"y")]).expect("good");
    assert_eq!(paths(&content), ["a", "b", "b-1", "b/c", "b/c/d"]);
    assert_eq!(content.size(), ByteCount(2));
    assert_eq!(content.chunks().len(), 2);
}

#[test]
fn trees_that_are_no_trees_are_refused() {
    let two_lengths = |length| {
        let chunk = ChunkRef {
            hash: ChunkHash::of(b"x"),
            length,
        };
        FileContent {
            executable: false,
            size: length.into(),
            hash: FileHash::of(b"x"),
            chunks: vec![chunk],
        }
    };
    let wrong_sum = FileContent {
        size: 7,
        ..two_lengths(1)
    };
    let empty_chunk = FileContent {
        size: 0,
        ..two_lengths(0)
    };
    let long_chunk = two_lengths(limits::CHUNK + 1);
    for (entries, sentence) in [
        (
            vec![file("a", b"x"), file("a", b"y")],
            "entry \"a\": is there twice",
        ),
        (
            vec![file("a", b"x"), file("A", b"y")],
            "entries \"A\" and \"a\" are one and the same where letter case does not count",
        ),
        (
            vec![file("d/x", b"x"), file("D/y", b"y")],
            "entries \"D\" and \"d\" are one and the same where letter case does not count",
        ),
        (
            vec![link("l", "d"), file("l/x", b"x")],
            "entry \"l/x\": lies below a link",
        ),
        (
            vec![file("f", b""), file("f/x", b"x")],
            "entry \"f/x\": lies below a file",
        ),
        (
            vec![link("l", "../x")],
            "entry \"l\": its target `../x` is outside of the bundle",
        ),
        (
            vec![link("d/l", "../../x")],
            "entry \"d/l\": its target `../../x` is outside of the bundle",
        ),
        (
            vec![entry("f", EntryKind::File(wrong_sum))],
            "entry \"f\": has 7 bytes, its chunks have 1",
        ),
        (
            vec![entry("f", EntryKind::File(empty_chunk))],
            "entry \"f\": has an empty chunk",
        ),
        (
            vec![entry("f", EntryKind::File(long_chunk))],
            "a chunk of `f` is 1048577, more than the limit of 1048576",
        ),
    ] {
        let error = Content::new(entries)
            .map(|c| c.entries().len())
            .expect_err(sentence);
        assert_eq!(error.to_string(), sentence);
        assert_eq!(error.refusal().code(), "unsafe_content");
    }
}

#[test]
fn one_chunk_has_one_length_in_all_files() {
    let claim = |path: &str, length: u32| {
        let chunk = ChunkRef {
            hash: ChunkHash::of(b"x"),
            length,
        };
        let content = FileContent {
            executable: false,
            size: length.into(),
            hash: FileHash::of(b"x"),
            chunks: vec![chunk],
        };
        entry(path, EntryKind::File(content))
    };
    let error = Content::new(vec![claim("a", 1), claim("b", 2)])
        .expect_err("two lengths")
        .to_string();
    assert!(error.ends_with("has two lengths"), "{error}");
}

#[test]
fn order_and_parents_are_demanded_of_what_comes_from_outside() {
    let unordered = Content {
        entries: vec![file("b", b""), file("a", b"")],
    };
    let orphan = Content {
        entries: vec![file("d/x", b"")],
    };
    for (content, sentence) in [
        (
            unordered,
            "entry \"a\": is not in its place, entries are ordered by path",
        ),
        (orphan, "entry \"d/x\": lies in a folder that is no entry"),
    ] {
        assert_eq!(content.check().expect_err(sentence).to_string(), sentence);
    }
}
