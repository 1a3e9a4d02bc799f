//! What the core looks like from outside: for metrics, the console and autoscalers.

use domain::id::TenantId;
use domain::scheduling::{TermBegan, WaitSum, WorkerLoad};
use serde::{Deserialize, Serialize};

use crate::item::{Class, ModelKey};
use crate::model::{Model, rank};
use crate::state::State;
use crate::worker::Worker;

/// Changes of term that are remembered.
pub const MOST_TERMS: usize = 64;

/// The state at one moment, and totals since the state was made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Items queued, paused for a retry, or leased.
    pub outstanding_items: u32,
    /// Items that somebody waits for, queued.
    pub queued_interactive: u32,
    /// Items queued fairly.
    pub queued_bulk: u32,
    /// Items that came back from a worker and are to be run again.
    pub queued_again: u32,
    /// Items handed to workers.
    pub leased_items: u32,
    /// One entry a model, by key.
    pub models: Vec<ModelSnapshot>,
    /// One entry a worker, by id.
    pub workers: Vec<WorkerLoad>,
    /// Since the start.
    pub totals: Totals,
    /// Changes of term, oldest first; the last [`MOST_TERMS`].
    pub terms: Vec<TermBegan>,
}

/// One model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelSnapshot {
    /// Which.
    pub model: ModelKey,
    /// Items queued, of both classes, and those that came back.
    pub queued: u32,
    /// Predicted device time of what is queued, on a device of average speed.
    pub backlog_device_seconds: f64,
    /// The same, shared among the workers that serve it; what an autoscaler steers by. None while nobody serves it.
    pub backlog_seconds: Option<f64>,
    /// Workers that serve it and take work.
    pub workers: u32,
    /// Bulk items queued a tenant, in order of tenant.
    pub tenants: Vec<(TenantId, u32)>,
    /// How long interactive items waited, and bulk ones.
    pub waits: [WaitSum; 2],
    /// The same by tenant and class, in this order; tenants that came and went long ago are forgotten.
    pub tenant_waits: Vec<(TenantId, Class, WaitSum)>,
}

/// Sums since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Totals {
    /// Items taken at admission.
    pub accepted: u64,
    /// Items whose results were wanted.
    pub completed: u64,
    /// Items given up.
    pub failed: u64,
    /// Items dropped with their run, or adopted and let go before their coordinator came.
    pub cancelled: u64,
    /// Batches handed out.
    pub batches: u64,
    /// Batches handed out again after an error or for want of memory.
    pub reruns: u64,
    /// Tokens of the items in all batches.
    pub tokens: u64,
    /// Tokens of all batches with their padding.
    pub padded_tokens: u64,
    /// Sum over batches of their padded tokens' or predicted time's share of the cap, whichever is larger.
    pub fill: f64,
    /// Batches that ran under an earlier scheduler and were taken over.
    pub adopted: u64,
    /// Batches handed out a second time because the first worker was late.
    pub hedges: u64,
    /// Of those, the ones that answered first.
    pub hedges_won: u64,
    /// Pages refused.
    pub refused: u64,
    /// Answers of leases that are no longer held.
    pub stale: u64,
}

impl Totals {
    /// Share of the computed tokens that was padding.
    pub fn padding_waste(&self) -> f64 {
        if self.padded_tokens == 0 { 0.0 } else { 1.0 - self.tokens as f64 / self.padded_tokens as f64 }
    }

    /// Mean fill of the batches.
    pub fn mean_fill(&self) -> f64 {
        if self.batches == 0 { 0.0 } else { self.fill / self.batches as f64 }
    }
}

impl State {
    /// What metrics and the console show. Linear in workers and in tenants with work; not for every event.
    pub fn snapshot(&self) -> Snapshot {
        let sum = |of: &dyn Fn(&Model) -> u32| self.models.iter().map(of).sum();
        let mut workers: Vec<_> = self.workers.iter().map(|(_, worker)| worker.snapshot(self.now_ms)).collect();
        workers.sort_unstable_by_key(|load| load.worker);
        Snapshot {
            outstanding_items: self.arena.len() as u32,
            queued_interactive: sum(&|model| model.interactive.len() as u32),
            queued_bulk: sum(&|model| model.bulk.len),
            queued_again: sum(&Model::queued_again),
            leased_items: self.leased,
            models: self.model_of.values().map(|&index| self.models[index as usize].snapshot()).collect(),
            workers,
            totals: self.totals,
            terms: self.terms.clone(),
        }
    }
}

impl Model {
    fn queued_again(&self) -> u32 {
        self.again.iter().flat_map(|groups| groups.values()).map(|group| group.items.len() as u32).sum()
    }

    fn tenant_waits(&self) -> Vec<(TenantId, Class, WaitSum)> {
        let known = self.bulk.slot_of.values().map(|&slot| &self.bulk.tenants[slot as usize]);
        let bulk = known.filter(|tenant| !tenant.waits.is_empty()).map(|t| (t.id, Class::Bulk, t.waits.sum()));
        let interactive = self.waits.tenants.iter().map(|(&id, waits)| (id, Class::Interactive, waits.sum()));
        let mut waits: Vec<_> = interactive.chain(bulk).collect();
        waits.sort_by_key(|(tenant, class, _)| (*tenant, rank(*class)));
        waits
    }

    fn snapshot(&self) -> ModelSnapshot {
        let device_seconds = self.backlog_ns() / 1e9;
        let queued = |class: Class| self.waiting[rank(class)].items;
        let mut tenants: Vec<_> =
            self.bulk.tenants.iter().filter(|t| t.backlog > 0).map(|t| (t.id, t.backlog)).collect();
        tenants.sort_unstable();
        ModelSnapshot {
            model: self.key,
            queued: queued(Class::Interactive) + queued(Class::Bulk),
            backlog_device_seconds: device_seconds,
            backlog_seconds: (self.workers > 0).then(|| device_seconds / f64::from(self.workers)),
            workers: self.workers,
            tenants,
            waits: [self.waits.all.sum(), self.bulk.waits.sum()],
            tenant_waits: self.tenant_waits(),
        }
    }
}

impl Worker {
    fn snapshot(&self, now_ms: u64) -> WorkerLoad {
        let known_us = now_ms.saturating_sub(self.since_ms).saturating_mul(1_000);
        let busy_share = if known_us == 0 { 0.0 } else { (self.busy_us as f64 / known_us as f64).min(1.0) };
        WorkerLoad {
            worker: self.id,
            epoch: self.epoch,
            held: self.held.len() as u32,
            credits: self.credits,
            draining: self.draining,
            busy_share,
        }
    }
}
