//! Both cores together, under everything that a network, a power supply and a person can do to them.

#[path = "../../simulation/mod.rs"]
mod simulation;

use simulation::{Setting, run};

fn check(seeds: std::ops::Range<u64>, agents: usize) {
    for seed in seeds {
        if let Err(broken) = run(Setting { seed, agents }) {
            panic!(
                "seed {seed} with {agents} agents: {broken}\n\
                 again: cargo run -p escadre-rollout --example simulate -- --first {seed} --seeds 1 --agents {agents}"
            );
        }
    }
}

#[test]
fn a_thousand_agents() {
    check(1..2, 1_000);
}

#[test]
fn small_fleets_in_many_worlds() {
    check(100..160, 20);
}
