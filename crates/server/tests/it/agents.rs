//! The agent port: enrolment, what an agent may reach, results that count once, orders.

use escadre_api::{
    ErrorKind, Role,
    account::TokenNew,
    agent::{Contact, Orders, Renew, Renewed},
    check::CheckFilter,
};
use escadre_model::check::CheckState;
use escadre_trust::{AgentKey, EnrolmentText, tls};
use reqwest::{Client, StatusCode};

use crate::world::{Place, admin, inventory, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_makes_one_host_and_no_second() {
    let place = Place::new();
    let world = place.start().await;
    let text = world.enrolment().await;
    let key = AgentKey::create(&place.path("one.key")).expect("a key");
    let first = world.try_enrol(&text, "Web1.Example.Org", &key).await;
    assert_eq!(first.status(), StatusCode::OK);
    let again = world.try_enrol(&text, "web2", &key).await;
    assert_eq!(again.status(), StatusCode::UNAUTHORIZED);
    let error: escadre_api::ApiError = again.json().await.expect("an error document");
    assert_eq!(error.code, "enrol.token_used");
    let host = world
        .ops()
        .host(&admin(), "web1.example.org")
        .await
        .expect("there");
    assert_eq!(
        (host.summary.site.as_str(), host.summary.tags.as_slice()),
        ("bordeaux", &["front".to_owned()][..])
    );
    let audit = world
        .ops()
        .audit(&admin(), Default::default())
        .await
        .expect("lines");
    let lines: Vec<(&str, &str)> = audit
        .iter()
        .map(|e| (e.action.as_str(), e.outcome.as_str()))
        .collect();
    assert_eq!(
        lines,
        [
            ("host.enrol", "enrol.token_used"),
            ("host.enrol", "done"),
            ("token.create", "done")
        ],
        "refusals are in the log too"
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_race_for_one_token_has_one_winner() {
    let place = Place::new();
    let world = place.start().await;
    let text = world.enrolment().await;
    let keys: Vec<AgentKey> = (0..6)
        .map(|n| AgentKey::create(&place.path(&format!("{n}.key"))).expect("a key"))
        .collect();
    let tries = keys.iter().map(|key| world.try_enrol(&text, "racer", key));
    let answers = futures_join(tries).await;
    let won = answers
        .iter()
        .filter(|answer| answer.status() == StatusCode::OK)
        .count();
    assert_eq!(won, 1);
    assert_eq!(
        world
            .ops()
            .hosts(&admin(), Default::default())
            .await
            .expect("hosts")
            .len(),
        1
    );
    world.stop().await;
}

async fn futures_join<T>(futures: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut all: Vec<_> = futures.map(Box::pin).collect();
    let mut done = Vec::new();
    // Polled together: each future gets its turn before any is awaited to its end.
    std::future::poll_fn(|context| {
        all.retain_mut(|future| match future.as_mut().poll(context) {
            std::task::Poll::Ready(value) => {
                done.push(value);
                false
            }
            std::task::Poll::Pending => true,
        });
        if all.is_empty() {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    done
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_are_made_unique_and_bad_tokens_and_names_are_refused() {
    let place = Place::new();
    let world = place.start().await;
    let names = [
        world.enrol("web", &place.path("")).await.name,
        world.enrol("web", &place.path("")).await.name,
    ];
    assert_eq!(names, ["web", "web-2"]);
    let text = world.enrolment().await;
    let key = AgentKey::create(&place.path("bad.key")).expect("a key");
    let wrong = world.try_enrol(&text, "../etc", &key).await;
    assert_eq!(wrong.status(), StatusCode::BAD_REQUEST);
    assert_eq!(
        world.try_enrol(&text, "good", &key).await.status(),
        StatusCode::OK,
        "the token was not used up"
    );
    let new = TokenNew {
        name: "to revoke".into(),
        kind: escadre_api::account::TokenKind::Enrolment,
        role: None,
        site: None,
        tags: vec![],
        lifetime_s: None,
    };
    let made = world
        .ops()
        .token_create(&admin(), new)
        .await
        .expect("a token");
    world
        .ops()
        .token_revoke(&admin(), made.token.id)
        .await
        .expect("revoked");
    let answer = world.try_enrol(&made.secret, "late", &key).await;
    let error: escadre_api::ApiError = answer.json().await.expect("an error document");
    assert_eq!(
        (error.kind, error.code.as_str()),
        (ErrorKind::Unauthenticated, "enrol.token_revoked")
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_certificate_only_enrolment_answers() {
    let place = Place::new();
    let world = place.start().await;
    let pinned = EnrolmentText::parse(&world.enrolment().await).expect("a text");
    let config = tls::client_config_for_enrolment(pinned.ca).expect("a TLS configuration");
    let stranger = Client::builder()
        .tls_backend_preconfigured(config)
        .build()
        .expect("a client");
    let hash = "0".repeat(64);
    let chunk = format!("chunks/{hash}");
    for path in [
        "wait?revision=0",
        "trust/timestamp.json",
        "trust/1.root.json",
        chunk.as_str(),
    ] {
        let answer = stranger
            .get(world.url(path))
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{path}");
    }
    for path in ["contact", "renew"] {
        let answer = stranger
            .post(world.url(path))
            .body("{}")
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{path}");
    }
    let answer = stranger
        .get(world.url("nothing"))
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_of_another_installation_opens_nothing() {
    let (place, other) = (Place::new(), Place::new());
    let (world, elsewhere) = (place.start().await, other.start().await);
    let mut stranger = elsewhere.enrol("stranger", &other.path("")).await;
    stranger.address = world.agents;
    let answer = stranger
        .client
        .post(stranger.url("contact"))
        .json(&stranger.contact())
        .send()
        .await;
    assert!(
        answer.is_err(),
        "neither side believes the other: {answer:?}"
    );
    elsewhere.stop().await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn results_count_once_whatever_is_lost_or_sent_twice() {
    let place = Place::new();
    let world = place.start().await;
    let mut agent = world.enrol("web", &place.path("")).await;
    let orders = agent
        .send(&Contact {
            inventory: Some(inventory(&[])),
            ..agent.contact()
        })
        .await;
    assert!(
        orders
            .checks
            .as_ref()
            .is_some_and(|checks| checks.iter().any(|check| check.name.0 == "load"))
    );
    assert!(!orders.want_inventory && orders.epoch > 0);
    let batch = vec![
        agent.result("load", CheckState::Ok, 1.0),
        agent.result("load", CheckState::Warning, 2.0),
        agent.result("load", CheckState::Ok, 3.0),
    ];
    let orders = agent.say(batch.clone(), vec![]).await;
    assert_eq!(orders.results_stored, 3);
    assert_eq!(orders.checks, None, "the agent has these checks");
    // The answer was lost on the way: everything is sent again, with one more.
    let mut again = batch;
    again.push(agent.result("load", CheckState::Ok, 4.0));
    assert_eq!(agent.say(again.clone(), vec![]).await.results_stored, 4);
    // A hole: what follows it is left for the agent to send again.
    agent.results += 1;
    let early = agent.result("load", CheckState::Ok, 6.0);
    assert_eq!(agent.say(vec![early], vec![]).await.results_stored, 4);
    let points = until("four values", || async {
        let until = escadre_model::Timestamp::now();
        let from = until - std::time::Duration::from_secs(120);
        let series = world
            .ops()
            .check_perf(&admin(), "web", "load", from, until, 100)
            .await
            .ok()?;
        let values: Vec<f64> = series
            .first()?
            .points
            .iter()
            .map(|point| point.value)
            .collect();
        (values.len() >= 4).then_some(values)
    })
    .await;
    assert_eq!(points, [1.0, 2.0, 3.0, 4.0]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_speaks_for_itself_only_and_a_removed_one_not_at_all() {
    let place = Place::new();
    let world = place.start().await;
    let mut one = world.enrol("one", &place.path("")).await;
    let mut two = world.enrol("two", &place.path("")).await;
    for agent in [&mut one, &mut two] {
        agent
            .send(&Contact {
                inventory: Some(inventory(&[])),
                ..agent.contact()
            })
            .await;
    }
    let result = one.result("load", CheckState::Ok, 1.0);
    one.say(vec![result], vec![]).await;
    until("the result of one", || async {
        let filter = CheckFilter {
            host: Some("one".into()),
            ..Default::default()
        };
        let checks = world.ops().checks(&admin(), filter).await.ok()?;
        checks
            .iter()
            .find(|check| check.name == "load" && check.state == CheckState::Ok)
            .map(drop)
    })
    .await;
    let filter = CheckFilter {
        host: Some("two".into()),
        ..Default::default()
    };
    let others = world.ops().checks(&admin(), filter).await.expect("checks");
    assert!(
        others
            .iter()
            .filter(|check| check.name == "load")
            .all(|check| check.state == CheckState::Pending)
    );
    assert_eq!(
        two.say(vec![], vec![]).await.results_stored,
        0,
        "each has its own numbers"
    );

    world
        .ops()
        .host_remove(&admin(), "two")
        .await
        .expect("removed");
    let answer = two
        .client
        .post(two.url("contact"))
        .json(&two.contact())
        .send()
        .await
        .expect("an old connection");
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    let renewal = Renew {
        csr: AgentKey::create(&place.path("new.key"))
            .expect("a key")
            .request()
            .expect("a request"),
    };
    let answer = two
        .client
        .post(two.url("renew"))
        .json(&renewal)
        .send()
        .await
        .expect("an old connection");
    assert_eq!(
        answer.status(),
        StatusCode::FORBIDDEN,
        "nor does it renew itself"
    );
    let answer = one
        .client
        .post(one.url("renew"))
        .json(&renewal)
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.status(), StatusCode::OK);
    let renewed: Renewed = answer.json().await.expect("a document");
    let certificate = escadre_trust::authority::certificate_from_pem(&renewed.certificate)
        .expect("a certificate");
    assert_eq!(
        escadre_trust::PeerIdentity::of(&certificate)
            .expect("a host")
            .host,
        one.id
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_is_told_when_the_orders_change() {
    let place = Place::new();
    let world = place.start().await;
    let mut agent = world.enrol("web", &place.path("")).await;
    agent
        .send(&Contact {
            inventory: Some(inventory(&[])),
            ..agent.contact()
        })
        .await;
    let wait = agent
        .client
        .get(agent.url(&format!("wait?revision={}", agent.revision)))
        .send();
    let waiting = tokio::spawn(wait);
    world
        .ops()
        .check_run(&admin(), "web", "load")
        .await
        .expect("ordered");
    let answer = tokio::time::timeout(crate::world::SOON, waiting)
        .await
        .expect("soon")
        .expect("no panic");
    assert_eq!(answer.expect("an answer").status(), StatusCode::OK);
    let orders: Orders = agent.say(vec![], vec![]).await;
    assert_eq!(
        orders
            .run_now
            .iter()
            .map(|check| check.0.as_str())
            .collect::<Vec<_>>(),
        ["load"]
    );
    assert_eq!(orders.checks, None);
    let orders = agent.say(vec![], vec![]).await;
    assert_eq!(
        orders.run_now,
        vec![],
        "said once the agent has shown that it knows"
    );
    let refused = world
        .ops()
        .check_run(&crate::world::actor(Role::Viewer), "web", "load")
        .await;
    assert_eq!(refused.expect_err("a viewer").kind, ErrorKind::Forbidden);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_bodies_are_refused_in_words() {
    let place = Place::new();
    let world = place.start().await;
    let agent = world.enrol("web", &place.path("")).await;
    let deep = "[".repeat(100_000);
    let bodies = [
        "",
        "{",
        "null",
        "[]",
        "{\"sent\":\"yesterday\"}",
        deep.as_str(),
    ];
    for body in bodies {
        let answer = agent
            .client
            .post(agent.url("contact"))
            .body(body.to_owned())
            .send()
            .await
            .expect("an answer");
        assert_eq!(
            answer.status(),
            StatusCode::BAD_REQUEST,
            "{}",
            &body[..body.len().min(30)]
        );
    }
    let large = agent
        .client
        .post(agent.url("renew"))
        .body(vec![b' '; 100 << 10])
        .send()
        .await
        .expect("an answer");
    assert_eq!(large.status(), StatusCode::PAYLOAD_TOO_LARGE);
    for path in [
        "trust/../online/snapshot.pem",
        "trust/%2e%2e/store.db",
        "trust/manifests/../../ca/ca.key",
        "chunks/x",
    ] {
        let answer = agent
            .client
            .get(agent.url(path))
            .send()
            .await
            .expect("an answer");
        assert!(
            answer.status().is_client_error(),
            "{path}: {}",
            answer.status()
        );
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_restored_server_has_lost_is_skipped_once_and_on_the_record() {
    let place = Place::new();
    let world = place.start().await;
    let mut agent = world.enrol("web", &place.path("")).await;
    let kept = agent.result("load", CheckState::Ok, 1.0);
    assert_eq!(agent.say(vec![kept], vec![]).await.results_stored, 1);
    // 2 to 4 were acknowledged after the copy was made; of reports 1 and 2.
    (agent.results, agent.reports) = (4, 2);
    let fifth = agent.result("load", CheckState::Ok, 5.0);
    let delivery = escadre_model::DeliveryId::from_random([9; 16]);
    let unknown = agent.report(delivery, escadre_model::delivery::DeliveryState::Failed);
    let without = Contact {
        results: vec![fifth.clone()],
        reports: vec![unknown.clone()],
        ..agent.contact()
    };
    let stored = |orders: Orders| (orders.results_stored, orders.reports_stored);
    assert_eq!(stored(agent.send(&without).await), (1, 0), "a hole");
    let honest = Contact {
        results_from: Some(2),
        reports_from: Some(1),
        ..without.clone()
    };
    assert_eq!(
        stored(agent.send(&honest).await),
        (1, 0),
        "one to be filled"
    );
    let mut lost = Contact {
        results_from: Some(5),
        reports_from: Some(3),
        ..without
    };
    for _ in 0..2 {
        assert_eq!(stored(agent.send(&lost).await), (5, 3), "it goes on");
    }
    let sixth = agent.result("load", CheckState::Ok, 6.0);
    assert_eq!(stored(agent.say(vec![sixth], vec![]).await), (6, 3));
    lost.results_from = Some(u64::MAX);
    let answer = agent.client.post(agent.url("contact")).json(&lost).send();
    assert_eq!(
        answer.await.expect("an answer").status(),
        StatusCode::BAD_REQUEST
    );
    let audit = world
        .ops()
        .audit(&admin(), Default::default())
        .await
        .expect("lines");
    let lines: Vec<(&str, &str)> = audit
        .iter()
        .filter(|line| line.action == "host.words_lost")
        .map(|line| (line.subject.as_str(), line.detail.as_str()))
        .collect();
    let detail = "3 results and 2 reports of the host were acknowledged and are not here: the state was restored from an older copy";
    assert_eq!(lines, [("web", detail)], "said once");
    world.stop().await;
}
