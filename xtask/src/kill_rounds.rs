//! `cargo xtask kill-rounds`: a node that is killed at random steps, and what is there when it is back.

use anyhow::Result;

use crate::process;
use crate::setup::{self, system::Needs};

/// `cargo xtask kill-rounds`.
#[derive(clap::Args, Clone, Debug)]
pub struct Options {
    #[command(flatten)]
    setup: setup::Options,
    /// How often a node is killed
    #[arg(long, default_value_t = 200)]
    rounds: u64,
    /// Draws the same steps again
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Plays the rounds, which fail if anything that was answered is lost, or there twice.
///
/// # Errors
/// Set-up, or a round that fails.
pub fn command(options: &Options) -> Result<()> {
    let ready = setup::set_up(&options.setup, Needs::default())?;
    let mut cargo = ready.cargo();
    // Of the whole workspace, as the tests are built: else half of it is compiled anew for other features.
    cargo.args(["test", "--workspace", "--locked", "--test", "kill", "--"]);
    cargo.args(["--ignored", "--nocapture", "random_rounds"]);
    cargo.env("VISIOBOOK_KILL_ROUNDS", options.rounds.to_string());
    cargo.env("VISIOBOOK_KILL_SEED", options.seed.to_string());
    process::run(&mut cargo)
}
