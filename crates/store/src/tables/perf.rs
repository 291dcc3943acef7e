//! Performance data: each value for two days, sums over five minutes for a month, sums over an hour for as long as
//! the settings say. All three are written as the value comes, so nothing has to be computed later.

use escadre_model::{HostId, Timestamp, check::Perf};

use crate::{FromValue, StoreError, Transaction, Value, value::values};

/// Seconds of a sum; 0 is each value as it came.
const STEPS: [i64; 3] = [0, 300, 3600];
/// Days for which the first two steps are kept.
const KEEP_DAYS: [i64; 2] = [2, 31];
const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// What is drawn: a label of a check.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Key of its points.
    pub id: u64,
    /// Label.
    pub label: String,
    /// Unit.
    pub unit: String,
    /// Warning threshold of the last value.
    pub warning: Option<f64>,
    /// Critical threshold of the last value.
    pub critical: Option<f64>,
    /// Smallest possible value.
    pub min: Option<f64>,
    /// Largest possible value.
    pub max: Option<f64>,
}

/// Values that fell into one step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Begin of the step.
    pub at: Timestamp,
    /// How many.
    pub count: u64,
    /// Their sum.
    pub total: f64,
    /// Lowest.
    pub low: f64,
    /// Highest.
    pub high: f64,
}

/// Adds one value. Numbers that are none (infinite, NaN) are left out. Nothing happens for a host that is gone.
pub fn add(
    tx: &mut dyn Transaction,
    host: HostId,
    check: &str,
    at: Timestamp,
    perf: &Perf,
) -> Result<(), StoreError> {
    if !perf.value.is_finite() {
        return Ok(());
    }
    let series: Option<i64> = tx.first(
        "INSERT INTO perf_series (host, name, label, unit, warning, critical, low, high)
         SELECT id, $2, $3, $4, $5, $6, $7, $8 FROM host WHERE id = $1
         ON CONFLICT (host, name, label) DO UPDATE SET unit = excluded.unit, warning = excluded.warning,
             critical = excluded.critical, low = excluded.low, high = excluded.high
         RETURNING id",
        values![host, check, &perf.label, &perf.unit, perf.warning, perf.critical, perf.min, perf.max],
        |row| row.take(),
    )?;
    let Some(series) = series else { return Ok(()) };
    for step in STEPS {
        let at = begin(at, step);
        tx.execute(
            "INSERT INTO perf_point (series, step, at, count, total, low, high) VALUES ($1, $2, $3, 1, $4, $4, $4)
             ON CONFLICT (series, step, at) DO UPDATE SET count = perf_point.count + 1,
                 total = perf_point.total + excluded.total,
                 low = CASE WHEN excluded.low < perf_point.low THEN excluded.low ELSE perf_point.low END,
                 high = CASE WHEN excluded.high > perf_point.high THEN excluded.high ELSE perf_point.high END",
            values![series, step, at, perf.value],
        )?;
    }
    Ok(())
}

fn begin(at: Timestamp, step: i64) -> i64 {
    let at = at.as_microsecond();
    if step == 0 {
        at
    } else {
        at - at.rem_euclid(step * SECOND)
    }
}

/// The series of a check, by label.
pub fn series(
    tx: &mut dyn Transaction,
    host: HostId,
    check: &str,
) -> Result<Vec<Series>, StoreError> {
    tx.all(
        "SELECT id, label, unit, warning, critical, low, high FROM perf_series
         WHERE host = $1 AND name = $2 ORDER BY label",
        values![host, check],
        |row| {
            Ok(Series {
                id: row.take()?,
                label: row.take()?,
                unit: row.take()?,
                warning: row.take()?,
                critical: row.take()?,
                min: row.take()?,
                max: row.take()?,
            })
        },
    )
}

/// Points between two times, oldest first, in the finest step that is still kept for `from` (as of `now`) and gives
/// not more than some ten for each of the `points` wanted.
pub fn points(
    tx: &mut dyn Transaction,
    series: u64,
    (from, until): (Timestamp, Timestamp),
    now: Timestamp,
    points: u32,
) -> Result<Vec<Point>, StoreError> {
    let age = now.as_microsecond().saturating_sub(from.as_microsecond());
    let length = until.as_microsecond().saturating_sub(from.as_microsecond());
    let step = if age > KEEP_DAYS[1] * DAY {
        STEPS[2]
    } else if age > KEEP_DAYS[0] * DAY || length > i64::from(points.max(1)) * 600 * SECOND {
        STEPS[1]
    } else {
        STEPS[0]
    };
    tx.all(
        "SELECT at, count, total, low, high FROM perf_point
         WHERE series = $1 AND step = $2 AND at >= $3 AND at <= $4 ORDER BY at",
        values![series, step, begin(from, step), until],
        |row| {
            Ok(Point {
                at: row.take()?,
                count: row.take()?,
                total: row.take()?,
                low: row.take()?,
                high: row.take()?,
            })
        },
    )
}

/// Forgets what is older than each step is kept; how many rows. At most `limit` of them, so that writers do not wait
/// long; call it again while it gives that many.
pub fn forget(
    tx: &mut dyn Transaction,
    now: Timestamp,
    keep_days: u32,
    limit: u32,
) -> Result<u64, StoreError> {
    let keep = [KEEP_DAYS[0], KEEP_DAYS[1], i64::from(keep_days)];
    let mut gone = 0;
    for (step, days) in STEPS.into_iter().zip(keep) {
        let before = now
            .as_microsecond()
            .saturating_sub(days.min(i64::from(keep_days)) * DAY);
        let before = Timestamp::from_value(Value::Integer(before)).unwrap_or(Timestamp::MIN);
        gone += tx.execute(
            "DELETE FROM perf_point WHERE (series, step, at) IN
             (SELECT series, step, at FROM perf_point WHERE step = $1 AND at < $2 LIMIT $3)",
            values![step, before, limit],
        )?;
    }
    Ok(gone)
}
