//! The server's side of the agent protocol over mutual TLS.

use std::{convert::Infallible, sync::Arc};

use bytes::Bytes;
use escadre_api::agent::{Contact, Enrol, Enrolled, Renew, Renewed};
use escadre_blobs::Blobs;
use escadre_model::{HostId, Timestamp};
use escadre_trust::PeerIdentity;
use http_body_util::{BodyExt, Full};
use hyper::{Method, Request, Response, StatusCode, body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::house::{House, Server, days};

type Answer = Response<Full<Bytes>>;

/// Serves until the server's task is dropped.
pub(crate) async fn serve(listener: TcpListener, acceptor: TlsAcceptor, house: Arc<House>) {
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(connection(stream, acceptor.clone(), Arc::clone(&house)));
    }
}

async fn connection(stream: TcpStream, acceptor: TlsAcceptor, house: Arc<House>) {
    let Ok(stream) = acceptor.accept(stream).await else {
        return;
    };
    let certificate = stream
        .get_ref()
        .1
        .peer_certificates()
        .and_then(|chain| chain.first());
    let peer = certificate
        .and_then(|certificate| PeerIdentity::of(certificate).ok())
        .map(|peer| peer.host);
    let service = service_fn(move |request| {
        let house = Arc::clone(&house);
        async move { Ok::<_, Infallible>(answer(request, &house, peer).await) }
    });
    // A killed agent breaks its connections; that is no concern of the server's.
    let _ = Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn answer(request: Request<Incoming>, house: &House, peer: Option<HostId>) -> Answer {
    let (parts, body) = request.into_parts();
    let path = parts
        .uri
        .path()
        .strip_prefix("/agent/v1/")
        .unwrap_or_default()
        .to_owned();
    let body = body
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes)
        .unwrap_or_default();
    match (parts.method, path.as_str(), peer) {
        (Method::POST, "enrol", None) => enrol(house, &body),
        (_, _, None) => status(StatusCode::UNAUTHORIZED),
        (Method::POST, "renew", Some(host)) => {
            let words: Renew = serde_json::from_slice(&body).expect("a renewal");
            let certificate = house
                .authority
                .issue_agent(&words.csr, host, Timestamp::now())
                .expect("a good request");
            house.with(|server| server.renewals += 1);
            json(&Renewed { certificate })
        }
        (Method::POST, "contact", Some(_)) => {
            let words: Contact = serde_json::from_slice(&body).expect("a contact");
            let orders = house.with(|server| server.contact(words));
            house.changed.notify_waiters();
            json(&orders)
        }
        (Method::GET, "wait", Some(_)) => {
            let revision = parts
                .uri
                .query()
                .and_then(|query| query.strip_prefix("revision=")?.parse().ok());
            wait(house, revision.expect("a revision")).await
        }
        (Method::GET, path, Some(_)) => file(house, path),
        _ => status(StatusCode::METHOD_NOT_ALLOWED),
    }
}

fn enrol(house: &House, body: &[u8]) -> Answer {
    let words: Enrol = serde_json::from_slice(body).expect("an enrolment");
    if words.token != house.token.reveal().expose() {
        return status(StatusCode::FORBIDDEN);
    }
    let made = Timestamp::now() - house.with(|server| days(server.certificate_days));
    let certificate = house
        .authority
        .issue_agent(&words.csr, house.host, made)
        .expect("a good request");
    json(&Enrolled {
        host: house.host,
        name: words.hostname,
        certificate,
        ca: house.authority.certificate_pem().to_owned(),
        root: String::from_utf8(house.root.clone()).expect("metadata is text"),
    })
}

async fn wait(house: &House, revision: u64) -> Answer {
    loop {
        let changed = house.changed.notified();
        if house.with(|server| server.revision != revision) {
            return json(&serde_json::json!({}));
        }
        changed.await;
    }
}

fn file(house: &House, path: &str) -> Answer {
    let bytes = match path.split_once('/') {
        Some(("trust", name)) => house
            .with(|server| server.metadata.read(name))
            .expect("readable"),
        Some(("chunks", hash)) => house.with(|server: &mut Server| {
            server.chunks_asked += 1;
            let hash = hash.parse().expect("a hash");
            let mut stored = house.blobs.get_unverified(hash).expect("readable");
            if let (Some(stored), true) = (&mut stored, server.alters_chunks) {
                let middle = stored.len() / 2;
                stored[middle] ^= 0x40;
            }
            stored
        }),
        _ => None,
    };
    match bytes {
        Some(bytes) => Response::new(Full::new(bytes.into())),
        None => status(StatusCode::NOT_FOUND),
    }
}

fn json<T: serde::Serialize>(value: &T) -> Answer {
    Response::new(Full::new(serde_json::to_vec(value).expect("JSON").into()))
}

fn status(status: StatusCode) -> Answer {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = status;
    answer
}
