//! Bulk work of one model: who is served next among tenants.
//!
//! Each tenant has a virtual counter of the device time that it was given, divided by its weight; whoever has the
//! least is served first (VTC: Sheng et al., "Fairness in Serving Large Language Models", OSDI 2024, §4). Items wait
//! in one queue a tenant and bucket; a ranking knows who is next in which.

use std::collections::{BTreeSet, VecDeque};

use domain::id::TenantId;

use crate::arena::{Arena, Handle, Hot, Map};
use crate::arrivals::Arrivals;
use crate::config::Config;
use crate::cost::Sums;
use crate::lane::{Lane, Queued};
use crate::ranking::{Rank, Ranking};
use crate::tenants::Standing;
use crate::waits::Waits;

/// Numbers of gone items that are kept in any case.
const SPAN_SLACK: u64 = 4_096;

/// Numbers, those of gone items among them, that are kept of a tenant with so many items.
pub(crate) fn span_max(backlog: u64, age_bound: u64) -> u64 {
    SPAN_SLACK + 2 * (backlog + age_bound)
}

/// One tenant's bulk items of one model.
///
/// In this order: with many tenants most of a decision goes into waiting for memory, so what is looked at together
/// stands in as few cache lines as may be.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
pub(crate) struct TenantQueue {
    /// Device nanoseconds it was given, times 100, by weight.
    pub(crate) counter: u64,
    /// Bit b: it has items in bucket b.
    pub(crate) filled: u64,
    /// Items that ever left the queue. As items before the oldest one have all left, `left - seq` of the oldest is
    /// how many later ones went ahead of it.
    pub(crate) left: u64,
    /// Device nanoseconds that were its due while it idled, and that it may have before its counter rises.
    pub(crate) saved_ns: f64,
    /// When it last gave an item: while nothing is queued, since when it idles.
    pub(crate) given_ms: u64,
    /// The widest window that its counter was ever kept in: weights and costs change, what was charged stays charged.
    pub(crate) window: u64,
    pub(crate) backlog: u32,
    pub(crate) weight: u32,
    /// It stands in [`BulkQueue::idle`].
    pub(crate) idle: bool,
    /// It stands in [`BulkQueue::aged`].
    pub(crate) aged: bool,
    /// It had as much device time as it may have for now.
    pub(crate) parked: bool,
    /// It stands in [`BulkQueue::newcomers`].
    pub(crate) newcomer: bool,
    /// It was found behind when it came, and goes first until it has caught up.
    pub(crate) hurried: bool,
    /// How it stands in the ranking.
    pub(crate) rank: Rank,
    pub(crate) lanes: Box<[Lane]>,
    pub(crate) arrivals: Arrivals,
    pub(crate) waits: Waits,
    /// Of those that left, the ones that were dropped rather than served; back to 0 when nothing is queued. They make
    /// `left` err on the side of age.
    pub(crate) dropped: u64,
    pub(crate) id: TenantId,
}

impl TenantQueue {
    /// Later items that went ahead of the oldest one.
    #[inline]
    pub(crate) fn overtaken(&self) -> u64 {
        self.arrivals.oldest_seq().map_or(0, |seq| self.left - seq)
    }

    /// Whether an item may go now: the oldest always may, others while it isn't overtaken too often.
    #[inline]
    pub(crate) fn may_give(&self, seq: u64, age_bound: u64) -> bool {
        // Mostly the bound is far away, whichever item is the oldest.
        self.left.saturating_sub(self.arrivals.first_seq()) < age_bound
            || self.arrivals.oldest_seq().is_none_or(|oldest| seq == oldest || self.left - oldest < age_bound)
    }

    /// The oldest item.
    #[inline]
    pub(crate) fn oldest(&self) -> Option<Handle> {
        self.arrivals.oldest()
    }

    /// Looks at what taking these first items of a bucket will look at, for no other end than to have looked.
    #[inline]
    pub(crate) fn peek(&self, bucket: usize, items: usize) -> u64 {
        let first = self.arrivals.oldest_seq().unwrap_or(0) ^ self.counter ^ self.waits.seen();
        self.lanes[bucket].queue.iter().take(items).fold(first, |seen, item| seen ^ item.seq)
    }

    /// The bucket of its longest item.
    pub(crate) fn longest_bucket(&self) -> usize {
        (u64::BITS - 1).saturating_sub(self.filled.leading_zeros()) as usize
    }

    /// How many of the first items of a bucket may go one after the other, `most` at most; perhaps more once these are
    /// gone. None: there is none, or the next one may not.
    #[inline]
    pub(crate) fn may_give_first(&self, bucket: usize, most: usize, age_bound: u64) -> usize {
        let lane = &self.lanes[bucket];
        let Some(next) = lane.front() else { return 0 };
        let overtaken_at_most = self.left.saturating_sub(self.arrivals.first_seq());
        match age_bound.saturating_sub(overtaken_at_most) {
            0 => usize::from(self.may_give(next.seq, age_bound)),
            _ if lane.has_gone() => 1,
            room => most.min(lane.live as usize).min(usize::try_from(room).unwrap_or(usize::MAX)),
        }
    }

    /// Takes the first items of one bucket, none of which is gone; the sums of the queue are put right by
    /// [`BulkQueue::count_off`].
    #[inline]
    pub(crate) fn take_first(&mut self, bucket: usize, items: usize) {
        for item in self.lanes[bucket].queue.drain(..items) {
            self.arrivals.remove(item.seq);
        }
        self.count_gone(bucket, items as u32);
    }

    /// An item is queued no more.
    fn leave(&mut self, bucket: usize, seq: u64) {
        self.arrivals.remove(seq);
        self.count_gone(bucket, 1);
    }

    #[inline]
    fn count_gone(&mut self, bucket: usize, items: u32) {
        self.arrivals.forget_gone();
        self.backlog -= items;
        self.left += u64::from(items);
        let lane = &mut self.lanes[bucket];
        lane.live -= items;
        if lane.has_gone() {
            lane.trim(&self.arrivals);
        }
        self.filled &= !(u64::from(lane.live == 0) << bucket);
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

/// What there is in one bucket.
#[derive(Clone, Debug, Default)]
pub(crate) struct BucketQueue {
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
    pub(crate) slot_of: Map<TenantId, u32>,
    pub(crate) free_slots: Vec<u32>,
    pub(crate) buckets: Vec<BucketQueue>,
    /// Tenants that can be served, ...
    pub(crate) ranking: Ranking,
    /// ... and the sum of their weights.
    pub(crate) ranked_weight: u64,
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
    pub(crate) idle: BTreeSet<(u64, u32)>,
    age_bound: u64,
    /// What a tenant may save while it idles.
    most_saved_ns: f64,
    /// Of all items that were handed out; also those of tenants that are forgotten.
    pub(crate) waits: Waits,
}

impl BulkQueue {
    pub(crate) fn new(buckets: usize, config: &Config) -> Self {
        Self {
            tenants: Vec::new(),
            slot_of: Map::default(),
            free_slots: Vec::new(),
            buckets: vec![BucketQueue::default(); buckets],
            ranking: Ranking::default(),
            ranked_weight: 0,
            len: 0,
            left: 0,
            servable: 0,
            floor: 0,
            aged: VecDeque::new(),
            newcomers: VecDeque::new(),
            deadlines: BTreeSet::new(),
            idle: BTreeSet::new(),
            age_bound: u64::from(config.age_bound_items),
            most_saved_ns: config.saved_batches * f64::from(config.batch_budget_ms) * 1e6,
            waits: Waits::default(),
        }
    }

    /// Queues an item.
    pub(crate) fn push(&mut self, arena: &mut Arena, handle: Handle, bucket: usize, terms: Standing) {
        let spec = arena.get(handle).spec;
        let slot = self.slot(spec.tenant, terms);
        let tenant = &mut self.tenants[slot as usize];
        if tenant.backlog == 0 {
            self.idle.remove(&(tenant.counter, slot));
            tenant.idle = false;
            // Idling earns nothing but what was its due, and of that only so much.
            tenant.counter = tenant.counter.max(self.floor);
            let idle_ns = terms.now_ms.saturating_sub(tenant.given_ms) as f64 * 1e6 * f64::from(terms.workers);
            let weight = f64::from(tenant.weight);
            let due_ns = idle_ns * weight / (weight + self.ranked_weight as f64);
            tenant.saved_ns = (tenant.saved_ns + due_ns).min(self.most_saved_ns);
            tenant.dropped = 0;
            if !tenant.newcomer {
                tenant.newcomer = true;
                self.newcomers.push_back(slot);
            }
        }
        if tenant.arrivals.span() as u64 > span_max(u64::from(tenant.backlog), self.age_bound) {
            tenant.renumber(arena);
        }
        let seq = tenant.arrivals.push(handle);
        arena.hot[handle as usize] = Hot { seq, tokens: spec.tokens, tenant: slot, bucket: bucket as u8 };
        tenant.backlog += 1;
        let lane = &mut tenant.lanes[bucket];
        lane.queue.push_back(Queued { name: arena.name(handle), seq, handle, tokens: spec.tokens as u16 });
        lane.live += 1;
        tenant.filled |= 1 << bucket;
        self.len += 1;
        if !tenant.parked {
            self.servable += 1;
            if self.buckets[bucket].len == 0 {
                self.buckets[bucket].served_at = self.left;
            }
            self.buckets[bucket].len += 1;
            self.buckets[bucket].tokens += u64::from(spec.tokens);
            self.rerank(slot);
        }
        if let Some(deadline_ms) = spec.deadline_ms {
            self.deadlines.insert((deadline_ms, handle));
        }
    }

    /// Puts a tenant where it belongs in the ranking.
    pub(crate) fn rerank(&mut self, slot: u32) {
        let (was, now) = self.stand_anew(slot);
        self.ranking.update(slot, was, now);
    }

    /// The same for tenants as they were found in the ranking, in its order.
    pub(crate) fn rerank_all(&mut self, found: &[(u64, u32)]) {
        let mut now = Vec::with_capacity(found.len());
        for &(_, slot) in found {
            now.push((slot, self.stand_anew(slot).1));
        }
        self.ranking.replace(found, &now);
    }

    /// Where a tenant stood in the ranking, and how it stands now.
    #[inline]
    fn stand_anew(&mut self, slot: u32) -> (Rank, Rank) {
        let tenant = &mut self.tenants[slot as usize];
        let buckets = if tenant.parked { 0 } else { tenant.filled };
        let now = Rank { counter: tenant.counter, buckets };
        let was = std::mem::replace(&mut tenant.rank, now);
        match (was.is_ranked(), now.is_ranked()) {
            (true, false) => self.ranked_weight -= u64::from(tenant.weight),
            (false, true) => self.ranked_weight += u64::from(tenant.weight),
            _ => {}
        }
        (was, now)
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
            }
        }
        self.rerank(slot);
    }

    /// Takes an item out that nobody needs any more.
    pub(crate) fn discard(&mut self, arena: &Arena, handle: Handle, now_ms: u64) {
        let slot = arena.hot[handle as usize].tenant;
        let tenant = &mut self.tenants[slot as usize];
        tenant.dropped += 1;
        tenant.given_ms = now_ms;
        self.remove(arena, handle);
        let counter = self.tenants[slot as usize].counter;
        self.set_counter(slot, counter);
        self.rerank(slot);
    }

    /// Takes an item out from wherever it stands; its tenant is still to be charged, or let off.
    pub(crate) fn remove(&mut self, arena: &Arena, handle: Handle) {
        let Hot { seq, tenant: slot, bucket, tokens, .. } = arena.hot[handle as usize];
        let bucket = usize::from(bucket);
        self.tenants[slot as usize].leave(bucket, seq);
        let mut sums = Sums::default();
        sums.add(tokens);
        self.count_off(slot, bucket, &sums);
        self.forget_deadlines(arena, &[handle]);
    }

    /// Items of one tenant and bucket have left their lane. Their tenant's place in the ranking is put right when it is
    /// charged for them.
    pub(crate) fn count_off(&mut self, slot: u32, bucket: usize, gone: &Sums) {
        self.left += u64::from(gone.items);
        self.len -= gone.items;
        let tenant = &self.tenants[slot as usize];
        if !tenant.parked {
            self.servable -= gone.items;
            self.buckets[bucket].len -= gone.items;
            self.buckets[bucket].tokens -= gone.tokens;
        }
    }

    /// An item of this tenant, which came then, is handed out.
    #[inline]
    pub(crate) fn note_wait(&mut self, slot: u32, since_ms: u32, now_ms: u64) {
        let wait_ms = (now_ms as u32).wrapping_sub(since_ms);
        self.waits.add(wait_ms);
        self.tenants[slot as usize].waits.add(wait_ms);
    }

    /// Items have left that may have had a deadline.
    pub(crate) fn forget_deadlines(&mut self, arena: &Arena, gone: &[Handle]) {
        if self.deadlines.is_empty() {
            return;
        }
        for &handle in gone {
            if let Some(deadline_ms) = arena.get(handle).spec.deadline_ms {
                self.deadlines.remove(&(deadline_ms, handle));
            }
        }
    }

    /// Charges a tenant for what it was given, first to what it saved. Device time that it got only because no other
    /// tenant could use it must not become a debt that starves it later, so its counter stays within `window` of the
    /// floor. It is still to be ranked anew.
    #[inline]
    pub(crate) fn charge(&mut self, slot: u32, ns: f64, window: &Window, now_ms: u64) {
        let tenant = &mut self.tenants[slot as usize];
        tenant.given_ms = now_ms;
        let saved_ns = ns.min(tenant.saved_ns);
        tenant.saved_ns -= saved_ns;
        let charged = tenant.counter.saturating_add(((ns - saved_ns) * 100.0 / f64::from(tenant.weight)) as u64);
        tenant.window = tenant.window.max(window.of(tenant.weight));
        let ceiling = self.floor.saturating_add(tenant.window);
        let counter = charged.min(ceiling).max(tenant.counter);
        self.set_counter(slot, counter);
    }

    /// Gives a tenant a counter, and its place among those that idle if it does.
    fn set_counter(&mut self, slot: u32, counter: u64) {
        let tenant = &mut self.tenants[slot as usize];
        if tenant.backlog == 0 {
            if std::mem::replace(&mut tenant.idle, true) {
                self.idle.remove(&(tenant.counter, slot));
            }
            self.idle.insert((counter, slot));
        }
        tenant.counter = counter;
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
