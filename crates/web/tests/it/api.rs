//! The REST API: its document, its guards, its errors, its formats.

use std::collections::BTreeSet;

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use escadre_api::{ApiError, Role};
use escadre_web::{Face, rest, router, socket_router};
use serde_json::Value;

use crate::{
    client::{Answer, Client},
    fixture::{Fixture, setup},
};

fn stranger() -> Client {
    Client::new(Fixture::new(), Face::Configuration, Role::Viewer).stranger()
}

async fn call(client: &Client, method: &str, path: &str, token: &str, body: &str) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json")
        .body(Body::from(body.to_owned()));
    client.send(request.expect("a request")).await
}

fn error(answer: &Answer) -> ApiError {
    serde_json::from_str(&answer.body)
        .unwrap_or_else(|_| panic!("no error document: {}", answer.body))
}

/// `UPDATE_OPENAPI=1 cargo test -p escadre-web` writes the file anew.
#[test]
fn the_document_beside_the_sources_is_the_one_that_is_served() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(path, rest::document()).expect("the file is writable");
    }
    let file = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        file == rest::document(),
        "openapi.json is old; set UPDATE_OPENAPI=1 and run this test again"
    );
}

#[test]
fn references_in_the_document_lead_somewhere() {
    let document: Value = serde_json::from_str(rest::document()).expect("JSON");
    let text = rest::document();
    let mut seen = BTreeSet::new();
    for rest in text.split("\"#/components/schemas/").skip(1) {
        seen.insert(rest.split('"').next().expect("a name"));
    }
    assert!(seen.len() > 30, "{seen:?}");
    for name in seen {
        assert!(
            document["components"]["schemas"][name].is_object(),
            "{name}"
        );
    }
}

/// Every documented route is there, wants somebody, and says no in our own words; and nothing is served undocumented.
#[tokio::test]
async fn every_route_is_documented_and_guarded() {
    let client = stranger();
    let document: Value = serde_json::from_str(rest::document()).expect("JSON");
    let routes = rest::routes_list();
    assert!(routes.len() > 45, "{}", routes.len());
    for (method, path) in &routes {
        assert!(
            document["paths"][path][method].is_object(),
            "{method} {path} is in no document"
        );
        let path = path
            .replace("{name}", "a")
            .replace("{version}", "1")
            .replace(['{', '}'], "");
        let request = Request::builder()
            .method(method.to_uppercase().as_str())
            .uri(&path)
            .body(Body::empty());
        let answer = client.send(request.expect("a request")).await;
        assert_eq!(
            answer.status,
            StatusCode::UNAUTHORIZED,
            "{method} {path}: {}",
            answer.body
        );
        assert_eq!(error(&answer).code, "auth.missing", "{method} {path}");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
    let documented: usize = document["paths"]
        .as_object()
        .expect("paths")
        .values()
        .map(|item| item.as_object().map_or(0, |item| item.len()))
        .sum();
    assert_eq!(documented, routes.len());
}

#[tokio::test]
async fn every_reading_route_answers() {
    let client = stranger();
    let bundle = "hello/1.0";
    for path in [
        "about",
        "inbox",
        "healthcheck",
        "settings",
        "hosts",
        "hosts/bdd-1",
        "hosts/bdd-1/packages",
        "hosts/bdd-1/timeline?limit=2&before=2026-11-20T09:00:00Z",
        "checks?problems=true",
        "checks/bdd-1/disk%20%2Fsrv",
        "checks/bdd-1/units/history?limit=3",
        "checks/bdd-1/units/perf?from=1700000000000&until=2026-11-20T09:00:00Z&points=9",
        "bundles",
        &format!("bundles/{bundle}"),
        &format!("uploads/{bundle}"),
        "rollouts",
        "rollouts/hello@1.0%231",
        "deliveries?failed=true&rollout=r-01040g2081040g2081040g2081",
        "deliveries/d-01040g2081040g2081040g2081",
        "tokens",
        "users",
        "audit?limit=1",
        "openapi.json",
    ] {
        let answer = call(
            &client,
            "GET",
            &format!("/api/v1/{path}"),
            "token-of-administrator",
            "",
        )
        .await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
        let value: Value = serde_json::from_str(&answer.body).expect("JSON");
        let listed = ["hosts", "bundles", "rollouts", "tokens", "users"].contains(&path);
        assert_eq!(value.is_array(), listed || value.is_array(), "{path}");
        if listed {
            assert!(value[0]["name"].is_string(), "{path} has names");
        }
    }
}

#[tokio::test]
async fn changing_routes_reach_their_operation() {
    let client = stranger();
    let rollout = "rollouts/r-01040g2081040g2081040g2081";
    for (method, path, body, status, done) in [
        (
            "PATCH",
            "hosts/bdd-1",
            r#"{"site":"brest"}"#,
            200,
            "host_edit bdd-1",
        ),
        ("DELETE", "hosts/bdd-1", "", 204, "host_remove bdd-1"),
        (
            "POST",
            "checks/bdd-1/units/run",
            "",
            202,
            "check_run bdd-1 units",
        ),
        (
            "POST",
            "checks/bdd-1/units/acknowledge",
            r#"{"comment":"mine"}"#,
            200,
            "check_acknowledge bdd-1 units mine",
        ),
        (
            "DELETE",
            "checks/bdd-1/units/acknowledge",
            "",
            200,
            "check_unacknowledge bdd-1 units",
        ),
        (
            "POST",
            "downtimes",
            r#"{"host":"bdd-1","duration_s":60,"comment":"x"}"#,
            201,
            "downtime_add bdd-1 None",
        ),
        ("DELETE", "downtimes/7", "", 204, "downtime_remove 7"),
        (
            "POST",
            "bundles",
            r#"{"manifest":"{}"}"#,
            201,
            "bundle_publish",
        ),
        (
            "DELETE",
            "bundles/hello/1.0",
            "",
            204,
            "bundle_remove hello@1.0",
        ),
        (
            "PUT",
            "chunks/abcd",
            "0123456789",
            204,
            "chunk_put abcd 10 bytes",
        ),
        (
            "PUT",
            "trust/targets.json",
            "{}",
            204,
            "trust_put targets.json",
        ),
        (
            "POST",
            "rollouts",
            r#"{"bundle":"hello@1.0","to":"os:debian"}"#,
            201,
            "rollout_create hello@1.0 to os:debian except []",
        ),
        (
            "POST",
            &format!("{rollout}/pause"),
            "",
            200,
            "rollout_pause r-01040g2081040g2081040g2081",
        ),
        (
            "POST",
            "rollouts/libreoffice@24.8.2%231/resume",
            "",
            200,
            "rollout_resume r-01040g2081040g2081040g2081",
        ),
        (
            "POST",
            &format!("{rollout}/abort"),
            "",
            200,
            "rollout_abort r-01040g2081040g2081040g2081",
        ),
        (
            "POST",
            "tokens",
            r#"{"name":"n","kind":"api"}"#,
            201,
            "token_create n",
        ),
        (
            "DELETE",
            "tokens/t-01040g2081040g2081040g2081",
            "",
            204,
            "token_revoke t-01040g2081040g2081040g2081",
        ),
        (
            "POST",
            "users",
            r#"{"name":"paul","role":"viewer"}"#,
            201,
            "user_create paul",
        ),
        (
            "PATCH",
            "users/paul",
            r#"{"disabled":true}"#,
            200,
            "user_edit paul",
        ),
        ("DELETE", "users/paul", "", 204, "user_remove paul"),
        (
            "POST",
            "users/paul/sign-in-path",
            "",
            200,
            "user_sign_in_path paul",
        ),
        (
            "PUT",
            "settings",
            r#"{"name":"N","contact_every_s":1,"keep_days":1,"sites":""}"#,
            200,
            "settings N",
        ),
    ] {
        let path = format!("/api/v1/{path}");
        let answer = call(&client, method, &path, "token-of-administrator", body).await;
        assert_eq!(
            answer.status.as_u16(),
            status,
            "{method} {path}: {}",
            answer.body
        );
        assert_eq!(
            client.fixture.done().last().map(String::as_str),
            Some(done),
            "{method} {path}"
        );
    }
}

#[tokio::test]
async fn refusals_are_documents_with_the_request() {
    let client = stranger();
    for (method, path, token, body, status, code) in [
        (
            "GET",
            "hosts/nobody",
            "token-of-viewer",
            "",
            404,
            "made-up.unknown",
        ),
        ("GET", "hosts", "no-token", "", 401, "auth.token"),
        ("GET", "nothing", "token-of-viewer", "", 404, "request.path"),
        ("PUT", "hosts", "token-of-viewer", "", 405, "request.method"),
        (
            "GET",
            "hosts?limit=many",
            "token-of-viewer",
            "",
            400,
            "request.query",
        ),
        (
            "POST",
            "rollouts",
            "token-of-publisher",
            "{",
            400,
            "request.body",
        ),
        (
            "POST",
            "rollouts",
            "token-of-publisher",
            r#"{"bundle":"../x","to":""}"#,
            400,
            "request.body",
        ),
        (
            "POST",
            "rollouts",
            "token-of-operator",
            r#"{"bundle":"a@1","to":""}"#,
            403,
            "auth.role",
        ),
        (
            "GET",
            "bundles/.a/1",
            "token-of-viewer",
            "",
            400,
            "bundle.name",
        ),
        (
            "GET",
            "deliveries/x",
            "token-of-viewer",
            "",
            400,
            "delivery.id",
        ),
        (
            "GET",
            "checks/a/b/perf?from=yesterday",
            "token-of-viewer",
            "",
            400,
            "request.time",
        ),
        (
            "DELETE",
            "downtimes/one",
            "token-of-viewer",
            "",
            400,
            "request.path",
        ),
    ] {
        let answer = call(&client, method, &format!("/api/v1/{path}"), token, body).await;
        assert_eq!(
            answer.status.as_u16(),
            status,
            "{method} {path}: {}",
            answer.body
        );
        let error = error(&answer);
        assert_eq!(error.code, code, "{method} {path}");
        assert_eq!(
            error.request.as_deref(),
            Some(answer.header("x-request-id")),
            "{path}"
        );
    }
    let large = format!("{{\"manifest\": \"{}\"}}", "x".repeat(5 << 20));
    let answer = call(
        &client,
        "POST",
        "/api/v1/bundles",
        "token-of-publisher",
        &large,
    )
    .await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    let basic = Request::get("/api/v1/hosts")
        .header("authorization", "Basic eA==")
        .body(Body::empty());
    assert_eq!(
        error(&client.send(basic.expect("a request")).await).code,
        "auth.scheme"
    );
}

#[tokio::test]
async fn a_browsers_session_changes_nothing_without_the_token_of_the_page() {
    let client = Client::new(Fixture::new(), Face::Visualisation, Role::Administrator);
    let token = client.get("/account").await.form_token();
    let send = async |site: &str, token: &str| {
        let request = Request::delete("/api/v1/hosts/bdd-1")
            .header("sec-fetch-site", site)
            .header("x-form-token", token)
            .body(Body::empty());
        client.send(request.expect("a request")).await
    };
    assert_eq!(error(&send("same-origin", "").await).code, "auth.forged");
    assert_eq!(error(&send("cross-site", &token).await).code, "auth.forged");
    assert!(client.fixture.done().is_empty());
    assert_eq!(
        send("same-origin", &token).await.status,
        StatusCode::NO_CONTENT
    );
}

#[tokio::test]
async fn lists_come_as_csv_too() {
    let client = stranger();
    let request = Request::get("/api/v1/hosts")
        .header("authorization", "Bearer token-of-viewer")
        .header("accept", "text/csv")
        .body(Body::empty());
    let answer = client.send(request.expect("a request")).await;
    assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8");
    let mut lines = answer.body.lines();
    assert!(
        lines.next().is_some_and(|line| line.starts_with("name,")),
        "{}",
        answer.body
    );
    assert!(
        lines
            .next()
            .is_some_and(|line| line.starts_with("atelier-01,"))
    );
    let client = Client::new(Fixture::new(), Face::Visualisation, Role::Viewer);
    let page = client.get("/hosts?query=state:stale").await.body;
    let address = "/api/v1/hosts?query=state%3Astale&#38;format=csv";
    assert!(page.contains(address), "the page links to it: {page}");
    let answer = client.get(&address.replace("&#38;", "&")).await;
    assert_eq!(answer.body.lines().count(), 2, "{}", answer.body);
}

#[tokio::test]
async fn the_socket_is_an_administrator() {
    let client = stranger();
    let app = socket_router(setup(client.fixture.clone()));
    let client = client.over(app);
    let answer = client.get("/api/v1/users").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(client.get("/metrics").await.body, "# EOF\n");
    assert_eq!(
        client.get("/hosts").await.status,
        StatusCode::NOT_FOUND,
        "no pages on the socket"
    );
}

#[tokio::test]
async fn metrics_want_a_token() {
    let client = stranger();
    assert_eq!(
        client.get("/metrics").await.status,
        StatusCode::UNAUTHORIZED
    );
    let answer = call(&client, "GET", "/metrics", "token-of-viewer", "").await;
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (StatusCode::OK, "# EOF\n")
    );
}

#[tokio::test]
async fn live_events_are_json() {
    use axum::body::HttpBody;
    use escadre_api::live::LiveEvent;
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    let client = stranger();
    let app = router(setup(client.fixture.clone()), Face::Visualisation);
    let request = Request::get("/api/v1/events")
        .header("authorization", "Bearer token-of-viewer")
        .body(Body::empty());
    let response = app
        .oneshot(request.expect("a request"))
        .await
        .expect("no failure");
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut body = response.into_body();
    assert!(!body.is_end_stream());
    client.fixture.say(LiveEvent::Host {
        name: "a\nb".to_owned(),
    });
    let frame = body.frame().await.expect("a frame").expect("no failure");
    let data = frame.into_data().expect("data");
    assert_eq!(
        &data[..],
        b"data: {\"what\":\"host\",\"name\":\"a\\nb\"}\n\n"
    );
}
