//! Who gets in and what is refused: sessions, forged forms, headers, one-time links.

use axum::http::{Request, StatusCode};
use escadre_api::Role;
use escadre_web::{Face, Setup, router};

use crate::{
    client::{Client, paths},
    fixture::{Fixture, PASSWORD, setup},
};

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

#[tokio::test]
async fn every_answer_has_the_policy() {
    for face in [Face::Visualisation, Face::Configuration] {
        let client = Client::new(Fixture::new(), face, Role::Administrator);
        let more = [
            "/nothing/here",
            "/sign-in",
            "/api/v1/hosts",
            "/api/v1/nothing",
            "/assets/x.css",
        ];
        for path in paths(face).into_iter().chain(more) {
            let answer = client.get(path).await;
            assert_eq!(answer.header("content-security-policy"), POLICY, "{path}");
            assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
            assert_eq!(answer.header("cache-control"), "no-store", "{path}");
            assert_eq!(answer.header("x-request-id").len(), 16, "{path}");
        }
    }
}

#[tokio::test]
async fn every_page_wants_a_session() {
    for face in [Face::Visualisation, Face::Configuration] {
        let client = Client::new(Fixture::new(), face, Role::Administrator).stranger();
        for path in paths(face) {
            let answer = client.get(path).await;
            assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}");
            assert!(answer.header("location").starts_with("/sign-in"), "{path}");
            assert!(!answer.body.contains("bdd-1"), "{path}");
        }
    }
    let client = Client::new(Fixture::new(), Face::Visualisation, Role::Viewer).stranger();
    let answer = client.get("/hosts?query=site:a").await;
    assert_eq!(
        answer.header("location"),
        "/sign-in?then=%2Fhosts%3Fquery%3Dsite%3Aa"
    );
    let ended = client
        .with_cookie("escadre-session=gone")
        .get("/hosts")
        .await;
    assert_eq!(ended.header("location"), "/sign-in?then=%2Fhosts");
}

#[tokio::test]
async fn a_link_from_a_mail_gets_a_second_chance_with_the_cookie() {
    let client = Client::new(Fixture::new(), Face::Visualisation, Role::Viewer).stranger();
    let request = Request::get("/hosts?query=a%22b&c")
        .header("sec-fetch-site", "cross-site")
        .body(axum::body::Body::empty());
    let answer = client.send(request.expect("a request")).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(
        answer
            .body
            .contains(r#"content="0;url=/hosts?query=a%22b&amp;c""#),
        "{}",
        answer.body
    );
    assert!(!answer.body.contains("bdd-1"));
    let elsewhere = client.get("/sign-in?then=//evil.example/x").await;
    assert!(elsewhere.body.contains(r#"name="then" value="/""#));
}

/// Every form of every page, as a forger would send it.
const FORMS: [(Face, &str); 18] = [
    (Face::Visualisation, "/sign-out"),
    (Face::Visualisation, "/account"),
    (Face::Visualisation, "/hosts/bdd-1"),
    (Face::Visualisation, "/hosts/bdd-1/remove"),
    (Face::Visualisation, "/checks/bdd-1/units/run"),
    (Face::Visualisation, "/checks/bdd-1/units/acknowledge"),
    (Face::Visualisation, "/checks/bdd-1/units/unacknowledge"),
    (Face::Visualisation, "/checks/bdd-1/units/downtime"),
    (Face::Visualisation, "/downtimes/1/end"),
    (
        Face::Visualisation,
        "/rollouts/r-01040g2081040g2081040g2081/abort",
    ),
    (Face::Configuration, "/bundles/hello/1.0/verify"),
    (Face::Configuration, "/bundles/hello/1.0/remove"),
    (Face::Configuration, "/rollouts/new"),
    (Face::Configuration, "/tokens"),
    (Face::Configuration, "/tokens/revoke"),
    (Face::Configuration, "/users"),
    (Face::Configuration, "/users/claire/edit"),
    (Face::Configuration, "/settings"),
];

#[tokio::test]
async fn forged_forms_are_refused() {
    for (face, path) in FORMS {
        let client = Client::new(Fixture::new(), face, Role::Administrator);
        let token = client.get("/account").await.form_token();
        let other = Client::new(Fixture::new(), face, Role::Viewer);
        let stolen = other.get("/account").await.form_token();
        for (fields, site, why) in [
            (
                format!("form_token={token}"),
                "cross-site",
                "from another site",
            ),
            (
                format!("form_token={token}"),
                "same-site",
                "from another port",
            ),
            (String::new(), "same-origin", "without a token"),
            (
                "form_token=00".to_owned(),
                "same-origin",
                "with a wrong token",
            ),
            (
                format!("form_token={stolen}"),
                "same-origin",
                "with another session's token",
            ),
        ] {
            let answer = client.post_raw(path, &fields, site).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} {why}");
            assert!(answer.body.contains("auth.forged"), "{path} {why}");
        }
        assert!(
            client.fixture.done().is_empty(),
            "{path}: {:?}",
            client.fixture.done()
        );
    }
}

#[tokio::test]
async fn old_browsers_are_judged_by_origin() {
    let client = Client::new(Fixture::new(), Face::Visualisation, Role::Operator);
    let token = client.get("/account").await.form_token();
    for (origin, expected) in [
        ("http://localhost:7767", StatusCode::SEE_OTHER),
        ("http://localhost:7766", StatusCode::FORBIDDEN),
        ("https://evil.example", StatusCode::FORBIDDEN),
        ("null", StatusCode::FORBIDDEN),
    ] {
        let request = Request::post("/checks/bdd-1/units/run")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("origin", origin)
            .body(format!("form_token={token}").into());
        let answer = client.send(request.expect("a request")).await;
        assert_eq!(answer.status, expected, "{origin}");
    }
}

#[tokio::test]
async fn signing_in_and_out() {
    let client = Client::new(Fixture::new(), Face::Visualisation, Role::Viewer).stranger();
    let fields = format!(
        "name=operator&password={}&then=/hosts",
        PASSWORD.replace(' ', "+")
    );
    let wrong = client
        .post_raw(
            "/sign-in",
            "name=operator&password=x&then=/hosts",
            "same-origin",
        )
        .await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    assert!(wrong.body.contains("name or password is wrong"));
    assert!(wrong.body.contains("value=\"operator\"") && !wrong.body.contains("value=\"x\""));
    assert_eq!(wrong.header("set-cookie"), "");
    let forged = client.post_raw("/sign-in", &fields, "cross-site").await;
    assert_eq!(
        forged.status,
        StatusCode::FORBIDDEN,
        "nobody is signed in by another site"
    );
    let right = client.post_raw("/sign-in", &fields, "same-origin").await;
    assert_eq!(
        (right.status, right.header("location")),
        (StatusCode::SEE_OTHER, "/hosts")
    );
    let cookie = right.header("set-cookie");
    assert_eq!(
        cookie,
        "escadre-session=session-of-operator; Path=/; HttpOnly; SameSite=Strict"
    );
    let client = client.with_cookie("escadre-session=session-of-operator");
    assert_eq!(client.get("/hosts").await.status, StatusCode::OK);
    let out = client.post("/sign-out", "").await;
    assert!(out.header("set-cookie").ends_with("Max-Age=0"));
    assert_eq!(client.get("/hosts").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn over_tls_the_cookie_is_bound_to_the_host() {
    let client = Client::new(Fixture::new(), Face::Visualisation, Role::Viewer).stranger();
    let tls = Setup {
        secure: true,
        ..setup(client.fixture.clone())
    };
    let client = client.over(router(tls, Face::Visualisation));
    let fields = format!("name=viewer&password={}", PASSWORD.replace(' ', "+"));
    let right = client.post_raw("/sign-in", &fields, "same-origin").await;
    let cookie = right.header("set-cookie");
    assert_eq!(
        cookie,
        "__Host-escadre=session-of-viewer; Path=/; HttpOnly; SameSite=Strict; Secure"
    );
}

#[tokio::test]
async fn looking_at_a_one_time_link_does_not_use_it_up() {
    let client = Client::new(Fixture::new(), Face::Visualisation, Role::Viewer).stranger();
    for _ in 0..3 {
        let page = client.get("/sign-in/once/once-upon-a-time").await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(!page.body.contains("Set-Cookie"));
    }
    assert!(client.fixture.done().is_empty());
    let used = client
        .post_raw("/sign-in/once/once-upon-a-time", "", "same-origin")
        .await;
    assert_eq!(used.header("location"), "/account?first=yes");
    assert!(used.header("set-cookie").starts_with("escadre-session="));
    let client = client.with_cookie("escadre-session=session-of-administrator");
    let page = client.get("/account?first=yes").await;
    assert!(page.body.contains("Choose a password"));
    let short = client
        .post("/account", "first=yes&password=short&again=short")
        .await;
    assert!(short.body.contains("at least 12 characters"));
    let differ = client.post("/account", "password=a&again=b").await;
    assert!(differ.body.contains("The two passwords differ."));
    let set = client
        .post(
            "/account",
            "first=yes&password=a+long+enough+one&again=a+long+enough+one",
        )
        .await;
    assert_eq!(set.header("location"), "/");
}

#[tokio::test]
async fn assets_are_hashed_and_kept() {
    let client = Client::new(Fixture::new(), Face::Visualisation, Role::Viewer).stranger();
    let page = client.get("/sign-in").await.body;
    let mut seen = 0;
    for rest in page.split("\"/assets/").skip(1) {
        let path = format!("/assets/{}", rest.split('"').next().expect("a name"));
        let answer = client.get(&path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert!(
            answer.header("cache-control").contains("immutable"),
            "{path}"
        );
        seen += 1;
    }
    assert!(seen >= 3);
    assert_eq!(
        client.get("/assets/escadre-0000.css").await.status,
        StatusCode::NOT_FOUND
    );
}
