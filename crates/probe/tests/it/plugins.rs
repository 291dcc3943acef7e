//! Plugins: those of Debian's monitoring-plugins-basic, and scripts that behave as badly as they can.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use escadre_model::check::{CheckResult, CheckState};
use escadre_probe::Plugins;

/// Enough for a slow machine; no test waits that long unless it fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// Longer than any test may take: what ends earlier was ended for another reason.
const FOREVER: Duration = Duration::from_secs(60);

fn run(argv: &[&str], time: Duration) -> CheckResult {
    let argv: Vec<String> = argv.iter().map(|arg| (*arg).to_owned()).collect();
    runtime().block_on(Plugins::new(4).run(&argv, time))
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime starts")
}

struct Script {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl Script {
    fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the script");
        let path = folder.path().join("plugin");
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("the script is written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))
            .expect("the script is made executable");
        Self {
            _folder: folder,
            path,
        }
    }

    fn run(&self, arguments: &[&str], time: Duration) -> CheckResult {
        let mut argv = vec![self.path.to_str().expect("a path of ours is text")];
        argv.extend(arguments);
        run(&argv, time)
    }
}

fn check(text: &str, state: CheckState, output: &str) {
    let result = Script::new(text).run(&[], PATIENCE);
    assert_eq!(
        (result.state, result.output.as_str()),
        (state, output),
        "{text}"
    );
}

#[test]
fn real_plugins_are_read() {
    for (argv, label) in [
        (
            &["check_procs", "-w", "100000", "-c", "200000"][..],
            "procs",
        ),
        (
            &[
                "/usr/lib/nagios/plugins/check_load",
                "-w",
                "900,900,900",
                "-c",
                "999,999,999",
            ],
            "load1",
        ),
        (&["check_disk", "-w", "0", "-c", "0", "-p", "/"], "/"),
    ] {
        let result = run(argv, PATIENCE);
        assert_eq!(
            result.state,
            CheckState::Ok,
            "apt-get install monitoring-plugins-basic? {result:?}"
        );
        assert!(
            result.perf.iter().any(|perf| perf.label == label),
            "{result:?}"
        );
    }
    for (code, state) in [
        ("0", CheckState::Ok),
        ("1", CheckState::Warning),
        ("2", CheckState::Critical),
        ("3", CheckState::Unknown),
    ] {
        let result = run(&["check_dummy", code, "a word; $(touch /tmp/no)"], PATIENCE);
        assert_eq!(result.state, state);
        assert!(
            result.output.ends_with(": a word; $(touch /tmp/no)"),
            "no shell has seen it: {}",
            result.output
        );
    }
}

#[test]
fn the_contract_and_its_breaches() {
    check("echo fine; exit 0", CheckState::Ok, "fine");
    check("echo oh >&2; exit 2", CheckState::Critical, "oh");
    check("exit 1", CheckState::Warning, "(no output)");
    check(
        "echo odd; exit 4",
        CheckState::Unknown,
        "exit code 4 is not one of a plugin's",
    );
    check(
        "echo dying; kill -SEGV $$",
        CheckState::Unknown,
        "killed by signal 11",
    );
    check("cat; echo no input", CheckState::Ok, "no input");
    check(
        "printf '\\377\\376 bytes'",
        CheckState::Ok,
        "\u{fffd}\u{fffd} bytes",
    );
    let result =
        Script::new("echo 'a | b=1;2;3'; echo more; echo '| c=4'; exit 1").run(&[], PATIENCE);
    assert_eq!(
        (result.output.as_str(), result.long_output.as_str()),
        ("a", "more")
    );
    assert_eq!(
        result.perf.iter().map(|p| p.value).collect::<Vec<_>>(),
        [1.0, 4.0]
    );
}

#[test]
fn what_cannot_be_started_says_so() {
    for (argv, output) in [
        (&[][..], "the check has no command"),
        (
            &["check_nothing_like_it"],
            "there is no plugin check_nothing_like_it; install it, or give its whole path",
        ),
        (
            &["/nonexistent"],
            "/nonexistent cannot be started: No such file or directory (os error 2)",
        ),
    ] {
        let result = run(argv, PATIENCE);
        assert_eq!(
            (result.state, result.output.as_str()),
            (CheckState::Unknown, output)
        );
    }
}

#[test]
fn a_file_that_is_no_program_says_so() {
    let script = Script::new("exit 0");
    fs::set_permissions(&script.path, fs::Permissions::from_mode(0o644)).expect("it is ours");
    let result = script.run(&[], PATIENCE);
    assert_eq!(result.state, CheckState::Unknown);
    assert!(
        result
            .output
            .ends_with("cannot be started: Permission denied (os error 13)"),
        "{result:?}"
    );
}

#[test]
fn the_environment_is_small() {
    let result =
        Script::new("env | sort | grep -v -e ^PWD= -e ^_= -e ^SHLVL= -e ^OLDPWD= | tr '\\n' ' '")
            .run(&[], PATIENCE);
    assert_eq!(
        result.output,
        "LC_ALL=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    );
}

#[test]
fn endless_output_is_ended() {
    let begun = Instant::now();
    let result = run(&["yes"], FOREVER);
    assert_eq!(
        (result.state, result.output.as_str()),
        (CheckState::Unknown, "it printed without end, killed")
    );
    assert!(result.long_output.len() <= 8192);
    assert!(begun.elapsed() < PATIENCE);
    let result = run(&["sh", "-c", "yes >&2"], FOREVER);
    assert_eq!(result.output, "it printed without end, killed");
}

#[test]
fn much_output_is_cut_but_judged() {
    let result = run(
        &["sh", "-c", "head -c 1000000 /dev/zero | tr '\\0' x; exit 2"],
        PATIENCE,
    );
    assert_eq!(
        (result.state, result.output.len()),
        (CheckState::Critical, 8192)
    );
}

/// Whether a process of this number still runs (not: waits to be reaped by init).
fn runs(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat
        .rsplit(") ")
        .next()
        .and_then(|rest| rest.chars().next());
    !matches!(state, None | Some('Z' | 'X'))
}

fn assert_gone(pid: &str) {
    let begun = Instant::now();
    while runs(pid) {
        assert!(begun.elapsed() < PATIENCE, "process {pid} is still there");
        std::thread::yield_now();
    }
}

#[test]
fn one_that_ignores_signals_is_killed_with_its_children() {
    let folder = tempfile::tempdir().expect("a folder");
    let pids = folder.path().join("pids");
    let script = Script::new(
        "trap '' TERM INT HUP; (trap '' TERM; exec sleep 600) & echo $$ $! > \"$1\"; echo begun; wait",
    );
    let result = script.run(&[pids.to_str().expect("text")], Duration::from_secs(2));
    assert_eq!(
        (result.state, result.output.as_str()),
        (CheckState::Unknown, "no answer within 2 s, killed")
    );
    assert_eq!(result.long_output, "begun");
    let pids = fs::read_to_string(pids).expect("it had begun");
    assert_eq!(pids.split_whitespace().count(), 2);
    pids.split_whitespace().for_each(assert_gone);
}

#[test]
fn one_that_leaves_a_child_on_the_pipe_is_not_waited_for() {
    let script = Script::new("sleep 600 & echo \"left $!\"; exit 1");
    let begun = Instant::now();
    let result = script.run(&[], FOREVER);
    assert_eq!(result.state, CheckState::Warning);
    assert!(begun.elapsed() < PATIENCE);
    assert_gone(result.output.strip_prefix("left ").expect("it printed"));
}

#[test]
fn a_run_that_nobody_waits_for_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("pid");
    let script = Script::new("echo $$ > \"$1.new\"; mv \"$1.new\" \"$1\"; exec sleep 600");
    let argv = vec![
        script.path.display().to_string(),
        file.display().to_string(),
    ];
    let pid = runtime().block_on(async {
        let run = tokio::spawn(async move { Plugins::new(1).run(&argv, FOREVER).await });
        let pid = loop {
            match fs::read_to_string(&file) {
                Ok(pid) => break pid,
                Err(_) => tokio::task::yield_now().await,
            }
        };
        run.abort();
        let _ = run.await;
        pid
    });
    assert_gone(pid.trim());
}

#[test]
fn so_many_at_a_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let counter = folder.path().display().to_string();
    // Each marks itself, waits until it has been seen or alone for a moment, and says how many there are.
    let script = Script::new("touch $1/$$; n=$(ls $1 | wc -l); sleep 0.05; rm $1/$$; echo $n");
    let argv = vec![script.path.display().to_string(), counter];
    let outputs = runtime().block_on(async {
        let plugins = Plugins::new(2);
        let runs: Vec<_> = (0..8)
            .map(|_| {
                let (plugins, argv) = (plugins.clone(), argv.clone());
                tokio::spawn(async move { plugins.run(&argv, PATIENCE).await.output })
            })
            .collect();
        let mut outputs = Vec::new();
        for run in runs {
            outputs.push(
                run.await
                    .expect("no run panics")
                    .parse::<u32>()
                    .expect("it counts"),
            );
        }
        outputs
    });
    assert!(
        outputs.iter().all(|count| (1..=2).contains(count)),
        "{outputs:?}"
    );
}
