//! Measures the closure of 500 packages in the Debian lists of this machine against libsolv, in one run.
//!
//! ```text
//! cargo run --release -p escadre-solve --example solve_bench -- [--lists DIR] [--rounds 7] [--seeds 500]
//! ```
//!
//! - whole processes by turns: ours from text, libsolv from text, ours from the index, libsolv from its own cache;
//! - both answers are judged by a checker that shares no code with either;
//! - then in this process: the answer after one tick in a session, and how other sets of seeds fare.
//!
//! Needs Python with libsolv (Debian's python3-solv).

mod mine;

use std::{
    collections::BTreeMap,
    error::Error,
    fs::{self, File},
    io::{Write, stdout},
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Instant,
};

use escadre_catalog::Catalog;
use escadre_solve::{Session, Wanted, solve};
use serde_json::Value;

type Outcome<T> = Result<T, Box<dyn Error>>;

const PYTHON: &str = "/usr/bin/python3";
const UNFOLD: &str = "/usr/lib/apt/apt-helper";
/// Sections without programs that people ask for by name.
const NO_SEEDS: [&str; 5] = ["lib", "kernel", "doc", "debug", "oldlibs"];
/// The four processes: name, and whether it is ours.
const PROCESSES: [(&str, bool, &str); 4] = [
    ("escadre, from text", true, "text"),
    ("libsolv, from text", false, "text"),
    ("escadre, from its index", true, "index"),
    ("libsolv, from its cache", false, "cache"),
];

/// What one process took.
#[derive(Debug, Clone, Copy, Default)]
struct Sample {
    wall: f64,
    cpu: f64,
    load: f64,
    solve: f64,
    peak: f64,
}

/// The folder of one run.
struct Bench {
    folder: PathBuf,
    seeds: PathBuf,
}

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [word, mode, folder, seeds, answer] = arguments.as_slice()
        && word == "measured"
    {
        return mine::run(mode, Path::new(folder), Path::new(seeds), Path::new(answer));
    }
    let option = |name: &str, default: &str| {
        let at = arguments.iter().position(|argument| argument == name);
        let given = at.and_then(|at| arguments.get(at + 1));
        given.map_or_else(|| default.to_owned(), Clone::clone)
    };
    let rounds: usize = option("--rounds", "7").parse()?;
    let count: usize = option("--seeds", "500").parse()?;
    let folder = tempfile::tempdir()?;
    let bench = Bench {
        folder: folder.path().to_owned(),
        seeds: folder.path().join("seeds"),
    };
    bench.copy_lists(Path::new(&option("--lists", "/var/lib/apt/lists")))?;
    let catalog = Arc::new(mine::from_text(&bench.folder)?);
    fs::write(bench.folder.join("index"), catalog.to_bytes())?;
    let order = candidates(&catalog);
    let seeds = solvable(&catalog, &order, count);
    fs::write(&bench.seeds, seeds.join("\n"))?;
    bench.libsolv("write")?;
    bench.compare(&catalog, rounds)?;
    bench.judge()?;
    ticks(&catalog, &seeds, &order)?;
    other_seeds(&catalog, &order)
}

impl Bench {
    /// Plain copies, unfolded by apt's own tool, so that both sides read the same bytes from a warm page cache.
    fn copy_lists(&self, lists: &Path) -> Outcome<()> {
        let mut found = 0;
        for entry in fs::read_dir(lists)? {
            let path = entry?.path();
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let Some((stem, _)) = name.split_once("_Packages") else {
                continue;
            };
            let unfolded = File::create(self.folder.join(format!("{stem}_Packages")))?;
            let status = Command::new(UNFOLD)
                .arg("cat-file")
                .arg(&path)
                .stdout(unfolded)
                .status()?;
            if !status.success() {
                return Err(format!("{} cannot be read", path.display()).into());
            }
            found += 1;
        }
        if found == 0 {
            return Err(format!("no *_Packages in {}; run apt-get update", lists.display()).into());
        }
        Ok(())
    }

    fn libsolv(&self, mode: &str) -> Outcome<Sample> {
        let script = include_str!("libsolv.py");
        self.sample(Command::new(PYTHON).args(["-c", script, mode]), "libsolv")
    }

    fn ours(&self, mode: &str) -> Outcome<Sample> {
        let program = std::env::current_exe()?;
        self.sample(Command::new(program).args(["measured", mode]), "escadre")
    }

    fn sample(&self, command: &mut Command, who: &str) -> Outcome<Sample> {
        let answer = self.folder.join(format!("{who}.answer"));
        let command = command.arg(&self.folder).arg(&self.seeds).arg(answer);
        let start = Instant::now();
        let output = command.output()?;
        let wall = start.elapsed().as_secs_f64();
        if !output.status.success() {
            return Err(format!("{who}: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        let told: Value = serde_json::from_slice(&output.stdout)?;
        let number = |key: &str| told[key].as_f64().unwrap_or_default();
        Ok(Sample {
            wall,
            cpu: number("cpu"),
            load: number("load"),
            solve: number("solve"),
            peak: number("peak"),
        })
    }

    fn compare(&self, catalog: &Catalog, rounds: usize) -> Outcome<()> {
        let mut samples: BTreeMap<&str, Vec<Sample>> = BTreeMap::new();
        for _ in 0..rounds {
            for (name, ours, mode) in PROCESSES {
                let sample = if ours {
                    self.ours(mode)
                } else {
                    self.libsolv(mode)
                }?;
                samples.entry(name).or_default().push(sample);
            }
        }
        let mut out = stdout().lock();
        let seeds = fs::read_to_string(&self.seeds)?.lines().count();
        writeln!(
            out,
            "{} packages, closure of {seeds}; medians of {rounds} runs by turns, whole processes\n",
            catalog.len()
        )?;
        writeln!(
            out,
            "| | wall | CPU | load | solve | peak memory |\n|---|---|---|---|---|---|"
        )?;
        let of = |name: &str, field: fn(&Sample) -> f64| {
            median(samples[name].iter().map(field).collect())
        };
        for (name, ..) in PROCESSES {
            writeln!(
                out,
                "| {name} | {:.0} ms | {:.0} ms | {:.1} ms | {:.1} ms | {:.1} MiB |",
                of(name, |s| s.wall) * 1e3,
                of(name, |s| s.cpu) * 1e3,
                of(name, |s| s.load),
                of(name, |s| s.solve),
                of(name, |s| s.peak) / 1024.0
            )?;
        }
        writeln!(out)?;
        for pair in PROCESSES.chunks(2) {
            let (ours, theirs) = (pair[0].0, pair[1].0);
            let ratio = |field: fn(&Sample) -> f64| of(theirs, field) / of(ours, field);
            writeln!(
                out,
                "{ours}: {:.1} times faster than {theirs} (CPU {:.1} times less), {:.2} of its memory",
                ratio(|s| s.wall),
                ratio(|s| s.cpu),
                1.0 / ratio(|s| s.peak)
            )?;
        }
        Ok(())
    }

    fn judge(&self) -> Outcome<()> {
        let answers = ["escadre.answer", "libsolv.answer"].map(|name| self.folder.join(name));
        let mut command = Command::new(PYTHON);
        command
            .args(["-c", include_str!("check.py")])
            .arg(&self.folder)
            .arg(&self.seeds);
        writeln!(stdout(), "\nthe judge:")?;
        let status = command.args(answers).status()?;
        if status.success() {
            Ok(())
        } else {
            Err("an answer is wrong".into())
        }
    }
}

/// Names of programs, in an order that has nothing to do with them.
fn candidates(catalog: &Catalog) -> Vec<String> {
    let mut names: Vec<(u64, &str)> = catalog
        .ids()
        .filter(|&id| !NO_SEEDS.iter().any(|no| catalog.group(id).contains(no)))
        .map(|id| {
            let name = catalog.name(id);
            let shuffle = |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
            (name.bytes().fold(0xCBF2_9CE4_8422_2325, shuffle), name)
        })
        .collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter().map(|(_, name)| name.to_owned()).collect()
}

/// The first names that can all be there together.
fn solvable(catalog: &Arc<Catalog>, order: &[String], count: usize) -> Vec<String> {
    let mut session = Session::new(Arc::clone(catalog), Vec::new(), mine::options());
    let mut names: Vec<String> = Vec::new();
    let mut fits = |names: &[String]| {
        let wanted = names.iter().map(Wanted::any).collect();
        session.solve(wanted, Vec::new(), Vec::new()).is_ok()
    };
    // By the handful, and one by one only where a handful does not fit.
    for handful in order.chunks(50) {
        let before = names.len();
        names.extend_from_slice(handful);
        if !fits(&names) {
            names.truncate(before);
            for name in handful {
                names.push(name.clone());
                if !fits(&names) {
                    names.pop();
                }
            }
        }
        if names.len() >= count {
            break;
        }
    }
    names.truncate(count);
    names
}

/// One wish more, one wish less, each timed, and compared with a fresh answer.
fn ticks(catalog: &Arc<Catalog>, seeds: &[String], order: &[String]) -> Outcome<()> {
    let mut session = Session::new(Arc::clone(catalog), Vec::new(), mine::options());
    let wanted = seeds.iter().map(Wanted::any).collect();
    session.solve(wanted, Vec::new(), Vec::new())?;
    let (mut times, mut cpu, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    for (number, name) in order.iter().rev().take(200).enumerate() {
        for on in [true, false] {
            let (start, before) = (Instant::now(), mine::cpu());
            let answer = session.tick(Wanted::any(name), on);
            let took = start.elapsed().as_secs_f64() * 1e3;
            let burned = (mine::cpu() - before) * 1e3;
            if number % 20 == 0 && answer != solve(catalog, session.request()) {
                return Err(format!("the session answers otherwise with {name}").into());
            }
            match answer {
                Ok(_) => {
                    times.push(took);
                    cpu.push(burned);
                }
                Err(_) => refused.push(took),
            }
        }
    }
    writeln!(
        stdout(),
        "\none tick among {} wishes: {}\n  CPU: {}\n  {} of 400 refused, with the reason: {}",
        seeds.len(),
        spread(times),
        spread(cpu),
        refused.len(),
        spread(refused)
    )?;
    Ok(())
}

/// Ten other sets of seeds, to see that the first is no lucky one.
fn other_seeds(catalog: &Arc<Catalog>, order: &[String]) -> Outcome<()> {
    let mut times = Vec::new();
    for set in order.chunks(400).skip(2).take(10) {
        let names = solvable(catalog, set, set.len());
        let request = mine::request(names.iter().map(String::as_str));
        let start = Instant::now();
        solve(catalog, &request)?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    writeln!(
        stdout(),
        "ten other sets of 400 seeds, solve alone: {}",
        spread(times)
    )?;
    Ok(())
}

fn spread(mut times: Vec<f64>) -> String {
    times.sort_by(f64::total_cmp);
    let at = |part: usize| times.get((times.len() * part / 100).min(times.len().saturating_sub(1)));
    let show = |part| at(part).copied().unwrap_or_default();
    format!(
        "median {:.1} ms, 95 % {:.1} ms, most {:.1} ms",
        show(50),
        show(95),
        show(100)
    )
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or_default()
}
