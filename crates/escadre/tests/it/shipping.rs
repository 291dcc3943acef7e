//! A bundle from a folder to a machine: signed, verified, run once, and refused when it should be.

use std::{fs, path::Path};

use crate::harness::Installation;

fn program(folder: &Path, script: &str) {
    use std::os::unix::fs::PermissionsExt;
    fs::create_dir_all(folder).expect("made");
    let path = folder.join("install.sh");
    fs::write(&path, script).expect("written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("changed");
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

#[test]
fn a_bundle_is_launched_once_and_reported() {
    let here = Installation::start();
    let name = here.own_host();
    let (content, proof) = (
        here.folder.path().join("hello"),
        here.folder.path().join("proof"),
    );
    program(
        &content,
        &format!(
            "#!/bin/sh\necho \"hello $1 from $ESCADRE_BUNDLE\"\necho once >> {}\n",
            path(&proof)
        ),
    );

    here.good(&[
        "bundle",
        "create",
        "--name",
        "hello",
        "--version",
        "1.0",
        "--launch",
        "install.sh --quiet",
        path(&content),
    ]);
    let bundles = here.json(&["bundle", "list"]);
    assert_eq!(bundles[0]["name"], "hello@1.0");
    assert_eq!(bundles[0]["status"], "signed");
    here.good(&["bundle", "verify", "hello@1.0"]);

    let preview = here.json(&[
        "rollout",
        "create",
        "hello@1.0",
        "--to",
        &format!("name:{name}"),
        "--preview",
    ]);
    assert_eq!(preview["included"][0], name.as_str());
    let done = here.json(&[
        "rollout",
        "create",
        "hello@1.0",
        "--to",
        &format!("name:{name}"),
        "--wait",
    ]);
    assert_eq!(done["state"], "finished");
    assert_eq!(done["counts"]["succeeded"], 1);
    assert_eq!(fs::read_to_string(&proof).expect("it ran"), "once\n");

    let shown = here.json(&["rollout", "show", done["name"].as_str().expect("a name")]);
    let delivery = &shown["deliveries"][0];
    let delivery = here.json(&["delivery", "show", delivery["id"].as_str().expect("an id")]);
    assert_eq!(delivery["outcome"]["exit_code"], 0);
    assert!(
        delivery["outcome"]["output"]
            .as_str()
            .is_some_and(|out| out.contains("hello --quiet from hello")),
        "{delivery:#}"
    );
    let states: Vec<&str> = delivery["steps"]
        .as_array()
        .expect("steps")
        .iter()
        .filter_map(|s| s["state"].as_str())
        .collect();
    assert!(
        states.contains(&"verified") && states.contains(&"applying"),
        "{states:?}"
    );

    let timeline = here.json(&["host", "timeline", &name]);
    assert!(
        timeline
            .as_array()
            .expect("a list")
            .iter()
            .any(|entry| entry["kind"] == "delivery"),
        "{timeline:#}"
    );
}

#[test]
fn a_program_that_fails_fails_the_command() {
    let here = Installation::start();
    let name = here.own_host();
    let content = here.folder.path().join("broken");
    program(
        &content,
        "#!/bin/sh\necho the disk is on fire >&2\nexit 3\n",
    );
    here.good(&[
        "bundle",
        "create",
        "--name",
        "broken",
        "--version",
        "1",
        "--launch",
        "install.sh",
        path(&content),
    ]);
    let output = here.run(&["rollout", "create", "broken@1", "--to", &name, "--wait"]);
    assert!(!output.status.success());
    let failed = here.json(&["delivery", "list", "--failed"]);
    assert_eq!(failed[0]["state"], "failed");
    assert_eq!(failed[0]["outcome"]["exit_code"], 3);
    assert!(
        failed[0]["outcome"]["output"]
            .as_str()
            .is_some_and(|out| out.contains("on fire"))
    );
}

#[test]
fn content_is_stored_and_a_command_executed() {
    let here = Installation::start();
    let name = here.own_host();
    let (content, target) = (
        here.folder.path().join("files"),
        here.folder.path().join("target"),
    );
    fs::create_dir_all(content.join("etc")).expect("made");
    fs::write(content.join("etc/motd"), "bonjour\n").expect("written");
    here.good(&[
        "bundle",
        "create",
        "--name",
        "files",
        "--version",
        "1",
        "--store",
        path(&target),
        path(&content),
    ]);
    here.good(&["rollout", "create", "files@1", "--to", &name, "--wait"]);
    assert_eq!(
        fs::read_to_string(target.join("etc/motd")).expect("stored"),
        "bonjour\n"
    );

    let mark = here.folder.path().join("mark");
    let command = format!("touch {}", path(&mark));
    here.good(&[
        "bundle",
        "create",
        "--name",
        "touch",
        "--version",
        "1",
        "--execute",
        &command,
    ]);
    here.good(&["rollout", "create", "touch@1", "--to", &name, "--wait"]);
    assert!(mark.exists());
}

#[test]
fn an_older_version_is_refused_by_the_machine() {
    let here = Installation::start();
    let name = here.own_host();
    for version in ["2.0", "1.0"] {
        here.good(&[
            "bundle",
            "create",
            "--name",
            "tool",
            "--version",
            version,
            "--execute",
            "true",
        ]);
    }
    here.good(&["rollout", "create", "tool@2.0", "--to", &name, "--wait"]);
    let output = here.run(&["rollout", "create", "tool@1.0", "--to", &name, "--wait"]);
    assert!(!output.status.success());
    let failed = here.json(&["delivery", "list", "--failed"]);
    assert_eq!(failed[0]["state"], "refused");
    assert_eq!(failed[0]["refusal"]["code"], "downgrade");
}

#[test]
fn nothing_is_published_without_the_publishers_key() {
    let here = Installation::start();
    let stranger = here.folder.path().join("stranger");
    here.good(&["publisher", "init", "--publisher-key", path(&stranger)]);
    let said = here.bad(&[
        "bundle",
        "create",
        "--name",
        "evil",
        "--version",
        "1",
        "--execute",
        "true",
        "--publisher-key",
        path(&stranger),
    ]);
    assert!(said.contains("publisher"), "{said}");
    assert_eq!(
        here.json(&["bundle", "list"]).as_array().map(Vec::len),
        Some(0)
    );
}

#[test]
fn two_publishers_must_agree_when_the_root_says_so() {
    let here = Installation::start();
    let name = here.own_host();
    let second = here.folder.path().join("second");
    let passphrase = here.folder.path().join("passphrase");
    fs::write(&passphrase, "correct horse battery\n").expect("written");
    let key = [
        "--publisher-key",
        path(&second),
        "--passphrase-file",
        path(&passphrase),
    ];
    let with_key = |words: &[&str]| here.good(&[words, &key].concat());

    with_key(&["publisher", "init", "--passphrase"]);
    let public = fs::read_to_string(second.join("publisher.pub")).expect("a public key");
    let proposal = here.folder.path().join("publishers.json");
    let change = [
        "publisher",
        "change",
        "--threshold",
        "2",
        "--add",
        public.trim(),
        "--proposal",
        path(&proposal),
    ];
    here.good(&change);
    let root = here.json(&["publisher", "show"]);
    assert_eq!(root["threshold"], 1, "one signature was enough for two");
    with_key(&[
        "publisher",
        "pin",
        root["root_fingerprint"].as_str().expect("a fingerprint"),
    ]);
    with_key(&["publisher", "sign", path(&proposal)]);
    assert_eq!(here.json(&["publisher", "show"])["threshold"], 2);

    let create = [
        "bundle",
        "create",
        "--name",
        "pair",
        "--version",
        "1",
        "--execute",
        "true",
    ];
    let made = here
        .command(&create)
        .current_dir(here.folder.path())
        .output()
        .expect("the program runs");
    assert!(made.status.success());
    assert_eq!(here.json(&["bundle", "list"])[0]["status"], "unsigned");
    assert!(
        here.bad(&["rollout", "create", "pair@1", "--to", &name])
            .contains("sign")
    );
    with_key(&[
        "publisher",
        "sign",
        path(&here.folder.path().join("pair-1.proposal.json")),
    ]);
    here.good(&["rollout", "create", "pair@1", "--to", &name, "--wait"]);
}
