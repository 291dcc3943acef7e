//! A server from start to end.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use axum::Router;
use escadre_api::{Actor, ApiResult, Operations, Role, account::TokenKind, account::TokenNew};
use escadre_blobs::DiskBlobs;
use escadre_bus::{Bus, LocalBus};
use escadre_model::Timestamp;
use escadre_rollout::campaign::Campaign;
use escadre_store::{
    Options, SqliteStore, Store, StoreError, Transaction,
    tables::{host, inventory, lease, setting},
};
use escadre_trust::{PeerIdentity, tls};
use escadre_watch::{Engine, HostRecord, Snapshot};
use rustls::ServerConfig as TlsConfig;
use tokio::{
    sync::{broadcast, mpsc, watch},
    task::JoinHandle,
};

use crate::{
    StartError,
    agents::{self, ChunkCache},
    clock,
    directory::{Directory, Known},
    operations::ServerOperations,
    roles::{broker, conductor, keeper, scheduler},
    shared::{SETTINGS, SHARD, Shared, first_settings},
    state::{Found, StateFolder},
    trust::{self, Trust},
    worker::{Stop, Workers},
};

/// Campaigns that ended within this may still have an order to call back.
const RECENT: Duration = Duration::from_secs(30 * 24 * 3600);
/// Commands that may wait for a role.
const COMMANDS: usize = 1024;
/// How long roles may take to stop.
const PATIENCE: Duration = Duration::from_millis(2000);

/// How a server is to be.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// Where everything is kept.
    pub state_dir: PathBuf,
    /// Where the configuration UI listens.
    pub config_address: SocketAddr,
    /// Where the visualisation UI listens.
    pub view_address: SocketAddr,
    /// Where agents are listened to.
    pub agent_address: SocketAddr,
    /// Names and addresses by which the server is reached, for its certificate (loopback and the addresses above are
    /// in it anyway). The first one is told to people and agents where the server listens on every address.
    pub names: Vec<String>,
    /// Where a publisher's key may lie on this machine. On a first start it is made there and founds trust, unless
    /// `publisher_root` is given.
    pub publisher_dir: Option<PathBuf>,
    /// First start only: what a publisher on another machine signed.
    pub publisher_root: Option<FirstTrust>,
}

impl ServerConfig {
    /// An address as people and agents are told it.
    pub(crate) fn told(&self, address: SocketAddr) -> String {
        match self.names.first() {
            Some(name) if address.ip().is_unspecified() => format!("{name}:{}", address.port()),
            _ => address.to_string(),
        }
    }
}

/// The beginning of trust, signed by a publisher: both are wanted, because agents want both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstTrust {
    /// Root metadata, version 1; it names the server's online keys.
    pub root: Vec<u8>,
    /// The first list of bundles.
    pub targets: Vec<u8>,
}

/// A running server.
pub struct Server {
    shared: Arc<Shared>,
    operations: Arc<ServerOperations>,
    stop: watch::Sender<bool>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
    people: Arc<TlsConfig>,
    agents: Arc<TlsConfig>,
    _state: StateFolder,
}

impl Server {
    /// Takes the state folder, makes an installation in it if there is none, takes up what the last run left, and
    /// starts every role. Ports are the caller's: see [`crate::listener::serve`].
    pub async fn start(config: ServerConfig) -> Result<Self, StartError> {
        let opened = tokio::task::spawn_blocking(move || open(config)).await;
        let (state, opened) = opened.map_err(|error| StartError::Remembered {
            reason: error.to_string(),
        })??;
        let (shared, inboxes) = share(opened)?;
        let shared = Arc::new(shared);
        let (people, agents) = tls_of(&shared)?;
        let (stop, stopping) = Stop::new();
        let tasks = start_roles(&shared, inboxes, &stopping);
        let operations = Arc::new(ServerOperations::new(Arc::clone(&shared)));
        tracing::info!(state = %state.root().display(), epoch = shared.epoch, "started");
        Ok(Self {
            shared,
            operations,
            stop,
            tasks: Mutex::new(tasks),
            people,
            agents,
            _state: state,
        })
    }

    /// Everything that can be done with this server.
    pub fn operations(&self) -> Arc<dyn Operations> {
        Arc::clone(&self.operations) as Arc<dyn Operations>
    }

    /// The path (`/sign-in/once/…`) that lets the first administrator in, once, for a day. Nothing once anybody has a
    /// password. Each call makes a new one; the one before stops working.
    pub async fn one_time_sign_in(&self) -> ApiResult<Option<String>> {
        self.operations.first_sign_in().await
    }

    /// TLS for both UIs and the REST API.
    pub fn people_tls(&self) -> Arc<TlsConfig> {
        Arc::clone(&self.people)
    }

    /// TLS for the agent port.
    pub fn agent_tls(&self) -> Arc<TlsConfig> {
        Arc::clone(&self.agents)
    }

    /// What listens on the agent port.
    pub fn agent_router(&self) -> Router {
        agents::router(Arc::clone(&self.shared))
    }

    /// The installation's CA, PEM.
    pub fn ca_pem(&self) -> String {
        self.shared.trust.authority.certificate_pem().to_owned()
    }

    /// Public keys of the server's online roles, which a root must name.
    pub fn online_keys(&self) -> escadre_trust::metadata::OnlinePublicKeys {
        self.shared.trust.online.public()
    }

    /// An enrolment text for one machine (this one, mostly), good for an hour.
    pub async fn agent_enrolment_token(&self, name: &str) -> ApiResult<String> {
        let actor = Actor {
            name: "local".to_owned(),
            role: Role::Administrator,
            via: "socket",
            address: String::new(),
            request: "start".to_owned(),
        };
        let token = TokenNew {
            name: name.to_owned(),
            kind: TokenKind::Enrolment,
            role: None,
            site: None,
            tags: Vec::new(),
            lifetime_s: Some(3600),
        };
        Ok(self.operations.token_create(&actor, token).await?.secret)
    }

    /// Stops every role. Nothing has to be saved: all is journalled as it happens.
    pub async fn shutdown(self) {
        self.stop.send_replace(true);
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        let all = futures_util::future::join_all(tasks);
        if tokio::time::timeout(PATIENCE, all).await.is_err() {
            tracing::warn!("a role did not stop in time; it is left behind");
        }
        self.shared.bus.close();
        tracing::info!("stopped");
    }
}

/// What blocks at a start brings.
struct Opened {
    config: ServerConfig,
    state_root: PathBuf,
    store: Arc<dyn Store>,
    blobs: DiskBlobs,
    trust: Trust,
    kept: Kept,
}

/// What the last run left.
struct Kept {
    epoch: Option<u64>,
    settings: Option<String>,
    hosts: Vec<Known>,
    records: Vec<HostRecord>,
    campaigns: Vec<Campaign>,
}

fn open(config: ServerConfig) -> Result<(StateFolder, Opened), StartError> {
    let now = clock::now();
    let (state, found) = StateFolder::take(&config.state_dir)?;
    if found == Found::Nothing {
        state.make(|making| {
            trust::make(
                making,
                config.publisher_dir.as_deref(),
                config.publisher_root.as_ref(),
                now,
            )?;
            SqliteStore::open(&making.join("store.db"), &Options::default()).map(drop)?;
            Ok(())
        })?;
    }
    let made = state.made();
    let trust = Trust::open(
        &made,
        addresses(&config),
        config.names.clone(),
        config.publisher_dir.clone(),
        now,
    )?;
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(
        &made.join("store.db"),
        &Options::default(),
    )?);
    let blobs = DiskBlobs::open(state.chunks())?;
    let owner = format!("server {}", trust.authority.fingerprint());
    let kept = store.write_blocking(move |tx| take_up(tx, &owner, now))?;
    let state_root = state.root().to_owned();
    Ok((
        state,
        Opened {
            config,
            state_root,
            store,
            blobs,
            trust,
            kept,
        },
    ))
}

fn addresses(config: &ServerConfig) -> Vec<IpAddr> {
    [
        config.config_address,
        config.view_address,
        config.agent_address,
    ]
    .iter()
    .map(SocketAddr::ip)
    .collect()
}

fn take_up(tx: &mut dyn Transaction, owner: &str, now: Timestamp) -> Result<Kept, StoreError> {
    let epoch = lease::acquire(tx, SHARD, owner, now, clock::after(now, keeper::LEASE))?;
    let mut inventories: std::collections::HashMap<_, _> =
        inventory::all(tx)?.into_iter().collect();
    let hosts = host::all(tx)?.into_iter().map(|row| {
        let inventory = Arc::new(inventories.remove(&row.id).unwrap_or_default());
        Known {
            row: Arc::new(row),
            inventory,
        }
    });
    Ok(Kept {
        epoch,
        settings: setting::get(tx, SETTINGS)?,
        hosts: hosts.collect(),
        records: scheduler::restore(tx)?,
        campaigns: conductor::load_all(tx, clock::before(now, RECENT))?,
    })
}

/// Where commands for the two roles that own a core come out.
struct Inboxes {
    scheduler: mpsc::Receiver<scheduler::Command>,
    conductor: mpsc::Receiver<conductor::Command>,
}

fn share(opened: Opened) -> Result<(Shared, Inboxes), StartError> {
    let Opened {
        config,
        state_root,
        store,
        blobs,
        trust,
        kept,
    } = opened;
    let (to_scheduler, scheduler) = mpsc::channel(COMMANDS);
    let (to_conductor, conductor) = mpsc::channel(COMMANDS);
    let inboxes = Inboxes {
        scheduler,
        conductor,
    };
    let remembered = |reason: String| StartError::Remembered { reason };
    let settings = match &kept.settings {
        None => first_settings(),
        Some(text) => {
            serde_json::from_str(text).map_err(|error| remembered(format!("settings: {error}")))?
        }
    };
    let snapshot = Snapshot {
        format: Snapshot::FORMAT,
        settings: escadre_watch::Settings::default(),
        listening_since: None,
        clock: None,
        hosts: kept.records,
    };
    let engine = Engine::restore(snapshot).map_err(|error| remembered(error.to_string()))?;
    let directory = Directory::default();
    kept.hosts
        .into_iter()
        .for_each(|known| directory.put(known));
    let campaigns = kept
        .campaigns
        .into_iter()
        .map(|campaign| (campaign.header().id, campaign))
        .collect();
    let bus: Arc<dyn Bus> = Arc::new(LocalBus::new(8192, 1024));
    let shared = Shared {
        config,
        started: clock::now(),
        state_root,
        store,
        bus,
        blobs: Arc::new(blobs),
        chunks: ChunkCache::new(agents::HOT_BYTES),
        trust: Arc::new(trust),
        directory,
        engine: RwLock::new(engine),
        campaigns: RwLock::new(campaigns),
        run_now: Mutex::default(),
        settings: RwLock::new(settings),
        epoch: kept.epoch.ok_or(StartError::Owned)?,
        scheduler: to_scheduler,
        conductor: to_conductor,
        live: broadcast::channel(1024).0,
        workers: Arc::new(Workers::default()),
        guards: Default::default(),
        uploads: Default::default(),
        counters: Default::default(),
    };
    Ok((shared, inboxes))
}

fn tls_of(shared: &Arc<Shared>) -> Result<(Arc<TlsConfig>, Arc<TlsConfig>), StartError> {
    let trust = &shared.trust;
    let people = tls::server_config_for_people(&trust.identity)?;
    let known = Arc::downgrade(shared);
    let is_revoked = move |peer: &PeerIdentity| {
        known
            .upgrade()
            .is_none_or(|shared| shared.directory.by_id(peer.host).is_none())
    };
    let agents =
        tls::server_config_for_agents(&trust.authority, &trust.identity, Arc::new(is_revoked))?;
    Ok((Arc::new(people), Arc::new(agents)))
}

fn start_roles(shared: &Arc<Shared>, inboxes: Inboxes, stop: &Stop) -> Vec<JoinHandle<()>> {
    let now = clock::now();
    {
        // Checks may have other definitions than the last run knew; silence counts from now on.
        let hosts: Vec<_> = shared
            .directory
            .all()
            .into_iter()
            .map(|known| known.row.id)
            .collect();
        let defined: Vec<_> = hosts
            .into_iter()
            .filter_map(|host| scheduler::define(shared, host))
            .collect();
        let mut engine = shared.engine_mut();
        engine.handle(now, escadre_watch::Event::Resume);
        defined.into_iter().for_each(|event| {
            engine.handle(now, event);
        });
    }
    let workers = &shared.workers;
    vec![
        workers.start(
            scheduler::NAME,
            scheduler::run(Arc::clone(shared), inboxes.scheduler, stop.clone()),
        ),
        workers.start(
            conductor::NAME,
            conductor::run(Arc::clone(shared), inboxes.conductor, stop.clone()),
        ),
        workers.start(broker::NAME, broker::run(Arc::clone(shared), stop.clone())),
        workers.start(keeper::NAME, keeper::run(Arc::clone(shared), stop.clone())),
    ]
}
