//! Both languages say the same things, and templates say nothing by themselves.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use escadre_model::Timestamp;
use jiff::tz::TimeZone;

use super::*;

/// Keys with the variables of their sentences.
fn sentences(language: Language) -> BTreeMap<String, BTreeSet<String>> {
    let mut sentences = BTreeMap::new();
    let mut key = String::new();
    for line in language.sources().iter().flat_map(|source| source.lines()) {
        if let Some((name, _)) = line.split_once(" =")
            && line.starts_with(|c: char| c.is_ascii_lowercase())
        {
            key = name.to_owned();
            let earlier = sentences.insert(key.clone(), BTreeSet::new());
            assert!(earlier.is_none(), "{key} is said twice");
        }
        let variables = line.split('$').skip(1).map(|rest| {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            rest[..end.unwrap_or(rest.len())].to_owned()
        });
        if let Some(known) = sentences.get_mut(&key) {
            known.extend(variables);
        }
    }
    sentences
}

fn files(folder: &str, extension: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut found = Vec::new();
    for entry in fs::read_dir(root).expect("a folder of the crate") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|e| e == extension) {
            let name = path.display().to_string();
            found.push((name, fs::read_to_string(&path).expect("text")));
        }
    }
    assert!(!found.is_empty(), "nothing in {folder}");
    found
}

#[test]
fn both_languages_hold_the_same_keys_with_the_same_variables() {
    let (english, french) = (sentences(Language::English), sentences(Language::French));
    let keys = |sentences: &BTreeMap<String, BTreeSet<String>>| {
        sentences.keys().cloned().collect::<BTreeSet<String>>()
    };
    let difference: Vec<_> = keys(&english)
        .symmetric_difference(&keys(&french))
        .cloned()
        .collect();
    assert!(
        difference.is_empty(),
        "only in one language: {difference:?}"
    );
    for (key, variables) in &english {
        assert_eq!(variables, &french[key], "variables of {key}");
    }
}

#[test]
fn every_sentence_parses_and_formats() {
    for language in Language::ALL {
        for source in language.sources() {
            assert!(
                FluentResource::try_new(source.to_owned()).is_ok(),
                "{}",
                language.tag()
            );
        }
        for key in sentences(language).keys() {
            assert!(
                language.words().has(key),
                "{key} has no value in {}",
                language.tag()
            );
        }
    }
}

/// Everything between quotes after one of these in templates and sources is a key.
fn said_keys(text: &str) -> Vec<String> {
    let mut keys = Vec::new();
    for call in [".say(\"", ".count(\"", ".fill(\"", "limit(\""] {
        for rest in text.split(call).skip(1) {
            let key = rest.split('"').next().expect("a part");
            keys.push(key.to_owned());
        }
    }
    keys
}

#[test]
fn every_key_that_is_said_exists() {
    let english = Language::English.words();
    let pages = files("templates", "html")
        .into_iter()
        .chain(files("src/pages", "rs"));
    for (file, text) in pages {
        // Calls may be broken over lines by the formatter.
        let text = text.replace("(\n", "(").replace("( ", "(");
        for key in said_keys(&text) {
            let family = key.ends_with('-') || key.contains('{');
            assert!(
                family || english.has(&key),
                "{file} says {key}, which is no sentence"
            );
        }
    }
}

#[test]
fn every_word_of_a_state_exists() {
    use escadre_model::{
        check::CheckState,
        delivery::{DeliveryState, RolloutState},
    };
    let english = Language::English.words();
    let states = [
        "ok", "warning", "critical", "unknown", "pending", "stale", "up", "down",
    ];
    let mut keys: Vec<String> = states.iter().map(|word| format!("state-{word}")).collect();
    keys.push(format!("state-{}", CheckState::Ok.word()));
    keys.extend(DeliveryState::ALL.map(|state| format!("delivery-{}", state.word())));
    keys.extend(
        [
            RolloutState::Scheduled,
            RolloutState::Running,
            RolloutState::Paused,
        ]
        .map(|state| format!("rollout-{}", state.word())),
    );
    keys.extend(
        [
            RolloutState::Held,
            RolloutState::Aborted,
            RolloutState::Finished,
        ]
        .map(|state| format!("rollout-{}", state.word())),
    );
    keys.extend(escadre_api::Role::ALL.map(|role| format!("role-{role}")));
    keys.extend([400, 401, 403, 404, 409, 413, 429, 500, 503].map(|s| format!("error-title-{s}")));
    for key in keys {
        assert!(english.has(&key), "{key}");
    }
}

/// What a template would show if nothing were filled in, tags and code left out.
fn bare(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['<', '{']) {
        out.push_str(&rest[..at]);
        let after = &rest[at..];
        let (end, length) = if after.starts_with("{{") {
            ("}}", 2)
        } else if after.starts_with("{%") {
            ("%}", 2)
        } else if after.starts_with("<code>") {
            // Examples of commands and queries are the same in every language.
            ("</code>", 7)
        } else if after.starts_with("<kbd>") {
            ("</kbd>", 6)
        } else if after.starts_with('<') {
            (">", 1)
        } else {
            ("{", 1)
        };
        let whole = match after.starts_with('<') && end == ">" {
            true => tag_length(after),
            false => after.find(end).map_or(after.len(), |found| found + length),
        };
        out.push(' ');
        rest = &after[whole..];
    }
    out.push_str(rest);
    out
}

/// Length of a tag, whose attributes may hold code with `>`.
fn tag_length(text: &str) -> usize {
    let mut depth = 0usize;
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        match (before, c) {
            ('{', '{' | '%') => depth += 1,
            ('}' | '%', '}') => depth = depth.saturating_sub(1),
            (_, '>') if depth == 0 => return at + 1,
            _ => {}
        }
        before = c;
    }
    text.len()
}

#[test]
fn templates_hold_no_bare_text() {
    for (file, text) in files("templates", "html") {
        let shown = bare(&text.replace("<!doctype html>", ""));
        let words: Vec<&str> = shown
            .split_whitespace()
            .filter(|word| !word.starts_with('&') && word.chars().any(char::is_alphabetic))
            .collect();
        assert!(words.is_empty(), "{file} shows by itself: {words:?}");
        for attribute in ["aria-label=\"", "title=\"", " alt=\"", "data-label=\""] {
            for value in text.split(attribute).skip(1) {
                let plain = !value.starts_with("{{") && !value.starts_with('"');
                assert!(
                    !plain,
                    "{file}: {attribute}{}",
                    &value[..20.min(value.len())]
                );
            }
        }
        for forbidden in [" style=\"", "<style", " onclick", "javascript:", "<script>"] {
            assert!(!text.contains(forbidden), "{file} holds {forbidden}");
        }
    }
}

#[test]
fn browsers_get_the_language_they_like_best() {
    for (header, expected) in [
        ("fr-FR,fr;q=0.9,en;q=0.8", Language::French),
        ("en-US,en;q=0.9,fr;q=0.8", Language::English),
        ("de,fr;q=0.5,en;q=0.3", Language::French),
        ("de", Language::English),
        ("", Language::English),
        ("fr;q=nonsense", Language::English),
    ] {
        assert_eq!(Language::accepted(header), expected, "{header}");
    }
}

#[test]
fn numbers_and_sizes_follow_the_language() {
    let (english, french) = (Language::English.words(), Language::French.words());
    assert_eq!(english.number(1_234_567), "1,234,567");
    assert_eq!(french.number(1_234_567), "1\u{202f}234\u{202f}567");
    assert_eq!(english.decimal(1234.50, 2), "1,234.5");
    assert_eq!(french.decimal(-0.25, 2), "-0,25");
    assert_eq!(english.decimal(f64::NAN, 2), "–");
    assert_eq!(english.bytes(1536), "1.5\u{a0}KiB");
    assert_eq!(french.bytes(1536), "1,5\u{a0}Kio");
    assert_eq!(french.count("hosts-shown", 0), "0 machine");
    assert_eq!(french.count("hosts-shown", 1200), "1\u{202f}200 machines");
}

#[test]
fn times_are_absolute_and_relative() {
    let now: Timestamp = "2026-11-20T09:30:00Z".parse().expect("a time");
    let check = |at: &str, language: Language, short: &str, relative: &str| {
        let at: Timestamp = at.parse().expect("a time");
        let moment = moment(language.words(), at, now, &TimeZone::UTC);
        assert_eq!(
            (moment.short.as_str(), moment.relative.as_str()),
            (short, relative)
        );
    };
    check("2026-11-20T09:29:55Z", Language::English, "09:29", "now");
    check(
        "2026-11-20T09:18:00Z",
        Language::English,
        "09:18",
        "12 min ago",
    );
    check(
        "2026-11-20T09:18:00Z",
        Language::French,
        "09:18",
        "il y a 12 min",
    );
    check(
        "2026-11-17T14:50:00Z",
        Language::French,
        "17 nov. 14:50",
        "il y a 2 j",
    );
    check(
        "2026-11-20T19:30:00Z",
        Language::French,
        "19:30",
        "dans 10 h",
    );
    check(
        "2024-02-29T23:59:00Z",
        Language::English,
        "29 Feb 2024 23:59",
        "2 y ago",
    );
    check(
        "2024-02-29T23:59:00Z",
        Language::French,
        "29 févr. 2024 23:59",
        "il y a 2 ans",
    );
}
