//! What `up` says, in the language of the environment.

use std::env;

/// The sentences of one language.
pub(super) struct Words {
    pub(super) configuration: &'static str,
    pub(super) visualisation: &'static str,
    pub(super) agents: &'static str,
    pub(super) sign_in: &'static str,
    pub(super) state: &'static str,
    pub(super) key: &'static str,
    pub(super) key_advice: &'static str,
    pub(super) ready: &'static str,
}

const ENGLISH: Words = Words {
    configuration: "configuration",
    visualisation: "visualisation",
    agents: "agents",
    sign_in: "sign in, once",
    state: "state",
    key: "publisher's key",
    key_advice: "It lies on the server's own machine: who takes the server takes the key. See `escadre healthcheck`.",
    ready: "Ready. Ctrl-C stops.",
};

const FRENCH: Words = Words {
    configuration: "configuration",
    visualisation: "visualisation",
    agents: "agents",
    sign_in: "connexion, une fois",
    state: "état",
    key: "clé de l’éditeur",
    key_advice: "Elle se trouve sur la machine du serveur : qui prend le serveur prend la clé. Voir `escadre healthcheck`.",
    ready: "Prêt. Ctrl-C arrête.",
};

impl Words {
    /// French when the environment asks for it, as gettext reads it; else English.
    pub(super) fn of_environment() -> Self {
        let wanted = ["LC_ALL", "LC_MESSAGES", "LANG"]
            .iter()
            .find_map(|name| env::var(name).ok().filter(|v| !v.is_empty()));
        if wanted.is_some_and(|locale| locale.starts_with("fr")) {
            FRENCH
        } else {
            ENGLISH
        }
    }
}
