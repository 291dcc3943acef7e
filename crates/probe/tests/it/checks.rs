//! Built-in checks beside the plugins that administrators know, and the checks a host begins with.

use std::time::Duration;

use escadre_model::check::{CheckCommand, CheckDefinition, CheckResult, CheckState, StateKind};
use escadre_model::{CheckName, HostId, Timestamp};
use escadre_probe::checks::{State, default_checks, run};
use escadre_probe::{Plugins, Prober, inventory};
use escadre_watch::{Effect, Engine, Event, ResultEvent, Runner, Settings, Watched};
use insta::assert_snapshot;

fn builtin(name: &str, args: &[&str]) -> CheckResult {
    let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
    run(name, &args, &mut State::default())
}

fn plugin(argv: &[&str]) -> CheckResult {
    let argv: Vec<String> = argv.iter().map(|arg| (*arg).to_owned()).collect();
    block_on(async { Plugins::new(1).run(&argv, Duration::from_secs(30)).await })
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime starts")
        .block_on(future)
}

fn value(result: &CheckResult, label: &str) -> f64 {
    let perf = result.perf.iter().find(|perf| perf.label == label);
    perf.unwrap_or_else(|| {
        panic!("no {label} in {result:?}; apt-get install monitoring-plugins-basic?")
    })
    .value
}

#[test]
fn load_as_check_load() {
    let theirs = plugin(&["check_load", "-w", "900,900,900", "-c", "999,999,999"]);
    let ours = builtin("load", &["warning=900", "critical=999"]);
    assert_eq!(ours.state, CheckState::Ok);
    for label in ["load1", "load5", "load15"] {
        assert!(
            (value(&ours, label) - value(&theirs, label)).abs() < 2.0,
            "{ours:?} {theirs:?}"
        );
    }
}

#[test]
fn room_as_check_disk() {
    let theirs = plugin(&["check_disk", "-u", "bytes", "-w", "0", "-c", "0", "-p", "/"]);
    let ours = builtin("disk", &["mount=/"]);
    let whole = ours.perf[0].max.expect("the whole is told");
    assert!(
        (value(&ours, "used") - value(&theirs, "/")).abs() < whole / 100.0,
        "{ours:?} {theirs:?}"
    );
    assert_eq!(
        builtin("disk", &["warning=0:0.0001", "critical=~:"]).state,
        CheckState::Warning
    );
    assert_eq!(
        builtin("disk", &["warning=0", "critical=@0:100"]).state,
        CheckState::Critical
    );
}

#[test]
fn memory_adds_up() {
    let memory = builtin("memory", &["warning=~:", "critical=~:"]);
    assert_eq!(memory.state, CheckState::Ok);
    let total = inventory::collect().memory.0 as f64;
    assert_eq!(memory.perf[0].max, Some(total));
    assert!(memory.perf[0].value > 0.0 && memory.perf[0].value < total);
}

#[test]
fn every_host_begins_with_these() {
    let mut inventory = inventory::collect();
    inventory.mounts.retain(|mount| mount.path == "/");
    inventory.mounts.push(escadre_model::inventory::Mount {
        path: "/boot/efi".to_owned(),
        ..escadre_model::inventory::Mount::default()
    });
    let lines: Vec<String> = default_checks(&inventory)
        .iter()
        .map(|check| {
            let command = match &check.command {
                CheckCommand::Builtin { name, args } => format!("{name} {}", args.join(" ")),
                other => format!("{other:?}"),
            };
            let CheckDefinition { interval_s, retry_s, max_attempts, timeout_s, freshness_s, .. } = check;
            format!("{}: {} every {interval_s}/{retry_s} s, {max_attempts} attempts, {timeout_s} s, fresh {freshness_s} s", check.name, command.trim())
        })
        .collect();
    assert_snapshot!(lines.join("\n"), @r"
    host: Passive every 0/0 s, 1 attempts, 0 s, fresh 90 s
    load: load every 60/15 s, 3 attempts, 30 s, fresh 240 s
    memory: memory every 60/15 s, 3 attempts, 30 s, fresh 240 s
    swap: swap every 60/15 s, 3 attempts, 30 s, fresh 240 s
    clock: clock every 60/15 s, 3 attempts, 30 s, fresh 240 s
    units: units every 60/15 s, 3 attempts, 30 s, fresh 240 s
    disk /: disk mount=/ every 60/15 s, 3 attempts, 30 s, fresh 240 s
    inodes /: inodes mount=/ every 60/15 s, 3 attempts, 30 s, fresh 240 s
    disk /boot/efi: disk mount=/boot/efi every 60/15 s, 3 attempts, 30 s, fresh 240 s
    ");
}

#[test]
fn the_prober_runs_whatever_is_defined() {
    let prober = Prober::new(2);
    let define = |command| CheckDefinition {
        name: CheckName("x".to_owned()),
        command,
        interval_s: 60,
        retry_s: 10,
        max_attempts: 1,
        timeout_s: 30,
        freshness_s: 0,
    };
    let clock = define(CheckCommand::Builtin {
        name: "clock".to_owned(),
        args: Vec::new(),
    });
    let ours: Timestamp = "2026-11-20T08:00:00Z".parse().expect("a time");
    prober.set_reference(
        ours + Duration::from_secs(40),
        ours,
        Duration::from_millis(5),
    );
    let result = block_on(prober.run(&clock));
    assert_eq!(
        (result.state, result.output.as_str()),
        (CheckState::Critical, "the clock is 40.000 s behind")
    );
    let dummy = define(CheckCommand::Plugin {
        argv: vec!["check_dummy".to_owned(), "1".to_owned()],
    });
    assert_eq!(block_on(prober.run(&dummy)).state, CheckState::Warning);
    assert_eq!(
        block_on(prober.run(&define(CheckCommand::Passive))).state,
        CheckState::Unknown
    );
}

#[test]
fn default_checks_are_well_here_or_say_what_is_not() {
    let prober = Prober::new(2);
    for check in default_checks(&inventory::collect())
        .iter()
        .filter(|check| check.command != CheckCommand::Passive)
    {
        let result = block_on(prober.run(check));
        assert!(
            !result.output.is_empty() && !result.output.contains("argument"),
            "{}: {result:?}",
            check.name
        );
        if !matches!(check.name.0.as_str(), "clock") {
            assert_ne!(
                result.state,
                CheckState::Unknown,
                "{}: {result:?}",
                check.name
            );
        }
    }
}

#[test]
fn an_agent_runs_its_host_by_the_engine() {
    let host = HostId::from_random([3; 16]);
    let start: Timestamp = "2026-11-20T08:00:00Z".parse().expect("a time");
    let checks = default_checks(&inventory::collect());
    let expected: Vec<_> = checks
        .iter()
        .filter(|check| check.command != CheckCommand::Passive)
        .map(|check| check.name.clone())
        .collect();
    let (prober, mut engine) = (Prober::new(2), Engine::new(Settings::default()));
    let define = Event::Define {
        host,
        runner: Runner::Here,
        checks: checks.iter().cloned().map(Watched::from).collect(),
    };
    let mut orders = runs(engine.handle(start, define));
    orders.sort();
    assert_eq!(orders.len(), expected.len());
    for name in orders {
        let definition = checks
            .iter()
            .find(|check| check.name == name)
            .expect("only what is defined is run");
        let result = block_on(prober.run(definition));
        let taken = start + Duration::from_secs(1);
        let event = ResultEvent {
            host,
            check: name.clone(),
            sequence: None,
            taken,
            result: result.clone(),
        };
        engine.handle(taken, Event::Result(event));
        let status = engine.status(host, &name).expect("it is watched");
        assert_eq!(
            (status.state, &status.output),
            (result.state, &result.output)
        );
        let again = if status.kind == StateKind::Hard {
            definition.interval_s
        } else {
            definition.retry_s
        };
        assert_eq!(
            status.next_run,
            Some(start + Duration::from_secs(again.into())),
            "{name}"
        );
    }
    assert!(
        engine
            .next_due()
            .is_some_and(|due| due > start + Duration::from_secs(1))
    );
}

fn runs(effects: Vec<Effect>) -> Vec<CheckName> {
    let name = |effect| match effect {
        Effect::Run(order) => Some(order.check),
        _ => None,
    };
    effects.into_iter().filter_map(name).collect()
}
