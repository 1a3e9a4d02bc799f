//! The peers, each in a process and an environment of its own.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use benches::python::{self, Talk};
use serde::Deserialize;

use crate::measure::Run;

/// A program to compare with.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    pub name: &'static str,
    script: &'static str,
    requirements: &'static str,
    /// What its environment takes.
    size: &'static str,
    /// Ways to run it, as it is told: it is measured at the one that serves it best.
    ways: &'static [&'static str],
}

/// The library that people reach for first.
pub const SENTENCE_TRANSFORMERS: Program = Program {
    name: "sentence-transformers",
    script: concat!(env!("CARGO_MANIFEST_DIR"), "/peers/sentence_transformers_encoder.py"),
    requirements: concat!(env!("CARGO_MANIFEST_DIR"), "/peers/sentence_transformers.txt"),
    size: "sentence-transformers: about 5 GB",
    ways: &["f32 2 8", "f32 2 16", "f32 2 32"],
};

/// The fastest runtime for processors that is packaged: sessions side by side, threads in each, tokens a batch.
pub const ONNXRUNTIME: Program = Program {
    name: "onnxruntime",
    script: concat!(env!("CARGO_MANIFEST_DIR"), "/peers/onnxruntime_encoder.py"),
    requirements: concat!(env!("CARGO_MANIFEST_DIR"), "/peers/onnxruntime.txt"),
    size: "onnxruntime: about 300 MB",
    ways: &["1 2 512", "1 2 2048", "2 1 512", "2 1 1024", "2 1 2048"],
};

/// A running peer; ended when dropped.
pub struct Peer {
    pub program: Program,
    talk: Talk,
    /// What it is, with versions.
    pub versions: String,
    /// Tokens of all texts, as it counts them.
    pub tokens: usize,
    /// The way that serves it best.
    pub way: &'static str,
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
    pub fn start(program: Program, model: &Path, texts: &Path) -> Result<Self> {
        let python = python::environment(&scratch(), program.name, program.requirements, program.size)?;
        let mut talk = Talk::start(&python, program.script, |command| {
            command.args([model, texts]).arg(scratch().join("encoder.onnx")).env("HF_HUB_OFFLINE", "1");
        })?;
        let Hello { tokens, versions } = talk.answer()?;
        Ok(Self { program, talk, versions, tokens, way: program.ways[0] })
    }

    /// Finds the way that takes least time, by the clock.
    pub fn tune(&mut self) -> Result<()> {
        self.run()?;
        let mut tried = Vec::new();
        for way in self.program.ways {
            self.way = way;
            tried.push((self.run()?.wall_s, *way));
        }
        let shown: Vec<String> = tried.iter().map(|(wall_s, way)| format!("{way}: {wall_s:.2} s")).collect();
        println!("{}, ways to run it: {}", self.program.name, shown.join(", "));
        self.way = tried.into_iter().min_by(|a, b| a.0.total_cmp(&b.0)).context("there are ways")?.1;
        Ok(())
    }

    /// Encodes every text once.
    pub fn run(&mut self) -> Result<Run> {
        let Timing { wall_s, cpu_s } = self.talk.ask(self.way)?;
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

/// Where a benchmark may leave things: under the target folder.
pub fn scratch() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
}
