//! Chunks on their way to the server, while they are still being cut.

use std::{
    io,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use anyhow::{Error, Result};
use bytes::Bytes;
use escadre_blobs::{Batch, BlobError, Groups, Sink};
use escadre_bundle::{ChunkHash, StoredChunk};
use futures_util::{TryStreamExt, stream};
use reqwest::Method;
use tokio::runtime::Handle;

use crate::client::Client;

/// Requests under way at once: enough to fill a link with some delay in it.
const AT_ONCE: usize = 8;

/// Sends chunks that the server lacks. One question for each batch, so that a far server costs little.
pub(super) struct ServerSink {
    client: Client,
    runtime: Handle,
    failure: Mutex<Option<Error>>,
}

impl ServerSink {
    /// A sink that works on the current runtime, from threads outside of it.
    pub(super) fn new(client: Client) -> Self {
        Self {
            client,
            runtime: Handle::current(),
            failure: Mutex::new(None),
        }
    }

    /// What went wrong on the server's side, in its own words. Asked once.
    pub(super) fn failure(&self) -> Option<Error> {
        self.failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    async fn send(&self, chunks: &[StoredChunk]) -> Result<()> {
        let names: Vec<String> = chunks
            .iter()
            .map(|chunk| chunk.hash().to_string())
            .collect();
        let missing: Vec<String> = self
            .client
            .send_json(Method::POST, "/chunks/missing", &names)
            .await?;
        let wanted = chunks
            .iter()
            .zip(&names)
            .filter(|(_, name)| missing.contains(name));
        stream::iter(wanted.map(Ok))
            .try_for_each_concurrent(AT_ONCE, |(chunk, name): (&StoredChunk, &String)| {
                self.client.put_bytes(
                    format!("/chunks/{name}"),
                    Bytes::copy_from_slice(chunk.bytes()),
                )
            })
            .await
    }
}

impl Sink for ServerSink {
    fn wants(&self, _: ChunkHash) -> Result<bool, BlobError> {
        Ok(true)
    }

    fn begin(&self) -> Result<Box<dyn Batch + '_>, BlobError> {
        Ok(Box::new(Groups::new(|chunks: &[StoredChunk]| {
            self.runtime.block_on(self.send(chunks)).map_err(|error| {
                *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                let source = io::Error::other("the server did not take it");
                BlobError::Io {
                    step: "send chunks of",
                    path: PathBuf::from("the content"),
                    source,
                }
            })
        })))
    }
}
