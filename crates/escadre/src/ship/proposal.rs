//! Changes that want more than one signature, or a new root: a file that goes from publisher to publisher.
//!
//! Each adds a signature with `escadre publisher sign FILE`, after reading what would change. The one whose signature
//! completes it publishes it; the server takes root and list together or not at all.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use escadre_trust::{
    Lifetimes, PublicKey, Publisher, RootPlan,
    metadata::{RootSummary, TargetChange, changes, is_complete_root, is_complete_targets},
    secret::write_public,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::trust;
use crate::{cli::PublisherChange, commands::Session, render};

/// Signed metadata on its way: a new root, a new list, or both.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Proposal {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    root: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    targets: Option<String>,
}

impl Proposal {
    /// A new list alone.
    pub(super) fn of_targets(targets: Vec<u8>) -> Result<Self> {
        Ok(Self {
            root: None,
            targets: Some(text(targets)?),
        })
    }

    /// Publishes it if nothing is missing, else leaves it in a file for the next publisher. True when it is published.
    pub(super) async fn conclude(&self, session: &Session, file: &Path) -> Result<bool> {
        let (root, _) = trust(&session.client).await?;
        if self.is_complete(&root)? {
            // A root whose list is still to come waits at the server, and is taken together with it.
            for (name, part) in [("root", &self.root), ("targets", &self.targets)] {
                if let Some(part) = part {
                    let body = Bytes::from(part.clone().into_bytes());
                    session
                        .client
                        .put_bytes(format!("/trust/{name}.json"), body)
                        .await?;
                }
            }
            return Ok(true);
        }
        let body = serde_json::to_vec_pretty(self)?;
        let file = &std::path::absolute(file).context("the current folder is gone")?;
        write_public(file, &body).with_context(|| format!("cannot write {}", file.display()))?;
        let file = file.display();
        let how = format!(
            "more signatures are wanted: give {file} to another publisher, for `escadre publisher sign {file}`"
        );
        render::say(session.format, how)?;
        Ok(false)
    }

    fn is_complete(&self, current_root: &[u8]) -> Result<bool> {
        let root = self.root.as_ref().map(String::as_bytes);
        let root_done = root.map_or(Ok(true), |root| is_complete_root(Some(current_root), root))?;
        let list = self.targets.as_ref().map(String::as_bytes);
        let list_done = list.map_or(Ok(true), |list| {
            is_complete_targets(root.unwrap_or(current_root), list)
        })?;
        Ok(root_done && list_done)
    }

    /// What would change, for who is asked to sign.
    fn explain(&self, session: &Session, current: (&[u8], &[u8])) -> Result<()> {
        if let Some(root) = &self.root {
            let (before, after) = (
                RootSummary::read(current.0)?,
                RootSummary::read(root.as_bytes())?,
            );
            for key in after
                .publishers
                .iter()
                .filter(|key| !before.publishers.contains(key))
            {
                render::say(session.format, format!("+ publisher {key}"))?;
            }
            for key in before
                .publishers
                .iter()
                .filter(|key| !after.publishers.contains(key))
            {
                render::say(session.format, format!("- publisher {key}"))?;
            }
            render::say(
                session.format,
                format!(
                    "signatures wanted: {} (before: {})",
                    after.threshold, before.threshold
                ),
            )?;
        }
        if let Some(targets) = &self.targets {
            for change in changes(current.1, targets.as_bytes())? {
                let line = match change {
                    TargetChange::Added(bundle) => format!("+ bundle {bundle}"),
                    TargetChange::Removed(bundle) => format!("- bundle {bundle}"),
                    TargetChange::Altered(bundle) => {
                        format!("! bundle {bundle} with another content")
                    }
                };
                render::say(session.format, line)?;
            }
        }
        Ok(())
    }
}

/// `publisher sign FILE`: adds this publisher's signature.
pub(super) async fn sign(session: &Session, publisher: &Publisher, file: &Path) -> Result<()> {
    let body = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let mut proposal: Proposal = serde_json::from_slice(&body)
        .with_context(|| format!("{} is no proposal", file.display()))?;
    let (root, list) = trust(&session.client).await?;
    proposal.explain(session, (&root, &list))?;
    if let Some(offered) = &proposal.root {
        proposal.root = Some(text(publisher.sign_root(Some(&root), offered.as_bytes())?)?);
    }
    if let Some(offered) = &proposal.targets {
        let next_root = proposal.root.as_ref().map(String::as_bytes);
        proposal.targets = Some(text(publisher.sign_targets(
            (&root, &list),
            next_root,
            offered.as_bytes(),
        )?)?);
    }
    if proposal.conclude(session, file).await? {
        render::say(session.format, "complete, and published")?;
    }
    Ok(())
}

/// `publisher change`: other publishers, another threshold, or only later expiries.
pub(super) async fn change(
    session: &Session,
    publisher: &Publisher,
    wish: &PublisherChange,
) -> Result<()> {
    let (root, list) = trust(&session.client).await?;
    let before = RootSummary::read(&root)?;
    let key = |text: &String| {
        text.parse::<PublicKey>()
            .with_context(|| format!("`{text}` is no public key"))
    };
    let removed = wish.remove.iter().map(key).collect::<Result<Vec<_>>>()?;
    let mut publishers: Vec<PublicKey> = before
        .publishers
        .iter()
        .filter(|key| !removed.contains(key))
        .copied()
        .collect();
    for added in &wish.add {
        publishers.push(key(added)?);
    }
    let threshold = wish
        .threshold
        .unwrap_or(u32::try_from(before.threshold).unwrap_or(u32::MAX));
    if publishers.len() < threshold as usize {
        bail!(
            "{threshold} signatures are wanted and {} publishers would be left; nothing was changed",
            publishers.len()
        );
    }
    let now = Timestamp::now();
    let plan = RootPlan {
        publishers,
        threshold,
        online: before.online,
        lifetimes: Lifetimes::default(),
    };
    let next_root = publisher.next_root(&root, &plan, now)?;
    let next_list =
        publisher.renew_targets((&root, &list), Some(&next_root), &plan.lifetimes, now)?;
    let proposal = Proposal {
        root: Some(text(next_root)?),
        targets: Some(text(next_list)?),
    };
    proposal.explain(session, (&root, &list))?;
    if proposal.conclude(session, &wish.file()).await? {
        render::say(
            session.format,
            "published; agents follow the new root at their next delivery",
        )?;
    }
    Ok(())
}

/// `publisher renew`: the list of bundles as it is, with a later expiry.
pub(super) async fn renew(session: &Session, publisher: &Publisher) -> Result<()> {
    let (root, list) = trust(&session.client).await?;
    let next = publisher.renew_targets(
        (&root, &list),
        None,
        &Lifetimes::default(),
        Timestamp::now(),
    )?;
    if Proposal::of_targets(next)?
        .conclude(session, &PathBuf::from("renewal.json"))
        .await?
    {
        render::say(
            session.format,
            "the list of bundles is good for another year",
        )?;
    }
    Ok(())
}

fn text(bytes: Vec<u8>) -> Result<String> {
    String::from_utf8(bytes).context("trust metadata is text")
}
