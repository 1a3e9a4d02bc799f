//! BERT (Devlin and others, NAACL 2019), in inference form: no dropout, no gradients, every call checked.
//!
//! RoBERTa, XLM-RoBERTa and CamemBERT are the same network with positions counted from another number.

use tch::{Kind, TchError, Tensor};

use crate::attention::attend;
use crate::error::GpuError;
use crate::layout::Layout;
use crate::model::Config;
use crate::weights::Weights;

/// The network's weights, on one device.
#[derive(Debug)]
pub(crate) struct Bert {
    /// In the file's precision: its rows are converted as they are looked up, which gives the same numbers
    /// as converting the table, and halves the memory of the largest tensor.
    word: Tensor,
    /// Position embeddings from the first real position on, with that of the one token type added.
    position: Tensor,
    norm: Norm,
    layers: Vec<Layer>,
    kind: Kind,
}

/// One layer, of the shared body or of a head's own.
#[derive(Debug)]
pub struct Layer {
    /// Query, key and value in one product, which is faster than three.
    qkv: Linear,
    attended: Linear,
    attended_norm: Norm,
    up: Linear,
    down: Linear,
    norm: Norm,
    heads: i64,
}

#[derive(Debug)]
struct Linear {
    weight: Tensor,
    bias: Tensor,
}

#[derive(Debug)]
struct Norm {
    weight: Tensor,
    bias: Tensor,
    eps: f64,
}

/// Reads tensors by name and puts them where and how the network wants them.
struct Loader<'a> {
    weights: &'a mut Weights,
    /// Before every name: checkpoints of a whole task have their body under its name.
    prefix: &'static str,
    config: &'a Config,
    kind: Kind,
    device: tch::Device,
}

impl Bert {
    pub(crate) fn load(
        weights: &mut Weights,
        config: &Config,
        kind: Kind,
        device: tch::Device,
    ) -> Result<Self, GpuError> {
        let mut loader = Loader::new(weights, config, kind, device)?;
        let (h, offset) = (config.hidden_size, config.position_offset());

        let word = loader.raw("embeddings.word_embeddings.weight", &[config.vocab_size, h])?;
        let word = if word.f_kind()? == Kind::Float { word.f_to_kind(kind)? } else { word };
        let position = loader.raw("embeddings.position_embeddings.weight", &[config.max_position_embeddings, h])?;
        let types = loader.raw("embeddings.token_type_embeddings.weight", &[config.type_vocab_size, h])?;
        let position = position.f_narrow(0, offset, config.max_position_embeddings - offset)?;
        let position = position.f_to_kind(Kind::Float)?.f_add(&types.f_select(0, 0)?.f_to_kind(Kind::Float)?)?;

        Ok(Self {
            word: word.f_to_device(device)?,
            position: loader.place(position)?,
            norm: loader.norm("embeddings.LayerNorm")?,
            layers: (0..config.num_hidden_layers).map(|i| loader.layer(i)).collect::<Result<_, _>>()?,
            kind,
        })
    }

    /// The same weights once more, without a copy: for another thread.
    pub(crate) fn share(&self) -> Self {
        Self {
            word: self.word.shallow_clone(),
            position: self.position.shallow_clone(),
            norm: self.norm.share(),
            layers: self.layers.iter().map(Layer::share).collect(),
            kind: self.kind,
        }
    }

    /// Layers, each of which gives hidden states that heads may read.
    pub(crate) fn layers(&self) -> usize {
        self.layers.len()
    }

    /// States before the first layer: `[rows, hidden]`. `ids` and `positions`: `[rows]`, 64-bit.
    pub(crate) fn embed(&self, ids: &Tensor, positions: &Tensor) -> Result<Tensor, TchError> {
        let words = Tensor::f_embedding(&self.word, ids, -1, false, false)?.f_to_kind(self.kind)?;
        let places = Tensor::f_embedding(&self.position, positions, -1, false, false)?;
        self.norm.forward(&words.f_add(&places)?)
    }

    /// States after layer `index`, from those before it.
    pub(crate) fn layer(&self, index: usize, x: &Tensor, layout: &Layout) -> Result<Tensor, TchError> {
        self.layers[index].forward(x, layout)
    }

    /// Bytes of a token's activations where they are widest: between a layer's products up and down, beside the states.
    pub(crate) fn widest_bytes(&self) -> u64 {
        let rows = self.layers.first().map_or(0, |layer| layer.up.weight.size()[0] + 2 * layer.down.weight.size()[0]);
        rows as u64 * self.kind.elt_size_in_bytes() as u64
    }

    /// Bytes of all weights.
    pub(crate) fn bytes(&self) -> u64 {
        let rest = [&self.word, &self.position, &self.norm.weight, &self.norm.bias];
        rest.into_iter().map(bytes).sum::<u64>() + self.layers.iter().map(Layer::bytes).sum::<u64>()
    }
}

/// The tensors of the body's layer `index` in single precision, as [`Layer::from_tensors`] takes them: what a head
/// with layers of its own is trained from.
pub(crate) fn layer_tensors(weights: &mut Weights, config: &Config, index: i64) -> Result<[Tensor; 12], GpuError> {
    Ok(Loader::new(weights, config, Kind::Float, tch::Device::Cpu)?.layer(index)?.into_tensors())
}

fn bytes(tensor: &Tensor) -> u64 {
    (tensor.numel() * tensor.kind().elt_size_in_bytes()) as u64
}

impl Layer {
    /// A layer of `heads` heads from weight and bias of: query, key and value one below the other; the
    /// product after attention; its norm; the product up; the product down; the last norm.
    pub fn from_tensors(
        tensors: [Tensor; 12],
        heads: i64,
        eps: f64,
        to: (Kind, tch::Device),
    ) -> Result<Self, TchError> {
        let [a, b, c, d, e, f, g, h, i, j, k, l] = tensors.map(|tensor| tensor.f_to_kind(to.0)?.f_to_device(to.1));
        Ok(Self {
            qkv: Linear { weight: a?, bias: b? },
            attended: Linear { weight: c?, bias: d? },
            attended_norm: Norm { weight: e?, bias: f?, eps },
            up: Linear { weight: g?, bias: h? },
            down: Linear { weight: i?, bias: j? },
            norm: Norm { weight: k?, bias: l?, eps },
            heads,
        })
    }

    /// What [`Layer::from_tensors`] takes.
    fn into_tensors(self) -> [Tensor; 12] {
        let Self { qkv, attended, attended_norm, up, down, norm, heads: _ } = self;
        [
            qkv.weight,
            qkv.bias,
            attended.weight,
            attended.bias,
            attended_norm.weight,
            attended_norm.bias,
            up.weight,
            up.bias,
            down.weight,
            down.bias,
            norm.weight,
            norm.bias,
        ]
    }

    /// The same weights once more, without a copy.
    pub fn share(&self) -> Self {
        Self {
            qkv: self.qkv.share(),
            attended: self.attended.share(),
            attended_norm: self.attended_norm.share(),
            up: self.up.share(),
            down: self.down.share(),
            norm: self.norm.share(),
            heads: self.heads,
        }
    }

    /// Bytes of its weights.
    pub fn bytes(&self) -> u64 {
        let Self { qkv, attended, attended_norm, up, down, norm, .. } = self;
        let linears = [qkv, attended, up, down].into_iter().flat_map(|l| [&l.weight, &l.bias]);
        linears.chain([attended_norm, norm].into_iter().flat_map(|n| [&n.weight, &n.bias])).map(bytes).sum()
    }

    /// States after it, from those before it: `[rows, hidden]`.
    pub fn forward(&self, x: &Tensor, layout: &Layout) -> Result<Tensor, TchError> {
        let a = attend(&self.qkv.forward(x)?, self.heads, layout)?;
        let x = self.attended_norm.forward(&self.attended.forward(&a)?.f_add_(x)?)?;
        let f = self.up.forward(&x)?.f_gelu_("none")?;
        self.norm.forward(&self.down.forward(&f)?.f_add_(&x)?)
    }
}

impl Linear {
    fn share(&self) -> Self {
        Self { weight: self.weight.shallow_clone(), bias: self.bias.shallow_clone() }
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor, TchError> {
        x.f_linear(&self.weight, Some(&self.bias))
    }
}

impl Norm {
    fn share(&self) -> Self {
        Self { weight: self.weight.shallow_clone(), bias: self.bias.shallow_clone(), eps: self.eps }
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor, TchError> {
        x.f_layer_norm(self.weight.size(), Some(&self.weight), Some(&self.bias), self.eps, true)
    }
}

impl<'a> Loader<'a> {
    fn new(weights: &'a mut Weights, config: &'a Config, kind: Kind, device: tch::Device) -> Result<Self, GpuError> {
        let prefix = ["", "bert.", "roberta."]
            .into_iter()
            .find(|prefix| weights.has(&format!("{prefix}embeddings.word_embeddings.weight")))
            .ok_or_else(|| GpuError::ModelUnsupported { reason: "its tensors are not named as BERT's are".into() })?;
        Ok(Self { weights, prefix, config, kind, device })
    }

    fn raw(&mut self, name: &str, shape: &[i64]) -> Result<Tensor, GpuError> {
        self.weights.tensor(&format!("{}{name}", self.prefix), shape)
    }

    fn place(&self, tensor: Tensor) -> Result<Tensor, GpuError> {
        Ok(tensor.f_to_kind(self.kind)?.f_to_device(self.device)?)
    }

    fn linear(&mut self, name: &str, rows: i64, columns: i64) -> Result<Linear, GpuError> {
        let weight = self.raw(&format!("{name}.weight"), &[rows, columns])?;
        let bias = self.raw(&format!("{name}.bias"), &[rows])?;
        Ok(Linear { weight: self.place(weight)?, bias: self.place(bias)? })
    }

    fn norm(&mut self, name: &str) -> Result<Norm, GpuError> {
        let h = [self.config.hidden_size];
        let weight = self.raw(&format!("{name}.weight"), &h)?;
        let bias = self.raw(&format!("{name}.bias"), &h)?;
        Ok(Norm { weight: self.place(weight)?, bias: self.place(bias)?, eps: self.config.layer_norm_eps })
    }

    fn layer(&mut self, index: i64) -> Result<Layer, GpuError> {
        let (h, f) = (self.config.hidden_size, self.config.intermediate_size);
        let at = format!("encoder.layer.{index}");
        let (mut weights, mut biases) = (Vec::new(), Vec::new());
        for part in ["query", "key", "value"] {
            let linear = self.linear(&format!("{at}.attention.self.{part}"), h, h)?;
            weights.push(linear.weight);
            biases.push(linear.bias);
        }
        Ok(Layer {
            qkv: Linear { weight: Tensor::f_cat(&weights, 0)?, bias: Tensor::f_cat(&biases, 0)? },
            attended: self.linear(&format!("{at}.attention.output.dense"), h, h)?,
            attended_norm: self.norm(&format!("{at}.attention.output.LayerNorm"))?,
            up: self.linear(&format!("{at}.intermediate.dense"), f, h)?,
            down: self.linear(&format!("{at}.output.dense"), h, f)?,
            norm: self.norm(&format!("{at}.output.LayerNorm"))?,
            heads: self.config.num_attention_heads,
        })
    }
}
