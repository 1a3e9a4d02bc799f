//! `cargo xtask bench`.

use anyhow::Result;

use crate::process;
use crate::setup::{self, system::Needs};

/// `cargo xtask bench`.
#[derive(clap::Args, Clone, Debug)]
pub struct Options {
    #[command(flatten)]
    setup: setup::Options,
    /// One benchmark by name, such as `scheduler`; all of them where none is named
    name: Option<String>,
    /// Handed to the benchmark
    #[arg(last = true)]
    args: Vec<String>,
}

/// Runs the benchmarks of the `benches` crate.
///
/// # Errors
/// Set-up or a benchmark that fails.
pub fn command(options: &Options) -> Result<()> {
    let ready = setup::set_up(&options.setup, Needs::default())?;
    let mut cargo = ready.cargo();
    cargo.args(["bench", "--locked", "--package", "benches"]);
    if let Some(name) = &options.name {
        cargo.args(["--bench", name]);
    }
    if !options.args.is_empty() {
        cargo.arg("--").args(&options.args);
    }
    process::run(&mut cargo)
}
