//! From what went wrong in an update to the refusal that people and programs read.

use escadre_model::delivery::Refusal;
use tough::{
    TransportErrorKind,
    error::Error,
    schema::{self, RoleType, Root, Signed},
};

use super::{
    document,
    transport::{FetchError, Seen},
};
use crate::TrustError;

/// Why an update of the trust metadata, or the fetch of a manifest, did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    /// What came is not acceptable. Report it: somebody may be lying.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Nothing came: try again later.
    #[error("cannot fetch {name}: {source}")]
    Unreachable {
        /// The file.
        name: String,
        /// Why.
        source: FetchError,
    },
    /// This machine's own store fails: its disk, most likely.
    #[error(transparent)]
    Local(#[from] TrustError),
}

/// The reason of a failed update. `trusted` is the root that the agent believed last.
pub(crate) fn reason(error: &Error, seen: Seen, trusted: &Root) -> UpdateError {
    if let Some((name, source)) = seen.failed {
        return UpdateError::Unreachable { name, source };
    }
    if let Some(name) = seen.too_large {
        return Refusal::Metadata {
            detail: format!("{name} is larger than any honest one (endless data)"),
        }
        .into();
    }
    let metadata = |detail: String| UpdateError::from(Refusal::Metadata { detail });
    let corrupt = |what: String| UpdateError::from(Refusal::Corrupt { what });
    match error {
        Error::VerifyMetadata { role, source, .. } => {
            unsigned(*role, source, &seen, trusted).into()
        }
        Error::ParseMetadata { role, .. } => corrupt(format!("{} metadata", document::word(*role))),
        Error::Transport { url, source, .. } => {
            let name = url.path().trim_start_matches('/');
            match source.kind() {
                TransportErrorKind::FileNotFound => metadata(format!("the server has no {name}")),
                _ => corrupt(name.to_owned()),
            }
        }
        Error::DatastoreCreate { path, source, .. }
        | Error::DatastoreOpen { path, source, .. }
        | Error::DatastoreRemove { path, source, .. } => write_failure(path, source).into(),
        other => metadata(other.to_string()),
    }
}

/// Tells a stranger's signature from a missing or bad one.
fn unsigned(role: RoleType, source: &schema::Error, seen: &Seen, trusted: &Root) -> Refusal {
    let suffix = format!("{}.json", document::word(role));
    let newest = seen
        .fetched
        .iter()
        .rev()
        .find(|(name, _)| name.ends_with(&suffix));
    let signers = newest
        .map(|(_, content)| signers_of(content))
        .unwrap_or_default();
    let mut known: Vec<String> = trusted.keys.keys().map(|id| hex::encode(&id[..])).collect();
    if role != RoleType::Root {
        known.extend(
            seen.fetched
                .iter()
                .flat_map(|(name, content)| keys_in(name, content)),
        );
    }
    match signers.first() {
        Some(stranger) if !signers.iter().any(|signer| known.contains(signer)) => {
            Refusal::UnknownPublisher {
                key: stranger.clone(),
            }
        }
        _ => Refusal::BadSignature {
            detail: source.to_string(),
        },
    }
}

fn signers_of(content: &[u8]) -> Vec<String> {
    let document = serde_json::from_slice::<Signed<serde_json::Value>>(content);
    let signatures = document
        .map(|document| document.signatures)
        .unwrap_or_default();
    signatures
        .iter()
        .map(|signature| hex::encode(&signature.keyid[..]))
        .collect()
}

/// The keys that a root of this update names.
fn keys_in(name: &str, content: &[u8]) -> Vec<String> {
    if !name.ends_with("root.json") {
        return Vec::new();
    }
    let root = document::parse::<Root>(content).ok();
    let keys = root.map(|root| root.signed.keys).unwrap_or_default();
    keys.keys().map(|id| hex::encode(&id[..])).collect()
}

fn write_failure(path: &std::path::Path, source: &std::io::Error) -> TrustError {
    let source = std::io::Error::new(source.kind(), source.to_string());
    TrustError::Write {
        path: path.to_owned(),
        source,
    }
}
