//! `cargo xtask train` starts this program.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use train::make::{Job, make};
use train::recipe::Recipe;

/// Trains heads from their data
#[derive(Parser)]
struct Args {
    #[command(subcommand)]
    head: Head,
}

#[derive(Subcommand)]
enum Head {
    /// Emotions of a text: GoEmotions' 28 labels and Plutchik's eight
    Emotion(Emotion),
}

#[derive(clap::Args)]
struct Emotion {
    /// Whence all chance comes
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The folder that holds `emotion/`
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The encoder's folder
    #[arg(long, env = "VISIOBOOK_MODEL", value_name = "DIR")]
    model: PathBuf,
    /// Where features and what was trained are kept
    #[arg(long, value_name = "DIR")]
    cache: PathBuf,
    /// Where the head goes
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Another recipe, as JSON; what it does not name stays
    #[arg(long, value_name = "FILE")]
    recipe: Option<PathBuf>,
    /// Milliseconds between checkpoints
    #[arg(long, default_value_t = 90_000, value_name = "MS")]
    checkpoint_ms: u64,
}

fn main() -> Result<()> {
    let Head::Emotion(args) = Args::parse().head;
    // One thread, so that sums have one order and a seed gives the same bytes.
    tch::set_num_threads(1);
    let recipe = match &args.recipe {
        Some(path) => {
            let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
            serde_json::from_str(&text).with_context(|| format!("{} is no recipe", path.display()))?
        }
        None => Recipe::default(),
    };
    let checkpoint_every = Duration::from_millis(args.checkpoint_ms);
    let job = Job { recipe, seed: args.seed, data: args.data, model: args.model, cache: args.cache, checkpoint_every };
    let made = make(&job, &args.out)?;
    println!("{}", made.table());
    println!("the head lies in {}", args.out.display());
    Ok(())
}
