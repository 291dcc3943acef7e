//! `escadre healthcheck`: all findings at once; the exit code is the worst of them.

use std::process::ExitCode;

use anyhow::Result;
use escadre_api::health::{Finding, FindingLevel};

use super::Session;
use crate::render::{self, Format};

pub(super) async fn run(session: &Session) -> Result<ExitCode> {
    let findings: Vec<Finding> = session.client.get("/healthcheck").await?;
    if session.format == Format::Table {
        for finding in &findings {
            let word = match finding.level {
                FindingLevel::Fine => "fine    ",
                FindingLevel::Warning => "WARNING ",
                FindingLevel::Critical => "CRITICAL",
            };
            render::say(
                session.format,
                format!("{word}  {}  [{}]", finding.message, finding.name),
            )?;
            if !finding.remedy.is_empty() {
                render::say(session.format, format!("          → {}", finding.remedy))?;
            }
        }
    } else {
        let columns = [
            ("NAME", "name"),
            ("LEVEL", "level"),
            ("MESSAGE", "message"),
            ("REMEDY", "remedy"),
        ];
        render::list(session.format, &findings, &columns)?;
    }
    Ok(match findings.iter().map(|finding| finding.level).max() {
        Some(FindingLevel::Critical) => ExitCode::from(2),
        Some(FindingLevel::Warning) => ExitCode::from(1),
        _ => ExitCode::SUCCESS,
    })
}
