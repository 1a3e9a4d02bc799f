//! The part of a network that is trained: layers of a head's own on top of a frozen body, and rows of labels.
//!
//! Weights are kept in single precision and multiplied in the precision of the states that come in. The forward pass
//! is that of `gpu::Layer`, written for gradients and with dropout; a test holds the two together.

use anyhow::{Context, Result};
use gpu::ModelFolder;
use gpu::stack::LAYER_TENSORS;
use tch::{Kind, TchError, Tensor};

use crate::rows::Rows;

/// One weight, its name and how it is trained.
#[derive(Debug)]
pub struct Weight {
    /// As in the head's file.
    pub name: String,
    /// In single precision, with its gradient.
    pub value: Tensor,
    /// What its learning rate is multiplied by.
    pub rate: f64,
    /// It is drawn towards 0: matrices are, norms and biases are not.
    pub decays: bool,
    /// The set whose rows it holds; none for a layer's.
    pub set: Option<String>,
}

/// The trained part.
#[derive(Debug)]
pub struct Net {
    weights: Vec<Weight>,
    layers: usize,
    attention_heads: i64,
    norm_eps: f64,
    spread: Option<Spread>,
}

/// Where pooled states lie before anything is trained: rows read them less their mean, in units of their deviation.
/// Raw, the states of this kind of encoder lie in a narrow cone, in which rows learn slowly and badly.
#[derive(Debug)]
pub struct Spread {
    /// `[width]`.
    pub mean: Tensor,
    /// One through the deviation: `[width]`.
    pub scale: Tensor,
}

impl Spread {
    /// Of these pooled states: `[texts, width]`.
    ///
    /// # Errors
    /// libtorch's own.
    pub fn of(pooled: &Tensor) -> Result<Self, TchError> {
        let deviation = pooled.f_std_dim(Some([0i64].as_slice()), true, false)?;
        let mean = pooled.f_mean_dim(Some([0i64].as_slice()), false, Kind::Float)?;
        Ok(Self { mean, scale: deviation.f_add_scalar(1e-3)?.f_reciprocal()? })
    }

    /// The same once more, without a copy.
    pub fn share(&self) -> Self {
        Self { mean: self.mean.shallow_clone(), scale: self.scale.shallow_clone() }
    }
}

/// Texts of one length, side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    /// Row of the first one's first token.
    pub first: i64,
    /// Texts.
    pub count: i64,
    /// Tokens of each.
    pub len: i64,
}

/// How rates fall from the rows of labels downwards.
#[derive(Clone, Copy, Debug)]
pub struct Rates {
    /// Of rows, which begin at nothing.
    pub rows: f64,
    /// Of each layer, as a share of that above it.
    pub per_layer: f64,
}

impl Net {
    /// Copies of the body's layers from `tap` on, and rows of zeros for each set of labels.
    ///
    /// # Errors
    /// Where the model's weights can't be read.
    pub fn new(model: &ModelFolder, first: usize, layers: usize, sets: &[(&str, usize)], rates: Rates) -> Result<Self> {
        let mut weights = Vec::new();
        for index in 0..layers {
            let rate = rates.per_layer.powi((layers - 1 - index) as i32);
            for (name, value) in LAYER_TENSORS.iter().zip(model.layer_tensors(first + index)?) {
                let decays = value.dim() > 1;
                weights.push(Weight { name: format!("layers.{index}.{name}"), value, rate, decays, set: None });
            }
        }
        for (set, labels) in sets {
            let zeros = |shape: &[i64]| Tensor::f_zeros(shape, (Kind::Float, tch::Device::Cpu));
            let (rows, width) = (*labels as i64, model.dim() as i64);
            let mut add = |name: String, value: Tensor, decays| {
                weights.push(Weight { name, value, rate: rates.rows, decays, set: Some((*set).to_owned()) });
            };
            add(format!("{set}.weight"), zeros(&[rows, width])?, true);
            add(format!("{set}.bias"), zeros(&[rows])?, false);
        }
        for weight in &mut weights {
            weight.value = weight.value.f_set_requires_grad(true)?;
        }
        Ok(Self {
            weights,
            layers,
            attention_heads: model.attention_heads() as i64,
            norm_eps: model.norm_eps(),
            spread: None,
        })
    }

    /// Rows read pooled states so spread from here on.
    pub fn set_spread(&mut self, spread: Spread) {
        self.spread = Some(spread);
    }

    /// A set's rows and biases as they read the bare pooled states.
    ///
    /// # Errors
    /// libtorch's own.
    pub fn bare_rows(&self, set: &str) -> Result<Rows> {
        let (weight, bias) = (self.weight(&format!("{set}.weight"))?, self.weight(&format!("{set}.bias"))?);
        let _no_grad = tch::no_grad_guard();
        let (weight, bias) = (weight.detach(), bias.detach());
        let Some(spread) = &self.spread else { return Ok(Rows { weight, bias }) };
        let weight = weight.f_mul(&spread.scale)?;
        let bias = bias.f_sub(&weight.f_mv(&spread.mean)?)?;
        Ok(Rows { weight, bias })
    }

    /// All weights, in a fixed order.
    pub fn weights(&self) -> &[Weight] {
        &self.weights
    }

    /// The weight of that name.
    ///
    /// # Errors
    /// Where there is none.
    pub fn weight(&self, name: &str) -> Result<&Tensor> {
        let found = self.weights.iter().find(|weight| weight.name == name);
        Ok(&found.with_context(|| format!("there is no weight {name}"))?.value)
    }

    /// Takes over the values of other weights, by name.
    ///
    /// # Errors
    /// Where one is not there or has another shape.
    pub fn fill(&self, from: &[(String, Tensor)]) -> Result<()> {
        let _no_grad = tch::no_grad_guard();
        for weight in &self.weights {
            let found = from.iter().find(|(name, _)| *name == weight.name);
            let (_, value) = found.with_context(|| format!("there is no weight {}", weight.name))?;
            weight.value.shallow_clone().f_copy_(value)?;
        }
        Ok(())
    }

    /// Mean states of each text's own tokens after all layers, in single precision: `[texts, width]`.
    ///
    /// # Errors
    /// libtorch's own.
    pub fn pooled(
        &self,
        states: &Tensor,
        groups: &[Group],
        (before, after): (usize, usize),
        dropout: f64,
    ) -> Result<Tensor, TchError> {
        let mut x = drop_some(states, dropout)?;
        for index in 0..self.layers {
            x = self.layer(index, &x, groups, dropout)?;
        }
        let width = x.size2()?.1;
        let means = groups.iter().map(|group| {
            let rows = x.f_narrow(0, group.first, group.count * group.len)?.f_view([group.count, group.len, width])?;
            let own = group.len - (before + after) as i64;
            // A text without tokens is its prompt.
            let rows = if own > 0 { rows.f_narrow(1, before as i64, own)? } else { rows };
            rows.f_mean_dim(Some([1i64].as_slice()), false, Kind::Float)
        });
        Tensor::f_cat(&means.collect::<Result<Vec<_>, _>>()?, 0)
    }

    /// Scores of a set's labels, before any activation: `[texts, labels]`.
    ///
    /// # Errors
    /// libtorch's own.
    pub fn scores(&self, pooled: &Tensor, set: &str, dropout: f64) -> Result<Tensor> {
        let pooled = match &self.spread {
            Some(spread) => pooled.f_sub(&spread.mean)?.f_mul(&spread.scale)?,
            None => pooled.shallow_clone(),
        };
        let pooled = drop_some(&pooled, dropout)?;
        let (weight, bias) = (self.weight(&format!("{set}.weight"))?, self.weight(&format!("{set}.bias"))?);
        Ok(pooled.f_linear(weight, Some(bias))?)
    }

    fn layer(&self, index: usize, x: &Tensor, groups: &[Group], dropout: f64) -> Result<Tensor, TchError> {
        let kind = x.f_kind()?;
        let at = index * LAYER_TENSORS.len();
        let w = |i: usize| self.weights[at + i].value.f_to_kind(kind);
        let norm = |x: &Tensor, i: usize| {
            let (weight, bias) = (w(i)?, w(i + 1)?);
            x.f_layer_norm(weight.size(), Some(&weight), Some(&bias), self.norm_eps, true)
        };
        let a = self.attend(&x.f_linear(&w(0)?, Some(&w(1)?))?, groups)?;
        let a = drop_some(&a.f_linear(&w(2)?, Some(&w(3)?))?, dropout)?;
        let x = norm(&a.f_add(x)?, 4)?;
        let f = x.f_linear(&w(6)?, Some(&w(7)?))?.f_gelu("none")?;
        let f = drop_some(&f.f_linear(&w(8)?, Some(&w(9)?))?, dropout)?;
        norm(&f.f_add(&x)?, 10)
    }

    fn attend(&self, qkv: &Tensor, groups: &[Group]) -> Result<Tensor, TchError> {
        let (heads, hidden) = (self.attention_heads, qkv.size2()?.1 / 3);
        let attended = groups.iter().map(|group| {
            let rows = qkv.f_narrow(0, group.first, group.count * group.len)?;
            let rows = rows.f_view([group.count, group.len, 3, heads, hidden / heads])?.f_permute([2, 0, 3, 1, 4])?;
            let (q, k, v) = (rows.f_select(0, 0)?, rows.f_select(0, 1)?, rows.f_select(0, 2)?);
            let a = Tensor::f_scaled_dot_product_attention(&q, &k, &v, None::<Tensor>, 0.0, false, None, false)?;
            a.f_transpose(1, 2)?.f_reshape([group.count * group.len, hidden])
        });
        Tensor::f_cat(&attended.collect::<Result<Vec<_>, _>>()?, 0)
    }
}

fn drop_some(x: &Tensor, share: f64) -> Result<Tensor, TchError> {
    if share > 0.0 { x.f_dropout(share, true) } else { Ok(x.shallow_clone()) }
}

/// Where texts of these lengths, in this order, lie when one follows the other; equal neighbours form a group.
pub fn groups(lens: &[usize]) -> Vec<Group> {
    let mut first = 0;
    let runs = lens.chunk_by(|a, b| a == b).map(|run| {
        let group = Group { first, count: run.len() as i64, len: run[0] as i64 };
        first += group.count * group.len;
        group
    });
    runs.collect()
}
