//! One small world a feature: what is asked, what comes, and in what words it is refused.

use std::fmt::Write as _;

use escadre_catalog::{Catalog, CatalogBuilder, Package, debian, synthesis};
use escadre_model::inventory::PackageKind;
use escadre_solve::{Change, Options, Request, Solution, Wanted, solve, with_installed};

use crate::checker::faults;

/// `name version [arch] | Field: value | …` a line.
pub(crate) fn world(text: &str) -> Catalog {
    let mut packages = String::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let mut parts = line.split(" ; ");
        let head: Vec<&str> = parts
            .next()
            .unwrap_or_default()
            .split_whitespace()
            .collect();
        let arch = head.get(2).unwrap_or(&"amd64");
        writeln!(
            packages,
            "Package: {}\nVersion: {}\nArchitecture: {arch}",
            head[0], head[1]
        )
        .expect("memory");
        parts.for_each(|field| packages.extend([field, "\n"]));
        packages.push('\n');
    }
    let mut builder = CatalogBuilder::new(PackageKind::Deb);
    let problems =
        debian::packages::read("world", packages.as_bytes(), &mut builder).expect("readable");
    assert_eq!(problems, []);
    builder.finish().expect("small").0
}

pub(crate) fn wanted(text: &str) -> Vec<Wanted> {
    text.split_whitespace()
        .map(|word| match word.split_once('=') {
            Some((name, version)) => Wanted::versioned(name, escadre_catalog::Op::Equal, version),
            None => Wanted::any(word),
        })
        .collect()
}

pub(crate) fn request(text: &str) -> Request {
    let architectures = vec!["amd64".to_owned(), "i386".to_owned()];
    Request {
        wanted: wanted(text),
        options: Options {
            architectures,
            ..Options::default()
        },
        ..Request::default()
    }
}

fn names(catalog: &Catalog, solution: &Solution) -> String {
    let name = |id| match catalog.arch(id) {
        "i386" => format!("{}:i386={}", catalog.name(id), catalog.version(id)),
        _ => format!("{}={}", catalog.name(id), catalog.version(id)),
    };
    solution
        .packages
        .iter()
        .map(|chosen| name(chosen.package))
        .collect::<Vec<_>>()
        .join(" ")
}

fn ask(catalog: &Catalog, request: &Request) -> Result<String, String> {
    match solve(catalog, request) {
        Ok(solution) => {
            assert_eq!(faults(catalog, request, &solution), [""; 0], "{request:?}");
            Ok(names(catalog, &solution))
        }
        Err(error) => Err(error.to_string()),
    }
}

#[track_caller]
fn check(text: &str, asked: &str, expected: &str) {
    assert_eq!(
        ask(&world(text), &request(asked)),
        Ok(expected.to_owned()),
        "{asked} in {text}"
    );
}

#[track_caller]
fn refused(text: &str, asked: &str, expected: &str) {
    assert_eq!(
        ask(&world(text), &request(asked)),
        Err(expected.to_owned()),
        "{asked} in {text}"
    );
}

#[test]
fn what_comes() {
    check("a 1 ; Depends: b\nb 1\nc 1", "a", "a=1 b=1");
    check("a 1\na 2\na 1.5", "a", "a=2");
    check("a 1\na 2", "a=1", "a=1");
    check("a 1 ; Depends: x | y\nx 1\ny 1", "a", "a=1 x=1");
    check("a 1 ; Depends: x | y\ny 1", "a", "a=1 y=1");
    check("a 1 ; Depends: x (>= 2) | y\nx 1\ny 1", "a", "a=1 y=1");
    check("a 1 ; Depends: x | y\nx 1\ny 1", "a y", "a=1 y=1");
    check(
        "a 1 ; Depends: m\np 1 ; Provides: m\nq 1 ; Provides: m",
        "a",
        "a=1 p=1",
    );
    check(
        "a 1 ; Depends: m\np 1 ; Provides: m\nq 1 ; Provides: m ; Priority: important",
        "a",
        "a=1 q=1",
    );
    check(
        "a 1 ; Depends: m (>= 2)\np 1 ; Provides: m\nq 1 ; Provides: m (= 3)",
        "a",
        "a=1 q=1",
    );
    check("a 1 ; Depends: b\nb 1 ; Depends: a", "a", "a=1 b=1");
    check(
        "a 1 ; Pre-Depends: b ; Depends: c\nb 1\nc 1",
        "a",
        "a=1 b=1 c=1",
    );
    check("a 1 ; Conflicts: m ; Provides: m\nb 1", "a b", "a=1 b=1");
    check(
        "a 1 ; Depends: b\nb 2 ; Breaks: a (<< 2)\nb 1",
        "a",
        "a=1 b=1",
    );
    check(
        "a 1 ; Depends: b\nb 2 ; Depends: missing\nb 1",
        "a",
        "a=1 b=1",
    );
    check("m 1 ; Provides: v\na 1 ; Depends: v", "v", "m=1");
    check("a 1 ; Recommends: b ; Suggests: c\nb 1\nc 1", "a", "a=1");
}

#[test]
fn architectures() {
    check("a 1 i386\na 1", "a", "a=1");
    check("a 1 ; Depends: b\nb 2 i386\nb 1", "a", "a=1 b=1");
    check(
        "a 1 ; Depends: b\nb 2 i386 ; Multi-Arch: foreign",
        "a",
        "a=1 b:i386=2",
    );
    check(
        "a 1 ; Depends: b:any\nb 2 i386 ; Multi-Arch: allowed",
        "a",
        "a=1 b:i386=2",
    );
    check("a 1 ; Depends: b:i386\nb 2 i386\nb 3", "a", "a=1 b:i386=2");
    check("a 1 all ; Depends: b\nb 1", "a", "a=1 b=1");
    refused(
        "a 1 ; Depends: b\nb 2 i386",
        "a",
        "a 1 requires b, but there is only b 2",
    );
    refused("a 1 arm64", "a", "no package answers `a`");
}

#[test]
fn refusals_name_the_chain() {
    refused("b 1", "a", "no package answers `a`");
    refused("a 1", "a=2", "no package answers `a (= 2)`; there is 1");
    refused(
        "a 1 ; Depends: b (>= 2)\nb 1",
        "a",
        "a 1 requires b (>= 2), but there is only b 1",
    );
    refused(
        "a 1 ; Depends: b\nb 1 ; Depends: c\nc 3 ; Depends: d",
        "a",
        "a 1 requires b 1, which requires c 3, which requires d, which no package provides",
    );
    refused(
        "a 1 ; Conflicts: b\nb 1",
        "a b",
        "a 1, which conflicts with b 1",
    );
    refused(
        "a 1 ; Depends: c\nb 1 ; Depends: d\nc 1 ; Conflicts: d\nd 1",
        "a b",
        "a 1 requires c 1, which conflicts with d 1 (required by b 1)",
    );
}

#[test]
fn forbidden_and_pinned() {
    let catalog = world("a 1 ; Depends: x | y\nx 1\ny 1\nb 1\nb 2\nb 3");
    let with = |asked: &str, forbidden: &str, pins: &str| {
        let request = Request {
            forbidden: wanted(forbidden),
            pins: wanted(pins),
            ..request(asked)
        };
        ask(&catalog, &request)
    };
    assert_eq!(with("a", "x", ""), Ok("a=1 y=1".to_owned()));
    assert_eq!(with("b", "", "b=2"), Ok("b=2".to_owned()));
    assert_eq!(with("b", "b=3", ""), Ok("b=2".to_owned()));
    assert_eq!(
        with("b", "b", "").expect_err("forbidden"),
        "b 1, which is forbidden by the request (b); 2 other ways end no better"
    );
    let error = with("b=1", "", "b=2").expect_err("pinned");
    assert_eq!(error, "b 1, which is pinned: only b (= 2) may come in");
}

#[test]
fn weak_dependencies() {
    let catalog = world(
        "a 1 ; Recommends: b, clash, missing ; Suggests: s\nb 1 ; Recommends: c | d\nc 1\nd 1\nclash 1 ; Conflicts: a\ns 1",
    );
    let with = |recommends, suggests| {
        let mut request = request("a");
        (request.options.recommends, request.options.suggests) = (recommends, suggests);
        ask(&catalog, &request)
    };
    assert_eq!(with(true, false), Ok("a=1 b=1 c=1".to_owned()));
    assert_eq!(with(true, true), Ok("a=1 b=1 s=1 c=1".to_owned()));
}

fn installed(text: &str) -> Vec<Package> {
    let stanzas: String = text
        .lines()
        .map(|line| {
            let mut parts = line.split(" ; ");
            let head: Vec<&str> = parts.next().unwrap_or_default().split_whitespace().collect();
            let fields: String = parts.map(|field| format!("{field}\n")).collect();
            format!("Package: {}\nStatus: install ok installed\nVersion: {}\nArchitecture: amd64\n{fields}\n", head[0], head[1])
        })
        .collect();
    debian::status::read("status", stanzas.as_bytes()).expect("readable")
}

#[track_caller]
fn check_installed(text: &str, there: &str, asked: &str, keep: bool, expected: &str) {
    let catalog = world(text);
    let base = with_installed(&catalog, &installed(there)).expect("small");
    let mut request = Request {
        installed: base.installed.clone(),
        ..request(asked)
    };
    request.options.keep_versions = keep;
    let shown = match solve(&base.catalog, &request) {
        Err(error) => error.to_string(),
        Ok(solution) => {
            assert_eq!(faults(&base.catalog, &request, &solution), [""; 0]);
            let show = |id| format!("{}={}", base.catalog.name(id), base.catalog.version(id));
            let mut lines: Vec<String> = solution
                .packages
                .iter()
                .map(|chosen| match chosen.change {
                    Change::New => format!("+{}", show(chosen.package)),
                    Change::Kept => show(chosen.package),
                    Change::Replaces(old) => {
                        format!("{}->{}", show(old), base.catalog.version(chosen.package))
                    }
                })
                .collect();
            lines.sort();
            lines.join(" ")
        }
    };
    assert_eq!(shown, expected, "{asked} in {text} with {there}");
}

#[test]
fn what_is_installed_stays() {
    check_installed("a 1 ; Depends: b\nb 2\nb 1", "b 1", "a", false, "+a=1 b=1");
    check_installed(
        "a 1 ; Depends: b (>= 2)\nb 2\nb 1",
        "b 1",
        "a",
        false,
        "+a=1 b=1->2",
    );
    check_installed(
        "a 1 ; Depends: x | y\nx 1\ny 1",
        "y 1",
        "a",
        false,
        "+a=1 y=1",
    );
    check_installed(
        "a 1 ; Depends: m",
        "local 7 ; Provides: m",
        "a",
        false,
        "+a=1 local=7",
    );
    check_installed(
        "a 1",
        "broken 1 ; Depends: gone",
        "a",
        false,
        "+a=1 broken=1",
    );
    check_installed("a 2\na 1", "a 1", "a", false, "a=1");
    check_installed(
        "a 1 ; Depends: b (>= 2)\nb 2\nb 1",
        "b 1",
        "a",
        true,
        "a 1 requires b 2, but the installed version of it has to stay",
    );
    check_installed(
        "a 1 ; Conflicts: b\nb 1",
        "b 1",
        "a",
        false,
        "a 1, which conflicts with b 1",
    );
}

/// The machine's own packages are known by name and version only, or are broken: that is no matter of the request.
#[test]
fn what_is_installed_is_consistent() {
    // maven from the repository, a JDK from elsewhere, of which the inventory knows the name.
    check_installed(
        "maven 1 ; Depends: jre | java-runtime\njre 1\na 1",
        "maven 1\njdk 7",
        "a",
        false,
        "+a=1 jdk=7 maven=1",
    );
    // An upgrade of maven has to be met by what is known.
    check_installed(
        "maven 2 ; Depends: jre | java-runtime\nmaven 1 ; Depends: jre\njre 1",
        "maven 1\njdk 7",
        "maven=2",
        false,
        "+jre=1 jdk=7 maven=1->2",
    );
    // A dependency that is met stays met, also when the request takes away what met it.
    check_installed(
        "p 1 ; Depends: q (<< 2) | r\nq 2\nq 1\nr 1\na 1 ; Depends: q (>= 2)",
        "p 1\nq 1",
        "a",
        false,
        "+a=1 +r=1 p=1 q=1->2",
    );
    // Nothing better than what is there: no reason to change it.
    check_installed(
        "p 1 ; Depends: x | y\nx 1\ny 1\na 1",
        "p 1\ny 1",
        "a",
        false,
        "+a=1 p=1 y=1",
    );
    check_installed(
        "p 1 ; Depends: q (>= 2)\nq 2\nq 1\na 1",
        "p 1\nq 1",
        "a",
        false,
        "+a=1 p=1 q=1",
    );
}

#[test]
fn what_is_installed_does_not_clash() {
    check_installed(
        "p 1 ; Conflicts: q\nq 1\na 1",
        "p 1\nq 1",
        "a",
        false,
        "+a=1 p=1 q=1",
    );
    // The same conflict of a package that is not there must not be taken for theirs, nor theirs for its.
    check_installed(
        "n 1 ; Conflicts: q\np 1 ; Conflicts: q\nq 1\na 1 ; Depends: n | b\nb 1",
        "p 1\nq 1",
        "a",
        false,
        "+a=1 +b=1 p=1 q=1",
    );
    // Another version of either counts as any package that comes in.
    check_installed(
        "p 1 ; Conflicts: q\nq 2\nq 1\na 1 ; Depends: q (>= 2)",
        "p 1\nq 1",
        "a",
        false,
        "p 1, which conflicts with q 2 (required by a 1)",
    );
}

#[test]
fn rich_dependencies_of_what_is_installed() {
    let package = |name: &str, requires: &str| {
        let requires = if requires.is_empty() {
            String::new()
        } else {
            format!("@requires@{requires}\n")
        };
        format!("@provides@{name}[== 1-1]\n{requires}@info@{name}-1-1.noarch@0@1@G\n")
    };
    for (installed, asked, expected) in [
        ("p", "a", "a=1-1 p=1-1"),
        ("p x", "a", "a=1-1 p=1-1 x=1-1"),
        ("p", "x", "x=1-1 p=1-1 y=1-1"),
    ] {
        let world = [
            package("p", "(y if x)"),
            package("x", ""),
            package("y", ""),
            package("a", ""),
        ];
        let catalog = rpm_world(&world.concat());
        let there = installed
            .split(' ')
            .filter_map(|name| catalog.find(name, None, None));
        let request = Request {
            installed: there.collect(),
            wanted: wanted(asked),
            ..Request::default()
        };
        assert_eq!(
            ask(&catalog, &request),
            Ok(expected.to_owned()),
            "{asked} with {installed}"
        );
    }
}

/// Choices that have to be taken back over more than one step.
#[test]
fn what_the_descent_gives_up() {
    check(
        "a 1 ; Depends: x | y\nx 1\ny 1\nb 1 ; Depends: z | w\nz 1 ; Conflicts: x\nw 1 ; Conflicts: x",
        "a b",
        "a=1 b=1 y=1 z=1",
    );
    check(
        "a 1 ; Depends: x | y\nx 1 ; Depends: p | q\np 1 ; Conflicts: a\nq 1 ; Conflicts: a\ny 1",
        "a",
        "a=1 y=1",
    );
}

fn rpm_world(text: &str) -> Catalog {
    let mut builder = CatalogBuilder::new(PackageKind::Rpm);
    for package in &synthesis::parse("world", text.as_bytes()).packages {
        builder.owned(package).expect("small");
    }
    builder.finish().expect("small").0
}

#[test]
fn rpm_worlds() {
    let tail = |name: &str| format!("@provides@{name}[== 1-1]\n@info@{name}-1-1.noarch@0@1@G\n");
    let all: String = ["x", "y", "z"].iter().map(|name| tail(name)).collect();
    for (dependency, asked, expected) in [
        ("(x or y)", "a", Ok("a=1-1 x=1-1")),
        ("(x and y)", "a", Ok("a=1-1 x=1-1 y=1-1")),
        ("(x if y)", "a", Ok("a=1-1")),
        ("(x if y)", "a y", Ok("a=1-1 y=1-1 x=1-1")),
        ("(x if y else z)", "a", Ok("a=1-1 z=1-1")),
        ("(x if y else z)", "a y", Ok("a=1-1 y=1-1 x=1-1")),
        (
            "(x with y)",
            "a",
            Err("a 1-1 requires (x with y), which no package provides"),
        ),
        ("(x >= 1 without y)", "a", Ok("a=1-1 x=1-1")),
        ("(x unless y)", "a", Ok("a=1-1 x=1-1")),
    ] {
        let catalog = rpm_world(&format!(
            "@provides@a[== 1-1]\n@requires@{dependency}\n@info@a-1-1.noarch@0@1@G\n{all}"
        ));
        let expected = expected.map(str::to_owned).map_err(str::to_owned);
        assert_eq!(
            ask(
                &catalog,
                &Request {
                    options: Options::default(),
                    ..request(asked)
                }
            ),
            expected,
            "{dependency}"
        );
    }
}

#[test]
fn obsoletes_take_the_place() {
    let catalog = rpm_world(
        "@provides@new[== 2-1]@old[== 2-1]\n@obsoletes@old[< 2]\n@info@new-2-1.noarch@0@1@G\n@provides@old[== 1-1]\n@info@old-1-1.noarch@0@1@G\n",
    );
    let old = catalog.find("old", None, None).expect("there");
    let request = Request {
        wanted: wanted("new"),
        installed: vec![old],
        ..Request::default()
    };
    let solution = solve(&catalog, &request).expect("possible");
    assert_eq!(
        (
            names(&catalog, &solution).as_str(),
            solution.removed.as_slice()
        ),
        ("new=2-1", &[old][..])
    );
    let both = Request {
        wanted: wanted("new old=1-1"),
        ..Request::default()
    };
    assert!(solve(&catalog, &both).is_err());
}

#[test]
fn why_is_one_line() {
    let catalog =
        world("app 1 ; Depends: lib (>= 1) | other\nlib 2 ; Depends: m\nprov 1 ; Provides: m");
    let solution = solve(&catalog, &request("app")).expect("possible");
    let prov = catalog.find("prov", None, None).expect("there");
    let line = solution.why(&catalog, prov).expect("in it");
    assert_eq!(
        line,
        "requested: app → app requires `lib (>= 1) | other` → lib requires `m` → prov"
    );
}
