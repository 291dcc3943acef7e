//! An agent speaks: what it says is stored in one unit of work, and only then acknowledged.
//!
//! Its numbers have no holes, with one exception: this server was put back from an older copy of its state, and the agent
//! has let go of what was acknowledged since. What is gone for good is taken as lost, once and on the record.

use std::time::Duration;

use axum::{Json, body::Body, extract::State};
use escadre_api::{
    ApiError, ErrorKind,
    agent::{Contact, Orders},
};
use escadre_model::{HostId, Timestamp, inventory::Inventory};
use escadre_store::{
    StoreError, Transaction,
    tables::{audit, host, inventory, received},
};

use super::{Agent, CONTACT_BYTES, Ctx, Refused, document, orders, unknown_host};
use crate::{clock, error::of_store, roles::scheduler, roles::scheduler::StoredResult};

/// Results that one contact may bring; more come with the next.
const RESULTS: usize = 5_000;
/// Reports that one contact may bring.
const REPORTS: usize = 1_000;
/// A result or a report as JSON.
const DOCUMENT: usize = 512 << 10;
/// No agent comes so far; the database counts no further than twice of it.
const HIGHEST: u64 = 1 << 62;

/// What of a contact is to be stored.
struct Words {
    results: Vec<(u64, String)>,
    reports: Vec<(u64, String)>,
    inventory: Option<Box<Inventory>>,
    agent_version: String,
    /// From which numbers on the agent still holds everything.
    held: Held,
}

/// Numbers of the oldest words that an agent still holds; none from agents that do not say it.
#[derive(Debug, Clone, Copy)]
struct Held {
    results: Option<u64>,
    reports: Option<u64>,
}

/// What was stored.
struct Stored {
    cursor: received::Cursor,
    results: usize,
    reports: usize,
}

/// `POST /agent/v1/contact`
pub(super) async fn contact(
    State(shared): Ctx,
    Agent(host): Agent,
    body: Body,
) -> Result<Json<Orders>, Refused> {
    let contact: Contact = document(body, CONTACT_BYTES).await?;
    let now = clock::now();
    let revision = contact.revision;
    let words = words(contact, now)?;
    let agent_version = words.agent_version.clone();
    let inventory = words.inventory.clone();
    let stored = shared
        .store
        .write(move |tx| keep(tx, host, now, words))
        .await
        .map_err(of_store)?;
    let stored = stored.ok_or_else(|| unknown_host(host))?;
    shared.counters.contacts.inc();
    let has_inventory = inventory.is_some();
    shared.directory.change(host, |row| {
        row.last_contact = Some(now);
        row.agent_version = agent_version;
        row.want_inventory &= !has_inventory;
    });
    if let Some(inventory) = inventory {
        shared.directory.set_inventory(
            host,
            Inventory {
                packages: Vec::new(),
                ..*inventory
            },
        );
        if let Some(event) = scheduler::define(&shared, host) {
            crate::operations::command_engine(&shared, event, None).await?;
        }
        shared.tell_host(host);
    }
    shared.tell("received.contact", &host);
    if stored.results > 0 {
        shared.tell("received.result", &host);
    }
    if stored.reports > 0 {
        shared.tell("reported.delivery", &host);
    }
    orders::seen(&shared, host, revision);
    Ok(Json(orders::of(&shared, host, revision, stored.cursor)))
}

/// Checks the bounds and turns the agent's times into ours.
fn words(contact: Contact, now: Timestamp) -> Result<Words, ApiError> {
    if contact.results.len() > RESULTS || contact.reports.len() > REPORTS {
        let message =
            format!("at most {RESULTS} results and {REPORTS} reports fit into one contact");
        return Err(ApiError::new(
            ErrorKind::TooLarge,
            "agent.too_much",
            message,
        ));
    }
    let invalid = |error: serde_json::Error| ApiError::invalid("agent.document", error.to_string());
    let held = Held {
        results: contact.results_from,
        reports: contact.reports_from,
    };
    if held.results.max(held.reports) > Some(HIGHEST) {
        let message = format!("numbers of results and reports end with {HIGHEST}");
        return Err(ApiError::invalid("agent.number", message));
    }
    let mut results = Vec::with_capacity(contact.results.len());
    for numbered in contact.results {
        let taken = ours(
            contact.sent,
            numbered.result.started,
            numbered.result.duration_ms,
            now,
        );
        let stored = StoredResult {
            sequence: numbered.sequence,
            check: numbered.check,
            taken,
            result: numbered.result,
        };
        results.push((
            stored.sequence,
            bounded(serde_json::to_string(&stored).map_err(invalid)?)?,
        ));
    }
    let mut reports = Vec::with_capacity(contact.reports.len());
    for report in contact.reports {
        reports.push((
            report.sequence,
            bounded(serde_json::to_string(&report).map_err(invalid)?)?,
        ));
    }
    let agent_version = contact.agent_version.chars().take(64).collect();
    Ok(Words {
        results,
        reports,
        inventory: contact.inventory,
        agent_version,
        held,
    })
}

fn bounded(document: String) -> Result<String, ApiError> {
    if document.len() > DOCUMENT {
        let message = format!("a result or report is larger than {DOCUMENT} bytes");
        return Err(ApiError::new(
            ErrorKind::TooLarge,
            "agent.too_much",
            message,
        ));
    }
    Ok(document)
}

/// When a result was taken by our clock: as long before now as it was before the agent's own now.
fn ours(sent: Timestamp, started: Timestamp, duration_ms: u64, now: Timestamp) -> Timestamp {
    let taken = clock::after(started, Duration::from_millis(duration_ms.min(86_400_000)));
    let age = sent.duration_since(taken);
    let age = Duration::try_from(age).unwrap_or_default();
    clock::before(now, age)
}

/// Stores what is new. `None`: the host is no longer one of ours.
fn keep(
    tx: &mut dyn Transaction,
    id: HostId,
    now: Timestamp,
    words: Words,
) -> Result<Option<Stored>, StoreError> {
    let Some(before) = received::cursor(tx, id)? else {
        return Ok(None);
    };
    let reached = skip_lost(tx, id, now, before, words.held)?;
    let mut cursor = reached;
    cursor.results = next(
        tx,
        id,
        now,
        received::Kind::Result,
        cursor.results,
        &words.results,
    )?;
    cursor.reports = next(
        tx,
        id,
        now,
        received::Kind::Report,
        cursor.reports,
        &words.reports,
    )?;
    if cursor != before {
        received::set_cursor(tx, id, cursor)?;
    }
    if let Some(new) = &words.inventory {
        put_inventory(tx, id, now, new)?;
    }
    host::heard(tx, id, now, &words.agent_version)?;
    let new = |after: u64, before: u64| usize::try_from(after - before).unwrap_or(usize::MAX);
    Ok(Some(Stored {
        cursor,
        results: new(cursor.results, reached.results),
        reports: new(cursor.reports, reached.reports),
    }))
}

/// Moves behind what the agent holds no more: a server acknowledged it once, and this one's copy of the state is older. Said
/// once per host, since the cursor moves with it.
fn skip_lost(
    tx: &mut dyn Transaction,
    id: HostId,
    now: Timestamp,
    kept: received::Cursor,
    held: Held,
) -> Result<received::Cursor, StoreError> {
    let reach = |kept: u64, from: Option<u64>| kept.max(from.unwrap_or(0).saturating_sub(1));
    let reached = received::Cursor {
        results: reach(kept.results, held.results),
        reports: reach(kept.reports, held.reports),
    };
    if reached == kept {
        return Ok(kept);
    }
    let (results, reports) = (
        reached.results - kept.results,
        reached.reports - kept.reports,
    );
    tracing::warn!(
        host = %id, results, reports,
        "lost for good: acknowledged after the copy was made that this server was put back from"
    );
    let name = host::by_id(tx, id)?.map_or_else(|| id.to_string(), |row| row.name);
    let detail = format!(
        "{results} results and {reports} reports of the host were acknowledged and are not here: the state was restored from an older copy"
    );
    audit::append(
        tx,
        &audit::Line {
            at: now,
            actor: format!("host {name}"),
            origin: String::new(),
            action: "host.words_lost".to_owned(),
            subject: name,
            detail,
            outcome: "done".to_owned(),
            request: String::new(),
        },
    )?;
    Ok(reached)
}

/// Keeps what follows without a hole on what was kept; the last number that is kept now.
fn next(
    tx: &mut dyn Transaction,
    id: HostId,
    now: Timestamp,
    kind: received::Kind,
    mut kept: u64,
    words: &[(u64, String)],
) -> Result<u64, StoreError> {
    for (sequence, document) in words {
        if Some(*sequence) == kept.checked_add(1) {
            received::keep(tx, kind, id, now, document)?;
            kept = *sequence;
        } else if *sequence > kept {
            tracing::warn!(host = %id, ?kind, sequence, kept, "numbers have a hole; what follows is left out");
            break;
        }
    }
    Ok(kept)
}

fn put_inventory(
    tx: &mut dyn Transaction,
    id: HostId,
    now: Timestamp,
    new: &Inventory,
) -> Result<(), StoreError> {
    if let Some(old) = inventory::get(tx, id)? {
        let old = Inventory {
            packages: inventory::packages(tx, id)?,
            ..old
        };
        inventory::add_changes(
            tx,
            id,
            &crate::operations::inventory_changes(now, &old, new),
        )?;
    }
    inventory::put(tx, id, now, new)?;
    host::set_want_inventory(tx, id, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_an_agent_become_ours_whatever_its_clock_says() {
        let at = |second: i64| Timestamp::from_second(second).expect("in range");
        // (sent, started, duration in ms, now) → taken
        let cases = [
            ((100, 90, 2000), 1000, 992),
            ((100, 100, 0), 1000, 1000),
            // Started after it was sent: a clock that jumped back. Not later than now.
            ((100, 500, 0), 1000, 1000),
            // Kept for a day while the link was down.
            ((86_500, 100, 0), 1_000_000, 913_600),
        ];
        for ((sent, started, duration), now, expected) in cases {
            assert_eq!(ours(at(sent), at(started), duration, at(now)), at(expected));
        }
        assert_eq!(
            ours(Timestamp::MAX, Timestamp::MIN, u64::MAX, Timestamp::MIN),
            Timestamp::MIN
        );
    }
}
