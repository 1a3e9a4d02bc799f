//! The prototype that the core is measured against: queues by bucket, lazy heaps of tenant counters, an age guard, and
//! filling up from shorter buckets; without failures, classes, workers or cancelling. [`Leasing`] adds the least that
//! makes of its batch something to hand out.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::sync::Arc;

use scheduler::{Assigned, ModelKey};

use crate::trace::{Traced, run_of};

/// Padded tokens in one batch.
pub const BUDGET: usize = 16_384;
const LONGEST: usize = 512;
const GROWTH: f64 = 1.125;
const MOST_PADDING: f64 = 0.15;

pub struct Prototype {
    edges: Vec<u16>,
    bucket_of: Vec<u8>,
    queues: Vec<Vec<VecDeque<Traced>>>,
    heaps: Vec<BinaryHeap<Reverse<(u64, u16)>>>,
    in_heap: Vec<Vec<bool>>,
    counts: Vec<usize>,
    counters: Vec<u64>,
    backlogs: Vec<u32>,
    floor: u64,
    len: usize,
    order: VecDeque<Traced>,
    gone: Vec<bool>,
    served: u64,
    age: u64,
}

impl Prototype {
    pub fn new(tenants: usize, items: usize, age: u64) -> Self {
        let mut edges = Vec::new();
        let mut edge = 8.0_f64;
        while (edge as usize) < LONGEST {
            edges.push(((edge / 8.0).ceil() * 8.0) as u16);
            edge = (edge * GROWTH).max(edge + 8.0);
        }
        edges.push(LONGEST as u16);
        edges.dedup();
        let mut bucket = 0;
        let bucket_of = (0..=LONGEST)
            .map(|len| {
                while usize::from(edges[bucket]) < len {
                    bucket += 1;
                }
                bucket as u8
            })
            .collect();
        let buckets = edges.len();
        Self {
            edges,
            bucket_of,
            queues: vec![vec![VecDeque::new(); tenants]; buckets],
            heaps: vec![BinaryHeap::new(); buckets],
            in_heap: vec![vec![false; tenants]; buckets],
            counts: vec![0; buckets],
            counters: vec![0; tenants],
            backlogs: vec![0; tenants],
            floor: 0,
            len: 0,
            order: VecDeque::new(),
            gone: vec![false; items],
            served: 0,
            age,
        }
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn push(&mut self, item: Traced) {
        let tenant = usize::from(item.tenant);
        let bucket = usize::from(self.bucket_of[usize::from(item.len)]);
        if self.backlogs[tenant] == 0 {
            self.counters[tenant] = self.counters[tenant].max(self.floor);
        }
        self.backlogs[tenant] += 1;
        self.queues[bucket][tenant].push_back(item);
        self.counts[bucket] += 1;
        self.len += 1;
        if !self.in_heap[bucket][tenant] {
            self.in_heap[bucket][tenant] = true;
            self.heaps[bucket].push(Reverse((self.counters[tenant], item.tenant)));
        }
        self.order.push_back(item);
    }

    fn top(&mut self, bucket: usize) -> Option<(u64, u16)> {
        loop {
            let &Reverse((key, tenant)) = self.heaps[bucket].peek()?;
            let index = usize::from(tenant);
            if self.queues[bucket][index].is_empty() {
                self.heaps[bucket].pop();
                self.in_heap[bucket][index] = false;
            } else if key < self.counters[index] {
                self.heaps[bucket].pop();
                self.heaps[bucket].push(Reverse((self.counters[index], tenant)));
            } else {
                return Some((key, tenant));
            }
        }
    }

    pub fn batch(&mut self, out: &mut Vec<Traced>) {
        out.clear();
        while self.order.front().is_some_and(|item| self.gone[item.id as usize]) {
            self.order.pop_front();
        }
        let Some(&first) = self.order.front() else { return };
        let aged = self.served > u64::from(first.id) + self.age;
        let anchor = if aged { usize::from(self.bucket_of[usize::from(first.len)]) } else { self.choose() };
        if aged && let Some(item) = self.queues[anchor][usize::from(first.tenant)].pop_front() {
            self.take(item, anchor, out);
        }
        self.fill(anchor, out);
        self.served += out.len() as u64;
    }

    fn choose(&mut self) -> usize {
        let size = |counts: &[usize], edges: &[u16], bucket: usize| counts[bucket] * usize::from(edges[bucket]);
        let mut best: Option<(u64, usize)> = None;
        let mut least = u64::MAX;
        for bucket in 0..self.edges.len() {
            let Some((key, _)) = self.top(bucket) else { continue };
            least = least.min(key);
            if size(&self.counts, &self.edges, bucket) >= BUDGET && best.is_none_or(|(other, _)| key < other) {
                best = Some((key, bucket));
            }
        }
        if least != u64::MAX {
            self.floor = self.floor.max(least);
        }
        let fullest = || (0..self.edges.len()).max_by_key(|&bucket| size(&self.counts, &self.edges, bucket));
        best.map(|(_, bucket)| bucket).or_else(fullest).unwrap_or(0)
    }

    fn fill(&mut self, anchor: usize, out: &mut Vec<Traced>) {
        let cap = BUDGET / usize::from(self.edges[anchor]);
        let quantum = (cap / 8).max(1);
        let mut bucket = anchor;
        loop {
            while out.len() < cap {
                let Some((_, tenant)) = self.top(bucket) else { break };
                for _ in 0..quantum.min(cap - out.len()) {
                    let Some(item) = self.queues[bucket][usize::from(tenant)].pop_front() else { break };
                    self.take(item, bucket, out);
                }
            }
            if out.len() >= cap || bucket == 0 {
                return;
            }
            bucket -= 1;
            let real: f64 = out.iter().map(|item| f64::from(item.len)).sum();
            let padded = (out.len() as f64 + 1.0) * f64::from(self.edges[anchor]);
            if 1.0 - (real + f64::from(self.edges[bucket])) / padded > MOST_PADDING {
                return;
            }
        }
    }

    fn take(&mut self, item: Traced, bucket: usize, out: &mut Vec<Traced>) {
        let tenant = usize::from(item.tenant);
        self.counts[bucket] -= 1;
        self.len -= 1;
        self.backlogs[tenant] -= 1;
        self.counters[tenant] += u64::from(item.len);
        self.gone[item.id as usize] = true;
        out.push(item);
    }
}

/// The prototype with leases: a batch is written as the message that a worker gets, and remembered so that it can come
/// back; of each item it is known in which batch it is.
pub struct Leasing {
    pub prototype: Prototype,
    /// What messages call an item, by its number.
    names: Vec<Assigned>,
    batch_of: Vec<u64>,
    leases: BTreeMap<u64, Vec<u32>>,
    batch: Vec<Traced>,
    given: u64,
}

impl Leasing {
    pub fn new(tenants: usize, trace: &[Traced], age: u64) -> Self {
        let name = |item: &Traced| {
            let spec = item.spec(ModelKey(1));
            Assigned { run: run_of(item.tenant), item: spec.item, tag: spec.tag }
        };
        Self {
            prototype: Prototype::new(tenants, trace.len(), age),
            names: trace.iter().map(name).collect(),
            batch_of: vec![0; trace.len()],
            leases: BTreeMap::new(),
            batch: Vec::with_capacity(4_096),
            given: 0,
        }
    }

    /// Forms a batch and hands it out. Answers its lease and its message.
    pub fn pull(&mut self) -> (u64, Arc<[Assigned]>) {
        self.prototype.batch(&mut self.batch);
        self.given += 1;
        let items: Vec<u32> = self.batch.iter().map(|item| item.id).collect();
        let message = items
            .iter()
            .map(|&item| {
                self.batch_of[item as usize] = self.given;
                self.names[item as usize]
            })
            .collect();
        self.leases.insert(self.given, items);
        (self.given, message)
    }

    /// A batch is done: its items are in no batch any more. Answers how many that were.
    pub fn done(&mut self, lease: u64) -> usize {
        let items = self.leases.remove(&lease).unwrap_or_default();
        for &item in &items {
            self.batch_of[item as usize] = 0;
        }
        items.len()
    }
}
