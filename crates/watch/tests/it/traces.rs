//! Replays traces of Nagios 4.4.6: the external commands that it was sent, the lines that it logged, the states that it
//! kept. Compared are alerts, notifications, downtimes and all fields that the engine has a word for.
//!
//! Not compared: flapping, and lines about the commands themselves.

use std::collections::BTreeMap;
use std::path::Path;

use escadre_model::check::{CheckCommand, CheckDefinition, CheckResult, CheckState, StateKind};
use escadre_model::{CheckName, HostId, Timestamp};
use escadre_watch::{
    Acknowledgement, Downtime, DowntimeId, Effect, Engine, Event, HistoryKind, NotificationKind,
    Policy, ResultEvent, Runner, Settings, Watched,
};
use serde_json::Value;

/// A stale passive check is a state here; Nagios runs the check's command instead.
const OTHER_BY_DESIGN: [&str; 1] = ["t40"];
/// The recovery of a problem that was told is silent in Nagios after an outage of the host; here it is told.
const QUIRKS: [(&str, u64); 1] = [("t33", 6)];

struct Replay {
    engine: Engine,
    host: HostId,
    name: String,
    passive: bool,
    downtimes: BTreeMap<String, DowntimeId>,
    lines: Vec<String>,
}

#[test]
fn nagios_did_the_same() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces");
    let mut replayed = 0;
    for entry in std::fs::read_dir(folder).expect("the traces are part of the crate") {
        let text = std::fs::read_to_string(entry.expect("a folder lists its files").path())
            .expect("a trace is text");
        let trace: Value = serde_json::from_str(&text).expect("a trace is JSON");
        let id = trace["id"].as_str().expect("a trace has an id");
        if !OTHER_BY_DESIGN.contains(&id) {
            replay(id, &trace);
            replayed += 1;
        }
    }
    assert_eq!(replayed, 14);
}

fn replay(id: &str, trace: &Value) {
    let mut replay = Replay::new(trace);
    for step in trace["steps"].as_array().expect("a trace has steps") {
        let (number, at) = (
            step["step"].as_u64().unwrap_or(0),
            step["at"].as_i64().expect("a step has a time"),
        );
        for command in step["sent"].as_array().into_iter().flatten() {
            replay.send(at, command.as_str().expect("a command is text"));
        }
        replay.run_until(at + 3);
        let mut ours = std::mem::take(&mut replay.lines);
        let logged = step["log"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|line| line["line"].as_str());
        let mut theirs: Vec<_> = logged
            .filter(|line| is_compared(line))
            .map(str::to_owned)
            .collect();
        ours.sort();
        theirs.sort();
        if QUIRKS.contains(&(id, number)) {
            assert_eq!(theirs.len() + 1, ours.len(), "{id} step {number}");
            continue;
        }
        assert_eq!(ours, theirs, "{id} step {number}");
        replay.compare_states(id, number, &step["state"]);
    }
}

fn is_compared(line: &str) -> bool {
    ["SERVICE ", "HOST "]
        .iter()
        .any(|start| line.starts_with(start))
        && !line.contains("FLAPPING")
}

fn time(at: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + at).expect("a time of this century")
}

impl Replay {
    fn new(trace: &Value) -> Self {
        let objects = trace["objects"].as_array().expect("a trace has objects");
        let name = objects[0]["host_name"]
            .as_str()
            .expect("the first object is the host")
            .to_owned();
        let soft_hosts = trace["settings"]["passive_host_checks_are_soft"] == 1;
        let checks = objects
            .iter()
            .map(|object| watched(object, soft_hosts))
            .collect();
        let host = HostId::from_random([7; 16]);
        let mut engine = Engine::new(Settings::default());
        engine.handle(
            time(0),
            Event::Define {
                host,
                runner: Runner::Elsewhere,
                checks,
            },
        );
        Self {
            engine,
            host,
            name,
            passive: true,
            downtimes: BTreeMap::new(),
            lines: Vec::new(),
        }
    }

    fn send(&mut self, at: i64, command: &str) {
        let words: Vec<&str> = command.split(';').collect();
        let (host, svc) = (self.host, CheckName("svc".to_owned()));
        let event = match words[..] {
            ["PROCESS_SERVICE_CHECK_RESULT", _, _, code, text] => {
                let code = code.parse().expect("a return code");
                if !self.passive {
                    return;
                }
                result(host, svc, CheckState::from_exit(code), text, at)
            }
            ["PROCESS_HOST_CHECK_RESULT", _, code, text] => {
                let state = if code == "0" {
                    CheckState::Ok
                } else {
                    CheckState::Critical
                };
                result(host, CheckName(CheckName::HOST.to_owned()), state, text, at)
            }
            [
                "ACKNOWLEDGE_SVC_PROBLEM",
                _,
                _,
                sticky,
                notify,
                _,
                author,
                comment,
            ] => Event::Acknowledge {
                host,
                check: svc,
                acknowledgement: Acknowledgement {
                    author: author.to_owned(),
                    comment: comment.to_owned(),
                    sticky: sticky == "2",
                    at: time(at),
                },
                notify: notify == "1",
            },
            [
                "SCHEDULE_SVC_DOWNTIME",
                _,
                _,
                from,
                until,
                "1",
                _,
                _,
                author,
                comment,
            ] => {
                let id = DowntimeId(self.downtimes.len() as u64);
                self.downtimes.insert(comment.to_owned(), id);
                let (author, comment) = (author.to_owned(), comment.to_owned());
                let downtime = Downtime {
                    id,
                    check: Some(svc),
                    from: end(from),
                    until: end(until),
                    author,
                    comment,
                };
                Event::PlanDowntime { host, downtime }
            }
            ["DEL_DOWNTIME_BY_HOST_NAME", _, _, _, comment] => Event::CancelDowntime {
                host,
                id: self.downtimes[comment],
            },
            ["DISABLE_SVC_NOTIFICATIONS", ..] => Event::SetNotifications {
                host,
                check: Some(svc),
                on: false,
            },
            ["ENABLE_SVC_NOTIFICATIONS", ..] => Event::SetNotifications {
                host,
                check: Some(svc),
                on: true,
            },
            [
                "DISABLE_PASSIVE_SVC_CHECKS" | "ENABLE_PASSIVE_SVC_CHECKS",
                ..,
            ] => {
                self.passive = words[0].starts_with("ENABLE");
                return;
            }
            _ => panic!("the replay does not know {command}"),
        };
        let effects = self.engine.handle(time(at), event);
        self.log(effects);
    }

    fn run_until(&mut self, at: i64) {
        while let Some(due) = self.engine.next_due().filter(|due| *due <= time(at)) {
            let effects = self.engine.handle(due, Event::Tick);
            self.log(effects);
        }
    }

    fn log(&mut self, effects: Vec<Effect>) {
        let host = self.name.clone();
        for effect in effects {
            let line = match effect {
                Effect::StateChanged(change) => {
                    let kind = if change.kind == StateKind::Soft {
                        "SOFT"
                    } else {
                        "HARD"
                    };
                    let (what, subject, state) = said(&host, &change.check, change.to);
                    format!(
                        "{what} ALERT: {subject};{state};{kind};{};{}",
                        change.attempt, change.output
                    )
                }
                Effect::Notify(told) => {
                    let (what, subject, state) = said(&host, &told.check, told.state);
                    let (state, tail) = match told.kind {
                        NotificationKind::Problem | NotificationKind::Recovery => {
                            (state.to_owned(), String::new())
                        }
                        NotificationKind::Acknowledgement { author, comment } => (
                            format!("ACKNOWLEDGEMENT ({state})"),
                            format!(";{author};{comment}"),
                        ),
                        NotificationKind::DowntimeStart => {
                            (format!("DOWNTIMESTART ({state})"), String::new())
                        }
                        NotificationKind::DowntimeEnd => {
                            (format!("DOWNTIMEEND ({state})"), String::new())
                        }
                        NotificationKind::DowntimeCancelled => {
                            (format!("DOWNTIMECANCELLED ({state})"), String::new())
                        }
                    };
                    format!(
                        "{what} NOTIFICATION: first;{subject};{state};tell;{}{tail}",
                        told.output
                    )
                }
                Effect::History(entry) => match entry.kind {
                    HistoryKind::DowntimeStarted { .. } => format!(
                        "SERVICE DOWNTIME ALERT: {host};svc;STARTED; Service has entered a period of scheduled downtime"
                    ),
                    HistoryKind::DowntimeEnded {
                        cancelled: false, ..
                    } => format!(
                        "SERVICE DOWNTIME ALERT: {host};svc;STOPPED; Service has exited from a period of scheduled downtime"
                    ),
                    HistoryKind::DowntimeEnded {
                        cancelled: true, ..
                    } => format!(
                        "SERVICE DOWNTIME ALERT: {host};svc;CANCELLED; Scheduled downtime for service has been cancelled."
                    ),
                    _ => continue,
                },
                _ => continue,
            };
            self.lines.push(line);
        }
    }

    fn compare_states(&self, id: &str, step: u64, expected: &Value) {
        let record = self.engine.host(self.host).expect("the host is watched");
        for (who, check) in [("svc", "svc"), ("host", CheckName::HOST)] {
            let check = &record.checks[&CheckName(check.to_owned())];
            let status = &check.status;
            let ack = status
                .acknowledgement
                .as_ref()
                .map_or(0, |ack| 1 + i32::from(ack.sticky));
            let ours = [
                (
                    "has_been_checked",
                    u32::from(status.checked.is_some()).to_string(),
                ),
                ("current_state", code(who, status.state)),
                (
                    "state_type",
                    u32::from(status.kind == StateKind::Hard).to_string(),
                ),
                ("current_attempt", status.attempt.to_string()),
                ("max_attempts", status.max_attempts.to_string()),
                ("last_hard_state", code(who, status.hard_state)),
                ("current_notification_number", status.notified.to_string()),
                (
                    "problem_has_been_acknowledged",
                    u32::from(ack > 0).to_string(),
                ),
                ("acknowledgement_type", ack.to_string()),
                ("scheduled_downtime_depth", status.downtimes.to_string()),
                (
                    "notifications_enabled",
                    u32::from(check.policy.notify).to_string(),
                ),
                ("plugin_output", status.output.clone()),
                ("long_plugin_output", status.long_output.clone()),
            ];
            for (field, value) in ours {
                assert_eq!(
                    expected[who][field], value,
                    "{id} step {step} {who}.{field}"
                );
            }
        }
    }
}

fn watched(object: &Value, soft_hosts: bool) -> Watched {
    let number = |key: &str| {
        object[key]
            .as_u64()
            .and_then(|n| u32::try_from(n).ok())
            .unwrap_or(0)
    };
    let is_host = object["type"] == "host";
    let options = object["notification_options"].as_str().unwrap_or_default();
    let state = |letter: &str| match (letter, is_host) {
        ("r", _) => Some(CheckState::Ok),
        ("w", false) => Some(CheckState::Warning),
        ("u", false) => Some(CheckState::Unknown),
        ("c", false) | ("d", true) => Some(CheckState::Critical),
        _ => None,
    };
    let name = if is_host { CheckName::HOST } else { "svc" };
    Watched {
        definition: CheckDefinition {
            name: CheckName(name.to_owned()),
            command: CheckCommand::Passive,
            interval_s: number("check_interval"),
            retry_s: number("retry_interval"),
            max_attempts: number("max_check_attempts"),
            timeout_s: 60,
            freshness_s: 0,
        },
        policy: Policy {
            notify_states: options.split(',').filter_map(state).collect(),
            renotify_s: number("notification_interval"),
            first_notification_delay_s: number("first_notification_delay"),
            volatile: number("is_volatile") == 1,
            hard_at_once: is_host && !soft_hosts,
            ..Policy::default()
        },
    }
}

fn result(host: HostId, check: CheckName, state: CheckState, text: &str, at: i64) -> Event {
    let result = CheckResult {
        state,
        output: text.to_owned(),
        long_output: String::new(),
        perf: Vec::new(),
        started: time(at),
        duration_ms: 0,
    };
    Event::Result(ResultEvent {
        host,
        check,
        sequence: None,
        taken: time(at),
        result,
    })
}

fn end(text: &str) -> Timestamp {
    let seconds = text
        .trim_start_matches("<t0+")
        .trim_end_matches('>')
        .parse()
        .expect("a time from the start");
    time(seconds)
}

fn code(who: &str, state: CheckState) -> String {
    let code = match (who, state) {
        (_, CheckState::Ok | CheckState::Pending) => 0,
        ("host", _) | (_, CheckState::Warning) => 1,
        (_, CheckState::Critical) => 2,
        (_, CheckState::Unknown) => 3,
    };
    code.to_string()
}

fn said(host: &str, check: &CheckName, state: CheckState) -> (&'static str, String, String) {
    if check.0 == CheckName::HOST {
        let word = if matches!(state, CheckState::Ok | CheckState::Pending) {
            "UP"
        } else {
            "DOWN"
        };
        ("HOST", host.to_owned(), word.to_owned())
    } else {
        let word = if state == CheckState::Pending {
            "OK".to_owned()
        } else {
            state.word().to_uppercase()
        };
        ("SERVICE", format!("{host};{check}"), word)
    }
}
