//! The loop: batches of one set each, in an order of chance; a rate that rises and falls; a checkpoint every few
//! minutes, from which a later start goes on to the same bytes.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use tch::{Kind, Reduction, Tensor};

use crate::features::Features;
use crate::net::{Net, groups};
use crate::optimizer::AdamW;
use crate::progress::Progress;
use crate::rng::Rng;

/// Batches that are drawn from together: enough for equal lengths, few enough for chance.
const POOL_BATCHES: usize = 24;
/// Tokens of a batch when nothing is learnt.
const PREDICT_TOKENS: usize = 4096;

/// How a stage is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Times each part is seen.
    pub epochs: usize,
    /// Highest learning rate.
    pub rate: f64,
    /// Share of the steps in which it rises; it falls to 0 in the rest.
    pub warmup: f64,
    /// Tokens of a batch.
    pub batch_tokens: usize,
    /// Share of numbers that are dropped.
    pub dropout: f64,
    /// How matrices are drawn towards 0.
    pub decay: f64,
    /// Share of the running average of weights that stays at each step.
    pub averaging: f64,
}

/// Texts that one set of labels is learnt from.
pub struct Part<'a> {
    /// Name of the set.
    pub set: &'a str,
    /// Labels of the set.
    pub labels: usize,
    /// States of the texts.
    pub features: &'a Features,
    /// Their labels' bits.
    pub bits: &'a [u32],
    /// Which of them are seen, and how often an epoch.
    pub places: Vec<usize>,
    /// Share of the imbalance between texts with a label and without it that the loss makes up for.
    pub balance: f64,
    /// What its loss is multiplied by.
    pub weight: f64,
}

/// A batch: of which part, which texts.
type Batch = (usize, Vec<usize>);

/// Where a stage's results lie, and what names it among others.
pub struct Place<'a> {
    /// Folder for results and checkpoints.
    pub folder: &'a Path,
    /// Names recipe, seed and data.
    pub name: String,
    /// Whence all chance comes.
    pub seed: u64,
    /// How often a checkpoint is written.
    pub checkpoint_every: Duration,
}

impl Place<'_> {
    fn result(&self) -> PathBuf {
        self.folder.join(format!("{}.safetensors", self.name))
    }

    fn checkpoint(&self) -> PathBuf {
        self.folder.join(format!("{}.checkpoint", self.name))
    }
}

/// Trains `net` and leaves the average of its weights in it. What was done before is not done again.
///
/// # Errors
/// Where libtorch fails or a file can't be read or written.
pub fn fit(net: &Net, parts: &[Part<'_>], schedule: &Schedule, place: &Place<'_>) -> Result<()> {
    let (result, checkpoint) = (place.result(), place.checkpoint());
    if result.exists() {
        return net.fill(&read(&result)?);
    }
    let plan = plan(parts, schedule, place.seed);
    let mut optimizer = AdamW::new(net, schedule.decay, schedule.averaging)?;
    let mut done = 0;
    if checkpoint.exists() {
        done = optimizer.restore(net, &read(&checkpoint)?)?;
        eprintln!("{}: going on after step {done} of {}", place.name, plan.len());
    }
    let balances = parts.iter().map(balance).collect::<Result<Vec<_>>>()?;
    let size = |batch: &Batch| batch.1.iter().map(|p| parts[batch.0].features.lens()[*p]).sum::<usize>();
    let mut progress = Progress::new(&place.name, plan[done.min(plan.len())..].iter().map(size).sum());
    let mut saved = Instant::now();
    for (step, batch) in plan.iter().enumerate().skip(done) {
        // Chance hangs on the step alone, so that a later start goes on alike.
        tch::manual_seed(Rng::new(place.seed, &format!("step {step}")).next_u64() as i64 & i64::MAX);
        let part = &parts[batch.0];
        let states = part.features.gather(&batch.1)?;
        let around = (part.features.before, part.features.after);
        let pooled = net.pooled(&states, &groups(&lens(part.features, &batch.1)), around, schedule.dropout)?;
        let truth = truth(part, &batch.1)?;
        let scores = net.scores(&pooled, part.set, schedule.dropout)?;
        let balance = Some(&balances[batch.0]);
        let loss = scores.f_binary_cross_entropy_with_logits(&truth, None::<&Tensor>, balance, Reduction::Mean)?;
        // Summed over labels, so that a set of few labels weighs a text no more than one of many.
        loss.f_mul_scalar(part.labels as f64 * part.weight)?.f_backward()?;
        optimizer.step(net, part.set, schedule.rate * share_of_rate(step, plan.len(), schedule.warmup))?;
        progress.advance(size(batch));
        if saved.elapsed() >= place.checkpoint_every {
            write(&checkpoint, &optimizer.state(net))?;
            saved = Instant::now();
        }
    }
    progress.note(", done");
    net.fill(&optimizer.average(net))?;
    write(&result, &optimizer.average(net))?;
    if checkpoint.exists() {
        fs::remove_file(&checkpoint).with_context(|| format!("removing {}", checkpoint.display()))?;
    }
    Ok(())
}

/// Pooled states of the texts at `places`: `[texts, width]`, in that order.
///
/// # Errors
/// libtorch's own.
pub fn pooled(net: &Net, features: &Features, places: &[usize]) -> Result<Tensor> {
    let _no_grad = tch::no_grad_guard();
    let all: Vec<usize> = places.iter().map(|place| features.lens()[*place]).collect();
    let (mut parts, mut order) = (Vec::new(), vec![0i64; places.len()]);
    let mut row = 0;
    for batch in gpu::plan::batches(&all, PREDICT_TOKENS) {
        let texts: Vec<usize> = batch.iter().map(|at| places[*at]).collect();
        let states = features.gather(&texts)?;
        parts.push(net.pooled(&states, &groups(&lens(features, &texts)), (features.before, features.after), 0.0)?);
        for at in batch {
            order[at] = row;
            row += 1;
        }
    }
    Ok(Tensor::f_cat(&parts, 0)?.f_index_select(0, &Tensor::f_from_slice(&order)?)?)
}

/// Scores of a set's labels for the texts at `places`, before any activation.
///
/// # Errors
/// libtorch's own.
pub fn predict(net: &Net, features: &Features, places: &[usize], set: &str) -> Result<Vec<Vec<f32>>> {
    let _no_grad = tch::no_grad_guard();
    let scores = net.scores(&pooled(net, features, places)?, set, 0.0)?;
    Ok(Vec::<Vec<f32>>::try_from(scores)?)
}

fn lens(features: &Features, places: &[usize]) -> Vec<usize> {
    places.iter().map(|place| features.lens()[*place]).collect()
}

/// Rises evenly, then falls evenly to 0.
fn share_of_rate(step: usize, steps: usize, warmup: f64) -> f64 {
    let at = (step as f64 + 0.5) / steps.max(1) as f64;
    if at < warmup { at / warmup } else { (1.0 - at) / (1.0 - warmup) }
}

/// All batches of all epochs.
fn plan(parts: &[Part<'_>], schedule: &Schedule, seed: u64) -> Vec<Batch> {
    let mut plan = Vec::new();
    for epoch in 0..schedule.epochs {
        let mut batches: Vec<Batch> = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            let mut rng = Rng::new(seed, &format!("epoch {epoch} part {index}"));
            let mut places = part.places.clone();
            rng.shuffle(&mut places);
            let mean = lens(part.features, &places).iter().sum::<usize>() / places.len().max(1);
            let pool = (POOL_BATCHES * schedule.batch_tokens / mean.max(1)).max(1);
            for pool in places.chunks_mut(pool) {
                let lens = lens(part.features, pool);
                let cut = gpu::plan::batches(&lens, schedule.batch_tokens);
                batches.extend(cut.into_iter().map(|at| (index, at.iter().map(|i| pool[*i]).collect())));
            }
        }
        Rng::new(seed, &format!("epoch {epoch}")).shuffle(&mut batches);
        plan.extend(batches);
    }
    plan
}

/// Weights of texts that have a label against those that have it not.
fn balance(part: &Part<'_>) -> Result<Tensor> {
    let total = part.places.len() as f64;
    let weights: Vec<f32> = (0..part.labels)
        .map(|label| {
            let with = part.places.iter().filter(|place| part.bits[**place] >> label & 1 == 1).count().max(1) as f64;
            ((total - with).max(1.0) / with).powf(part.balance) as f32
        })
        .collect();
    Ok(Tensor::f_from_slice(&weights)?)
}

fn truth(part: &Part<'_>, places: &[usize]) -> Result<Tensor> {
    let bit = |place: &usize, label: usize| (part.bits[*place] >> label & 1) as f32;
    let truth: Vec<f32> = places.iter().flat_map(|p| (0..part.labels).map(move |label| bit(p, label))).collect();
    Ok(Tensor::f_from_slice(&truth)?.f_view([places.len() as i64, part.labels as i64])?.f_to_kind(Kind::Float)?)
}

fn read(path: &Path) -> Result<Vec<(String, Tensor)>> {
    Tensor::read_safetensors(path).with_context(|| format!("reading {}", path.display()))
}

/// Writes tensors beside their place and moves them there.
pub(crate) fn write(path: &Path, tensors: &[(String, Tensor)]) -> Result<()> {
    let beside = path.with_extension(format!("part-{}", std::process::id()));
    Tensor::write_safetensors(tensors, &beside).with_context(|| format!("writing {}", beside.display()))?;
    fs::File::open(&beside).and_then(|file| file.sync_all())?;
    fs::rename(&beside, path).with_context(|| format!("writing {}", path.display()))
}
