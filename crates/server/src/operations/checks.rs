//! Checks: lists, history, performance data.

use std::sync::Arc;

use escadre_api::{Actor, ApiError, ApiResult, Role, check::*};
use escadre_model::{
    CheckName, HostId, Timestamp,
    check::{CheckState, StateKind},
};
use escadre_store::tables::{perf, watch};
use escadre_watch::{CheckRecord, HistoryKind, HostRecord};

use super::{
    allowed::require,
    hosts::{find, matching},
};
use crate::{clock, directory::Known, shared::Shared};

pub(super) fn summary(host: &str, record: &CheckRecord) -> CheckSummary {
    let status = &record.status;
    CheckSummary {
        name: record.definition.name.0.clone(),
        host: host.to_owned(),
        state: status.state,
        kind: status.kind,
        stale: status.stale_since.is_some(),
        attempt: status.attempt,
        max_attempts: status.max_attempts,
        output: status.output.clone(),
        last_result: status.checked,
        since: Some(status.since),
        acknowledged: status
            .acknowledgement
            .as_ref()
            .map(|taken| Acknowledgement {
                by: taken.author.clone(),
                at: taken.at,
                comment: taken.comment.clone(),
            }),
        in_downtime: status.downtimes > 0,
    }
}

/// Most urgent first: hard problems before soft ones, the worse before the better, then by name.
pub(super) fn order(checks: &mut [CheckSummary]) {
    checks.sort_by(|a, b| {
        let key = |check: &CheckSummary| {
            let is_hard = check.kind == StateKind::Hard;
            (check.state.urgency(), is_hard, check.stale)
        };
        key(b)
            .cmp(&key(a))
            .then_with(|| (&a.host, &a.name).cmp(&(&b.host, &b.name)))
    });
}

fn is_problem(check: &CheckSummary) -> bool {
    let is_bad = !matches!(check.state, CheckState::Ok | CheckState::Pending);
    check.stale || (is_bad && check.kind == StateKind::Hard)
}

/// Every check of these hosts.
pub(super) fn of_hosts(shared: &Shared, hosts: &[Known]) -> Vec<CheckSummary> {
    let engine = shared.engine();
    let of_one = |known: &Known| {
        let record = engine.host(known.row.id);
        let checks = record.into_iter().flat_map(|record| record.checks.values());
        checks
            .map(|check| summary(&known.row.name, check))
            .collect::<Vec<_>>()
    };
    hosts.iter().flat_map(of_one).collect()
}

pub(super) async fn checks(
    shared: &Arc<Shared>,
    actor: &Actor,
    filter: CheckFilter,
) -> ApiResult<Vec<CheckSummary>> {
    require(actor, Role::Viewer)?;
    let (mut hosts, _) = matching(shared, &filter.query).await?;
    if let Some(host) = &filter.host {
        find(shared, host)?;
        hosts.retain(|known| known.row.name == *host);
    }
    let mut found = of_hosts(shared, &hosts);
    if filter.problems {
        found.retain(is_problem);
    }
    order(&mut found);
    found.truncate(filter.limit.map_or(usize::MAX, |limit| limit as usize));
    Ok(found)
}

/// A host and the name of one of its checks, both there.
pub(super) fn locate(shared: &Shared, host: &str, name: &str) -> ApiResult<(HostId, CheckName)> {
    let id = find(shared, host)?.row.id;
    let check = CheckName(name.to_owned());
    match shared.engine().status(id, &check) {
        Some(_) => Ok((id, check)),
        None => {
            let message = format!("host `{host}` has no check `{name}`");
            Err(ApiError::not_found("check.unknown", message)
                .with_hint(format!("`escadre check list --host {host}` shows all")))
        }
    }
}

fn downtimes(record: &HostRecord, check: &CheckName) -> Vec<Downtime> {
    let concerns = |wanted: &Option<CheckName>| wanted.as_ref().is_none_or(|name| name == check);
    let all = record.downtimes.iter().map(|(downtime, _)| downtime);
    all.filter(|downtime| concerns(&downtime.check))
        .map(shown)
        .collect()
}

pub(super) fn shown(downtime: &escadre_watch::Downtime) -> Downtime {
    Downtime {
        number: downtime.id.0,
        from: downtime.from,
        until: downtime.until,
        by: downtime.author.clone(),
        comment: downtime.comment.clone(),
    }
}

pub(super) async fn check(
    shared: &Arc<Shared>,
    actor: &Actor,
    host: &str,
    name: &str,
) -> ApiResult<CheckDetail> {
    require(actor, Role::Viewer)?;
    let (id, check) = locate(shared, host, name)?;
    let engine = shared.engine();
    let record = engine.host(id).ok_or_else(|| super::hosts::unknown(host))?;
    let found = record
        .checks
        .get(&check)
        .ok_or_else(|| super::hosts::unknown(host))?;
    Ok(CheckDetail {
        summary: summary(host, found),
        definition: found.definition.clone(),
        long_output: found.status.long_output.clone(),
        perf: found.status.perf.clone(),
        downtimes: downtimes(record, &check),
    })
}

pub(super) async fn check_history(
    shared: &Arc<Shared>,
    actor: &Actor,
    host: &str,
    name: &str,
    limit: u32,
) -> ApiResult<Vec<HistoryEntry>> {
    require(actor, Role::Viewer)?;
    let (id, check) = locate(shared, host, name)?;
    let limit = limit.clamp(1, 10_000);
    let kinds = ["state", "stale", "fresh"];
    let lines = shared
        .read(move |tx| watch::check_history(tx, id, &check, kinds, limit))
        .await?;
    Ok(entries(lines))
}

/// Staleness is shown with the state that was the last known one then.
fn entries(lines: Vec<watch::HistoryLine>) -> Vec<HistoryEntry> {
    let mut last = (CheckState::Pending, StateKind::Hard, 1);
    let mut entries = Vec::with_capacity(lines.len());
    for line in lines.into_iter().rev() {
        let (stale, text) = match serde_json::from_str::<HistoryKind>(&line.document) {
            Ok(HistoryKind::State {
                to,
                kind,
                attempt,
                output,
                ..
            }) => {
                last = (to, kind, attempt);
                (false, output)
            }
            Ok(HistoryKind::Stale) => (true, String::new()),
            Ok(_) => (false, String::new()),
            Err(error) => {
                tracing::error!(%error, "a line of history cannot be read");
                continue;
            }
        };
        let (state, kind, attempt) = last;
        entries.push(HistoryEntry {
            at: line.at,
            state,
            kind,
            attempt,
            stale,
            output: text,
        });
    }
    entries.reverse();
    entries
}

pub(super) async fn check_perf(
    shared: &Arc<Shared>,
    actor: &Actor,
    host: &str,
    name: &str,
    from: Timestamp,
    until: Timestamp,
    points: u32,
) -> ApiResult<Vec<PerfSeries>> {
    require(actor, Role::Viewer)?;
    if until <= from {
        return Err(ApiError::invalid(
            "perf.range",
            "the range ends before it begins",
        ));
    }
    let (id, check) = locate(shared, host, name)?;
    let points = points.clamp(1, 10_000);
    let now = clock::now();
    shared
        .read(move |tx| {
            let mut all = Vec::new();
            for series in perf::series(tx, id, &check.0)? {
                let stored = perf::points(tx, series.id, (from, until), now, points)?;
                all.push(PerfSeries {
                    label: series.label,
                    unit: series.unit,
                    warning: series.warning,
                    critical: series.critical,
                    min: series.min,
                    max: series.max,
                    points: thinned(&stored, from, until, points),
                });
            }
            Ok(all)
        })
        .await
}

/// At most so many points, each over an equal part of the range.
fn thinned(
    stored: &[perf::Point],
    from: Timestamp,
    until: Timestamp,
    points: u32,
) -> Vec<PerfPoint> {
    let span = (until.as_millisecond() - from.as_millisecond()).max(1);
    let width = (span / i64::from(points)).max(1);
    let mut parts: Vec<(i64, u64, f64, PerfPoint)> = Vec::new();
    let is_few = stored.len() <= points as usize;
    for point in stored {
        let at_ms = point.at.as_millisecond();
        let part = if is_few {
            at_ms
        } else {
            (at_ms - from.as_millisecond()).div_euclid(width)
        };
        match parts.last_mut().filter(|(last, ..)| *last == part) {
            Some((_, count, total, shown)) => {
                *count += point.count;
                *total += point.total;
                shown.low = shown.low.min(point.low);
                shown.high = shown.high.max(point.high);
            }
            None => {
                let shown = PerfPoint {
                    at_ms,
                    value: 0.0,
                    low: point.low,
                    high: point.high,
                };
                parts.push((part, point.count, point.total, shown));
            }
        }
    }
    let value = |(_, count, total, shown): (i64, u64, f64, PerfPoint)| PerfPoint {
        value: total / count.max(1) as f64,
        ..shown
    };
    parts.into_iter().map(value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("in range")
    }

    #[test]
    fn thinning_keeps_the_average_and_the_spread() {
        let stored: Vec<perf::Point> = (0..1000)
            .map(|n| perf::Point {
                at: at(n),
                count: 1,
                total: n as f64,
                low: n as f64,
                high: n as f64,
            })
            .collect();
        let all = thinned(&stored, at(0), at(1000), 1000);
        assert_eq!(all.len(), 1000, "few enough are not touched");
        let ten = thinned(&stored, at(0), at(1000), 10);
        assert_eq!(ten.len(), 10);
        assert_eq!(
            (ten[0].value, ten[0].low, ten[0].high, ten[0].at_ms),
            (49.5, 0.0, 99.0, 0)
        );
        assert_eq!((ten[9].value, ten[9].high), (949.5, 999.0));
    }

    #[test]
    fn what_needs_someone_comes_first() {
        let check = |name: &str, state, kind, stale| CheckSummary {
            name: name.to_owned(),
            host: "h".to_owned(),
            state,
            kind,
            stale,
            attempt: 1,
            max_attempts: 3,
            output: String::new(),
            last_result: None,
            since: None,
            acknowledged: None,
            in_downtime: false,
        };
        let mut all = vec![
            check("ok", CheckState::Ok, StateKind::Hard, false),
            check("soft", CheckState::Critical, StateKind::Soft, false),
            check("b", CheckState::Critical, StateKind::Hard, false),
            check("a", CheckState::Critical, StateKind::Hard, false),
            check("stale", CheckState::Ok, StateKind::Hard, true),
            check("unknown", CheckState::Unknown, StateKind::Hard, false),
        ];
        order(&mut all);
        let names: Vec<&str> = all.iter().map(|check| check.name.as_str()).collect();
        assert_eq!(names, ["a", "b", "soft", "unknown", "stale", "ok"]);
        all.retain(is_problem);
        let names: Vec<&str> = all.iter().map(|check| check.name.as_str()).collect();
        assert_eq!(names, ["a", "b", "unknown", "stale"]);
    }
}
