//! Tenants that may have so much device time and no more.
//!
//! Each has a bucket that fills with device time as time passes, up to a second's worth, and may be overdrawn by the
//! batch that empties it. A tenant whose bucket is overdrawn is parked: its bulk items stay queued, rival nobody and
//! are no reason for a device not to idle.

use domain::id::TenantId;

use crate::arena::Handle;
use crate::cost::Cost;
use crate::state::State;
use crate::tenants::Standing;

/// A full bucket holds what flows in so long.
const BURST_MS: f64 = 1_000.0;

/// One tenant's bucket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit {
    ns_per_ms: f64,
    balance_ns: f64,
    at_ms: u64,
    /// Parked until then.
    until_ms: Option<u64>,
}

impl Limit {
    fn refill(&mut self, now_ms: u64) {
        let passed_ms = now_ms.saturating_sub(self.at_ms) as f64;
        self.balance_ns = (self.balance_ns + passed_ms * self.ns_per_ms).min(self.ns_per_ms * BURST_MS);
        self.at_ms = now_ms;
    }

    /// When the bucket is no longer overdrawn.
    fn refilled_ms(&self) -> u64 {
        match self.ns_per_ms {
            rate if rate > 0.0 => self.at_ms.saturating_add((-self.balance_ns / rate).ceil().max(1.0) as u64),
            _ => u64::MAX,
        }
    }
}

impl State {
    pub(crate) fn set_limit(&mut self, tenant: TenantId, device_ms_per_s: Option<u32>) {
        if let Some(limit) = self.limits.remove(&tenant)
            && let Some(until_ms) = limit.until_ms
        {
            self.parked.remove(&(until_ms, tenant));
        }
        if let Some(ms_per_s) = device_ms_per_s
            && self.limits.len() < self.config.max_tenants as usize
        {
            let ns_per_ms = f64::from(ms_per_s) * 1e3;
            let limit = Limit { ns_per_ms, balance_ns: ns_per_ms * BURST_MS, at_ms: self.now_ms, until_ms: None };
            self.limits.insert(tenant, limit);
        }
        self.park_if_overdrawn(tenant);
    }

    pub(crate) fn standing(&self, tenant: TenantId, model: u32) -> Standing {
        let parked = !self.limits.is_empty() && self.limits.get(&tenant).is_some_and(|limit| limit.until_ms.is_some());
        let workers = self.models[model as usize].workers;
        Standing { weight: self.weight(tenant), parked, workers, now_ms: self.now_ms }
    }

    /// Takes what a batch is predicted to take of each tenant's device time out of its bucket.
    pub(crate) fn charge_limits(&mut self, items: &[Handle], cost: Cost) {
        let mut overdrawn = Vec::new();
        for &item in items {
            let spec = &self.arena.get(item).spec;
            let Some(limit) = self.limits.get_mut(&spec.tenant) else { continue };
            limit.refill(self.now_ms);
            limit.balance_ns -= cost.item_ns(spec.tokens);
            if limit.balance_ns <= 0.0 && limit.until_ms.is_none() && overdrawn.last() != Some(&spec.tenant) {
                overdrawn.push(spec.tenant);
            }
        }
        for tenant in overdrawn {
            self.park_if_overdrawn(tenant);
        }
    }

    fn park_if_overdrawn(&mut self, tenant: TenantId) {
        let mut parked = false;
        if let Some(limit) = self.limits.get_mut(&tenant) {
            limit.refill(self.now_ms);
            parked = limit.balance_ns <= 0.0;
            limit.until_ms = parked.then(|| limit.refilled_ms());
            if let Some(until_ms) = limit.until_ms {
                self.parked.insert((until_ms, tenant));
            }
        }
        for index in 0..self.models.len() as u32 {
            self.models[index as usize].bulk.park(tenant, parked);
            self.mark(index);
        }
    }

    /// Lets tenants go on whose buckets have refilled.
    pub(crate) fn unpark(&mut self) {
        while let Some(&(until_ms, tenant)) = self.parked.first() {
            if until_ms > self.now_ms {
                break;
            }
            self.parked.pop_first();
            if let Some(limit) = self.limits.get_mut(&tenant) {
                limit.until_ms = None;
            }
            self.park_if_overdrawn(tenant);
        }
    }
}
