//! AdamW (Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019), with clipped gradients and a
//! running average of the weights, all in single precision.

use anyhow::{Context, Result};
use tch::{TchError, Tensor};

use crate::net::{Net, Weight};

/// Settings that no recipe has changed so far.
const BETA_1: f64 = 0.9;
const BETA_2: f64 = 0.98;
const EPS: f64 = 1e-6;
/// Longest gradient that is followed as it is.
const CLIP: f64 = 1.0;

/// What it remembers of each weight.
#[derive(Debug)]
pub struct AdamW {
    first: Vec<Tensor>,
    second: Vec<Tensor>,
    average: Vec<Tensor>,
    decay: f64,
    averaging: f64,
    step: i32,
}

impl AdamW {
    /// Begins with the weights of `net`. `averaging` is the share of the average that stays at each step.
    ///
    /// # Errors
    /// libtorch's own.
    pub fn new(net: &Net, decay: f64, averaging: f64) -> Result<Self, TchError> {
        let _no_grad = tch::no_grad_guard();
        let each = |make: fn(&Tensor) -> Result<Tensor, TchError>| {
            net.weights().iter().map(|w| make(&w.value)).collect::<Result<Vec<_>, TchError>>()
        };
        Ok(Self {
            first: each(|value| value.f_zeros_like())?,
            second: each(|value| value.f_zeros_like())?,
            average: each(|value| value.f_mul_scalar(1.0))?,
            decay,
            averaging,
            step: 0,
        })
    }

    /// Follows the gradients of a batch of `set`, which are then gone. Rows of other sets stay where they are.
    ///
    /// # Errors
    /// libtorch's own.
    pub fn step(&mut self, net: &Net, set: &str, rate: f64) -> Result<(), TchError> {
        let _no_grad = tch::no_grad_guard();
        self.step += 1;
        let grads: Vec<Tensor> = net.weights().iter().map(|w| w.value.f_grad()).collect::<Result<_, _>>()?;
        let scale = clip(&grads)?;
        for (index, (weight, grad)) in net.weights().iter().zip(&grads).enumerate() {
            if grad.defined() && weight.set.as_ref().is_none_or(|of| of == set) {
                self.follow(index, weight, &grad.f_mul_scalar(scale)?, rate)?;
                let _ = grad.shallow_clone().f_zero_()?;
            }
        }
        let stays = self.averaging.min(f64::from(1 + self.step) / f64::from(10 + self.step));
        for (average, weight) in self.average.iter_mut().zip(net.weights()) {
            let _ = average.f_lerp_(&weight.value, 1.0 - stays)?;
        }
        Ok(())
    }

    fn follow(&mut self, index: usize, weight: &Weight, grad: &Tensor, rate: f64) -> Result<(), TchError> {
        let rate = rate * weight.rate;
        let _ = self.first[index].f_lerp_(grad, 1.0 - BETA_1)?;
        let scaled = grad.f_mul_scalar((1.0 - BETA_2).sqrt())?;
        let _ = self.second[index].f_mul_scalar_(BETA_2)?.f_addcmul_(&scaled, &scaled)?;
        let unbiased = |beta: f64| 1.0 - beta.powi(self.step);
        let below = self.second[index].f_sqrt()?.f_div_scalar_(unbiased(BETA_2).sqrt())?.f_add_scalar_(EPS)?;
        let along = self.first[index].f_mul_scalar(-rate / unbiased(BETA_1))?;
        let mut value = weight.value.shallow_clone();
        if weight.decays {
            let _ = value.f_mul_scalar_(1.0 - rate * self.decay)?;
        }
        let _ = value.f_addcdiv_(&along, &below)?;
        Ok(())
    }

    /// The running average of the weights, by name.
    pub fn average(&self, net: &Net) -> Vec<(String, Tensor)> {
        net.weights().iter().zip(&self.average).map(|(w, average)| (w.name.clone(), average.shallow_clone())).collect()
    }

    /// All that a later start needs to go on as if nothing had been.
    pub fn state(&self, net: &Net) -> Vec<(String, Tensor)> {
        let parts = [("first", &self.first), ("second", &self.second), ("average", &self.average)];
        let mut state = vec![("step".to_owned(), Tensor::from_slice(&[i64::from(self.step)]))];
        for (index, weight) in net.weights().iter().enumerate() {
            state.push((format!("weight.{}", weight.name), weight.value.detach()));
            state.extend(parts.iter().map(|(p, all)| (format!("{p}.{}", weight.name), all[index].shallow_clone())));
        }
        state
    }

    /// Goes on from [`AdamW::state`], weights included; returns the steps that were done.
    ///
    /// # Errors
    /// Where something is missing or has another shape.
    pub fn restore(&mut self, net: &Net, state: &[(String, Tensor)]) -> Result<usize> {
        let _no_grad = tch::no_grad_guard();
        let find = |name: String| {
            let found = state.iter().find(|(given, _)| *given == name);
            found.map(|(_, tensor)| tensor).with_context(|| format!("there is no {name}"))
        };
        for (index, weight) in net.weights().iter().enumerate() {
            weight.value.shallow_clone().f_copy_(find(format!("weight.{}", weight.name))?)?;
            for (part, all) in
                [("first", &mut self.first), ("second", &mut self.second), ("average", &mut self.average)]
            {
                all[index].f_copy_(find(format!("{part}.{}", weight.name))?)?;
            }
        }
        self.step = i32::try_from(find("step".to_owned())?.f_int64_value(&[0])?)?;
        Ok(self.step as usize)
    }
}

/// What gradients are multiplied by so that all together are no longer than [`CLIP`].
fn clip(grads: &[Tensor]) -> Result<f64, TchError> {
    let mut squares = 0.0;
    for grad in grads.iter().filter(|grad| grad.defined()) {
        squares += grad.f_norm()?.f_double_value(&[])?.powi(2);
    }
    let norm = squares.sqrt();
    Ok(if norm > CLIP { CLIP / norm } else { 1.0 })
}
