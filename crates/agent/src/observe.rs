//! Whether an action had its effect: the exit code is what a program says, this is what the host shows.

use std::{io, path::Path, time::Duration};

use escadre_bundle::{Command as Line, FileHash, Observation};
use escadre_rollout::delivery::{Order, Terms};
use tokio::task::spawn_blocking;

use crate::{
    apply::{environment, sentence},
    fetch::Fetcher,
    packages::{Installed, content_folder},
    process::Program,
};

const SERVICE: Duration = Duration::from_secs(30);

impl Fetcher {
    /// The first thing that does not hold, in a sentence; none if all is as the manifest says.
    pub(crate) async fn observe(&self, order: &Order, terms: &Terms) -> Option<String> {
        let manifest = match self.kept_manifest(order, terms) {
            Ok(manifest) => manifest,
            Err(fault) => {
                return Some(format!(
                    "its effect cannot be observed: {}",
                    sentence(fault)
                ));
            }
        };
        for observation in &manifest.observe {
            if let Some(fault) = self.look(order, observation).await {
                return Some(fault);
            }
        }
        None
    }

    async fn look(&self, order: &Order, observation: &Observation) -> Option<String> {
        match observation {
            Observation::File { path, hash } => {
                let file = path.clone();
                match spawn_blocking(move || hash_of(file.as_ref())).await {
                    Ok(Ok(found)) if found == *hash => None,
                    Ok(Ok(_)) => Some(format!("{path} has other content than it should")),
                    Ok(Err(error)) => Some(format!("{path}: {error}")),
                    Err(error) => Some(format!("{path}: {error}")),
                }
            }
            Observation::Package {
                kind,
                name,
                version,
            } => match Installed::ask(*kind).await {
                Err(error) => Some(error),
                Ok(installed) => {
                    let found: Vec<&str> = installed.versions(name).collect();
                    let good = version
                        .as_ref()
                        .map_or(!found.is_empty(), |wanted| found.contains(&&**wanted));
                    (!good).then(|| format!("package {name} is {}", said(&found)))
                }
            },
            Observation::Service { name } => {
                let words = ["systemctl", "is-active", "--quiet", "--", name].map(str::to_owned);
                let ended = self.run(order, &Line::Argv(words.into()), SERVICE).await;
                ended.map(|why| format!("service {name} does not run ({why})"))
            }
            Observation::Command { command, timeout } => {
                let ended = self.run(order, command, (*timeout).into()).await;
                ended.map(|why| format!("a command of the observation did not succeed ({why})"))
            }
        }
    }

    /// Why a command did not exit with 0.
    async fn run(&self, order: &Order, line: &Line, time: Duration) -> Option<String> {
        let content = content_folder(&self.folder.work(order.id));
        // What is stored or launched without content has no folder of its own.
        let folder = if content.is_dir() {
            content
        } else {
            "/".into()
        };
        let environment = environment(order);
        let ended = Program {
            line,
            folder: &folder,
            is_content: false,
            environment: &environment,
            time,
        }
        .run()
        .await;
        match (ended.fault, ended.outcome.exit_code) {
            (None, Some(0)) => None,
            (None, code) => Some(format!(
                "exit code {}: {}",
                code.unwrap_or(-1),
                last_line(&ended.outcome.output)
            )),
            (Some(fault), _) => Some(fault),
        }
    }
}

fn hash_of(path: &Path) -> io::Result<FileHash> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(std::fs::File::open(path)?)?;
    Ok(FileHash::from_bytes(*hasher.finalize().as_bytes()))
}

fn last_line(output: &str) -> &str {
    output.trim_end().lines().next_back().unwrap_or("no output")
}

fn said(versions: &[&str]) -> String {
    if versions.is_empty() {
        "not installed".to_owned()
    } else {
        format!("at {}", versions.join(", "))
    }
}
