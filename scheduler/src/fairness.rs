//! Bulk work of one model: who is served next among tenants.
//!
//! Each tenant has a virtual counter of the device time that it was given, divided by its weight; whoever has the
//! least is served first (VTC: Sheng et al., "Fairness in Serving Large Language Models", OSDI 2024, §4). Items wait
//! in one list a tenant and bucket. Each bucket keeps a heap of its tenants by counter, put right lazily: counters
//! only grow, so an entry that is too low is noticed when it comes to the top, and pushed again.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use domain::id::TenantId;

use crate::arena::{Arena, Hot, Map};
use crate::list::{Handle, List, NONE};

/// One tenant's bulk items of one model.
#[derive(Clone, Debug)]
pub(crate) struct TenantQueue {
    pub(crate) id: TenantId,
    pub(crate) weight: u32,
    /// Device nanoseconds it was given, times 100, by weight.
    pub(crate) counter: u64,
    /// The widest window that its counter was ever kept in: weights and costs change, what was charged stays charged.
    pub(crate) window: u64,
    pub(crate) backlog: u32,
    /// Items that ever came; numbers the next one.
    pub(crate) arrived: u64,
    /// Items that ever left the queue. As items before the oldest one have all left, `left - seq` of the oldest is
    /// how many later ones went ahead of it.
    pub(crate) left: u64,
    /// Of those, the ones that were dropped rather than served; back to 0 when nothing is queued. They make `left`
    /// err on the side of age.
    pub(crate) dropped: u64,
    pub(crate) by_arrival: List,
    pub(crate) by_bucket: Box<[List]>,
    /// Bit b: the heap of bucket b holds this tenant.
    pub(crate) in_heap: u64,
    /// It stands in [`BulkQueue::aged`].
    pub(crate) aged: bool,
}

impl TenantQueue {
    /// Later items that went ahead of the oldest one.
    #[inline]
    pub(crate) fn overtaken(&self, hot: &[Hot]) -> u64 {
        match self.by_arrival.head {
            NONE => 0,
            oldest => self.left - hot[oldest as usize].seq,
        }
    }
}

/// The tenants that have items in one bucket.
#[derive(Clone, Debug, Default)]
pub(crate) struct BucketQueue {
    pub(crate) heap: BinaryHeap<Reverse<(u64, u32)>>,
    pub(crate) len: u32,
}

/// Bulk items of one model.
#[derive(Clone, Debug)]
pub(crate) struct BulkQueue {
    pub(crate) tenants: Vec<TenantQueue>,
    pub(crate) slot_of: Map<TenantId, u32>,
    pub(crate) free_slots: Vec<u32>,
    pub(crate) buckets: Vec<BucketQueue>,
    pub(crate) len: u32,
    /// No backlogged tenant's counter is below this; whoever comes back from idling is lifted to it.
    pub(crate) floor: u64,
    /// Tenants whose oldest item nears the age bound, first come first.
    pub(crate) aged: Vec<u32>,
    /// Items that have a deadline.
    pub(crate) deadlines: BTreeSet<(u64, Handle)>,
}

impl BulkQueue {
    pub(crate) fn new(buckets: usize) -> Self {
        Self {
            tenants: Vec::new(),
            slot_of: Map::default(),
            free_slots: Vec::new(),
            buckets: vec![BucketQueue::default(); buckets],
            len: 0,
            floor: 0,
            aged: Vec::new(),
            deadlines: BTreeSet::new(),
        }
    }

    /// Tenants that take up a slot, once these are among them.
    pub(crate) fn known_with(&self, tenants: impl Iterator<Item = TenantId>) -> usize {
        self.slot_of.len() + tenants.filter(|tenant| !self.slot_of.contains_key(tenant)).count()
    }

    /// Forgets tenants that idle with a counter at the floor or below: coming back they would be lifted to it anyway.
    pub(crate) fn sweep(&mut self) {
        let idle = |tenant: &TenantQueue| tenant.backlog == 0 && tenant.counter <= self.floor;
        let gone: Vec<u32> = (0..self.tenants.len() as u32)
            .filter(|&slot| {
                let tenant = &self.tenants[slot as usize];
                self.slot_of.get(&tenant.id) == Some(&slot) && idle(tenant)
            })
            .collect();
        if gone.is_empty() {
            return;
        }
        for bucket in &mut self.buckets {
            bucket.heap.retain(|Reverse((_, slot))| gone.binary_search(slot).is_err());
        }
        self.aged.retain(|slot| gone.binary_search(slot).is_err());
        for slot in gone {
            let tenant = &mut self.tenants[slot as usize];
            (tenant.in_heap, tenant.aged) = (0, false);
            self.slot_of.remove(&tenant.id);
            self.free_slots.push(slot);
        }
    }

    pub(crate) fn set_weight(&mut self, tenant: TenantId, weight: u32) {
        if let Some(&slot) = self.slot_of.get(&tenant) {
            self.tenants[slot as usize].weight = weight;
        }
    }

    fn slot(&mut self, id: TenantId, weight: u32) -> u32 {
        if let Some(&slot) = self.slot_of.get(&id) {
            return slot;
        }
        let tenant = TenantQueue {
            id,
            weight,
            counter: self.floor,
            window: 0,
            backlog: 0,
            arrived: 0,
            left: 0,
            dropped: 0,
            by_arrival: List::EMPTY,
            by_bucket: vec![List::EMPTY; self.buckets.len()].into_boxed_slice(),
            in_heap: 0,
            aged: false,
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
        slot
    }

    /// Queues an item.
    pub(crate) fn push(&mut self, arena: &mut Arena, handle: Handle, bucket: usize, weight: u32) {
        let spec = arena.get(handle).spec;
        let slot = self.slot(spec.tenant, weight);
        let tenant = &mut self.tenants[slot as usize];
        if tenant.backlog == 0 {
            // Idling earns no credit.
            tenant.counter = tenant.counter.max(self.floor);
            tenant.dropped = 0;
        }
        arena.hot[handle as usize] =
            Hot { seq: tenant.arrived, tokens: spec.tokens, tenant: slot, bucket: bucket as u8 };
        tenant.arrived += 1;
        tenant.backlog += 1;
        arena.by_arrival.push_back(&mut tenant.by_arrival, handle);
        arena.by_bucket.push_back(&mut tenant.by_bucket[bucket], handle);
        if tenant.in_heap & (1 << bucket) == 0 {
            tenant.in_heap |= 1 << bucket;
            self.buckets[bucket].heap.push(Reverse((tenant.counter, slot)));
        }
        self.buckets[bucket].len += 1;
        self.len += 1;
        if let Some(deadline_ms) = spec.deadline_ms {
            self.deadlines.insert((deadline_ms, handle));
        }
    }

    /// Takes an item out that nobody needs any more.
    pub(crate) fn discard(&mut self, arena: &mut Arena, handle: Handle) {
        let slot = arena.hot[handle as usize].tenant;
        self.tenants[slot as usize].dropped += 1;
        self.remove(arena, handle);
    }

    /// Takes an item out from wherever it stands, charging nobody.
    #[inline]
    pub(crate) fn remove(&mut self, arena: &mut Arena, handle: Handle) {
        let Hot { tenant: slot, bucket, .. } = arena.hot[handle as usize];
        let bucket = usize::from(bucket);
        let tenant = &mut self.tenants[slot as usize];
        arena.by_arrival.remove(&mut tenant.by_arrival, handle);
        arena.by_bucket.remove(&mut tenant.by_bucket[bucket], handle);
        tenant.backlog -= 1;
        tenant.left += 1;
        self.buckets[bucket].len -= 1;
        self.len -= 1;
        if !self.deadlines.is_empty()
            && let Some(deadline_ms) = arena.get(handle).spec.deadline_ms
        {
            self.deadlines.remove(&(deadline_ms, handle));
        }
    }

    /// The tenant with the least counter among those that have items in this bucket.
    #[inline]
    pub(crate) fn least(&mut self, bucket: usize) -> Option<(u64, u32)> {
        let heap = &mut self.buckets[bucket].heap;
        loop {
            let mut top = heap.peek_mut()?;
            let Reverse((key, slot)) = *top;
            let tenant = &mut self.tenants[slot as usize];
            if tenant.by_bucket[bucket].is_empty() {
                tenant.in_heap &= !(1 << bucket);
                std::collections::binary_heap::PeekMut::pop(top);
            } else if key < tenant.counter {
                *top = Reverse((tenant.counter, slot));
            } else {
                return Some((key, slot));
            }
        }
    }

    /// Charges a tenant for what it was given. Device time that it got only because no other tenant could use it
    /// must not become a debt that starves it later, so its counter stays within `window` of the floor.
    #[inline]
    pub(crate) fn charge(&mut self, slot: u32, ns: f64, window: &Window) {
        let tenant = &mut self.tenants[slot as usize];
        let charged = tenant.counter.saturating_add((ns * 100.0 / f64::from(tenant.weight)) as u64);
        tenant.window = tenant.window.max(window.of(tenant.weight));
        let ceiling = self.floor.saturating_add(tenant.window);
        tenant.counter = charged.min(ceiling).max(tenant.counter);
    }
}

/// How far counters may lie apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    /// Device time of one batch, or of the longest item where that is more.
    pub(crate) batch_ns: f64,
    /// What a fuller bucket may stand above the least counter.
    pub(crate) slack_ns: f64,
}

impl Window {
    /// In the counter units of a tenant of `weight`.
    pub(crate) fn of(&self, weight: u32) -> u64 {
        (self.slack_ns + 2.0 * self.batch_ns * 100.0 / f64::from(weight)) as u64
    }
}
