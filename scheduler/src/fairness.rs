//! Bulk work of one model: who is served next among tenants.
//!
//! Each tenant has a virtual counter of the device time that it was given, divided by its weight; whoever has the
//! least is served first (VTC: Sheng et al., "Fairness in Serving Large Language Models", OSDI 2024, §4). Items wait
//! in one queue a tenant and bucket. Each bucket keeps a heap of its tenants by counter, put right lazily: counters
//! only grow, so an entry that is too low is noticed when it comes to the top, and pushed again.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};

use domain::id::TenantId;

use crate::arena::{Arena, Handle, Hot};
use crate::arrivals::Arrivals;
use crate::waits::Waits;

/// Gone items that a lane may hold beyond as many as it has queued.
const LANE_SLACK: usize = 32;
/// Numbers of gone items that are kept in any case.
const SPAN_SLACK: u64 = 4_096;

/// An item as it stands in a queue.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Queued {
    pub(crate) seq: u64,
    pub(crate) handle: Handle,
    pub(crate) tokens: u32,
}

/// A tenant's items in one bucket, by arrival. Those that left from the middle are noticed when they come to the
/// front, and swept out when they are the most.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lane {
    queue: VecDeque<Queued>,
    /// Those that are still queued.
    pub(crate) live: u32,
}

impl Lane {
    /// The next item.
    #[inline]
    pub(crate) fn front(&self) -> Option<Queued> {
        self.queue.front().copied()
    }

    /// Leaves a queued item at the front.
    #[inline]
    fn trim(&mut self, arrivals: &Arrivals) {
        while self.queue.front().is_some_and(|item| !arrivals.holds(item.seq)) {
            self.queue.pop_front();
        }
        if self.queue.len() > 2 * self.live as usize + LANE_SLACK {
            self.queue.retain(|item| arrivals.holds(item.seq));
        }
    }

    /// What is queued here, for checks.
    pub(crate) fn count(&self, arrivals: &Arrivals) -> u64 {
        self.queue.iter().filter(|item| arrivals.holds(item.seq)).count() as u64
    }
}

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
    /// Items that ever left the queue. As items before the oldest one have all left, `left - seq` of the oldest is
    /// how many later ones went ahead of it.
    pub(crate) left: u64,
    /// Of those, the ones that were dropped rather than served; back to 0 when nothing is queued. They make `left`
    /// err on the side of age.
    pub(crate) dropped: u64,
    pub(crate) arrivals: Arrivals,
    pub(crate) lanes: Box<[Lane]>,
    /// Bit b: the heap of bucket b holds this tenant.
    pub(crate) in_heap: u64,
    /// It stands in [`BulkQueue::aged`].
    pub(crate) aged: bool,
    /// It had as much device time as it may have for now.
    pub(crate) parked: bool,
    /// It stands in [`BulkQueue::newcomers`].
    pub(crate) newcomer: bool,
    /// It was found behind when it came, and goes first until it has caught up.
    pub(crate) hurried: bool,
    pub(crate) waits: Waits,
}

impl TenantQueue {
    /// Later items that went ahead of the oldest one.
    #[inline]
    pub(crate) fn overtaken(&self) -> u64 {
        self.arrivals.oldest().map_or(0, |(seq, _)| self.left - seq)
    }

    /// Whether an item may go now: the oldest always may, others while it isn't overtaken too often.
    #[inline]
    pub(crate) fn may_give(&self, item: Handle, age_bound: u64) -> bool {
        self.arrivals.oldest().is_none_or(|(seq, oldest)| item == oldest || self.left - seq < age_bound)
    }

    /// The oldest item.
    #[inline]
    pub(crate) fn oldest(&self) -> Option<Handle> {
        self.arrivals.oldest().map(|(_, handle)| handle)
    }

    /// The bucket of its longest item.
    pub(crate) fn longest_bucket(&self) -> usize {
        self.lanes.iter().rposition(|lane| lane.live > 0).unwrap_or(0)
    }

    /// Numbers the items anew where too many numbers of gone ones are kept: so a tenant whose oldest item never comes to
    /// run while others are cancelled takes no more room than its items do. Those that were overtaken count as
    /// overtaken as often as the oldest, which errs on the side of age.
    fn renumber(&mut self, arena: &mut Arena) {
        let overtaken = self.overtaken().saturating_sub(self.dropped);
        let was = std::mem::take(&mut self.arrivals);
        for lane in &mut self.lanes {
            lane.queue.retain(|item| was.holds(item.seq));
        }
        for (_, handle) in was.iter() {
            arena.hot[handle as usize].seq = self.arrivals.push(handle);
        }
        for item in self.lanes.iter_mut().flat_map(|lane| &mut lane.queue) {
            item.seq = arena.hot[item.handle as usize].seq;
        }
        self.arrivals.skip(overtaken);
        (self.left, self.dropped) = (overtaken, 0);
    }
}

/// The tenants that have items in one bucket.
#[derive(Clone, Debug, Default)]
pub(crate) struct BucketQueue {
    pub(crate) heap: BinaryHeap<Reverse<(u64, u32)>>,
    /// Items of tenants that aren't parked, ...
    pub(crate) len: u32,
    /// ... and their tokens.
    pub(crate) tokens: u64,
    /// How many items had left the queue when this bucket was last served, or began to fill.
    pub(crate) served_at: u64,
}

/// Bulk items of one model.
#[derive(Clone, Debug)]
pub(crate) struct BulkQueue {
    pub(crate) tenants: Vec<TenantQueue>,
    pub(crate) slot_of: BTreeMap<TenantId, u32>,
    pub(crate) free_slots: Vec<u32>,
    pub(crate) buckets: Vec<BucketQueue>,
    pub(crate) len: u32,
    /// Items that ever left.
    pub(crate) left: u64,
    /// Items of tenants that aren't parked.
    pub(crate) servable: u32,
    /// No backlogged tenant's counter is below this; whoever comes back from idling is lifted to it.
    pub(crate) floor: u64,
    /// Tenants whose oldest item nears the age bound, first come first.
    pub(crate) aged: VecDeque<u32>,
    /// Tenants that came back from idling and haven't caught up yet, as far as it is known; first come first.
    pub(crate) newcomers: VecDeque<u32>,
    /// Items that have a deadline.
    pub(crate) deadlines: BTreeSet<(u64, Handle)>,
    /// Idle tenants by counter: those at the floor can be forgotten.
    idle: BTreeSet<(u64, u32)>,
    age_bound: u64,
}

impl BulkQueue {
    pub(crate) fn new(buckets: usize, age_bound: u32) -> Self {
        Self {
            tenants: Vec::new(),
            slot_of: BTreeMap::new(),
            free_slots: Vec::new(),
            buckets: vec![BucketQueue::default(); buckets],
            len: 0,
            left: 0,
            servable: 0,
            floor: 0,
            aged: VecDeque::new(),
            newcomers: VecDeque::new(),
            deadlines: BTreeSet::new(),
            idle: BTreeSet::new(),
            age_bound: u64::from(age_bound),
        }
    }

    /// Tenants that take up a slot, once these are among them.
    pub(crate) fn known_with(&self, tenants: impl Iterator<Item = TenantId>) -> usize {
        self.slot_of.len() + tenants.filter(|tenant| !self.slot_of.contains_key(tenant)).count()
    }

    /// Forgets so many tenants that idle with a counter at the floor or below: coming back they would be lifted to it
    /// anyway. Answers how many it forgot.
    pub(crate) fn sweep(&mut self, most: usize) -> usize {
        for swept in 0..most {
            let Some(&(counter, slot)) = self.idle.first() else { return swept };
            if counter > self.floor {
                return swept;
            }
            self.idle.pop_first();
            let tenant = &mut self.tenants[slot as usize];
            for (bucket, queue) in self.buckets.iter_mut().enumerate() {
                if tenant.in_heap >> bucket & 1 == 1 {
                    queue.heap.retain(|Reverse((_, other))| *other != slot);
                }
            }
            if tenant.aged {
                self.aged.retain(|other| *other != slot);
            }
            if tenant.newcomer {
                self.newcomers.retain(|other| *other != slot);
            }
            (tenant.in_heap, tenant.aged, tenant.newcomer) = (0, false, false);
            self.slot_of.remove(&tenant.id);
            self.free_slots.push(slot);
        }
        most
    }

    pub(crate) fn set_weight(&mut self, tenant: TenantId, weight: u32) {
        if let Some(&slot) = self.slot_of.get(&tenant) {
            self.tenants[slot as usize].weight = weight;
        }
    }

    fn slot(&mut self, id: TenantId, terms: Standing) -> u32 {
        if let Some(&slot) = self.slot_of.get(&id) {
            return slot;
        }
        let tenant = TenantQueue {
            id,
            weight: terms.weight,
            counter: self.floor,
            window: 0,
            backlog: 0,
            left: 0,
            dropped: 0,
            arrivals: Arrivals::default(),
            lanes: vec![Lane::default(); self.buckets.len()].into_boxed_slice(),
            in_heap: 0,
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

    /// Queues an item.
    pub(crate) fn push(&mut self, arena: &mut Arena, handle: Handle, bucket: usize, terms: Standing) {
        let spec = arena.get(handle).spec;
        let slot = self.slot(spec.tenant, terms);
        let tenant = &mut self.tenants[slot as usize];
        if tenant.backlog == 0 {
            self.idle.remove(&(tenant.counter, slot));
            // Idling earns no credit.
            tenant.counter = tenant.counter.max(self.floor);
            tenant.dropped = 0;
            if !tenant.newcomer {
                tenant.newcomer = true;
                self.newcomers.push_back(slot);
            }
        }
        if tenant.arrivals.span() as u64 > SPAN_SLACK + 2 * (u64::from(tenant.backlog) + self.age_bound) {
            tenant.renumber(arena);
        }
        let seq = tenant.arrivals.push(handle);
        let hot = &mut arena.hot[handle as usize];
        *hot = Hot { seq, tokens: spec.tokens, tenant: slot, bucket: bucket as u8, ..*hot };
        tenant.backlog += 1;
        let lane = &mut tenant.lanes[bucket];
        lane.queue.push_back(Queued { seq, handle, tokens: spec.tokens });
        lane.live += 1;
        self.len += 1;
        if !tenant.parked {
            self.servable += 1;
            if self.buckets[bucket].len == 0 {
                self.buckets[bucket].served_at = self.left;
            }
            self.buckets[bucket].len += 1;
            self.buckets[bucket].tokens += u64::from(spec.tokens);
            self.enter_heap(slot, bucket);
        }
        if let Some(deadline_ms) = spec.deadline_ms {
            self.deadlines.insert((deadline_ms, handle));
        }
    }

    fn enter_heap(&mut self, slot: u32, bucket: usize) {
        let tenant = &mut self.tenants[slot as usize];
        if tenant.in_heap & (1 << bucket) == 0 {
            tenant.in_heap |= 1 << bucket;
            self.buckets[bucket].heap.push(Reverse((tenant.counter, slot)));
        }
    }

    /// A tenant had its fill, or may have more again. A parked one is no rival: it earns no credit meanwhile.
    pub(crate) fn park(&mut self, id: TenantId, parked: bool) {
        let Some(&slot) = self.slot_of.get(&id) else { return };
        let tenant = &mut self.tenants[slot as usize];
        if std::mem::replace(&mut tenant.parked, parked) == parked {
            return;
        }
        if parked {
            self.servable -= tenant.backlog;
        } else {
            self.servable += tenant.backlog;
            if tenant.backlog > 0 {
                tenant.counter = tenant.counter.max(self.floor);
            }
        }
        for bucket in 0..self.buckets.len() {
            let lane = &self.tenants[slot as usize].lanes[bucket];
            let arrivals = &self.tenants[slot as usize].arrivals;
            let live = lane.live;
            if live == 0 {
                continue;
            }
            let queued = lane.queue.iter().filter(|item| arrivals.holds(item.seq));
            let tokens: u64 = queued.map(|item| u64::from(item.tokens)).sum();
            let queue = &mut self.buckets[bucket];
            if parked {
                (queue.len, queue.tokens) = (queue.len - live, queue.tokens - tokens);
            } else {
                (queue.len, queue.tokens) = (queue.len + live, queue.tokens + tokens);
                self.enter_heap(slot, bucket);
            }
        }
    }

    /// Takes an item out that nobody needs any more.
    pub(crate) fn discard(&mut self, arena: &Arena, handle: Handle) {
        let slot = arena.hot[handle as usize].tenant;
        self.tenants[slot as usize].dropped += 1;
        self.remove(arena, handle);
    }

    /// Takes an item out from wherever it stands, charging nobody.
    pub(crate) fn remove(&mut self, arena: &Arena, handle: Handle) {
        let Hot { seq, tenant: slot, bucket, tokens, .. } = arena.hot[handle as usize];
        self.leave(slot, usize::from(bucket), Queued { seq, handle, tokens });
        if !self.deadlines.is_empty()
            && let Some(deadline_ms) = arena.get(handle).spec.deadline_ms
        {
            self.deadlines.remove(&(deadline_ms, handle));
        }
    }

    #[inline]
    fn leave(&mut self, slot: u32, bucket: usize, item: Queued) {
        let tenant = &mut self.tenants[slot as usize];
        tenant.arrivals.remove(item.seq);
        tenant.backlog -= 1;
        tenant.left += 1;
        self.left += 1;
        self.len -= 1;
        if !tenant.parked {
            self.servable -= 1;
            self.buckets[bucket].len -= 1;
            self.buckets[bucket].tokens -= u64::from(item.tokens);
        }
        let lane = &mut tenant.lanes[bucket];
        lane.live -= 1;
        lane.trim(&tenant.arrivals);
        if tenant.backlog == 0 {
            self.idle.insert((tenant.counter, slot));
        }
    }

    /// Takes the next item of a tenant in one bucket.
    #[inline]
    pub(crate) fn take_next(&mut self, arena: &Arena, slot: u32, bucket: usize) -> Option<Queued> {
        let item = self.tenants[slot as usize].lanes[bucket].front()?;
        if self.deadlines.is_empty() {
            self.leave(slot, bucket, item);
        } else {
            self.remove(arena, item.handle);
        }
        Some(item)
    }

    /// The tenant with the least counter among those that have items in this bucket.
    #[inline]
    pub(crate) fn least(&mut self, bucket: usize) -> Option<(u64, u32)> {
        let heap = &mut self.buckets[bucket].heap;
        loop {
            let mut top = heap.peek_mut()?;
            let Reverse((key, slot)) = *top;
            let tenant = &mut self.tenants[slot as usize];
            if tenant.lanes[bucket].live == 0 || tenant.parked {
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
        let counter = charged.min(ceiling).max(tenant.counter);
        if tenant.backlog == 0 && counter != tenant.counter {
            self.idle.remove(&(tenant.counter, slot));
            self.idle.insert((counter, slot));
        }
        tenant.counter = counter;
    }
}

/// How a tenant stands when it is first heard of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing {
    pub(crate) weight: u32,
    pub(crate) parked: bool,
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
