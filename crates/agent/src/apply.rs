//! The action itself. What is here runs at most once for a delivery, unless its manifest says that it may be repeated; the
//! journal says so before it is called.

use std::{sync::Arc, time::Instant};

use escadre_blobs::merge;
use escadre_bundle::{Action, Manifest};
use escadre_rollout::{
    Outcome,
    delivery::{Fault, Order, Terms},
};
use tokio::task::spawn_blocking;

use crate::{
    fetch::Fetcher,
    packages::{content_folder, transaction},
    process::{Ended, Program},
};

impl Fetcher {
    /// Runs the action; with a sentence if it did not end well.
    pub(crate) async fn apply(&self, order: &Order, terms: &Terms) -> (Outcome, Option<String>) {
        let manifest = match self.kept_manifest(order, terms) {
            Ok(manifest) => manifest,
            Err(fault) => return (Outcome::default(), Some(sentence(fault))),
        };
        let folder = content_folder(&self.folder.work(order.id));
        let environment = environment(order);
        let program = |line, is_content| Program {
            line,
            folder: &folder,
            is_content,
            environment: &environment,
            time: manifest.timeout.into(),
        };
        let ended = match &manifest.action {
            Action::Store { path } => return self.store(&manifest, path.clone()).await,
            Action::Launch { command } => program(command, true).run().await,
            Action::Execute { command } => program(command, false).run().await,
            Action::Packages(set) => match transaction(set, &folder) {
                Some(line) => program(&line, false).run().await,
                None => {
                    return (
                        Outcome::default(),
                        Some("no tool does this in one transaction".to_owned()),
                    );
                }
            },
        };
        judge(ended, &manifest.success_codes)
    }

    async fn store(&self, manifest: &Manifest, path: String) -> (Outcome, Option<String>) {
        let (content, blobs) = (manifest.content.clone(), Arc::clone(&self.blobs));
        let began = Instant::now();
        let merged = spawn_blocking(move || merge(&content, &*blobs, path.as_ref(), &|_| {})).await;
        let fault = match merged {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(error) => Some(error.to_string()),
        };
        let duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let exit_code = fault.is_none().then_some(0);
        (
            Outcome {
                exit_code,
                output: String::new(),
                duration_ms,
                attempts: 1,
            },
            fault,
        )
    }
}

/// What a program of a bundle is told.
pub(crate) fn environment(order: &Order) -> [(&'static str, String); 3] {
    [
        ("ESCADRE_BUNDLE", order.bundle.name().to_owned()),
        ("ESCADRE_VERSION", order.bundle.version().to_owned()),
        ("ESCADRE_DELIVERY", order.id.to_string()),
    ]
}

fn judge(ended: Ended, success: &[i32]) -> (Outcome, Option<String>) {
    let fault = ended.fault.or_else(|| match ended.outcome.exit_code {
        Some(code) if success.contains(&code) => None,
        Some(code) => Some(format!("the action ended with exit code {code}")),
        None => Some("the action ended without exit code".to_owned()),
    });
    (ended.outcome, fault)
}

pub(crate) fn sentence(fault: Fault) -> String {
    match fault {
        Fault::Refused(refusal) => refusal.to_string(),
        Fault::Failed(message) | Fault::Passing(message) => message,
    }
}
