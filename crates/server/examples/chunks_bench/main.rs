//! Measures what serving content costs against Debian's nginx, in one run, as ratios of medians.
//!
//! ```text
//! cargo run --release -p escadre-server --example chunks_bench -- [--rounds 4] [--seconds 4]
//! ```
//!
//! What is compared: 5 MiB that do not compress, as five chunks of 1 MiB (the largest that there are) and as forty of
//! 128 KiB (the usual ones), asked for in turn over HTTP/1.1 and TLS 1.3 by 1 and by 50 connections of `wrk`. nginx serves
//! the very same bytes under the same paths from files (two workers, `sendfile`, `open_file_cache`, no log); ours is the
//! listener, the TLS configuration and the router of the agent port, in a process of its own as `escadre up` has it.
//!
//! `wrk` has no client certificate: the benchmark's server says itself which host asks. Otherwise that would be read
//! from the handshake, once a connection.

mod load;
mod nginx;
mod ours;

use std::{error::Error, path::Path, process::ExitCode};

use load::{Cost, Load, Target};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Bytes of a chunk, and how many make 5 MiB.
const SIZES: [(usize, usize); 2] = [(1 << 20, 5), (128 << 10, 40)];
const CONNECTIONS: [usize; 2] = [1, 50];

struct Arguments {
    rounds: usize,
    seconds: u32,
}

#[tokio::main]
async fn main() -> ExitCode {
    let mut given = std::env::args().skip(1);
    let outcome = match (given.next().as_deref(), given.next()) {
        (Some(ours::SERVE), Some(folder)) => ours::serve(Path::new(&folder)).await,
        _ => compare().await,
    };
    match outcome {
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
        rounds: 4,
        seconds: 4,
    };
    let mut given = std::env::args().skip(1);
    while let Some(name) = given.next() {
        let value = given.next().ok_or(format!("{name} wants a value"))?;
        match name.as_str() {
            "--rounds" => arguments.rounds = value.parse::<usize>()?.max(1),
            "--seconds" => arguments.seconds = value.parse()?,
            other => return Err(format!("{other} is not known").into()),
        }
    }
    Ok(arguments)
}

async fn compare() -> Outcome<()> {
    let arguments = arguments()?;
    let place = tempfile::tempdir()?;
    for (bytes, count) in SIZES {
        let folder = place.path().join(bytes.to_string());
        let chunks = ours::fill(&folder, bytes, count)?;
        let ours = ours::Ours::start(&folder)?;
        let nginx = nginx::Nginx::start(&folder.join("nginx"), &chunks)?;
        let paths: Vec<String> = chunks.iter().map(|(path, _)| path.clone()).collect();
        let load = Load::new(&folder, &paths, arguments.seconds)?;
        for target in [ours.target(), nginx.target()] {
            target.proves_to_serve(&chunks).await?;
        }
        for connections in CONNECTIONS {
            say(&format!(
                "{count} chunks of {} KiB in turn, {connections} connections, {} rounds of {} s",
                bytes >> 10,
                arguments.rounds,
                arguments.seconds
            ));
            rounds(
                &load,
                connections,
                &[ours.target(), nginx.target()],
                arguments.rounds,
            )?;
        }
    }
    Ok(())
}

/// Turn by turn, so that what else the machine does falls on both alike; ratios are of one turn, then their median.
fn rounds(load: &Load, connections: usize, targets: &[Target; 2], rounds: usize) -> Outcome<()> {
    let [ours, theirs] = targets;
    load.warm(ours, connections)?;
    load.warm(theirs, connections)?;
    let turns =
        (0..rounds).map(|_| Ok([load.run(ours, connections)?, load.run(theirs, connections)?]));
    let turns = turns.collect::<Outcome<Vec<[Cost; 2]>>>()?;
    for (target, position) in targets.iter().zip(0..) {
        say(&format!(
            "  {:8} {:6.3} GB/s, {:6.3} s of CPU per GB",
            target.name,
            median(&turns, |turn| turn[position].gigabytes_per_second),
            median(&turns, |turn| turn[position].cpu_per_gigabyte)
        ));
    }
    say(&format!(
        "  throughput {:.2} times nginx's (goal 1.3), CPU per GB {:.2} of nginx's (goal 0.6)",
        median(&turns, |[ours, theirs]| ours.gigabytes_per_second
            / theirs.gigabytes_per_second),
        median(&turns, |[ours, theirs]| ours.cpu_per_gigabyte
            / theirs.cpu_per_gigabyte)
    ));
    Ok(())
}

fn median(turns: &[[Cost; 2]], value: impl Fn(&[Cost; 2]) -> f64) -> f64 {
    let mut values: Vec<f64> = turns.iter().map(value).collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len().is_multiple_of(2) {
        f64::midpoint(values[middle - 1], values[middle])
    } else {
        values[middle]
    }
}
