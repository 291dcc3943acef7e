//! Actions, notices and observations: what is accepted and what each refusal says.

use super::*;
use crate::{ChunkRef, Entry, EntryKind, FileContent, PackageChange};

fn content(files: &[(&str, bool)]) -> Content {
    let entry = |(path, executable): &(&str, bool)| Entry {
        path: path.parse().expect("a good path"),
        kind: EntryKind::File(FileContent {
            executable: *executable,
            size: 1,
            hash: FileHash::of(b"x"),
            chunks: vec![ChunkRef::of(b"x")],
        }),
    };
    Content::new(files.iter().map(entry).collect()).expect("good content")
}

fn launch(line: &str) -> Action {
    Action::Launch {
        command: Command::from_line(line).expect("good words"),
    }
}

fn change(
    name: &str,
    before: Option<&str>,
    after: Option<&str>,
    file: Option<&str>,
) -> PackageChange {
    PackageChange {
        name: name.to_owned(),
        arch: "amd64".to_owned(),
        before: before.map(str::to_owned),
        after: after.map(str::to_owned),
        file: file.map(|path| path.parse().expect("a good path")),
        undo_file: None,
    }
}

fn packages(changes: Vec<PackageChange>) -> Action {
    Action::Packages(PackageSet {
        kind: PackageKind::Deb,
        changes,
        against: Vec::new(),
    })
}

#[test]
fn an_action_is_accepted_when_the_content_has_what_it_needs() {
    let content = content(&[("install.sh", true), ("sub/run", true), ("a.deb", false)]);
    for action in [
        launch("install.sh --quiet"),
        launch("./sub/run 'a b'"),
        Action::Launch {
            command: Command::Shell("./install.sh && touch done".to_owned()),
        },
        Action::Execute {
            command: Command::from_line("systemctl restart x").expect("good words"),
        },
        Action::Store {
            path: "/opt/tool".to_owned(),
        },
        packages(vec![
            change("a", Some("1"), Some("2"), Some("a.deb")),
            change("b", Some("1:1.0-1"), None, None),
        ]),
    ] {
        assert_eq!(action.check(&content), Ok(()), "{action:?}");
    }
    let execute = Action::Execute {
        command: Command::Shell("true".to_owned()),
    };
    assert_eq!(execute.check(&Content::default()), Ok(()));
}

#[test]
fn an_action_that_cannot_work_or_could_mislead_a_tool_is_refused() {
    let content = content(&[("install.sh", true), ("readme", false), ("a.deb", false)]);
    let store = |path: &str| Action::Store {
        path: path.to_owned(),
    };
    let install = |name: &str, version: &str| {
        packages(vec![change(name, None, Some(version), Some("a.deb"))])
    };
    for (action, sentence) in [
        (
            launch("missing.sh"),
            "launch: `missing.sh` is no file of the content; to run a command of the host use execute",
        ),
        (
            launch("/bin/sh -c x"),
            "entry \"/bin/sh\": is absolute, only paths inside of the bundle are allowed",
        ),
        (
            launch("../x"),
            "entry \"../x\": climbs out of its folder with `..`",
        ),
        (
            launch("readme"),
            "launch: `readme` is not marked as a program (mode 755)",
        ),
        (
            Action::Execute {
                command: Command::Argv(vec![]),
            },
            "execute: there is no command to run",
        ),
        (
            Action::Execute {
                command: Command::Shell("a\0".to_owned()),
            },
            "execute: a text holds a NUL",
        ),
        (
            store("opt/x"),
            "store: \"opt/x\" is no absolute path without `.`, `..` and doubled `/`",
        ),
        (
            store("/opt/../etc"),
            "store: \"/opt/../etc\" is no absolute path without `.`, `..` and doubled `/`",
        ),
        (
            store("/opt/"),
            "store: \"/opt/\" is no absolute path without `.`, `..` and doubled `/`",
        ),
        (packages(vec![]), "packages: nothing changes"),
        (
            install("--force-all", "1"),
            "packages: \"--force-all\" is no name, version or architecture of a package",
        ),
        (
            install("a", "1 2"),
            "packages: \"1 2\" is no name, version or architecture of a package",
        ),
        (
            packages(vec![change("a", Some("1"), Some("1"), Some("a.deb"))]),
            "packages: `a`: the version before is the version after",
        ),
        (
            packages(vec![change("a", None, None, None)]),
            "packages: `a`: the version before is the version after",
        ),
        (
            packages(vec![change("a", None, Some("1"), None)]),
            "packages: `a`: a version to install and its file come together",
        ),
        (
            packages(vec![change("a", None, Some("1"), Some("b.deb"))]),
            "packages: `a`: its file `b.deb` is not in the content",
        ),
        (
            packages(vec![
                change("b", Some("1"), None, None),
                change("a", Some("1"), None, None),
            ]),
            "packages: packages are ordered by name and architecture, each once",
        ),
        (
            packages(vec![
                change("a", None, Some("1"), Some("a.deb")),
                change("b", None, Some("1"), Some("a.deb")),
            ]),
            "packages: one file stands for two packages",
        ),
    ] {
        assert_eq!(
            action.check(&content).map_err(|e| e.to_string()),
            Err(sentence.to_owned())
        );
    }
    let nothing = store("/opt/x")
        .check(&Content::default())
        .map_err(|e| e.to_string());
    assert_eq!(
        nothing,
        Err("store: there is no content to put into `/opt/x`".to_owned())
    );
}

#[test]
fn an_undo_file_wants_a_version_to_go_back_to() {
    let content = content(&[("a.deb", false), ("old.deb", false)]);
    let mut upgrade = change("a", Some("1"), Some("2"), Some("a.deb"));
    upgrade.undo_file = "old.deb".parse().ok();
    assert_eq!(packages(vec![upgrade.clone()]).check(&content), Ok(()));
    upgrade.before = None;
    let error = packages(vec![upgrade])
        .check(&content)
        .map_err(|e| e.to_string());
    assert_eq!(
        error,
        Err("packages: `a`: a file to go back to wants a version before".to_owned())
    );
}

#[test]
fn undo_and_observations_are_checked_too() {
    let back = Undo::Packages;
    assert!(
        back.check(&packages(vec![change("a", Some("1"), None, None)]))
            .is_ok()
    );
    assert!(back.check(&launch("x")).is_err());
    let service = |name: &str| {
        Observation::Service {
            name: name.to_owned(),
        }
        .check()
        .is_ok()
    };
    assert!(
        service("ssh.service")
            && service("getty@tty1.service")
            && service("dev-disk-by\\x2duuid.swap")
    );
    assert!(!service("--now") && !service("a b") && !service(""));
    let file = |path: &str| {
        Observation::File {
            path: path.to_owned(),
            hash: FileHash::of(b""),
        }
        .check()
        .is_ok()
    };
    assert!(file("/etc/hosts") && !file("etc/hosts") && !file("/etc//hosts"));
}
