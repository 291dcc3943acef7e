//! The load: how many programs want a processor or a disk, per hardware thread.

use escadre_model::check::{CheckState, Perf};
use escadre_watch::threshold::{Range, Thresholds};

use super::{Arguments, Finding};
use crate::files;

const MINUTES: [&str; 3] = ["load1", "load5", "load15"];
const WARNING: [f64; 3] = [4.0, 3.0, 2.0];
const CRITICAL: [f64; 3] = [8.0, 6.0, 4.0];

pub(super) fn find(mut arguments: Arguments) -> Result<Finding, String> {
    let warning = limits(arguments.take("warning"), WARNING)?;
    let critical = limits(arguments.take("critical"), CRITICAL)?;
    arguments.end()?;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let loads = parse(&files::text("/proc/loadavg")).ok_or("/proc/loadavg cannot be read")?;
    Ok(judge(
        loads,
        online_threads().unwrap_or(threads),
        warning,
        critical,
    ))
}

/// Threads that are online, whatever part of them this process may use.
fn online_threads() -> Option<usize> {
    let count = files::text("/proc/stat")
        .lines()
        .filter(|line| line.starts_with("cpu") && !line.starts_with("cpu "))
        .count();
    (count > 0).then_some(count)
}

fn parse(loadavg: &str) -> Option<[f64; 3]> {
    let mut words = loadavg
        .split_whitespace()
        .map(|word| word.parse::<f64>().ok());
    Some([words.next()??, words.next()??, words.next()??])
}

fn limits(text: Option<String>, default: [f64; 3]) -> Result<[Range; 3], String> {
    let Some(text) = text else {
        return Ok(default.map(Range::up_to));
    };
    let ranges: Result<Vec<Range>, _> = text.split(',').map(str::parse).collect();
    match ranges.map_err(|error| error.to_string())?[..] {
        [one] => Ok([one; 3]),
        [one, five, fifteen] => Ok([one, five, fifteen]),
        _ => Err(format!(
            "`{text}` is not a threshold for the load; write one number, or three for 1, 5 and 15 minutes"
        )),
    }
}

fn judge(loads: [f64; 3], threads: usize, warning: [Range; 3], critical: [Range; 3]) -> Finding {
    let threads = threads.max(1) as f64;
    let mut state = CheckState::Ok;
    let mut perf = Vec::new();
    for (place, load) in loads.into_iter().enumerate() {
        let thresholds = Thresholds {
            warning: Some(warning[place]),
            critical: Some(critical[place]),
        };
        let judged = thresholds.judge(load / threads);
        state = if judged.urgency() > state.urgency() {
            judged
        } else {
            state
        };
        perf.push(Perf {
            label: MINUTES[place].to_owned(),
            value: load,
            unit: String::new(),
            warning: warning[place].plain().map(|limit| limit * threads),
            critical: critical[place].plain().map(|limit| limit * threads),
            min: Some(0.0),
            max: None,
        });
    }
    let [one, five, fifteen] = loads;
    let threads = if threads > 1.0 {
        format!("{threads} threads")
    } else {
        "1 thread".to_owned()
    };
    Finding::new(
        state,
        format!("load {one:.2}, {five:.2}, {fifteen:.2} on {threads}"),
    )
    .with(perf)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn per_thread() {
        let [warning, critical] = [WARNING, CRITICAL].map(|limits| limits.map(Range::up_to));
        for (loads, threads, state) in [
            ([1.0, 1.0, 1.0], 1, CheckState::Ok),
            ([5.0, 1.0, 1.0], 1, CheckState::Warning),
            ([5.0, 5.0, 5.0], 4, CheckState::Ok),
            ([1.0, 1.0, 9.0], 2, CheckState::Critical),
            ([9.0, 1.0, 1.0], 1, CheckState::Critical),
        ] {
            assert_eq!(
                judge(loads, threads, warning, critical).state,
                state,
                "{loads:?} on {threads}"
            );
        }
        let finding = judge([0.5, 0.25, 0.125], 2, warning, critical);
        assert_eq!(finding.output, "load 0.50, 0.25, 0.12 on 2 threads");
        assert_eq!(finding.perf[2].warning, Some(4.0));
    }

    #[test]
    fn proc_loadavg() {
        assert_eq!(
            parse("0.62 1.39 2.03 3/218 8104\n"),
            Some([0.62, 1.39, 2.03])
        );
        assert_eq!(parse("0.62 x"), None);
    }
}
