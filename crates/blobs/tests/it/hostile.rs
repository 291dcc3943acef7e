//! Archives and folders that mean harm, or are broken: each is refused with its sentence, and nothing comes of it.

use std::{io::Write, os::unix::net::UnixListener};

use escadre_blobs::Blobs;
use tar::{Builder, EntryType, Header};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use crate::stage::{Stage, noise};

/// An entry by hand: the library would refuse to write most of these.
fn entry(archive: &mut Builder<Vec<u8>>, kind: EntryType, name: &[u8], link: &[u8], bytes: &[u8]) {
    let mut header = Header::new_gnu();
    let fields = header.as_old_mut();
    fields.name[..name.len()].copy_from_slice(name);
    fields.linkname[..link.len()].copy_from_slice(link);
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_size(bytes.len() as u64);
    header.set_cksum();
    archive.append(&header, bytes).expect("memory");
}

fn file(archive: &mut Builder<Vec<u8>>, name: &[u8]) {
    entry(archive, EntryType::Regular, name, b"", b"x");
}

fn tar(fill: impl FnOnce(&mut Builder<Vec<u8>>)) -> Vec<u8> {
    let mut archive = Builder::new(Vec::new());
    fill(&mut archive);
    archive.into_inner().expect("memory")
}

fn zip(fill: impl FnOnce(&mut ZipWriter<std::io::Cursor<Vec<u8>>>)) -> Vec<u8> {
    let mut archive = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    fill(&mut archive);
    archive.finish().expect("memory").into_inner()
}

fn zip_of(names: &[&str]) -> Vec<u8> {
    zip(|archive| {
        for name in names {
            archive
                .start_file(*name, SimpleFileOptions::default())
                .expect("memory");
            archive.write_all(b"x").expect("memory");
        }
    })
}

/// The refusal's code, and the sentence.
fn refused(name: &str, bytes: &[u8]) -> String {
    let stage = Stage::new();
    stage.write(name, bytes);
    let error = stage
        .pack(name)
        .map(|packed| packed.content)
        .expect_err("is refused");
    let code = error
        .refusal()
        .map_or("fault of the host", |refusal| refusal.code());
    stage
        .blobs
        .list(&mut |hash, _| panic!("{hash} was kept"))
        .expect("lists");
    let folder = stage.path("").display().to_string();
    format!("{code}: {}", error.to_string().replace(&folder, ""))
}

#[test]
fn tar_archives_that_mean_harm() {
    use EntryType as Kind;
    type Fill = fn(&mut Builder<Vec<u8>>);
    let cases: [(Fill, &str); 18] = [
        (
            |a| file(a, b"../evil"),
            "entry \"../evil\": climbs out of its folder with `..`",
        ),
        (
            |a| file(a, b"a/../../evil"),
            "entry \"a/../../evil\": climbs out of its folder with `..`",
        ),
        (
            |a| file(a, b"/etc/cron.d/evil"),
            "entry \"/etc/cron.d/evil\": is absolute, only paths inside of the bundle are allowed",
        ),
        (
            |a| file(a, b"a\\..\\evil"),
            "entry \"a\\\\..\\\\evil\": holds a backslash, which is a separator on Windows",
        ),
        (
            |a| file(a, b"C:evil"),
            "entry \"C:evil\": begins like a drive of Windows",
        ),
        (
            |a| file(a, b"\xff\xfe"),
            "entry \"\u{fffd}\u{fffd}\": has a name that is not UTF-8",
        ),
        (
            |a| file(a, b"a\x1b[2J"),
            "entry \"a\\u{1b}[2J\": holds a control character",
        ),
        (
            |a| entry(a, Kind::Symlink, b"l", b"/etc", b""),
            "entry \"l\": is a link to `/etc`, which is not inside of the bundle (entry \"/etc\": is absolute, only paths inside of the bundle are allowed)",
        ),
        (
            |a| entry(a, Kind::Symlink, b"d/l", b"../../x", b""),
            "entry \"d/l\": is a link to `../../x`, which is not inside of the bundle (entry \"d/l\": its target `../../x` is outside of the bundle)",
        ),
        (
            |a| {
                entry(a, Kind::Symlink, b"l", b"d", b"");
                file(a, b"l/evil");
            },
            "entry \"l/evil\": lies below a link",
        ),
        (
            |a| entry(a, Kind::Link, b"shadow", b"/etc/shadow", b""),
            "entry \"shadow\": is a hard link to `/etc/shadow`, outside of the archive",
        ),
        (
            |a| entry(a, Kind::Link, b"shadow", b"etc/shadow", b""),
            "entry \"shadow\": is a hard link to `etc/shadow`, which is no earlier file of the archive",
        ),
        (
            |a| entry(a, Kind::Char, b"null", b"", b""),
            "entry \"null\": is a device; only folders, files and links inside of the bundle are taken",
        ),
        (
            |a| entry(a, Kind::Block, b"sda", b"", b""),
            "entry \"sda\": is a device; only folders, files and links inside of the bundle are taken",
        ),
        (
            |a| entry(a, Kind::Fifo, b"pipe", b"", b""),
            "entry \"pipe\": is a named pipe; only folders, files and links inside of the bundle are taken",
        ),
        (
            |a| {
                file(a, b"a");
                file(a, b"a");
            },
            "entry \"a\": is there twice",
        ),
        (
            |a| {
                file(a, b"readme");
                file(a, b"README");
            },
            "entries \"readme\" and \"README\" are one and the same where letter case does not count",
        ),
        (
            |a| {
                file(a, b"a");
                file(a, b"a/b");
            },
            "entry \"a/b\": lies below a file",
        ),
    ];
    for (fill, sentence) in cases {
        assert_eq!(
            refused("a.tar", &tar(fill)),
            format!("unsafe_content: {sentence}")
        );
    }
}

#[test]
fn zip_archives_that_mean_harm() {
    let link = zip(|a| {
        a.add_symlink("l", "../../etc", SimpleFileOptions::default())
            .expect("memory")
    });
    for (bytes, sentence) in [
        (
            zip_of(&["../evil"]),
            "entry \"../evil\": climbs out of its folder with `..`",
        ),
        (
            zip_of(&["/evil"]),
            "entry \"/evil\": is absolute, only paths inside of the bundle are allowed",
        ),
        (
            zip_of(&["a/../../evil"]),
            "entry \"a/../../evil\": climbs out of its folder with `..`",
        ),
        (
            zip_of(&["..\\evil"]),
            "entry \"..\\\\evil\": holds a backslash, which is a separator on Windows",
        ),
        (
            zip_of(&["nul.txt"]),
            "entry \"nul.txt\": has a name that Windows reserves for a device",
        ),
        (
            zip_of(&["a", "A"]),
            "entries \"a\" and \"A\" are one and the same where letter case does not count",
        ),
        (
            link,
            "entry \"l\": is a link to `../../etc`, which is not inside of the bundle (entry \"l\": its target `../../etc` is outside of the bundle)",
        ),
    ] {
        assert_eq!(
            refused("a.zip", &bytes),
            format!("unsafe_content: {sentence}")
        );
    }
}

#[test]
fn bombs_are_stopped_by_what_they_weigh() {
    let zeros = vec![0; 80 << 20];
    let bomb = zip(|a| {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        a.start_file("zeros", options).expect("memory");
        a.write_all(&zeros).expect("memory");
    });
    let sentence = |name| {
        format!(
            "unsafe_content: `{name}` unpacks to more than 67108864 bytes; if this is meant, unpack it and give the folder"
        )
    };
    assert!(bomb.len() < 1 << 18);
    assert_eq!(refused("a.zip", &bomb), sentence("a.zip"));
    let bomb = zstd::bulk::compress(
        &tar(|a| entry(a, EntryType::Regular, b"zeros", b"", &zeros)),
        3,
    )
    .expect("memory");
    assert_eq!(refused("a.tar.zst", &bomb), sentence("a.tar.zst"));
}

#[test]
fn headers_without_end_take_no_memory() {
    let name = vec![b'x'; 40 << 20];
    let bomb = tar(|a| {
        entry(a, EntryType::GNULongName, b"././@LongLink", b"", &name);
        file(a, b"x");
    });
    let bomb = zstd::bulk::compress(&bomb, 3).expect("memory");
    assert_eq!(
        refused("a.tar.zst", &bomb),
        "corrupt: `a.tar.zst` is no good archive: a header or what follows the end has no end"
    );
}

#[test]
fn sparse_files_are_refused_in_both_forms() {
    for format in ["--format=gnu", "--format=pax"] {
        let stage = Stage::new();
        stage.run("truncate", &["-s", "500G", "huge"]);
        stage.run("tar", &["-cSf", "a.tar", format, "huge"]);
        let error = stage.pack("a.tar").expect_err("is refused").to_string();
        assert!(error.ends_with("is a sparse file (make the archive without --sparse); only folders, files and links inside of the bundle are taken"), "{error}");
    }
}

#[test]
fn what_is_cut_short_is_no_good() {
    let stage = Stage::new();
    stage.write("in/noise", noise(1, 300_000));
    stage.write("in/more", noise(2, 300_000));
    stage.run("tar", &["-cf", "a.tar", "in"]);
    stage.run("tar", &["-czf", "a.tar.gz", "in"]);
    stage.run("tar", &["--zstd", "-cf", "a.tar.zst", "in"]);
    stage.run("zip", &["-qr", "a.zip", "in"]);
    for name in ["a.tar", "a.tar.gz", "a.tar.zst", "a.zip"] {
        let bytes = std::fs::read(stage.path(name)).expect("reads");
        // The last byte of a plain tar is padding; the end mark goes back 10 KiB at most.
        let last = if name == "a.tar" {
            bytes.len() - 10_240
        } else {
            bytes.len() - 1
        };
        for length in [600, 1024, bytes.len() / 2, bytes.len() * 9 / 10, last] {
            let sentence = refused(name, &bytes[..length]);
            assert!(
                sentence.starts_with(&format!("corrupt: `{name}` is no good archive: ")),
                "{length}: {sentence}"
            );
        }
    }
}

#[test]
fn altered_compressed_archives_are_found_by_their_sums() {
    let stage = Stage::new();
    stage.write("in/noise", noise(1, 300_000));
    stage.run("tar", &["-czf", "a.tar.gz", "in"]);
    stage.run("zip", &["-qr", "a.zip", "in"]);
    for name in ["a.tar.gz", "a.zip"] {
        let mut bytes = std::fs::read(stage.path(name)).expect("reads");
        bytes[150_000] ^= 1;
        let sentence = refused(name, &bytes);
        assert!(
            sentence.starts_with(&format!("corrupt: `{name}` is no good archive: ")),
            "{sentence}"
        );
    }
}

#[test]
fn other_files_are_named() {
    for (bytes, detail) in [
        (&b""[..], "it is empty"),
        (
            b"hello",
            "its first bytes are those of no zip, tar, tar.gz or tar.zst",
        ),
        (
            b"\xfd7zXZ\0\0",
            "xz is not read here; use .tar.zst, .tar.gz, .zip or the folder itself",
        ),
        (
            b"BZh9",
            "bzip2 is not read here; use .tar.zst, .tar.gz, .zip or the folder itself",
        ),
    ] {
        assert_eq!(
            refused("a", bytes),
            format!("corrupt: `a` is no good archive: {detail}")
        );
    }
}

#[test]
fn folders_with_what_is_no_content() {
    let stage = Stage::new();
    stage.write("in/fine", "x");
    let check = |sentence: &str| {
        let error = stage.pack("in").expect_err(sentence);
        assert_eq!(error.to_string(), sentence);
        assert_eq!(
            error.refusal().map(|refusal| refusal.code()),
            Some("unsafe_content")
        );
    };
    stage.run("mkfifo", &["in/pipe"]);
    check(
        "entry \"pipe\": is a named pipe; only folders, files and links inside of the bundle are packed",
    );
    stage.run("rm", &["in/pipe"]);
    let socket = UnixListener::bind(stage.path("in/socket")).expect("binds");
    check(
        "entry \"socket\": is a socket; only folders, files and links inside of the bundle are packed",
    );
    drop(socket);
    stage.run("rm", &["in/socket"]);
    stage.link("in/l", "/etc/passwd");
    check(
        "entry \"l\": is a link to `/etc/passwd`, which is not inside of the bundle (entry \"/etc/passwd\": is absolute, only paths inside of the bundle are allowed)",
    );
    stage.run("rm", &["in/l"]);
    stage.write("in/FINE", "x");
    check("entries \"FINE\" and \"fine\" are one and the same where letter case does not count");
}

#[test]
fn a_folder_that_is_not_there_is_a_fault_of_the_host() {
    let stage = Stage::new();
    let error = stage.pack("nowhere").expect_err("is not there");
    assert_eq!(error.refusal(), None);
    assert!(error.to_string().starts_with("cannot look at `"), "{error}");
}
