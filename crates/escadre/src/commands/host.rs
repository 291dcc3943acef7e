//! `escadre host`.

use anyhow::Result;
use escadre_api::host::{HostDetail, HostEdit, HostSummary, TimelineEntry};
use escadre_model::inventory::InstalledPackage;
use reqwest::Method;

use super::Session;
use crate::{cli::Host, client::escape, render};

pub(super) async fn run(session: &Session, command: Host) -> Result<()> {
    let Session { client, format } = session;
    match command {
        Host::List { query } => {
            let hosts: Vec<HostSummary> = client
                .get(&format!("/hosts?query={}", escape(&query)))
                .await?;
            let columns = [
                ("NAME", "name"),
                ("STATE", "state"),
                ("STALE", "stale"),
                ("WORST", "worst"),
                ("PROBLEMS", "problems"),
                ("SITE", "site"),
                ("TAGS", "tags"),
                ("OS", "os"),
                ("ADDRESSES", "addresses"),
                ("LAST CONTACT", "last_contact"),
            ];
            render::list(*format, &hosts, &columns)
        }
        Host::Show { name } => {
            let host: HostDetail = client.get(&format!("/hosts/{}", escape(&name))).await?;
            render::one(*format, &host)
        }
        Host::Packages { name } => {
            let packages: Vec<InstalledPackage> = client
                .get(&format!("/hosts/{}/packages", escape(&name)))
                .await?;
            let columns = [
                ("NAME", "name"),
                ("VERSION", "version"),
                ("ARCH", "arch"),
                ("SIZE", "size"),
            ];
            render::list(*format, &packages, &columns)
        }
        Host::Timeline { name, limit } => {
            let path = format!("/hosts/{}/timeline?limit={limit}", escape(&name));
            let entries: Vec<TimelineEntry> = client.get(&path).await?;
            let columns = [
                ("AT", "at"),
                ("KIND", "kind"),
                ("SUBJECT", "subject"),
                ("STATE", "state"),
                ("TEXT", "text"),
            ];
            render::list(*format, &entries, &columns)
        }
        Host::Set {
            name,
            site,
            tags,
            notes,
        } => {
            let tags = tags.map(|tags| {
                tags.split(',')
                    .map(str::trim)
                    .filter(|t| !t.is_empty())
                    .map(Into::into)
                    .collect()
            });
            let edit = HostEdit { site, tags, notes };
            let host: HostDetail = client
                .send_json(Method::PATCH, &format!("/hosts/{}", escape(&name)), &edit)
                .await?;
            render::one(*format, &host.summary)
        }
        Host::Rm { name } => {
            client
                .act(Method::DELETE, &format!("/hosts/{}", escape(&name)))
                .await?;
            render::say(
                *format,
                format!("{name} is forgotten; its certificate is refused from now on"),
            )
        }
    }
}
