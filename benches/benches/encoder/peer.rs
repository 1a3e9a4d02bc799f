//! sentence-transformers in a process of its own, in an environment that is made for it.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use domain::id::Digest;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::measure::{Run, Setting};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/sentence_transformers.py");
const REQUIREMENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/sentence_transformers.txt");

/// A running peer; ended when dropped.
pub struct Peer {
    process: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
    /// What it is, with versions.
    pub versions: String,
    /// Tokens of all texts, as it counts them.
    pub tokens: usize,
}

#[derive(Deserialize)]
struct Hello {
    tokens: usize,
    versions: String,
}

#[derive(Deserialize)]
struct Timing {
    wall_s: f64,
    cpu_s: f64,
}

#[derive(Deserialize)]
struct Done {}

impl Peer {
    /// Starts it on the same model and texts.
    pub fn start(python: &Path, model: &Path, texts: &Path) -> Result<Self> {
        let mut process = Command::new(python)
            .arg(SCRIPT)
            .args([model, texts])
            .env("HF_HUB_OFFLINE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("starting {}", python.display()))?;
        let requests = process.stdin.take().context("its input is piped")?;
        let answers = BufReader::new(process.stdout.take().context("its output is piped")?);
        let mut peer = Self { process, requests, answers, versions: String::new(), tokens: 0 };
        let hello: Hello = peer.answer()?;
        peer.versions = hello.versions;
        peer.tokens = hello.tokens;
        Ok(peer)
    }

    /// Encodes every text once.
    pub fn run(&mut self, setting: Setting, batch: usize) -> Result<Run> {
        writeln!(self.requests, "{} {} {batch}", setting.profile.name(), setting.threads)?;
        let Timing { wall_s, cpu_s } = self.answer()?;
        Ok(Run { wall_s, cpu_s })
    }

    /// Vectors of the last run, one after the other.
    pub fn vectors(&mut self) -> Result<Vec<f32>> {
        let path = scratch().join("peer-vectors.f32");
        writeln!(self.requests, "vectors {}", path.display())?;
        self.answer::<Done>()?;
        let bytes = fs::read(&path)?;
        Ok(bytes.as_chunks::<4>().0.iter().map(|float| f32::from_le_bytes(*float)).collect())
    }

    fn answer<T: DeserializeOwned>(&mut self) -> Result<T> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        if line.is_empty() {
            bail!("the peer ended: {}; run {SCRIPT} by hand to see why", self.process.wait()?);
        }
        Ok(serde_json::from_str(&line)?)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Its work is done or void; nothing hangs on how it ends.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The interpreter of an environment that holds the peer, made if there is none for these requirements.
/// It takes about 5 GB under the target folder, and a download of about 3 GB.
pub fn environment() -> Result<PathBuf> {
    let requirements = fs::read(REQUIREMENTS).with_context(|| format!("reading {REQUIREMENTS}"))?;
    let name = format!("sentence-transformers-{}", &Digest::of(&requirements).to_string()[..16]);
    let folder = scratch().join(name);
    let python = folder.join("bin/python");
    let made = folder.join("made");
    if !made.exists() {
        println!("making an environment for sentence-transformers in {} (once; about 5 GB) …", folder.display());
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
        let mut pip = Command::new(&python);
        run(pip.args(["-m", "pip", "install", "--disable-pip-version-check", "--requirement", REQUIREMENTS]))?;
        fs::write(&made, "")?;
    }
    Ok(python)
}

/// Where a benchmark may leave things: under the target folder.
pub fn scratch() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}

fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("starting {command:?}"))?;
    ensure!(status.success(), "{command:?} failed: {status}");
    Ok(())
}
