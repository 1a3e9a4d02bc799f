//! Other programs: how they are started, shown and reported when they fail.

use std::env;
use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

/// What `cargo run` puts into the environment of this process, and no program that it starts should inherit:
/// build scripts watch some of it, and another cargo would take it for its own.
const FROM_CARGO: [&str; 6] = [
    "CARGO",
    "CARGO_BIN_NAME",
    "CARGO_CRATE_NAME",
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_PATH",
    "CARGO_PRIMARY_PACKAGE",
];

/// A command in the environment that the user's shell would give it.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for name in FROM_CARGO {
        command.env_remove(name);
    }
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_")) {
            command.env_remove(name);
        }
    }
    command
}

/// The cargo that runs this xtask, in the checkout.
pub fn cargo() -> Command {
    let mut cargo = command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(crate::workspace::root());
    cargo
}

/// The command line as one would type it.
pub fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let mut line = program.to_string_lossy().into_owned();
    for arg in command.get_args() {
        line.push(' ');
        line.push_str(&arg.to_string_lossy());
    }
    line
}

/// Prints the command, runs it with its output on ours, and fails when it fails.
///
/// # Errors
/// Names the command that could not be started or that failed.
pub fn run(command: &mut Command) -> Result<()> {
    let line = shown(command);
    eprintln!("$ {line}");
    let status = command.stdin(Stdio::null()).status().with_context(|| format!("can't start `{line}`"))?;
    if !status.success() {
        bail!("`{line}` failed ({status})");
    }
    Ok(())
}

/// What the command prints, trimmed; `None` where it can't be started or fails.
pub fn answer(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Whether a program of that name is on the path.
pub fn on_path(program: &str) -> bool {
    env::var_os("PATH").is_some_and(|path| env::split_paths(&path).any(|folder| folder.join(program).is_file()))
}

/// Steps with the minutes each took, for a list at the end.
#[derive(Default)]
pub struct Steps {
    rows: Vec<(String, f64, Option<String>)>,
}

impl Steps {
    /// Runs one step; a failure is printed at once, kept for the list, and does not stop the next step.
    pub fn step(&mut self, name: &str, work: impl FnOnce() -> Result<()>) -> bool {
        eprintln!("\n== {name}");
        let started = Instant::now();
        let reason = work().err().map(|error| format!("{error:#}"));
        if let Some(reason) = &reason {
            eprintln!("error: {reason}");
        }
        self.rows.push((name.to_owned(), started.elapsed().as_secs_f64() / 60.0, reason));
        self.rows.last().is_some_and(|(_, _, reason)| reason.is_none())
    }

    /// Prints every step with its minutes.
    ///
    /// # Errors
    /// Names the steps that failed.
    pub fn close(self) -> Result<()> {
        eprintln!("\n{:<40} minutes", "step");
        for (name, minutes, reason) in &self.rows {
            eprintln!("{name:<40} {minutes:>7.2}{}", if reason.is_some() { "  failed" } else { "" });
        }
        let failed: Vec<&str> =
            self.rows.iter().filter(|(_, _, reason)| reason.is_some()).map(|(name, _, _)| name.as_str()).collect();
        if !failed.is_empty() {
            bail!("failed: {}", failed.join(", "));
        }
        Ok(())
    }
}
