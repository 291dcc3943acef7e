//! From nothing to one machine served, and back after a stop.

use std::{process::Command, time::Duration};

use crate::harness::{Installation, signal};

fn printed(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .env("LC_ALL", "C")
        .output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(output.status.success(), "{program} failed");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn up_serves_this_machine_and_keeps_all_over_a_restart() {
    let mut here = Installation::start();
    assert!(
        here.said["sign_in"]
            .as_str()
            .is_some_and(|link| link.contains("/sign-in/once/")),
        "{}",
        here.said
    );
    let name = here.own_host();

    // Its inventory is what the machine's own tools say.
    let host = here.json(&["host", "show", &name]);
    let inventory = &host["inventory"];
    assert_eq!(inventory["os"]["kernel"], printed("uname", &["-r"]).trim());
    assert_eq!(
        inventory["cpu"]["threads"].to_string(),
        printed("nproc", &["--all"]).trim()
    );
    let packages = here.json(&["host", "packages", &name]);
    let expected = printed(
        "dpkg-query",
        &["-W", "-f", "${db:Status-Status} ${Package}\n"],
    );
    let expected = expected
        .lines()
        .filter(|line| line.starts_with("installed "))
        .count();
    let debs = packages
        .as_array()
        .expect("a list")
        .iter()
        .filter(|package| package["kind"] == "deb")
        .count();
    assert_eq!(debs, expected);

    // It is watched: every built-in check has a result.
    let wanted = ["load", "memory", "swap", "clock"];
    let checks = here.until(
        &["check", "list", "--host", &name],
        "results of all checks",
        |checks| {
            let checks = checks.as_array().expect("a list");
            let known = |name: &str| {
                checks
                    .iter()
                    .any(|check| check["name"] == name && check["state"] != "pending")
            };
            wanted.iter().all(|name| known(name))
        },
    );
    let has = |start: &str| {
        checks.as_array().is_some_and(|all| {
            all.iter()
                .any(|c| c["name"].as_str().is_some_and(|n| n.starts_with(start)))
        })
    };
    assert!(
        has("disk") && has("inodes") && has("units") && has("host"),
        "{checks:#}"
    );
    let load = here.json(&["check", "show", &name, "load"]);
    assert!(
        !load["perf"]
            .as_array()
            .expect("performance data")
            .is_empty()
    );

    // A sign-in and a user outlive a stop, which is quick.
    here.json(&["user", "create", "night-shift", "--role", "operator"]);
    let took = here.stop();
    assert!(took < Duration::from_secs(3), "stopping took {took:?}");
    assert!(
        here.agent_processes().is_empty(),
        "the agent outlived its parent"
    );
    here.up(&[]);
    let users = here.json(&["user", "list"]);
    assert!(
        users
            .as_array()
            .expect("a list")
            .iter()
            .any(|user| user["name"] == "night-shift")
    );
    assert_eq!(here.own_host(), name, "the machine enrolled a second time");
    assert_eq!(
        here.json(&["host", "list"]).as_array().map(Vec::len),
        Some(1)
    );
    assert_ne!(
        here.json(&["check", "show", &name, "load"])["state"],
        "pending",
        "states are forgotten"
    );
}

#[test]
fn a_silent_agent_is_stale_and_then_a_problem() {
    let here = Installation::start();
    let name = here.own_host();
    here.good(&["settings", "set", "--contact-every", "2"]);
    let agents = here.agent_processes();
    assert_eq!(agents.len(), 1, "one agent runs");
    signal(agents[0], "TERM");
    here.until(&["host", "show", &name], "the host is stale", |host| {
        host["stale"] == true
    });
    here.until(&["host", "show", &name], "the host is a problem", |host| {
        host["state"] == "down"
    });
    let problems = here.json(&["check", "list", "--problems"]);
    assert!(
        problems
            .as_array()
            .expect("a list")
            .iter()
            .any(|check| check["name"] == "host"),
        "{problems:#}"
    );
}

#[test]
fn the_healthcheck_says_where_the_key_lies() {
    let here = Installation::start();
    here.own_host();
    let output = here.run(&["--format", "json", "healthcheck"]);
    let findings: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let key = findings
        .as_array()
        .expect("a list")
        .iter()
        .find(|f| f["name"] == "trust.publisher-key-on-server");
    let key = key.unwrap_or_else(|| panic!("{findings:#}"));
    assert_eq!(key["level"], "warning");
    assert!(!key["remedy"].as_str().unwrap_or_default().is_empty());
    assert_eq!(output.status.code(), Some(1), "{findings:#}");
}

#[test]
fn the_api_answers_a_token_from_elsewhere() {
    let here = Installation::start();
    let made = here.json(&["token", "create", "reader", "--role", "viewer"]);
    let secret = made["secret"].as_str().expect("a secret");
    let server = here.said["view"].as_str().expect("an address");
    let remote = |arguments: &[&str]| {
        let mut all = vec!["--server", server, "--token", secret];
        all.extend(arguments);
        here.run(&all)
    };
    assert!(remote(&["host", "list"]).status.success());
    let refused = remote(&["user", "list"]);
    assert!(!refused.status.success(), "a viewer listed users");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("administrator"));
    here.good(&["token", "revoke", "reader"]);
    assert!(
        !remote(&["host", "list"]).status.success(),
        "a revoked token still works"
    );
    let audit = here.json(&["audit", "list", "token"]);
    assert!(
        audit.as_array().is_some_and(|entries| entries.len() >= 2),
        "{audit:#}"
    );
}
