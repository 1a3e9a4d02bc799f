//! `cargo xtask train` and `cargo xtask eval`: trained heads.

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::setup::{self, system::Needs};
use crate::{process, workspace};

/// Heads that can be trained.
#[derive(clap::ValueEnum, Clone, Copy, Debug)]
pub enum Head {
    /// Emotions of a text: GoEmotions' 28 labels and Plutchik's eight
    Emotion,
}

impl Head {
    fn name(self) -> &'static str {
        match self {
            Self::Emotion => "emotion",
        }
    }
}

/// `cargo xtask train`.
#[derive(clap::Args, Clone, Debug)]
pub struct Train {
    #[command(flatten)]
    setup: setup::Options,
    /// Which head
    head: Head,
    /// Whence all chance comes
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The folder of the data [default: shared/data beside the checkout]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where the head goes [default: a folder in the cache, named after head and seed]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// `cargo xtask eval`.
#[derive(clap::Args, Clone, Debug)]
pub struct Eval {
    #[command(flatten)]
    setup: setup::Options,
    /// Which head
    head: Head,
    /// The folder of the data [default: shared/data beside the checkout]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The head's folder [default: that in models/]
    #[arg(long, value_name = "DIR")]
    weights: Option<PathBuf>,
}

/// Trains a head. What was trained before is not trained again; after a kill the same command goes on.
///
/// # Errors
/// Set-up, data that are not there, or a training that fails.
pub fn train(options: &Train) -> Result<()> {
    let data = data(options.data.as_ref())?;
    let cache = workspace::cache()?.join("heads");
    let name = format!("{}-{}", options.head.name(), options.seed);
    let out = options.out.as_ref().map(std::path::absolute).transpose()?.unwrap_or_else(|| cache.join(name));
    let ready = setup::set_up(&options.setup, Needs::default())?;
    let mut cargo = ready.cargo();
    cargo.args(["run", "--release", "--locked", "--quiet", "--package", "train", "--", options.head.name()]);
    cargo.arg("--seed").arg(options.seed.to_string());
    cargo.arg("--data").arg(data).arg("--cache").arg(cache).arg("--out").arg(out);
    process::run(&mut cargo)
}

/// Measures the head that is checked in, beside the reference.
///
/// # Errors
/// Set-up, data that are not there, or a figure below its bar.
pub fn eval(options: &Eval) -> Result<()> {
    let data = data(options.data.as_ref())?;
    let weights = options.weights.as_ref().map(std::path::absolute).transpose()?;
    let weights = weights.unwrap_or_else(|| workspace::root().join("models").join(options.head.name()));
    let ready = setup::set_up(&options.setup, Needs::default())?;
    let mut cargo = ready.cargo();
    cargo.args(["bench", "--locked", "--quiet", "--package", "benches", "--bench", options.head.name(), "--"]);
    cargo.arg("--data").arg(data).arg("--weights").arg(weights);
    cargo.arg("--cache").arg(workspace::cache()?.join("heads"));
    process::run(&mut cargo)
}

fn data(named: Option<&PathBuf>) -> Result<PathBuf> {
    let folder = match named {
        Some(folder) => std::path::absolute(folder)?,
        None => workspace::root().join("../shared/data"),
    };
    if !folder.is_dir() {
        bail!(
            "there are no data in {}: they are no part of the repository; name their folder with --data",
            folder.display()
        );
    }
    Ok(folder)
}
