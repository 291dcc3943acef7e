//! Choosing packages: rules, reasons, budgets, locks and bundles, on a repository of real packages made here.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::Value;

use crate::harness::{ESCADRE, Installation};

/// Name, version, further control fields, and MiB that it says it takes.
type Made = (&'static str, &'static str, &'static str, u32);

const PACKAGES: [Made; 8] = [
    (
        "squadron-office",
        "1.0",
        "Depends: squadron-library (>= 2)",
        1,
    ),
    ("squadron-library", "2.1", "", 2),
    ("squadron-atlas", "1.0", "Depends: squadron-charts", 1),
    ("squadron-charts", "1.0", "", 300),
    ("squadron-game", "1.0", "", 1),
    ("squadron-rival", "1.0", "Conflicts: squadron-office", 1),
    ("squadron-small", "1.0", "", 1),
    ("squadron-banned", "1.0", "Provides: squadron-evil", 1),
];

const PROFILE: &str = r#"
name = "crew"
STRATEGY
forbidden = ["squadron-evil"]
[budget]
disk = "100MiB"
[[group]]
path = "Desk"
label = "Writing"
default = true
[[group]]
path = "Desk"
label = "Games"
[[package]]
name = "squadron-office"
rate = 5
when = [["group:Desk|Writing"], ["host:os:debian"]]
[[package]]
name = "squadron-game"
rate = 5
when = [["group:Desk|Games"]]
[[package]]
name = "squadron-rival"
rate = 4
[[package]]
name = "squadron-banned"
rate = 4
[[package]]
name = "squadron-atlas"
rate = 4
[[package]]
name = "squadron-small"
rate = 4
[[package]]
name = "squadron-charts"
rate = 2
[[package]]
name = "squadron-nowhere"
rate = 4
"#;

fn output_of(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{program} {arguments:?}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

/// A flat repository of packages that dpkg built.
fn repository(folder: &Path, packages: &[Made]) -> PathBuf {
    let root = folder.join("repository");
    fs::create_dir_all(&root).expect("made");
    let mut index = String::new();
    for (name, version, fields, size) in packages {
        let tree = folder.join(format!("{name}-{version}"));
        fs::create_dir_all(tree.join("DEBIAN")).expect("made");
        let mut control = format!(
            "Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: The Crew <crew@example.org>\n\
             Installed-Size: {}\n",
            size * 1024
        );
        if !fields.is_empty() {
            control.push_str(fields);
            control.push('\n');
        }
        let whole = format!("{control}Description: a test package\n");
        fs::write(tree.join("DEBIAN/control"), whole).expect("written");
        let file = root.join(format!("{name}_{version}_all.deb"));
        output_of(
            "dpkg-deb",
            &["--root-owner-group", "-b", text(&tree), text(&file)],
        );
        let hash = output_of("sha256sum", &[text(&file)]);
        let hash = hash.split(' ').next().expect("a sum");
        let bytes = fs::metadata(&file).expect("built").len();
        index.push_str(&control);
        let place =
            format!("Filename: ./{name}_{version}_all.deb\nSize: {bytes}\nSHA256: {hash}\n");
        index.push_str(&place);
        index.push_str("Description: a test package\n\n");
    }
    fs::write(root.join("Packages"), index).expect("written");
    root
}

fn profile(folder: &Path, strategy: &str) -> PathBuf {
    let path = folder.join(format!("{strategy}.toml"));
    let line = format!("strategy = \"{strategy}\"");
    fs::write(&path, PROFILE.replace("STRATEGY", &line)).expect("written");
    path
}

/// Runs the program without any installation.
fn alone(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(ESCADRE)
        .arg("--state")
        .arg(folder.join("nothing"))
        .args(arguments)
        .env("XDG_CACHE_HOME", folder.join("cache"))
        .stdin(Stdio::null())
        .output()
        .expect("the program runs")
}

fn names(list: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = list
        .as_array()
        .expect("a list")
        .iter()
        .map(|package| package["name"].as_str().expect("a name"))
        .collect();
    names.sort_unstable();
    names
}

#[test]
fn a_profile_decides_what_a_host_gets_and_says_why() {
    let here = Installation::start();
    let host = here.own_host();
    let folder = here.folder.path();
    let mirror = repository(folder, &PACKAGES);
    let file = profile(folder, "levels");
    let from = ["--mirror", text(&mirror), "--unsigned"];
    let lock = folder.join("crew.lock");
    let with = |words: &[&str]| -> Vec<String> {
        words
            .iter()
            .chain(&from)
            .map(|word| (*word).to_owned())
            .collect()
    };
    let json = |words: &[&str]| {
        let all = with(words);
        here.json(&all.iter().map(String::as_str).collect::<Vec<_>>())
    };

    // The budget of 100 MiB ends the pass at the atlas, which drags in 300.
    let chosen = json(&[
        "select",
        text(&file),
        "--host",
        &host,
        "--lock",
        text(&lock),
    ]);
    assert_eq!(
        names(&chosen["packages"]),
        ["squadron-library", "squadron-office"]
    );
    assert_eq!(chosen["size"], 3 << 20);
    assert_eq!(chosen["signed"], false);
    assert_eq!(
        names(&chosen["left_out"]),
        ["squadron-atlas", "squadron-rival", "squadron-small"]
    );
    assert!(chosen["problems"].to_string().contains("squadron-nowhere"));

    // Best fit goes on, and its value is within its bound.
    let best = profile(folder, "best-fit");
    let best = json(&["select", text(&best), "--host", &host]);
    assert_eq!(
        names(&best["packages"]),
        ["squadron-library", "squadron-office", "squadron-small"]
    );
    assert!(
        best["value"].as_f64() >= Some(11_000.0)
            && best["value"].as_f64() <= best["bound"].as_f64()
    );

    // One line each.
    for (package, selected, expected) in [
        (
            "squadron-office",
            true,
            "levels.toml:14 → Desk|Writing → rate 5 → squadron-office",
        ),
        (
            "squadron-library",
            true,
            "rate 5 → squadron-office → requires squadron-library (>= 2) → squadron-library",
        ),
        (
            "squadron-game",
            false,
            "levels.toml:18 → `group:Desk|Games` does not hold",
        ),
        ("squadron-rival", false, "conflicts"),
        ("squadron-banned", false, "the profile forbids it"),
        ("squadron-atlas", false, "the first that did not fit"),
        (
            "squadron-small",
            false,
            "squadron-atlas was the first that did not fit",
        ),
        ("squadron-charts", false, "rate 2 is below the level 4"),
        (
            "squadron-nowhere",
            false,
            "no repository has a package of this name",
        ),
    ] {
        let verb = if selected { "why" } else { "why-not" };
        let answer = json(&[verb, &host, package, "--profile", text(&file)]);
        let reason = answer["reason"].as_str().expect("a reason");
        assert!(reason.contains(expected), "{package}: {reason}");
        assert!(!reason.contains('\n'), "{reason}");
    }
    let words = with(&["why", &host, "squadron-game", "--profile", text(&file)]);
    let asked = here.run(&words.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(asked.status.code(), Some(1), "why of what is not selected");

    compare_locks(&here, &host, &lock);

    // A bundle of what fits is made; of too much it is not.
    let made = json(&["select", text(&file), "--host", &host, "--bundle", "crew"]);
    assert_eq!(made["bundle"], "crew@1");
    here.good(&["bundle", "verify", "crew@1"]);
    let heavy = folder.join("heavy.toml");
    let rules = "always = [\"squadron-atlas\"]\n[budget]\ndisk = \"100MiB\"\n";
    fs::write(&heavy, rules).expect("written");
    let words = with(&["select", text(&heavy), "--host", &host, "--bundle", "heavy"]);
    let said = here.bad(&words.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(said.contains("301 MiB is more than 100 MiB"), "{said}");
}

/// The lock against itself, against the host, and against a repository that moved on.
fn compare_locks(here: &Installation, host: &str, lock: &Path) {
    let written = fs::read_to_string(lock).expect("a lock");
    assert!(written.contains("sha256:"), "{written}");
    let same = here.run(&["select", "diff", text(lock), text(lock)]);
    assert_eq!(same.status.code(), Some(0));
    let compare = |words: &[&str]| -> (Option<i32>, Value) {
        let mut all = vec!["--format", "json", "select", "diff", text(lock)];
        all.extend(words);
        let output = here.run(&all);
        let json = serde_json::from_slice(&output.stdout).expect("JSON");
        (output.status.code(), json)
    };
    let (code, difference) = compare(&["--host", host]);
    assert_eq!(code, Some(1));
    assert_eq!(
        difference["changes"]["squadron-office"]["change"],
        "removed"
    );
    let later = here.folder.path().join("later");
    fs::create_dir_all(&later).expect("made");
    let later = repository(
        &later,
        &[
            ("squadron-office", "1.0", "Section: misc", 1),
            ("squadron-library", "2.10", "", 2),
        ],
    );
    let (code, difference) = compare(&["--mirror", text(&later), "--unsigned"]);
    assert_eq!(code, Some(1));
    let changes = &difference["changes"];
    assert_eq!(changes["squadron-library"]["to"], "2.10");
    assert_eq!(changes["squadron-office"]["change"], "replaced");
}

/// The files of the recorded cases, which the engine's own tests use too.
fn recorded() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../select/tests/drakx")
}

#[test]
fn a_recorded_case_is_replayed_to_its_results() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for case in ["select-c01-level5", "grammar-a01-basic"] {
        let path = recorded().join("cases").join(case);
        let output = alone(
            folder.path(),
            &["select", "replay", text(&path.join("case.json"))],
        );
        assert!(output.status.success(), "{case}");
        let results: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let expected = fs::read_to_string(path.join("expected.json")).expect("there");
        let expected: Value = serde_json::from_str(&expected).expect("JSON");
        for (field, value) in expected.as_object().expect("an object") {
            // The recorder put a prefix before some lines, which the original's log does not have.
            let wanted = value
                .to_string()
                .replace("\"urpmi: preferring", "\"preferring");
            let wanted: Value = serde_json::from_str(&wanted).expect("JSON");
            assert_eq!(sorted(&results[field]), sorted(&wanted), "{case}: {field}");
        }
    }
}

/// Flags and names are sets; their order is compared by the engine's own tests where it matters.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(sorted).collect();
            items.sort_by_key(ToString::to_string);
            Value::Array(items)
        }
        Value::Object(fields) => {
            let fields = fields
                .iter()
                .map(|(name, value)| (name.clone(), sorted(value)));
            Value::Object(fields.collect())
        }
        other => other.clone(),
    }
}

#[test]
fn rules_are_checked_and_imported_without_a_server() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mini = recorded().join("mini");
    let (rates, groups) = (mini.join("rpmsrate"), mini.join("compssUsers.pl"));
    let synthesis = mini.join("synthesis");
    let (rates, groups) = (text(&rates), text(&groups));
    let findings = alone(
        folder.path(),
        &[
            "rules",
            "lint",
            rates,
            "--groups",
            groups,
            "--media",
            text(&synthesis),
        ],
    );
    assert_eq!(findings.status.code(), Some(1));
    let said = String::from_utf8_lossy(&findings.stdout).into_owned();
    assert!(
        said.contains("rpmsrate:68: warning: `nfs-utils` can never be selected"),
        "{said}"
    );

    let out = folder.path().join("mini.toml");
    let import = [
        "rules",
        "import",
        rates,
        "--groups",
        groups,
        "--edition",
        "download",
        "--out",
    ];
    let mut import = import.to_vec();
    import.push(text(&out));
    let imported = alone(folder.path(), &import);
    assert!(
        imported.status.success(),
        "{}",
        String::from_utf8_lossy(&imported.stderr)
    );
    assert!(String::from_utf8_lossy(&imported.stderr).contains("77 packages and 16 groups"));
    let clean = alone(
        folder.path(),
        &["--format", "json", "rules", "lint", text(&out)],
    );
    assert_eq!(
        clean.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&clean.stdout)
    );
    assert_eq!(
        serde_json::from_slice::<Value>(&clean.stdout).expect("JSON"),
        Value::Array(vec![])
    );

    let broken = folder.path().join("broken.toml");
    fs::write(&broken, "name = \"x\"\nlevel = \"high\"\n").expect("written");
    let error = alone(
        folder.path(),
        &["--format", "json", "rules", "lint", text(&broken)],
    );
    assert_eq!(error.status.code(), Some(2));
    let error: Value = serde_json::from_slice(&error.stdout).expect("JSON");
    assert_eq!(
        (&error[0]["line"], &error[0]["severity"]),
        (&2.into(), &"error".into())
    );
}

#[test]
fn a_new_system_is_refused_where_it_cannot_be_made() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = profile(folder.path(), "levels");
    let used = alone(
        folder.path(),
        &["select", text(&file), "--into", text(folder.path())],
    );
    let said = String::from_utf8_lossy(&used.stderr).into_owned();
    assert!(
        !used.status.success() && said.contains("is not empty; name a new folder"),
        "{said}"
    );
    let neither = alone(folder.path(), &["select", text(&file)]);
    assert!(String::from_utf8_lossy(&neither.stderr).contains("--host"));
}
