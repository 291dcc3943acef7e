//! Other people's programs read what this crate writes.

use std::{path::Path, process::Command};

use escadre_model::HostId;
use escadre_trust::{AgentKey, AgentTrust, Authority, Fingerprint, Publisher, SecretString};

use crate::fleet::{Link, bundle, start};

fn openssl(arguments: &[&str]) -> (bool, String) {
    let run = Command::new("openssl")
        .args(arguments)
        .output()
        .expect("Debian's package openssl is installed");
    (
        run.status.success(),
        String::from_utf8_lossy(&[run.stdout, run.stderr].concat()).into_owned(),
    )
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

#[test]
fn openssl_reads_publishers_keys() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let (open, locked) = (home.path().join("open"), home.path().join("locked"));
    let public = |text: &str| {
        text.lines()
            .filter(|line| line.starts_with("    "))
            .map(str::trim)
            .collect::<String>()
    };
    let key = Publisher::create(&open, None)
        .expect("a key")
        .public_key()
        .to_string();
    let (fine, told) = openssl(&[
        "pkey",
        "-in",
        text(&open.join("publisher.pem")),
        "-noout",
        "-text_pub",
    ]);
    assert!(fine && public(&told).replace(':', "") == key, "{told}");
    let passphrase = SecretString::new("correct horse");
    let key = Publisher::create(&locked, Some(&passphrase))
        .expect("a key")
        .public_key()
        .to_string();
    let file = locked.join("publisher.pem");
    let with = |pass: &str| {
        openssl(&[
            "pkey",
            "-in",
            text(&file),
            "-passin",
            pass,
            "-noout",
            "-text_pub",
        ])
    };
    let (fine, told) = with("pass:correct horse");
    assert!(fine && public(&told).replace(':', "") == key, "{told}");
    assert!(!with("pass:wrong").0);
    assert_eq!(
        Publisher::public_key_in(&locked)
            .expect("readable")
            .to_string(),
        key,
        "without the passphrase"
    );
}

#[test]
fn openssl_verifies_our_certificates() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let authority = Authority::create(&home.path().join("ca"), start()).expect("a CA");
    let key = AgentKey::create(&home.path().join("agent.key")).expect("a key");
    let host = HostId::from_random([3; 16]);
    let pem = authority
        .issue_agent(&key.request().expect("a request"), host, start())
        .expect("issued");
    let (ca, agent) = (home.path().join("ca/ca.pem"), home.path().join("agent.pem"));
    std::fs::write(&agent, pem).expect("written");
    let at = start().as_second().to_string();
    let verify = |purpose| {
        openssl(&[
            "verify",
            "-x509_strict",
            "-attime",
            &at,
            "-purpose",
            purpose,
            "-CAfile",
            text(&ca),
            text(&agent),
        ])
    };
    let (fine, told) = verify("sslclient");
    assert!(fine, "{told}");
    assert!(!verify("sslserver").0, "an agent is no server");
    let (_, told) = openssl(&[
        "x509",
        "-in",
        text(&agent),
        "-noout",
        "-subject",
        "-ext",
        "subjectAltName",
    ]);
    assert!(
        told.contains(&format!("URI:escadre:host:{host}")) && told.contains(&host.to_string()),
        "{told}"
    );
}

/// Metadata that python-tuf wrote (`tests/python-tuf/make.py`): two roots, the second with a threshold of two.
#[tokio::test]
async fn an_agent_believes_the_reference_implementation() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python-tuf");
    let link = Link::of(&folder);
    let home = tempfile::tempdir().expect("a temporary folder");
    let root = link.get("1.root.json");
    let mut agent =
        AgentTrust::pin(home.path(), &root, &Fingerprint::of(&root)).expect("a good root");
    let view = link
        .update(&mut agent, start())
        .await
        .expect("good metadata");
    assert_eq!((view.root_version(), view.targets_version()), (2, 1));
    let manifest = view
        .verified_manifest(&link, &bundle("hello@1.0"), start())
        .await
        .expect("a good manifest");
    assert_eq!(manifest, b"manifest of hello 1.0\n");
    // The same with one of the two publishers' signatures taken away.
    let mut list: serde_json::Value =
        serde_json::from_slice(&link.get("1.targets.json")).expect("JSON");
    list["signatures"].as_array_mut().expect("an array").pop();
    link.set("1.targets.json", serde_json::to_vec(&list).expect("JSON"));
    assert_eq!(
        link.refusal(&mut agent, start()).await.code(),
        "corrupt",
        "the snapshot names its hash"
    );
}
