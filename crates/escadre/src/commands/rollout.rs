//! `escadre rollout` and `delivery`, with the progress bar of `--wait`.

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::Result;
use escadre_api::rollout::{Delivery, RolloutNew, RolloutPreview, RolloutSummary};
use escadre_model::{
    ByteCount,
    delivery::{DeliveryState, RolloutState},
};
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::Method;

use super::Session;
use crate::{
    cli,
    client::escape,
    render::{self, Column, Format},
};

const DELIVERY_COLUMNS: [Column; 7] = [
    ("HOST", "host"),
    ("BUNDLE", "bundle"),
    ("STATE", "state"),
    ("CODE", "ocs_code"),
    ("SINCE", "since"),
    ("ID", "id"),
    ("MESSAGE", "message"),
];

pub(super) async fn run(session: &Session, command: cli::Rollout) -> Result<ExitCode> {
    let Session { client, format } = session;
    match command {
        cli::Rollout::Create {
            bundle,
            to,
            except,
            not_before,
            expires,
            note,
            preview,
            wait,
        } => {
            let wanted = RolloutNew {
                bundle: bundle.parse()?,
                to,
                except,
                not_before,
                expires,
                note,
            };
            if preview {
                return show_preview(session, &wanted).await;
            }
            let rollout: RolloutSummary =
                client.send_json(Method::POST, "/rollouts", &wanted).await?;
            if wait {
                return follow(session, rollout).await;
            }
            if *format == Format::Table {
                let text = format!(
                    "{} goes to {} machine(s); follow it: escadre rollout wait {0}",
                    rollout.name, rollout.total
                );
                render::say(*format, text)?;
            } else {
                render::one(*format, &rollout)?;
            }
        }
        cli::Rollout::List => {
            let rollouts: Vec<RolloutSummary> = client.get("/rollouts").await?;
            let columns = [
                ("NAME", "name"),
                ("STATE", "state"),
                ("TO", "to"),
                ("TOTAL", "total"),
                ("COUNTS", "counts"),
                ("BY", "by"),
                ("CREATED", "created"),
                ("ID", "id"),
            ];
            render::list(*format, &rollouts, &columns)?;
        }
        cli::Rollout::Show { rollout } => {
            let rollout: RolloutSummary = find(session, &rollout).await?;
            let deliveries: Vec<Delivery> = client
                .get(&format!("/deliveries?rollout={}", rollout.id))
                .await?;
            if *format == Format::Json {
                let mut document = serde_json::to_value(&rollout)?;
                document["deliveries"] = serde_json::to_value(&deliveries)?;
                render::one(*format, &document)?;
            } else {
                render::one(*format, &rollout)?;
                render::say(*format, "")?;
                render::list(*format, &deliveries, &DELIVERY_COLUMNS)?;
            }
        }
        cli::Rollout::Wait { rollout } => {
            let rollout = find(session, &rollout).await?;
            return follow(session, rollout).await;
        }
        cli::Rollout::Pause { rollout } => change(session, &rollout, "pause").await?,
        cli::Rollout::Resume { rollout } => change(session, &rollout, "resume").await?,
        cli::Rollout::Abort { rollout } => change(session, &rollout, "abort").await?,
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn delivery(session: &Session, command: cli::Delivery) -> Result<()> {
    let Session { client, format } = session;
    match command {
        cli::Delivery::List {
            host,
            failed,
            limit,
        } => {
            let host = host
                .map(|host| format!("&host={}", escape(&host)))
                .unwrap_or_default();
            let path = format!("/deliveries?failed={failed}&limit={limit}{host}");
            render::list(
                *format,
                &client.get::<Vec<Delivery>>(&path).await?,
                &DELIVERY_COLUMNS,
            )
        }
        cli::Delivery::Show { id } => render::one(
            *format,
            &client
                .get::<Delivery>(&format!("/deliveries/{}", escape(&id)))
                .await?,
        ),
    }
}

async fn find(session: &Session, name: &str) -> Result<RolloutSummary> {
    session
        .client
        .get(&format!("/rollouts/{}", escape(name)))
        .await
}

async fn change(session: &Session, name: &str, verb: &str) -> Result<()> {
    let rollout = find(session, name).await?;
    let rollout: RolloutSummary = session
        .client
        .post(&format!("/rollouts/{}/{verb}", rollout.id))
        .await?;
    match session.format {
        Format::Table => render::say(
            session.format,
            format!("{} is {}", rollout.name, rollout.state.word()),
        ),
        format => render::one(format, &rollout),
    }
}

async fn show_preview(session: &Session, wanted: &RolloutNew) -> Result<ExitCode> {
    let preview: RolloutPreview = session
        .client
        .send_json(Method::POST, "/rollouts/preview", wanted)
        .await?;
    if session.format != Format::Table {
        render::one(session.format, &preview)?;
        return Ok(ExitCode::SUCCESS);
    }
    let size = ByteCount(preview.bytes_per_host);
    render::say(
        session.format,
        format!(
            "{} machines would get it, at most {size} each:",
            preview.included.len()
        ),
    )?;
    for name in &preview.included {
        render::say(session.format, format!("  {name}"))?;
    }
    for host in &preview.excluded {
        render::say(
            session.format,
            format!("not {}: {}", host.name, host.reason),
        )?;
    }
    render::say(
        session.format,
        format!(
            "{} machines are not named by the query",
            preview.not_matched.len()
        ),
    )?;
    Ok(ExitCode::SUCCESS)
}

/// Shows a rollout until it ends. Success only if every delivery succeeded.
async fn follow(session: &Session, mut rollout: RolloutSummary) -> Result<ExitCode> {
    let bar = match session.format {
        Format::Table => ProgressBar::new(u64::from(rollout.total)),
        _ => ProgressBar::hidden(),
    };
    bar.set_style(
        ProgressStyle::with_template("{prefix} {bar:30} {pos}/{len}  {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    bar.set_prefix(rollout.name.clone());
    let began = (Instant::now(), rollout.have);
    let path = format!("/rollouts/{}", rollout.id);
    let mut told = String::new();
    while !matches!(
        rollout.state,
        RolloutState::Finished | RolloutState::Aborted
    ) {
        let line = progress_line(&rollout, began);
        bar.set_position(finished(&rollout));
        bar.set_message(line.clone());
        if bar.is_hidden() && session.format == Format::Table && line != told {
            render::say(session.format, format!("{}: {line}", rollout.name))?;
            told = line;
        }
        tokio::time::sleep(Duration::from_millis(400)).await;
        rollout = session.client.get(&path).await?;
    }
    bar.finish_and_clear();
    let failed = DeliveryState::ALL
        .iter()
        .filter(|state| state.is_final() && **state != DeliveryState::Succeeded)
        .filter_map(|state| rollout.counts.get(state.word()))
        .sum::<u32>();
    if session.format == Format::Table {
        render::say(
            session.format,
            format!(
                "{} is {}: {}",
                rollout.name,
                rollout.state.word(),
                counts(&rollout)
            ),
        )?;
        if failed > 0 {
            let deliveries: Vec<Delivery> = session
                .client
                .get(&format!("/deliveries?rollout={}", rollout.id))
                .await?;
            let bad: Vec<Delivery> = deliveries
                .into_iter()
                .filter(|d| d.state != DeliveryState::Succeeded)
                .take(20)
                .collect();
            render::list(session.format, &bad, &DELIVERY_COLUMNS)?;
        }
    } else {
        render::one(session.format, &rollout)?;
    }
    Ok(if failed == 0 && rollout.state == RolloutState::Finished {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn finished(rollout: &RolloutSummary) -> u64 {
    let of = |state: &DeliveryState| rollout.counts.get(state.word()).copied().unwrap_or(0);
    DeliveryState::ALL
        .iter()
        .filter(|state| state.is_final())
        .map(|state| u64::from(of(state)))
        .sum()
}

fn counts(rollout: &RolloutSummary) -> String {
    let shown: Vec<String> = DeliveryState::ALL
        .iter()
        .filter_map(|state| Some((state.word(), *rollout.counts.get(state.word())?)))
        .filter(|(_, count)| *count > 0)
        .map(|(word, count)| format!("{count} {word}"))
        .collect();
    shown.join(", ")
}

/// Counts per state, then bytes, rate and time left while content is on its way.
fn progress_line(rollout: &RolloutSummary, (began, had): (Instant, u64)) -> String {
    let mut line = counts(rollout);
    if rollout.state != RolloutState::Running {
        line = format!("{} {} {line}", rollout.state.word(), rollout.reason);
    }
    let seconds = began.elapsed().as_secs_f64();
    if rollout.have < rollout.wanted && rollout.have > had && seconds > 0.5 {
        let rate = (rollout.have - had) as f64 / seconds;
        let left = (rollout.wanted - rollout.have) as f64 / rate;
        line.push_str(&format_rate(rollout, rate, left));
    }
    line
}

fn format_rate(rollout: &RolloutSummary, rate: f64, left: f64) -> String {
    let (have, wanted) = (ByteCount(rollout.have), ByteCount(rollout.wanted));
    format!(
        "  {have} of {wanted}, {}/s, {left:.0} s left",
        ByteCount(rate as u64)
    )
}
