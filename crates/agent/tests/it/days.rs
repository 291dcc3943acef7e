//! Ordinary days of an agent: it enrols, tells what it is, checks, and applies what is signed.

use std::{fs, time::Duration};

use escadre_agent::AgentError;
use escadre_bundle::{Action, Command, Manifest, Observation};
use escadre_model::{
    CheckName, Timestamp,
    check::{CheckCommand, CheckDefinition, CheckState},
    delivery::DeliveryState,
};

use crate::house::{House, Running, bundle};

#[tokio::test]
async fn a_machine_becomes_a_host_once() {
    let house = House::new();
    let (_server, port) = house.listen(0).await;
    let enrolment = house.enrol(port).await.expect("enrolled");
    assert_eq!(
        (enrolment.host, enrolment.name.as_str()),
        (house.host, "alpha")
    );
    let mode = fs::metadata(house.path("agent"))
        .map(|m| std::os::unix::fs::PermissionsExt::mode(&m.permissions()));
    assert_eq!(mode.expect("a folder") & 0o777, 0o700);
    assert!(matches!(
        house.enrol(port).await,
        Err(AgentError::AlreadyEnrolled { .. })
    ));
    let first = Running::begin(&house.path("agent"));
    house
        .until("an inventory", |server| server.inventory.clone())
        .await;
    let second = escadre_agent::run(
        escadre_agent::RunOptions::new(house.path("agent")),
        std::future::pending(),
    )
    .await;
    assert!(matches!(second, Err(AgentError::InUse(_))), "{second:?}");
    first.end().await;
}

#[tokio::test]
async fn another_server_is_not_believed() {
    let (house, other) = (House::new(), House::new());
    let (_server, port) = other.listen(0).await;
    let error = house.enrol(port).await.expect_err("another CA");
    assert!(matches!(error, AgentError::Link(_)), "{error}");
    assert!(!house.path("agent/agent.json").exists());
}

#[tokio::test]
async fn inventory_checks_and_a_delivery() {
    let house = House::new();
    let (_server, port) = house.listen(0).await;
    house.enrol(port).await.expect("enrolled");
    let file = house.path("trace");
    let script = format!(
        "echo \"$ESCADRE_BUNDLE $ESCADRE_VERSION $1\" >> {}; echo done",
        file.display()
    );
    let mut manifest = house.script("hello@1.0", &script);
    manifest.observe = vec![Observation::Command {
        command: Command::Shell(format!("grep -q hello {}", file.display())),
        timeout: escadre_bundle::Seconds(5),
    }];
    house.publish(&manifest);
    house.with(|server| {
        server.revision += 1;
        server.checks = vec![CheckDefinition {
            name: CheckName("memory".to_owned()),
            command: CheckCommand::Builtin {
                name: "memory".to_owned(),
                args: Vec::new(),
            },
            interval_s: 60,
            retry_s: 60,
            max_attempts: 1,
            timeout_s: 10,
            freshness_s: 0,
        }];
    });
    let agent = Running::begin(&house.path("agent"));
    let id = house.order("hello@1.0", 1);
    let end = house.end_of(id).await;
    let outcome = house.with(|server| {
        server
            .reports
            .iter()
            .find_map(|report| report.outcome.clone())
    });
    assert_eq!(end.state, DeliveryState::Succeeded, "{end:?} {outcome:?}");
    let outcome = outcome.expect("an outcome");
    assert_eq!(
        (outcome.exit_code, outcome.output.as_str(), outcome.attempts),
        (Some(0), "done\n", 1)
    );
    assert_eq!(
        fs::read_to_string(&file).expect("it ran"),
        "hello 1.0 --quiet\n"
    );
    use DeliveryState::{Applying, Fetching, Notified, Observing, Succeeded, Verified};
    let states = house.with(|server| server.states(id));
    assert_eq!(
        states,
        [Notified, Fetching, Verified, Applying, Observing, Succeeded]
    );
    let inventory = house
        .until("an inventory", |server| server.inventory.clone())
        .await;
    assert!(!inventory.os.id.is_empty() && !inventory.packages.is_empty());
    let result = house
        .until("a result", |server| server.results.first().cloned())
        .await;
    assert_eq!(result.check.0, "memory");
    assert_ne!(result.result.state, CheckState::Unknown, "{result:?}");
    agent.end().await;
}

#[tokio::test]
async fn only_chunks_that_lack_are_fetched() {
    let house = House::new();
    let (_server, port) = house.listen(0).await;
    house.enrol(port).await.expect("enrolled");
    let target = house.path("stored");
    let store = |name: &str, files: &[(&str, &str)]| {
        let action = Action::Store {
            path: target.to_string_lossy().into_owned(),
        };
        house.publish(&Manifest::new(
            bundle(name),
            Timestamp::now(),
            house.pack(files),
            action,
        ));
    };
    store("files@1", &[("a", "first"), ("b", "second")]);
    store("files@2", &[("a", "first"), ("b", "changed")]);
    let agent = Running::begin(&house.path("agent"));
    for (name, number, asked) in [("files@1", 1, 2), ("files@2", 2, 3)] {
        let id = house.order(name, number);
        assert_eq!(
            house.end_of(id).await.state,
            DeliveryState::Succeeded,
            "{name}"
        );
        assert_eq!(house.with(|server| server.chunks_asked), asked, "{name}");
    }
    assert_eq!(
        fs::read_to_string(target.join("b")).expect("stored"),
        "changed"
    );
    agent.end().await;
}

#[tokio::test]
async fn results_of_a_silence_come_in_order_afterwards() {
    let house = House::new();
    let (server, port) = house.listen(0).await;
    house.enrol(port).await.expect("enrolled");
    house.with(|server| {
        server.revision += 1;
        server.checks = vec![CheckDefinition {
            name: CheckName("tick".to_owned()),
            command: CheckCommand::Builtin {
                name: "load".to_owned(),
                args: Vec::new(),
            },
            interval_s: 1,
            retry_s: 1,
            max_attempts: 1,
            timeout_s: 10,
            freshness_s: 0,
        }];
    });
    let agent = Running::begin(&house.path("agent"));
    let before = house
        .until("a result", |server| {
            server.results.last().map(|result| result.sequence)
        })
        .await;
    server.abort();
    agent.end().await;
    // Without a server, and without having spoken to one since its start: from its last orders.
    let agent = Running::begin(&house.path("agent"));
    let journal = house.path("agent/results.journal");
    let count =
        || fs::read_to_string(&journal).map_or(0, |text| text.matches("\"output\"").count());
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    while count() < 3 {
        assert!(std::time::Instant::now() < deadline, "no checks run");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    agent.end().await;
    let (_server, _) = house.listen(port).await;
    let agent = Running::begin(&house.path("agent"));
    let results = house
        .until("results", |server| {
            (server.results.len() as u64 >= before + 3).then(|| server.results.clone())
        })
        .await;
    assert!(
        results.is_sorted_by(
            |a, b| a.sequence + 1 == b.sequence && a.result.started <= b.result.started
        )
    );
    agent.end().await;
}

#[tokio::test]
async fn a_certificate_is_renewed_before_its_end() {
    let house = House::new();
    let (_server, port) = house.listen(0).await;
    house.with(|server| server.certificate_days = 70);
    house.enrol(port).await.expect("enrolled");
    let read = |name: &str| fs::read_to_string(house.path("agent").join(name)).expect("readable");
    let (key, old) = (read("agent.key"), read("agent.crt"));
    let agent = Running::begin(&house.path("agent"));
    house
        .until("a renewal", |server| (server.renewals == 1).then_some(()))
        .await;
    // Whatever comes afterwards goes over the new certificate.
    house.publish(&house.script("hello@1.0", "exit 0"));
    let id = house.order("hello@1.0", 1);
    assert_eq!(house.end_of(id).await.state, DeliveryState::Succeeded);
    agent.end().await;
    assert!(read("agent.key") == key && read("agent.crt") != old);
    let agent = Running::begin(&house.path("agent"));
    house.order("hello@1.0", 2);
    house
        .end_of(escadre_model::DeliveryId::from_random([2; 16]))
        .await;
    agent.end().await;
    assert_eq!(house.with(|server| server.renewals), 1, "once is enough");
}

#[tokio::test]
async fn a_server_that_was_put_back_is_told_the_end_as_it_was() {
    let house = House::new();
    let (_server, port) = house.listen(0).await;
    house.enrol(port).await.expect("enrolled");
    house.publish(&house.script("hello@1.0", "echo spoke; exit 7"));
    let running = Running::begin(&house.path("agent"));
    let id = house.order("hello@1.0", 1);
    let end = house.end_of(id).await;
    assert_eq!(end.state, DeliveryState::Failed);
    assert_eq!(end.message, "the action ended with exit code 7");
    // The next contact shows that the agent has let go of them.
    house.with(|server| server.revision += 1);
    house.changed.notify_waiters();
    let answers = house.with(|server| server.answers.len());
    house
        .until("another contact", |server| {
            (server.answers.len() > answers).then_some(())
        })
        .await;
    house.with(|server| {
        server.reports.clear();
        server.results.clear();
        server.lost = (0, 0);
    });
    assert_eq!(house.order("hello@1.0", 1), id, "the same order again");
    let again = house.end_of(id).await;
    assert_eq!(
        (again.state, &again.message, &again.outcome, again.at),
        (end.state, &end.message, &end.outcome, end.at)
    );
    assert!(again.sequence > end.sequence, "behind what was lost");
    assert_eq!(house.with(|server| server.lost.1), end.sequence);
    running.end().await;
}
