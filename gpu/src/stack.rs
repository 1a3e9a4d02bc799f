//! A trained head: layers of its own on the shared body, then a row of weights for each label.
//!
//! It lies in a folder with two files: `card.json`, which says what it is, on which encoder it stands and where its
//! numbers come from, and the safetensors file that the card names, with the digest that it must have. Tensors are
//! named `layers.0.…` from the tap upwards and `rows.weight`, `rows.bias`. A head of whole spans may have numbers for
//! [`Grams`] too: `grams.pieces` `[grams, 2]` (ids, the second -1 where there is none), `grams.rarity` and
//! `grams.weight`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use domain::id::Digest;
use domain::manifest::NumericProfile;
use serde::{Deserialize, Serialize};
use tch::{Kind, TchError, Tensor};

use crate::bert::Layer;
use crate::device::Device;
use crate::error::GpuError;
use crate::grams::Grams;
use crate::head::{Head, HeadInfo, HeadKind};
use crate::hidden::Hidden;
use crate::model::{ModelFolder, read_json};
use crate::weights::Weights;

/// The card's file.
pub const CARD: &str = "card.json";
/// The only layout of cards and weights so far.
pub const FORMAT: u32 = 1;
/// Names of a layer's tensors, in the order of [`Layer::from_tensors`].
pub const LAYER_TENSORS: [&str; 12] = [
    "qkv.weight",
    "qkv.bias",
    "attended.weight",
    "attended.bias",
    "attended_norm.weight",
    "attended_norm.bias",
    "up.weight",
    "up.bias",
    "down.weight",
    "down.bias",
    "norm.weight",
    "norm.bias",
];

/// What `card.json` says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeadCard {
    /// [`FORMAT`].
    pub format: u32,
    /// What the head is called.
    pub name: String,
    /// Of what each row of its scores tells.
    pub kind: HeadKind,
    /// Digest of the encoder that it stands on, see [`ModelFolder::digest`].
    pub body: Digest,
    /// Layers of that encoder below it.
    pub tap: usize,
    /// Layers of its own.
    pub layers: usize,
    /// What its numbers become.
    pub activation: Activation,
    /// Names of a row's numbers.
    pub labels: Vec<String>,
    /// The file of weights, beside the card.
    pub weights: WeightsFile,
    /// How it was made and how well it does: for people, and for whoever makes it anew.
    #[serde(default)]
    pub made: serde_json::Value,
}

/// A file and what it must be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeightsFile {
    /// Its name, no path.
    pub file: String,
    /// SHA-256 of its bytes.
    pub sha256: Digest,
}

/// What a head's numbers become at last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    /// They stay as they are.
    None,
    /// Each a probability by itself.
    Sigmoid,
    /// A row's numbers are probabilities that add up to 1.
    Softmax,
}

/// A head's folder, checked against its card and its encoder.
#[derive(Clone, Debug)]
pub struct HeadFolder {
    path: PathBuf,
    card: HeadCard,
}

impl HeadFolder {
    /// Checks the folder, reading every byte of it once: the card's format, the digest of the weights, and that it
    /// stands on `model`.
    pub fn open(path: impl AsRef<Path>, model: &ModelFolder) -> Result<Self, GpuError> {
        let path = path.as_ref().to_owned();
        let card_path = path.join(CARD);
        let card: HeadCard = read_json(&card_path).map_err(of_head(&card_path))?;
        let refuse = |reason: String| Err(GpuError::HeadUnreadable { path: card_path.clone(), reason });
        if card.format != FORMAT {
            return refuse(format!("its format is {}, and only {FORMAT} is known here", card.format));
        }
        if card.weights.file.contains(['/', '\\']) || card.labels.is_empty() {
            return refuse("its weights lie elsewhere, or it has no labels".to_owned());
        }
        if card.body != model.digest() {
            return Err(GpuError::HeadForeign { name: card.name, expected: card.body, found: model.digest() });
        }
        if card.tap > model.layers() {
            return refuse(format!("it taps layer {}, and its encoder has {}", card.tap, model.layers()));
        }
        let weights = path.join(&card.weights.file);
        let bytes = std::fs::read(&weights).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => GpuError::HeadMissing { path: weights.clone() },
            _ => GpuError::HeadUnreadable { path: weights.clone(), reason: error.to_string() },
        })?;
        let found = Digest::of(&bytes);
        if found != card.weights.sha256 {
            return Err(GpuError::HeadAltered { path: weights, expected: card.weights.sha256, found });
        }
        Ok(Self { path, card })
    }

    /// What the card says.
    pub fn card(&self) -> &HeadCard {
        &self.card
    }

    /// Loads the weights onto a device, to compute as the encoder does.
    pub fn load(&self, model: &ModelFolder, device: Device, profile: NumericProfile) -> Result<StackHead, GpuError> {
        let kind = if profile == NumericProfile::Bf16 { Kind::BFloat16 } else { Kind::Float };
        let path = self.path.join(&self.card.weights.file);
        let mut weights = Weights::open(&path).map_err(of_head(&path))?;
        let first = weights.shape("layers.0.up.weight");
        let (h, f) = (model.dim() as i64, first.and_then(|shape| shape.first().copied()).unwrap_or(0));
        let to = (kind, device.to_tch());
        let layers = (0..self.card.layers).map(|index| {
            let shapes: [&[i64]; 12] =
                [&[3 * h, h], &[3 * h], &[h, h], &[h], &[h], &[h], &[f, h], &[f], &[h, f], &[h], &[h], &[h]];
            let mut tensors = Vec::with_capacity(shapes.len());
            for (name, shape) in LAYER_TENSORS.iter().zip(shapes) {
                tensors.push(weights.tensor(&format!("layers.{index}.{name}"), shape).map_err(of_head(&path))?);
            }
            let tensors: [Tensor; 12] = tensors.try_into().map_err(|_| GpuError::HeadUnreadable {
                path: path.clone(),
                reason: "a layer has not its twelve tensors".to_owned(),
            })?;
            Ok(Layer::from_tensors(tensors, model.attention_heads() as i64, model.norm_eps(), to)?)
        });
        let layers = layers.collect::<Result<Vec<_>, GpuError>>()?;
        let labels = self.card.labels.len() as i64;
        let width = if self.card.kind == HeadKind::PairScores { 3 * h } else { h };
        let grams = grams(&mut weights, labels).map_err(of_head(&path))?;
        if grams.is_some() && matches!(self.card.kind, HeadKind::TokenTags | HeadKind::PairScores) {
            let reason = "it has grams, and scores no spans that could hold any".to_owned();
            return Err(GpuError::HeadUnreadable { path, reason });
        }
        let mut rows = |name: &str, shape: &[i64]| -> Result<Tensor, GpuError> {
            let tensor = weights.tensor(name, shape).map_err(of_head(&path))?;
            Ok(tensor.f_to_kind(Kind::Float)?.f_to_device(device.to_tch())?)
        };
        Ok(StackHead {
            weight: rows("rows.weight", &[labels, width])?,
            bias: rows("rows.bias", &[labels])?,
            layers,
            grams: grams.map(Arc::new),
            tap: self.card.tap,
            activation: self.card.activation,
            info: HeadInfo { name: self.card.name.clone(), kind: self.card.kind, labels: self.card.labels.clone() },
        })
    }
}

/// Numbers for grams, where the file has any.
fn grams(weights: &mut Weights, labels: i64) -> Result<Option<Grams>, GpuError> {
    let Some(count) = weights.shape("grams.pieces").and_then(|shape| shape.first().copied()) else { return Ok(None) };
    let mut floats = |name: &str, shape: &[i64]| -> Result<Vec<f32>, GpuError> {
        let tensor = weights.tensor(name, shape)?.f_to_kind(Kind::Float)?.f_view([-1])?;
        Ok(Vec::<f32>::try_from(tensor)?)
    };
    let pieces = floats("grams.pieces", &[count, 2])?;
    let (rarity, weight) = (floats("grams.rarity", &[count])?, floats("grams.weight", &[count, labels])?);
    // Ids are far below what a float holds exactly.
    let gram = |pair: &[f32]| (pair[0] as u32, (pair[1] >= 0.0).then_some(pair[1] as u32));
    let pieces: Vec<_> = pieces.chunks_exact(2).map(gram).collect();
    Ok(Grams::new(&pieces, rarity, weight, labels as usize))
}

/// The same failure, told of a head's file.
fn of_head(path: &Path) -> impl Fn(GpuError) -> GpuError {
    move |error| match error {
        GpuError::ModelMissing { path } => GpuError::HeadMissing { path },
        GpuError::ModelUnreadable { path, reason } => GpuError::HeadUnreadable { path, reason },
        GpuError::ModelUnsupported { reason } => GpuError::HeadUnreadable { path: path.to_owned(), reason },
        other => other,
    }
}

/// A trained head, see the module's head.
#[derive(Debug)]
pub struct StackHead {
    info: HeadInfo,
    tap: usize,
    layers: Vec<Layer>,
    /// `[labels, width]`, in single precision whatever the body computes in.
    weight: Tensor,
    bias: Tensor,
    grams: Option<Arc<Grams>>,
    activation: Activation,
}

impl StackHead {
    /// What grams add to each row's scores: `[rows, labels]`.
    fn of_grams(&self, grams: &Grams, hidden: &Hidden<'_>) -> Result<Tensor, TchError> {
        let texts = match self.info.kind {
            HeadKind::PassageLabels => hidden.pieces_of_passages(),
            HeadKind::SpanScores => hidden.pieces_of_candidates(),
            _ => hidden.pieces_of_spans(),
        };
        let labels = self.info.labels.len();
        let mut scores = vec![0f32; texts.len() * labels];
        texts.iter().zip(scores.chunks_exact_mut(labels)).for_each(|(pieces, row)| grams.add(pieces, row));
        let shape = [texts.len() as i64, labels as i64];
        Tensor::f_from_slice(&scores)?.f_view(shape)?.f_to_device(hidden.states().device())
    }
}

impl Head for StackHead {
    fn info(&self) -> &HeadInfo {
        &self.info
    }

    fn tap(&self) -> usize {
        self.tap
    }

    fn share(&self) -> Box<dyn Head> {
        Box::new(Self {
            info: self.info.clone(),
            tap: self.tap,
            layers: self.layers.iter().map(Layer::share).collect(),
            weight: self.weight.shallow_clone(),
            bias: self.bias.shallow_clone(),
            grams: self.grams.clone(),
            activation: self.activation,
        })
    }

    fn bytes(&self) -> u64 {
        let rows = (self.weight.numel() + self.bias.numel()) * Kind::Float.elt_size_in_bytes();
        let grams = self.grams.as_ref().map_or(0, |grams| grams.bytes());
        self.layers.iter().map(Layer::bytes).sum::<u64>() + rows as u64 + grams
    }

    fn run(&self, hidden: &Hidden<'_>) -> Result<Tensor, TchError> {
        let mut states = hidden.states().shallow_clone();
        for layer in &self.layers {
            states = layer.forward(&states, hidden.layout())?;
        }
        let own = hidden.with_states(states);
        let seen = match self.info.kind {
            HeadKind::TokenTags => own.tokens()?,
            HeadKind::SpanScores => own.candidates()?,
            HeadKind::SentenceLabels => own.spans()?,
            HeadKind::PassageLabels => own.passages()?,
            HeadKind::PairScores => {
                let (left, right) = own.pairs()?;
                let both = left.f_mul(&right)?;
                Tensor::f_cat(&[left, right, both], 1)?
            }
        };
        let mut scores = seen.f_to_kind(Kind::Float)?.f_linear(&self.weight, Some(&self.bias))?;
        if let Some(grams) = &self.grams {
            scores = scores.f_add(&self.of_grams(grams, hidden)?)?;
        }
        match self.activation {
            Activation::None => Ok(scores),
            Activation::Sigmoid => scores.f_sigmoid(),
            Activation::Softmax => scores.f_softmax(-1, Kind::Float),
        }
    }
}
