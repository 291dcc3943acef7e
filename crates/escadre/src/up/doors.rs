//! The ports and the socket: opened before anything is written, served once the server runs.

use std::{
    fs, io,
    net::{IpAddr, SocketAddr},
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::Arc,
};

use anyhow::{Context, Result, anyhow};
use escadre_server::{Server, listener};
use escadre_trust::secret::create_private_folder;
use escadre_web::{Face, Setup};
use tokio::{
    net::{TcpListener, UnixListener},
    sync::watch,
    task::JoinSet,
};

use crate::{cli::Up, place};

/// Ports that are ours and not served yet.
pub(super) struct Doors {
    config: Door,
    view: Door,
    agents: Door,
}

struct Door {
    listener: TcpListener,
    address: SocketAddr,
}

/// Everything that is served, with the addresses to tell people.
pub(super) struct Served {
    pub(super) config: String,
    pub(super) view: String,
    pub(super) agents: String,
    tasks: JoinSet<()>,
}

impl Doors {
    /// Takes the three ports, or says which one is taken and how to choose another.
    pub(super) async fn open(options: &Up) -> Result<Self> {
        Ok(Self {
            config: Door::open(options.listen, options.config_port, "--config-port").await?,
            view: Door::open(options.listen, options.view_port, "--view-port").await?,
            agents: Door::open(options.listen, options.agent_port, "--agent-port").await?,
        })
    }

    pub(super) fn config_address(&self) -> SocketAddr {
        self.config.address
    }

    pub(super) fn view_address(&self) -> SocketAddr {
        self.view.address
    }

    pub(super) fn agent_address(&self) -> SocketAddr {
        self.agents.address
    }

    /// Serves all ports and the socket until told to stop. Plain HTTP only on loopback.
    pub(super) async fn serve(
        self,
        server: &Server,
        state: &Path,
        stopping: &watch::Receiver<bool>,
    ) -> Result<Served> {
        let about = server.operations().about().await?;
        let plain = self.config.address.ip().is_loopback();
        let tls = (!plain).then(|| server.people_tls());
        let uploads = state.join("uploads");
        create_private_folder(&uploads)
            .with_context(|| format!("cannot make {}", uploads.display()))?;
        let mut setup = Setup::new(server.operations());
        setup.secure = !plain;
        setup.uploads = uploads;
        let scheme = if plain { "http" } else { "https" };
        let mut served = Served {
            config: format!("{scheme}://{}", about.config_address),
            view: format!("{scheme}://{}", about.view_address),
            agents: about.agent_address,
            tasks: JoinSet::new(),
        };
        let socket = open_socket(&place::socket(state))?;
        served.tasks.spawn(listener::serve(
            socket,
            None,
            escadre_web::socket_router(setup.clone()),
            told(stopping),
        ));
        for (door, face) in [
            (self.config, Face::Configuration),
            (self.view, Face::Visualisation),
        ] {
            let router = escadre_web::router(setup.clone(), face);
            served.tasks.spawn(listener::serve(
                door.listener,
                tls.clone(),
                router,
                told(stopping),
            ));
        }
        let agent_tls = Some(Arc::clone(&server.agent_tls()));
        served.tasks.spawn(listener::serve(
            self.agents.listener,
            agent_tls,
            server.agent_router(),
            told(stopping),
        ));
        Ok(served)
    }
}

impl Served {
    /// Waits until what was being answered is answered.
    pub(super) async fn ended(mut self) {
        while self.tasks.join_next().await.is_some() {}
    }
}

impl Door {
    async fn open(address: IpAddr, port: u16, flag: &str) -> Result<Self> {
        let wanted = SocketAddr::new(address, port);
        let listener = TcpListener::bind(wanted).await.map_err(|error| match error.kind() {
            io::ErrorKind::AddrInUse => {
                anyhow!("port {port} is in use already (another server?); stop that program, or choose another with {flag} PORT")
            }
            io::ErrorKind::PermissionDenied => {
                anyhow!("port {port} may not be taken by this user; choose one above 1023 with {flag} PORT")
            }
            io::ErrorKind::AddrNotAvailable => anyhow!("this machine has no address {address}; choose another with --listen"),
            _ => anyhow::Error::new(error).context(format!("cannot listen on {wanted} ({flag})")),
        })?;
        let address = listener.local_addr().context("the port has no address")?;
        Ok(Self { listener, address })
    }
}

/// A socket that only its owner reaches. One that is left over from a crash is replaced; the state's lock is ours.
fn open_socket(path: &Path) -> Result<UnixListener> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("cannot replace {}", path.display()));
        }
        _ => {}
    }
    let too_long = "the path may be too long for a socket; choose a shorter --state";
    let socket = UnixListener::bind(path)
        .with_context(|| format!("cannot listen on {}: {too_long}", path.display()))?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))
        .with_context(|| format!("cannot close {} to others", path.display()))?;
    Ok(socket)
}

/// Ends when it is time to stop.
fn told(stopping: &watch::Receiver<bool>) -> impl Future<Output = ()> + Send + use<> {
    let mut stopping = stopping.clone();
    async move {
        // An error means that who would tell is gone, which is told as well.
        let _ = stopping.wait_for(|stop| *stop).await;
    }
}
