//! The server's side: a real server in a process of its own, with one enrolled host and chunks in its store.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
};

use axum::{Router, extract::Request};
use escadre_api::agent::{Enrol, Enrolled};
use escadre_blobs::{Blobs, DiskBlobs};
use escadre_bundle::{Chunk, Encoder, StoredChunk};
use escadre_model::HostId;
use escadre_server::{Server, ServerConfig, agents::Peer, listener};
use escadre_trust::{AgentKey, EnrolmentText, PeerIdentity, tls};
use tokio::{net::TcpListener, sync::oneshot};
use tower::ServiceExt;

use crate::{Outcome, load::Target, say};

/// The word that makes this program the server.
pub(crate) const SERVE: &str = "serve";

/// A server that runs until this is dropped.
pub(crate) struct Ours {
    process: Child,
    port: u16,
}

impl Ours {
    pub(crate) fn start(folder: &Path) -> Outcome<Self> {
        let log = folder.join("server.log");
        let mut process = Command::new(std::env::current_exe()?)
            .arg(SERVE)
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(&log)?)
            .spawn()?;
        let output = process.stdout.take().ok_or("it was piped")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let port = line.trim().parse();
        let port = port.map_err(|_| {
            let log = fs::read_to_string(&log).unwrap_or_default();
            format!("the server does not start: {line}{log}")
        })?;
        Ok(Self { process, port })
    }

    pub(crate) fn target(&self) -> Target {
        Target {
            name: "escadre",
            port: self.port,
            processes: vec![self.process.id()],
        }
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        // It ends when its standard input does.
        drop(self.process.stdin.take());
        drop(self.process.wait());
    }
}

/// Puts so many chunks of so many bytes into the store of a server that is not there yet; gives their paths and stored
/// forms.
pub(crate) fn fill(folder: &Path, bytes: usize, count: usize) -> Outcome<Vec<(String, Vec<u8>)>> {
    let blobs = DiskBlobs::open(folder.join("state/chunks"))?;
    let mut encoder = Encoder::new()?;
    let mut state = 0x5eed_u64;
    let chunks = (0..count).map(|_| -> Outcome<StoredChunk> {
        let mut noise = Vec::with_capacity(bytes + 8);
        while noise.len() < bytes {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            noise.extend_from_slice(&state.to_le_bytes());
        }
        Ok(encoder.encode(&Chunk::new(&noise[..bytes])?)?)
    });
    let chunks = chunks.collect::<Outcome<Vec<_>>>()?;
    blobs.put_all(&chunks)?;
    let path = |chunk: &StoredChunk| format!("/agent/v1/chunks/{}", chunk.hash());
    Ok(chunks
        .into_iter()
        .map(|chunk| (path(&chunk), chunk.into_bytes()))
        .collect())
}

/// Serves until standard input ends; prints the port.
pub(crate) async fn serve(folder: &Path) -> Outcome<()> {
    tracing_subscriber::fmt()
        // As `escadre up` has it, but for one warning: `wrk` names an address where TLS wants a name.
        .with_env_filter("info,rustls=error")
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
    let port = TcpListener::bind("127.0.0.1:0").await?;
    let address = port.local_addr()?;
    let server = Server::start(config(folder, address)).await?;
    let host = enrol(&server, folder).await?;
    let router = as_host(server.agent_router(), host);
    say(&address.port().to_string());
    let (tell, told) = oneshot::channel();
    std::thread::spawn(move || tell.send(std::io::stdin().read(&mut [0; 1])));
    let ended = async { drop(told.await) };
    listener::serve(port, Some(server.agent_tls()), router, ended).await;
    server.shutdown().await;
    Ok(())
}

fn config(folder: &Path, agents: SocketAddr) -> ServerConfig {
    let nowhere = SocketAddr::from(([127, 0, 0, 1], 1));
    ServerConfig {
        state_dir: folder.join("state"),
        config_address: nowhere,
        view_address: nowhere,
        agent_address: agents,
        names: Vec::new(),
        publisher_dir: Some(folder.join("publisher")),
        publisher_root: None,
    }
}

/// Makes a host, so that there is somebody who may ask.
async fn enrol(server: &Server, folder: &Path) -> Outcome<HostId> {
    let text = server
        .agent_enrolment_token("benchmark")
        .await
        .map_err(|error| error.to_string())?;
    let config = tls::client_config_for_enrolment(EnrolmentText::parse(&text)?.ca)?;
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(config)
        .build()?;
    let enrol = Enrol {
        token: text,
        csr: AgentKey::create(&folder.join("agent.key"))?.request()?,
        hostname: "benchmark".to_owned(),
        agent_version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let port = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("https://{}/agent/v1/enrol", port.local_addr()?);
    let served = listener::serve(
        port,
        Some(server.agent_tls()),
        server.agent_router(),
        std::future::pending(),
    );
    let enrolled = async {
        let answer = client.post(url).json(&enrol).send().await?;
        answer.error_for_status()?.json::<Enrolled>().await
    };
    tokio::select! {
        () = served => Err("the port closed".into()),
        enrolled = enrolled => Ok(enrolled?.host),
    }
}

/// Every request comes from this host, as if each connection had shown its certificate.
fn as_host(router: Router, host: HostId) -> Router {
    let peer = Peer(PeerIdentity {
        host,
        serial: "00".to_owned(),
    });
    let asked = router.map_request(move |mut request: Request| {
        request.extensions_mut().insert(peer.clone());
        request
    });
    Router::new().fallback_service(asked)
}
