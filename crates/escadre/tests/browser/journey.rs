//! A person's way through both UIs: sign in, see the machine, ship a bundle, watch a change arrive.

use std::{fs, io::Write, path::PathBuf, process::Command};

use crate::{
    browser::{Browser, Setup},
    harness::{Installation, signal},
};

/// A password that the tests choose.
const PASSWORD: &str = "correct horse battery staple";

/// Signs in by the one-time link, as the first administrator does.
pub(crate) async fn sign_in(browser: &Browser, here: &Installation) {
    let link = here.said["sign_in"].as_str().expect("a one-time link");
    browser.go(link).await;
    browser.click("main form button").await;
    browser.find(".main-nav").await;
}

pub(crate) fn config(here: &Installation, path: &str) -> String {
    format!(
        "{}{path}",
        here.said["config"].as_str().expect("an address")
    )
}

pub(crate) fn view(here: &Installation, path: &str) -> String {
    format!("{}{path}", here.said["view"].as_str().expect("an address"))
}

/// An archive with a program in it, made by the system's own tar.
fn archive(here: &Installation, script: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let folder = here.folder.path().join("hello");
    fs::create_dir_all(&folder).expect("made");
    let mut file = fs::File::create(folder.join("install.sh")).expect("made");
    file.write_all(script.as_bytes()).expect("written");
    file.set_permissions(fs::Permissions::from_mode(0o755))
        .expect("changed");
    let archive = here.folder.path().join("hello.tar.gz");
    let tar = Command::new("tar")
        .arg("-C")
        .arg(&folder)
        .arg("-czf")
        .arg(&archive)
        .arg(".")
        .status();
    assert!(tar.expect("tar runs").success());
    archive
}

#[tokio::test]
async fn the_one_time_link_lets_in_once_and_a_password_afterwards() {
    let here = Installation::start();
    let browser = Browser::open(&Setup::default()).await;
    browser.go(&config(&here, "/bundles")).await;
    browser.find("#password").await;
    sign_in(&browser, &here).await;
    browser.go(&config(&here, "/account")).await;
    for field in ["#password", "#again"] {
        browser.fill(field, PASSWORD).await;
    }
    browser.click("main form button").await;
    browser.click("header details.menu summary").await;
    browser
        .click("header form[action='/sign-out'] button")
        .await;
    browser.find("#password").await;
    browser
        .go(here.said["sign_in"].as_str().expect("a link"))
        .await;
    browser.click("main form button").await;
    browser
        .until(
            "the used link is refused",
            "return !document.querySelector('.main-nav')",
        )
        .await;
    browser.go(&config(&here, "/sign-in")).await;
    browser.fill("#name", "admin").await;
    browser.fill("#password", PASSWORD).await;
    browser.click("main form button").await;
    browser.find(".main-nav").await;
}

#[tokio::test]
async fn a_bundle_goes_from_an_upload_to_a_green_bar() {
    let here = Installation::start();
    let host = here.own_host();
    let proof = here.folder.path().join("proof");
    let archive = archive(
        &here,
        &format!("#!/bin/sh\necho hello\ntouch {}\n", proof.display()),
    );
    let browser = Browser::open(&Setup::default()).await;
    sign_in(&browser, &here).await;

    browser.go(&config(&here, "/")).await;
    browser
        .until(
            "the first page names the machine",
            &format!("return document.body.innerText.includes('{host}')"),
        )
        .await;
    browser.picture("first-run").await;

    browser.go(&config(&here, "/bundles")).await;
    browser.fill("#name", "hello").await;
    browser.fill("#version", "1.0").await;
    browser.fill("#command", "install.sh --quiet").await;
    browser
        .find("#file")
        .await
        .send_keys(archive.to_str().expect("a plain path"))
        .await
        .expect("a file");
    browser.click("form[data-upload] button.primary").await;
    browser
        .until(
            "the upload is done",
            "return !!document.querySelector('main a[href*=\"/rollouts/new\"]')",
        )
        .await;

    browser.go(&config(&here, "/rollouts/new")).await;
    browser.click("#bundle-1").await;
    browser.click("main button.primary").await;
    browser.fill("#to", &format!("name:{host}")).await;
    browser.click("button[name='step'][value='who']").await;
    browser.until("the preview names the machine", &format!("return document.querySelector('[aria-labelledby=included]')?.innerText.includes('{host}') === true")).await;
    browser.picture("wizard-who").await;
    browser.click("button[name='step'][value='when']").await;
    browser.find("#not_before").await;
    browser.click("main button.primary").await;
    browser.find("main button.primary.big").await;
    browser.picture("wizard-review").await;
    browser.click("main button.primary.big").await;

    browser.until("the bar is green", "return !!document.querySelector('.bar-big') && /finished|succeeded/i.test(document.querySelector('main').innerText)").await;
    browser.picture("rollout").await;
    assert!(proof.exists(), "it did not run");
    browser.go(&view(&here, &format!("/hosts/{host}"))).await;
    browser.find(".tabs").await;
    browser.picture("host").await;
}

#[tokio::test]
async fn a_stopped_agent_shows_without_a_reload() {
    let here = Installation::start();
    let host = here.own_host();
    here.good(&["settings", "set", "--contact-every", "2"]);
    let browser = Browser::open(&Setup::default()).await;
    sign_in(&browser, &here).await;
    browser.go(&view(&here, "/hosts")).await;
    browser
        .until(
            "the machine is up",
            "return !!document.querySelector('.state-up, .state-ok')",
        )
        .await;
    browser
        .script("window.stillTheSamePage = true", vec![])
        .await;
    signal(here.agent_processes()[0], "TERM");
    browser
        .until(
            "the machine is stale",
            "return !!document.querySelector('main .state-stale')",
        )
        .await;
    browser
        .until(
            "the machine is a problem",
            "return !!document.querySelector('main .state-critical')",
        )
        .await;
    assert_eq!(
        browser
            .script("return window.stillTheSamePage", vec![])
            .await,
        true,
        "the page was loaded again"
    );
    browser.go(&view(&here, "/")).await;
    browser
        .until(
            "it needs somebody",
            &format!("return document.querySelector('main').innerText.includes('{host}')"),
        )
        .await;
    browser.picture("needs-me").await;
}

#[tokio::test]
async fn everything_is_reached_by_keys_alone() {
    let here = Installation::start();
    let host = here.own_host();
    let browser = Browser::open(&Setup::default()).await;
    browser
        .go(here.said["sign_in"].as_str().expect("a link"))
        .await;
    // The button has the focus; Enter presses it.
    browser.keys("\u{e007}").await;
    browser.find(".main-nav").await;
    browser.go(&view(&here, "/hosts")).await;
    browser.find("[data-search]").await;
    browser.keys("/").await;
    browser
        .until(
            "`/` goes to the search",
            "return document.activeElement.matches('[data-search]')",
        )
        .await;
    browser.keys(&format!("name:{host}\u{e007}")).await;
    browser
        .until(
            "the query is in the address",
            "return location.search.includes('query=')",
        )
        .await;
    browser.find("a.row-link").await;
    browser.keys("j").await;
    browser
        .until(
            "`j` goes to the first row",
            "return document.activeElement.closest('tr') !== null",
        )
        .await;
    browser.keys("\u{e007}").await;
    browser
        .until(
            "Enter opens it",
            &format!("return location.pathname === '/hosts/{host}'"),
        )
        .await;
    browser.keys("?").await;
    browser
        .until(
            "`?` explains the keys",
            "return document.getElementById('keys').open",
        )
        .await;
    browser.keys("\u{e00c}").await;
    browser
        .until(
            "Escape closes it",
            "return !document.getElementById('keys').open",
        )
        .await;
    // Tab reaches every link and button, each with a visible focus.
    let unreachable = browser
        .script("return [...document.querySelectorAll('main a[href], main button, main input, main summary')]
            .filter(e => e.offsetParent !== null && e.tabIndex < 0 && e.type !== 'hidden').map(e => e.outerHTML).join('\\n')", vec![])
        .await;
    assert_eq!(unreachable, "", "out of reach of the keyboard");
}
