//! sentence-transformers in a process of its own, in an environment that is made for it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use benches::python::{self, Talk};
use serde::Deserialize;

use crate::measure::{Run, Setting};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/sentence_transformers.py");
const REQUIREMENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/sentence_transformers.txt");

/// A running peer; ended when dropped.
pub struct Peer {
    talk: Talk,
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
        let mut talk = Talk::start(python, SCRIPT, |command| {
            command.args([model, texts]).env("HF_HUB_OFFLINE", "1");
        })?;
        let Hello { tokens, versions } = talk.answer()?;
        Ok(Self { talk, versions, tokens })
    }

    /// Encodes every text once.
    pub fn run(&mut self, setting: Setting, batch: usize) -> Result<Run> {
        let asked = format!("{} {} {batch}", setting.profile.name(), setting.threads);
        let Timing { wall_s, cpu_s } = self.talk.ask(&asked)?;
        Ok(Run { wall_s, cpu_s })
    }

    /// Vectors of the last run, one after the other.
    pub fn vectors(&mut self) -> Result<Vec<f32>> {
        let path = scratch().join("peer-vectors.f32");
        self.talk.ask::<Done>(&format!("vectors {}", path.display()))?;
        let bytes = fs::read(&path)?;
        Ok(bytes.as_chunks::<4>().0.iter().map(|float| f32::from_le_bytes(*float)).collect())
    }
}

/// The interpreter of an environment that holds the peer, made if there is none for these requirements.
/// It takes about 5 GB under the target folder, and a download of about 3 GB.
pub fn environment() -> Result<PathBuf> {
    let what = "sentence-transformers: about 5 GB";
    python::environment(scratch(), "sentence-transformers", REQUIREMENTS, what)
}

/// Where a benchmark may leave things: under the target folder.
pub fn scratch() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}
