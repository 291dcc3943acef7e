//! The clock, against the server's or a time that is given; without either, what systemd-timesyncd says.

use std::path::Path;
use std::time::Duration;

use escadre_model::Timestamp;
use escadre_model::check::{CheckState, Perf};
use escadre_watch::threshold::{Range, Thresholds};

use super::{Arguments, Finding, Reference, State};
use crate::prober::now;

/// A reference older than this says nothing about now.
const REFERENCE_AGE: Duration = Duration::from_secs(15 * 60);
const SYNCHRONISED: &str = "/run/systemd/timesync/synchronized";

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
        return Ok(judge(ahead_ms, Duration::ZERO, thresholds));
    }
    match state
        .reference
        .filter(|reference| reference.at.elapsed() <= REFERENCE_AGE)
    {
        Some(Reference {
            ahead_ms,
            round_trip,
            ..
        }) => Ok(judge(ahead_ms, round_trip, thresholds)),
        None if Path::new(SYNCHRONISED).exists() => Ok(Finding::new(
            CheckState::Ok,
            "the clock is set by systemd-timesyncd; no word of the server's clock",
        )),
        None => Err("the server's clock is not known yet".to_owned()),
    }
}

/// The round trip is given in doubt to the clock: half of it may be the way.
fn judge(ahead_ms: i64, round_trip: Duration, thresholds: Thresholds) -> Finding {
    let doubt = round_trip.as_secs_f64() / 2.0;
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
    use super::*;

    fn limits() -> Thresholds {
        Thresholds {
            warning: Some(Range::up_to(2.0)),
            critical: Some(Range::up_to(30.0)),
        }
    }

    #[test]
    fn ahead_and_behind() {
        for (ahead_ms, round_trip_ms, state, output) in [
            (0, 0, CheckState::Ok, "the clock is right"),
            (1500, 0, CheckState::Ok, "the clock is 1.500 s ahead"),
            (-2500, 0, CheckState::Warning, "the clock is 2.500 s behind"),
            (-2500, 2000, CheckState::Ok, "the clock is 2.500 s behind"),
            (
                3_600_000,
                100,
                CheckState::Critical,
                "the clock is 3600.000 s ahead",
            ),
        ] {
            let finding = judge(ahead_ms, Duration::from_millis(round_trip_ms), limits());
            assert_eq!((finding.state, finding.output.as_str()), (state, output));
        }
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
