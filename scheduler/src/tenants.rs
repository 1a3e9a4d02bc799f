//! Which tenants a model's bulk queue knows: they come with their first item, and are forgotten when others need room.

use domain::id::TenantId;

use crate::arrivals::Arrivals;
use crate::fairness::{BulkQueue, TenantQueue};
use crate::lane::Lane;
use crate::ranking::Rank;
use crate::waits::Waits;

/// How a tenant stands when it hands something in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing {
    pub(crate) weight: u32,
    pub(crate) parked: bool,
    /// Devices that serve the model.
    pub(crate) workers: u32,
    pub(crate) now_ms: u64,
}

impl BulkQueue {
    /// Tenants that take up a slot, once these are among them.
    pub(crate) fn known_with(&self, tenants: impl Iterator<Item = TenantId>) -> usize {
        self.slot_of.len() + tenants.filter(|tenant| !self.slot_of.contains_key(tenant)).count()
    }

    /// Forgets so many tenants that idle with a counter at the floor or below: coming back they would be lifted to it
    /// anyway. `spared` ones it leaves. Answers how many it forgot.
    pub(crate) fn sweep(&mut self, most: usize, spared: impl Fn(TenantId) -> bool) -> usize {
        let at_floor = self.idle.range(..=(self.floor, u32::MAX));
        let found = at_floor.filter(|&&(_, slot)| !spared(self.tenants[slot as usize].id)).take(most);
        let found: Vec<_> = found.copied().collect();
        for &(counter, slot) in &found {
            self.idle.remove(&(counter, slot));
            let tenant = &mut self.tenants[slot as usize];
            tenant.idle = false;
            if std::mem::take(&mut tenant.aged) {
                self.aged.retain(|&other| other != slot);
            }
            if std::mem::take(&mut tenant.newcomer) {
                self.newcomers.retain(|&other| other != slot);
            }
            self.slot_of.remove(&tenant.id);
            self.free_slots.push(slot);
        }
        found.len()
    }

    pub(crate) fn set_weight(&mut self, tenant: TenantId, weight: u32) {
        if let Some(&slot) = self.slot_of.get(&tenant) {
            let tenant = &mut self.tenants[slot as usize];
            let was = std::mem::replace(&mut tenant.weight, weight);
            if tenant.rank.is_ranked() {
                self.ranked_weight = self.ranked_weight + u64::from(weight) - u64::from(was);
            }
        }
    }

    /// The slot of a tenant; a new one if it isn't known.
    pub(crate) fn slot(&mut self, id: TenantId, terms: Standing) -> u32 {
        if let Some(&slot) = self.slot_of.get(&id) {
            return slot;
        }
        let tenant = TenantQueue {
            id,
            weight: terms.weight,
            counter: self.floor,
            saved_ns: 0.0,
            given_ms: terms.now_ms,
            window: 0,
            backlog: 0,
            left: 0,
            dropped: 0,
            arrivals: Arrivals::default(),
            lanes: vec![Lane::default(); self.buckets.len()].into_boxed_slice(),
            filled: 0,
            idle: true,
            rank: Rank::default(),
            aged: false,
            parked: terms.parked,
            newcomer: false,
            hurried: false,
            waits: Waits::default(),
        };
        let slot = match self.free_slots.pop() {
            Some(slot) => {
                self.tenants[slot as usize] = tenant;
                slot
            }
            None => {
                self.tenants.push(tenant);
                self.tenants.len() as u32 - 1
            }
        };
        self.slot_of.insert(id, slot);
        self.idle.insert((self.floor, slot));
        slot
    }
}
