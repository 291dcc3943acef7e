//! What Prometheus reads.

use escadre_api::health::Counts;
use prometheus_client::{
    encoding::text::encode,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use crate::{
    error::internal,
    shared::Shared,
    worker::{Condition, Status},
};

type Labels = Vec<(&'static str, String)>;

/// What is counted as it happens.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// Contacts of agents that were answered.
    pub(crate) contacts: Counter,
    /// Results of checks that were taken.
    pub(crate) results: Counter,
    /// Reports of deliveries that were taken.
    pub(crate) reports: Counter,
    /// Chunks that were sent.
    pub(crate) chunks: Counter,
    /// Their bytes.
    pub(crate) chunk_bytes: Counter,
    /// Sign-ins, tokens and enrolments that were refused.
    pub(crate) refusals: Counter,
}

impl Counters {
    fn register(&self, registry: &mut Registry) {
        for (name, help, counter) in [
            (
                "agent_contacts",
                "Contacts of agents that were answered",
                &self.contacts,
            ),
            (
                "check_results",
                "Results of checks that were taken",
                &self.results,
            ),
            (
                "delivery_reports",
                "Reports of deliveries that were taken",
                &self.reports,
            ),
            (
                "chunks_sent",
                "Chunks that were sent to agents",
                &self.chunks,
            ),
            (
                "chunk_bytes_sent",
                "Bytes of chunks that were sent to agents",
                &self.chunk_bytes,
            ),
            (
                "refusals",
                "Sign-ins, tokens and enrolments that were refused",
                &self.refusals,
            ),
        ] {
            registry.register(name, help, counter.clone());
        }
    }
}

/// All of it as text.
pub(crate) fn text(shared: &Shared, counts: Counts) -> Result<String, escadre_api::ApiError> {
    let mut registry = Registry::with_prefix("escadre");
    shared.counters.register(&mut registry);
    let settled = counts.hosts_up + counts.hosts_down + counts.hosts_stale;
    let hosts = [
        ("up", counts.hosts_up),
        ("down", counts.hosts_down),
        ("stale", counts.hosts_stale),
        ("pending", counts.hosts.saturating_sub(settled)),
    ];
    gauges(&mut registry, ("hosts", "Hosts by state"), "state", &hosts);
    let checks = [
        ("ok", counts.checks_ok),
        ("warning", counts.checks_warning),
        ("critical", counts.checks_critical),
        ("unknown", counts.checks_unknown),
    ];
    gauges(
        &mut registry,
        ("checks", "Checks by state"),
        "state",
        &checks,
    );
    let active = ("rollouts_active", "Rollouts that are not over");
    gauges(&mut registry, active, "", &[("", counts.rollouts_active)]);
    let is_well = |worker: Status| (worker.name, u32::from(worker.condition == Condition::Well));
    let workers: Vec<(&str, u32)> = shared.workers.all().into_iter().map(is_well).collect();
    gauges(
        &mut registry,
        ("role_well", "1 while the role is at work"),
        "role",
        &workers,
    );
    let started = Gauge::<i64>::default();
    started.set(shared.started.as_second());
    registry.register(
        "started_seconds",
        "Start of the server, in seconds since 1970",
        started,
    );
    let mut text = String::new();
    encode(&mut text, &registry).map_err(internal)?;
    Ok(text)
}

fn gauges(
    registry: &mut Registry,
    (name, help): (&str, &str),
    label: &'static str,
    values: &[(&str, u32)],
) {
    let family = Family::<Labels, Gauge>::default();
    for (value, number) in values {
        let labels = match label {
            "" => Vec::new(),
            label => vec![(label, (*value).to_owned())],
        };
        family.get_or_create(&labels).set(i64::from(*number));
    }
    registry.register(name, help, family);
}
