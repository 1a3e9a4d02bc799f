//! `cargo xtask test`: every test, streamed as it runs, with minutes a step and one count at the end.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::process::{self, Steps};
use crate::setup::{self, Ready, system::Needs};
use crate::{samples, simulate, web, workspace};

/// `cargo xtask test`.
#[derive(clap::Args, Clone, Debug)]
pub struct Options {
    #[command(flatten)]
    setup: setup::Options,
    /// Handed to each `cargo test`: a name to filter by, or more after another `--`
    #[arg(last = true)]
    args: Vec<String>,
}

/// Tests by how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Count {
    passed: u64,
    failed: u64,
    ignored: u64,
}

impl Count {
    /// Adds what a line of libtest's says, if it is one that sums up.
    fn take(&mut self, line: &str) {
        let Some((_, sums)) = line.split_once("test result: ").and_then(|(_, rest)| rest.split_once(". ")) else {
            return;
        };
        for part in sums.split(';') {
            let mut words = part.split_whitespace();
            let (Some(Ok(number)), Some(what)) = (words.next().map(str::parse::<u64>), words.next()) else { continue };
            match what {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.ignored += number,
                _ => {}
            }
        }
    }
}

/// Runs everything, whatever fails on the way.
///
/// # Errors
/// Set-up that fails, or the names of the steps that failed.
pub fn command(options: &Options) -> Result<()> {
    let mut steps = Steps::default();
    let mut count = Count::default();
    let mut ready = None;
    let needs = Needs { downloads: false, web: true, browser: true };
    steps.step("set-up", || {
        ready = Some(setup::set_up(&options.setup, needs)?);
        Ok(())
    });
    if let Some(ready) = &ready {
        // The browser tests serve the same app that visitors get.
        steps.step("web app", || web::build(&web::Options { dev: false }).map(drop));
        steps.step("samples", || samples::make_all().map(drop));
        if steps.step("compile", || process::run(ready.cargo().args(["test", "--workspace", "--locked", "--no-run"]))) {
            run_all(ready, options, &mut steps, &mut count);
        }
    }
    steps.step("simulations of the scheduler", simulate::for_tests);
    let closed = steps.close();
    println!("\n{} passed, {} failed, {} skipped", count.passed, count.failed, count.ignored);
    closed
}

fn run_all(ready: &Ready, options: &Options, steps: &mut Steps, count: &mut Count) {
    for (name, targets) in [
        ("unit tests", &["--lib", "--bins"][..]),
        ("integration and browser tests", &["--test", "*"]),
        ("examples in the docs", &["--doc"]),
    ] {
        let mut cargo = ready.cargo();
        cargo.args(["test", "--workspace", "--locked", "--no-fail-fast"]).args(targets).args(&options.args);
        steps.step(name, || stream(&mut cargo, count));
    }
    let mut web = ready.cargo();
    web.current_dir(workspace::root().join("web"));
    web.args(["test", "--workspace", "--locked", "--no-fail-fast", "--target-dir"]).arg(web::host_target());
    web.args(&options.args);
    steps.step("web app's own tests", || stream(&mut web, count));
}

/// Runs one `cargo test`, passes its output on as it comes, and counts.
fn stream(cargo: &mut Command, count: &mut Count) -> Result<()> {
    let line = process::shown(cargo);
    eprintln!("$ {line}");
    let mut child =
        cargo.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().with_context(|| format!("can't start `{line}`"))?;
    let output = child.stdout.take().context("cargo's output is ours")?;
    for text in BufReader::new(output).split(b'\n') {
        let text = text.context("can't read what cargo prints")?;
        let text = String::from_utf8_lossy(&text);
        println!("{text}");
        count.take(&text);
    }
    let status = child.wait().context("cargo did not end")?;
    if !status.success() {
        bail!("`{line}` failed ({status})");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_the_sum_of_what_each_test_program_says() {
        let mut count = Count::default();
        for line in [
            "running 3 tests",
            "test a::b ... ok",
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.01s",
            "test result: FAILED. 4 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.20s",
            "5 passed; 5 failed",
        ] {
            count.take(line);
        }
        assert_eq!(count, Count { passed: 7, failed: 2, ignored: 1 });
    }
}
