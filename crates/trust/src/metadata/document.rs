//! One metadata file as a value: read, checked, signed, written.

use std::{num::NonZeroU64, time::Duration};

use escadre_model::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use tough::schema::{Role, RoleType, Root, Signature, Signed};

use super::keys::{PublicKey, SigningKey};
use crate::TrustError;

/// The version of the TUF specification that our metadata claims.
pub(crate) const SPECIFICATION: &str = "1.0.0";

/// The largest metadata files that anyone here reads.
pub(crate) const MAX_ROOT_BYTES: u64 = 512 * 1024;
pub(crate) const MAX_TIMESTAMP_BYTES: u64 = 64 * 1024;
pub(crate) const MAX_SNAPSHOT_BYTES: u64 = 64 * 1024;
pub(crate) const MAX_TARGETS_BYTES: u64 = 32 * 1024 * 1024;
/// The largest manifest that may be published.
pub(crate) const MAX_MANIFEST_BYTES: u64 = 64 * 1024 * 1024;

/// How long each role's metadata is believed. A short timestamp bounds how long anybody can hide what is new; the long
/// ones are how long publishers may be away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetimes {
    /// The publishers' keys and thresholds.
    pub root: Duration,
    /// The list of bundles.
    pub targets: Duration,
    /// Which list is current.
    pub snapshot: Duration,
    /// Which snapshot is current.
    pub timestamp: Duration,
}

impl Default for Lifetimes {
    fn default() -> Self {
        const DAY: u64 = 24 * 3600;
        Self {
            root: Duration::from_secs(730 * DAY),
            targets: Duration::from_secs(365 * DAY),
            snapshot: Duration::from_secs(7 * DAY),
            timestamp: Duration::from_secs(3 * DAY),
        }
    }
}

/// The name of a role in messages.
pub(crate) fn word(role: RoleType) -> &'static str {
    match role {
        RoleType::Root => "root",
        RoleType::Snapshot => "snapshot",
        RoleType::Targets | RoleType::DelegatedTargets => "targets",
        RoleType::Timestamp => "timestamp",
    }
}

fn max_bytes(role: RoleType) -> u64 {
    match role {
        RoleType::Root => MAX_ROOT_BYTES,
        RoleType::Snapshot => MAX_SNAPSHOT_BYTES,
        RoleType::Targets | RoleType::DelegatedTargets => MAX_TARGETS_BYTES,
        RoleType::Timestamp => MAX_TIMESTAMP_BYTES,
    }
}

/// Reads a file of one role; nothing is believed yet.
pub(crate) fn parse<T: Role + DeserializeOwned>(bytes: &[u8]) -> Result<Signed<T>, TrustError> {
    let role = word(T::TYPE);
    if bytes.len() as u64 > max_bytes(T::TYPE) {
        return Err(TrustError::MetadataText {
            role,
            reason: "too large".to_owned(),
        });
    }
    serde_json::from_slice(bytes).map_err(|error| TrustError::MetadataText {
        role,
        reason: error.to_string(),
    })
}

/// The bytes of a file: the same for the same content, since keys are sorted.
pub(crate) fn bytes<T: Role>(document: &Signed<T>) -> Result<Vec<u8>, TrustError>
where
    Signed<T>: Serialize,
{
    let unwritable = |error: serde_json::Error| TrustError::MetadataText {
        role: word(T::TYPE),
        reason: error.to_string(),
    };
    let mut sorted = serde_json::to_value(document).map_err(unwritable)?;
    sorted.sort_all_objects();
    let mut bytes = serde_json::to_vec_pretty(&sorted).map_err(unwritable)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Adds the key's signature, or renews it.
pub(crate) fn sign<T: Role>(document: &mut Signed<T>, key: &SigningKey) -> Result<(), TrustError> {
    let message = document
        .signed
        .canonical_form()
        .map_err(|error| TrustError::MetadataText {
            role: word(T::TYPE),
            reason: error.to_string(),
        })?;
    let keyid = key.public().key_id()?;
    document
        .signatures
        .retain(|signature| signature.keyid != keyid);
    document.signatures.push(Signature {
        keyid,
        sig: key.sign(&message).into(),
    });
    document.signatures.sort_by(|a, b| a.keyid.cmp(&b.keyid));
    Ok(())
}

/// Checks the signatures of a document against the keys and threshold that a root gives its role.
pub(crate) fn verify<T: Role + Serialize>(
    root: &Root,
    document: &Signed<T>,
) -> Result<(), TrustError> {
    root.verify_role(document)
        .map_err(|error| TrustError::MetadataSignature {
            role: word(T::TYPE),
            reason: error.to_string(),
        })
}

/// The keys of a role, as this root says.
pub(crate) fn role_keys(root: &Root, role: RoleType) -> Vec<PublicKey> {
    root.keys(role).filter_map(PublicKey::from_tuf).collect()
}

/// Whole seconds only: the one form of a time that every TUF implementation reads.
pub(crate) fn expiry(now: Timestamp, life: Duration) -> Result<Timestamp, TrustError> {
    let seconds = i64::try_from(life.as_secs()).unwrap_or(i64::MAX);
    Timestamp::from_second(now.as_second().saturating_add(seconds))
        .map_err(|error| TrustError::RootPlan(format!("the lifetime is too long: {error}")))
}

pub(crate) fn check_expiry<T: Role>(document: &T, now: Timestamp) -> Result<(), TrustError> {
    if document.expires() > now {
        return Ok(());
    }
    Err(TrustError::MetadataExpired {
        role: word(T::TYPE),
        at: document.expires().to_string(),
    })
}

pub(crate) fn next_version<T: Role>(document: &T) -> Result<NonZeroU64, TrustError> {
    document
        .version()
        .checked_add(1)
        .ok_or_else(|| TrustError::MetadataText {
            role: word(T::TYPE),
            reason: "its version is the last one possible".to_owned(),
        })
}
