//! From a trained net to a head's folder: half floats, one matrix of rows, points of decision folded in, a card.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use domain::id::Digest;
use gpu::stack::{CARD, FORMAT};
use gpu::{Activation, HeadCard, HeadKind, ModelFolder, WeightsFile};
use tch::{Kind, Tensor};

use crate::calibrate::Calibration;
use crate::fit;
use crate::net::Net;
use crate::rows::Rows;
use crate::words::Words;

/// A set of rows, its labels and their points of decision.
pub struct Set<'a> {
    /// What goes before each label's name.
    pub name: &'a str,
    /// Its rows.
    pub rows: Rows,
    /// What words say beside them; at most one set has any.
    pub words: Option<Words>,
    /// Names of its labels.
    pub labels: Vec<String>,
    /// What is folded into its rows.
    pub calibration: &'a Calibration,
}

/// What a head is, beside its weights.
pub struct Head<'a> {
    /// Its name, and that of its files.
    pub name: &'a str,
    /// Layers of the body below it.
    pub tap: usize,
    /// Of its own.
    pub layers: usize,
    /// Its sets, whose rows are joined in this order.
    pub sets: Vec<Set<'a>>,
    /// For the card.
    pub made: serde_json::Value,
}

/// Writes card and weights into `folder`.
///
/// # Errors
/// Where a weight is no number, or the folder can't be written.
pub fn write(folder: &Path, model: &ModelFolder, net: &Net, head: Head<'_>) -> Result<()> {
    let _no_grad = tch::no_grad_guard();
    let mut tensors: Vec<(String, Tensor)> = Vec::new();
    for weight in net.weights().iter().filter(|weight| weight.name.starts_with("layers.")) {
        tensors.push((weight.name.clone(), half(&weight.value)?));
    }
    let (mut rows, mut biases) = (Vec::new(), Vec::new());
    for set in &head.sets {
        let scale = Tensor::f_from_slice(&set.calibration.scale)?;
        let shift = Tensor::f_from_slice(&set.calibration.shift)?;
        let Rows { weight, bias } = &set.rows;
        rows.push(weight.f_mul(&scale.f_unsqueeze(1)?)?);
        biases.push(bias.f_mul(&scale)?.f_add(&shift)?);
    }
    tensors.push(("rows.weight".to_owned(), half(&Tensor::f_cat(&rows, 0)?)?));
    tensors.push(("rows.bias".to_owned(), half(&Tensor::f_cat(&biases, 0)?)?));
    let labels: usize = head.sets.iter().map(|set| set.labels.len()).sum();
    let mut first = 0;
    for set in &head.sets {
        if let Some(words) = &set.words {
            tensors.extend(of_words(words, set, first, labels)?);
        }
        first += set.labels.len();
    }
    // Order decides the file's bytes.
    tensors.sort_by(|a, b| a.0.cmp(&b.0));

    fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    let file = format!("{}.safetensors", head.name);
    let path = folder.join(&file);
    fit::write(&path, &tensors)?;
    let bytes = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
    let labels = head.sets.iter().flat_map(|set| set.labels.iter().map(move |label| format!("{}/{label}", set.name)));
    let card = HeadCard {
        format: FORMAT,
        name: head.name.to_owned(),
        kind: HeadKind::SentenceLabels,
        body: model.digest(),
        tap: head.tap,
        layers: head.layers,
        activation: Activation::Sigmoid,
        labels: labels.collect(),
        weights: WeightsFile { file, sha256: Digest::of(&bytes) },
        made: head.made,
    };
    let text = serde_json::to_string_pretty(&card)? + "\n";
    fs::write(folder.join(CARD), text).with_context(|| format!("writing {CARD} in {}", folder.display()))
}

/// A set's words as a table over all labels, its own columns beginning at `first`.
fn of_words(words: &Words, set: &Set<'_>, first: usize, labels: usize) -> Result<Vec<(String, Tensor)>> {
    let (count, own) = (words.grams.len(), set.labels.len());
    let mut weight = vec![0f32; count * labels];
    for (to, from) in weight.chunks_exact_mut(labels).zip(words.weight.chunks_exact(own)) {
        let scaled = from.iter().zip(&set.calibration.scale).map(|(number, scale)| number * scale);
        to[first..first + own].iter_mut().zip(scaled).for_each(|(to, from)| *to = from);
    }
    let pieces = words.grams.iter().flat_map(|gram| [gram.0 as f32, gram.1.map_or(-1.0, |second| second as f32)]);
    let count = count as i64;
    Ok(vec![
        ("grams.pieces".to_owned(), Tensor::f_from_slice(&pieces.collect::<Vec<f32>>())?.f_view([count, 2])?),
        ("grams.rarity".to_owned(), half(&Tensor::f_from_slice(&words.rarity)?)?),
        ("grams.weight".to_owned(), half(&Tensor::f_from_slice(&weight)?.f_view([count, labels as i64])?)?),
    ])
}

fn half(value: &Tensor) -> Result<Tensor> {
    let half = value.detach().f_to_kind(Kind::Half)?.f_contiguous()?;
    ensure!(
        half.f_isfinite()?.f_all()?.f_int64_value(&[])? != 0,
        "a weight is too large for half floats, or no number"
    );
    Ok(half)
}
