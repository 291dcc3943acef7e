//! Small parts that stand in many pages: states, times, icons, amounts. State is colour, shape and word.

use std::{
    borrow::{Borrow, Cow},
    fmt,
};

use askama::filters::HtmlSafe;
use escadre_api::{
    ApiError,
    health::FindingLevel,
    host::{HostState, TimelineEntry},
    rollout::Delivery,
};
use escadre_model::{
    Timestamp,
    check::{CheckState, StateKind},
    delivery::{DeliveryState, Refusal, RolloutState},
};

use super::page::{Amount, Page};
use crate::language::{Language, Moment, moment};

/// Markup that is already safe: made here, with every value from outside escaped.
pub(crate) struct Markup(pub(crate) String);

impl fmt::Display for Markup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl HtmlSafe for Markup {}

/// A text with the five characters of HTML escaped.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// An icon of the sprite; it says nothing to a screen reader, the word beside it does.
pub(crate) fn icon(name: &str) -> String {
    format!(r##"<svg class="icon" aria-hidden="true"><use href="#i-{name}"/></svg>"##)
}

/// Icon and colour of a delivery's state.
fn delivery_look(state: DeliveryState) -> (&'static str, &'static str) {
    match state {
        DeliveryState::Succeeded => ("ok", "ok"),
        DeliveryState::Failed | DeliveryState::Interrupted => ("critical", "critical"),
        DeliveryState::Refused | DeliveryState::Expired => ("warning", "warning"),
        DeliveryState::Cancelled | DeliveryState::Undone => ("stopped", "pending"),
        DeliveryState::Assigned | DeliveryState::Notified | DeliveryState::Postponed => {
            ("pending", "pending")
        }
        DeliveryState::Fetching
        | DeliveryState::Verified
        | DeliveryState::Applying
        | DeliveryState::Observing => ("running", "running"),
    }
}

fn rollout_look(state: RolloutState) -> (&'static str, &'static str) {
    match state {
        RolloutState::Scheduled => ("pending", "pending"),
        RolloutState::Running => ("running", "running"),
        RolloutState::Paused => ("paused", "warning"),
        RolloutState::Held => ("critical", "critical"),
        RolloutState::Aborted => ("stopped", "pending"),
        RolloutState::Finished => ("ok", "ok"),
    }
}

impl Page {
    /// An icon.
    pub(crate) fn icon(&self, name: &str) -> Markup {
        Markup(icon(name))
    }

    /// Shape, colour and word.
    pub(super) fn badge(&self, shape: &str, colour: &str, word: &str) -> Markup {
        Markup(format!(
            r#"<span class="state state-{colour}">{}{}</span>"#,
            icon(shape),
            escape(word)
        ))
    }

    /// State of a check. Nothing is green that has no fresh data; a problem stays one, silence does not make it better.
    pub(crate) fn check_state(&self, state: &CheckState, stale: impl Borrow<bool>) -> Markup {
        let word = self.say(&format!("state-{}", state.word()));
        if *stale.borrow() && *state != CheckState::Critical {
            let word = self.fill("state-stale-was", "state", word);
            return self.badge("stale", "stale", &word);
        }
        self.badge(state.word(), state.word(), &word)
    }

    /// State of a host. Silence is first stale, then down: that is the problem, and shown as one.
    pub(crate) fn host_state(&self, state: &HostState, stale: impl Borrow<bool>) -> Markup {
        let word = self.say(&format!("host-{}", state.word()));
        if *stale.borrow() && *state != HostState::Down {
            let word = self.fill("state-stale-was", "state", word);
            return self.badge("stale", "stale", &word);
        }
        let (shape, colour) = match state {
            HostState::Up => ("up", "ok"),
            HostState::Down => ("down", "critical"),
            HostState::Pending => ("pending", "pending"),
        };
        self.badge(shape, colour, &word)
    }

    pub(crate) fn delivery_state(&self, state: &DeliveryState) -> Markup {
        let (shape, colour) = delivery_look(*state);
        self.badge(
            shape,
            colour,
            &self.say(&format!("delivery-{}", state.word())),
        )
    }

    pub(crate) fn rollout_state(&self, state: &RolloutState) -> Markup {
        let (shape, colour) = rollout_look(*state);
        self.badge(
            shape,
            colour,
            &self.say(&format!("rollout-{}", state.word())),
        )
    }

    /// A word of a state as the time line has it, whatever it is a state of.
    pub(crate) fn any_state(&self, word: &str) -> Markup {
        let delivery = DeliveryState::ALL
            .into_iter()
            .find(|state| state.word() == word);
        if let Some(state) = delivery {
            return self.delivery_state(&state);
        }
        let (shape, colour) = match word {
            "ok" | "warning" | "critical" | "unknown" | "pending" | "stale" => (word, word),
            "up" => ("up", "ok"),
            "down" => ("down", "critical"),
            _ => ("dot", "pending"),
        };
        let key = format!("state-{word}");
        let text = if self.words.has(&key) {
            self.say(&key).into_owned()
        } else {
            word.to_owned()
        };
        self.badge(shape, colour, &text)
    }

    pub(crate) fn finding_level(&self, level: &FindingLevel) -> Markup {
        match level {
            FindingLevel::Fine => self.badge("ok", "ok", &self.say("level-fine")),
            FindingLevel::Warning => self.badge("warning", "warning", &self.say("level-warning")),
            FindingLevel::Critical => {
                self.badge("critical", "critical", &self.say("level-critical"))
            }
        }
    }

    /// An error in the reader's language where we know its code; in English as it came, for it says more.
    pub(crate) fn error(&self, error: &ApiError) -> String {
        let key = format!("error-{}", error.code.replace('.', "-"));
        if self.words.language() != Language::English && self.words.has(&key) {
            self.say(&key).into_owned()
        } else {
            error.message.clone()
        }
    }

    /// What the server said, where the translation says less.
    pub(crate) fn error_detail(&self, error: &ApiError) -> String {
        if self.error(error) == error.message {
            return String::new();
        }
        error.message.clone()
    }

    pub(super) fn moment(&self, at: Timestamp) -> Moment {
        moment(self.words, at, self.now, &self.zone)
    }

    /// A time: itself and how long ago.
    pub(crate) fn time(&self, at: &Timestamp) -> Markup {
        let moment = self.moment(*at);
        Markup(format!(
            r#"<time datetime="{}" title="{}">{} <span class="ago">{}</span></time>"#,
            moment.machine,
            escape(&moment.full),
            escape(&moment.short),
            escape(&moment.relative)
        ))
    }

    /// A time that may not be known.
    pub(crate) fn maybe_time(&self, at: Option<&Timestamp>) -> Markup {
        match at {
            Some(at) => self.time(at),
            None => Markup(format!(
                r#"<span class="none">{}</span>"#,
                escape(&self.say("none"))
            )),
        }
    }

    /// A time with date, seconds and zone.
    pub(crate) fn full_time(&self, at: &Timestamp) -> Markup {
        let moment = self.moment(*at);
        Markup(format!(
            r#"<time datetime="{}">{} <span class="ago">{}</span></time>"#,
            moment.machine,
            escape(&moment.full),
            escape(&moment.relative)
        ))
    }

    pub(crate) fn bytes(&self, bytes: impl Amount) -> String {
        self.words.bytes(bytes.amount())
    }

    pub(crate) fn number(&self, number: impl Amount) -> String {
        self.words.number(number.amount())
    }

    /// A command with a button that copies it (the button needs script, the text does not).
    pub(crate) fn copyable(&self, command: impl AsRef<str>) -> Markup {
        Markup(format!(
            r#"<span class="copy"><code>{}</code><button type="button" data-copy data-done="{}" hidden>{}<span>{}</span></button></span>"#,
            escape(command.as_ref()),
            escape(&self.say("copied")),
            icon("copy"),
            escape(&self.say("copy")),
        ))
    }

    /// The hidden field with the session's form token.
    pub(crate) fn token_input(&self) -> Markup {
        Markup(format!(
            r#"<input type="hidden" name="{}" value="{}">"#,
            self.token_field(),
            self.form_token
        ))
    }

    /// A text, or the word for nothing.
    pub(crate) fn or_none(&self, text: &str) -> Markup {
        if text.is_empty() {
            return Markup(format!(
                r#"<span class="none">{}</span>"#,
                escape(&self.say("none"))
            ));
        }
        Markup(escape(text))
    }

    /// The icon of a plane, for entries of the time line.
    pub(crate) fn kind_icon(&self, kind: &str) -> &'static str {
        match kind {
            "check" => "pulse",
            "delivery" => "parcel",
            "inventory" => "list",
            "audit" => "person",
            _ => "dot",
        }
    }

    /// Why a delivery stands where it stands, in a sentence.
    pub(crate) fn reason(&self, delivery: &Delivery) -> String {
        if let Some(refusal) = &delivery.refusal {
            return self.refusal(refusal);
        }
        if !delivery.message.is_empty() {
            return delivery.message.clone();
        }
        match delivery.outcome.as_ref().map(|outcome| outcome.exit_code) {
            Some(Some(code)) => self.fill("exit-code", "code", code),
            Some(None) => self.say("exit-signal").into_owned(),
            None => String::new(),
        }
    }

    /// What plane an entry of the time line comes from.
    pub(crate) fn kind_word(&self, kind: &str) -> String {
        let key = format!("kind-{kind}");
        if self.words.has(&key) {
            self.say(&key).into_owned()
        } else {
            kind.to_owned()
        }
    }

    /// The sentence of an entry, with a link where it belongs to a delivery or a rollout.
    pub(crate) fn entry_text(&self, entry: &TimelineEntry) -> Markup {
        let text = escape(&entry.text);
        let (place, wanted) = match entry.link.as_deref() {
            Some(id) if id.starts_with("d-") => ("deliveries", id),
            Some(id) if id.starts_with("r-") => ("rollouts", id),
            _ => return Markup(text),
        };
        let id = crate::link::segment(wanted);
        Markup(format!(r#"<a href="/{place}/{id}">{text}</a>"#))
    }

    /// Soft or hard.
    pub(crate) fn kind_of(&self, kind: &StateKind) -> Cow<'static, str> {
        match kind {
            StateKind::Soft => self.say("state-soft"),
            StateKind::Hard => self.say("state-hard"),
        }
    }

    /// What was done, after a form; nothing for a word that is not ours.
    pub(crate) fn done_word(&self, done: &str) -> String {
        let key = format!("done-{done}");
        if self.words.has(&key) {
            self.say(&key).into_owned()
        } else {
            String::new()
        }
    }

    /// The query of a rollout; the empty one says that it means everything.
    pub(crate) fn target(&self, query: &str) -> String {
        if query.is_empty() {
            self.say("target-all").into_owned()
        } else {
            query.to_owned()
        }
    }

    /// The first names of a list, and how many more there are.
    pub(crate) fn names(&self, names: &[String]) -> String {
        const SHOWN: usize = 12;
        let shown = names.iter().take(SHOWN).cloned().collect::<Vec<_>>();
        let shown = shown.join(", ");
        match names.len().checked_sub(SHOWN) {
            None | Some(0) => shown,
            Some(more) => format!("{shown} {}", self.count("and-more", more)),
        }
    }

    /// A length of time in milliseconds.
    pub(crate) fn millis(&self, millis: &u64) -> String {
        if *millis < 10_000 {
            format!("{}\u{a0}s", self.words.decimal(*millis as f64 / 1000.0, 2))
        } else {
            self.words.span(millis / 1000)
        }
    }

    /// A refusal in the reader's language, with what it is about.
    fn refusal(&self, refusal: &Refusal) -> String {
        let key = format!("refusal-{}", refusal.code().replace('_', "-"));
        let (needed, free);
        let values: Vec<(&str, &str)> = match refusal {
            Refusal::BadSignature { detail }
            | Refusal::UnsafeContent { detail }
            | Refusal::Metadata { detail } => vec![("detail", detail)],
            Refusal::UnknownPublisher { key } => vec![("key", key)],
            Refusal::Expired { what, at } => vec![("what", what), ("at", at)],
            Refusal::WrongTarget { condition } => vec![("condition", condition)],
            Refusal::Corrupt { what } => vec![("what", what)],
            Refusal::NoSpace {
                needed: wanted,
                free: there,
                mount,
            } => {
                (needed, free) = (self.bytes(wanted), self.bytes(there));
                vec![("needed", &needed), ("free", &free), ("mount", mount)]
            }
            Refusal::Downgrade { offered, seen } => vec![("offered", offered), ("seen", seen)],
        };
        self.words.fill(&key, &values)
    }

    /// Name of the zone in which times are written.
    pub(crate) fn zone_name(&self) -> String {
        match self.zone.iana_name() {
            Some(name) => name.to_owned(),
            None => self
                .now
                .to_zoned(self.zone.clone())
                .strftime("%:z")
                .to_string(),
        }
    }

    /// A text as a segment of a path, for links.
    pub(crate) fn segment(&self, text: &str) -> String {
        crate::link::segment(text)
    }
}
