//! The ledger of tenants that may have so much device time and no more.

use domain::id::TenantId;

use super::{Broken, Check, Ledger};
use crate::fairness::BulkQueue;
use crate::item::{Assigned, ModelKey};
use crate::simulator::leader::tenant_number;
use crate::simulator::sim::{Sim, worker_id};
use crate::state::State;

/// A full bucket holds what flows in so long.
const FULL_MS: f64 = 1_000.0;
/// Sums in another order differ by a little.
const TOLERANCE_NS: f64 = 1_000.0;

/// One tenant's device time: what flowed in, less what it was given.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    ns_per_ms: f64,
    balance_ns: f64,
    at_ms: u64,
}

impl Bucket {
    fn refill(&mut self, now_ms: u64) {
        let passed_ms = now_ms.saturating_sub(self.at_ms) as f64;
        self.balance_ns = (self.balance_ns + passed_ms * self.ns_per_ms).min(self.ns_per_ms * FULL_MS);
        self.at_ms = now_ms;
    }
}

impl Ledger {
    pub(super) fn limit(&mut self, tenant: TenantId, device_ms_per_s: Option<u32>, now_ms: u64) {
        self.limits.remove(&tenant_number(tenant));
        if let Some(ms_per_s) = device_ms_per_s {
            let ns_per_ms = f64::from(ms_per_s) * 1e3;
            let bucket = Bucket { ns_per_ms, balance_ns: ns_per_ms * FULL_MS, at_ms: now_ms };
            self.limits.insert(tenant_number(tenant), bucket);
        }
    }

    /// Nothing that stood in its queue is handed out of a tenant that has overdrawn. What came back from a worker runs
    /// again, and what somebody waits for runs: both count.
    pub(super) fn charge(&mut self, sim: &Sim<'_>, core: &State, device: u32, items: &[Assigned]) -> Check {
        if self.limits.is_empty() {
            return Ok(());
        }
        let worker = core.workers.slot(worker_id(device)).and_then(|slot| core.workers.get(slot));
        let now_ms = sim.now_us / 1_000;
        for bucket in self.limits.values_mut() {
            bucket.refill(now_ms);
        }
        let before = self.limits.clone();
        for assigned in items {
            let item = &sim.items[assigned.tag as usize];
            let run = &sim.runs[item.run as usize];
            let (Some(before), Some(bucket)) = (before.get(&run.tenant), self.limits.get_mut(&run.tenant)) else {
                continue;
            };
            if item.ordered && before.balance_ns < -TOLERANCE_NS {
                let over_ms = (-before.balance_ns / 1e6) as u64;
                return Err(Broken::OverLimit { tenant: run.tenant, over_ms });
            }
            let model = core.model_of.get(&ModelKey(run.model)).copied();
            let offer = worker.and_then(|worker| worker.offers.iter().find(|offer| Some(offer.model) == model));
            bucket.balance_ns -= offer.map_or(0.0, |offer| offer.fit.cost().item_ns(item.tokens));
        }
        Ok(())
    }
    /// How many of a model's items are held up because their tenant has overdrawn: nobody else's are.
    pub(super) fn held_up(&self, core: &State, bulk: &BulkQueue) -> Result<u32, Broken> {
        let mut items = 0;
        for tenant in bulk.tenants.iter().filter(|tenant| tenant.parked && tenant.backlog > 0) {
            let number = tenant_number(tenant.id);
            let mut bucket = *self.limits.get(&number).ok_or(Broken::HeldUp { tenant: number })?;
            bucket.refill(core.now_ms);
            if bucket.balance_ns > TOLERANCE_NS {
                return Err(Broken::HeldUp { tenant: number });
            }
            items += tenant.backlog;
        }
        Ok(items)
    }
}
