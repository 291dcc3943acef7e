//! Memory that programs hold, and swap space in use.

use escadre_model::ByteCount;
use escadre_model::check::{CheckState, Perf};
use escadre_watch::threshold::Thresholds;

use super::{Arguments, Finding};
use crate::files;
use crate::inventory::meminfo_value;

pub(super) fn find_memory(mut arguments: Arguments) -> Result<Finding, String> {
    let thresholds = arguments.thresholds(90.0, 95.0)?;
    arguments.end()?;
    memory(&files::text("/proc/meminfo"), thresholds)
}

pub(super) fn find_swap(mut arguments: Arguments) -> Result<Finding, String> {
    let thresholds = arguments.thresholds(50.0, 80.0)?;
    arguments.end()?;
    swap(&files::text("/proc/meminfo"), thresholds)
}

/// Cache that can be given up counts as free: `MemAvailable`, or its parts on kernels before 3.14.
fn memory(meminfo: &str, thresholds: Thresholds) -> Result<Finding, String> {
    let value = |key| meminfo_value(meminfo, key);
    let total = value("MemTotal")
        .filter(|total| *total > 0)
        .ok_or("/proc/meminfo does not tell the memory")?;
    let parts =
        || Some(value("MemFree")? + value("Buffers").unwrap_or(0) + value("Cached").unwrap_or(0));
    let available = value("MemAvailable")
        .or_else(parts)
        .ok_or("/proc/meminfo does not tell what is free")?;
    Ok(share(
        "memory",
        total.saturating_sub(available),
        total,
        thresholds,
    ))
}

fn swap(meminfo: &str, thresholds: Thresholds) -> Result<Finding, String> {
    let total =
        meminfo_value(meminfo, "SwapTotal").ok_or("/proc/meminfo does not tell the swap space")?;
    if total == 0 {
        return Ok(Finding::new(CheckState::Ok, "there is no swap space"));
    }
    let free = meminfo_value(meminfo, "SwapFree").unwrap_or(0);
    Ok(share(
        "swap space",
        total.saturating_sub(free),
        total,
        thresholds,
    ))
}

/// So much of a whole: judged in percent, told in bytes.
pub(super) fn share(what: &str, used: u64, total: u64, thresholds: Thresholds) -> Finding {
    let percent = if total == 0 {
        0.0
    } else {
        used as f64 * 100.0 / total as f64
    };
    let limit = |range: Option<escadre_watch::threshold::Range>| {
        range
            .and_then(|range| range.plain())
            .map(|percent| (percent / 100.0 * total as f64).round())
    };
    let output = format!(
        "{percent:.1} % of the {what} in use, {} of {} free",
        ByteCount(total.saturating_sub(used)),
        ByteCount(total)
    );
    let perf = Perf {
        label: "used".to_owned(),
        value: used as f64,
        unit: "B".to_owned(),
        warning: limit(thresholds.warning),
        critical: limit(thresholds.critical),
        min: Some(0.0),
        max: Some(total as f64),
    };
    Finding::new(thresholds.judge(percent), output).with([perf])
}

#[cfg(test)]
mod tests {
    use super::*;
    use escadre_watch::threshold::Range;

    const MEMINFO: &str = "MemTotal:       10000 kB\nMemFree:         100 kB\nMemAvailable:    700 kB\nBuffers: 5 kB\nCached: 200 kB\nSwapTotal:  1000 kB\nSwapFree: 900 kB\n";

    fn limits(warning: f64, critical: f64) -> Thresholds {
        Thresholds {
            warning: Some(Range::up_to(warning)),
            critical: Some(Range::up_to(critical)),
        }
    }

    #[test]
    fn what_is_available_counts() {
        let finding = memory(MEMINFO, limits(90.0, 95.0)).expect("it is all there");
        assert_eq!(finding.state, CheckState::Warning);
        assert_eq!(
            finding.output,
            "93.0 % of the memory in use, 700 KiB of 9.8 MiB free"
        );
        assert_eq!(finding.perf[0].critical, Some(9_728_000.0));
        let old = MEMINFO.replace("MemAvailable", "Other");
        assert_eq!(
            memory(&old, limits(90.0, 95.0)).map(|finding| finding.state),
            Ok(CheckState::Critical)
        );
        assert!(memory("", limits(90.0, 95.0)).is_err());
    }

    #[test]
    fn swap_or_none() {
        assert_eq!(
            swap(MEMINFO, limits(50.0, 80.0)).map(|f| (f.state, f.perf[0].value)),
            Ok((CheckState::Ok, 102_400.0))
        );
        let none =
            swap("SwapTotal: 0 kB\nSwapFree: 0 kB\n", limits(50.0, 80.0)).expect("it is told");
        assert_eq!(
            (none.state, none.output.as_str()),
            (CheckState::Ok, "there is no swap space")
        );
    }
}
