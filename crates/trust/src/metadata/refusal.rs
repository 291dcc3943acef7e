//! From what went wrong in an update to the refusal that people and programs read.

use escadre_model::delivery::Refusal;
use tough::{
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
    match error {
        Error::VerifyMetadata { role, source, .. } => {
            unsigned(*role, source, &seen, trusted).into()
        }
        Error::ParseMetadata { role, .. } => Refusal::Corrupt {
            what: format!("{} metadata", document::word(*role)),
        }
        .into(),
        Error::Transport { url, source, .. }
            if source.kind() == tough::TransportErrorKind::FileNotFound =>
        {
            let name = url.path().trim_start_matches('/');
            Refusal::Metadata {
                detail: format!("the server has no {name}"),
            }
            .into()
        }
        Error::Transport { url, .. } => Refusal::Corrupt {
            what: url.path().trim_start_matches('/').to_owned(),
        }
        .into(),
        Error::DatastoreCreate { path, source, .. } => write_failure(path, source).into(),
        Error::DatastoreOpen { path, source, .. } | Error::DatastoreRemove { path, source, .. } => {
            write_failure(path, source).into()
        }
        other => Refusal::Metadata {
            detail: other.to_string(),
        }
        .into(),
    }
}

/// Tells a stranger's signature from a missing or bad one.
fn unsigned(role: RoleType, source: &schema::Error, seen: &Seen, trusted: &Root) -> Refusal {
    let suffix = format!("{}.json", document::word(role));
    let fetched = seen
        .fetched
        .iter()
        .rev()
        .find(|(name, _)| name.ends_with(&suffix))
        .map(|(_, content)| content);
    let signers: Vec<String> = fetched
        .and_then(|content| serde_json::from_slice::<Signed<serde_json::Value>>(content).ok())
        .map(|document| {
            document
                .signatures
                .iter()
                .map(|signature| hex::encode(&signature.keyid[..]))
                .collect()
        })
        .unwrap_or_default();
    let newest = seen
        .fetched
        .iter()
        .rev()
        .filter(|(name, _)| name.ends_with("root.json"));
    let mut known: Vec<String> = trusted.keys.keys().map(|id| hex::encode(&id[..])).collect();
    if role != RoleType::Root {
        let roots = newest.filter_map(|(_, content)| document::parse::<Root>(content).ok());
        known.extend(
            roots
                .flat_map(|root| root.signed.keys.into_keys())
                .map(|id| hex::encode(&id[..])),
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

fn write_failure(path: &std::path::Path, source: &std::io::Error) -> TrustError {
    let source = std::io::Error::new(source.kind(), source.to_string());
    TrustError::Write {
        path: path.to_owned(),
        source,
    }
}
