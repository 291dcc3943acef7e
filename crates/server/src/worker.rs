//! Roles as tasks with a name and a status that operators can see, and the sign to stop.

use std::{
    collections::BTreeMap,
    future::Future,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
};

use escadre_model::Timestamp;
use futures_util::FutureExt;
use tokio::{sync::watch, task::JoinHandle};

use crate::clock;

/// How a worker is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Condition {
    /// At work, or waiting for work.
    Well,
    /// It tries again and again; the sentence says what fails.
    Trouble(String),
    /// It broke down and will not come back before a restart.
    Broken(String),
    /// It was asked to stop, and has.
    Ended,
}

/// A worker as operators see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Status {
    /// Name of the role.
    pub(crate) name: &'static str,
    /// How it is.
    pub(crate) condition: Condition,
    /// Since when.
    pub(crate) since: Timestamp,
}

/// All workers of this process.
#[derive(Debug, Default)]
pub(crate) struct Workers(Mutex<BTreeMap<&'static str, Status>>);

impl Workers {
    /// Says how a worker is.
    pub(crate) fn set(&self, name: &'static str, condition: Condition) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all
            .get(name)
            .is_some_and(|status| status.condition == condition)
        {
            return;
        }
        match &condition {
            Condition::Well => tracing::info!(role = name, "at work"),
            Condition::Trouble(reason) => tracing::warn!(role = name, reason, "in trouble"),
            Condition::Broken(reason) => tracing::error!(role = name, reason, "broke down"),
            Condition::Ended => tracing::debug!(role = name, "ended"),
        }
        all.insert(
            name,
            Status {
                name,
                condition,
                since: clock::now(),
            },
        );
    }

    /// Every worker, by name.
    pub(crate) fn all(&self) -> Vec<Status> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .cloned()
            .collect()
    }

    /// Starts a worker. A panic is caught at its edge, logged, and shown.
    pub(crate) fn start(
        self: &Arc<Self>,
        name: &'static str,
        body: impl Future<Output = ()> + Send + 'static,
    ) -> JoinHandle<()> {
        let workers = Arc::clone(self);
        self.set(name, Condition::Well);
        tokio::spawn(async move {
            let end = match AssertUnwindSafe(body).catch_unwind().await {
                Ok(()) => Condition::Ended,
                Err(panic) => Condition::Broken(
                    panic
                        .downcast_ref::<&str>()
                        .map(|text| (*text).to_owned())
                        .or_else(|| panic.downcast_ref::<String>().cloned())
                        .unwrap_or_default(),
                ),
            };
            workers.set(name, end);
        })
    }
}

/// The sign to stop, as workers see it.
#[derive(Debug, Clone)]
pub(crate) struct Stop(watch::Receiver<bool>);

impl Stop {
    /// The sign, and what gives it.
    pub(crate) fn new() -> (watch::Sender<bool>, Self) {
        let (sender, receiver) = watch::channel(false);
        (sender, Self(receiver))
    }

    /// Waits for the sign. A server that was dropped stops its workers too.
    pub(crate) async fn wait(&mut self) {
        let _ = self.0.wait_for(|stop| *stop).await;
    }

    /// The sign was given.
    pub(crate) fn is_given(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }
}
