//! `escadre bundle create`: a folder or an archive becomes a signed bundle on the server.

use anyhow::{Context, Result, bail};
use escadre_api::bundle::{BundleDetail, BundlePublish};
use escadre_blobs::PackOptions;
use escadre_bundle::{Action, Command, Content, Manifest, Seconds};
use escadre_model::{BundleRef, query::Query};
use escadre_trust::Publisher;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;

use super::{Proposal, key, path, proposal_file, sign_target, upload};
use crate::{cli::BundleCreate, commands::Session, render::Format};

/// Cuts, sends, signs and publishes.
pub(super) async fn create(session: &Session, options: &BundleCreate) -> Result<BundleDetail> {
    let bundle = BundleRef::new(&options.name, &options.version)?;
    let action = action(options)?;
    // The key first: nobody wants to learn after a gigabyte that it is not there.
    let publisher = key::open(&options.key)?;
    let content = match &options.content {
        Some(source) => cut(session, source).await?,
        None if matches!(action, Action::Execute { .. }) => Content::default(),
        None => bail!("name the folder or archive that the bundle is made of"),
    };
    publish(
        session,
        &publisher,
        &manifest(bundle, content, action, options)?,
    )
    .await
}

/// Signs a manifest whose chunks the server has, and makes it known.
pub(crate) async fn publish(
    session: &Session,
    publisher: &Publisher,
    manifest: &Manifest,
) -> Result<BundleDetail> {
    let bytes = manifest
        .to_bytes()
        .context("no agent would accept this bundle")?;
    let targets = sign_target(&session.client, publisher, &manifest.bundle, &bytes).await?;
    // The content and its manifest first, then the signature: with a threshold, another publisher may have to follow.
    let publish = BundlePublish {
        manifest: String::from_utf8(bytes).context("a manifest is text")?,
        targets: None,
    };
    let unsigned: BundleDetail = session
        .client
        .send_json(Method::POST, "/bundles", &publish)
        .await?;
    match Proposal::of_targets(targets)?
        .conclude(session, &proposal_file(&manifest.bundle))
        .await?
    {
        true => session.client.get(&path(&manifest.bundle)).await,
        false => Ok(unsigned),
    }
}

fn action(options: &BundleCreate) -> Result<Action> {
    let command = |line: &String| match options.shell {
        true => Ok(Command::Shell(line.clone())),
        false => Command::from_line(line).with_context(|| format!("`{line}` is no command")),
    };
    Ok(match (&options.launch, &options.execute, &options.store) {
        (Some(line), None, None) => Action::Launch {
            command: command(line)?,
        },
        (None, Some(line), None) => Action::Execute {
            command: command(line)?,
        },
        (None, None, Some(path)) => Action::Store {
            path: path
                .to_str()
                .context("--store wants plain text")?
                .to_owned(),
        },
        _ => bail!("say what the bundle does: --launch COMMAND, --execute COMMAND or --store PATH"),
    })
}

fn manifest(
    bundle: BundleRef,
    mut content: Content,
    action: Action,
    options: &BundleCreate,
) -> Result<Manifest> {
    if let Action::Launch {
        command: Command::Argv(words),
    } = &action
    {
        let program = words
            .first()
            .context("--launch wants a program")?
            .parse()
            .context("--launch")?;
        content.make_executable(&program);
    }
    let now = Timestamp::now();
    let mut manifest = Manifest::new(bundle, now, content, action);
    manifest.description = options.description.clone();
    manifest.conditions.target = Query::parse(&options.target)?;
    manifest.repeatable = options.repeatable;
    manifest.allow_downgrade = options.allow_downgrade;
    manifest.timeout = Seconds(u32::try_from(options.timeout).context("--timeout is too long")?);
    manifest.success_codes = options.success.clone();
    manifest.success_codes.sort_unstable();
    manifest.success_codes.dedup();
    manifest.expires = match options.expires {
        Some(seconds) => Some(
            now.checked_add(SignedDuration::from_secs(i64::try_from(seconds)?))
                .context("--expires")?,
        ),
        None => None,
    };
    Ok(manifest)
}

/// Cuts the source into chunks and sends those that the server lacks, with a progress bar.
pub(crate) async fn cut(session: &Session, source: &std::path::Path) -> Result<Content> {
    let bar = if session.format == Format::Table {
        ProgressBar::new(0)
    } else {
        ProgressBar::hidden()
    };
    let style = "{bar:30} {bytes}/{total_bytes}  {bytes_per_sec}, {eta} left";
    bar.set_style(
        ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    let (sink, source, shown) = (
        upload::ServerSink::new(session.client.clone()),
        source.to_owned(),
        bar.clone(),
    );
    let packed = tokio::task::spawn_blocking(move || {
        let told = escadre_blobs::pack(&source, &sink, &PackOptions::default(), &|progress| {
            shown.set_length(progress.total);
            shown.set_position(progress.done);
        });
        told.map_err(|error| sink.failure().unwrap_or_else(|| error.into()))
    })
    .await
    .context("cutting the content was interrupted")?;
    bar.finish_and_clear();
    Ok(packed?.content)
}
