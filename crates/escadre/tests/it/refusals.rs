//! What cannot work is said in one sentence with the remedy, and leaves nothing behind.

use std::{fs, net::TcpListener, process::Stdio};

use crate::harness::{ESCADRE, Installation};

/// Runs `up` on a folder, perhaps with a port for its visualisation; it must fail.
fn refused(state: &std::path::Path, more: &[&str]) -> String {
    let output = std::process::Command::new(ESCADRE)
        .arg("--state")
        .arg(state)
        .args([
            "up",
            "--config-port",
            "0",
            "--agent-port",
            "0",
            "--view-port",
        ])
        .arg(more.first().unwrap_or(&"0"))
        .env("XDG_CONFIG_HOME", state.join("../config"))
        .stdin(Stdio::null())
        .output()
        .expect("the program runs");
    assert!(!output.status.success(), "it started");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_port_in_use_is_named_and_nothing_is_written() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("bound").port().to_string();
    let state = folder.path().join("state");
    let said = refused(&state, &[&port]);
    assert!(
        said.contains(&port) && said.contains("--view-port"),
        "{said}"
    );
    assert!(!state.exists(), "something was written");
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("file");
    fs::write(&file, "not a folder").expect("written");
    let said = refused(&file.join("state"), &[]);
    assert!(
        said.contains("file/state") && said.contains("--state"),
        "{said}"
    );
}

#[test]
fn a_folder_of_somebody_else_is_left_alone() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let state = folder.path().join("state");
    fs::create_dir(&state).expect("made");
    fs::write(state.join("letter.txt"), "dear diary").expect("written");
    let said = refused(&state, &[]);
    assert!(said.contains("--state"), "{said}");
    assert_eq!(
        fs::read_dir(&state).expect("there").count(),
        1,
        "something was written"
    );
}

#[test]
fn a_second_server_on_the_same_folder_is_refused() {
    let here = Installation::start();
    let said = refused(&here.state(), &[]);
    assert!(said.contains("another server is running"), "{said}");
    here.good(&["host", "list"]);
}

#[test]
fn commands_without_a_server_say_how_to_start_one() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = std::process::Command::new(ESCADRE)
        .arg("--state")
        .arg(folder.path())
        .args(["host", "list"])
        .output()
        .expect("the program runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && said.contains("escadre up"),
        "{said}"
    );
}
