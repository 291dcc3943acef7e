//! What a bundle does on a host, what it says to the user before, how its effect is observed, and how it is taken back.

use std::time::Duration;

use escadre_model::inventory::PackageKind;
use serde::{Deserialize, Serialize};

use crate::{
    BundleError, Content, ContentPath, FileHash, PackageSet, limits, packages::check_package,
};

/// Whole seconds, as they stand in a manifest.
#[derive(
    Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Seconds(pub u32);

impl From<Seconds> for Duration {
    fn from(seconds: Seconds) -> Self {
        Self::from_secs(seconds.0.into())
    }
}

/// What to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// A program and its arguments, as they are: no shell sees them.
    Argv(Vec<String>),
    /// A line for `/bin/sh -c`.
    Shell(String),
}

impl Command {
    /// Splits a line into words without a shell ([`crate::split_words`]).
    pub fn from_line(line: &str) -> Result<Self, BundleError> {
        crate::split_words(line).map(Self::Argv)
    }

    /// Whether a shell reads it.
    pub fn is_shell(&self) -> bool {
        matches!(self, Self::Shell(_))
    }

    fn check(&self, part: &'static str) -> Result<(), BundleError> {
        let words = match self {
            Self::Argv(words) => words.as_slice(),
            Self::Shell(line) => std::slice::from_ref(line),
        };
        BundleError::bound(
            &format!("the number of arguments of {part}"),
            words.len() as u64,
            limits::LIST as u64,
        )?;
        if words.first().is_none_or(String::is_empty) {
            return Err(BundleError::action(part, "there is no command to run"));
        }
        words.iter().try_for_each(|word| check_text(part, word))
    }
}

/// What is done with the content. The programs run as the agent does, their working folder being the unpacked content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Run a program of the content: the first word is its path there.
    Launch {
        /// Program and arguments.
        command: Command,
    },
    /// Run any command; there may be no content.
    Execute {
        /// The command.
        command: Command,
    },
    /// Put the content into a folder of the host, which is made when it is not there.
    Store {
        /// Absolute path of the folder.
        path: String,
    },
    /// Install, upgrade and remove packages in one transaction of the system's own tool.
    Packages(PackageSet),
}

/// What the user of the host is told before the action, and may answer (OCS: `NOTIFY_…`, the OCS reference §8).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// The text.
    pub text: String,
    /// After it the action begins by itself; none: it waits for an answer.
    #[serde(
        rename = "countdown_s",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub countdown: Option<Seconds>,
    /// The user may call it off.
    pub can_cancel: bool,
    /// The user may put it off.
    pub can_postpone: bool,
    /// Told after success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done_text: Option<String>,
}

/// What must hold after the action for the delivery to have succeeded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Observation {
    /// A file exists with these bytes.
    File {
        /// Absolute path on the host.
        path: String,
        /// Hash of the whole.
        hash: FileHash,
    },
    /// A package is installed.
    Package {
        /// dpkg or rpm.
        kind: PackageKind,
        /// Name.
        name: String,
        /// Exactly that version; none: any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<String>,
    },
    /// A service runs.
    Service {
        /// Its unit.
        name: String,
    },
    /// A command exits with 0.
    Command {
        /// The command.
        command: Command,
        /// At most so long.
        #[serde(rename = "timeout_s")]
        timeout: Seconds,
    },
}

/// How the effect is taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Undo {
    /// By a command, with the unpacked content as working folder.
    Execute {
        /// The command.
        command: Command,
    },
    /// By going back to the versions before, in one transaction. Only for [`Action::Packages`].
    Packages,
}

impl Action {
    /// The stable word of its kind, also OCS's (in capitals) except for packages.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Launch { .. } => "launch",
            Self::Execute { .. } => "execute",
            Self::Store { .. } => "store",
            Self::Packages(_) => "packages",
        }
    }

    /// What a shell-free launch runs: a path of the content.
    pub fn program(&self) -> Option<Result<ContentPath, BundleError>> {
        match self {
            Self::Launch {
                command: Command::Argv(words),
            } => {
                let first = words.first().map_or("", String::as_str);
                Some(ContentPath::new(first.strip_prefix("./").unwrap_or(first)))
            }
            _ => None,
        }
    }

    pub(crate) fn check(&self, content: &Content) -> Result<(), BundleError> {
        match self {
            Self::Launch { command } => {
                command.check("launch")?;
                self.program()
                    .map_or(Ok(()), |program| check_program(&program?, content))
            }
            Self::Execute { command } => command.check("execute"),
            Self::Store { path } if content.is_empty() => Err(BundleError::action(
                "store",
                format!("there is no content to put into `{path}`"),
            )),
            Self::Store { path } => check_host_path("store", path),
            Self::Packages(set) => set.check(content),
        }
    }
}

fn check_program(program: &ContentPath, content: &Content) -> Result<(), BundleError> {
    match content.file(program) {
        Some(file) if file.executable => Ok(()),
        Some(_) => Err(BundleError::action(
            "launch",
            format!("`{program}` is not marked as a program (mode 755)"),
        )),
        None => Err(BundleError::action(
            "launch",
            format!(
                "`{program}` is no file of the content; to run a command of the host use execute"
            ),
        )),
    }
}

impl Observation {
    pub(crate) fn check(&self) -> Result<(), BundleError> {
        match self {
            Self::File { path, .. } => check_host_path("observe", path),
            Self::Package { name, version, .. } => check_package(name, version),
            Self::Service { name } => check_service(name),
            Self::Command { command, .. } => command.check("observe"),
        }
    }
}

fn check_service(name: &str) -> Result<(), BundleError> {
    let fine = |c: char| c.is_ascii_alphanumeric() || "._-:@\\".contains(c);
    if (1..=256).contains(&name.len()) && !name.starts_with('-') && name.chars().all(fine) {
        return Ok(());
    }
    Err(BundleError::action(
        "observe",
        format!("{name:?} is no name of a service"),
    ))
}

impl Undo {
    pub(crate) fn check(&self, action: &Action) -> Result<(), BundleError> {
        match (self, action) {
            (Self::Execute { command }, _) => command.check("undo"),
            (Self::Packages, Action::Packages(_)) => Ok(()),
            (Self::Packages, _) => Err(BundleError::action(
                "undo",
                "only the packages action can go back to packages before",
            )),
        }
    }
}

impl Notice {
    pub(crate) fn check(&self) -> Result<(), BundleError> {
        std::iter::once(&self.text)
            .chain(&self.done_text)
            .try_for_each(|text| check_text("notice", text))
    }
}

/// Bounded, and without a NUL, which no argument can hold.
pub(crate) fn check_text(part: &'static str, text: &str) -> Result<(), BundleError> {
    BundleError::bound(
        &format!("a text of {part}"),
        text.len() as u64,
        limits::TEXT as u64,
    )?;
    if text.contains('\0') {
        return Err(BundleError::action(part, "a text holds a NUL"));
    }
    Ok(())
}

/// An absolute path of the host in its plainest form.
pub(crate) fn check_host_path(part: &'static str, path: &str) -> Result<(), BundleError> {
    check_text(part, path)?;
    let plain = path == "/"
        || path
            .strip_prefix('/')
            .is_some_and(|rest| rest.split('/').all(|name| !matches!(name, "" | "." | "..")));
    if plain && !path.chars().any(char::is_control) {
        return Ok(());
    }
    Err(BundleError::action(
        part,
        format!("{path:?} is no absolute path without `.`, `..` and doubled `/`"),
    ))
}

#[cfg(test)]
mod tests;
