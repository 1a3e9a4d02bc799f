//! Forming one bulk batch for one device.
//!
//! Where to begin is decided in this order: an endangered deadline; a tenant's oldest item that nears the age bound;
//! the fullest bucket among those that hold a tenant at the least counter. Then the bucket is emptied in order of
//! counters until the batch is full, and shorter buckets after it while they pad little. A batch is never held back
//! for being small: a device that pulls idles.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use crate::arena::{Arena, Handle, Hot};
use crate::bucket::Buckets;
use crate::cells::Cells;
use crate::cost::{Cost, CostFit, Sums};
use crate::fairness::{BulkQueue, Window};
use crate::item::Assigned;
use crate::ranking::{Cursor, NOBODY};
use crate::run::Runs;

/// Tenants near their age bound, and endangered deadlines, looked at for one batch.
const LOOK_AHEAD: usize = 32;

/// A newcomer's batch is filled up with others' items only while it is shorter than this part of a full one: its next one
/// waits for it.
const SHORT: usize = 4;

/// What one device takes at once of one model.
pub(crate) struct Limits<'a> {
    pub(crate) buckets: &'a Buckets,
    pub(crate) cells: &'a Cells,
    pub(crate) cost: Cost,
    pub(crate) fit: &'a CostFit,
    /// Padded tokens that the device's memory holds now.
    pub(crate) room_tokens: u32,
    pub(crate) budget_ns: f64,
    pub(crate) max_items: u32,
    pub(crate) max_padding_share: f64,
    pub(crate) age_bound: u64,
    pub(crate) patience_turnovers: f64,
    pub(crate) window: Window,
    pub(crate) now_ms: u64,
}

impl Limits<'_> {
    /// Most items of a bucket in one batch; at least one.
    #[inline]
    pub(crate) fn cap(&self, bucket: usize) -> usize {
        let edge = self.buckets.edge(bucket);
        let by_memory = self.cells.cap(bucket).min(self.room_tokens) / edge;
        let by_time = (self.budget_ns / self.fit.padded_item_ns(edge, bucket)) as u32;
        by_memory.min(by_time).min(self.max_items).max(1) as usize
    }

    /// Whether an item of `tokens` may join `items` of `sum` tokens that are padded to bucket `anchor`.
    #[inline]
    pub(crate) fn pads_little(&self, anchor: usize, items: usize, sum: u64, tokens: u32) -> bool {
        let padded = (items as f64 + 1.0) * f64::from(self.buckets.edge(anchor));
        items == 0 || (sum + u64::from(tokens)) as f64 >= (1.0 - self.max_padding_share) * padded
    }

    /// From here on, an item counts as near its age bound: there is room for a batch or so before it is reached.
    fn soft_age(&self) -> u64 {
        self.age_bound - self.age_bound / 4
    }
}

/// Items that go into one batch.
#[derive(Debug, Default)]
pub(crate) struct Chosen {
    pub(crate) items: Vec<Handle>,
    /// What the message says of each.
    pub(crate) message: Vec<Assigned>,
    pub(crate) sums: Sums,
    /// Tokens of the longest of them.
    pub(crate) longest: u32,
}

impl Chosen {
    /// Empty, with room for as many; `message` is an empty buffer.
    pub(crate) fn with_room(items: usize, message: Vec<Assigned>) -> Self {
        Self { items: Vec::with_capacity(items), message, ..Self::default() }
    }

    #[inline]
    pub(crate) fn push(&mut self, item: Handle, tokens: u32, assigned: Assigned) {
        self.items.push(item);
        self.message.push(assigned);
        self.sums.add(tokens);
        self.longest = self.longest.max(tokens);
    }
}

/// Where a batch begins.
enum Start {
    /// With this very item.
    Item(Handle),
    /// With whatever this bucket holds.
    Bucket(usize),
    /// With all that this tenant has, the longest first.
    Tenant(u32),
    /// The same of one that has just come back.
    Newcomer(u32),
}

/// How serving one tenant ended.
enum Served {
    /// It had its turn, or has no more here.
    Turn,
    /// Taking more of it would push its oldest item, which doesn't fit here, over the age bound.
    Blocked,
    /// Its items here are so short that the batch would pad too much.
    TooShort,
}

/// Fills `out`; leaves it empty only when nothing is queued. Answers whether it was formed for a tenant
/// that is behind.
pub(crate) fn form(queue: &mut BulkQueue, arena: &Arena, runs: &Runs, limits: &Limits<'_>, out: &mut Chosen) -> bool {
    if queue.servable == 0 {
        return false;
    }
    let start = choose(queue, arena, limits);
    let anchor = match start {
        Start::Item(item) => usize::from(arena.hot[item as usize].bucket),
        Start::Bucket(bucket) => bucket,
        Start::Tenant(slot) | Start::Newcomer(slot) => queue.tenants[slot as usize].longest_bucket(),
    };
    let mut forming = Forming { cap: limits.cap(anchor), queue, arena, runs, limits, anchor, out };
    match start {
        Start::Item(item) => {
            forming.take_charged(item);
            forming.take_endangered();
            forming.take_aged(item);
        }
        Start::Tenant(slot) | Start::Newcomer(slot) => {
            forming.take_all_of(slot);
            if matches!(start, Start::Newcomer(_)) {
                forming.cap = (forming.cap / SHORT).max(forming.out.items.len()).max(1);
            }
        }
        Start::Bucket(_) => {}
    }
    forming.fill();
    if forming.out.items.is_empty() {
        forming.take_oldest_of_least();
    }
    matches!(start, Start::Tenant(_) | Start::Newcomer(_))
}

fn choose(queue: &mut BulkQueue, arena: &Arena, limits: &Limits<'_>) -> Start {
    if let Some(item) = endangered(queue, arena, limits).next() {
        return Start::Item(item);
    }
    let tops = queue.ranking.tops();
    let least = queue.ranking.floor().unwrap_or(queue.floor);
    queue.floor = queue.floor.max(least);
    let reach = least.saturating_add(limits.window.slack_ns as u64);
    if let Some(item) = nearest_age_bound(queue, limits, reach) {
        return Start::Item(item);
    }
    if let Some(start) = furthest_behind(queue, limits) {
        return start;
    }
    let patience = (limits.patience_turnovers * f64::from(queue.servable)) as u64;
    let mut best = (0.0, Reverse(u64::MAX));
    let mut chosen = 0;
    for (bucket, &(top, _)) in tops.iter().enumerate().take(limits.buckets.count()) {
        if top <= reach {
            let here = &queue.buckets[bucket];
            // Lengths of which there never are enough for a batch must not clog the queue.
            let overdue = queue.left.saturating_sub(here.served_at) > patience;
            let filled = if overdue { 2.0 } else { (f64::from(here.len) / limits.cap(bucket) as f64).min(1.0) };
            if (filled, Reverse(top)) > best {
                best = (filled, Reverse(top));
                chosen = bucket;
            }
        }
    }
    Start::Bucket(chosen)
}

/// The tenant that is to have all its lengths served together: the first newcomer if it is behind, or whoever is behind
/// everybody else.
fn furthest_behind(queue: &mut BulkQueue, limits: &Limits<'_>) -> Option<Start> {
    let slack = limits.window.slack_ns as u64;
    if !queue.newcomers.is_empty() {
        let rival = queue.least_of_others();
        if let Some(slot) = queue.behind(rival, slack) {
            return Some(Start::Newcomer(slot));
        }
    }
    let mut ranked = queue.ranking.iter();
    let ((slot, least), (_, rival)) = (ranked.next()?, ranked.next()?);
    (least.counter.saturating_add(slack) < rival.counter).then_some(Start::Tenant(slot))
}

/// Items whose deadline would be missed if two more batches went first, and that overtake nobody they may not.
fn endangered<'a>(queue: &'a BulkQueue, arena: &'a Arena, limits: &'a Limits<'_>) -> impl Iterator<Item = Handle> + 'a {
    queue.deadlines.iter().take(LOOK_AHEAD).filter_map(|&(deadline_ms, item)| {
        let hot = &arena.hot[item as usize];
        let needs_ms = (2.0 * limits.budget_ns + limits.cost.item_ns(hot.tokens)) / 1e6;
        let tenant = &queue.tenants[hot.tenant as usize];
        let may = !tenant.parked && tenant.may_give(hot.seq, limits.age_bound);
        (may && deadline_ms.saturating_sub(limits.now_ms) as f64 <= needs_ms).then_some(item)
    })
}

/// The oldest item of a tenant that nears the age bound and whose turn it is by its counter.
fn nearest_age_bound(queue: &mut BulkQueue, limits: &Limits<'_>, reach: u64) -> Option<Handle> {
    for _ in 0..queue.aged.len().min(LOOK_AHEAD) {
        let slot = queue.aged.pop_front()?;
        let tenant = &mut queue.tenants[slot as usize];
        tenant.aged = tenant.backlog > 0 && tenant.overtaken() >= limits.soft_age();
        if tenant.aged {
            queue.aged.push_back(slot);
            if tenant.counter <= reach && !tenant.parked {
                return tenant.oldest();
            }
        }
    }
    None
}

struct Forming<'a, 'b> {
    queue: &'a mut BulkQueue,
    arena: &'a Arena,
    runs: &'a Runs,
    limits: &'a Limits<'b>,
    anchor: usize,
    cap: usize,
    out: &'a mut Chosen,
}

impl Forming<'_, '_> {
    fn is_full(&self) -> bool {
        self.out.items.len() >= self.cap
    }

    /// Takes an item; the caller charges its tenant what this returns.
    #[inline]
    fn take(&mut self, item: Handle) -> f64 {
        let (Hot { tokens, tenant, .. }, name) = (self.arena.hot[item as usize], self.arena.name(item));
        self.queue.remove(self.arena, item);
        self.queue.note_wait(tenant, name.since_ms, self.limits.now_ms);
        self.out.push(item, tokens, name.assigned(self.runs));
        self.limits.cost.item_ns(tokens)
    }

    fn take_charged(&mut self, item: Handle) {
        let slot = self.arena.hot[item as usize].tenant;
        let ns = self.take(item);
        self.settle(slot, ns);
        self.queue.rerank(slot);
    }

    /// Charges a tenant, and notes whether its oldest item nears the age bound. It is still to be ranked anew.
    #[inline]
    fn settle(&mut self, slot: u32, ns: f64) {
        self.queue.charge(slot, ns, &self.limits.window, self.limits.now_ms);
        let tenant = &mut self.queue.tenants[slot as usize];
        if !tenant.aged && tenant.left >= self.limits.soft_age() {
            tenant.aged = tenant.overtaken() >= self.limits.soft_age();
            if tenant.aged {
                self.queue.aged.push_back(slot);
            }
        }
    }

    fn fits(&self, item: Handle) -> bool {
        let hot = &self.arena.hot[item as usize];
        usize::from(hot.bucket) <= self.anchor && self.pads_little(hot.tokens)
    }

    #[inline]
    fn pads_little(&self, tokens: u32) -> bool {
        self.limits.pads_little(self.anchor, self.out.items.len(), self.out.sums.tokens, tokens)
    }

    /// More items in danger that fit in.
    fn take_endangered(&mut self) {
        let items: Vec<Handle> = endangered(self.queue, self.arena, self.limits).collect();
        for item in items {
            let hot = &self.arena.hot[item as usize];
            let may = self.queue.tenants[hot.tenant as usize].may_give(hot.seq, self.limits.age_bound);
            if !self.is_full() && may && self.fits(item) {
                self.take_charged(item);
            }
        }
    }

    /// More items near their age bound of the tenant that `first` is of, oldest first. Of those that are still queued,
    /// the p-th by age with number s was overtaken by all that left but the s - p that came before it.
    fn take_aged(&mut self, first: Handle) {
        let slot = self.arena.hot[first as usize].tenant;
        let tenant = &self.queue.tenants[slot as usize];
        let (left, soft) = (tenant.left, self.limits.soft_age());
        if left < soft {
            return;
        }
        let oldest = tenant.arrivals.iter().take(self.cap).enumerate();
        let aged: Vec<Handle> = oldest
            .take_while(|&(place, (seq, _))| left + place as u64 >= soft + seq)
            .map(|(_, (_, item))| item)
            .collect();
        for item in aged {
            let seq = self.arena.hot[item as usize].seq;
            let may = self.queue.tenants[slot as usize].may_give(seq, self.limits.age_bound);
            if !self.is_full() && may && self.fits(item) {
                self.take_charged(item);
            }
        }
    }

    /// What a tenant has, longest first, as far as a full batch wouldn't pad too much with it and with others' items of
    /// the anchor's length.
    fn take_all_of(&mut self, slot: u32) {
        let mut ns = 0.0;
        for bucket in (0..=self.anchor).rev() {
            while !self.is_full() {
                let tenant = &self.queue.tenants[slot as usize];
                let Some(next) = tenant.lanes[bucket].front() else { break };
                let fits = self.fits_once_filled(u32::from(next.tokens));
                if !tenant.may_give(next.seq, self.limits.age_bound) || !fits {
                    break;
                }
                ns += self.take(next.handle);
            }
        }
        self.settle(slot, ns);
        self.queue.rerank(slot);
    }

    /// Whether the batch pads little enough with an item of this length and as many of the anchor's as there are. A
    /// tenant that is behind may pad twice as much as others: it waits a whole batch for each item that is left over.
    fn fits_once_filled(&self, tokens: u32) -> bool {
        let here = &self.queue.buckets[self.anchor];
        let fillers = (self.cap - self.out.items.len() - 1).min(here.len as usize);
        let filled = if here.len == 0 { 0.0 } else { here.tokens as f64 / f64::from(here.len) * fillers as f64 };
        let padded = (self.out.items.len() + 1 + fillers) as f64 * f64::from(self.limits.buckets.edge(self.anchor));
        let real = self.out.sums.tokens as f64 + f64::from(tokens) + filled;
        self.out.items.is_empty() || real >= (1.0 - 2.0 * self.limits.max_padding_share) * padded
    }

    /// The anchor's bucket in order of counters, then shorter ones.
    fn fill(&mut self) {
        let quantum = (self.cap / 8).max(1);
        for bucket in (0..=self.anchor).rev() {
            if self.is_full() || !self.fill_from(bucket, quantum) {
                break;
            }
        }
    }

    /// One bucket in order of counters, turn by turn. Tenants that were served are ranked anew when it is over: until
    /// then those that have more here wait for their next turn in a heap of their own. Answers whether shorter buckets
    /// are worth a look.
    fn fill_from(&mut self, bucket: usize, quantum: usize) -> bool {
        let (mut upcoming, mut next, mut cursor) = (Vec::with_capacity(64), 0, Cursor::default());
        let (mut again, mut pads_little) = (BinaryHeap::<Reverse<(u64, u32)>>::new(), true);
        while !self.is_full() {
            if next == upcoming.len() {
                self.look_ahead(bucket, quantum, &mut cursor, &mut upcoming);
            }
            let first = upcoming.get(next).copied().unwrap_or(NOBODY);
            let (_, slot) = match again.peek_mut() {
                Some(served) if served.0 < first => PeekMut::pop(served).0,
                _ if first != NOBODY => {
                    next += 1;
                    first
                }
                _ => break,
            };
            self.queue.buckets[bucket].served_at = self.queue.left;
            match self.serve(slot, bucket, quantum) {
                Served::Turn => {
                    let tenant = &self.queue.tenants[slot as usize];
                    if tenant.filled >> bucket & 1 == 1 {
                        again.push(Reverse((tenant.counter, slot)));
                    }
                }
                // Not here any more; what it waits for may be found elsewhere.
                Served::Blocked => {}
                Served::TooShort => {
                    pads_little = false;
                    break;
                }
            }
        }
        self.queue.rerank_all(&upcoming[..next]);
        pads_little
    }

    /// Finds who is next in a bucket after those that were found before, as many as it takes to fill the batch with a
    /// turn each. Their items are looked at on the way, so that all of them come into the cache at once: served one
    /// after the other, each tenant would be waited for.
    fn look_ahead(&self, bucket: usize, quantum: usize, cursor: &mut Cursor, upcoming: &mut Vec<(u64, u32)>) {
        let (mut places, first) = (self.cap - self.out.items.len(), upcoming.len());
        let turn = |slot: u32| (self.queue.tenants[slot as usize].lanes[bucket].live as usize).min(quantum);
        while let Some(next) = self.queue.ranking.next_in(bucket, cursor) {
            upcoming.push(next);
            places = places.saturating_sub(turn(next.1));
            if places == 0 {
                break;
            }
        }
        // In a loop of their own: how many there are of each is known by now, so that the processor need not guess.
        let mut seen = 0;
        for &(_, slot) in &upcoming[first..] {
            seen ^= self.queue.tenants[slot as usize].peek(bucket, turn(slot));
        }
        std::hint::black_box(seen);
    }

    /// Gives a tenant up to `quantum` places from one bucket. It is still to be ranked anew.
    fn serve(&mut self, slot: u32, bucket: usize, quantum: usize) -> Served {
        let mut places = quantum.min(self.cap - self.out.items.len());
        let (mut served, mut ns) = (Served::Turn, 0.0);
        while places > 0 {
            let (taken, ended) = self.take_run(slot, bucket, places);
            places -= taken.items as usize;
            ns += self.limits.cost.sum_ns(&taken);
            served = ended;
            // What would be overtaken too often goes along, if it fits.
            let Served::Blocked = served else { break };
            let oldest = self.queue.tenants[slot as usize].oldest();
            let Some(oldest) = oldest.filter(|&oldest| self.fits(oldest)) else { break };
            ns += self.take(oldest);
            places -= 1;
            served = Served::Turn;
        }
        self.settle(slot, ns);
        served
    }

    /// Takes a tenant's next items in one bucket, `most` at most. Answers what it took, and why no more.
    fn take_run(&mut self, slot: u32, bucket: usize, most: usize) -> (Sums, Served) {
        let (limits, shorter) = (self.limits, bucket < self.anchor);
        let BulkQueue { tenants, waits, .. } = &mut *self.queue;
        let tenant = &mut tenants[slot as usize];
        let (first, before) = (self.out.items.len(), self.out.sums);
        let now_ms = limits.now_ms as u32;
        let mut served = Served::Turn;
        while let (Served::Turn, places @ 1..) = (&served, first + most - self.out.items.len()) {
            let may = tenant.may_give_first(bucket, places, limits.age_bound);
            if may == 0 {
                if tenant.lanes[bucket].live > 0 {
                    served = Served::Blocked;
                }
                break;
            }
            let taken = self.out.items.len();
            for next in tenant.lanes[bucket].first(may) {
                let (items, sum, tokens) = (self.out.items.len(), self.out.sums.tokens, u32::from(next.tokens));
                if shorter && !limits.pads_little(self.anchor, items, sum, tokens) {
                    served = Served::TooShort;
                    break;
                }
                self.out.push(next.handle, tokens, next.name.assigned(self.runs));
                let wait_ms = now_ms.wrapping_sub(next.name.since_ms);
                waits.add(wait_ms);
                tenant.waits.add(wait_ms);
            }
            tenant.take_first(bucket, self.out.items.len() - taken);
        }
        let mut taken = self.out.sums;
        taken.sub_all(&before);
        self.queue.count_off(slot, bucket, &taken);
        self.queue.forget_deadlines(self.arena, &self.out.items[first..]);
        (taken, served)
    }

    /// Every tenant here is held back by its age bound: begin with what holds the first of them back.
    fn take_oldest_of_least(&mut self) {
        let least = self.queue.ranking.iter().next();
        if let Some((slot, _)) = least {
            let Some(oldest) = self.queue.tenants[slot as usize].oldest() else { return };
            self.anchor = usize::from(self.arena.hot[oldest as usize].bucket);
            self.cap = self.limits.cap(self.anchor);
            self.take_charged(oldest);
            self.fill();
        }
    }
}
