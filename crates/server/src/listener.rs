//! The accept loop of every port: TLS with a time-out, limits, and an end that lets running requests finish.
//!
//! - A connection that does not finish its handshake or its request head in time is closed: holding it costs nothing.
//! - So many connections in all and from one address; one too many is closed at once, the others do not notice.
//! - Each request carries `ConnectInfo<SocketAddr>` and, when the client showed a certificate, the [`Peer`] in it.

use std::{
    collections::HashMap,
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{Router, extract::ConnectInfo};
use escadre_trust::PeerIdentity;
use hyper::{Request, body::Incoming};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{
        conn::auto,
        graceful::{GracefulShutdown, Watcher},
    },
    service::TowerToHyperService,
};
use rustls::ServerConfig;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, UnixListener},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use crate::agents::Peer;

/// What is listened on.
#[derive(Debug)]
pub enum Listener {
    /// A port.
    Tcp(TcpListener),
    /// A socket in the file system.
    Unix(UnixListener),
}

impl From<TcpListener> for Listener {
    fn from(listener: TcpListener) -> Self {
        Self::Tcp(listener)
    }
}

impl From<UnixListener> for Listener {
    fn from(listener: UnixListener) -> Self {
        Self::Unix(listener)
    }
}

/// Bounds of a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections in all.
    pub connections: usize,
    /// Connections from one address.
    pub per_address: usize,
    /// For the TLS handshake.
    pub handshake: Duration,
    /// For the head of a request, and between two requests of a connection.
    pub head: Duration,
    /// For running requests when the port closes.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 16_384,
            per_address: 4_096,
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(30),
            drain: Duration::from_millis(1000),
        }
    }
}

/// Serves until `shutdown` is done, then lets running requests finish for a moment. With the usual [`Limits`].
pub async fn serve(
    listener: impl Into<Listener>,
    tls: Option<Arc<ServerConfig>>,
    router: Router,
    shutdown: impl Future<Output = ()> + Send,
) {
    serve_within(listener.into(), tls, router, shutdown, Limits::default()).await;
}

/// The same within other limits.
pub async fn serve_within(
    listener: Listener,
    tls: Option<Arc<ServerConfig>>,
    router: Router,
    shutdown: impl Future<Output = ()> + Send,
    limits: Limits,
) {
    let port = Port {
        tls: tls.map(TlsAcceptor::from),
        router,
        limits,
        places: Arc::new(Semaphore::new(limits.connections)),
        addresses: Arc::default(),
        graceful: GracefulShutdown::new(),
    };
    tokio::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            accepted = accept(&listener) => accepted,
        };
        match accepted {
            Ok(connection) => port.take(connection),
            Err(error) => {
                tracing::warn!(%error, "no connection can be accepted");
                // Too many open files pass only with time.
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    drop(listener);
    tokio::select! {
        () = port.graceful.shutdown() => {}
        () = tokio::time::sleep(limits.drain) => tracing::debug!("connections were cut at the end"),
    }
}

enum Connection {
    Tcp(tokio::net::TcpStream, SocketAddr),
    Unix(tokio::net::UnixStream),
}

async fn accept(listener: &Listener) -> io::Result<Connection> {
    match listener {
        Listener::Tcp(listener) => {
            let (stream, address) = listener.accept().await?;
            stream.set_nodelay(true)?;
            Ok(Connection::Tcp(stream, address))
        }
        Listener::Unix(listener) => Ok(Connection::Unix(listener.accept().await?.0)),
    }
}

struct Port {
    tls: Option<TlsAcceptor>,
    router: Router,
    limits: Limits,
    places: Arc<Semaphore>,
    addresses: Arc<Addresses>,
    graceful: GracefulShutdown,
}

/// Connections by address.
#[derive(Debug, Default)]
struct Addresses(Mutex<HashMap<IpAddr, usize>>);

/// A connection's place, given back when it ends.
struct Place {
    _permit: OwnedSemaphorePermit,
    address: Option<(Arc<Addresses>, IpAddr)>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some((addresses, ip)) = self.address.take() else {
            return;
        };
        let mut counts = addresses.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&ip) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&ip);
            }
        }
    }
}

impl Port {
    fn place(&self, address: Option<IpAddr>) -> Option<Place> {
        let permit = Arc::clone(&self.places).try_acquire_owned().ok()?;
        let Some(ip) = address else {
            return Some(Place {
                _permit: permit,
                address: None,
            });
        };
        let mut counts = self
            .addresses
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(ip).or_default();
        if *count >= self.limits.per_address {
            return None;
        }
        *count += 1;
        Some(Place {
            _permit: permit,
            address: Some((Arc::clone(&self.addresses), ip)),
        })
    }

    fn take(&self, connection: Connection) {
        let address = match &connection {
            Connection::Tcp(_, address) => Some(*address),
            Connection::Unix(_) => None,
        };
        let Some(place) = self.place(address.map(|address| address.ip())) else {
            tracing::debug!(?address, "too many connections; one is closed");
            return;
        };
        let (tls, router, limits) = (self.tls.clone(), self.router.clone(), self.limits);
        let watcher = self.graceful.watcher();
        tokio::spawn(async move {
            let _place = place;
            match (connection, tls) {
                (Connection::Unix(stream), _) => {
                    speak(stream, router, Client::default(), limits, watcher).await;
                }
                (Connection::Tcp(stream, address), None) => {
                    let client = Client {
                        address: Some(address),
                        ..Client::default()
                    };
                    speak(stream, router, client, limits, watcher).await;
                }
                (Connection::Tcp(stream, address), Some(tls)) => {
                    let stream =
                        match tokio::time::timeout(limits.handshake, tls.accept(stream)).await {
                            Ok(Ok(stream)) => stream,
                            Ok(Err(error)) => return tracing::debug!(%address, %error, "no TLS"),
                            Err(_) => return tracing::debug!(%address, "TLS took too long"),
                        };
                    let session = stream.get_ref().1;
                    let certificate = session.peer_certificates().and_then(<[_]>::first);
                    let peer = certificate
                        .and_then(|certificate| PeerIdentity::of(certificate).ok())
                        .map(Peer);
                    let speaks_two = session.alpn_protocol() == Some(b"h2");
                    let client = Client {
                        address: Some(address),
                        peer,
                        speaks_two,
                    };
                    speak(stream, router, client, limits, watcher).await;
                }
            }
        });
    }
}

/// Who is at the other end.
#[derive(Default)]
struct Client {
    address: Option<SocketAddr>,
    peer: Option<Peer>,
    /// HTTP/2 was agreed on. Without TLS it is not offered: telling the two apart would mean waiting for the client.
    speaks_two: bool,
}

async fn speak<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    router: Router,
    client: Client,
    limits: Limits,
    watcher: Watcher,
) {
    let Client {
        address,
        peer,
        speaks_two,
    } = client;
    let service = router.map_request(move |mut request: Request<Incoming>| {
        if let Some(address) = address {
            request.extensions_mut().insert(ConnectInfo(address));
        }
        if let Some(peer) = &peer {
            request.extensions_mut().insert(peer.clone());
        }
        request.map(axum::body::Body::new)
    });
    let service = TowerToHyperService::new(service);
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(limits.head)
        .keep_alive_timeout(limits.head)
        .max_concurrent_streams(128)
        .max_header_list_size(64 << 10);
    let builder = if speaks_two {
        builder.http2_only()
    } else {
        builder.http1_only()
    };
    let connection = builder
        .serve_connection(TokioIo::new(stream), service)
        .into_owned();
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(?address, error, "a connection ended badly");
    }
}
