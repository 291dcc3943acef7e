//! The load: `wrk`, and what the server's processes spent for it by `/proc`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::Outcome;

/// In a second; the same on every Linux, whatever its kernel counts by.
const TICKS: f64 = 100.0;

/// Who is asked.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) name: &'static str,
    pub(crate) port: u16,
    /// Its processes.
    pub(crate) processes: Vec<u32>,
}

/// What a round gave.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) gigabytes_per_second: f64,
    pub(crate) cpu_per_gigabyte: f64,
}

/// Asks for the same paths in turn.
pub(crate) struct Load {
    script: PathBuf,
    seconds: u32,
}

impl Target {
    /// Each chunk comes from here byte for byte; else a rate says nothing.
    pub(crate) async fn proves_to_serve(&self, chunks: &[(String, Vec<u8>)]) -> Outcome<()> {
        let client = reqwest::Client::builder()
            .tls_danger_accept_invalid_certs(true)
            .http1_only()
            .build()?;
        for (path, bytes) in chunks {
            let url = format!("https://127.0.0.1:{}{path}", self.port);
            let answer = client.get(&url).send().await?.error_for_status()?;
            if answer.bytes().await? != bytes.as_slice() {
                return Err(format!("{url} is something else").into());
            }
        }
        Ok(())
    }

    /// Seconds of all its threads so far.
    fn cpu(&self) -> Outcome<f64> {
        let mut sum = 0;
        for process in &self.processes {
            let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
            // The name in parentheses may hold anything: count from behind it.
            let (_, fields) = stat.rsplit_once(')').ok_or("no name in a stat")?;
            let fields: Vec<&str> = fields.split_whitespace().collect();
            for field in [11, 12] {
                sum += fields.get(field).ok_or("a short stat")?.parse::<u64>()?;
            }
        }
        Ok(sum as f64 / TICKS)
    }
}

impl Load {
    pub(crate) fn new(folder: &Path, paths: &[String], seconds: u32) -> Outcome<Self> {
        let script = folder.join("load.lua");
        let list: Vec<String> = paths.iter().map(|path| format!("\"{path}\"")).collect();
        let text = format!(
            "local requests, turn = {{}}, 0\n\
             function init(args)\n\
               for i, path in ipairs({{{}}}) do requests[i] = wrk.format('GET', path) end\n\
             end\n\
             function request()\n\
               turn = turn % #requests + 1\n\
               return requests[turn]\n\
             end\n\
             function done(summary, latency, rates)\n\
               local e = summary.errors\n\
               io.write(string.format('outcome %d %d %d\\n', summary.bytes, summary.duration,\n\
                 e.connect + e.read + e.write + e.status + e.timeout))\n\
             end\n",
            list.join(", ")
        );
        fs::write(&script, text)?;
        Ok(Self { script, seconds })
    }

    /// A second that is not counted.
    pub(crate) fn warm(&self, target: &Target, connections: usize) -> Outcome<()> {
        self.ask(target, connections, 1).map(drop)
    }

    /// A round.
    pub(crate) fn run(&self, target: &Target, connections: usize) -> Outcome<Cost> {
        let before = target.cpu()?;
        let (bytes, seconds) = self.ask(target, connections, self.seconds)?;
        let gigabytes = bytes / 1e9;
        Ok(Cost {
            gigabytes_per_second: gigabytes / seconds,
            cpu_per_gigabyte: (target.cpu()? - before) / gigabytes,
        })
    }

    /// Bytes, and seconds they took.
    fn ask(&self, target: &Target, connections: usize, seconds: u32) -> Outcome<(f64, f64)> {
        let output = Command::new("wrk")
            .arg(format!("-t{}", connections.min(2)))
            .arg(format!("-c{connections}"))
            .arg(format!("-d{seconds}s"))
            .args(["--timeout", "30s", "-s"])
            .arg(&self.script)
            .arg(format!("https://127.0.0.1:{}", target.port))
            .output()
            .map_err(|error| format!("wrk: {error}"))?;
        let said = String::from_utf8_lossy(&output.stdout);
        let outcome = said
            .lines()
            .find_map(|line| line.strip_prefix("outcome "))
            .ok_or_else(|| {
                let why = String::from_utf8_lossy(&output.stderr).into_owned();
                format!("wrk says nothing of {}: {said}{why}", target.name)
            })?;
        let numbers = outcome
            .split(' ')
            .map(str::parse::<f64>)
            .collect::<Result<Vec<_>, _>>()?;
        match numbers[..] {
            [bytes, microseconds, 0.0] if bytes > 0.0 => Ok((bytes, microseconds / 1e6)),
            _ => Err(format!("{} did not answer well: {said}", target.name).into()),
        }
    }
}
