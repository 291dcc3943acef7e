//! Starting: anew, again, and where it must not.

use std::{net::SocketAddr, os::unix::fs::PermissionsExt};

use escadre_api::{agent::Contact, health::FindingLevel};
use escadre_model::check::CheckState;
use escadre_server::{FirstTrust, Server, StartError};
use escadre_trust::{Lifetimes, Publisher, RootPlan};

use crate::world::{Place, admin, inventory, until};

const NOWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_server_on_the_same_folder_is_refused() {
    let place = Place::new();
    let world = place.start().await;
    let error = Server::start(place.config(NOWHERE))
        .await
        .err()
        .expect("refused");
    assert!(matches!(error, StartError::Held { .. }), "{error}");
    world.stop().await;
    place.start().await.stop().await;
    for name in ["state", "state/server", "state/chunks"] {
        let mode = std::fs::metadata(place.path(name))
            .expect("there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o077, 0, "{name} is for its owner alone");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_fails_leaves_nothing_half_written() {
    let place = Place::new();
    let mut config = place.config(NOWHERE);
    config.publisher_root = Some(FirstTrust {
        root: b"{}".to_vec(),
        targets: b"{}".to_vec(),
    });
    let error = Server::start(config).await.err().expect("no root");
    assert!(matches!(error, StartError::Trust(_)), "{error}");
    assert!(!place.path("state/server").exists() && !place.path("state/.making").exists());
    place.start().await.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_a_publisher_runs_and_says_so() {
    let place = Place::new();
    let mut config = place.config(NOWHERE);
    config.publisher_dir = None;
    let server = Server::start(config).await.expect("a server");
    let findings = server
        .operations()
        .healthcheck(&admin())
        .await
        .expect("findings");
    let first = findings.first().expect("at least one");
    assert_eq!(
        (first.name.as_str(), first.level),
        ("trust.none", FindingLevel::Critical)
    );
    let error = server
        .agent_enrolment_token("x")
        .await
        .expect_err("nothing to pin");
    assert_eq!(error.code, "trust.none");
    // A publisher elsewhere signs for the keys of this server; here, for another server's: refused.
    let elsewhere = Publisher::create(&place.path("elsewhere"), None).expect("a publisher");
    let plan = RootPlan {
        publishers: vec![elsewhere.public_key()],
        threshold: 1,
        online: server.online_keys(),
        lifetimes: Lifetimes::default(),
    };
    let (root, targets) = elsewhere
        .found(&plan, escadre_model::Timestamp::now())
        .expect("signed");
    server.shutdown().await;
    let other = Place::new();
    let mut config = other.config(NOWHERE);
    config.publisher_root = Some(FirstTrust { root, targets });
    let error = Server::start(config)
        .await
        .err()
        .expect("another server's keys");
    assert!(matches!(error, StartError::Trust(_)), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_is_as_it_was_after_a_restart() {
    let place = Place::new();
    let world = place.start().await;
    let path = world
        .server
        .one_time_sign_in()
        .await
        .expect("a link")
        .expect("the first");
    let secret = path.rsplit('/').next().expect("a secret").to_owned();
    let session = world
        .ops()
        .sign_in_once(&secret, "::1")
        .await
        .expect("in")
        .secret;
    let mut agent = world.enrol("web", &place.path("")).await;
    agent
        .send(&Contact {
            inventory: Some(inventory(&[("nginx", "1.0")])),
            ..agent.contact()
        })
        .await;
    let mut orders = None;
    for _ in 0..3 {
        let result = agent.result("load", CheckState::Critical, 9.0);
        orders = Some(agent.say(vec![result], vec![]).await);
    }
    let orders = orders.expect("said");
    let hard = |world: &crate::world::World| {
        let ops = world.ops();
        async move {
            let check = ops.check(&admin(), "web", "load").await.ok()?;
            (check.summary.attempt == 3).then_some(check)
        }
    };
    let before = until("a hard problem", || hard(&world)).await;
    let comment = "looking into it";
    world
        .ops()
        .check_acknowledge(&admin(), "web", "load", comment)
        .await
        .expect("taken");
    let history = world
        .ops()
        .check_history(&admin(), "web", "load", 10)
        .await
        .expect("history");
    world.stop().await;

    let world = place.start().await;
    let after = world
        .ops()
        .check(&admin(), "web", "load")
        .await
        .expect("still there");
    assert_eq!(
        (after.summary.state, after.summary.since),
        (before.summary.state, before.summary.since)
    );
    assert_eq!(
        after
            .summary
            .acknowledged
            .as_ref()
            .map(|taken| taken.comment.as_str()),
        Some(comment)
    );
    assert_eq!(
        world
            .ops()
            .check_history(&admin(), "web", "load", 10)
            .await
            .expect("history"),
        history
    );
    let host = world
        .ops()
        .host(&admin(), "web")
        .await
        .expect("still there");
    assert_eq!(host.inventory.packages.len(), 1);
    world
        .ops()
        .session(&session, "::1")
        .await
        .expect("still signed in");
    agent.address = world.agents;
    let again = agent.say(vec![], vec![]).await;
    assert_eq!(
        (again.results_stored, again.checks),
        (3, None),
        "the same orders have the same number"
    );
    assert_eq!(again.revision, orders.revision);
    assert!(again.epoch > orders.epoch, "a new owner, a new epoch");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publisher_elsewhere_founds_trust_on_a_running_server() {
    let place = Place::new();
    let mut config = place.config(NOWHERE);
    config.publisher_dir = None;
    let server = Server::start(config).await.expect("a server");
    let ops = server.operations();
    let now = escadre_model::Timestamp::now();
    let publisher = Publisher::create(&place.path("elsewhere"), None).expect("a publisher");
    let plan = |publishers| RootPlan {
        publishers,
        threshold: 1,
        online: server.online_keys(),
        lifetimes: Lifetimes::default(),
    };
    let (root, targets) = publisher
        .found(&plan(vec![publisher.public_key()]), now)
        .expect("signed");
    let early = ops
        .trust_put(&admin(), "targets.json", targets.clone().into())
        .await;
    assert!(early.is_err(), "a list without a root means nothing");
    ops.trust_put(&admin(), "root.json", root.clone().into())
        .await
        .expect("waits");
    assert!(
        ops.trust_file(&admin(), "root.json").await.is_err(),
        "not before its list is here"
    );
    ops.trust_put(&admin(), "targets.json", targets.clone().into())
        .await
        .expect("founded");
    assert_eq!(
        ops.trust_file(&admin(), "root.json").await.expect("there"),
        root
    );
    let old = server
        .agent_enrolment_token("before")
        .await
        .expect("a text");

    // Other publishers: the new root and the list that they sign belong together.
    let next = Publisher::create(&place.path("next"), None).expect("a publisher");
    let both = plan(vec![publisher.public_key(), next.public_key()]);
    let second = publisher.next_root(&root, &both, now).expect("signed");
    ops.trust_put(&admin(), "root.json", second.clone().into())
        .await
        .expect("taken");
    assert_eq!(
        ops.trust_file(&admin(), "root.json").await.expect("there"),
        second
    );
    let pinned = escadre_trust::EnrolmentText::parse(&old)
        .expect("a text")
        .root;
    assert_eq!(
        pinned,
        escadre_trust::Fingerprint::of(&root),
        "the text of before still pins the first root"
    );
    for wrong in ["timestamp.json", "snapshot.json", "../x"] {
        assert!(
            ops.trust_put(&admin(), wrong, root.clone().into())
                .await
                .is_err(),
            "{wrong}"
        );
    }
    server.shutdown().await;
}
