//! `cargo xtask fuzz`: the parsers of the `book` crate under libFuzzer.
//!
//! What the fuzzers find in between goes to `target/fuzz-corpus`; the small corpus in the tree, which every test run
//! replays, is only read.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::{process, workspace};

/// `cargo xtask fuzz`.
#[derive(clap::Args, Clone, Debug)]
pub struct Options {
    /// Targets by name, such as `epub`; all of them where none is named
    targets: Vec<String>,
    /// How long each runs
    #[arg(long, default_value_t = 600)]
    seconds: u32,
}

/// An input may take so long, and the fuzzer so much memory; more is a find.
const TIMEOUT_S: u32 = 20;
const MEMORY_MIB: u32 = 2048;
/// Inputs are no longer, bytes.
const INPUT_BYTES: u32 = 8192;

/// Builds the targets and runs them one after the other.
///
/// # Errors
/// No nightly toolchain or no cargo-fuzz, a target that is not there, and whatever a fuzzer finds.
pub fn command(options: &Options) -> Result<()> {
    let folder = workspace::root().join("book/fuzz");
    let known = targets(&folder)?;
    if let Some(unknown) = options.targets.iter().find(|target| !known.contains(target)) {
        bail!("there is no target {unknown}; there are {}", known.join(", "));
    }
    for target in if options.targets.is_empty() { &known } else { &options.targets } {
        let found = workspace::root().join("target/fuzz-corpus").join(target);
        fs::create_dir_all(&found).with_context(|| format!("cannot make {}", found.display()))?;
        let mut cargo = process::command("cargo");
        cargo.current_dir(&folder).args(["+nightly", "fuzz", "run", "--fuzz-dir", ".", target]);
        cargo.arg(&found).arg(folder.join("corpus").join(target)).arg("--");
        cargo.arg(format!("-max_total_time={}", options.seconds));
        cargo.arg(format!("-timeout={TIMEOUT_S}")).arg(format!("-rss_limit_mb={MEMORY_MIB}"));
        cargo.arg(format!("-max_len={INPUT_BYTES}")).arg("-print_final_stats=1");
        process::run(&mut cargo).context("needs `rustup toolchain install nightly` and `cargo install cargo-fuzz`")?;
    }
    Ok(())
}

/// The targets, by the names of their files.
fn targets(folder: &Path) -> Result<Vec<String>> {
    let targets = folder.join("fuzz_targets");
    let entries = fs::read_dir(&targets).with_context(|| format!("cannot read {}", targets.display()))?;
    let mut names: Vec<String> = entries
        .map(|entry| {
            Ok(PathBuf::from(entry?.file_name()).file_stem().unwrap_or_default().to_string_lossy().into_owned())
        })
        .collect::<Result<_>>()?;
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_has_a_corpus() {
        let folder = workspace::root().join("book/fuzz");
        for target in targets(&folder).unwrap() {
            assert!(folder.join("corpus").join(&target).is_dir(), "{target}");
        }
    }
}
