//! Charts as SVG: a spark for tables, a curve with thresholds for the check's page. No inline style, only classes.
//!
//! Silence is a gap, never a line drawn across it.

use std::fmt::Write;

use escadre_api::check::{PerfPoint, PerfSeries};
use escadre_model::Timestamp;

use super::{
    page::Page,
    show::{Markup, escape},
};

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 240.0;
const LEFT: f64 = 72.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 24.0;
const SPARK_WIDTH: f64 = 120.0;
const SPARK_HEIGHT: f64 = 24.0;

/// Where values lie on a drawing.
struct Scale {
    from_ms: f64,
    until_ms: f64,
    low: f64,
    high: f64,
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

impl Scale {
    fn x(&self, at_ms: i64) -> f64 {
        let span = (self.until_ms - self.from_ms).max(1.0);
        self.left + (at_ms as f64 - self.from_ms) / span * (self.right - self.left)
    }

    fn y(&self, value: f64) -> f64 {
        let span = (self.high - self.low).max(f64::MIN_POSITIVE);
        self.bottom - (value - self.low) / span * (self.bottom - self.top)
    }
}

/// Points that belong together: a gap is where the next one is missing more than three times the usual step.
fn runs(points: &[PerfPoint]) -> Vec<&[PerfPoint]> {
    let mut steps: Vec<i64> = points
        .windows(2)
        .map(|pair| pair[1].at_ms.saturating_sub(pair[0].at_ms))
        .collect();
    steps.sort_unstable();
    let usual = steps.get(steps.len() / 2).copied().unwrap_or(i64::MAX);
    let together =
        |a: &PerfPoint, b: &PerfPoint| b.at_ms.saturating_sub(a.at_ms) <= usual.saturating_mul(3);
    points.chunk_by(together).collect()
}

fn finite(points: &[PerfPoint]) -> Vec<PerfPoint> {
    let whole = |p: &&PerfPoint| p.value.is_finite() && p.low.is_finite() && p.high.is_finite();
    points.iter().filter(whole).copied().collect()
}

/// Lowest and highest value that must be seen: from zero, with the thresholds unless they are far away.
fn bounds(series: &PerfSeries, points: &[PerfPoint]) -> (f64, f64) {
    let mut low = points.iter().map(|p| p.low).fold(0.0, f64::min);
    let mut high = points.iter().map(|p| p.high).fold(f64::MIN, f64::max);
    if points.is_empty() {
        high = 1.0;
    }
    for limit in [series.warning, series.critical].into_iter().flatten() {
        if limit.is_finite() && limit <= high.max(f64::MIN_POSITIVE) * 4.0 {
            high = high.max(limit);
        }
    }
    if let (Some(max), "%") = (series.max, series.unit.as_str()) {
        high = high.max(max);
    }
    if let Some(min) = series.min.filter(|min| min.is_finite() && *min < low) {
        low = min;
    }
    if high <= low {
        high = low + 1.0;
    }
    (low, high)
}

/// A step of 1, 2 or 5 times a power of ten (of two for bytes) that cuts the range into about four.
fn step(range: f64, unit: &str) -> f64 {
    let raw = range / 4.0;
    if unit == "B" && raw >= 1.0 {
        return raw.log2().ceil().exp2();
    }
    let power = 10f64.powf(raw.log10().floor());
    let factor = [1.0, 2.0, 5.0, 10.0];
    let fit = factor.into_iter().find(|factor| factor * power >= raw);
    fit.unwrap_or(10.0) * power
}

/// The curve of points that belong together; a lonely one is a dot.
fn curve(scale: &Scale, run: &[PerfPoint]) -> String {
    if let [only] = run {
        let (x, y) = (scale.x(only.at_ms), scale.y(only.value));
        return format!(r#"<circle class="point" cx="{x:.1}" cy="{y:.1}" r="2"/>"#);
    }
    let mut path = String::new();
    for (index, point) in run.iter().enumerate() {
        let letter = if index == 0 { 'M' } else { 'L' };
        let (x, y) = (scale.x(point.at_ms), scale.y(point.value));
        // Writing to a string cannot fail.
        let _ = write!(path, "{letter}{x:.1} {y:.1}");
    }
    format!(r#"<path class="curve" d="{path}"/>"#)
}

/// The area between lowest and highest, where averages hide something.
fn spread(scale: &Scale, run: &[PerfPoint]) -> String {
    let upper = run.iter().map(|p| (scale.x(p.at_ms), scale.y(p.high)));
    let lower = run.iter().rev().map(|p| (scale.x(p.at_ms), scale.y(p.low)));
    let corners: Vec<String> = upper
        .chain(lower)
        .map(|(x, y)| format!("{x:.1},{y:.1}"))
        .collect();
    corners.join(" ")
}

impl Page {
    /// A value with its unit, as the language writes it.
    pub(crate) fn value(&self, value: &f64, unit: &str) -> String {
        match unit {
            "B" if *value >= 0.0 => self.words.bytes(*value as u64),
            "%" => format!("{}\u{a0}%", self.words.decimal(*value, 1)),
            "s" if value.abs() < 1.0 && *value != 0.0 => {
                format!("{}\u{a0}ms", self.words.decimal(value * 1000.0, 1))
            }
            "" | "c" => self.words.decimal(*value, 2),
            unit => format!("{}\u{a0}{unit}", self.words.decimal(*value, 2)),
        }
    }

    /// A threshold that may not be there.
    pub(crate) fn maybe_value(&self, value: Option<&f64>, unit: &str) -> String {
        match value {
            Some(value) => self.value(value, unit),
            None => self.say("none").into_owned(),
        }
    }

    /// A small curve for a table. What it says stands beside it, so it is hidden from screen readers.
    pub(crate) fn spark(&self, series: &PerfSeries) -> Markup {
        let points = finite(&series.points);
        let (Some(first), Some(last)) = (points.first(), points.last()) else {
            return Markup(String::new());
        };
        let (low, high) = bounds(series, &points);
        let scale = Scale {
            from_ms: first.at_ms as f64,
            until_ms: last.at_ms as f64,
            low,
            high,
            left: 1.0,
            right: SPARK_WIDTH - 1.0,
            top: 2.0,
            bottom: SPARK_HEIGHT - 2.0,
        };
        let mut svg = format!(
            r#"<svg class="spark" viewBox="0 0 {SPARK_WIDTH} {SPARK_HEIGHT}" aria-hidden="true">"#
        );
        for run in runs(&points) {
            svg.push_str(&curve(&scale, run));
        }
        svg.push_str("</svg>");
        Markup(svg)
    }

    /// The big curve of one series. The table beside it says the same to those who do not see it.
    pub(crate) fn chart(&self, series: &PerfSeries, from: &Timestamp, until: &Timestamp) -> Markup {
        let points = finite(&series.points);
        let (low, high) = bounds(series, &points);
        let step = step(high - low, &series.unit);
        let scale = Scale {
            from_ms: from.as_millisecond() as f64,
            until_ms: until.as_millisecond() as f64,
            low: (low / step).floor() * step,
            high: (high / step).ceil() * step,
            left: LEFT,
            right: WIDTH - RIGHT,
            top: TOP,
            bottom: HEIGHT - BOTTOM,
        };
        let mut svg = format!(
            r#"<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{}">"#,
            escape(&self.fill("chart-of", "label", &series.label))
        );
        self.value_axis(&mut svg, &scale, step, &series.unit);
        self.time_axis(&mut svg, &scale, from, until);
        for run in runs(&points) {
            let corners = spread(&scale, run);
            let _ = write!(svg, r#"<polygon class="spread" points="{corners}"/>"#);
            svg.push_str(&curve(&scale, run));
        }
        self.limit(&mut svg, &scale, series.warning, "warning");
        self.limit(&mut svg, &scale, series.critical, "critical");
        svg.push_str("</svg>");
        Markup(svg)
    }

    fn value_axis(&self, svg: &mut String, scale: &Scale, step: f64, unit: &str) {
        let lines = ((scale.high - scale.low) / step).round().clamp(1.0, 12.0) as u32;
        for line in 0..=lines {
            let value = scale.low + f64::from(line) * step;
            let y = scale.y(value);
            let _ = write!(
                svg,
                r#"<path class="grid" d="M{LEFT} {y:.1}H{:.1}"/><text x="{:.1}" y="{:.1}" text-anchor="end">{}</text>"#,
                scale.right,
                LEFT - 8.0,
                y + 4.0,
                escape(&self.value(&value, unit))
            );
        }
    }

    fn time_axis(&self, svg: &mut String, scale: &Scale, from: &Timestamp, until: &Timestamp) {
        let hours = (until.as_second() - from.as_second()) / 3600;
        let marks = 6;
        for mark in 0..=marks {
            let at_ms = from.as_millisecond()
                + (until.as_millisecond() - from.as_millisecond()) * mark / marks;
            let Ok(at) = Timestamp::from_millisecond(at_ms) else {
                continue;
            };
            let there = at.to_zoned(self.zone.clone());
            let text = if hours > 48 {
                let month = self.say(&format!("month-{}", there.month()));
                format!("{} {month}", there.day())
            } else {
                there.strftime("%H:%M").to_string()
            };
            let anchor = match mark {
                0 => "start",
                6 => "end",
                _ => "middle",
            };
            let _ = write!(
                svg,
                r#"<text x="{:.1}" y="{:.1}" text-anchor="{anchor}">{}</text>"#,
                scale.x(at_ms),
                HEIGHT - 6.0,
                escape(&text)
            );
        }
    }

    fn limit(&self, svg: &mut String, scale: &Scale, limit: Option<f64>, kind: &str) {
        let Some(limit) = limit.filter(|l| (scale.low..=scale.high).contains(l)) else {
            return;
        };
        let y = scale.y(limit);
        let word = self.say(&format!("limit-{kind}"));
        let _ = write!(
            svg,
            r#"<path class="limit-{kind}" d="M{LEFT} {y:.1}H{:.1}"/><text class="word-{kind}" x="{:.1}" y="{:.1}" text-anchor="end">{}</text>"#,
            scale.right,
            scale.right,
            y - 4.0,
            escape(&word)
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(at_ms: i64) -> PerfPoint {
        PerfPoint {
            at_ms,
            value: 1.0,
            low: 1.0,
            high: 1.0,
        }
    }

    #[test]
    fn silence_is_a_gap() {
        let points = [0, 60, 120, 600, 660].map(point);
        let lengths: Vec<usize> = runs(&points).iter().map(|run| run.len()).collect();
        assert_eq!(lengths, [3, 2]);
        assert_eq!(runs(&[]).len(), 0);
        assert_eq!(runs(&[point(5)]).len(), 1);
    }

    #[test]
    fn a_lonely_point_is_a_dot() {
        let scale = Scale {
            from_ms: 0.0,
            until_ms: 10.0,
            low: 0.0,
            high: 2.0,
            left: 0.0,
            right: 100.0,
            top: 0.0,
            bottom: 10.0,
        };
        let dot = r#"<circle class="point" cx="50.0" cy="5.0" r="2"/>"#;
        assert_eq!(curve(&scale, &[point(5)]), dot);
        let line = r#"<path class="curve" d="M0.0 5.0L100.0 5.0"/>"#;
        assert_eq!(curve(&scale, &[point(0), point(10)]), line);
    }

    #[test]
    fn steps_are_round() {
        for (range, unit, expected) in [
            (100.0, "%", 50.0),
            (1.0, "", 0.5),
            (8.0, "", 2.0),
            (4096.0, "B", 1024.0),
            (5000.0, "B", 2048.0),
        ] {
            assert_eq!(step(range, unit), expected, "{range}{unit}");
        }
    }

    #[test]
    fn numbers_that_are_none_are_left_out() {
        let mut bad = point(1);
        bad.value = f64::NAN;
        assert_eq!(finite(&[bad, point(2)]), [point(2)]);
    }
}
