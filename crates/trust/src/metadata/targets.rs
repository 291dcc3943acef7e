//! Targets metadata: the signed list of bundles, each with the length and SHA-256 of its manifest.
//!
//! A bundle's target is called `NAME/VERSION.json`, and lies beside the metadata as `manifests/NAME/SHA256.VERSION.json`.

use std::{collections::BTreeMap, collections::HashMap, num::NonZeroU64};

use escadre_model::{BundleRef, Timestamp};
use sha2::{Digest, Sha256};
use tough::{
    TargetName,
    schema::{Hashes, Root, Signed, Target, Targets},
};

use super::{
    document::{self, Lifetimes, MAX_MANIFEST_BYTES, SPECIFICATION},
    installation::{self, Members},
};
use crate::TrustError;

/// One difference between two lists, to be read by a person before signing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetChange {
    /// The bundle is new.
    Added(BundleRef),
    /// The bundle is called back.
    Removed(BundleRef),
    /// The bundle's manifest is another: never right, since a bundle does not change.
    Altered(BundleRef),
}

/// What a list that waits for signatures would change.
pub fn changes(current: &[u8], offered: &[u8]) -> Result<Vec<TargetChange>, TrustError> {
    let (old, new) = (
        document::parse::<Targets>(current)?,
        document::parse::<Targets>(offered)?,
    );
    let (old, new) = (listed(&old.signed)?, listed(&new.signed)?);
    let mut changes = Vec::new();
    for (bundle, target) in &new {
        match old.get(bundle) {
            None => changes.push(TargetChange::Added(bundle.clone())),
            Some(before) if before != target => changes.push(TargetChange::Altered(bundle.clone())),
            Some(_) => {}
        }
    }
    let gone = old.into_keys().filter(|bundle| !new.contains_key(bundle));
    changes.extend(gone.map(TargetChange::Removed));
    Ok(changes)
}

/// Whether a list has all signatures that this root asks for.
pub fn is_complete_targets(root: &[u8], offered: &[u8]) -> Result<bool, TrustError> {
    let (root, list) = (
        document::parse::<Root>(root)?,
        document::parse::<Targets>(offered)?,
    );
    installation::check_list(&root.signed, &list.signed)?;
    Ok(document::verify(&root.signed, &list).is_ok())
}

/// Where a manifest lies beside the metadata, and what agents ask the server for.
pub fn manifest_file(bundle: &BundleRef, sha256: &[u8]) -> String {
    format!(
        "manifests/{}/{}.{}.json",
        bundle.name(),
        hex::encode(sha256),
        bundle.version()
    )
}

pub(crate) fn target_name(bundle: &BundleRef) -> Result<TargetName, TrustError> {
    TargetName::new(format!("{}/{}.json", bundle.name(), bundle.version())).map_err(|error| {
        TrustError::MetadataText {
            role: "targets",
            reason: error.to_string(),
        }
    })
}

/// The empty first list of the installation with this name.
pub(crate) fn first(
    lifetimes: &Lifetimes,
    name: Members,
    now: Timestamp,
) -> Result<Signed<Targets>, TrustError> {
    let expires = document::expiry(now, lifetimes.targets)?;
    let mut targets = Targets::new(SPECIFICATION.to_owned(), NonZeroU64::MIN, expires);
    targets.delegations = None;
    targets._extra = name;
    Ok(Signed {
        signed: targets,
        signatures: Vec::new(),
    })
}

/// The next list, unsigned, with the same bundles.
pub(crate) fn next(
    current: &Targets,
    lifetimes: &Lifetimes,
    now: Timestamp,
) -> Result<Signed<Targets>, TrustError> {
    let mut targets = current.clone();
    targets.version = document::next_version(current)?;
    targets.expires = document::expiry(now, lifetimes.targets)?;
    Ok(Signed {
        signed: targets,
        signatures: Vec::new(),
    })
}

/// Adds a bundle to a list that is being made.
pub(crate) fn add(
    targets: &mut Targets,
    bundle: &BundleRef,
    manifest: &[u8],
) -> Result<(), TrustError> {
    if manifest.len() as u64 > MAX_MANIFEST_BYTES {
        let reason = format!("the manifest of {bundle} is larger than {MAX_MANIFEST_BYTES} bytes");
        return Err(TrustError::MetadataText {
            role: "targets",
            reason,
        });
    }
    let hashes = Hashes {
        sha256: Sha256::digest(manifest).to_vec().into(),
        _extra: HashMap::new(),
    };
    let target = Target {
        length: manifest.len() as u64,
        hashes,
        custom: HashMap::new(),
        _extra: HashMap::new(),
    };
    let name = target_name(bundle)?;
    match targets.targets.get(&name) {
        Some(there) if *there != target => Err(TrustError::BundleChanged {
            bundle: bundle.clone(),
        }),
        _ => {
            targets.add_target(name, target);
            Ok(())
        }
    }
}

/// Takes a bundle from a list that is being made.
pub(crate) fn remove(targets: &mut Targets, bundle: &BundleRef) -> Result<(), TrustError> {
    match targets.remove_target(&target_name(bundle)?) {
        Some(_) => Ok(()),
        None => Err(TrustError::NotPublished {
            bundle: bundle.clone(),
        }),
    }
}

/// All bundles of a list. A name that is not one of ours, or a delegation, is an error.
pub(crate) fn listed(targets: &Targets) -> Result<BTreeMap<BundleRef, Target>, TrustError> {
    let refused = |reason: String| TrustError::MetadataText {
        role: "targets",
        reason,
    };
    if targets
        .delegations
        .as_ref()
        .is_some_and(|delegations| !delegations.roles.is_empty())
    {
        return Err(refused("it delegates".to_owned()));
    }
    let mut bundles = BTreeMap::new();
    for (name, target) in &targets.targets {
        let bundle = name
            .raw()
            .strip_suffix(".json")
            .and_then(|rest| rest.split_once('/'))
            .and_then(|(name, version)| BundleRef::new(name, version).ok())
            .ok_or_else(|| refused(format!("`{}` is no bundle's name", name.raw())))?;
        bundles.insert(bundle, target.clone());
    }
    Ok(bundles)
}
