//! How an agent gets metadata: a small trait of ours, and the bridge from it to `tough`.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use tough::{Bytes, Transport, TransportError, TransportErrorKind, TransportStream};
use url::Url;

use super::document::{MAX_ROOT_BYTES, MAX_SNAPSHOT_BYTES, MAX_TARGETS_BYTES, MAX_TIMESTAMP_BYTES};

/// Why a file could not be fetched: the link, not its content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FetchError(pub String);

/// Fetches files of the server's [`super::MetadataFolder`] by name, over any untrusted way.
///
/// Slow retrieval is this trait's to prevent: an implementation must give up on a peer that trickles.
#[async_trait]
pub trait TrustTransport: Send + Sync {
    /// The file's content; nothing if the server says that there is no such file. Must stop reading at `max_bytes` and
    /// fail then. (Its answer is measured again here.)
    async fn fetch(&self, name: &str, max_bytes: u64) -> Result<Option<Vec<u8>>, FetchError>;
}

/// Gives `tough` what it asks for, and remembers what was fetched and what failed, for the choice of refusal.
#[derive(Clone)]
pub(crate) struct Bridge {
    transport: Arc<dyn TrustTransport>,
    seen: Arc<Mutex<Seen>>,
}

/// What happened during one update.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) fetched: BTreeMap<String, Vec<u8>>,
    pub(crate) failed: Option<(String, FetchError)>,
    pub(crate) too_large: Option<String>,
}

impl Bridge {
    /// The address under which `tough` asks; no network ever sees it.
    pub(crate) const BASE: &str = "https://metadata.invalid/";

    pub(crate) fn new(transport: Arc<dyn TrustTransport>) -> Self {
        Self {
            transport,
            seen: Arc::default(),
        }
    }

    /// What happened.
    pub(crate) fn into_seen(self) -> Seen {
        std::mem::take(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, write: impl FnOnce(&mut Seen)) {
        write(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

#[async_trait]
impl Transport for Bridge {
    async fn fetch(&self, url: Url) -> Result<TransportStream, TransportError> {
        let name = url
            .as_str()
            .strip_prefix(Self::BASE)
            .unwrap_or_default()
            .to_owned();
        let limit = limit_of(&name);
        let item = match self.transport.fetch(&name, limit).await {
            Ok(None) => return Err(TransportError::new(TransportErrorKind::FileNotFound, url)),
            Ok(Some(content)) if content.len() as u64 > limit => {
                self.note(|seen| seen.too_large = Some(name));
                Err(TransportError::new(TransportErrorKind::Other, url))
            }
            Ok(Some(content)) => {
                self.note(|seen| drop(seen.fetched.insert(name, content.clone())));
                Ok(Bytes::from(content))
            }
            // As an item of the stream: `tough` takes an error of the fetch itself for "there is no newer root".
            Err(error) => {
                self.note(|seen| seen.failed = Some((name, error.clone())));
                Err(TransportError::new_with_cause(
                    TransportErrorKind::Other,
                    url,
                    error,
                ))
            }
        };
        Ok(Box::pin(futures_util::stream::iter([item])))
    }
}

impl fmt::Debug for Bridge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bridge")
    }
}

fn limit_of(name: &str) -> u64 {
    match name.rsplit('.').nth(1) {
        Some("root") => MAX_ROOT_BYTES,
        Some("snapshot") => MAX_SNAPSHOT_BYTES,
        Some("targets") => MAX_TARGETS_BYTES,
        _ => MAX_TIMESTAMP_BYTES,
    }
}
