//! The `visiobook` program: every kind of node, and the commands.

use std::process::ExitCode;

use clap::Parser;
use gpu::Ballast;
use node::commands::{Cli, run};

/// So that a device that takes all memory ends a batch and not the program.
#[global_allocator]
static ALLOCATOR: Ballast = Ballast;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("visiobook: {}", failure.message);
            ExitCode::from(failure.exit)
        }
    }
}
