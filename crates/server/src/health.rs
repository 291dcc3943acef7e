//! The healthcheck: every finding at once, each with what repairs it. Only what was looked at is said.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use escadre_api::{
    ApiResult,
    health::{Finding, FindingLevel},
};
use escadre_model::{ByteCount, Timestamp};
use escadre_trust::{Publisher, identity, metadata::TrustStatus};
use escadre_watch::Standing;

use crate::{clock, error::blocking, shared::Shared, worker::Condition};

const DAY: Duration = Duration::from_secs(24 * 3600);
/// Free space below which a start or an upload may soon fail.
const LITTLE_ROOM: u64 = 1 << 30;
const NO_ROOM: u64 = 100 << 20;

/// All findings, worst first.
pub(crate) async fn findings(shared: &Arc<Shared>) -> ApiResult<Vec<Finding>> {
    let looking = Arc::clone(shared);
    let now = clock::now();
    let mut findings = blocking(move || {
        let mut findings = publisher(&looking);
        findings.extend(trust(looking.trust.status()?.as_ref(), now));
        findings.extend(certificate(&looking, now));
        findings.extend(room(&looking));
        Ok(findings)
    })
    .await?;
    findings.extend(hosts(shared));
    findings.extend(roles(shared));
    findings.sort_by(|a, b| b.level.cmp(&a.level).then_with(|| a.name.cmp(&b.name)));
    Ok(findings)
}

fn finding(
    name: &str,
    level: FindingLevel,
    message: String,
    remedy: &str,
    args: &[(&str, String)],
) -> Finding {
    let args: BTreeMap<String, String> = args
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect();
    Finding {
        name: name.to_owned(),
        level,
        message,
        remedy: remedy.to_owned(),
        args,
    }
}

fn fine(name: &str, message: &str) -> Finding {
    finding(name, FindingLevel::Fine, message.to_owned(), "", &[])
}

fn publisher(shared: &Shared) -> Vec<Finding> {
    let name = "trust.publisher-key-on-server";
    let Some(folder) = shared.trust.publisher_here() else {
        return vec![fine(
            name,
            "no publisher's key lies on this machine, as far as the server was told",
        )];
    };
    let path = folder.display().to_string();
    let is_locked = Publisher::is_locked(folder).unwrap_or(false);
    let lock = if is_locked {
        "with a passphrase"
    } else {
        "without a passphrase"
    };
    let message = format!(
        "the publisher's key lies on the server's machine ({path}, {lock}): who takes over the server can sign bundles"
    );
    let remedy = format!(
        "scp -pr {path} YOU@YOUR-MACHINE:.config/escadre/ && find {path} -type f -exec shred -u {{}} +"
    );
    let args = [("path", path), ("locked", is_locked.to_string())];
    vec![finding(
        name,
        FindingLevel::Warning,
        message,
        &remedy,
        &args,
    )]
}

fn trust(status: Option<&TrustStatus>, now: Timestamp) -> Vec<Finding> {
    let Some(status) = status else {
        let message =
            "no publisher has founded trust here: no machine can enrol, no bundle can be shipped";
        let remedy = "begin anew with a publisher's key at hand: escadre --state NEW-FOLDER up --publisher-key FOLDER";
        return vec![finding(
            "trust.none",
            FindingLevel::Critical,
            message.to_owned(),
            remedy,
            &[],
        )];
    };
    let root = "sign a new root with the publisher's key: escadre publisher change";
    let list = "sign it anew with the publisher's key: escadre publisher renew";
    vec![
        expiry(
            "trust.root-expires",
            "the trusted root",
            status.root_expires,
            DAY * 60,
            root,
            now,
        ),
        expiry(
            "trust.targets-expires",
            "the signed list of bundles",
            status.targets_expires,
            DAY * 30,
            list,
            now,
        ),
        expiry(
            "trust.timestamp-expires",
            "the freshness of the trust metadata",
            status.timestamp_expires,
            DAY,
            "the server signs it by itself: look why it does not: escadre healthcheck, and the log of the keeper",
            now,
        ),
    ]
}

fn expiry(
    name: &str,
    what: &str,
    at: Timestamp,
    early: Duration,
    remedy: &str,
    now: Timestamp,
) -> Finding {
    let args = [("at", at.to_string())];
    if at <= now {
        let message = format!("{what} expired on {at}: agents refuse");
        finding(name, FindingLevel::Critical, message, remedy, &args)
    } else if at <= clock::after(now, early) {
        finding(
            name,
            FindingLevel::Warning,
            format!("{what} expires on {at}"),
            remedy,
            &args,
        )
    } else {
        finding(
            name,
            FindingLevel::Fine,
            format!("{what} is good until {at}"),
            "",
            &args,
        )
    }
}

fn certificate(shared: &Shared, now: Timestamp) -> Option<Finding> {
    let certificate = shared.trust.identity.certificate()?;
    let (_, until) = identity::validity(&certificate).ok()?;
    let remedy =
        "the server takes its next one by itself: look why it does not, in the log of the keeper";
    Some(expiry(
        "certificate.server-expires",
        "the server's certificate",
        until,
        DAY * 7,
        remedy,
        now,
    ))
}

fn room(shared: &Shared) -> Vec<Finding> {
    let path = shared.state_root.display().to_string();
    let name = "state.room";
    let stat = match rustix::fs::statvfs(&shared.state_root) {
        Ok(stat) => stat,
        Err(error) => {
            let message = format!("the room of {path} cannot be read: {error}");
            return vec![finding(
                name,
                FindingLevel::Critical,
                message,
                "",
                &[("path", path)],
            )];
        }
    };
    let free = stat.f_bavail.saturating_mul(stat.f_frsize);
    let level = match free {
        0..NO_ROOM => FindingLevel::Critical,
        NO_ROOM..LITTLE_ROOM => FindingLevel::Warning,
        _ => FindingLevel::Fine,
    };
    let message = format!("{} are free for {path}", ByteCount(free));
    let remedy = if level == FindingLevel::Fine {
        ""
    } else {
        "free space on that file system, or move the state folder"
    };
    vec![finding(
        name,
        level,
        message,
        remedy,
        &[("path", path), ("free", free.to_string())],
    )]
}

fn hosts(shared: &Shared) -> Vec<Finding> {
    let engine = shared.engine();
    let is_silent = |id| matches!(engine.standing(id), Some(Standing::Stale | Standing::Down));
    let silent: Vec<String> = shared
        .directory
        .all()
        .iter()
        .filter(|known| is_silent(known.row.id))
        .map(|known| known.row.name.clone())
        .collect();
    if silent.is_empty() {
        return vec![fine(
            "agents.silent",
            "every agent that has enrolled speaks",
        )];
    }
    let shown = silent
        .iter()
        .take(10)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    let more = if silent.len() > 10 {
        format!(" and {} more", silent.len() - 10)
    } else {
        String::new()
    };
    let message = format!("nothing is heard of {} hosts: {shown}{more}", silent.len());
    let args = [("count", silent.len().to_string()), ("hosts", shown)];
    let remedy = "escadre host list 'state:stale or state:down'";
    vec![finding(
        "agents.silent",
        FindingLevel::Warning,
        message,
        remedy,
        &args,
    )]
}

fn roles(shared: &Shared) -> Vec<Finding> {
    let mut findings = Vec::new();
    for worker in shared.workers.all() {
        let (level, reason) = match worker.condition {
            Condition::Well | Condition::Ended => continue,
            Condition::Trouble(reason) => (FindingLevel::Warning, reason),
            Condition::Broken(reason) => (FindingLevel::Critical, reason),
        };
        let message = format!(
            "the {} is in trouble since {}: {reason}",
            worker.name, worker.since
        );
        let args = [("role", worker.name.to_owned()), ("reason", reason)];
        let remedy = "look into the server's log; restart the server if it does not pass";
        findings.push(finding("roles.trouble", level, message, remedy, &args));
    }
    if findings.is_empty() {
        findings.push(fine("roles.trouble", "every role is at work"));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_expires_is_told_before_it_does() {
        let at = |day: i64| Timestamp::from_second(day * 86_400).expect("in range");
        let level = |expires| expiry("x", "it", at(expires), DAY * 30, "renew", at(100)).level;
        assert_eq!(level(99), FindingLevel::Critical);
        assert_eq!(level(100), FindingLevel::Critical);
        assert_eq!(level(130), FindingLevel::Warning);
        assert_eq!(level(131), FindingLevel::Fine);
    }
}
