//! What every role and operation of this process reaches: the seams, the cores' memory, the words between roles.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use escadre_api::{ApiError, ApiResult, account::Settings, live::LiveEvent};
use escadre_blobs::DiskBlobs;
use escadre_bundle::ChunkHash;
use escadre_bus::{Bus, Message, Subject};
use escadre_model::{CheckName, HostId, RolloutId, Timestamp};
use escadre_rollout::campaign::Campaign;
use escadre_store::{Store, StoreError, Transaction};
use escadre_watch::Engine;
use serde::Serialize;
use tokio::sync::{broadcast, mpsc};

use crate::{
    agents::ChunkCache,
    directory::Directory,
    error::of_store,
    metrics::Counters,
    people::Guards,
    roles::{conductor, scheduler},
    server::ServerConfig,
    trust::Trust,
    uploads::Uploads,
    worker::Workers,
};

/// The lease that whoever schedules and conducts must hold.
pub(crate) const SHARD: &str = "shard 0";
/// Key of the settings in the store.
pub(crate) const SETTINGS: &str = "settings";

/// Everything that roles and operations share.
pub(crate) struct Shared {
    pub(crate) config: ServerConfig,
    pub(crate) started: Timestamp,
    pub(crate) state_root: std::path::PathBuf,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) blobs: Arc<DiskBlobs>,
    pub(crate) chunks: ChunkCache<ChunkHash>,
    pub(crate) trust: Arc<Trust>,
    pub(crate) directory: Directory,
    /// Written by the scheduler alone.
    pub(crate) engine: RwLock<Engine>,
    /// Written by the conductor alone.
    pub(crate) campaigns: RwLock<BTreeMap<RolloutId, Campaign>>,
    /// Checks that hosts are to run at once.
    pub(crate) run_now: Mutex<HashMap<HostId, BTreeSet<CheckName>>>,
    pub(crate) settings: RwLock<Settings>,
    /// Epoch of this owner of the shard.
    pub(crate) epoch: u64,
    pub(crate) scheduler: mpsc::Sender<scheduler::Command>,
    pub(crate) conductor: mpsc::Sender<conductor::Command>,
    pub(crate) live: broadcast::Sender<LiveEvent>,
    pub(crate) workers: Arc<Workers>,
    pub(crate) guards: Guards,
    pub(crate) uploads: Uploads,
    pub(crate) counters: Counters,
}

impl Shared {
    /// Reads from the store.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Transaction) -> Result<T, StoreError> + Send + 'static,
    ) -> ApiResult<T> {
        self.store.read(work).await.map_err(of_store)
    }

    /// Writes to the store.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Transaction) -> Result<T, StoreError> + Send + 'static,
    ) -> ApiResult<T> {
        self.store.write(work).await.map_err(of_store)
    }

    /// Writes to the store what may turn out to be refused after a look at it; a refusal has written nothing.
    pub(crate) async fn decide<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Transaction) -> Result<Result<T, ApiError>, StoreError>
        + Send
        + 'static,
    ) -> ApiResult<T> {
        self.store.write(work).await.map_err(of_store)?
    }

    /// The engine, to look at.
    pub(crate) fn engine(&self) -> RwLockReadGuard<'_, Engine> {
        self.engine.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The engine, for the scheduler.
    pub(crate) fn engine_mut(&self) -> RwLockWriteGuard<'_, Engine> {
        self.engine.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The campaigns, to look at.
    pub(crate) fn campaigns(&self) -> RwLockReadGuard<'_, BTreeMap<RolloutId, Campaign>> {
        self.campaigns
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The campaigns, for the conductor.
    pub(crate) fn campaigns_mut(&self) -> RwLockWriteGuard<'_, BTreeMap<RolloutId, Campaign>> {
        self.campaigns
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The settings as they are.
    pub(crate) fn settings(&self) -> Settings {
        self.settings
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Checks that are to be run at once.
    pub(crate) fn run_now(&self) -> MutexGuard<'_, HashMap<HostId, BTreeSet<CheckName>>> {
        self.run_now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says on the bus that there is something to look at.
    pub(crate) fn tell<T: Serialize>(&self, subject: &str, document: &T) {
        let told = subject
            .parse::<Subject>()
            .map_err(|error| error.to_string())
            .and_then(|subject| {
                let body =
                    escadre_bus::encode(&subject, document).map_err(|error| error.to_string())?;
                self.bus
                    .publish(Message { subject, body })
                    .map_err(|error| error.to_string())
            });
        if let Err(error) = told {
            tracing::debug!(subject, error, "nobody was told");
        }
    }

    /// A host or one of its checks changed.
    pub(crate) fn tell_host(&self, host: HostId) {
        self.tell("host.changed", &host);
    }

    /// The orders of a host changed.
    pub(crate) fn tell_orders(&self, host: HostId) {
        self.tell("orders.changed", &host);
    }
}

/// The settings before anybody changed them.
pub(crate) fn first_settings() -> Settings {
    Settings {
        name: "Escadre".to_owned(),
        contact_every_s: 10,
        keep_days: 400,
        sites: String::new(),
    }
}
