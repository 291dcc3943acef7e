//! Stories: one line an event, told back with all that followed from it.
//!
//! ```text
//! 0 check load attempts=3 interval=60 retry=10 freshness=0
//! 0 define [here]
//! 10 result load critical [seq=N] [taken=T] [started=T]
//! 20 heard | tick | resume | gone | restart
//! 30 ack load [sticky] [notify] · unack load · run load
//! 40 downtime 1 load|- from=40 until=90 · cancel 1
//! ```
//! `until T` lets everything happen that is due up to T, each at its own time.

use std::fmt::Write;

use escadre_model::check::{CheckCommand, CheckDefinition, CheckResult, CheckState, StateKind};
use escadre_model::{CheckName, HostId, Timestamp};
use escadre_watch::{
    Acknowledgement, Downtime, DowntimeId, Effect, Engine, Event, HistoryKind, ResultEvent, Runner,
    Settings, Watched,
};

pub(crate) const HOST: HostId = HostId::from_random([1; 16]);

pub(crate) fn time(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).expect("a time of this century")
}

fn second(time: Timestamp) -> i64 {
    time.as_second() - 1_700_000_000
}

/// Plays a story and tells it back.
pub(crate) fn play(story: &str) -> String {
    let mut player = Player {
        engine: Engine::new(Settings::default()),
        checks: Vec::new(),
        told: String::new(),
    };
    for line in story.lines().map(str::trim).filter(|line| !line.is_empty()) {
        writeln!(player.told, "> {line}").expect("text grows");
        player.line(line);
    }
    player.told
}

struct Player {
    engine: Engine,
    checks: Vec<Watched>,
    told: String,
}

struct Words<'a>(Vec<&'a str>);

impl<'a> Words<'a> {
    fn value(&self, key: &str) -> Option<&'a str> {
        self.0
            .iter()
            .find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
    }

    fn number(&self, key: &str, default: u32) -> u32 {
        self.value(key)
            .map_or(default, |value| value.parse().expect("a number"))
    }

    fn time(&self, key: &str) -> Option<Timestamp> {
        self.value(key)
            .map(|value| time(value.parse().expect("seconds")))
    }

    fn has(&self, word: &str) -> bool {
        self.0.contains(&word)
    }
}

impl Player {
    fn line(&mut self, line: &str) {
        let words = Words(line.split_whitespace().collect());
        if words.0[0] == "until" {
            let end = time(words.0[1].parse().expect("seconds"));
            while let Some(due) = self.engine.next_due().filter(|due| *due <= end) {
                self.handle(due, Event::Tick);
            }
            return;
        }
        let at = time(words.0[0].parse().expect("a line begins with its second"));
        let check = words.0.get(2).map(|name| CheckName((*name).to_owned()));
        match words.0[1] {
            "check" => self.checks.push(watched(&words)),
            "forget" => self.checks.clear(),
            "restart" => {
                let text =
                    serde_json::to_string(&self.engine.snapshot()).expect("a snapshot is JSON");
                self.engine = Engine::restore(serde_json::from_str(&text).expect("and is read"))
                    .expect("and fits");
            }
            _ => self.handle(at, self.event(at, &words, check)),
        }
    }

    fn event(&self, at: Timestamp, words: &Words, check: Option<CheckName>) -> Event {
        let named = || check.clone().expect("a check is named");
        match words.0[1] {
            "define" => {
                let runner = if words.has("here") {
                    Runner::Here
                } else {
                    Runner::Elsewhere
                };
                Event::Define {
                    host: HOST,
                    runner,
                    checks: self.checks.clone(),
                }
            }
            "result" => Event::Result(result(at, words, named())),
            "heard" => Event::Heard { host: HOST },
            "tick" => Event::Tick,
            "resume" => Event::Resume,
            "gone" => Event::HostGone { host: HOST },
            "run" => Event::RunNow {
                host: HOST,
                check: check.clone(),
            },
            "unack" => Event::RemoveAcknowledgement {
                host: HOST,
                check: named(),
            },
            "ack" => {
                let (author, comment, sticky) =
                    ("ann".to_owned(), "mine".to_owned(), words.has("sticky"));
                let acknowledgement = Acknowledgement {
                    author,
                    comment,
                    sticky,
                    at,
                };
                Event::Acknowledge {
                    host: HOST,
                    check: named(),
                    acknowledgement,
                    notify: words.has("notify"),
                }
            }
            "downtime" => {
                let id = DowntimeId(words.0[2].parse().expect("a number"));
                let check = (words.0[3] != "-").then(|| CheckName(words.0[3].to_owned()));
                let (from, until) = (
                    words.time("from").unwrap_or(at),
                    words.time("until").expect("an end"),
                );
                let (author, comment) = ("ann".to_owned(), "work".to_owned());
                Event::PlanDowntime {
                    host: HOST,
                    downtime: Downtime {
                        id,
                        check,
                        from,
                        until,
                        author,
                        comment,
                    },
                }
            }
            "cancel" => Event::CancelDowntime {
                host: HOST,
                id: DowntimeId(words.0[2].parse().expect("a number")),
            },
            word => panic!("no story has {word}"),
        }
    }

    fn handle(&mut self, at: Timestamp, event: Event) {
        for effect in self.engine.handle(at, event) {
            let text = tell(&effect);
            if !text.is_empty() {
                writeln!(self.told, "{:>6} {text}", second(at)).expect("text grows");
            }
        }
    }
}

fn watched(words: &Words) -> Watched {
    let name = words.0[2];
    let command = if words.has("passive") || name == CheckName::HOST {
        CheckCommand::Passive
    } else {
        CheckCommand::Builtin {
            name: name.to_owned(),
            args: Vec::new(),
        }
    };
    CheckDefinition {
        name: CheckName(name.to_owned()),
        command,
        interval_s: words.number("interval", 60),
        retry_s: words.number("retry", 10),
        max_attempts: words.number("attempts", 1),
        timeout_s: 10,
        freshness_s: words.number("freshness", 0),
    }
    .into()
}

fn result(at: Timestamp, words: &Words, check: CheckName) -> ResultEvent {
    let state = match words.0[3] {
        "ok" => CheckState::Ok,
        "warning" => CheckState::Warning,
        "critical" => CheckState::Critical,
        "unknown" => CheckState::Unknown,
        word => panic!("no state {word}"),
    };
    let taken = words.time("taken").unwrap_or(at);
    let result = CheckResult {
        state,
        output: format!("it is {}", state.word()),
        long_output: String::new(),
        perf: Vec::new(),
        started: words.time("started").unwrap_or(taken),
        duration_ms: 1,
    };
    let sequence = words.value("seq").map(|n| n.parse().expect("a number"));
    ResultEvent {
        host: HOST,
        check,
        sequence,
        taken,
        result,
    }
}

fn tell(effect: &Effect) -> String {
    let kind = |kind: StateKind| {
        if kind == StateKind::Soft {
            "soft"
        } else {
            "hard"
        }
    };
    match effect {
        Effect::Updated { .. } => String::new(),
        Effect::StateChanged(c) => format!(
            "{}: {} -> {} {} {}/{} \"{}\" at {}",
            c.check,
            c.from.word(),
            c.to.word(),
            kind(c.kind),
            c.attempt,
            c.max_attempts,
            c.output,
            second(c.at)
        ),
        Effect::ProblemBegan(c) => format!("{}: problem", c.check),
        Effect::Recovered(c) => format!("{}: recovered", c.check),
        Effect::StaleBegan { check, since, .. } => {
            format!("{check}: stale since {}", second(*since))
        }
        Effect::StaleEnded { check, .. } => format!("{check}: fresh"),
        Effect::Notify(n) => format!("{}: tell {:?} #{}", n.check, n.kind, n.number),
        Effect::Run(order) => {
            let forced = if order.forced { " (asked for)" } else { "" };
            format!("{}: run, due {}{forced}", order.check, second(order.due))
        }
        Effect::Dropped { check, reason, .. } => format!("{check}: dropped, {reason:?}"),
        Effect::Removed { check, .. } => format!("{check}: removed"),
        Effect::History(entry) => match &entry.kind {
            HistoryKind::State { .. } | HistoryKind::Stale | HistoryKind::Fresh => String::new(),
            kind => format!(
                "history: {} {}",
                kind.word(),
                entry.check.as_ref().map_or("(host)", |check| &check.0)
            ),
        },
    }
}
