//! Every page in both languages, both themes and a phone's width: complete, accessible, and nothing sticks out.

use crate::{
    browser::{Browser, Setup},
    harness::Installation,
    journey::{config, sign_in, view},
};

/// Every page of both UIs that wants no id.
fn pages(here: &Installation, host: &str) -> Vec<(String, String)> {
    let mut pages = Vec::new();
    for (name, path) in [
        ("inbox", "/".to_owned()),
        ("hosts", "/hosts".to_owned()),
        ("host", format!("/hosts/{host}")),
        ("host-inventory", format!("/hosts/{host}/inventory")),
        ("host-packages", format!("/hosts/{host}/packages")),
        ("host-timeline", format!("/hosts/{host}/timeline")),
        ("checks", "/checks".to_owned()),
        ("check", format!("/checks/{host}/load")),
        ("rollouts", "/rollouts".to_owned()),
    ] {
        pages.push((name.to_owned(), view(here, &path)));
    }
    for (name, path) in [
        ("start", "/"),
        ("bundles", "/bundles"),
        ("wizard", "/rollouts/new"),
        ("tokens", "/tokens"),
        ("users", "/users"),
        ("audit", "/audit"),
        ("settings", "/settings"),
        ("account", "/account"),
    ] {
        pages.push((name.to_owned(), config(here, path)));
    }
    pages
}

async fn look(here: &Installation, setup: Setup, suffix: &str) {
    let host = here.own_host();
    let browser = Browser::open(&setup).await;
    sign_in(&browser, here).await;
    let mut found = String::new();
    for (name, url) in pages(here, &host) {
        browser.go(&url).await;
        browser.find("main h1").await;
        let language = browser
            .script("return document.documentElement.lang", vec![])
            .await;
        assert_eq!(language, setup.language, "{url}");
        let violations = browser.violations().await;
        if !violations.is_empty() {
            found.push_str(&format!("== {url}\n{violations}\n"));
        }
        let sticks_out = browser
            .script(
                "return document.documentElement.scrollWidth - window.innerWidth",
                vec![],
            )
            .await;
        if sticks_out.as_i64().unwrap_or(0) > 0 {
            found.push_str(&format!(
                "== {url}\n{sticks_out} pixels wider than the window\n"
            ));
        }
        browser.picture(&format!("{name}-{suffix}")).await;
    }
    assert!(found.is_empty(), "{found}");
}

#[tokio::test]
async fn english_and_light() {
    let here = Installation::start();
    look(&here, Setup::default(), "en").await;
}

#[tokio::test]
async fn french_dark_and_narrow() {
    let here = Installation::start();
    look(
        &here,
        Setup {
            language: "fr",
            dark: true,
            width: 500,
            height: 900,
        },
        "fr-dark-phone",
    )
    .await;
}
