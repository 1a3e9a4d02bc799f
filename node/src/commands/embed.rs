//! `visiobook embed`: vectors of texts.
//!
//! In: one JSON object with `text` a line. Out, a line each, in order: `{"vector": [...], "tokens": N, "windows": N}`.
//! The vector has length one and a number for each dimension of the model, exact to half floats. `tokens` counts what
//! was computed, special tokens and prompt included; a text longer than the model takes is cut into `windows`, whose
//! vectors' mean, by tokens, is given, of length one again.

use gpu::DoubleEncoder;
use gpu::stream::{Kind, Wanted};
use serde_json::json;

use super::Failure;
use super::texts::{Engine, Source};
use crate::config::Config;

/// Arguments of `embed`.
#[derive(clap::Args)]
pub struct Args {
    /// What the texts are: what is to be found, or what it is looked for with
    #[arg(long, value_enum, default_value_t = KindArg::Passage)]
    kind: KindArg,
    #[command(flatten)]
    source: Source,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum KindArg {
    Query,
    Passage,
}

/// Runs the command.
///
/// # Errors
/// Exit code 2 for a line that is none; 1 for a model that can't be used.
pub fn run(config: &Config, args: &Args) -> Result<(), Failure> {
    let mut engine = Engine::load(config, DoubleEncoder::new(), |_, _| Ok(()))?;
    let kind = match args.kind {
        KindArg::Query => Kind::Query,
        KindArg::Passage => Kind::Passage,
    };
    let wanted = Wanted { kind, vectors: true, heads: Vec::new() };
    engine.run(
        &args.source,
        &wanted,
        |answer| json!({ "vector": answer.vector, "tokens": answer.tokens, "windows": answer.windows }),
    )?;
    Ok(())
}
