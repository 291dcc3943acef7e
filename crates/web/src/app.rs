//! What every handler shares.

use std::sync::Arc;

use escadre_api::Operations;
use escadre_model::Timestamp;

use crate::{Face, Setup};

/// State of a router; cloning is cheap.
#[derive(Clone)]
pub(crate) struct App(Arc<Inner>);

struct Inner {
    setup: Setup,
    face: Face,
}

impl App {
    pub(crate) fn new(setup: Setup, face: Face) -> Self {
        Self(Arc::new(Inner { setup, face }))
    }

    pub(crate) fn operations(&self) -> &dyn Operations {
        &*self.0.setup.operations
    }

    pub(crate) fn setup(&self) -> &Setup {
        &self.0.setup
    }

    pub(crate) fn face(&self) -> Face {
        self.0.face
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.0.setup.clock)()
    }
}
