//! One time line of a host: checks, deliveries, inventory, and what people did, in one order, newest first.

use std::sync::Arc;

use escadre_api::{ApiResult, host::TimelineEntry};
use escadre_model::{Timestamp, check::StateKind};
use escadre_store::tables::{audit, inventory, rollout, watch};
use escadre_watch::HistoryKind;

use crate::{directory::Known, shared::Shared};

/// The entries before a time.
pub(super) async fn of(
    shared: &Arc<Shared>,
    known: &Known,
    before: Timestamp,
    limit: u32,
) -> ApiResult<Vec<TimelineEntry>> {
    let (id, name) = (known.row.id, known.row.name.clone());
    let (history, steps, changes, lines) = shared
        .read(move |tx| {
            Ok((
                watch::host_history(tx, id, before, limit)?,
                rollout::host_steps(tx, id, before, limit)?,
                inventory::changes(tx, id, before, limit)?,
                audit::about(tx, &name, before, limit)?,
            ))
        })
        .await?;
    let mut entries: Vec<TimelineEntry> = history.into_iter().filter_map(of_check).collect();
    entries.extend(steps.into_iter().map(|(bundle, step)| TimelineEntry {
        at: step.at,
        kind: "delivery".to_owned(),
        subject: bundle.to_string(),
        state: step.state.word().to_owned(),
        text: step.message,
        link: Some(step.delivery.to_string()),
    }));
    entries.extend(changes.into_iter().map(|change| TimelineEntry {
        at: change.at,
        kind: "inventory".to_owned(),
        subject: change.subject,
        state: change.state,
        text: change.detail,
        link: None,
    }));
    entries.extend(lines.into_iter().map(|(_, line)| TimelineEntry {
        at: line.at,
        kind: "audit".to_owned(),
        subject: line.action,
        state: line.outcome,
        text: if line.detail.is_empty() {
            line.actor
        } else {
            format!("{}: {}", line.actor, line.detail)
        },
        link: None,
    }));
    // Stable: what happened at the same time stays in the order of the planes.
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.at));
    entries.truncate(limit as usize);
    Ok(entries)
}

fn of_check(line: watch::HistoryLine) -> Option<TimelineEntry> {
    let happened: HistoryKind = serde_json::from_str(&line.document)
        .inspect_err(|error| tracing::error!(%error, "a line of history cannot be read"))
        .ok()?;
    let (state, text) = match &happened {
        HistoryKind::State {
            to,
            kind,
            attempt,
            output,
            ..
        } => {
            let text = match kind {
                StateKind::Hard => output.clone(),
                StateKind::Soft => format!("{output} (attempt {attempt})"),
            };
            (to.word().to_owned(), text)
        }
        HistoryKind::Stale => ("stale".to_owned(), "nothing fresh is known".to_owned()),
        HistoryKind::Fresh => ("fresh".to_owned(), "fresh news came".to_owned()),
        HistoryKind::Acknowledged { author, comment } => {
            ("acknowledged".to_owned(), format!("{author}: {comment}"))
        }
        HistoryKind::DowntimeStarted { downtime } | HistoryKind::DowntimeEnded { downtime, .. } => {
            (
                happened.word().to_owned(),
                format!("{}: {}", downtime.author, downtime.comment),
            )
        }
        HistoryKind::AcknowledgementEnded | HistoryKind::Lost => {
            (happened.word().to_owned(), String::new())
        }
    };
    Some(TimelineEntry {
        at: line.at,
        kind: if line.name.0.is_empty() {
            "host"
        } else {
            "check"
        }
        .to_owned(),
        subject: line.name.0,
        state,
        text,
        link: None,
    })
}
