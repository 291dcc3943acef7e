//! French and English: which one a person reads, and every sentence of the pages by its key.
//!
//! Invariants: both languages hold the same keys with the same variables (tested); a missing key shows itself as the
//! key, never as nothing.

mod dates;
mod numbers;
#[cfg(test)]
mod tests;

use std::{borrow::Cow, sync::OnceLock};

use fluent_bundle::{FluentArgs, FluentResource, FluentValue, concurrent::FluentBundle};
use unic_langid::LanguageIdentifier;

pub(crate) use dates::{Moment, moment};

/// A language of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    English,
    French,
}

impl Language {
    pub(crate) const ALL: [Self; 2] = [Self::English, Self::French];

    /// As in `lang=` and in the cookie.
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::French => "fr",
        }
    }

    /// Its own name for itself: the only words that are not translated.
    pub(crate) fn own_name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::French => "Français",
        }
    }

    pub(crate) fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_']).next().unwrap_or("");
        let same = |language: &Self| language.tag().eq_ignore_ascii_case(primary);
        Self::ALL.into_iter().find(same)
    }

    /// The language that a browser likes best of ours (`Accept-Language`); English when it likes none.
    pub(crate) fn accepted(header: &str) -> Self {
        let mut best = (0.0, Self::English);
        for part in header.split(',') {
            let mut pieces = part.trim().split(';');
            let tag = pieces.next().unwrap_or("");
            let weight = pieces
                .find_map(|piece| piece.trim().strip_prefix("q="))
                .map_or(1.0, |weight| weight.parse().unwrap_or(0.0));
            if let Some(language) = Self::from_tag(tag)
                && weight > best.0
            {
                best = (weight, language);
            }
        }
        best.1
    }

    fn sources(self) -> [&'static str; 4] {
        match self {
            Self::English => [
                include_str!("../../locales/en/common.ftl"),
                include_str!("../../locales/en/visualisation.ftl"),
                include_str!("../../locales/en/configuration.ftl"),
                include_str!("../../locales/en/codes.ftl"),
            ],
            Self::French => [
                include_str!("../../locales/fr/common.ftl"),
                include_str!("../../locales/fr/visualisation.ftl"),
                include_str!("../../locales/fr/configuration.ftl"),
                include_str!("../../locales/fr/codes.ftl"),
            ],
        }
    }

    /// All its sentences.
    pub(crate) fn words(self) -> &'static Words {
        static ENGLISH: OnceLock<Words> = OnceLock::new();
        static FRENCH: OnceLock<Words> = OnceLock::new();
        let cell = match self {
            Self::English => &ENGLISH,
            Self::French => &FRENCH,
        };
        cell.get_or_init(|| Words::load(self))
    }
}

/// The sentences of a language.
pub(crate) struct Words {
    language: Language,
    bundle: FluentBundle<FluentResource>,
}

impl Words {
    fn load(language: Language) -> Self {
        let tag: LanguageIdentifier = language.tag().parse().unwrap_or_default();
        let mut bundle = FluentBundle::new_concurrent(vec![tag]);
        // Isolation marks around values would be copied along with commands and names.
        bundle.set_use_isolating(false);
        bundle.set_formatter(Some(match language {
            Language::English => |value, _| numbers::formatted(value, Language::English),
            Language::French => |value, _| numbers::formatted(value, Language::French),
        }));
        for source in language.sources() {
            let resource = FluentResource::try_new(source.to_owned());
            let resource = resource.unwrap_or_else(|(partial, errors)| {
                tracing::error!(?errors, "a locale file does not parse");
                partial
            });
            if let Err(errors) = bundle.add_resource(resource) {
                tracing::error!(?errors, "a locale file says a key twice");
            }
        }
        Self { language, bundle }
    }

    pub(crate) fn language(&self) -> Language {
        self.language
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.bundle.has_message(key)
    }

    /// A sentence without variables.
    pub(crate) fn say(&'static self, key: &str) -> Cow<'static, str> {
        self.format(key, None)
    }

    /// A sentence with variables.
    pub(crate) fn fill(&'static self, key: &str, values: &[(&str, &str)]) -> String {
        let mut args = FluentArgs::new();
        for (name, value) in values {
            args.set((*name).to_owned(), FluentValue::from((*value).to_owned()));
        }
        self.format(key, Some(&args)).into_owned()
    }

    /// A sentence about a number, in the right plural.
    pub(crate) fn count(&'static self, key: &str, count: u64) -> String {
        let mut args = FluentArgs::new();
        args.set("count", FluentValue::from(count));
        self.format(key, Some(&args)).into_owned()
    }

    fn format(&'static self, key: &str, args: Option<&FluentArgs<'_>>) -> Cow<'static, str> {
        let pattern = self.bundle.get_message(key).and_then(|m| m.value());
        let Some(pattern) = pattern else {
            tracing::error!(key, language = self.language.tag(), "no such sentence");
            return Cow::Owned(key.to_owned());
        };
        let mut errors = Vec::new();
        let text = self.bundle.format_pattern(pattern, args, &mut errors);
        if !errors.is_empty() {
            tracing::error!(key, ?errors, "a sentence lacks a value");
        }
        Cow::Owned(text.into_owned())
    }
}
