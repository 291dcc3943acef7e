//! `escadre rules`: what is wrong in selection rules, and other people's rules as a profile of ours.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result, bail};
use escadre_catalog::synthesis;
use escadre_model::{Problem, problem::Severity};
use escadre_select::{
    compss::{self, Circumstances, Group},
    lint::{self, Source},
    product,
    profile::{Profile, ProfileError, import},
    rpmsrate,
};

use super::replay::plain;
use crate::{
    cli::{Rules, RulesImport, RulesLint},
    render::{self, Format},
};

/// Runs a command about rules.
pub(crate) fn rules(command: Rules, format: Format) -> Result<ExitCode> {
    match command {
        Rules::Lint(options) => lint(&options, format),
        Rules::Import(options) => import(&options),
    }
}

/// All findings, and 0, 1 or 2 by the worst.
fn lint(options: &RulesLint, format: Format) -> Result<ExitCode> {
    let content = read(&options.file)?;
    let groups = options.groups.as_deref().map(read).transpose()?;
    let media: Vec<(String, Vec<u8>)> = options
        .media
        .iter()
        .map(|path| Ok((path.display().to_string(), read(path)?)))
        .collect::<Result<_>>()?;
    let name = options.file.display().to_string();
    let problems = if is_profile(&options.file) {
        lint_profile(&name, &String::from_utf8_lossy(&content), &media)
    } else {
        let source = |file, content| Source { file, content };
        let groups_file = options.groups.as_deref().unwrap_or(Path::new(""));
        let groups_name = groups_file.display().to_string();
        let media: Vec<Source<'_>> = media
            .iter()
            .map(|(file, text)| source(file, text))
            .collect();
        let groups = groups.as_deref().map(|text| source(&groups_name, text));
        lint::lint(source(&name, &content), groups, &media)
    };
    show(&problems, format)?;
    let worst = problems.iter().map(|problem| problem.severity).max();
    Ok(ExitCode::from(match worst {
        None => 0,
        Some(Severity::Warning) => 1,
        Some(Severity::Error) => 2,
    }))
}

fn is_profile(file: &Path) -> bool {
    file.extension().is_some_and(|ending| ending == "toml")
}

/// A profile of ours: whether it can be read, what is doubtful, and packages that no medium has.
fn lint_profile(file: &str, text: &str, media: &[(String, Vec<u8>)]) -> Vec<Problem> {
    let profile = match Profile::parse(text) {
        Ok(profile) => profile,
        Err(error) => return vec![unreadable(file, text, &error)],
    };
    let mut problems = profile.problems(file);
    let mut names = std::collections::BTreeSet::new();
    for (medium, content) in media {
        let read = synthesis::parse(medium, content);
        problems.extend(read.problems);
        names.extend(read.packages.into_iter().map(|package| package.name));
    }
    let lines = profile.lines.iter().copied().chain(std::iter::repeat(0));
    let rated = profile.package.iter().map(|rule| &rule.name).zip(lines);
    let firm = profile
        .base
        .iter()
        .chain(&profile.always)
        .zip(std::iter::repeat(0));
    for (name, line) in firm.chain(rated) {
        if !media.is_empty() && !names.contains(name) {
            let message = format!("unknown package `{name}`");
            let code = "profile.unknown-package";
            problems.push(Problem::new(Severity::Warning, file, line, code, message));
        }
    }
    problems.sort_by(|a, b| (&a.file, a.line, &a.code).cmp(&(&b.file, b.line, &b.code)));
    problems
}

/// Where a profile stops being one.
fn unreadable(file: &str, text: &str, error: &ProfileError) -> Problem {
    let (line, message) = match error {
        ProfileError::Read(error) => {
            let start = error.span().map_or(0, |span| span.start).min(text.len());
            let before = text.as_bytes().get(..start).unwrap_or_default();
            let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
            (u32::try_from(line).unwrap_or(0), error.message().to_owned())
        }
        ProfileError::Write(error) => (0, error.to_string()),
    };
    Problem::new(Severity::Error, file, line, "profile.syntax", message)
}

fn show(problems: &[Problem], format: Format) -> Result<()> {
    if format != Format::Table {
        let columns = [
            ("FILE", "file"),
            ("LINE", "line"),
            ("SEVERITY", "severity"),
            ("CODE", "code"),
            ("MESSAGE", "message"),
        ];
        return render::list(format, problems, &columns);
    }
    let mut out = io::stdout().lock();
    for problem in problems {
        writeln!(out, "{}", safe(&problem.to_string()))?;
    }
    let errors = problems
        .iter()
        .filter(|p| p.severity == Severity::Error)
        .count();
    writeln!(out, "{errors} errors, {} warnings", problems.len() - errors)?;
    Ok(())
}

/// Foreign text for a terminal: no control character but the line end.
pub(super) fn safe(text: &str) -> String {
    let mask = |c: char| if c.is_control() && c != '\n' { ' ' } else { c };
    text.chars().map(mask).collect()
}

/// A rate file and its groups as a profile; what could not come along is told on standard error.
fn import(options: &RulesImport) -> Result<ExitCode> {
    let edition = options.edition.clone().unwrap_or_default();
    if !edition.is_empty() && !product::CLASSES.contains(&edition.as_str()) {
        let known = product::CLASSES.join(", ");
        bail!("there is no edition `{edition}`; the groups know {known}");
    }
    let file = options.file.display().to_string();
    let text = String::from_utf8_lossy(&read(&options.file)?).into_owned();
    let (rates, fatal) = rpmsrate::parse(&file, &text);
    if let Some(error) = fatal {
        bail!("{file} is not usable: {error}; `escadre rules lint {file}` tells all of it");
    }
    let (groups, mut report) = match &options.groups {
        Some(path) => groups(path, &edition)?,
        None => (Vec::new(), Vec::new()),
    };
    let name = options.name.clone().unwrap_or_else(|| stem(&options.file));
    let mut imported = import::rate_file(&name, &rates, &groups);
    imported.profile.edition = edition;
    report.extend(imported.report);
    let written = imported.profile.write()?;
    match &options.out {
        Some(path) => {
            fs::write(path, written).with_context(|| format!("cannot write {}", path.display()))?
        }
        None => io::stdout().lock().write_all(written.as_bytes())?,
    }
    let mut err = io::stderr().lock();
    for problem in &report {
        writeln!(err, "{}", safe(&problem.to_string()))?;
    }
    let (packages, groups) = (imported.profile.package.len(), imported.profile.group.len());
    let left = report.len();
    writeln!(
        err,
        "{packages} packages and {groups} groups imported, {left} remarks"
    )?;
    Ok(ExitCode::SUCCESS)
}

fn groups(path: &PathBuf, edition: &str) -> Result<(Vec<Group>, Vec<Problem>)> {
    let about = Circumstances {
        meta_class: edition.to_owned(),
        ..Circumstances::default()
    };
    let text = String::from_utf8_lossy(&read(path)?).into_owned();
    let read = compss::parse(&path.display().to_string(), &text, &about);
    let said: Vec<String> = read.problems.iter().map(ToString::to_string).collect();
    let groups = read.groups.with_context(|| {
        format!(
            "{} is no group file:{}",
            path.display(),
            safe(&said.join("\n"))
        )
    })?;
    Ok((groups, read.problems))
}

fn stem(path: &Path) -> String {
    let stem = path.file_stem().map(|stem| stem.to_string_lossy());
    stem.map_or_else(|| "imported".to_owned(), |stem| stem.into_owned())
}

fn read(path: impl AsRef<Path>) -> Result<Vec<u8>> {
    let path = path.as_ref();
    plain(path).with_context(|| format!("cannot read {}", path.display()))
}
