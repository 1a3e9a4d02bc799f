//! Tokens a second of the encoder, against sentence-transformers: same weights, same texts, same tokens,
//! turn by turn in one run, the median of five. The bar is 1.2 times.
//!
//! `cargo xtask bench encoder -- [--texts FILE.jsonl] [--tokens N] [--python PYTHON] [--alone]`
//!
//! Both sides tokenize within the measured time. Each side chooses its batches in a first round, by its own
//! measure: we the token budget, the peer its batch size. `--alone` leaves the peer out; `--python` names an
//! interpreter that has it, instead of the environment that is made.

mod measure;
mod peer;
mod texts;

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use domain::manifest::NumericProfile;
use domain::passage::Encoded;
use gpu::{Device, ModelFolder, TchEncoder, Tokenizer};
use half::f16;
use measure::{Run, Setting};
use peer::Peer;

const BUDGETS: [usize; 4] = [512, 1024, 2048, 4096];
const PEER_BATCHES: [usize; 3] = [8, 16, 32];
const ROUNDS: usize = 5;
/// How many times faster than the peer the encoder has to be.
const BAR: f64 = 1.2;
/// Below this cosine the two did not compute the same.
const AGREEMENT: f64 = 0.999;

struct Options {
    texts: Option<PathBuf>,
    tokens: usize,
    python: Option<PathBuf>,
    alone: bool,
}

fn main() -> Result<()> {
    let options = options()?;
    let model = ModelFolder::open(model_path()?)?;
    let tokenizer = Tokenizer::open(&model)?;
    let texts = match &options.texts {
        Some(path) => texts::read(path)?,
        None => texts::make(&tokenizer, options.tokens)?,
    };
    let tokens = count(&tokenizer, &texts)?;
    println!("{} texts, {tokens} tokens, model {}", texts.len(), &model.digest().to_string()[..16]);
    for device in gpu::devices() {
        println!("{}: {}, bf16 {}", device.device, device.name, device.bf16);
    }

    let mut sides = Vec::new();
    for profile in [NumericProfile::F32, NumericProfile::Bf16] {
        sides.push(load(&model, profile, &tokenizer, &texts)?);
    }
    let mut peer = if options.alone { None } else { Some(start_peer(&options, &model, &texts)?) };
    if let Some(peer) = &mut peer {
        println!("peer: {}", peer.versions);
        ensure!(peer.tokens == tokens, "the peer counts {} tokens, we {tokens}", peer.tokens);
    }

    let mut all_pass = true;
    for side in &mut sides {
        all_pass &= compare(side, peer.as_mut(), &tokenizer, &texts, tokens)?;
    }
    ensure!(all_pass, "below the bar");
    Ok(())
}

/// Both sides in turns, on one thread and on two; whether every setting passes.
fn compare(
    side: &mut Side,
    mut peer: Option<&mut Peer>,
    tokenizer: &Tokenizer,
    texts: &[String],
    tokens: usize,
) -> Result<bool> {
    let profile = side.profile;
    let batch = match &mut peer {
        Some(peer) => {
            best("the peer's batch", profile, &PEER_BATCHES, |batch| peer.run(Setting { profile, threads: 1 }, batch))?
        }
        None => 0,
    };
    let mut all_pass = true;
    for threads in [1, 2] {
        let (mut ours, mut theirs, mut vectors) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let (run, encoded) = measure::run(tokenizer, &mut side.encoders[..threads], texts, side.budget)?;
            ours.push(run);
            vectors = encoded;
            if let Some(peer) = &mut peer {
                theirs.push(peer.run(Setting { profile, threads }, batch)?);
            }
        }
        let name = format!("{:4} {threads} thread(s)", profile.name());
        report(&name, "visiobook", tokens, &ours);
        if let Some(peer) = &mut peer {
            report(&name, "sentence-transformers", tokens, &theirs);
            let ratio = median(&theirs, |run| run.wall_s) / median(&ours, |run| run.wall_s);
            // On a machine with other work to do this says more than the clock; the bar is by the clock.
            let cpu_ratio = median(&theirs, |run| run.cpu_s) / median(&ours, |run| run.cpu_s);
            let cosine = worst_cosine(&vectors, &peer.vectors()?)?;
            let pass = ratio >= BAR && cosine >= AGREEMENT;
            all_pass &= pass;
            let verdict = if pass { "pass" } else { "FAIL" };
            println!("{name}: {ratio:.2} times the peer by the clock (bar {BAR}): {verdict}");
            println!("{name}: {cpu_ratio:.2} times by processor time, cosine at least {cosine:.6}");
        }
    }
    Ok(all_pass)
}

/// Our side in one numeric profile: two encoders on the same weights, and the budget that suits them best.
struct Side {
    profile: NumericProfile,
    encoders: Vec<TchEncoder>,
    budget: usize,
}

fn load(model: &ModelFolder, profile: NumericProfile, tokenizer: &Tokenizer, texts: &[String]) -> Result<Side> {
    let before = resident_mib();
    let first = TchEncoder::load(model, Device::Cpu, profile)?;
    let loaded = resident_mib();
    let mut encoders = vec![first.share(), first];
    let (weights, second) = (loaded - before, resident_mib() - loaded);
    println!("{} weights: {weights} MiB, a second encoder {second} more", profile.name());
    let budget = best("our budget", profile, &BUDGETS, |budget| {
        Ok(measure::run(tokenizer, &mut encoders[..1], texts, budget)?.0)
    })?;
    Ok(Side { profile, encoders, budget })
}

/// Tries each choice once and gives the one that took the least processor time.
fn best(
    what: &str,
    profile: NumericProfile,
    choices: &[usize],
    mut run: impl FnMut(usize) -> Result<Run>,
) -> Result<usize> {
    run(choices[0]).context("warming up")?;
    let mut tried = Vec::new();
    for choice in choices {
        tried.push((run(*choice)?.cpu_s, *choice));
    }
    let times: Vec<String> = tried.iter().map(|(cpu_s, choice)| format!("{choice}: {cpu_s:.2} s")).collect();
    println!("{} {what}, processor time: {}", profile.name(), times.join(", "));
    let best = tried.into_iter().min_by(|a, b| a.0.total_cmp(&b.0));
    Ok(best.context("there is at least one choice")?.1)
}

fn report(name: &str, who: &str, tokens: usize, runs: &[Run]) {
    let (wall_s, cpu_s) = (median(runs, |run| run.wall_s), median(runs, |run| run.cpu_s));
    let tokens = tokens as f64;
    println!("{name}: {who:21} {:6.0} tokens/s, {:6.0} a processor second", tokens / wall_s, tokens / cpu_s);
}

fn median(runs: &[Run], of: impl Fn(&Run) -> f64) -> f64 {
    let mut values: Vec<f64> = runs.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn worst_cosine(ours: &[Encoded], theirs: &[f32]) -> Result<f64> {
    let dim = ours.first().context("there are vectors")?.passage.len();
    ensure!(ours.len() * dim == theirs.len(), "the peer gave {} floats", theirs.len());
    let cosines = ours.iter().zip(theirs.chunks(dim)).map(|(ours, theirs)| {
        let ours: Vec<f64> = ours.passage.iter().map(|bits| f16::from_bits(*bits).to_f64()).collect();
        let theirs: Vec<f64> = theirs.iter().map(|float| f64::from(*float)).collect();
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
        dot(&ours, &theirs) / (dot(&ours, &ours) * dot(&theirs, &theirs)).sqrt()
    });
    Ok(cosines.fold(1.0, f64::min))
}

/// Memory of this process that is in use, as the kernel counts it.
fn resident_mib() -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<i64>().ok());
    kib.unwrap_or(0) / 1024
}

fn count(tokenizer: &Tokenizer, texts: &[String]) -> Result<usize> {
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let ids = tokenizer.encode_batch(&texts)?;
    Ok(ids.iter().map(|ids| tokenizer.passage_input(&[ids]).tokens.len()).sum())
}

fn start_peer(options: &Options, model: &ModelFolder, texts: &[String]) -> Result<Peer> {
    let python = match &options.python {
        Some(python) => python.clone(),
        None => peer::environment()?,
    };
    let path = peer::scratch().join("encoder-texts.jsonl");
    texts::write(&path, texts)?;
    Peer::start(&python, model.path(), &path)
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
    let mut options = Options { texts: None, tokens: 16_000, python: None, alone: false };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().with_context(|| format!("{arg} needs a value"));
        match arg.as_str() {
            "--texts" => options.texts = Some(value()?.into()),
            "--tokens" => options.tokens = value()?.parse()?,
            "--python" => options.python = Some(value()?.into()),
            "--alone" => options.alone = true,
            "--bench" => {} // cargo adds it
            other => bail!("unknown option {other}"),
        }
    }
    Ok(options)
}
