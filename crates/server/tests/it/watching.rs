//! Watching through the operations: silence, downtimes, lists, the time line, live events.

use escadre_api::{
    account::Settings,
    agent::Contact,
    check::{CheckFilter, DowntimeNew},
    host::{HostEdit, HostFilter, HostState},
    live::LiveEvent,
};
use escadre_model::check::CheckState;
use futures_util::StreamExt;

use crate::world::{Place, SOON, World, admin, inventory, until};

async fn contact_every(world: &World, seconds: u32) {
    let settings = world.ops().settings(&admin()).await.expect("settings");
    let settings = Settings {
        contact_every_s: seconds,
        ..settings
    };
    world
        .ops()
        .settings_edit(&admin(), settings)
        .await
        .expect("changed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_agent_becomes_stale_and_is_said_so_live() {
    let place = Place::new();
    let world = place.start().await;
    contact_every(&world, 1).await;
    let mut agent = world.enrol("web", &place.path("")).await;
    agent
        .send(&Contact {
            inventory: Some(inventory(&[])),
            ..agent.contact()
        })
        .await;
    let state = |world: &World| {
        let ops = world.ops();
        async move {
            ops.hosts(&admin(), HostFilter::default())
                .await
                .ok()?
                .into_iter()
                .next()
        }
    };
    until("up", || async {
        state(&world)
            .await
            .filter(|host| host.state == HostState::Up && !host.stale)
    })
    .await;
    let mut live = world.ops().live();
    until("stale", || async {
        state(&world).await.filter(|host| host.stale)
    })
    .await;
    let told = tokio::time::timeout(SOON, async {
        while let Some(event) = live.next().await {
            if event == (LiveEvent::Host { name: "web".into() }) {
                return true;
            }
        }
        false
    });
    assert!(told.await.expect("soon"), "pages are told");
    let inbox = world.ops().inbox(&admin()).await.expect("the first page");
    assert_eq!(inbox.counts.hosts_up, 0);
    assert!(
        inbox
            .stale
            .iter()
            .chain(&inbox.problems)
            .any(|check| check.host == "web")
    );
    assert!(
        inbox
            .findings
            .iter()
            .any(|finding| finding.name == "agents.silent")
    );
    agent.say(vec![], vec![]).await;
    until("up again", || async {
        state(&world)
            .await
            .filter(|host| host.state == HostState::Up && !host.stale)
    })
    .await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queries_and_edits_and_the_time_line() {
    let place = Place::new();
    let world = place.start().await;
    let mut web = world.enrol("web", &place.path("")).await;
    web.send(&Contact {
        inventory: Some(inventory(&[("nginx", "1.18")])),
        ..web.contact()
    })
    .await;
    web.send(&Contact {
        inventory: Some(inventory(&[("nginx", "1.22"), ("curl", "8")])),
        ..web.contact()
    })
    .await;
    world.enrol("db", &place.path("")).await;
    let names = |query: &'static str| {
        let ops = world.ops();
        async move {
            let filter = HostFilter {
                query: query.into(),
                ..Default::default()
            };
            let found = ops.hosts(&admin(), filter).await.expect("hosts");
            found.into_iter().map(|host| host.name).collect::<Vec<_>>()
        }
    };
    for (query, expected) in [
        ("", vec!["db", "web"]),
        ("has:nginx", vec!["web"]),
        ("has:nginx<1.20", vec![]),
        ("not has:nginx", vec!["db"]),
        ("ip:10.1.0.0/16", vec!["web"]),
        ("os:debian site:bordeaux tag:front", vec!["web"]),
    ] {
        assert_eq!(names(query).await, expected, "{query}");
    }
    let wrong = HostFilter {
        query: "(".into(),
        ..Default::default()
    };
    assert_eq!(
        world
            .ops()
            .hosts(&admin(), wrong)
            .await
            .expect_err("no query")
            .code,
        "query.invalid"
    );
    let edit = HostEdit {
        tags: Some(vec!["old".into()]),
        ..Default::default()
    };
    world
        .ops()
        .host_edit(&admin(), "web", edit)
        .await
        .expect("changed");
    assert_eq!(names("tag:old").await, ["web"]);
    let line = world
        .ops()
        .host_timeline(&admin(), "web", None, 50)
        .await
        .expect("a time line");
    let said: Vec<String> = line
        .iter()
        .map(|entry| format!("{} {} {}", entry.kind, entry.subject, entry.state))
        .collect();
    for expected in [
        "inventory package nginx upgraded",
        "inventory package curl installed",
        "audit host.edit done",
        "audit host.enrol done",
    ] {
        assert!(
            said.iter().any(|entry| entry == expected),
            "{expected} in {said:?}"
        );
    }
    assert!(line.is_sorted_by(|a, b| a.at >= b.at), "newest first");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn downtimes_are_planned_and_taken_back() {
    let place = Place::new();
    let world = place.start().await;
    let mut agent = world.enrol("web", &place.path("")).await;
    agent
        .send(&Contact {
            inventory: Some(inventory(&[])),
            ..agent.contact()
        })
        .await;
    for _ in 0..3 {
        let result = agent.result("load", CheckState::Critical, 9.0);
        agent.say(vec![result], vec![]).await;
    }
    let problems = || {
        let ops = world.ops();
        async move {
            let filter = CheckFilter {
                problems: true,
                ..Default::default()
            };
            let found = ops.checks(&admin(), filter).await.expect("checks");
            found.into_iter().find(|check| check.name == "load")
        }
    };
    until("a problem", problems).await;
    let refused = world
        .ops()
        .check_acknowledge(&admin(), "web", "memory", "x")
        .await
        .expect_err("pending");
    assert_eq!(refused.code, "check.no_problem");
    let new = DowntimeNew {
        host: "web".into(),
        check: None,
        duration_s: 3600,
        comment: "moving".into(),
    };
    let planned = world
        .ops()
        .downtime_add(&admin(), new.clone())
        .await
        .expect("planned");
    until("in downtime", || async {
        problems().await.filter(|check| check.in_downtime)
    })
    .await;
    let inbox = world.ops().inbox(&admin()).await.expect("the first page");
    assert!(inbox.problems.is_empty() && inbox.handled.len() == 1);
    let other = world
        .ops()
        .downtime_add(
            &admin(),
            DowntimeNew {
                check: Some("load".into()),
                ..new
            },
        )
        .await;
    assert!(other.expect("planned").number > planned.number);
    world
        .ops()
        .downtime_remove(&admin(), planned.number)
        .await
        .expect("taken back");
    let again = world
        .ops()
        .downtime_remove(&admin(), planned.number)
        .await
        .expect_err("gone");
    assert_eq!(again.code, "downtime.unknown");
    let detail = world
        .ops()
        .check(&admin(), "web", "load")
        .await
        .expect("there");
    assert_eq!(detail.downtimes.len(), 1);
    let text = world.ops().metrics().await.expect("metrics");
    for expected in [
        "escadre_hosts{state=\"up\"} 1",
        "escadre_role_well{role=\"scheduler\"} 1",
        "escadre_check_results_total 3",
    ] {
        assert!(text.contains(expected), "{expected} in\n{text}");
    }
    world.stop().await;
}
