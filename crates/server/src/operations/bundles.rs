//! Bundles: manifests are kept, publishers' signatures make them count.

use std::{collections::HashMap, sync::Arc};

use bytes::Bytes;
use escadre_api::{Actor, ApiError, ApiResult, ErrorKind, Role, bundle::*};
use escadre_blobs::Blobs;
use escadre_bundle::{Action, ChunkHash, Command, Manifest, join_words, limits};
use escadre_model::BundleRef;
use escadre_store::{
    StoreError, Transaction,
    tables::{audit, bundle as rows, rollout},
};

use super::allowed::{Deed, act, require};
use crate::{
    error::{blocking, internal, of_blobs, of_trust},
    shared::Shared,
    trust::Signatures,
    uploads::of_bundle,
};

pub(super) const SIGNED: &str = "signed";
const UNSIGNED: &str = "unsigned";

fn unknown(bundle: &BundleRef) -> ApiError {
    ApiError::not_found("bundle.unknown", format!("there is no bundle `{bundle}`"))
        .with_hint("`escadre bundle list` shows all")
}

fn summary(row: &rows::Bundle, in_use: u32) -> BundleSummary {
    BundleSummary {
        name: row.bundle.clone(),
        status: if row.status == SIGNED {
            BundleStatus::Signed
        } else {
            BundleStatus::Unsigned
        },
        action: row.action.clone(),
        size: row.size,
        stored: row.stored,
        files: row.files,
        signers: row.signers.clone(),
        created: row.created,
        expires: row.expires,
        in_use,
    }
}

/// What a bundle does, in a line.
fn described(action: &Action) -> String {
    let command = |command: &Command| match command {
        Command::Argv(words) => join_words(words),
        Command::Shell(line) => format!("sh -c {line}"),
    };
    let text = match action {
        Action::Launch { command: line } | Action::Execute { command: line } => command(line),
        Action::Store { path } => path.clone(),
        Action::Packages(set) => format!("{} changes", set.changes.len()),
    };
    format!("{} {text}", action.word())
        .chars()
        .take(200)
        .collect()
}

/// A bundle that is there.
pub(super) async fn find(
    shared: &Arc<Shared>,
    bundle: &BundleRef,
) -> ApiResult<(rows::Bundle, Manifest)> {
    let wanted = bundle.clone();
    let row = shared
        .read(move |tx| rows::get(tx, &wanted))
        .await?
        .ok_or_else(|| unknown(bundle))?;
    let manifest = Manifest::parse(row.manifest.as_bytes()).map_err(internal)?;
    Ok((row, manifest))
}

pub(super) async fn bundles(shared: &Arc<Shared>, actor: &Actor) -> ApiResult<Vec<BundleSummary>> {
    require(actor, Role::Viewer)?;
    let (all, in_use) = shared
        .read(|tx| Ok((rows::all(tx)?, rollout::in_use(tx)?)))
        .await?;
    let in_use: HashMap<BundleRef, u32> = in_use.into_iter().collect();
    let shown = |row: &rows::Bundle| summary(row, in_use.get(&row.bundle).copied().unwrap_or(0));
    let mut all: Vec<BundleSummary> = all.iter().map(shown).collect();
    all.sort_by(|a, b| {
        let newest = || escadre_model::version::deb(b.name.version(), a.name.version());
        a.name.name().cmp(b.name.name()).then_with(newest)
    });
    Ok(all)
}

pub(super) async fn bundle(
    shared: &Arc<Shared>,
    actor: &Actor,
    bundle: &BundleRef,
) -> ApiResult<BundleDetail> {
    require(actor, Role::Viewer)?;
    let (row, _) = find(shared, bundle).await?;
    let in_use = shared.read(rollout::in_use).await?;
    let in_use = in_use
        .iter()
        .find(|(one, _)| one == bundle)
        .map_or(0, |(_, count)| *count);
    let manifest = serde_json::from_str(&row.manifest).map_err(internal)?;
    Ok(BundleDetail {
        summary: summary(&row, in_use),
        manifest,
    })
}

/// Writes which bundles count, as the signed list says.
pub(super) async fn follow_signatures(
    shared: &Arc<Shared>,
    signatures: Signatures,
    line: Option<audit::Line>,
) -> ApiResult<()> {
    let changed = shared
        .write(move |tx| {
            let mut changed = Vec::new();
            for row in rows::all(tx)? {
                let is_signed = signatures.bundles.contains(&row.bundle);
                let status = if is_signed { SIGNED } else { UNSIGNED };
                if row.status != status {
                    let signers: &[String] = if is_signed { &signatures.signers } else { &[] };
                    rows::set_status(tx, &row.bundle, status, signers)?;
                    changed.push(row.bundle);
                }
            }
            if let Some(line) = &line {
                audit::append(tx, line)?;
            }
            Ok(changed)
        })
        .await?;
    changed
        .iter()
        .for_each(|bundle| shared.tell("bundle.changed", bundle));
    Ok(())
}

/// Keeps a manifest whose chunks are all here. Content never changes under a name.
pub(super) async fn keep(
    shared: &Arc<Shared>,
    manifest: &Manifest,
    text: String,
    line: Option<audit::Line>,
) -> ApiResult<()> {
    let (blobs, trust) = (Arc::clone(&shared.blobs), Arc::clone(&shared.trust));
    let chunks: Vec<ChunkHash> = manifest
        .content
        .chunks()
        .into_iter()
        .map(|chunk| chunk.hash)
        .collect();
    let (bundle, bytes) = (manifest.bundle.clone(), text.clone().into_bytes());
    let stored = blocking(move || {
        let missing = blobs.missing(&chunks).map_err(of_blobs)?;
        if let Some(first) = missing.first() {
            let message = format!(
                "{} chunks are not here, the first is {first}",
                missing.len()
            );
            return Err(
                ApiError::new(ErrorKind::Conflict, "bundle.chunks_missing", message)
                    .with_hint("send the chunks first"),
            );
        }
        let mut stored = 0;
        for chunk in &chunks {
            stored += blobs.len(*chunk).map_err(of_blobs)?.unwrap_or(0);
        }
        trust
            .metadata
            .store_manifest(&bundle, &bytes)
            .map_err(of_trust)?;
        Ok(stored)
    })
    .await?;
    let row = rows::Bundle {
        bundle: manifest.bundle.clone(),
        status: UNSIGNED.to_owned(),
        action: described(&manifest.action),
        size: manifest.content.size().0,
        stored,
        files: u32::try_from(manifest.content.files().count()).unwrap_or(u32::MAX),
        signers: Vec::new(),
        created: manifest.created,
        expires: manifest.expires,
        manifest: text,
    };
    shared
        .decide(move |tx| insert(tx, &row, line.as_ref()))
        .await?;
    shared.tell("bundle.changed", &manifest.bundle);
    Ok(())
}

fn insert(
    tx: &mut dyn Transaction,
    row: &rows::Bundle,
    line: Option<&audit::Line>,
) -> Result<ApiResult<()>, StoreError> {
    match rows::get(tx, &row.bundle)? {
        Some(known) if known.manifest != row.manifest => {
            let message = format!("`{}` is there already, with other content", row.bundle);
            return Ok(Err(ApiError::new(
                ErrorKind::Conflict,
                "bundle.taken",
                message,
            )
            .with_hint("a bundle never changes: give it another version")));
        }
        Some(_) => {}
        None => rows::insert(tx, row)?,
    }
    if let Some(line) = line {
        audit::append(tx, line)?;
    }
    Ok(Ok(()))
}

pub(super) async fn bundle_publish(
    shared: &Arc<Shared>,
    actor: &Actor,
    publish: BundlePublish,
) -> ApiResult<BundleDetail> {
    let parsed = match publish.manifest.len() > limits::MANIFEST {
        true => Err(ApiError::new(
            ErrorKind::TooLarge,
            "bundle.manifest_size",
            "the manifest is too large",
        )),
        false => Manifest::parse(publish.manifest.as_bytes()).map_err(of_bundle),
    };
    let subject = parsed
        .as_ref()
        .map_or_else(|_| String::new(), |manifest| manifest.bundle.to_string());
    let deed = Deed::new("bundle.publish", subject).with(if publish.targets.is_some() {
        "signed"
    } else {
        "unsigned"
    });
    act(shared, actor, Role::Publisher, deed, |line| async move {
        let manifest = parsed?;
        keep(shared, &manifest, publish.manifest, Some(line)).await?;
        if let Some(targets) = publish.targets {
            let signatures = shared.trust.put_targets(targets.into_bytes()).await?;
            let is_listed = signatures.bundles.contains(&manifest.bundle);
            follow_signatures(shared, signatures, None).await?;
            if !is_listed {
                let message = format!(
                    "the signed list does not name `{}`; it stays unsigned",
                    manifest.bundle
                );
                return Err(ApiError::new(
                    ErrorKind::Conflict,
                    "bundle.not_listed",
                    message,
                ));
            }
        }
        bundle(shared, actor, &manifest.bundle).await
    })
    .await
}

pub(super) async fn trust_put(
    shared: &Arc<Shared>,
    actor: &Actor,
    name: &str,
    metadata: Bytes,
) -> ApiResult<()> {
    act(
        shared,
        actor,
        Role::Publisher,
        Deed::new("trust.put", name),
        |line| async move {
            let signatures = match name {
                "root.json" => shared.trust.put_root(metadata.to_vec()).await?,
                "targets.json" => shared.trust.put_targets(metadata.to_vec()).await?,
                _ => {
                    let message = "only root.json and targets.json are signed by publishers";
                    return Err(ApiError::invalid("trust.name", message));
                }
            };
            follow_signatures(shared, signatures, Some(line)).await
        },
    )
    .await
}

pub(super) async fn bundle_remove(
    shared: &Arc<Shared>,
    actor: &Actor,
    bundle: &BundleRef,
    withdraw: BundleWithdraw,
) -> ApiResult<()> {
    act(
        shared,
        actor,
        Role::Publisher,
        Deed::new("bundle.remove", bundle.to_string()),
        |line| async move {
            let (row, _) = find(shared, bundle).await?;
            refuse_in_use(shared, bundle).await?;
            if row.status == SIGNED {
                let targets = withdraw.targets.ok_or_else(|| {
                    let message =
                        format!("`{bundle}` is signed; taking it out wants a list without it");
                    ApiError::new(ErrorKind::Conflict, "bundle.signed", message).with_hint(format!(
                        "sign that with the publisher's key: escadre bundle rm {bundle}"
                    ))
                })?;
                let signatures = shared.trust.put_targets(targets.into_bytes()).await?;
                let is_listed = signatures.bundles.contains(bundle);
                follow_signatures(shared, signatures, None).await?;
                if is_listed {
                    let message = format!("the signed list still names `{bundle}`");
                    return Err(ApiError::new(
                        ErrorKind::Conflict,
                        "bundle.still_listed",
                        message,
                    ));
                }
            }
            let gone = bundle.clone();
            shared
                .write(move |tx| {
                    rows::remove(tx, &gone)?;
                    audit::append(tx, &line)
                })
                .await?;
            shared.tell("bundle.changed", bundle);
            Ok(())
        },
    )
    .await
}

async fn refuse_in_use(shared: &Arc<Shared>, bundle: &BundleRef) -> ApiResult<()> {
    let in_use = shared.read(rollout::in_use).await?;
    match in_use.iter().find(|(one, _)| one == bundle) {
        Some((_, count)) => {
            let message = format!("{count} deliveries of `{bundle}` are not over");
            Err(ApiError::new(ErrorKind::Conflict, "bundle.in_use", message)
                .with_hint("abort their rollouts first, or wait"))
        }
        None => Ok(()),
    }
}
