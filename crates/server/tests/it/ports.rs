//! The accept loop: who is slow, who is too many, and the end.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, extract::ConnectInfo, routing::get};
use escadre_server::listener::{Limits, Listener, serve_within};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{Notify, oneshot},
};

use crate::world::{Place, SOON};

async fn port(
    router: Router,
    limits: Limits,
) -> (SocketAddr, oneshot::Sender<()>, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (stop, stopped) = oneshot::channel::<()>();
    let told = async move {
        let _ = stopped.await;
    };
    let served = tokio::spawn(serve_within(
        Listener::Tcp(listener),
        None,
        router,
        told,
        limits,
    ));
    (address, stop, served)
}

/// Reads until the other end closes.
async fn rest(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    let read = tokio::time::timeout(SOON, stream.read_to_end(&mut text))
        .await
        .expect("the connection is closed");
    // A connection that is reset is closed too.
    let _ = read;
    String::from_utf8_lossy(&text).into_owned()
}

#[tokio::test]
async fn a_head_that_never_ends_is_cut_off() {
    let limits = Limits {
        head: Duration::from_millis(200),
        ..Limits::default()
    };
    let (address, stop, served) =
        port(Router::new().route("/", get(|| async { "here" })), limits).await;
    let mut silent = TcpStream::connect(address).await.expect("connected");
    let mut slow = TcpStream::connect(address).await.expect("connected");
    slow.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        .await
        .expect("sent");
    rest(&mut slow).await;
    rest(&mut silent).await;
    let mut good = TcpStream::connect(address).await.expect("connected");
    good.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .await
        .expect("sent");
    assert!(rest(&mut good).await.ends_with("here"));
    stop.send(()).expect("served");
    served.await.expect("ends well");
}

#[tokio::test]
async fn one_address_gets_so_many_connections_and_gives_them_back() {
    let limits = Limits {
        per_address: 2,
        ..Limits::default()
    };
    let router = Router::new().route(
        "/",
        get(|ConnectInfo(from): ConnectInfo<SocketAddr>| async move { from.ip().to_string() }),
    );
    let (address, stop, served) = port(router, limits).await;
    let request = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(address).await.expect("connected");
        stream.write_all(b"GET / HTTP/1.1\r\n").await.expect("sent");
        held.push(stream);
    }
    // The third may race with the first two being accepted, in the order in which they came.
    let mut third = TcpStream::connect(address).await.expect("connected");
    let _ = third.write_all(request).await;
    assert_eq!(rest(&mut third).await, "", "closed at once");
    let mut first = held.remove(0);
    first.write_all(&request[16..]).await.expect("sent");
    assert!(
        rest(&mut first).await.ends_with("127.0.0.1"),
        "the request knows where it comes from"
    );
    crate::world::until("a place that is free again", || async {
        let mut next = TcpStream::connect(address).await.expect("connected");
        let _ = next.write_all(request).await;
        rest(&mut next).await.ends_with("127.0.0.1").then_some(())
    })
    .await;
    stop.send(()).expect("served");
    served.await.expect("ends well");
}

#[tokio::test]
async fn running_requests_finish_at_the_end() {
    let (begun, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let router = {
        let (begun, go) = (Arc::clone(&begun), Arc::clone(&go));
        Router::new().route(
            "/",
            get(|| async move {
                begun.notify_one();
                go.notified().await;
                "finished"
            }),
        )
    };
    let (address, stop, served) = port(
        router,
        Limits {
            drain: SOON,
            ..Limits::default()
        },
    )
    .await;
    let mut stream = TcpStream::connect(address).await.expect("connected");
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .expect("sent");
    begun.notified().await;
    stop.send(()).expect("served");
    crate::world::until("the port is closed", || async {
        TcpStream::connect(address).await.is_err().then_some(())
    })
    .await;
    go.notify_one();
    assert!(rest(&mut stream).await.ends_with("finished"));
    served.await.expect("ends well");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_stops_in_time_although_agents_wait() {
    let place = Place::new();
    let world = place.start().await;
    let mut agent = world.enrol("web", &place.path("")).await;
    agent.say(vec![], vec![]).await;
    let wait = agent
        .client
        .get(agent.url(&format!("wait?revision={}", agent.revision)))
        .send();
    let waiting = tokio::spawn(wait);
    tokio::time::timeout(Duration::from_secs(3), world.stop())
        .await
        .expect("under three seconds");
    // Whatever the agent got, it is not left hanging.
    let _ = tokio::time::timeout(SOON, waiting).await.expect("let go");
}
