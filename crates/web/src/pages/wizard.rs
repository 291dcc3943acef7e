//! A new rollout in four steps: what, who, when, review. All that was chosen is in the address, so that a half-filled
//! wizard can be sent to somebody, and *back* is the browser's.

use askama::Template;
use axum::{
    Router,
    extract::{Query as FromQuery, State},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use escadre_api::{
    ApiError, ErrorKind,
    bundle::{BundleStatus, BundleSummary},
    rollout::{RolloutNew, RolloutPreview},
};
use escadre_model::{BundleRef, Timestamp};
use jiff::{civil::DateTime, tz::TimeZone};

use super::{
    account::refusal,
    form::{Fields, Posted},
    hosts::WrongQuery,
    page::{Page, Visit},
    render,
};
use crate::{app::App, link::with_query, rest::Refused};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/rollouts/new", get(show).post(create))
}

/// Names that a preview lists before it says how many more there are.
const SHOWN: usize = 200;

const STEPS: [&str; 4] = ["what", "who", "when", "review"];

/// What was chosen so far, as text.
#[derive(Debug, Default, Clone)]
struct Choice {
    bundle: String,
    to: String,
    /// The query box was sent at least once: an empty query is then meant, not missing.
    asked: bool,
    except: Vec<String>,
    not_before: String,
    expires: String,
    note: String,
}

impl Choice {
    fn read(fields: &Fields) -> Self {
        let mut except = fields.all("except");
        except.retain(|name| !name.is_empty());
        except.sort();
        except.dedup();
        Self {
            bundle: fields.get("bundle").to_owned(),
            to: fields.get("to").to_owned(),
            asked: !fields.get("asked").is_empty(),
            except,
            not_before: fields.get("not_before").to_owned(),
            expires: fields.get("expires").to_owned(),
            note: fields.get("note").to_owned(),
        }
    }

    fn rollout(&self, zone: &TimeZone) -> Result<RolloutNew, ApiError> {
        let bundle: BundleRef =
            self.bundle
                .parse()
                .map_err(|error: escadre_model::id::IdError| {
                    ApiError::invalid("bundle.name", error.to_string())
                })?;
        Ok(RolloutNew {
            bundle,
            to: self.to.clone(),
            except: self.except.clone(),
            not_before: time(&self.not_before, zone)?,
            expires: time(&self.expires, zone)?,
            note: self.note.clone(),
        })
    }

    /// The same choice with other exceptions.
    fn but(&self, except: Vec<String>) -> Self {
        Self {
            except,
            ..self.clone()
        }
    }

    /// The address of a step with all that was chosen.
    fn address(&self, step: &str) -> String {
        let mut pairs = vec![
            ("step", step),
            ("bundle", self.bundle.as_str()),
            ("to", &self.to),
            ("asked", if self.asked { "yes" } else { "" }),
            ("not_before", &self.not_before),
            ("expires", &self.expires),
            ("note", &self.note),
        ];
        pairs.extend(self.except.iter().map(|name| ("except", name.as_str())));
        with_query("/rollouts/new", &pairs)
    }
}

/// What `datetime-local` sends, in the zone of the pages.
fn time(text: &str, zone: &TimeZone) -> Result<Option<Timestamp>, ApiError> {
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = |error: jiff::Error| {
        ApiError::invalid("request.time", format!("`{text}` is no time: {error}"))
    };
    let local: DateTime = text.parse().map_err(wrong)?;
    let zoned = local.to_zoned(zone.clone()).map_err(wrong)?;
    Ok(Some(zoned.timestamp()))
}

#[derive(Template)]
#[template(path = "wizard.html")]
struct View {
    page: Page,
    step: &'static str,
    choice: Choice,
    bundles: Vec<BundleSummary>,
    preview: Option<RolloutPreview>,
    wrong: Option<WrongQuery>,
    error: Option<String>,
    not_before: Option<Timestamp>,
    expires: Option<Timestamp>,
}

impl View {
    fn steps(&self) -> [&'static str; 4] {
        STEPS
    }

    fn is_past(&self, step: &str) -> bool {
        let place = |wanted: &str| STEPS.iter().position(|known| *known == wanted);
        place(step) < place(self.step)
    }

    fn address(&self, step: &str) -> String {
        self.choice.address(step)
    }

    fn chosen(&self) -> Option<&BundleSummary> {
        let wanted = &self.choice.bundle;
        self.bundles
            .iter()
            .find(|bundle| bundle.name.to_string() == *wanted)
    }

    fn is_chosen(&self, bundle: &BundleSummary) -> bool {
        bundle.name.to_string() == self.choice.bundle
    }

    fn signed(&self) -> Vec<&BundleSummary> {
        let signed = |bundle: &&BundleSummary| bundle.status == BundleStatus::Signed;
        self.bundles.iter().filter(signed).collect()
    }

    /// Bytes for all hosts if none has anything of it.
    fn at_most(&self) -> u64 {
        self.preview.as_ref().map_or(0, |preview| {
            preview
                .bytes_per_host
                .saturating_mul(preview.included.len() as u64)
        })
    }

    fn nobody(&self) -> bool {
        let preview = self.preview.as_ref();
        preview.is_some_and(|preview| preview.included.is_empty())
    }

    /// The address of the preview without this host.
    fn without(&self, name: &str) -> String {
        let mut except = self.choice.except.clone();
        except.push(name.to_owned());
        self.choice.but(except).address("who")
    }

    /// The address of the preview with this host again.
    fn with(&self, name: &str) -> String {
        let mut except = self.choice.except.clone();
        except.retain(|known| known != name);
        self.choice.but(except).address("who")
    }

    /// As many names as a person reads.
    fn shown<'a, T>(&self, names: &'a [T]) -> &'a [T] {
        &names[..names.len().min(SHOWN)]
    }

    /// How many more there are.
    fn more<T>(&self, names: &[T]) -> Option<usize> {
        names.len().checked_sub(SHOWN).filter(|more| *more > 0)
    }

    fn excluded_word(&self, code: &str, reason: &str) -> String {
        let key = format!("excluded-{}", code.replace('_', "-"));
        if self.page.words.has(&key) {
            self.page.say(&key).into_owned()
        } else {
            reason.to_owned()
        }
    }
}

async fn show(
    State(app): State<App>,
    visit: Visit,
    FromQuery(fields): FromQuery<Vec<(String, String)>>,
) -> Result<Response, Refused> {
    let fields = Fields::from(fields);
    let asked = fields.get("step");
    let step = STEPS.into_iter().find(|step| *step == asked);
    view(
        &app,
        visit,
        Choice::read(&fields),
        step.unwrap_or("what"),
        None,
    )
    .await
}

async fn view(
    app: &App,
    visit: Visit,
    choice: Choice,
    step: &'static str,
    refused: Option<ApiError>,
) -> Result<Response, Refused> {
    let (actor, mut page) = (visit.actor, visit.page);
    page.titled(page.say("wizard-title"), "wizard");
    if !choice.asked {
        page.command(&["rollout", "create", "NAME@VERSION", "--to", "QUERY"]);
    }
    let bundles = app.operations().bundles(&actor).await?;
    let step = if choice.bundle.is_empty() {
        "what"
    } else {
        step
    };
    let mut wrong = WrongQuery::find(&choice.to);
    let mut error = refused.map(|error| refusal(&page, &error));
    let mut preview = None;
    let (mut not_before, mut expires) = (None, None);
    if choice.asked && wrong.is_none() {
        let previewed = match choice.rollout(&page.zone) {
            Ok(rollout) => {
                (not_before, expires) = (rollout.not_before, rollout.expires);
                tell(&mut page, &rollout);
                app.operations().rollout_preview(&actor, rollout).await
            }
            Err(error) => Err(error),
        };
        match previewed {
            Ok(found) => preview = Some(found),
            Err(problem) if problem.kind == ErrorKind::Internal => return Err(problem.into()),
            Err(problem) if problem.code.starts_with("query") => {
                wrong = Some(WrongQuery {
                    column: 0,
                    message: problem.message,
                    marked: choice.to.clone(),
                });
            }
            Err(problem) => error = error.or(Some(refusal(&page, &problem))),
        }
    }
    Ok(render(&View {
        page,
        step,
        choice,
        bundles,
        preview,
        wrong,
        error,
        not_before,
        expires,
    }))
}

/// The command and the call that do the same.
fn tell(page: &mut Page, rollout: &RolloutNew) {
    let bundle = rollout.bundle.to_string();
    let times = [
        ("--not-before", rollout.not_before),
        ("--expires", rollout.expires),
    ];
    let times: Vec<(&str, String)> = times
        .into_iter()
        .filter_map(|(option, at)| Some((option, at?.to_string())))
        .collect();
    let mut words = vec!["rollout", "create", &bundle, "--to", &rollout.to];
    for name in &rollout.except {
        words.extend(["--except", name]);
    }
    for (option, at) in &times {
        words.extend([*option, at.as_str()]);
    }
    if !rollout.note.is_empty() {
        words.extend(["--note", &rollout.note]);
    }
    page.command(&words);
    let body = serde_json::json!(rollout);
    page.call_with("POST", "/rollouts", &[], Some(&body));
}

async fn create(
    State(app): State<App>,
    visit: Visit,
    Posted(fields): Posted,
) -> Result<Response, Refused> {
    let mut choice = Choice::read(&fields);
    choice.asked = true;
    let made = match choice.rollout(&visit.page.zone) {
        Ok(rollout) => app.operations().rollout_create(&visit.actor, rollout).await,
        Err(error) => Err(error),
    };
    match made {
        Ok(rollout) => {
            // On this face: browsers follow no redirect of a form to another port (`form-action 'self'`).
            Ok(Redirect::to(&format!("/rollouts/{}", rollout.id)).into_response())
        }
        Err(error) if matches!(error.kind, ErrorKind::Internal | ErrorKind::Forbidden) => {
            Err(error.into())
        }
        Err(error) => view(&app, visit, choice, "review", Some(error)).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_times_are_of_the_pages_zone() {
        let paris = TimeZone::fixed(jiff::tz::offset(1));
        let at = time("2026-11-20T22:00", &paris).expect("a time");
        assert_eq!(
            at.map(|at| at.to_string()).as_deref(),
            Some("2026-11-20T21:00:00Z")
        );
        assert!(time("", &paris).expect("no time").is_none());
        assert!(time("soon", &paris).is_err());
    }
}
