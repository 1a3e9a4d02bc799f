//! Every bound and every knob, in one place.

use bincode::{Decode, Encode};

use crate::cost::Cost;

/// Limits and policy. `State::new` clamps what can't work (zeroes, a growth that would make
/// more than 64 buckets), so that a bad value costs performance, never correctness.
#[derive(Clone, Copy, Debug, PartialEq, Encode, Decode)]
pub struct Config {
    /// Items held at once, queued or leased, over all runs. 65,536.
    pub max_items: u32,
    /// Items held at once for one run. A coordinator keeps 1,024 outstanding; 2,048 leaves room for the next page.
    pub max_items_per_run: u32,
    /// Runs remembered at once, idle and cancelled ones included. 4,096.
    pub max_runs: u32,
    /// Tenants with work or with a counter above the floor, a model. 4,096.
    pub max_tenants: u32,
    /// Models known at once. 64.
    pub max_models: u32,
    /// Workers known at once, and lost ones remembered so that their late messages are refused. 16,384.
    pub max_workers: u32,
    /// Batches one worker may hold: one running, the others staged. 2.
    pub max_credits: u32,
    /// Longest item, in tokens. 512; at most 65,535.
    pub max_item_tokens: u32,
    /// Batches are padded to a multiple of this. 1; 8 where a device's kernels want it, for about 0.8 % more padding.
    pub pad_multiple: u32,
    /// Each length bucket is this many times as wide as the one below it. 1.07: 37 buckets to 512.
    pub bucket_growth: f64,
    /// Items in one batch, whatever their length. 2,048; at most 65,535.
    pub max_batch_items: u32,
    /// Predicted device time of one bulk batch; a single item may exceed it. 250.
    pub batch_budget_ms: u32,
    /// The same for an interactive batch. 100.
    pub interactive_budget_ms: u32,
    /// A batch takes in shorter items while its share of padding stays under this. 0.15.
    pub max_padding_share: f64,
    /// How far above the least counter a bucket may stand and still be chosen because it is fuller, in batch
    /// budgets. More gives fuller batches, less gives a small tenant its turn sooner. 0.25.
    pub fairness_slack_batches: f64,
    /// Device time that was a tenant's due while it idled, and that it may have ahead of others when it comes back: at
    /// most so many batch budgets. As long may a batch that was handed out before be put off for it, and one budget at
    /// least. 4; with 0, idling earns nothing.
    pub saved_batches: f64,
    /// How often the queue turns over before lengths are served of which there are too few to fill a batch. 3.
    pub patience_turnovers: f64,
    /// Later items of the same tenant, class and model that may go ahead of an item. 16,384.
    pub age_bound_items: u32,
    /// An interactive item without a deadline is ordered as if it were due this long after it came. 1,000.
    pub interactive_target_ms: u64,
    /// Failures of an item by itself before it is given up. 3.
    pub max_attempts: u8,
    /// Crashes on different workers after which an item runs alone. 2.
    pub suspect_after_crashes: u8,
    /// Crashes while running alone before an item is given up. 2.
    pub max_lone_crashes: u8,
    /// Pause before a failed item or a failing worker is tried again; doubles each time. 200.
    pub backoff_ms: u64,
    /// Longest such pause. 10,000.
    pub max_backoff_ms: u64,
    /// A running batch is given up when it takes longer than this, ... 30,000.
    pub min_lease_ms: u64,
    /// ... and longer than this many times what was predicted. 10.
    pub lease_factor: f64,
    /// How long a scheduler that takes over hands out nothing, so that what runs already is adopted first. 300.
    pub collection_window_ms: u64,
    /// A running batch is late, and may be hedged, when it takes this many times what was predicted, ... 2.
    pub hedge_after_factor: f64,
    /// ... and at least this long. 200.
    pub hedge_after_ms: u64,
    /// Hedges take at most this share of all device time handed out. 0.02; 0 for none.
    pub hedge_share: f64,
    /// Share of a device's free memory that a batch may be predicted to fill. 0.9.
    pub memory_share: f64,
    /// Cost of a model on a device that was never timed. Slow on purpose: a first batch that is too small is cheap.
    pub prior: Cost,
    /// Weight of a tenant for whom none was set. 100.
    pub default_weight: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_items: 65_536,
            max_items_per_run: 2_048,
            max_runs: 4_096,
            max_tenants: 4_096,
            max_models: 64,
            max_workers: 16_384,
            max_credits: 2,
            max_item_tokens: 512,
            pad_multiple: 1,
            bucket_growth: 1.07,
            max_batch_items: 2_048,
            batch_budget_ms: 250,
            interactive_budget_ms: 100,
            max_padding_share: 0.15,
            fairness_slack_batches: 0.25,
            saved_batches: 4.0,
            patience_turnovers: 3.0,
            age_bound_items: 16_384,
            interactive_target_ms: 1_000,
            max_attempts: 3,
            suspect_after_crashes: 2,
            max_lone_crashes: 2,
            backoff_ms: 200,
            max_backoff_ms: 10_000,
            min_lease_ms: 30_000,
            lease_factor: 10.0,
            collection_window_ms: 300,
            hedge_after_factor: 2.0,
            hedge_after_ms: 200,
            hedge_share: 0.02,
            memory_share: 0.9,
            prior: Cost { ns_per_token: 100_000.0, ns_per_token_squared: 50.0 },
            default_weight: 100,
        }
    }
}

impl Config {
    /// The nearest configuration that can work.
    #[must_use]
    pub fn clamped(self) -> Self {
        let share = |x: f64, low: f64, high: f64| if x.is_finite() { x.clamp(low, high) } else { high };
        Self {
            max_items: self.max_items.clamp(1, 1 << 24),
            max_items_per_run: self.max_items_per_run.max(1),
            max_runs: self.max_runs.max(1),
            max_tenants: self.max_tenants.max(1),
            max_models: self.max_models.max(1),
            max_workers: self.max_workers.max(1),
            max_credits: self.max_credits.max(1),
            max_item_tokens: self.max_item_tokens.clamp(8, 65_535),
            pad_multiple: self.pad_multiple.clamp(1, 64),
            bucket_growth: share(self.bucket_growth, 1.02, 8.0),
            max_batch_items: self.max_batch_items.clamp(1, 65_535),
            batch_budget_ms: self.batch_budget_ms.max(1),
            interactive_budget_ms: self.interactive_budget_ms.max(1),
            max_padding_share: share(self.max_padding_share, 0.0, 0.95),
            fairness_slack_batches: share(self.fairness_slack_batches, 0.0, 1.0),
            saved_batches: share(self.saved_batches, 0.0, 1e3),
            patience_turnovers: share(self.patience_turnovers, 0.0, 1e6),
            age_bound_items: self.age_bound_items.max(1),
            max_attempts: self.max_attempts.max(1),
            suspect_after_crashes: self.suspect_after_crashes.max(1),
            max_lone_crashes: self.max_lone_crashes.max(1),
            backoff_ms: self.backoff_ms.max(1),
            max_backoff_ms: self.max_backoff_ms.max(self.backoff_ms.max(1)),
            lease_factor: share(self.lease_factor, 1.0, 1e6),
            collection_window_ms: self.collection_window_ms.min(60_000),
            hedge_after_factor: share(self.hedge_after_factor, 1.0, 1e6),
            hedge_share: share(self.hedge_share, 0.0, 1.0),
            memory_share: share(self.memory_share, 0.05, 1.0),
            prior: self.prior.clamped(),
            default_weight: self.default_weight.max(1),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Less of everything than can work.
    fn nothing() -> Config {
        Config {
            max_items: 0,
            max_items_per_run: 0,
            max_runs: 0,
            max_tenants: 0,
            max_models: 0,
            max_workers: 0,
            max_credits: 0,
            max_item_tokens: 0,
            pad_multiple: 0,
            bucket_growth: 0.0,
            max_batch_items: 0,
            batch_budget_ms: 0,
            interactive_budget_ms: 0,
            max_padding_share: -1.0,
            fairness_slack_batches: -1.0,
            saved_batches: -1.0,
            patience_turnovers: -1.0,
            age_bound_items: 0,
            max_attempts: 0,
            suspect_after_crashes: 0,
            max_lone_crashes: 0,
            backoff_ms: 0,
            max_backoff_ms: 0,
            lease_factor: 0.0,
            hedge_after_factor: 0.0,
            hedge_share: -1.0,
            memory_share: 0.0,
            prior: Cost { ns_per_token: 0.0, ns_per_token_squared: 0.0 },
            default_weight: 0,
            ..Config::default()
        }
    }

    #[test]
    fn what_can_not_work_becomes_the_least_that_can() {
        let least = Config {
            max_items: 1,
            max_items_per_run: 1,
            max_runs: 1,
            max_tenants: 1,
            max_models: 1,
            max_workers: 1,
            max_credits: 1,
            max_item_tokens: 8,
            pad_multiple: 1,
            bucket_growth: 1.02,
            max_batch_items: 1,
            batch_budget_ms: 1,
            interactive_budget_ms: 1,
            max_padding_share: 0.0,
            fairness_slack_batches: 0.0,
            saved_batches: 0.0,
            patience_turnovers: 0.0,
            age_bound_items: 1,
            max_attempts: 1,
            suspect_after_crashes: 1,
            max_lone_crashes: 1,
            backoff_ms: 1,
            max_backoff_ms: 1,
            lease_factor: 1.0,
            hedge_after_factor: 1.0,
            hedge_share: 0.0,
            memory_share: 0.05,
            prior: nothing().prior.clamped(),
            default_weight: 1,
            ..Config::default()
        };
        assert_eq!(nothing().clamped(), least);
    }

    #[test]
    fn what_is_out_of_all_reason_becomes_the_most_that_can_work_and_the_default_stays_as_it_is() {
        let wild = Config {
            bucket_growth: f64::NAN,
            max_padding_share: f64::INFINITY,
            collection_window_ms: u64::MAX,
            backoff_ms: 300,
            max_backoff_ms: 200,
            ..Config::default()
        };
        let tamed = Config {
            bucket_growth: 8.0,
            max_padding_share: 0.95,
            collection_window_ms: 60_000,
            backoff_ms: 300,
            max_backoff_ms: 300,
            ..Config::default()
        };
        assert_eq!(wild.clamped(), tamed);
        assert_eq!(Config::default().clamped(), Config::default());
    }
}
