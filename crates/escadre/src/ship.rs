//! `escadre bundle` and `publisher`: what happens on the operator's machine, with the operator's key.
//!
//! The server never sees the key: this side reads the current trust metadata, believes it only as far as the key's own
//! memory goes, and gives signed bytes back.

mod create;
mod key;
mod proposal;
mod upload;

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context, Result};
use bytes::Bytes;
use escadre_api::bundle::{BundleDetail, BundleSummary, BundleVerification, BundleWithdraw};
use escadre_model::BundleRef;
use escadre_trust::{Lifetimes, Publisher};
use jiff::Timestamp;
use reqwest::Method;

use proposal::Proposal;

pub(crate) use create::{cut, publish};
pub(crate) use key::{open as open_key, publisher};

use crate::{
    cli::Bundle,
    client::{Client, escape},
    commands::Session,
    render,
};

/// `escadre bundle`.
pub(crate) async fn bundle(session: &Session, command: Bundle) -> Result<ExitCode> {
    let Session { client, format } = session;
    match command {
        Bundle::Create(options) => {
            let made = create::create(session, &options).await?;
            render::one(*format, &made.summary)?;
        }
        Bundle::List => {
            let bundles: Vec<BundleSummary> = client.get("/bundles").await?;
            let columns = [
                ("NAME", "name"),
                ("STATUS", "status"),
                ("ACTION", "action"),
                ("SIZE", "size"),
                ("STORED", "stored"),
                ("FILES", "files"),
                ("IN USE", "in_use"),
                ("CREATED", "created"),
            ];
            render::list(*format, &bundles, &columns)?;
        }
        Bundle::Show { bundle } => {
            let detail: BundleDetail = client.get(&path(&bundle.parse()?)).await?;
            render::one(*format, &detail)?;
        }
        Bundle::Verify { bundle } => {
            let path = format!("{}/verify", path(&bundle.parse()?));
            let verification: BundleVerification = client.post(&path).await?;
            render::one(*format, &verification)?;
            return Ok(if verification.good {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            });
        }
        Bundle::Sign { bundle, key } => {
            let bundle: BundleRef = bundle.parse()?;
            let publisher = key::open(&key)?;
            let detail: BundleDetail = client.get(&path(&bundle)).await?;
            let manifest = serde_json::from_value::<escadre_bundle::Manifest>(detail.manifest)
                .context("the server's manifest is not one that agents would accept")?
                .to_bytes()?;
            let targets = sign_target(client, &publisher, &bundle, &manifest).await?;
            client
                .put_bytes("/trust/targets.json", targets.into())
                .await?;
            render::say(
                *format,
                format!("{bundle} is signed; agents accept it from now on"),
            )?;
        }
        Bundle::Rm { bundle, key } => {
            remove(session, &bundle.parse()?, &key).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn remove(
    session: &Session,
    bundle: &BundleRef,
    key: &crate::cli::PublisherKey,
) -> Result<()> {
    let Session { client, format } = session;
    let detail: BundleDetail = client.get(&path(bundle)).await?;
    let targets = match detail.summary.status {
        escadre_api::bundle::BundleStatus::Unsigned => None,
        escadre_api::bundle::BundleStatus::Signed => {
            let publisher = key::open(key)?;
            let (root, list) = trust(client).await?;
            let now = Timestamp::now();
            let lifetimes = Lifetimes::default();
            let next = publisher.remove_target((&root, &list), bundle, &lifetimes, now)?;
            Some(String::from_utf8(next).context("trust metadata is text")?)
        }
    };
    client
        .act_with(Method::DELETE, &path(bundle), &BundleWithdraw { targets })
        .await?;
    render::say(
        *format,
        format!("{bundle} is withdrawn: no machine takes it from now on"),
    )
}

/// The publisher's next list of bundles, with this one in it.
async fn sign_target(
    client: &Client,
    publisher: &Publisher,
    bundle: &BundleRef,
    manifest: &[u8],
) -> Result<Vec<u8>> {
    let (root, list) = trust(client).await?;
    let lifetimes = Lifetimes::default();
    publisher
        .add_target(
            (&root, &list),
            bundle,
            manifest,
            &lifetimes,
            Timestamp::now(),
        )
        .with_context(|| format!("this publisher's key cannot sign {bundle}"))
}

/// The current root and list as the server has them. Not believed here: the publisher's folder knows better.
async fn trust(client: &Client) -> Result<(Bytes, Bytes)> {
    Ok((
        client.get_bytes("/trust/root.json").await?,
        client.get_bytes("/trust/targets.json").await?,
    ))
}

/// Where a list goes that wants another publisher's signature.
fn proposal_file(bundle: &BundleRef) -> PathBuf {
    PathBuf::from(format!(
        "{}-{}.proposal.json",
        bundle.name(),
        bundle.version()
    ))
}

fn path(bundle: &BundleRef) -> String {
    format!(
        "/bundles/{}/{}",
        escape(bundle.name()),
        escape(bundle.version())
    )
}
