//! Manifests: one byte form, every rule, and expiry.

use proptest::prelude::*;

use super::*;
use crate::{ChunkRef, Command, ContentPath, Entry, EntryKind, FileContent, FileHash};

fn content() -> Content {
    let program = FileContent {
        executable: true,
        size: 5,
        hash: FileHash::of(b"#!/x\n"),
        chunks: vec![ChunkRef::of(b"#!/x\n")],
    };
    let entry = |path: &str, kind| Entry {
        path: path.parse().expect("a good path"),
        kind,
    };
    Content::new(vec![
        entry("install.sh", EntryKind::File(program)),
        entry(
            "lib/link",
            EntryKind::Symlink {
                target: "../install.sh".parse().expect("a good target"),
            },
        ),
    ])
    .expect("good content")
}

fn manifest() -> Manifest {
    let bundle = "hello@1.0".parse().expect("a good name");
    let created = "2026-11-20T11:00:00Z".parse().expect("a good time");
    let command = Command::from_line("install.sh --quiet 'a b'").expect("good words");
    let mut manifest = Manifest::new(bundle, created, content(), Action::Launch { command });
    manifest.expires = "2027-01-01T00:00:00Z".parse().ok();
    manifest.description = "Says « hello »".to_owned();
    manifest.notice = Some(Notice {
        text: "Save your work".to_owned(),
        countdown: Some(Seconds(120)),
        can_cancel: false,
        can_postpone: true,
        done_text: None,
    });
    manifest.conditions.target = "os:debian has:nginx<1.25".parse().expect("a good query");
    manifest
        .conditions
        .free
        .insert("/var".to_owned(), ByteCount(1 << 20));
    manifest.observe.push(Observation::Service {
        name: "hello.service".to_owned(),
    });
    manifest.undo = Some(Undo::Execute {
        command: Command::Shell("rm -f /x".to_owned()),
    });
    manifest
}

#[test]
fn the_byte_form_is_what_it_has_always_been() {
    // What publishers signed must stay readable: a change here is a new format number.
    let bytes = manifest().to_bytes().expect("a good manifest");
    insta::assert_snapshot!(String::from_utf8(bytes).expect("JSON is UTF-8"));
}

#[test]
fn a_manifest_survives_its_bytes() {
    let bytes = manifest().to_bytes().expect("a good manifest");
    assert_eq!(Manifest::parse(&bytes), Ok(manifest()));
}

#[test]
fn other_bytes_for_the_same_values_are_refused() {
    let text =
        String::from_utf8(manifest().to_bytes().expect("a good manifest")).expect("JSON is UTF-8");
    let swapped = text.replacen(
        r#""format":1,"bundle":"hello@1.0""#,
        r#""bundle":"hello@1.0","format":1"#,
        1,
    );
    let null = text.replacen(r#""undo":{"#, r#""undo":null,"undo_":{"#, 1);
    for (other, reason) in [
        (format!(" {text}"), "canonical"),
        (format!("{text}\n"), "canonical"),
        (text.replacen(':', ": ", 1), "canonical"),
        (swapped, "canonical"),
        (text.replacen("Says", "\\u0053ays", 1), "canonical"),
        (text.replacen("11:00:00Z", "12:00:00+01:00", 1), "canonical"),
        (text.replacen("11:00:00Z", "11:00:00.000Z", 1), "canonical"),
        (text.replacen("os:debian", " os:debian", 1), "canonical"),
        (
            text.replacen(
                "\"can_cancel\":false,",
                "\"can_cancel\":false,\"done_text\":null,",
                1,
            ),
            "canonical",
        ),
        (
            text.replacen("\"repeatable\"", "\"sudo\":true,\"repeatable\"", 1),
            "unknown field `sudo`",
        ),
        (
            text.replacen("\"repeatable\":", "\"repeatable\":true,\"repeatable\":", 1),
            "duplicate field",
        ),
        (
            text.replacen("\"format\":1", "\"format\":1.0", 1),
            "invalid type",
        ),
        (null, "unknown field `undo_`"),
        (format!("{text}{text}"), "trailing characters"),
        (text[..text.len() - 1].to_owned(), "EOF"),
        (String::new(), "EOF"),
    ] {
        let error = Manifest::parse(other.as_bytes())
            .expect_err(&other)
            .to_string();
        assert!(error.contains(reason), "{error}\n{other}");
    }
}

#[test]
fn another_format_is_named_even_when_its_fields_are_unknown() {
    let error = Manifest::parse(br#"{"format":2,"something":"new"}"#).expect_err("format 2");
    assert_eq!(error, BundleError::Format { found: 2, known: 1 });
    assert_eq!(
        error.to_string(),
        "the manifest has format 2, this program knows format 1; update it first"
    );
}

#[test]
fn depth_and_length_are_bounded() {
    let deep = format!("{{\"format\":1,\"x\":{}", "[".repeat(1 << 20));
    assert!(matches!(
        Manifest::parse(deep.as_bytes()),
        Err(BundleError::Syntax { .. })
    ));
    let long = vec![b' '; limits::MANIFEST + 1];
    assert!(matches!(
        Manifest::parse(&long),
        Err(BundleError::TooLarge { .. })
    ));
}

#[test]
fn values_against_the_rules_are_refused_on_both_ways() {
    type Change = fn(&mut Manifest);
    let cases: [(Change, &str); 9] = [
        (
            |m| m.format = 2,
            "the manifest has format 2, this program knows format 1; update it first",
        ),
        (
            |m| m.timeout = Seconds(0),
            "timeout_s: is 0, the action could never end in time",
        ),
        (
            |m| m.success_codes.clear(),
            "success_codes: wants at least one exit code, in order, each once",
        ),
        (
            |m| m.success_codes = vec![1, 0],
            "success_codes: wants at least one exit code, in order, each once",
        ),
        (
            |m| m.expires = Some(m.created),
            "expires: is not after the time of creation",
        ),
        (
            |m| m.undo = Some(Undo::Packages),
            "undo: only the packages action can go back to packages before",
        ),
        (
            |m| m.conditions.free.extend([("var".to_owned(), ByteCount(1))]),
            "conditions: \"var\" is no absolute path without `.`, `..` and doubled `/`",
        ),
        (
            |m| m.description = "\0".to_owned(),
            "description: a text holds a NUL",
        ),
        (
            |m| m.content = Content::default(),
            "launch: `install.sh` is no file of the content; to run a command of the host use execute",
        ),
    ];
    for (change, sentence) in cases {
        let mut manifest = manifest();
        change(&mut manifest);
        assert_eq!(
            manifest.to_bytes().map_err(|e| e.to_string()),
            Err(sentence.to_owned())
        );
        let bytes = serde_json::to_vec(&manifest).expect("serialises");
        assert_eq!(
            Manifest::parse(&bytes).map_err(|e| e.to_string()),
            Err(sentence.to_owned())
        );
    }
}

#[test]
fn hostile_content_in_signed_bytes_is_refused() {
    let text =
        String::from_utf8(manifest().to_bytes().expect("a good manifest")).expect("JSON is UTF-8");
    for (from, to, reason) in [
        ("\"lib/link\"", "\"../lib/link\"", "climbs out"),
        ("\"lib/link\"", "\"/lib/link\"", "is absolute"),
        ("\"lib/link\"", "\"lib/li\\u0000nk\"", "control character"),
        ("\"lib/link\"", "\"install.sh/link\"", "is not in its place"),
        (
            "\"../install.sh\"",
            "\"../../etc\"",
            "outside of the bundle",
        ),
        ("\"size\":5", "\"size\":18446744073709551615", "limit"),
        ("\"length\":5", "\"length\":4294967295", "limit"),
        ("\"size\":5", "\"size\":-1", "invalid value"),
    ] {
        let hostile = text.replacen(from, to, 1);
        assert_ne!(hostile, text, "{from}");
        let error = Manifest::parse(hostile.as_bytes())
            .expect_err(to)
            .to_string();
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn a_bundle_expires_at_its_hour() {
    let manifest = manifest();
    let at = |text: &str| text.parse::<Timestamp>().expect("a good time");
    assert_eq!(manifest.check_expiry(at("2026-12-31T23:59:59Z")), Ok(()));
    let refusal = manifest
        .check_expiry(at("2027-01-01T00:00:00Z"))
        .expect_err("expired");
    assert_eq!(
        refusal.to_string(),
        "bundle hello@1.0 expired on 2027-01-01T00:00:00Z"
    );
}

proptest! {
    #[test]
    fn every_manifest_has_one_form(
        description in "\\PC{0,40}",
        codes in prop::collection::btree_set(any::<i32>(), 1..5),
        names in prop::collection::btree_set("[a-e]{1,3}(/[a-e]{1,2}){0,2}", 0..8),
        timeout in 1u32..,
        flags: (bool, bool),
        nanos in 0i64..4_000_000_000_000_000_000,
    ) {
        let file = |path: &String| Entry {
            path: ContentPath::new(path).expect("good"),
            kind: EntryKind::File(FileContent {
                executable: path.contains('a'),
                size: path.len() as u64,
                hash: FileHash::of(path.as_bytes()),
                chunks: vec![ChunkRef::of(path.as_bytes())],
            }),
        };
        // A name may be both a file and a folder of another: such sets are no trees, and refused as such.
        let Ok(content) = Content::new(names.iter().map(file).collect()) else { return Ok(()) };
        let created = Timestamp::from_nanosecond(nanos.into()).expect("in range");
        let command = Command::Shell("true".to_owned());
        let bundle = "a@1".parse().expect("a good name");
        let mut manifest = Manifest::new(bundle, created, content, Action::Execute { command });
        manifest.description = description;
        manifest.success_codes = codes.into_iter().collect();
        manifest.timeout = Seconds(timeout);
        (manifest.repeatable, manifest.allow_downgrade) = flags;
        let bytes = manifest.to_bytes().expect("good");
        let parsed = Manifest::parse(&bytes).expect("parses");
        prop_assert_eq!(&parsed, &manifest);
        prop_assert_eq!(parsed.to_bytes(), Ok(bytes));
    }

    #[test]
    fn parsing_never_panics(at in any::<prop::sample::Index>(), byte: u8) {
        let mut bytes = manifest().to_bytes().expect("good");
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(parsed) = Manifest::parse(&bytes) {
            prop_assert_eq!(parsed.to_bytes(), Ok(bytes));
        }
    }
}
