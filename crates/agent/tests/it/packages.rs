//! A real package, installed by the real dpkg (as root, on Debian: what an agent is there for).

use std::{
    fs,
    process::{Command, Output},
    sync::Arc,
};

use escadre_bundle::{
    Action, Content, Manifest, Observation, PackageChange, PackageSet, PackageVersion,
};
use escadre_model::{Timestamp, delivery::DeliveryState, inventory::PackageKind};

use crate::house::{House, Running, bundle};

/// Removes the test's package, whatever happened.
struct Package(String);

impl Drop for Package {
    fn drop(&mut self) {
        let _ = Command::new("dpkg").args(["--purge", &self.0]).output();
    }
}

fn run(program: &str, arguments: &[&str]) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new(program)
        .args(arguments)
        .output()
        .expect("it runs");
    assert!(
        status.success(),
        "{program} {arguments:?}: {}",
        String::from_utf8_lossy(&stderr)
    );
    String::from_utf8(stdout).expect("text").trim().to_owned()
}

/// The content of a bundle with one package of that version.
fn package(house: &Arc<House>, name: &str, version: &str) -> Content {
    let tree = house.path("tree");
    let _ = fs::remove_dir_all(&tree);
    fs::create_dir_all(tree.join("DEBIAN")).expect("made");
    let control = format!(
        "Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: nobody <nobody@example.org>\n\
         Description: package of a test\n"
    );
    fs::write(tree.join("DEBIAN/control"), control).expect("written");
    let folder = house.path("debs");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir(&folder).expect("made");
    let file = folder.join("test.deb");
    run(
        "dpkg-deb",
        &[
            "--build",
            "--root-owner-group",
            &tree.to_string_lossy(),
            &file.to_string_lossy(),
        ],
    );
    house.pack_folder(&folder)
}

#[tokio::test]
async fn packages_are_installed_on_the_state_that_they_were_chosen_for() {
    assert_eq!(
        run("id", &["-u"]),
        "0",
        "installing packages wants root: run the tests in a container"
    );
    let house = House::new();
    let (_server, port) = house.listen(0).await;
    house.enrol(port).await.expect("enrolled");
    let name = format!("escadre-agent-test-{}", std::process::id());
    let _package = Package(name.clone());
    let dpkg = PackageVersion {
        name: "dpkg".to_owned(),
        arch: run("dpkg", &["--print-architecture"]),
        version: run("dpkg-query", &["-W", "-f=${Version}", "dpkg"]),
    };
    let publish = |bundle_name: &str, version: &str, before: Option<&str>| {
        let change = PackageChange {
            name: name.clone(),
            arch: "all".to_owned(),
            before: before.map(str::to_owned),
            after: Some(version.to_owned()),
            file: Some("test.deb".parse().expect("a path")),
            undo_file: None,
        };
        let set = PackageSet {
            kind: PackageKind::Deb,
            changes: vec![change],
            against: vec![dpkg.clone()],
        };
        let content = package(&house, &name, version);
        let mut manifest = Manifest::new(
            bundle(bundle_name),
            Timestamp::now(),
            content,
            Action::Packages(set),
        );
        manifest.observe = vec![Observation::Package {
            kind: PackageKind::Deb,
            name: name.clone(),
            version: Some(version.to_owned()),
        }];
        house.publish(&manifest);
    };
    publish("set@1", "1.0", None);
    publish("set@2", "2.0", Some("1.5"));
    publish("set@3", "3.0", Some("1.0"));
    let agent = Running::begin(&house.path("agent"));
    for (number, bundle_name, state, version) in [
        (1, "set@1", DeliveryState::Succeeded, "1.0"),
        (2, "set@2", DeliveryState::Refused, "1.0"),
        (3, "set@3", DeliveryState::Succeeded, "3.0"),
    ] {
        let id = house.order(bundle_name, number);
        let end = house.end_of(id).await;
        let outcome = house.with(|server| {
            server
                .reports
                .iter()
                .rev()
                .find_map(|report| report.outcome.clone())
        });
        assert_eq!(end.state, state, "{bundle_name}: {end:?} {outcome:?}");
        assert_eq!(run("dpkg-query", &["-W", "-f=${Version}", &name]), version);
        if state == DeliveryState::Refused {
            assert_eq!(end.refusal.expect("a refusal").code(), "wrong_target");
        }
    }
    agent.end().await;
}
