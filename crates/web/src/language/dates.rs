//! Times: always the time itself and how long ago it was; never only one of the two.

use escadre_model::Timestamp;
use jiff::tz::TimeZone;

use super::Words;

/// A time, written.
pub(crate) struct Moment {
    /// For `datetime=`.
    pub(crate) machine: String,
    /// As short as it is clear today (`11:09`, `18 Nov 11:09`, `18 Nov 2025 11:09`).
    pub(crate) short: String,
    /// Whole, with seconds and zone.
    pub(crate) full: String,
    /// `3 min ago`.
    pub(crate) relative: String,
}

/// Writes a time as seen from `now`.
pub(crate) fn moment(
    words: &'static Words,
    at: Timestamp,
    now: Timestamp,
    zone: &TimeZone,
) -> Moment {
    let there = at.to_zoned(zone.clone());
    let here = now.to_zoned(zone.clone());
    let time = there.strftime("%H:%M").to_string();
    let month = words.say(&format!("month-{}", there.month()));
    let day = there.day().to_string();
    let year = there.year().to_string();
    let values = [
        ("day", day.as_str()),
        ("month", &month),
        ("year", &year),
        ("time", &time),
    ];
    let short = if there.date() == here.date() {
        time.clone()
    } else if there.year() == here.year() {
        words.fill("date-this-year", &values[..])
    } else {
        words.fill("date-other-year", &values)
    };
    let precise = there.strftime("%H:%M:%S %Z").to_string();
    let values = [
        ("day", day.as_str()),
        ("month", &month),
        ("year", &year),
        ("time", &precise),
    ];
    Moment {
        machine: at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        short,
        full: words.fill("date-other-year", &values),
        relative: relative(words, at, now),
    }
}

fn relative(words: &'static Words, at: Timestamp, now: Timestamp) -> String {
    let seconds = now.as_second() - at.as_second();
    let span = span(words, seconds.unsigned_abs());
    match seconds {
        -9..=9 => words.say("time-now").into_owned(),
        10.. => words.fill("time-ago", &[("span", &span)]),
        _ => words.fill("time-in", &[("span", &span)]),
    }
}

/// A length of time by its largest unit (`3 min`, `2 h`, `5 d`).
pub(crate) fn span(words: &'static Words, seconds: u64) -> String {
    let (key, count) = match seconds {
        0..60 => ("span-seconds", seconds),
        60..3_600 => ("span-minutes", seconds / 60),
        3_600..172_800 => ("span-hours", seconds / 3_600),
        172_800..63_072_000 => ("span-days", seconds / 86_400),
        _ => ("span-years", seconds / 31_536_000),
    };
    words.count(key, count)
}

impl Words {
    /// A length of time.
    pub(crate) fn span(&'static self, seconds: u64) -> String {
        span(self, seconds)
    }
}
