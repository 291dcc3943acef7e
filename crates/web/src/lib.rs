//! Both user interfaces (configuration, visualisation) and the REST API, over [`Operations`] and nothing else.
//!
//! - [`router`] is what listens for people on one of the two ports: pages, REST, live events, assets.
//! - [`socket_router`] is the REST API for the UNIX socket: whoever may open it is `local`, an administrator.
//! - [`rest::router`] is the REST API alone.
//!
//! Invariants:
//! - A page shows nothing and does nothing that the REST API could not: both call the same operations.
//! - No page holds inline script or style; everything that came from outside is escaped by the template engine.
//! - What changes something wants a session or a token, and from a browser also the session's form token and
//!   the same origin.
//! - Every visible word comes from `locales/`, in French and in English.
//!
//! Absent on purpose: rules about who may do what (each operation checks its actor), storage, TLS and sockets.

mod app;
mod assets;
mod caller;
mod guard;
mod language;
mod link;
mod pages;
pub mod rest;

use std::{path::PathBuf, sync::Arc};

use axum::{Extension, Router, routing::get};
use escadre_api::Operations;
use escadre_model::Timestamp;
use jiff::tz::TimeZone;

use app::App;
use caller::FromSocket;

/// Which of the two user interfaces a port shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Face {
    /// Port 7766: bundles, rollout wizard, tokens, users, audit, settings.
    Configuration,
    /// Port 7767: what needs me, hosts, checks, rollouts.
    Visualisation,
}

/// What the web needs to know of its surroundings. `Arc<dyn Operations>` converts into one with the usual values.
#[derive(Clone)]
pub struct Setup {
    /// Everything that can be done.
    pub operations: Arc<dyn Operations>,
    /// Reached over TLS: cookies get `Secure` and the `__Host-` prefix. False only on loopback.
    pub secure: bool,
    /// Folder for uploads while they arrive; its file system must have room for them.
    pub uploads: PathBuf,
    /// Largest upload in bytes.
    pub upload_limit: u64,
    /// The clock, for "3 minutes ago".
    pub clock: fn() -> Timestamp,
    /// The zone in which pages write times.
    pub zone: TimeZone,
}

impl Setup {
    /// The usual values: TLS, the system's folder for temporary files, 16 GiB, the system's clock and zone.
    pub fn new(operations: Arc<dyn Operations>) -> Self {
        Self {
            operations,
            secure: true,
            uploads: std::env::temp_dir(),
            upload_limit: 16 << 30,
            clock: Timestamp::now,
            zone: TimeZone::system(),
        }
    }
}

impl From<Arc<dyn Operations>> for Setup {
    fn from(operations: Arc<dyn Operations>) -> Self {
        Self::new(operations)
    }
}

/// Pages, REST API, live events and assets of one face. Wants `ConnectInfo<SocketAddr>` in the request's extensions.
pub fn router(setup: impl Into<Setup>, face: Face) -> Router {
    let app = App::new(setup.into(), face);
    let inner = pages::routes(&app)
        .route("/metrics", get(rest::metrics))
        .route("/assets/{file}", get(assets::serve))
        .nest(rest::PREFIX, rest::routes())
        .with_state(app);
    guard::layers(inner)
}

/// The REST API for the UNIX socket: every request is the actor `local`, an administrator, via `socket`.
pub fn socket_router(setup: impl Into<Setup>) -> Router {
    rest::router(setup).layer(Extension(FromSocket))
}
