//! `cargo xtask simulate`: the scheduler's core among simulated devices, work and troubles.

use std::path::PathBuf;

use anyhow::Result;

use crate::process;

/// `cargo xtask simulate`.
#[derive(clap::Args, Clone, Debug)]
pub struct Options {
    /// How many seeds to live through
    #[arg(long, default_value_t = 200)]
    seeds: u64,
    /// Nodes of four devices each, for every seed; by default the seed decides
    #[arg(long)]
    nodes: Option<u32>,
    /// Replay a trace that a node recorded
    #[arg(long)]
    trace: Option<PathBuf>,
    /// One seed, with its report: what a failing seed is replayed with
    #[arg(long)]
    seed: Option<u64>,
    /// Draw the load of that seed over time
    #[arg(long, requires = "seed")]
    svg: Option<PathBuf>,
    /// Write what the last leader of that seed was told, as a trace
    #[arg(long, requires = "seed")]
    record: Option<PathBuf>,
    /// Check nothing, to see how fast it is
    #[arg(long)]
    unchecked: bool,
    /// Instead of a seed's own scenario: makespan, makespan-faults, small, flooded, interactive
    #[arg(long)]
    scenario: Option<String>,
}

/// Runs the simulator, which prints what it found and fails on any violation.
///
/// # Errors
/// A violation, or a build that fails.
pub fn command(options: &Options) -> Result<()> {
    let mut cargo = process::cargo();
    cargo.args(["run", "--release", "--locked", "--quiet", "--package", "scheduler", "--example", "simulate", "--"]);
    cargo.arg("--seeds").arg(options.seeds.to_string());
    let numbers = [("--nodes", options.nodes.map(u64::from)), ("--seed", options.seed)];
    for (name, number) in numbers {
        if let Some(number) = number {
            cargo.arg(name).arg(number.to_string());
        }
    }
    // The simulator runs in the root of the checkout; paths are meant from where the user stands.
    for (name, path) in [("--trace", &options.trace), ("--svg", &options.svg), ("--record", &options.record)] {
        if let Some(path) = path {
            cargo.arg(name).arg(std::path::absolute(path)?);
        }
    }
    if let Some(scenario) = &options.scenario {
        cargo.arg("--scenario").arg(scenario);
    }
    if options.unchecked {
        cargo.arg("--unchecked");
    }
    process::run(&mut cargo)
}
/// What every change has to pass: 2,000 seeds.
///
/// # Errors
/// A violation, or a build that fails.
pub fn for_tests() -> Result<()> {
    command(&Options {
        seeds: 2_000,
        nodes: None,
        trace: None,
        seed: None,
        svg: None,
        record: None,
        unchecked: false,
        scenario: None,
    })
}
