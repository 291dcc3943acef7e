//! Pages as people read them: the text of the main ones in both languages, and what forms do.

use axum::http::StatusCode;
use escadre_api::Role;
use escadre_web::Face;

use crate::{
    client::{Client, paths},
    fixture::Fixture,
};

/// The words of a page, one element a line, without markup, script and the token that changes each time.
fn words(html: &str) -> String {
    let main = html.split("<main").nth(1).expect("a main part");
    let main = main.split("</footer>").next().expect("a footer");
    let mut out = String::new();
    for piece in main.split('<').skip(1) {
        let (tag, text) = piece.split_once('>').unwrap_or((piece, ""));
        let block = [
            "td", "th", "p", "h1", "h2", "h3", "li", "dd", "dt", "div", "tr", "button", "pre",
        ];
        let name = tag
            .trim_start_matches('/')
            .split([' ', '\n'])
            .next()
            .expect("a name");
        if block.contains(&name) && !out.ends_with('\n') {
            out.push('\n');
        }
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if !text.is_empty() {
            if !out.ends_with(['\n', ' ']) && !out.is_empty() {
                out.push(' ');
            }
            out.push_str(&text);
        }
    }
    let text = out
        .replace("&#39;", "'")
        .replace("&#34;", "\"")
        .replace("&lt;", "<");
    text.replace("&#60;", "<")
        .replace("&#62;", ">")
        .replace("&quot;", "\"")
        .replace("&amp;", "&")
}

async fn snapshot(face: Face, path: &str, name: &str) {
    for language in ["en", "fr"] {
        let client = Client::new(Fixture::new(), face, Role::Administrator)
            .with_cookie(&format!("escadre-language={language}"));
        let answer = client.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
        assert!(answer.body.contains(&format!("<html lang=\"{language}\"")));
        insta::assert_snapshot!(format!("{name}-{language}"), words(&answer.body));
    }
}

#[tokio::test]
async fn visualisation_in_both_languages() {
    let view = Face::Visualisation;
    snapshot(view, "/", "inbox").await;
    snapshot(view, "/hosts", "hosts").await;
    snapshot(view, "/hosts/bdd-1", "host").await;
    snapshot(view, "/checks/bdd-1/disk%20%2Fsrv", "check").await;
    snapshot(view, "/rollouts/r-01040g2081040g2081040g2081", "rollout").await;
    snapshot(view, "/deliveries/d-01040g2081040g2081040g2081", "delivery").await;
}

#[tokio::test]
async fn configuration_in_both_languages() {
    let config = Face::Configuration;
    snapshot(config, "/", "start").await;
    snapshot(config, "/bundles", "bundles").await;
    let who =
        "/rollouts/new?step=who&bundle=hello@1.0&to=site:bordeaux&asked=yes&except=atelier-02";
    snapshot(config, who, "wizard-who").await;
    let review = "/rollouts/new?step=review&bundle=hello@1.0&asked=yes&not_before=2026-11-20T22:00";
    snapshot(config, review, "wizard-review").await;
    snapshot(config, "/tokens", "tokens").await;
    snapshot(config, "/users", "users").await;
    snapshot(config, "/audit", "audit").await;
}

#[tokio::test]
async fn every_page_is_whole_in_both_languages() {
    for face in [Face::Visualisation, Face::Configuration] {
        for language in ["en", "fr"] {
            let client = Client::new(Fixture::new(), face, Role::Administrator)
                .with_cookie(&format!("escadre-language={language}"));
            for path in paths(face) {
                let answer = client.get(path).await;
                assert_eq!(answer.status, StatusCode::OK, "{path}");
                let body = &answer.body;
                assert_eq!(
                    body.matches("<h1").count(),
                    1,
                    "{path} has one heading of the first level"
                );
                assert_eq!(body.matches("<main ").count(), 1, "{path}");
                let tables = body.matches("<table").count();
                assert_eq!(
                    tables,
                    body.matches("<caption").count(),
                    "{path}: captions of tables"
                );
                assert!(body.contains("<code>escadre "), "{path} shows no command");
                assert!(!body.contains(" style="), "{path} has inline style");
                assert_eq!(
                    body.matches("<script").count(),
                    1,
                    "{path} has inline script"
                );
                labels(path, body);
                ids(path, body);
            }
        }
    }
}

/// Every field has a label, every label a field.
fn labels(path: &str, body: &str) {
    for field in ["<input id=\"", "<select id=\"", "<textarea id=\""] {
        for rest in body.split(field).skip(1) {
            let id = rest.split('"').next().expect("an id");
            assert!(
                body.contains(&format!("for=\"{id}\"")),
                "{path}: no label for {id}"
            );
        }
    }
    for rest in body.split("<label for=\"").skip(1) {
        let id = rest.split('"').next().expect("an id");
        assert!(
            body.contains(&format!("id=\"{id}\"")),
            "{path}: no field for the label of {id}"
        );
    }
}

/// Ids are unique.
fn ids(path: &str, body: &str) {
    let mut seen = std::collections::HashSet::new();
    for rest in body.split(" id=\"").skip(1) {
        let id = rest.split('"').next().expect("an id");
        assert!(seen.insert(id), "{path}: the id {id} stands twice");
    }
}

#[tokio::test]
async fn nothing_to_do_is_said_kindly() {
    let mut fixture = Fixture::new();
    fixture.calm = true;
    let client = Client::new(fixture, Face::Visualisation, Role::Viewer);
    let page = client.get("/").await.body;
    assert!(page.contains("Nothing needs you"));
    assert!(page.contains("All 6 hosts are well"));
}

#[tokio::test]
async fn a_wrong_query_is_shown_with_its_column() {
    let client = Client::new(Fixture::new(), Face::Visualisation, Role::Viewer);
    let page = client.get("/hosts?query=site:bordeaux+(").await.body;
    assert!(page.contains("aria-invalid=\"true\""));
    assert!(page.contains("Query, column"), "{page}");
    assert!(!page.contains("<table"));
}

#[tokio::test]
async fn roles_hide_what_they_may_not_do() {
    let see =
        async |face, role, path: &str| Client::new(Fixture::new(), face, role).get(path).await.body;
    let check = "/checks/bdd-1/disk%20%2Fsrv";
    let view = Face::Visualisation;
    assert!(
        !see(view, Role::Viewer, check)
            .await
            .contains("/acknowledge\"")
    );
    assert!(
        see(view, Role::Operator, check)
            .await
            .contains("/acknowledge\"")
    );
    let rollout = "/rollouts/r-01040g2081040g2081040g2081";
    assert!(!see(view, Role::Viewer, rollout).await.contains("/pause"));
    assert!(see(view, Role::Operator, rollout).await.contains("/pause"));
    let config = Face::Configuration;
    for (role, uploads, administers) in [
        (Role::Viewer, false, false),
        (Role::Publisher, true, false),
        (Role::Administrator, true, true),
    ] {
        let page = see(config, role, "/bundles").await;
        assert_eq!(page.contains("data-upload"), uploads, "{role}");
        assert_eq!(page.contains("href=\"/users\""), administers, "{role}");
        assert_eq!(page.contains("href=\"/rollouts/new\""), uploads, "{role}");
    }
    let refused = Client::new(Fixture::new(), config, Role::Viewer)
        .get("/users")
        .await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(refused.body.contains("Your role does not allow this"));
    assert!(refused.body.contains("auth.role"));
}

#[tokio::test]
async fn forms_do_what_they_say() {
    let view = Client::new(Fixture::new(), Face::Visualisation, Role::Administrator);
    let config = Client::new(Fixture::new(), Face::Configuration, Role::Administrator);
    let rollout = "/rollouts/r-01040g2081040g2081040g2081";
    let check = "/checks/bdd-1/disk%20%2Fsrv";
    for (client, path, fields, goes_to, done) in [
        (
            &view,
            &*format!("{check}/acknowledge"),
            "comment=mine",
            "/checks/bdd-1/disk%20%2Fsrv?done=acknowledged",
            "check_acknowledge bdd-1 disk /srv mine",
        ),
        (
            &view,
            &format!("{check}/run"),
            "",
            "/checks/bdd-1/disk%20%2Fsrv?done=run",
            "check_run bdd-1 disk /srv",
        ),
        (
            &view,
            &format!("{check}/downtime"),
            "minutes=5&scope=host&comment=x",
            "/checks/bdd-1/disk%20%2Fsrv?done=downtime",
            "downtime_add bdd-1 None",
        ),
        (
            &view,
            &format!("{rollout}/pause"),
            "",
            rollout,
            "rollout_pause r-01040g2081040g2081040g2081",
        ),
        (
            &view,
            "/hosts/bdd-1/remove",
            "name=bdd-1",
            "/hosts",
            "host_remove bdd-1",
        ),
        (
            &config,
            "/rollouts/new",
            "bundle=hello@1.0&to=site:brest&except=portail",
            "/rollouts/r-01040g2081040g2081040g2081",
            "rollout_create hello@1.0 to site:brest except [\"portail\"]",
        ),
        (
            &config,
            "/users/claire/remove",
            "",
            "/users",
            "user_remove claire",
        ),
        (
            &config,
            "/settings",
            "name=New&contact_every_s=30&keep_days=9&sites=",
            "/settings?done=yes",
            "settings New",
        ),
    ] {
        let answer = client.post(path, fields).await;
        assert_eq!(
            answer.status,
            StatusCode::SEE_OTHER,
            "{path}: {}",
            answer.body
        );
        assert_eq!(answer.header("location"), goes_to, "{path}");
        assert_eq!(client.fixture.done().last().map(String::as_str), Some(done));
    }
    let answer = view.post("/hosts/bdd-1/remove", "name=another").await;
    assert_eq!(
        answer.status,
        StatusCode::BAD_REQUEST,
        "the name must be typed"
    );
}

#[tokio::test]
async fn secrets_are_shown_once_with_the_command() {
    let client = Client::new(Fixture::new(), Face::Configuration, Role::Administrator);
    let made = client
        .post("/tokens", "kind=enrolment&name=brest-18&site=brest")
        .await;
    let command =
        "escadre agent enrol --agent-server 127.0.0.1:7768 --enrolment esc1-3f9a77d0c2-9b1e";
    assert!(made.body.contains(command), "{}", made.body);
    assert!(
        made.body.contains("data-live=\"\""),
        "a page with a secret does not fetch itself again"
    );
    assert!(
        !client
            .get("/tokens")
            .await
            .body
            .contains("esc1-3f9a77d0c2-9b1e")
    );
    let made = client.post("/users", "name=paul&role=viewer").await;
    assert!(
        made.body
            .contains("http://localhost:7767/sign-in/once/once-upon-a-time")
    );
}

#[tokio::test]
async fn language_and_theme_are_remembered() {
    let client = Client::new(Fixture::new(), Face::Visualisation, Role::Viewer);
    let answer = client
        .post_raw("/preferences", "language=fr&back=/hosts", "same-origin")
        .await;
    assert_eq!(answer.header("location"), "/hosts");
    assert!(
        answer
            .header("set-cookie")
            .starts_with("escadre-language=fr; Path=/; HttpOnly; SameSite=Strict")
    );
    let answer = client
        .post_raw("/preferences", "theme=dark&back=//evil", "same-origin")
        .await;
    assert_eq!(answer.header("location"), "/");
    assert!(
        answer
            .header("set-cookie")
            .starts_with("escadre-theme=dark;")
    );
    let dark = client.with_cookie("escadre-theme=dark").get("/").await.body;
    assert!(dark.contains("data-theme=\"dark\""));
}
