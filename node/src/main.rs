//! The `visiobook` program: every kind of node, and the commands.

use std::process::ExitCode;

use clap::Parser;
use node::commands::{Cli, run};

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
