//! The way to the server: the agent protocol over mutual TLS. Every answer is bounded and has a time.

use std::{sync::RwLock, time::Duration};

use async_trait::async_trait;
use escadre_api::agent::{Contact, Enrol, Enrolled, Orders, Renew, Renewed};
use escadre_bundle::{ChunkHash, LONGEST_STORED};
use escadre_trust::{Credentials, FetchError, Fingerprint, TrustTransport, tls};
use reqwest::{Client, ClientBuilder, RequestBuilder, Response, StatusCode};
use serde::de::DeserializeOwned;

use crate::error::{AgentError, LinkError};

const CONNECT: Duration = Duration::from_secs(15);
/// Between two pieces of an answer: who trickles is given up.
const PIECE: Duration = Duration::from_secs(30);
const ANSWER: Duration = Duration::from_secs(60);
/// The server answers a long poll after 55 s.
const LONG_POLL: Duration = Duration::from_secs(75);
/// The slowest link that a chunk or a manifest is fetched over takes so long for it.
const CONTENT: Duration = Duration::from_secs(900);
const LARGEST_ANSWER: u64 = 16 << 20;

/// The server of this agent.
#[derive(Debug)]
pub(crate) struct Link {
    server: String,
    client: RwLock<Client>,
}

impl Link {
    /// As an enrolled agent.
    pub(crate) fn new(
        server: &str,
        authority: &str,
        credentials: &Credentials,
    ) -> Result<Self, AgentError> {
        let client = agent_client(server, authority, credentials)?;
        Ok(Self {
            server: server.to_owned(),
            client: RwLock::new(client),
        })
    }

    /// As a machine that enrols: it knows the CA's fingerprint and no more.
    pub(crate) fn for_enrolment(server: &str, authority: Fingerprint) -> Result<Self, AgentError> {
        let config = tls::client_config_for_enrolment(authority)?;
        let client = build(server, Client::builder().tls_backend_preconfigured(config))?;
        Ok(Self {
            server: server.to_owned(),
            client: RwLock::new(client),
        })
    }

    /// From now on with this certificate.
    pub(crate) fn replace(
        &self,
        authority: &str,
        credentials: &Credentials,
    ) -> Result<(), AgentError> {
        let client = agent_client(&self.server, authority, credentials)?;
        *self
            .client
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = client;
        Ok(())
    }

    pub(crate) async fn enrol(&self, words: &Enrol) -> Result<Enrolled, LinkError> {
        self.json(self.client().post(self.url("enrol")).json(words))
            .await
    }

    pub(crate) async fn renew(&self, words: &Renew) -> Result<Renewed, LinkError> {
        self.json(self.client().post(self.url("renew")).json(words))
            .await
    }

    pub(crate) async fn contact(&self, words: &Contact) -> Result<Orders, LinkError> {
        self.json(self.client().post(self.url("contact")).json(words))
            .await
    }

    /// Waits until the orders are no longer of this revision; false when they still are.
    pub(crate) async fn wait(&self, revision: u64) -> Result<bool, LinkError> {
        let url = format!("{}?revision={revision}", self.url("wait"));
        let answer = self.send(self.client().get(url).timeout(LONG_POLL)).await?;
        Ok(answer.status() != StatusCode::NO_CONTENT)
    }

    /// A chunk as stored; nothing if the server has none.
    pub(crate) async fn chunk(&self, hash: ChunkHash) -> Result<Option<Vec<u8>>, LinkError> {
        self.content(&format!("chunks/{hash}"), LONGEST_STORED as u64)
            .await
    }

    async fn content(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, LinkError> {
        match self.beginning(path, limit).await? {
            Some(bytes) if bytes.len() as u64 > limit => {
                Err(self.not_understood(format!("it is longer than {limit} bytes")))
            }
            bytes => Ok(bytes),
        }
    }

    async fn beginning(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, LinkError> {
        match self
            .send(self.client().get(self.url(path)).timeout(CONTENT))
            .await
        {
            Ok(answer) => self.read_beginning(answer, limit).await.map(Some),
            Err(LinkError::Status { status: 404, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn json<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, LinkError> {
        let answer = self.send(request.timeout(ANSWER)).await?;
        let bytes = self.read(answer, LARGEST_ANSWER).await?;
        serde_json::from_slice(&bytes).map_err(|error| self.not_understood(error.to_string()))
    }

    /// Sends, and makes an error of every status that is none of success.
    async fn send(&self, request: RequestBuilder) -> Result<Response, LinkError> {
        let answer = request
            .send()
            .await
            .map_err(|error| self.unreachable(&error))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let text = self.read(answer, 64 << 10).await.unwrap_or_default();
        let message = String::from_utf8_lossy(&text).chars().take(300).collect();
        Err(LinkError::Status {
            server: self.server.clone(),
            status: status.as_u16(),
            message,
        })
    }

    async fn read(&self, answer: Response, limit: u64) -> Result<Vec<u8>, LinkError> {
        let bytes = self.read_beginning(answer, limit).await?;
        if bytes.len() as u64 > limit {
            return Err(self.not_understood(format!("it is longer than {limit} bytes")));
        }
        Ok(bytes)
    }

    /// At most one byte more than the limit: by that one the reader sees that there is too much.
    async fn read_beginning(&self, mut answer: Response, limit: u64) -> Result<Vec<u8>, LinkError> {
        let mut bytes = Vec::new();
        loop {
            match tokio::time::timeout(PIECE, answer.chunk()).await {
                Ok(Ok(Some(piece))) => {
                    bytes.extend_from_slice(&piece);
                    if bytes.len() as u64 > limit {
                        bytes.truncate(
                            usize::try_from(limit)
                                .unwrap_or(usize::MAX)
                                .saturating_add(1),
                        );
                        return Ok(bytes);
                    }
                }
                Ok(Ok(None)) => return Ok(bytes),
                Ok(Err(error)) => return Err(self.unreachable(&error)),
                Err(_) => {
                    let reason = format!("nothing came for {} s", PIECE.as_secs());
                    return Err(LinkError::Unreachable {
                        server: self.server.clone(),
                        reason,
                    });
                }
            }
        }
    }

    fn client(&self) -> Client {
        self.client
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clone()
    }

    fn url(&self, path: &str) -> String {
        format!("https://{}/agent/v1/{path}", self.server)
    }

    fn unreachable(&self, error: &reqwest::Error) -> LinkError {
        // The outermost error says only that the request failed; the causes say why.
        let mut reason = String::new();
        let mut cause = std::error::Error::source(error);
        while let Some(error) = cause {
            if !reason.is_empty() {
                reason.push_str(": ");
            }
            reason.push_str(&error.to_string());
            cause = error.source();
        }
        if reason.is_empty() {
            reason = error.to_string();
        }
        LinkError::Unreachable {
            server: self.server.clone(),
            reason,
        }
    }

    fn not_understood(&self, reason: String) -> LinkError {
        LinkError::Answer {
            server: self.server.clone(),
            reason,
        }
    }
}

#[async_trait]
impl TrustTransport for Link {
    async fn fetch(&self, name: &str, max_bytes: u64) -> Result<Option<Vec<u8>>, FetchError> {
        // What is too long is not a fault of the link: it is handed on, measured there, and refused.
        self.beginning(&format!("trust/{name}"), max_bytes)
            .await
            .map_err(|error| FetchError(error.to_string()))
    }
}

fn agent_client(
    server: &str,
    authority: &str,
    credentials: &Credentials,
) -> Result<Client, AgentError> {
    let config = tls::client_config_for_agent(authority, credentials)?;
    build(server, Client::builder().tls_backend_preconfigured(config))
}

fn build(server: &str, builder: ClientBuilder) -> Result<Client, AgentError> {
    let address = || AgentError::Address(server.to_owned());
    let is_plain = |c: char| c.is_ascii_alphanumeric() || ".-:[]_".contains(c);
    let (_, port) = server.rsplit_once(':').ok_or_else(address)?;
    if !server.chars().all(is_plain) || port.parse::<u16>().is_err() {
        return Err(address());
    }
    builder
        .no_proxy()
        .https_only(true)
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT)
        .pool_max_idle_per_host(1)
        .user_agent(concat!("escadre-agent/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|_| address())
}
