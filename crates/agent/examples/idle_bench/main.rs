//! Measures what an agent costs a machine where nothing happens: memory, and how often it wakes.
//!
//! ```text
//! cargo run --release -p escadre-agent --example idle_bench -- [--settle 60] [--seconds 60]
//! ```
//!
//! Both ends are the real program (built first if it is not there): `escadre up` without its own agent, and
//! `escadre agent run` enrolled there by a token, with the usual checks and the usual rhythm of contacts. After a minute
//! in which it enrols, takes its inventory and runs each check once, it is watched from outside:
//!
//! - memory: `VmRSS` of `/proc/PID/status`;
//! - wake-ups: moments at which any thread's `voluntary_ctxt_switches` grew, or a thread ended, those less than
//!   [`APART`] after one another being one; compared with what the schedule asked for in that time, which the server
//!   counts: results of checks, contacts, and long polls by their length.

mod house;
mod process;

use std::{
    error::Error,
    process::ExitCode,
    time::{Duration, Instant},
};

use house::House;
use process::{Memory, Process};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Between two looks at the agent.
const LOOK: Duration = Duration::from_millis(20);
/// Work that is done in pieces with shorter pauses is one wake-up: a contact sends, waits for its answer, and writes.
const APART: Duration = Duration::from_millis(100);
/// The server ends a long poll without news after so long.
const LONG_POLL: Duration = Duration::from_secs(55);
/// Goal.
const MOST_MEMORY: f64 = 20.0;

struct Arguments {
    settle: u64,
    seconds: u64,
}

/// What was seen while nothing happened.
struct Seen {
    seconds: f64,
    wake_ups: usize,
    switches: u64,
    cpu: f64,
    memory: Memory,
    checks: u64,
    contacts: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    match watch().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("the benchmark broke off: {error}"));
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stdout, reason = "a benchmark shows its table")]
fn say(line: &str) {
    println!("{line}");
}

fn arguments() -> Outcome<Arguments> {
    let mut arguments = Arguments {
        settle: 60,
        seconds: 60,
    };
    let mut given = std::env::args().skip(1);
    while let Some(name) = given.next() {
        let value = given.next().ok_or(format!("{name} wants a value"))?;
        match name.as_str() {
            "--settle" => arguments.settle = value.parse()?,
            "--seconds" => arguments.seconds = value.parse()?,
            other => return Err(format!("{other} is not known").into()),
        }
    }
    Ok(arguments)
}

async fn watch() -> Outcome<()> {
    let arguments = arguments()?;
    let house = House::open()?;
    let agent = house.start_agent()?;
    tokio::time::sleep(Duration::from_secs(arguments.settle)).await;
    let seen = look(&house, &agent, Duration::from_secs(arguments.seconds)).await?;
    report(&seen);
    Ok(())
}

async fn look(house: &House, agent: &Process, time: Duration) -> Outcome<Seen> {
    let (checks, contacts) = house.counts().await?;
    let (began, cpu) = (Instant::now(), agent.cpu()?);
    let mut switches = agent.switches()?;
    let (mut last, mut wake_ups, mut all) = (None::<Instant>, 0, 0);
    while began.elapsed() < time {
        tokio::time::sleep(LOOK).await;
        let now = agent.switches()?;
        // One that began brings its count along; one that ended took it away, and had to wake for its end.
        let ended = switches.keys().filter(|thread| !now.contains_key(*thread));
        let grew = ended.count() as u64
            + now
                .iter()
                .map(|(thread, count)| count.saturating_sub(*switches.get(thread).unwrap_or(&0)))
                .sum::<u64>();
        switches = now;
        if grew > 0 {
            all += grew;
            if last.is_none_or(|last| last.elapsed() > APART) {
                wake_ups += 1;
            }
            last = Some(Instant::now());
        }
    }
    let cpu = agent.cpu()? - cpu;
    let seconds = began.elapsed().as_secs_f64();
    let (checks_after, contacts_after) = house.counts().await?;
    Ok(Seen {
        seconds,
        wake_ups,
        switches: all,
        cpu,
        memory: agent.memory()?,
        checks: checks_after - checks,
        contacts: contacts_after - contacts,
    })
}

fn report(seen: &Seen) {
    let memory = &seen.memory;
    say(&format!(
        "memory: {:.1} MiB resident ({:.1} of its own, {:.1} of the program's file, at most {:.1} so far); goal {MOST_MEMORY}",
        memory.resident, memory.own, memory.file, memory.peak
    ));
    let polls = seen.seconds / LONG_POLL.as_secs_f64();
    let asked = seen.checks as f64 + seen.contacts as f64 + polls.ceil();
    say(&format!(
        "in {:.0} s: {} wake-ups; asked for: {} checks, {} contacts, {:.0} long polls = {asked}",
        seen.seconds,
        seen.wake_ups,
        seen.checks,
        seen.contacts,
        polls.ceil()
    ));
    say(&format!(
        "{:.2} wake-ups a second, {:.2} asked for; {} switches of threads, {:.2} s of CPU",
        seen.wake_ups as f64 / seen.seconds,
        asked / seen.seconds,
        seen.switches,
        seen.cpu
    ));
}
