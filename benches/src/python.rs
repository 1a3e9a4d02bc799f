//! Peers that run on Python: an environment made for them, and talk with one in a process of its own.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};

use anyhow::{Context, Result, bail, ensure};
use domain::id::Digest;
use serde::de::DeserializeOwned;

/// The interpreter of an environment below `scratch` that holds what the file `requirements` asks for; made if there
/// is none for just these requirements. `what` says what is made, to who waits for it.
///
/// # Errors
/// Where `python3` or pip can't make it.
pub fn environment(scratch: &Path, name: &str, requirements: &str, what: &str) -> Result<PathBuf> {
    let wanted = fs::read(requirements).with_context(|| format!("reading {requirements}"))?;
    let folder = scratch.join(format!("{name}-{}", &Digest::of(&wanted).to_string()[..16]));
    let python = folder.join("bin/python");
    let made = folder.join("made");
    if !made.exists() {
        println!("making an environment for {what} in {} (once) …", folder.display());
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
        let mut pip = Command::new(&python);
        run(pip.args(["-m", "pip", "install", "--disable-pip-version-check", "--requirement", requirements]))?;
        fs::write(&made, "")?;
    }
    Ok(python)
}

fn run(command: &mut Command) -> Result<()> {
    let status = command.stdin(Stdio::null()).status().with_context(|| format!("starting {command:?}"))?;
    ensure!(status.success(), "{command:?} failed: {status}");
    Ok(())
}

/// A peer in a process of its own: a line in, a line of JSON out. Killed when dropped, if it has not ended.
pub struct Talk {
    script: &'static str,
    process: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Talk {
    /// Starts `script`; `prepare` adds arguments and environment.
    ///
    /// # Errors
    /// Where the process can't be started.
    pub fn start(python: &Path, script: &'static str, prepare: impl FnOnce(&mut Command)) -> Result<Self> {
        let mut command = Command::new(python);
        command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        // Scripts lie in the checkout, which stays as it is.
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        prepare(&mut command);
        let mut process = command.spawn().with_context(|| format!("starting {}", python.display()))?;
        let requests = process.stdin.take();
        let answers = BufReader::new(process.stdout.take().context("its output is piped")?);
        Ok(Self { script, process, requests, answers })
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Says a line, and waits for what it answers.
    ///
    /// # Errors
    /// Where it has ended, or answers something else.
    pub fn ask<T: DeserializeOwned>(&mut self, line: &str) -> Result<T> {
        writeln!(self.requests.as_mut().context("its input is open")?, "{line}")?;
        self.answer()
    }

    /// Waits for its next line.
    ///
    /// # Errors
    /// Where it has ended, or answers something else.
    pub fn answer<T: DeserializeOwned>(&mut self) -> Result<T> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        if line.is_empty() {
            bail!("the peer ended: {}; run {} by hand to see why", self.process.wait()?, self.script);
        }
        Ok(serde_json::from_str(&line)?)
    }

    /// Closes its input, at whose end it stops what it started, and waits for it.
    ///
    /// # Errors
    /// Where it can't be waited for.
    pub fn finish(&mut self) -> Result<ExitStatus> {
        drop(self.requests.take());
        Ok(self.process.wait()?)
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        // Its work is done or void; nothing hangs on how it ends.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
