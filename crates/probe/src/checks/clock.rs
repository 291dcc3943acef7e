//! The clock, against the server's or a time that is given; without either, what systemd-timesyncd says.
//!
//! Between two words of the server the time since boot, which nobody sets, tells whether our clock was set meanwhile: an
//! agent that is cut off goes on knowing its clock, with a doubt that grows by what a quartz may drift.

use std::path::Path;

use escadre_model::Timestamp;
use escadre_model::check::{CheckState, Perf};
use escadre_watch::threshold::{Range, Thresholds};
use rustix::time::{ClockId, clock_gettime};

use super::{Arguments, Finding, Reference, State};
use crate::prober::now;

/// What a quartz may drift: 100 parts in a million.
const DRIFT: f64 = 1e-4;
const SYNCHRONISED: &str = "/run/systemd/timesync/synchronized";

/// Our clock, and the time since boot with suspended time in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clocks {
    wall_ms: i64,
    boot_ms: i64,
}

impl Clocks {
    pub(super) fn read() -> Self {
        let boot = clock_gettime(ClockId::Boottime);
        let boot_ms = boot
            .tv_sec
            .saturating_mul(1000)
            .saturating_add(boot.tv_nsec / 1_000_000);
        Self {
            wall_ms: now().as_millisecond(),
            boot_ms,
        }
    }
}

impl Reference {
    /// Milliseconds that our clock is ahead at a later time, and the doubt in seconds.
    fn at(&self, later: Clocks) -> (i64, f64) {
        let wall = later.wall_ms.saturating_sub(self.at.wall_ms);
        let since = later.boot_ms.saturating_sub(self.at.boot_ms);
        // Reading two clocks one after the other is good for some milliseconds of difference.
        let set = Some(wall.saturating_sub(since))
            .filter(|set| set.abs() > 20)
            .unwrap_or(0);
        let doubt = self.round_trip.as_secs_f64() / 2.0 + since as f64 / 1000.0 * DRIFT;
        (self.ahead_ms.saturating_add(set), doubt)
    }
}

pub(super) fn find(mut arguments: Arguments, state: &State) -> Result<Finding, String> {
    let thresholds = arguments.thresholds(2.0, 30.0)?;
    let given = arguments.take("reference");
    arguments.end()?;
    if let Some(text) = given {
        let theirs: Timestamp = text.parse().map_err(|_| {
            format!("`{text}` is not a time; write for example 2026-11-20T08:00:00Z")
        })?;
        let ahead_ms = now()
            .as_millisecond()
            .saturating_sub(theirs.as_millisecond());
        return Ok(judge(ahead_ms, 0.0, thresholds));
    }
    match state
        .reference
        .map(|reference| reference.at(Clocks::read()))
    {
        Some((ahead_ms, doubt)) => Ok(judge(ahead_ms, doubt, thresholds)),
        None if Path::new(SYNCHRONISED).exists() => Ok(Finding::new(
            CheckState::Ok,
            "the clock is set by systemd-timesyncd; no word of the server's clock",
        )),
        None => Err("the server's clock is not known yet".to_owned()),
    }
}

/// Judged is what is sure: the offset less the doubt.
fn judge(ahead_ms: i64, doubt: f64, thresholds: Thresholds) -> Finding {
    let off = ahead_ms as f64 / 1000.0;
    let sure = (off.abs() - doubt).max(0.0);
    let output = match ahead_ms {
        0 => "the clock is right".to_owned(),
        1.. => format!("the clock is {off:.3} s ahead"),
        _ => format!("the clock is {:.3} s behind", -off),
    };
    let limit = |range: Option<Range>| range.and_then(|range| range.plain());
    let perf = Perf {
        label: "offset".to_owned(),
        value: off,
        unit: "s".to_owned(),
        warning: limit(thresholds.warning),
        critical: limit(thresholds.critical),
        min: None,
        max: None,
    };
    Finding::new(thresholds.judge(sure), output).with([perf])
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn limits() -> Thresholds {
        Thresholds {
            warning: Some(Range::up_to(2.0)),
            critical: Some(Range::up_to(30.0)),
        }
    }

    #[test]
    fn ahead_and_behind() {
        for (ahead_ms, doubt, state, output) in [
            (0, 0.0, CheckState::Ok, "the clock is right"),
            (1500, 0.0, CheckState::Ok, "the clock is 1.500 s ahead"),
            (
                -2500,
                0.0,
                CheckState::Warning,
                "the clock is 2.500 s behind",
            ),
            (-2500, 1.0, CheckState::Ok, "the clock is 2.500 s behind"),
            (
                3_600_000,
                0.05,
                CheckState::Critical,
                "the clock is 3600.000 s ahead",
            ),
        ] {
            let finding = judge(ahead_ms, doubt, limits());
            assert_eq!((finding.state, finding.output.as_str()), (state, output));
        }
    }

    #[test]
    fn a_clock_that_is_set_while_nobody_says_the_time() {
        let at = Clocks {
            wall_ms: 1_000_000,
            boot_ms: 5_000,
        };
        let reference = Reference {
            ahead_ms: 300,
            round_trip: Duration::from_millis(200),
            at,
        };
        for (wall, boot, ahead_ms) in [
            (0, 0, 300),
            (600_000, 600_003, 300),
            (3_660_000, 60_000, 3_600_300),
            (-3_540_000, 60_000, -3_599_700),
        ] {
            let later = Clocks {
                wall_ms: 1_000_000 + wall,
                boot_ms: 5_000 + boot,
            };
            assert_eq!(reference.at(later).0, ahead_ms, "{wall} {boot}");
        }
        let day = Clocks {
            wall_ms: 87_400_000,
            boot_ms: 86_405_000,
        };
        assert!((reference.at(day).1 - 8.74).abs() < 1e-9);
    }

    #[test]
    fn the_reference_comes_from_the_agent_or_from_an_argument() {
        let mut state = State::default();
        let ours = now();
        state.set_reference(
            ours - Duration::from_secs(60),
            ours,
            Duration::from_millis(20),
        );
        let arguments = |text: &[&str]| {
            Arguments::parse(&text.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>())
                .expect("they are well-formed")
        };
        assert_eq!(
            find(arguments(&[]), &state).map(|f| f.perf[0].value),
            Ok(60.0)
        );
        let past = find(arguments(&["reference=2020-01-01T00:00:00Z"]), &state);
        assert_eq!(past.map(|finding| finding.state), Ok(CheckState::Critical));
        let bad = find(arguments(&["reference=yesterday"]), &state);
        assert_eq!(
            bad,
            Err("`yesterday` is not a time; write for example 2026-11-20T08:00:00Z".to_owned())
        );
    }
}
