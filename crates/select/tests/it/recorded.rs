//! Recorded runs of the original installer: each must give the same results and the same log.
//!
//! Names of rates, groups and packages are compared as sets, everything else as it is; lines about choices that had no
//! defined order are left out, as the description of the recordings says.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use escadre_select::{
    Era,
    replay::{Case, replay},
};
use serde_json::Value;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/drakx/cases")
}

fn read(case: &Path, file: &str) -> Option<Vec<u8>> {
    fs::read(case.join(file)).ok()
}

fn run(case: &Path, era: Option<Era>) -> Value {
    let text = fs::read_to_string(case.join("case.json")).expect("a case has its case.json");
    let mut parsed = Case::parse(&text).expect("a case is in the form of cases");
    parsed.era = era.unwrap_or(parsed.era);
    replay(&parsed, &|file| read(case, file))
}

fn flag_set(items: &[Value]) -> BTreeSet<String> {
    let texts = items.iter().filter_map(Value::as_str).map(|text| {
        let mut parts: Vec<&str> = text.split("||").collect();
        parts.sort_unstable();
        parts.join("||")
    });
    texts.collect()
}

const SETS: [&str; 8] = [
    "flags",
    "selected",
    "base",
    "pkgs",
    "need_to_copy",
    "groups",
    "final_flags",
    "always_flags",
];

fn differ(path: &str, wanted: &Value, got: &Value, out: &mut Vec<String>) {
    let key = path.rsplit('.').next().unwrap_or(path);
    match (wanted, got) {
        (Value::Object(wanted), Value::Object(all)) => {
            for (name, value) in wanted
                .iter()
                .filter(|(name, _)| !matches!(name.as_str(), "requested" | "log"))
            {
                match all.get(name) {
                    Some(got) => differ(&format!("{path}.{name}"), value, got, out),
                    None => out.push(format!("{path}.{name}: missing")),
                }
            }
            if matches!(key, "rates" | "raw" | "group_sizes") {
                out.extend(
                    all.keys()
                        .filter(|name| !wanted.contains_key(*name))
                        .map(|name| format!("{path}.{name}: not wanted")),
                );
            }
        }
        (Value::Array(wanted), Value::Array(got))
            if SETS.contains(&key) && wanted.iter().all(Value::is_string) =>
        {
            if flag_set(wanted) != flag_set(got) {
                out.push(format!("{path}: wanted {wanted:?}, got {got:?}"));
            }
        }
        (Value::Array(wanted), Value::Array(got)) => {
            let sorted = |list: &[Value]| {
                let mut list = list.to_vec();
                if key == "compss" {
                    list.sort_by_key(|group| format!("{}|{}", group["path"], group["label"]));
                }
                list
            };
            if wanted.len() != got.len() {
                out.push(format!(
                    "{path}: wanted {} items, got {}",
                    wanted.len(),
                    got.len()
                ));
            }
            for (index, (wanted, got)) in sorted(wanted).iter().zip(&sorted(got)).enumerate() {
                differ(&format!("{path}[{index}]"), wanted, got, out);
            }
        }
        _ => {
            let number = |value: &Value| value.as_f64().or_else(|| value.as_str()?.parse().ok());
            let close = number(wanted)
                .zip(number(got))
                .is_some_and(|(a, b)| (a - b).abs() < 1e-5);
            if wanted != got && !close {
                out.push(format!("{path}: wanted {wanted}, got {got}"));
            }
        }
    }
}

fn lines(log: &Value) -> Vec<String> {
    let sorted = |text: &str, separator: &str| {
        let mut parts: Vec<&str> = text.split(separator).collect();
        parts.sort_unstable();
        parts.join(separator)
    };
    let texts = log
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    let texts = texts.map(|line| line.strip_prefix("urpmi: ").unwrap_or(line));
    let kept = texts.filter(|line| !line.starts_with("packageCallbackChoices: default choice"));
    let plain = kept.map(|line| {
        if let Some((head, flags)) = line
            .split_once(" (flags ")
            .filter(|_| line.starts_with("computed size "))
        {
            return format!("{head} (flags {}", sorted(flags.trim_end_matches(')'), " "));
        }
        for head in ["compssUsers.pl got: ", "compssUsersChoice selected: "] {
            if let Some(groups) = line.strip_prefix(head) {
                return format!("{head}{}", sorted(groups, ", "));
            }
        }
        line.to_owned()
    });
    plain.collect()
}

/// The differences to the nearest of the recorded results.
fn differences(wanted: &Value, got: &Value) -> Vec<String> {
    let all = wanted["any_of"]
        .as_array()
        .cloned()
        .unwrap_or_else(|| vec![wanted.clone()]);
    let each = all.iter().map(|wanted| {
        let mut out = Vec::new();
        differ("", wanted, got, &mut out);
        let (wanted, got) = (lines(&wanted["log"]), lines(&got["log"]));
        if wanted != got {
            let at = wanted.iter().zip(&got).take_while(|(a, b)| a == b).count();
            out.push(format!(
                "log line {}: wanted {:?}, got {:?}",
                at + 1,
                wanted.get(at),
                got.get(at)
            ));
        }
        out
    });
    each.min_by_key(Vec::len).unwrap_or_default()
}

fn check_all(expected: &str, era: Option<Era>) -> usize {
    let mut names: Vec<PathBuf> = fs::read_dir(folder())
        .expect("the cases are there")
        .map(|entry| entry.expect("a readable folder").path())
        .collect();
    names.sort();
    let mut wrong = Vec::new();
    let mut ran = 0;
    for case in names.iter().filter(|case| case.join(expected).exists()) {
        ran += 1;
        let wanted: Value =
            serde_json::from_slice(&fs::read(case.join(expected)).expect("a recorded result"))
                .expect("JSON");
        let differences = differences(&wanted, &run(case, era));
        if !differences.is_empty() {
            wrong.push(format!("{}: {}", case.display(), differences.join("; ")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    ran
}

#[test]
fn every_recorded_run_agrees() {
    assert_eq!(check_all("expected.json", None), 33);
}

#[test]
fn a_level_at_a_time() {
    assert_eq!(check_all("expected.batch.json", Some(Era::Batch)), 1);
}

/// The comparison itself finds what is wrong.
#[test]
fn differences_are_found() {
    let wanted: Value =
        serde_json::json!({"rates": {"a": {"rate": 5, "flags": ["A||B"]}}, "log": ["x"]});
    let same =
        serde_json::json!({"rates": {"a": {"rate": 5, "flags": ["B||A"]}}, "log": ["urpmi: x"]});
    assert!(differences(&wanted, &same).is_empty());
    for other in [
        serde_json::json!({"rates": {"a": {"rate": 4, "flags": ["A||B"]}}, "log": ["x"]}),
        serde_json::json!({"rates": {"a": {"rate": 5, "flags": ["A"]}}, "log": ["x"]}),
        serde_json::json!({"rates": {"a": {"rate": 5, "flags": ["A||B"]}, "b": {}}, "log": ["x"]}),
        serde_json::json!({"rates": {"a": {"rate": 5, "flags": ["A||B"]}}, "log": ["y"]}),
    ] {
        assert_eq!(differences(&wanted, &other).len(), 1, "{other}");
    }
}
