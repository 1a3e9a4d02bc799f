//! How long a batch will take: learnt for each model on each device, from the batches that ran.

use bincode::{Decode, Encode};

/// Device time of a batch of n items padded to length L: `ns_per_token · n·L + ns_per_token_squared · n·L²`.
/// The first term is the matrix products, the second is attention.
#[derive(Clone, Copy, Debug, PartialEq, Encode, Decode)]
pub struct Cost {
    /// a, in nanoseconds.
    pub ns_per_token: f64,
    /// b, in nanoseconds.
    pub ns_per_token_squared: f64,
}

const LEAST_NS: f64 = 1e-3;
const MOST_NS: f64 = 1e9;

impl Cost {
    /// Finite and positive, whatever it was.
    #[must_use]
    pub fn clamped(self) -> Self {
        let clamp = |x: f64| if x.is_finite() { x.clamp(LEAST_NS, MOST_NS) } else { MOST_NS };
        Self { ns_per_token: clamp(self.ns_per_token), ns_per_token_squared: clamp(self.ns_per_token_squared) }
    }

    /// Predicted nanoseconds for one item of `tokens`.
    #[inline]
    pub fn item_ns(&self, tokens: u32) -> f64 {
        let tokens = f64::from(tokens);
        tokens * (self.ns_per_token + self.ns_per_token_squared * tokens)
    }

    /// Predicted nanoseconds for items, by their sums.
    pub(crate) fn sum_ns(&self, sums: &Sums) -> f64 {
        self.ns_per_token * sums.tokens as f64 + self.ns_per_token_squared * sums.tokens_squared as f64
    }
}

/// Sums over items: all that their cost depends on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) items: u32,
    pub(crate) tokens: u64,
    pub(crate) tokens_squared: u64,
}

impl Sums {
    #[inline]
    pub(crate) fn add(&mut self, tokens: u32) {
        let tokens = u64::from(tokens);
        self.items += 1;
        self.tokens += tokens;
        self.tokens_squared += tokens * tokens;
    }

    #[inline]
    pub(crate) fn sub(&mut self, tokens: u32) {
        let tokens = u64::from(tokens);
        self.items -= 1;
        self.tokens -= tokens;
        self.tokens_squared -= tokens * tokens;
    }

    pub(crate) fn sub_all(&mut self, gone: &Self) {
        self.items -= gone.items;
        self.tokens -= gone.tokens;
        self.tokens_squared -= gone.tokens_squared;
    }
}

/// A [`Cost`] that follows what is measured.
///
/// Normalised least mean squares on the relative error, with multiplicative steps: each coefficient moves by its own
/// share of the prediction. So both stay positive, the scale of the prior doesn't matter, and batches that all have
/// one length move only what that length can tell. The first measurement sets the scale at once.
///
/// What two coefficients can't say of a length, a factor for its bucket does: kernels have steps.
#[derive(Clone, Debug, PartialEq)]
pub struct CostFit {
    cost: Cost,
    measured: u32,
    factors: Box<[f32]>,
}

/// A bucket's factor stays within this and its inverse.
const MOST_FACTOR: f64 = 2.0;
/// Batches after which the coefficients are settled enough to blame what is left on the bucket.
const SETTLED_AFTER: u32 = 8;

impl CostFit {
    /// Before anything was measured.
    pub fn new(prior: Cost, buckets: usize) -> Self {
        Self { cost: prior.clamped(), measured: 0, factors: vec![1.0; buckets].into_boxed_slice() }
    }

    /// Predicted nanoseconds for an item padded to `padded_len`, which lies in `bucket`.
    #[inline]
    pub fn padded_item_ns(&self, padded_len: u32, bucket: usize) -> f64 {
        self.cost.item_ns(padded_len) * self.factors.get(bucket).map_or(1.0, |&factor| f64::from(factor))
    }

    /// The present estimate.
    #[inline]
    pub fn cost(&self) -> Cost {
        self.cost
    }

    /// How many batches it rests on.
    pub fn measured(&self) -> u32 {
        self.measured
    }

    /// Learns from one batch of `items` padded to `padded_len`, which lies in `bucket`. An `elapsed_us` of 0 is too short to tell anything.
    pub fn learn(&mut self, items: u32, padded_len: u32, bucket: usize, elapsed_us: u64) {
        if elapsed_us == 0 || items == 0 || padded_len == 0 {
            return;
        }
        let tokens = f64::from(items) * f64::from(padded_len);
        let linear = self.cost.ns_per_token * tokens;
        let square = self.cost.ns_per_token_squared * tokens * f64::from(padded_len);
        let predicted = linear + square;
        let ratio = elapsed_us as f64 * 1e3 / predicted;
        let mut next = self.cost;
        if self.measured == 0 {
            next.ns_per_token *= ratio;
            next.ns_per_token_squared *= ratio;
        } else {
            // One stalled batch must not triple the estimate: what is far off is believed only step by step.
            let error = (ratio - 1.0).clamp(-0.75, 1.0);
            let (linear, square) = (linear / predicted, square / predicted);
            let settled = self.measured >= SETTLED_AFTER;
            if let Some(factor) = self.factors.get_mut(bucket).filter(|_| settled) {
                let off = (ratio / f64::from(*factor) - 1.0).clamp(-0.75, 1.0);
                *factor = (f64::from(*factor) * (1.0 + 0.1 * off)).clamp(1.0 / MOST_FACTOR, MOST_FACTOR) as f32;
            }
            let rate = if settled { 0.15 } else { 0.5 };
            let step = rate * error / (linear * linear + square * square);
            next.ns_per_token *= (1.0 + step * linear).max(0.25);
            next.ns_per_token_squared *= (1.0 + step * square).max(0.25);
        }
        self.cost = next.clamped();
        self.measured = self.measured.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn truth_us(cost: Cost, items: u32, len: u32) -> u64 {
        (cost.item_ns(len) * f64::from(items) / 1e3) as u64
    }

    #[test]
    fn the_fit_finds_both_coefficients_from_batches_of_mixed_length() {
        let truth = Cost { ns_per_token: 900.0, ns_per_token_squared: 4.0 };
        let mut fit = CostFit::new(Cost { ns_per_token: 100_000.0, ns_per_token_squared: 50.0 }, 1);
        for round in 0..400 {
            let len = [16, 64, 128, 256, 512][round % 5];
            fit.learn(16, len, 0, truth_us(truth, 16, len));
        }
        for len in [16, 100, 300, 512] {
            let ratio = fit.cost().item_ns(len) / truth.item_ns(len);
            assert!((0.9..1.1).contains(&ratio), "length {len}: predicted {ratio} of the truth");
        }
    }

    #[test]
    fn one_batch_sets_the_scale_and_one_stall_does_not_upset_it() {
        let truth = Cost { ns_per_token: 2.0e6, ns_per_token_squared: 1_000.0 };
        let mut fit = CostFit::new(Cost { ns_per_token: 100_000.0, ns_per_token_squared: 50.0 }, 1);
        fit.learn(8, 128, 0, truth_us(truth, 8, 128));
        let ratio = fit.cost().item_ns(128) / truth.item_ns(128);
        assert!((0.99..1.01).contains(&ratio), "{ratio}");
        for _ in 0..20 {
            fit.learn(8, 128, 0, truth_us(truth, 8, 128));
        }
        fit.learn(8, 128, 0, 100 * truth_us(truth, 8, 128));
        let ratio = fit.cost().item_ns(128) / truth.item_ns(128);
        assert!(ratio < 1.3, "a stall moved the estimate to {ratio}");
    }

    #[test]
    fn a_length_that_is_slower_than_its_neighbours_gets_a_factor_of_its_own() {
        let truth = Cost { ns_per_token: 1_000.0, ns_per_token_squared: 1.0 };
        let mut fit = CostFit::new(truth, 3);
        for round in 0..600 {
            let (bucket, len) = [(0, 64), (1, 100), (2, 400)][round % 3];
            let stepped = if bucket == 1 { 1.4 } else { 1.0 };
            fit.learn(16, len, bucket, (truth_us(truth, 16, len) as f64 * stepped) as u64);
        }
        for (bucket, len, stepped) in [(0, 64, 1.0), (1, 100, 1.4), (2, 400, 1.0)] {
            let ratio = fit.padded_item_ns(len, bucket) / truth.item_ns(len) / stepped;
            assert!((0.95..1.05).contains(&ratio), "length {len}: predicted {ratio} of the truth");
        }
    }

    #[test]
    fn nonsense_measurements_leave_a_usable_cost() {
        let mut fit = CostFit::new(Cost { ns_per_token: f64::NAN, ns_per_token_squared: -1.0 }, 1);
        fit.learn(0, 0, 0, 0);
        fit.learn(1, 1, 0, u64::MAX);
        fit.learn(2_048, 65_535, 0, 1);
        let ns = fit.cost().item_ns(512);
        assert!(ns.is_finite() && ns > 0.0);
    }

    #[test]
    fn what_tells_nothing_changes_nothing() {
        let fresh = CostFit::new(Cost { ns_per_token: 1_000.0, ns_per_token_squared: 1.0 }, 1);
        for (items, padded_len, elapsed_us) in [(8, 128, 0), (0, 128, 5), (8, 0, 5)] {
            let mut fit = fresh.clone();
            fit.learn(items, padded_len, 0, elapsed_us);
            assert_eq!(fit, fresh, "{items} items of {padded_len} tokens in {elapsed_us} µs");
        }
    }
}
