//! Tokens a second of the encoder on the processor, against onnxruntime and sentence-transformers: same weights, same
//! texts, same tokens, turn by turn in one run, the median of five; and how near that is to what the processor's
//! cores multiply at best.
//!
//! `cargo xtask bench encoder -- [--texts FILE.jsonl] [--tokens N] [--alone]`
//! `cargo xtask bench encoder -- --book FILE [--svg FILE]`
//!
//! Every side tokenizes within the measured time and uses all cores. Each chooses its batches, and the peers their
//! threads, in a first round, by the clock. `--alone` leaves the peers out. `--book` encodes a whole book instead and
//! shows speed and memory along the way.

mod book;
mod measure;
mod peer;
mod plot;
mod texts;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use domain::manifest::NumericProfile;
use gpu::{Device, ModelFolder, Tokenizer, ceiling};
use measure::{Run, Side};
use peer::Peer;

const BUDGETS: [usize; 3] = [512, 1024, 2048];
const ROUNDS: usize = 5;
/// Both measured at once: what the machine's other work leaves to one, it leaves to the other.
const CEILING: Duration = Duration::from_secs(2);

struct Options {
    texts: Option<PathBuf>,
    tokens: usize,
    alone: bool,
    book: Option<PathBuf>,
    svg: Option<PathBuf>,
}

fn main() -> Result<()> {
    let options = options()?;
    let model = ModelFolder::open(model_path()?)?;
    let tokenizer = Tokenizer::open(&model)?;
    let cores = std::thread::available_parallelism()?.get();
    for device in gpu::devices() {
        println!("{}: {}, bf16 {}", device.device, device.name, device.bf16);
    }
    if let Some(path) = &options.book {
        return book::encode(&model, &tokenizer, path, options.svg.as_deref());
    }
    let texts = match &options.texts {
        Some(path) => texts::read(path)?,
        None => texts::make(&tokenizer, options.tokens)?,
    };
    let lengths = lengths(&tokenizer, &texts)?;
    let tokens: usize = lengths.iter().sum();
    println!("{} texts, {tokens} tokens, model {}, {cores} cores", texts.len(), &model.digest().to_string()[..16]);

    let mut peers = Vec::new();
    if !options.alone {
        let path = peer::scratch().join("encoder-texts.jsonl");
        texts::write(&path, &texts)?;
        for program in [peer::ONNXRUNTIME, peer::SENTENCE_TRANSFORMERS] {
            let mut peer = Peer::start(program, model.path(), &path)?;
            println!("peer: {}", peer.versions);
            ensure!(peer.tokens == tokens, "{} counts {} tokens, we {tokens}", program.name, peer.tokens);
            peer.tune()?;
            peers.push(peer);
        }
    }
    let mut sides = Vec::new();
    for profile in profiles() {
        let mut side = Side::load(&model, profile, cores)?;
        tune(&mut side, &tokenizer, &texts)?;
        sides.push(side);
    }
    let table = rounds(&mut sides, &mut peers, &tokenizer, &texts, cores)?;
    let flop: f64 = lengths.iter().map(|len| model.matmul_flop(*len)).sum();
    println!("{:.1} MFLOP a token in matrix products, attention's included", flop / tokens as f64 / 1e6);
    let passed = verdict(&table, &mut sides, &mut peers, tokens, flop)?;
    ensure!(passed, "below the bar");
    Ok(())
}

/// Single precision, and bfloat16 where the processor multiplies it.
fn profiles() -> Vec<NumericProfile> {
    let cpu = gpu::devices().into_iter().find(|info| info.device == Device::Cpu);
    match cpu.is_some_and(|info| info.bf16) {
        true => vec![NumericProfile::F32, NumericProfile::Bf16],
        false => vec![NumericProfile::F32],
    }
}

/// Gives a side the budget that takes least time.
fn tune(side: &mut Side, tokenizer: &Tokenizer, texts: &[String]) -> Result<()> {
    side.run(tokenizer, texts)?;
    let mut tried = Vec::new();
    for budget in BUDGETS {
        side.set_budget(budget);
        tried.push((side.run(tokenizer, texts)?.wall_s, budget));
    }
    let shown: Vec<String> = tried.iter().map(|(wall_s, budget)| format!("{budget}: {wall_s:.2} s")).collect();
    println!("visiobook {}, tokens a batch: {}", side.profile.name(), shown.join(", "));
    side.set_budget(tried.into_iter().min_by(|a, b| a.0.total_cmp(&b.0)).context("there are budgets")?.1);
    Ok(())
}

/// What every side took in every round.
struct Table {
    ours: Vec<Vec<Run>>,
    theirs: Vec<Vec<Run>>,
    /// Matrix rates, a row a profile.
    ceilings: Vec<Vec<f64>>,
}

fn rounds(
    sides: &mut [Side],
    peers: &mut [Peer],
    tokenizer: &Tokenizer,
    texts: &[String],
    cores: usize,
) -> Result<Table> {
    let mut table = Table {
        ours: vec![Vec::new(); sides.len()],
        theirs: vec![Vec::new(); peers.len()],
        ceilings: vec![Vec::new(); sides.len()],
    };
    for _ in 0..ROUNDS {
        for (at, peer) in peers.iter_mut().enumerate() {
            table.theirs[at].push(peer.run()?);
        }
        for (at, side) in sides.iter_mut().enumerate() {
            table.ours[at].push(side.run(tokenizer, texts)?);
            table.ceilings[at].push(ceiling::matmul_rate(Device::Cpu, side.profile, cores, CEILING)?);
        }
    }
    Ok(table)
}

/// One figure against its bar.
struct Line {
    what: String,
    found: f64,
    bar: f64,
}

/// Prints the table; whether every bar is reached.
fn verdict(table: &Table, sides: &mut [Side], peers: &mut [Peer], tokens: usize, flop: f64) -> Result<bool> {
    println!("\n| | tokens/s | a processor second | GFLOP/s |\n|---|---|---|---|");
    let row = |who: String, runs: &[Run]| {
        let (wall_s, cpu_s) = (median(runs, |run| run.wall_s), median(runs, |run| run.cpu_s));
        let (t, c) = (tokens as f64 / wall_s, tokens as f64 / cpu_s);
        println!("| {who} | {t:.0} | {c:.0} | {:.0} |", flop / wall_s / 1e9);
    };
    for (peer, runs) in peers.iter().zip(&table.theirs) {
        row(format!("{} f32 ({})", peer.program.name, peer.way), runs);
    }
    for (side, runs) in sides.iter().zip(&table.ours) {
        row(format!("visiobook {}", side.profile.name()), runs);
    }
    for (side, rates) in sides.iter().zip(&table.ceilings) {
        println!("| matrix products alone, {} | | | {:.0} |", side.profile.name(), best(rates) / 1e9);
    }
    let mut lines = Vec::new();
    let reference = sides.first().map(|side| side.vectors.clone()).unwrap_or_default();
    for (at, side) in sides.iter().enumerate() {
        let name = side.profile.name();
        let is_f32 = side.profile == NumericProfile::F32;
        let ours = median(&table.ours[at], |run| run.wall_s);
        for (peer, runs) in peers.iter_mut().zip(&table.theirs) {
            let bar = match (peer.program.name, is_f32) {
                ("onnxruntime", true) => 0.95,
                ("onnxruntime", false) => 1.6,
                (_, true) => 1.3,
                _ => continue,
            };
            let found = median(runs, |run| run.wall_s) / ours;
            lines.push(Line { what: format!("{name}, times {}", peer.program.name), found, bar });
            let (what, found) =
                (format!("{name}, worst cosine to {}", peer.program.name), worst(&side.vectors, &peer.vectors()?)?);
            lines.push(Line { what, found, bar: if is_f32 { 0.9999 } else { 0.999 } });
        }
        let found = flop / ours / best(&table.ceilings[at]);
        lines.push(Line {
            what: format!("{name}, share of the matrix rate"),
            found,
            bar: if is_f32 { 0.8 } else { 0.6 },
        });
        if !is_f32 {
            let found = worst(&side.vectors, &reference)?;
            lines.push(Line { what: format!("{name}, worst cosine to f32"), found, bar: 0.999 });
        }
    }
    println!("\n| | measured | bar | |\n|---|---|---|---|");
    for Line { what, found, bar } in &lines {
        println!("| {what} | {found:.4} | {bar} | {} |", if found >= bar { "pass" } else { "FAIL" });
    }
    Ok(lines.iter().all(|line| line.found >= line.bar))
}

fn best(rates: &[f64]) -> f64 {
    rates.iter().copied().fold(0.0, f64::max)
}

fn median(runs: &[Run], of: impl Fn(&Run) -> f64) -> f64 {
    let mut values: Vec<f64> = runs.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The worst cosine between vectors of the same text; both sides have them at length one.
fn worst(ours: &[f32], theirs: &[f32]) -> Result<f64> {
    const DIM: usize = 384;
    ensure!(!ours.is_empty() && ours.len() == theirs.len(), "{} floats against {}", ours.len(), theirs.len());
    let cosines = ours.chunks(DIM).zip(theirs.chunks(DIM)).map(|(a, b)| {
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum::<f64>();
        dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
    });
    Ok(cosines.fold(1.0, f64::min))
}

fn lengths(tokenizer: &Tokenizer, texts: &[String]) -> Result<Vec<usize>> {
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let ids = tokenizer.encode_batch(&texts)?;
    Ok(ids.iter().map(|ids| tokenizer.passage_input(&[ids]).tokens.len()).collect())
}

fn model_path() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("VISIOBOOK_MODEL") {
        return Ok(path.into());
    }
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")));
    Ok(cache.context("HOME is not set")?.join("visiobook/models/multilingual-e5-small"))
}

fn options() -> Result<Options> {
    let mut options = Options { texts: None, tokens: 12_000, alone: false, book: None, svg: None };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().with_context(|| format!("{arg} needs a value"));
        match arg.as_str() {
            "--texts" => options.texts = Some(value()?.into()),
            "--tokens" => options.tokens = value()?.parse()?,
            "--book" => options.book = Some(value()?.into()),
            "--svg" => options.svg = Some(value()?.into()),
            "--alone" => options.alone = true,
            "--bench" => {} // cargo adds it
            other => bail!("unknown option {other}"),
        }
    }
    Ok(options)
}
