//! One Chromium by its WebDriver, and what tests ask of a page.

use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use fantoccini::{Client, ClientBuilder, Locator, elements::Element};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::PATIENCE;

/// A browser window; closed when dropped.
pub(crate) struct Browser {
    pub(crate) page: Client,
    driver: Child,
    _profile: TempDir,
}

/// How a browser is set up.
pub(crate) struct Setup {
    pub(crate) language: &'static str,
    pub(crate) dark: bool,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            language: "en",
            dark: false,
            width: 1280,
            height: 900,
        }
    }
}

impl Browser {
    pub(crate) async fn open(setup: &Setup) -> Self {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver runs; `cargo xtask test` installs it");
        let mut lines = BufReader::new(driver.stdout.take().expect("piped")).lines();
        let port = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| {
                line.split_once("successfully on port ")
                    .map(|(_, port)| port.trim_end_matches('.').to_owned())
            })
            .expect("chromedriver says its port");
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        let profile = tempfile::tempdir().expect("a temporary folder");
        let mut capabilities = serde_json::Map::new();
        capabilities.insert("goog:chromeOptions".to_owned(), options(setup, &profile));
        let connector = hyper_util::client::legacy::connect::HttpConnector::new();
        let page = ClientBuilder::new(connector)
            .capabilities(capabilities)
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .expect("a browser session");
        Self {
            page,
            driver,
            _profile: profile,
        }
    }

    pub(crate) async fn go(&self, url: &str) {
        self.page
            .goto(url)
            .await
            .unwrap_or_else(|error| panic!("{url}: {error}"));
    }

    /// The first element of a selector, once it is there.
    pub(crate) async fn find(&self, css: &str) -> Element {
        let waited = self
            .page
            .wait()
            .at_most(PATIENCE)
            .for_element(Locator::Css(css))
            .await;
        match waited {
            Ok(element) => element,
            Err(error) => panic!(
                "no `{css}` on {}: {error}\n{}",
                self.url().await,
                self.text().await
            ),
        }
    }

    pub(crate) async fn click(&self, css: &str) {
        self.find(css)
            .await
            .click()
            .await
            .unwrap_or_else(|error| panic!("{css}: {error}"));
    }

    pub(crate) async fn fill(&self, css: &str, text: &str) {
        let field = self.find(css).await;
        field.clear().await.expect("a field");
        field.send_keys(text).await.expect("a field");
    }

    pub(crate) async fn url(&self) -> String {
        self.page
            .current_url()
            .await
            .map(|url| url.to_string())
            .unwrap_or_default()
    }

    /// All visible text.
    pub(crate) async fn text(&self) -> String {
        let answer = self
            .script(
                "return document.body ? document.body.innerText : ''",
                vec![],
            )
            .await;
        answer.as_str().unwrap_or_default().to_owned()
    }

    pub(crate) async fn script(&self, script: &str, arguments: Vec<Value>) -> Value {
        self.page
            .execute(script, arguments)
            .await
            .unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    /// Waits until a script returns true.
    pub(crate) async fn until(&self, what: &str, script: &str) {
        let began = Instant::now();
        while self.script(script, vec![]).await != Value::Bool(true) {
            assert!(
                began.elapsed() < PATIENCE,
                "{what}: never; {}\n{}",
                self.url().await,
                self.text().await
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Types keys to whatever has the focus.
    pub(crate) async fn keys(&self, keys: &str) {
        let focused = self
            .page
            .active_element()
            .await
            .expect("something has the focus");
        focused.send_keys(keys).await.expect("keys are taken");
    }

    /// Every violation that axe finds on the page, one a line; nothing is good.
    pub(crate) async fn violations(&self) -> String {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("../../tests/browser/node_modules/axe-core/axe.min.js");
        let axe = std::fs::read_to_string(&root)
            .expect("`cargo xtask test` fetches the accessibility checker");
        self.script(&axe, vec![]).await;
        let run = "const done = arguments[arguments.length - 1];
            axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})
               .then(r => done(r.violations.flatMap(v => v.nodes.map(n => v.id + ': ' + n.target + ' ' + n.failureSummary))))
               .catch(e => done(['axe failed: ' + e]))";
        let found = self
            .page
            .execute_async(run, vec![])
            .await
            .expect("axe runs");
        let found: Vec<String> = serde_json::from_value(found).expect("a list of texts");
        found.join("\n")
    }

    /// Keeps a picture in the project's documentation folder when `ESCADRE_SCREENSHOTS` names one, else in the target.
    pub(crate) async fn picture(&self, name: &str) {
        let folder = std::env::var_os("ESCADRE_SCREENSHOTS").map_or_else(
            || PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("screenshots"),
            PathBuf::from,
        );
        std::fs::create_dir_all(&folder).expect("a folder for pictures");
        let png = self.page.screenshot().await.expect("a picture");
        std::fs::write(folder.join(format!("{name}.png")), png).expect("written");
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

fn options(setup: &Setup, profile: &TempDir) -> Value {
    let mut arguments = vec![
        "--headless=new".to_owned(),
        "--no-sandbox".to_owned(),
        "--disable-gpu".to_owned(),
        "--disable-quic".to_owned(),
        "--disable-dev-shm-usage".to_owned(),
        "--no-first-run".to_owned(),
        "--disable-background-networking".to_owned(),
        "--disable-component-update".to_owned(),
        "--disable-sync".to_owned(),
        "--force-color-profile=srgb".to_owned(),
        format!("--window-size={},{}", setup.width, setup.height),
        format!("--lang={}", setup.language),
        format!("--accept-lang={}", setup.language),
        format!("--user-data-dir={}", profile.path().display()),
    ];
    if setup.dark {
        arguments.push("--blink-settings=preferredColorScheme=0".to_owned());
    }
    json!({ "args": arguments, "prefs": { "intl.accept_languages": setup.language } })
}
