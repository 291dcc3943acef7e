//! Order of versions against dpkg's and rpm's own programs, on thousands of generated pairs.

use std::{
    cmp::Ordering,
    fmt::Write as _,
    io::Write as _,
    process::{Command, Stdio},
};

use escadre_model::version;
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

const PAIRS: usize = 4000;

/// Pairs of near neighbours, the same in every run.
fn pairs(pattern: &'static str) -> Vec<(String, String)> {
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let version = || prop::string::string_regex(pattern).expect("a pattern");
    let near = (version(), version(), any::<bool>(), 0..6usize).prop_map(|(a, b, keep, cut)| {
        if !keep {
            return (a, b);
        }
        let head: String = a
            .chars()
            .take(a.chars().count().saturating_sub(cut))
            .collect();
        let tail: String = b.chars().rev().take(cut).collect();
        (a, head + &tail)
    });
    (0..PAIRS)
        .map(|_| near.new_tree(&mut runner).expect("generated").current())
        .collect()
}

fn compare_all(pairs: &[(String, String)], ours: fn(&str, &str) -> Ordering, said: &str) {
    let answers: Vec<&str> = said.lines().collect();
    assert_eq!(answers.len(), pairs.len());
    let mut seen = [false; 3];
    for ((a, b), answer) in pairs.iter().zip(answers) {
        let expected: i32 = answer.parse().expect("a number");
        let order = ours(a, b);
        assert_eq!(order as i32, expected.signum(), "`{a}` against `{b}`");
        assert_eq!(ours(b, a), order.reverse(), "`{b}` against `{a}`");
        seen[(order as i32 + 1) as usize] = true;
    }
    assert_eq!(seen, [true; 3], "all three outcomes occur");
}

fn run(command: &mut Command, input: &str) -> String {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program is installed");
    let mut stdin = child.stdin.take().expect("piped");
    let input = input.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("no panic").expect("it reads");
    assert!(output.status.success());
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn as_dpkg_has_it() {
    // dpkg refuses some of what the order is defined for; its Perl library compares the same and takes one process.
    let pairs = pairs(
        "([0-3]:)?[0-9]{1,3}([.+~a-z0-9-]{0,6}[a-z0-9~+.])?(-[0-9]{1,2}([+~a-z]{1,3}[0-9])?)?",
    );
    let mut input = String::new();
    for (a, b) in &pairs {
        writeln!(input, "{a} {b}").expect("memory");
    }
    let program = "use Dpkg::Version; while (<STDIN>) { chomp; my ($a, $b) = split / /, $_, 2; \
                   print eval { version_compare($a, $b) } // 'refused', \"\\n\"; }";
    let said = run(Command::new("perl").args(["-e", program]), &input);
    // What is no version to dpkg has no place in its order.
    let (pairs, said): (Vec<_>, Vec<_>) = pairs
        .into_iter()
        .zip(said.lines())
        .filter(|(_, line)| *line != "refused")
        // Nothing behind the colon: dpkg refuses it, its library reads another thing.
        .filter(|((a, b), _)| !a.ends_with(':') && !b.ends_with(':'))
        .unzip();
    assert!(pairs.len() > PAIRS * 3 / 4, "{} pairs", pairs.len());
    compare_all(&pairs, version::deb, &said.join("\n"));
    // The program itself, in one shell, for a sample of them.
    let mut script = String::new();
    for (a, b) in pairs.iter().take(300) {
        let test = |op: &str| format!("dpkg --compare-versions '{a}' {op} '{b}' 2>/dev/null");
        writeln!(
            script,
            "if {}; then echo -1; elif {}; then echo 1; else echo 0; fi",
            test("lt"),
            test("gt")
        )
        .expect("memory");
    }
    let said = run(&mut Command::new("sh"), &script);
    for ((a, b), answer) in pairs.iter().zip(said.lines()) {
        assert_eq!(
            (version::deb(a, b) as i32).to_string(),
            answer,
            "`{a}` against `{b}`"
        );
    }
}

#[test]
fn as_rpm_has_it() {
    let pairs = pairs("[0-9a-zA-Z.~^_+]{1,10}");
    let mut list = String::new();
    for (a, b) in &pairs {
        write!(list, "{{'{a}','{b}'}},").expect("memory");
    }
    let script = format!(
        "local t = {{}} for _, p in ipairs({{{list}}}) do t[#t + 1] = rpm.vercmp(p[1], p[2]) end print(table.concat(t, '\\n'))"
    );
    let folder = std::env::temp_dir().join(format!("escadre-vercmp-{}.lua", std::process::id()));
    std::fs::write(&folder, script).expect("room");
    let eval = format!("%{{lua:dofile('{}')}}", folder.display());
    let said = run(Command::new("rpm").args(["--eval", &eval]), "");
    std::fs::remove_file(&folder).expect("written");
    compare_all(&pairs, version::rpm_part, said.trim_end());
}
