//! `escadre check`.

use anyhow::Result;
use escadre_api::check::{CheckDetail, CheckSummary, Downtime, DowntimeNew, HistoryEntry};
use reqwest::Method;
use serde_json::json;

use super::Session;
use crate::{cli::Check, client::escape, render};

pub(super) async fn run(session: &Session, command: Check) -> Result<()> {
    let Session { client, format } = session;
    let path = |host: &str, check: &str| format!("/checks/{}/{}", escape(host), escape(check));
    match command {
        Check::List {
            query,
            host,
            problems,
        } => {
            let host = host
                .map(|host| format!("&host={}", escape(&host)))
                .unwrap_or_default();
            let path = format!("/checks?query={}&problems={problems}{host}", escape(&query));
            let checks: Vec<CheckSummary> = client.get(&path).await?;
            let columns = [
                ("HOST", "host"),
                ("CHECK", "name"),
                ("STATE", "state"),
                ("KIND", "kind"),
                ("STALE", "stale"),
                ("SINCE", "since"),
                ("OUTPUT", "output"),
            ];
            render::list(*format, &checks, &columns)
        }
        Check::Show { host, check } => render::one(
            *format,
            &client.get::<CheckDetail>(&path(&host, &check)).await?,
        ),
        Check::History { host, check, limit } => {
            let path = format!("{}/history?limit={limit}", path(&host, &check));
            let entries: Vec<HistoryEntry> = client.get(&path).await?;
            let columns = [
                ("AT", "at"),
                ("STATE", "state"),
                ("KIND", "kind"),
                ("ATTEMPT", "attempt"),
                ("STALE", "stale"),
                ("OUTPUT", "output"),
            ];
            render::list(*format, &entries, &columns)
        }
        Check::Run { host, check } => {
            client
                .act(Method::POST, &format!("{}/run", path(&host, &check)))
                .await?;
            render::say(*format, format!("{check} on {host} is run at once"))
        }
        Check::Acknowledge {
            host,
            check,
            comment,
        } => {
            let path = format!("{}/acknowledge", path(&host, &check));
            let detail: CheckDetail = client
                .send_json(Method::POST, &path, &json!({ "comment": comment }))
                .await?;
            render::one(*format, &detail)
        }
        Check::Unacknowledge { host, check } => {
            let path = format!("{}/acknowledge", path(&host, &check));
            client.act(Method::DELETE, &path).await?;
            render::say(
                *format,
                format!("nobody has taken {check} on {host} any more"),
            )
        }
        Check::Downtime {
            host,
            check,
            duration,
            comment,
        } => {
            let wanted = DowntimeNew {
                host,
                check,
                duration_s: duration,
                comment,
            };
            render::one(
                *format,
                &client
                    .send_json::<_, Downtime>(Method::POST, "/downtimes", &wanted)
                    .await?,
            )
        }
        Check::EndDowntime { number } => {
            client
                .act(Method::DELETE, &format!("/downtimes/{number}"))
                .await?;
            render::say(*format, format!("downtime {number} is over"))
        }
    }
}
