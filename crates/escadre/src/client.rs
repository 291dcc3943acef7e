//! The REST API from a program: over the socket of the state folder, or over HTTPS with a token.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, Result, anyhow, bail};
use bytes::Bytes;
use escadre_api::ApiError;
use reqwest::{Method, RequestBuilder, Response};
use serde::{Serialize, de::DeserializeOwned};

use crate::{cli::Connection, place};

/// A client of one server.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
    socket: Option<PathBuf>,
}

impl Client {
    /// Over HTTPS when a server is named, else over the socket of the state folder.
    pub(crate) fn new(connection: &Connection) -> Result<Self> {
        let builder = reqwest::Client::builder()
            .user_agent(concat!("escadre/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(10));
        match &connection.server {
            Some(server) => Self::remote(builder, server, connection),
            None => {
                let socket = place::socket(&connection.state_folder());
                let http = builder
                    .unix_socket(socket.clone())
                    .build()
                    .context("cannot make an HTTP client")?;
                Ok(Self {
                    http,
                    base: "http://localhost/api/v1".to_owned(),
                    token: None,
                    socket: Some(socket),
                })
            }
        }
    }

    fn remote(
        mut builder: reqwest::ClientBuilder,
        server: &str,
        connection: &Connection,
    ) -> Result<Self> {
        let base = format!("{}/api/v1", server.trim_end_matches('/'));
        let is_local = ["http://127.", "http://localhost", "http://[::1]"]
            .iter()
            .any(|start| base.starts_with(start));
        if !base.starts_with("https://") && !is_local {
            bail!("`{server}` must begin with https:// (plain http:// only reaches this machine)");
        }
        let token = connection.token.clone().ok_or_else(|| {
            anyhow!("--server wants a token: --token T or ESCADRE_TOKEN; make one with `escadre token create`")
        })?;
        if let Some(file) = &connection.ca {
            let pem = std::fs::read(file)
                .with_context(|| format!("cannot read the CA {}", file.display()))?;
            let ca = reqwest::Certificate::from_pem_bundle(&pem)
                .with_context(|| format!("{} holds no certificate", file.display()))?;
            builder = builder.tls_certs_only(ca);
        }
        let http = builder.build().context("cannot make an HTTP client")?;
        Ok(Self {
            http,
            base,
            token: Some(token),
            socket: None,
        })
    }

    /// Asks for a document.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        decode(self.send(self.request(Method::GET, path)).await?).await
    }

    /// Asks for bytes.
    pub(crate) async fn get_bytes(&self, path: &str) -> Result<Bytes> {
        Ok(self
            .send(self.request(Method::GET, path))
            .await?
            .bytes()
            .await?)
    }

    /// Sends a document and takes one back.
    pub(crate) async fn send_json<B: Serialize + ?Sized, T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &B,
    ) -> Result<T> {
        decode(self.send(self.request(method, path).json(body)).await?).await
    }

    /// Makes something happen that answers with a document.
    pub(crate) async fn post<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        decode(self.send(self.request(Method::POST, path)).await?).await
    }

    /// Makes something happen that answers nothing.
    pub(crate) async fn act(&self, method: Method, path: &str) -> Result<()> {
        self.send(self.request(method, path)).await.map(drop)
    }

    /// The same with a document that goes along.
    pub(crate) async fn act_with<B: Serialize + ?Sized>(
        &self,
        method: Method,
        path: &str,
        body: &B,
    ) -> Result<()> {
        self.send(self.request(method, path).json(body))
            .await
            .map(drop)
    }

    /// Puts bytes.
    pub(crate) async fn put_bytes(&self, path: impl AsRef<str>, bytes: Bytes) -> Result<()> {
        self.send(self.request(Method::PUT, path.as_ref()).body(bytes))
            .await
            .map(drop)
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response> {
        let response = request
            .send()
            .await
            .map_err(|error| self.unreachable(error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let body = response.bytes().await.unwrap_or_default();
        match serde_json::from_slice::<ApiError>(&body) {
            Ok(error) => Err(error.into()),
            Err(_) => bail!("the server answered {status} without an explanation"),
        }
    }

    fn unreachable(&self, error: reqwest::Error) -> anyhow::Error {
        match &self.socket {
            Some(socket) if error.is_connect() => anyhow!(
                "no server answers at {}: start one with `escadre up`, or name its folder with --state, or another \
                 machine's with --server",
                socket.display()
            ),
            _ => anyhow::Error::new(error).context(format!("cannot reach {}", self.base)),
        }
    }
}

async fn decode<T: DeserializeOwned>(response: Response) -> Result<T> {
    let path = response.url().path().to_owned();
    let body = response.bytes().await?;
    serde_json::from_slice(&body)
        .with_context(|| format!("{path} answered something this program does not understand"))
}

/// A part of a path or a query, with everything but unreserved characters escaped.
pub(crate) fn escape(text: &str) -> String {
    use std::fmt::Write;
    text.bytes().fold(String::new(), |mut escaped, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(byte as char);
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
        escaped
    })
}
