//! Archives made by the system's own tools give the content of the folder that they were made of.

use crate::stage::{Stage, listing, noise};

fn stage() -> Stage {
    let stage = Stage::new();
    stage.write("in/install.sh", "#!/bin/sh\nexit 0\n");
    stage.mode("in/install.sh", 0o755);
    stage.write("in/data/noise", noise(1, 5_000_000));
    stage.write("in/data/text", "line\n".repeat(100_000));
    stage.write("in/data/empty", "");
    stage.write(
        &format!("in/{0}/{0}/{0}", "long-name-".repeat(12)),
        "beyond the 100 bytes of the old header",
    );
    stage.write("in/é/ß", "two bytes for a letter");
    stage.link("in/data/link", "../install.sh");
    stage.run("sh", &["-c", "find in -type f ! -name install.sh -exec chmod 644 {} +; find in -type d -exec chmod 755 {} +"]);
    stage
}

fn check(name: &str, program: &str, arguments: &[&str]) {
    let stage = stage();
    stage.run(program, arguments);
    let folder = stage.pack("in").expect("packs the folder");
    let archive = stage
        .pack(name)
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(archive.content, folder.content, "{name}");
    // What the folder brought, the archive brings again.
    assert_eq!(archive.progress.new_chunks, 0, "{name}");
    assert_eq!(archive.progress.done, archive.progress.total, "{name}");
    stage.unpack(&archive.content, "out").expect("unpacks");
    assert_eq!(
        listing(&stage.path("out")),
        listing(&stage.path("in")),
        "{name}"
    );
}

#[test]
fn tar_in_every_format() {
    for format in ["gnu", "pax", "oldgnu"] {
        let option = format!("--format={format}");
        check("a.tar", "tar", &["-cf", "a.tar", &option, "-C", "in", "."]);
    }
}

#[test]
fn tar_with_gzip() {
    check("a.tar.gz", "tar", &["-czf", "a.tar.gz", "-C", "in", "."]);
}

#[test]
fn tar_with_zstd() {
    check(
        "a.tar.zst",
        "tar",
        &["--zstd", "-cf", "a.tar.zst", "-C", "in", "."],
    );
}

#[test]
fn zip_with_and_without_compression() {
    for level in ["-0", "-9"] {
        check(
            "a.zip",
            "sh",
            &[
                "-c",
                &format!("cd in && zip -q -r {level} --symlinks ../a.zip ."),
            ],
        );
    }
}

#[test]
fn tar_of_names_without_a_dot_and_with_hard_links() {
    let stage = stage();
    stage.run(
        "sh",
        &[
            "-c",
            "cd in && ln install.sh data/again.sh && tar -cf ../a.tar *",
        ],
    );
    let folder = stage.pack("in").expect("packs the folder");
    let archive = stage.pack("a.tar").expect("packs the archive");
    assert_eq!(archive.content, folder.content);
}

#[test]
fn a_program_of_another_user_loses_its_set_user_id() {
    let stage = Stage::new();
    stage.write("in/su", "x");
    stage.mode("in/su", 0o6755);
    stage.run("tar", &["-cf", "a.tar", "-C", "in", "su"]);
    stage.run("sh", &["-c", "cd in && zip -q ../a.zip su"]);
    for name in ["a.tar", "a.zip"] {
        let packed = stage.pack(name).expect("packs");
        stage
            .unpack(&packed.content, &format!("out-{name}"))
            .expect("unpacks");
        let out = listing(&stage.path(&format!("out-{name}")));
        assert!(out.starts_with("file 755  su 1 "), "{out}");
    }
}

#[test]
fn archives_without_entries_have_no_content() {
    let stage = Stage::new();
    stage.run("tar", &["-cf", "a.tar", "-T", "/dev/null"]);
    assert!(stage.pack("a.tar").expect("packs").content.is_empty());
}
