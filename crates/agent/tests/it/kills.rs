//! SIGKILL at every step of the journal, on the real process: old or new, executed once, reported once.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use escadre_model::delivery::DeliveryState;

use crate::house::House;

/// An agent in a process of its own, ended when it goes out of scope.
struct Process(Child);

impl Process {
    fn begin(state: &Path) -> Self {
        let child = Command::new(program())
            .arg(state)
            .stdout(Stdio::null())
            .spawn()
            .expect("the agent starts");
        Self(child)
    }

    fn kill(&mut self) {
        self.0.kill().expect("killed");
        self.0.wait().expect("gone");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The example `agent`, which cargo builds beside the tests.
fn program() -> PathBuf {
    let own = std::env::current_exe().expect("our own path");
    let target = own
        .parent()
        .and_then(Path::parent)
        .expect("target/debug/deps/it-…");
    let program = target.join("examples/agent");
    assert!(
        program.exists(),
        "{} is missing; run `cargo build -p escadre-agent --examples`",
        program.display()
    );
    program
}

/// Kills the agent as soon as its journal holds `word` of the delivery.
fn kill_at(journal: &Path, word: &str, process: &mut Process) {
    let deadline = Instant::now() + Duration::from_secs(40);
    while !fs::read_to_string(journal).is_ok_and(|text| text.contains(word)) {
        assert!(
            Instant::now() < deadline,
            "{word} never stands in the journal"
        );
        std::thread::sleep(Duration::from_millis(1));
    }
    process.kill();
}

/// What a story with a kill at `word` led to: the end, the times that the script ran, the number of reports of an end.
async fn story(word: &'static str, repeatable: bool) -> (DeliveryState, usize, usize) {
    let house = House::new();
    let (_server, port) = house.listen(0).await;
    house.enrol(port).await.expect("enrolled");
    let trace = house.path("trace");
    let mut manifest = house.script(
        "hello@1.0",
        &format!("echo ran >> {}; sleep 0.2", trace.display()),
    );
    manifest.repeatable = repeatable;
    house.publish(&manifest);
    let id = house.order("hello@1.0", 1);
    let (state, journal) = (house.path("agent"), house.path("agent/deliveries.journal"));
    let mut process = Process::begin(&state);
    tokio::task::spawn_blocking(move || {
        kill_at(&journal, word, &mut process);
    })
    .await
    .expect("killed");
    let _second = Process::begin(&state);
    let end = house.end_of(id).await;
    let ran = fs::read_to_string(&trace).map_or(0, |text| text.lines().count());
    (end.state, ran, ends(&house, id))
}

fn ends(house: &Arc<House>, id: escadre_model::DeliveryId) -> usize {
    house.with(|server| {
        server
            .states(id)
            .iter()
            .filter(|state| state.is_final())
            .count()
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_before_it_began_it_runs_once() {
    for word in [
        "\"ordered\"",
        "\"notified\"",
        "\"fetching\"",
        "\"verified\"",
    ] {
        let (state, ran, ends) = story(word, false).await;
        // The agent may have gone on to the action before the signal came.
        let fine = matches!(
            (state, ran),
            (DeliveryState::Succeeded, 1) | (DeliveryState::Interrupted, 0 | 1)
        );
        assert!(
            fine && ends == 1,
            "killed at {word}: {state:?}, ran {ran} times, {ends} ends"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_it_runs_it_is_interrupted_or_repeated() {
    let (state, ran, ends) = story("\"applying\"", false).await;
    assert!(
        state == DeliveryState::Interrupted && ran <= 1 && ends == 1,
        "{state:?}, ran {ran} times, {ends} ends"
    );
    let (state, ran, ends) = story("\"applying\"", true).await;
    assert!(
        state == DeliveryState::Succeeded && (1..=2).contains(&ran) && ends == 1,
        "{state:?}, {ran}, {ends}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_afterwards_it_has_run_once() {
    for word in ["\"observing\"", "\"succeeded\""] {
        let (state, ran, ends) = story(word, false).await;
        assert_eq!(
            (state, ran, ends),
            (DeliveryState::Succeeded, 1, 1),
            "killed at {word}"
        );
    }
}
