//! Size and malice: worlds as large as a distribution, and worlds made to hurt.

use std::fmt::Write;

use escadre_solve::solve;

use crate::{
    cases::{request, world},
    checker::faults,
};

#[test]
fn a_million_alternatives() {
    let mut depends = String::from("a 1 ; Depends: ");
    for n in 0..1_000_000 {
        write!(depends, "m{n} | ").expect("memory");
    }
    depends.push_str("b\nb 1");
    let catalog = world(&depends);
    let solution = solve(&catalog, &request("a")).expect("the last one");
    assert_eq!(solution.packages.len(), 2);
}

#[test]
fn many_versions_and_providers_of_one_name() {
    let mut text = String::from("a 1 ; Depends: v\n");
    for n in 1..2_000 {
        writeln!(text, "p{n} 1 ; Provides: v ; Conflicts: v").expect("memory");
        writeln!(text, "same {n}").expect("memory");
    }
    let catalog = world(&text);
    let request = request("a same");
    let solution = solve(&catalog, &request).expect("any of them");
    assert_eq!(faults(&catalog, &request, &solution), [""; 0]);
    assert_eq!(solution.packages.len(), 3);
}

#[test]
fn circles_of_provides_and_long_chains() {
    let mut text = String::new();
    for n in 0..2_000 {
        writeln!(
            text,
            "p{n} 1 ; Depends: p{} ; Provides: q{}, q{n}",
            (n + 1) % 2_000,
            (n + 1) % 2_000
        )
        .expect("memory");
    }
    let catalog = world(&text);
    let solution = solve(&catalog, &request("p0 q7")).expect("a circle");
    assert_eq!(solution.packages.len(), 2_000);
    let broken = text.replacen("p1999 1 ; Depends: p0", "p1999 1 ; Depends: nothing", 1);
    let error = solve(&world(&broken), &request("p0"))
        .expect_err("a chain that ends nowhere")
        .to_string();
    assert!(
        error.ends_with("which no package provides"),
        "{}",
        &error[error.len().saturating_sub(100)..]
    );
}

/// As long as no real chain is: walked step by step, without recursion.
#[test]
fn a_chain_of_twenty_thousand() {
    let mut text = String::new();
    for n in 0..20_000 {
        writeln!(text, "p{n} 1 ; Depends: p{} | other{n}", n + 1).expect("memory");
    }
    text.push_str("p20000 1\n");
    let solution = solve(&world(&text), &request("p0")).expect("a long chain");
    assert_eq!(solution.packages.len(), 20_001);
}
