//! Where things lie by default, and why: state by root or by user, the publisher's key apart from both.

use std::{env, path::PathBuf};

/// The folder of everything that the server keeps: `/var/lib/escadre` for root, else the user's data folder.
pub(crate) fn state() -> PathBuf {
    if rustix::process::geteuid().is_root() {
        return PathBuf::from("/var/lib/escadre");
    }
    user_folder("XDG_DATA_HOME", ".local/share").join("escadre")
}

/// The folder of the publisher's key: with the operator, not with the server.
pub(crate) fn publisher() -> PathBuf {
    user_folder("XDG_CONFIG_HOME", ".config").join("escadre/publisher")
}

/// The folder of what can be made again: indices of repositories.
pub(crate) fn cache() -> PathBuf {
    user_folder("XDG_CACHE_HOME", ".cache").join("escadre")
}

/// Where the server answers commands of its own machine.
pub(crate) fn socket(state: &std::path::Path) -> PathBuf {
    state.join("escadre.sock")
}

fn user_folder(variable: &str, fallback: &str) -> PathBuf {
    match env::var_os(variable)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
    {
        Some(path) => path,
        None => env::var_os("HOME")
            .map_or_else(|| PathBuf::from("/root"), PathBuf::from)
            .join(fallback),
    }
}
