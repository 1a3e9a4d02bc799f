//! Rows of labels on states that stay as they are: logistic regression, label by label, to its one optimum.
//!
//! Where texts are few, this beats following gradients: there is nothing to tune but the ridge, no order of chance,
//! and a fold costs seconds.

use anyhow::{Result, ensure};
use tch::{Kind, Tensor};

use crate::net::Spread;

/// Newton steps; it is convex and the steps are cut, so this is far more than is needed.
const STEPS: usize = 40;
/// Change of any number below which the optimum is reached.
const NEAR: f64 = 1e-6;

/// Rows and biases that read bare pooled states: `[labels, width]` and `[labels]`.
#[derive(Debug)]
pub struct Rows {
    /// A row a label.
    pub weight: Tensor,
    /// A number a label.
    pub bias: Tensor,
}

impl Rows {
    /// Scores of pooled states, before any activation.
    ///
    /// # Errors
    /// libtorch's own.
    pub fn scores(&self, pooled: &Tensor) -> Result<Vec<Vec<f32>>> {
        Ok(Vec::<Vec<f32>>::try_from(pooled.f_linear(&self.weight, Some(&self.bias))?)?)
    }

    /// The best rows for texts with these pooled states `[texts, width]`, bits of labels and weights; each row's
    /// numbers, in units of the states' deviation, are drawn to 0 by `ridge`.
    ///
    /// # Errors
    /// libtorch's own.
    pub fn fit(pooled: &Tensor, bits: &[u32], weights: &[f32], labels: usize, ridge: f64) -> Result<Self> {
        let _no_grad = tch::no_grad_guard();
        let (texts, width) = pooled.size2()?;
        ensure!(
            texts as usize == bits.len() && bits.len() == weights.len(),
            "texts, labels and weights differ in number"
        );
        let spread = Spread::of(pooled)?;
        let x = pooled.f_sub(&spread.mean)?.f_mul(&spread.scale)?;
        let ones = Tensor::f_ones([texts, 1], (Kind::Float, tch::Device::Cpu))?;
        let x = Tensor::f_cat(&[x, ones], 1)?;
        let texts_weights = Tensor::f_from_slice(weights)?;
        // The bias is drawn nowhere.
        let mut pull = vec![ridge as f32; width as usize + 1];
        pull[width as usize] = 1e-4;
        let pull = Tensor::f_from_slice(&pull)?;
        let mut rows = Vec::new();
        for label in 0..labels {
            let holds: Vec<f32> = bits.iter().map(|bits| (bits >> label & 1) as f32).collect();
            rows.push(one(&x, &Tensor::f_from_slice(&holds)?, &texts_weights, &pull)?);
        }
        let rows = Tensor::f_stack(&rows, 0)?;
        let weight = rows.f_narrow(1, 0, width)?.f_mul(&spread.scale)?;
        let bias = rows.f_select(1, width)?.f_sub(&weight.f_mv(&spread.mean)?)?;
        Ok(Self { weight, bias })
    }
}

/// Newton's method from nothing, steps cut so that none overshoots.
fn one(x: &Tensor, holds: &Tensor, weights: &Tensor, pull: &Tensor) -> Result<Tensor> {
    let mut row = Tensor::f_zeros_like(pull)?;
    let ridge = pull.f_diag_embed(0, -2, -1)?;
    for _ in 0..STEPS {
        let p = x.f_mv(&row)?.f_sigmoid()?;
        let error = p.f_sub(holds)?.f_mul(weights)?;
        let gradient = x.f_tr()?.f_mv(&error)?.f_add(&row.f_mul(pull)?)?;
        let spread = p.f_mul(&p.f_neg()?.f_add_scalar(1.0)?)?.f_mul(weights)?;
        let bent = x.f_tr()?.f_matmul(&x.f_mul(&spread.f_unsqueeze(1)?)?)?.f_add(&ridge)?;
        let factor = bent.f_to_kind(Kind::Double)?.f_linalg_cholesky(false)?;
        let step = gradient.f_to_kind(Kind::Double)?.f_unsqueeze(1)?.f_cholesky_solve(&factor, false)?;
        let step = step.f_squeeze()?.f_to_kind(Kind::Float)?;
        let longest = step.f_abs()?.f_max()?.f_double_value(&[])?;
        row = row.f_sub(&step.f_mul_scalar(if longest > 2.0 { 2.0 / longest } else { 1.0 })?)?;
        if longest < NEAR {
            break;
        }
    }
    Ok(row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_find_the_direction_that_parts_the_texts_and_a_ridge_makes_them_shorter() {
        // The first number decides, the second is noise, and both lie far from 0.
        let states: Vec<f32> =
            (0..200).flat_map(|i| [5.0 + (i % 2) as f32 * 0.02, 9.0 + ((i * 7919) % 13) as f32]).collect();
        let pooled = Tensor::from_slice(&states).view([200, 2]);
        let bits: Vec<u32> = (0..200).map(|i| i % 2).collect();
        let fit = |ridge| Rows::fit(&pooled, &bits, &[1.0; 200], 1, ridge).unwrap();
        let (free, drawn) = (fit(1.0), fit(1000.0));
        let right = |rows: &Rows| {
            let scores = rows.scores(&pooled).unwrap();
            scores.iter().zip(&bits).filter(|(row, bits)| (row[0] > 0.0) == (**bits == 1)).count()
        };
        assert_eq!((right(&free), right(&drawn)), (200, 200));
        assert!(drawn.weight.abs().max().double_value(&[]) < free.weight.abs().max().double_value(&[]));
    }

    #[test]
    fn at_the_optimum_as_much_is_said_as_holds() {
        // A logistic regression with a free bias is right on average.
        let states: Vec<f32> = (0..300).map(|i| ((i * 37) % 101) as f32 / 50.0).collect();
        let pooled = Tensor::from_slice(&states).view([300, 1]);
        let bits: Vec<u32> = (0..300).map(|i| u32::from(i % 5 == 0 || (i * 37) % 101 > 90)).collect();
        let rows = Rows::fit(&pooled, &bits, &[1.0; 300], 1, 3.0).unwrap();
        let said: f64 = rows.scores(&pooled).unwrap().iter().map(|row| 1.0 / (1.0 + (-f64::from(row[0])).exp())).sum();
        let held: u32 = bits.iter().sum();
        assert!((said - f64::from(held)).abs() < 0.05, "{said} {held}");
    }
}
