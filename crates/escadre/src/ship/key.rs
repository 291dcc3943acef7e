//! The publisher's key: where it lies, its passphrase, `escadre publisher`.

use std::{fs, path::Path};

use anyhow::{Context, Result, bail};
use escadre_trust::{Fingerprint, Publisher, SecretString, metadata::RootSummary};
use serde::Serialize;

use super::{proposal, trust};
use crate::{
    cli::{self, PublisherKey},
    commands::Session,
    render,
};

/// Opens the key; asks for its passphrase on the terminal when it wants one.
pub(crate) fn open(options: &PublisherKey) -> Result<Publisher> {
    let folder = options.folder();
    if !Publisher::exists(&folder) {
        bail!(
            "there is no publisher's key in {}; name its folder with --publisher-key, or make one with `escadre publisher init`",
            folder.display()
        );
    }
    let passphrase = match Publisher::is_locked(&folder)? {
        true => Some(passphrase(options, "Passphrase of the publisher's key: ")?),
        false => None,
    };
    Ok(Publisher::open(&folder, passphrase.as_ref())?)
}

fn passphrase(options: &PublisherKey, prompt: &str) -> Result<SecretString> {
    let text = match &options.passphrase_file {
        Some(file) => {
            fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?
        }
        None => rpassword::prompt_password(prompt)
            .context("cannot ask for the passphrase; use --passphrase-file")?,
    };
    Ok(SecretString::new(text.trim_end_matches(['\n', '\r'])))
}

fn new_passphrase(options: &PublisherKey) -> Result<SecretString> {
    let first = passphrase(options, "New passphrase: ")?;
    if first.expose().chars().count() < 12 {
        bail!("a passphrase wants 12 characters or more; nothing was changed");
    }
    if options.passphrase_file.is_none()
        && passphrase(options, "Again: ")?.expose() != first.expose()
    {
        bail!("the two passphrases differ; nothing was changed");
    }
    Ok(first)
}

/// What `publisher show` tells.
#[derive(Serialize)]
struct Shown {
    folder: String,
    public_key: String,
    locked: bool,
    trusted: bool,
    root_fingerprint: String,
    root_version: u64,
    root_expires: String,
    publishers: Vec<String>,
    threshold: u64,
}

/// `escadre publisher`.
pub(crate) async fn publisher(session: &Session, command: cli::Publisher) -> Result<()> {
    match command {
        cli::Publisher::Show { key } => show(session, &key).await,
        cli::Publisher::Init { key, passphrase } => {
            let folder = key.folder();
            let passphrase = passphrase.then(|| new_passphrase(&key)).transpose()?;
            let publisher = Publisher::create(&folder, passphrase.as_ref())?;
            say_made(session, &folder, &publisher)
        }
        cli::Publisher::Pin { key, fingerprint } => {
            let publisher = open(&key)?;
            let fingerprint: Fingerprint = fingerprint.parse().context("that is no fingerprint")?;
            let (root, _) = trust(&session.client).await?;
            publisher.pin_root(&root, &fingerprint)?;
            render::say(session.format, "this key follows that root from now on")
        }
        cli::Publisher::Change(wish) => proposal::change(session, &open(&wish.key)?, &wish).await,
        cli::Publisher::Sign { file, key } => proposal::sign(session, &open(&key)?, &file).await,
        cli::Publisher::Renew { key } => proposal::renew(session, &open(&key)?).await,
    }
}

fn say_made(session: &Session, folder: &Path, publisher: &Publisher) -> Result<()> {
    let text = format!(
        "A publisher's key lies in {}.\nIts public key: {}\nIt signs nothing until the trusted root names it.",
        folder.display(),
        publisher.public_key()
    );
    render::say(session.format, text)
}

async fn show(session: &Session, key: &PublisherKey) -> Result<()> {
    let folder = key.folder();
    let public_key = Publisher::public_key_in(&folder)
        .with_context(|| format!("there is no publisher's key in {}", folder.display()))?;
    let (root, _) = trust(&session.client).await?;
    let summary = RootSummary::read(&root)?;
    let shown = Shown {
        folder: folder.display().to_string(),
        public_key: public_key.to_string(),
        locked: Publisher::is_locked(&folder)?,
        trusted: summary.publishers.contains(&public_key),
        root_fingerprint: Fingerprint::of(&root).to_string(),
        root_version: summary.version,
        root_expires: summary.expires.to_string(),
        publishers: summary.publishers.iter().map(ToString::to_string).collect(),
        threshold: summary.threshold,
    };
    render::one(session.format, &shown)
}
