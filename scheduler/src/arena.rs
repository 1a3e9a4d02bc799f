//! Where every outstanding item lives, once; queues and leases hold its handle.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use domain::id::{ItemId, RunId};

use crate::event::BatchId;
use crate::item::{Assigned, ItemSpec, Marks, NodeKey};
use crate::list::{Handle, Links};

/// A hash map without random keys. Nothing may depend on its order, and nothing iterates over it to decide.
pub(crate) type Map<K, V> = HashMap<K, V, BuildHasherDefault<IdHasher>>;

/// Mixes words by multiplying and folding. Its keys are digests and ids of our own making, not text that somebody could
/// choose so that it collides; in return, a batch's items are found and forgotten several times faster.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        let mut words = bytes.chunks_exact(8);
        for word in &mut words {
            self.write_u64(word.iter().rev().fold(0, |sum, &byte| sum << 8 | u64::from(byte)));
        }
        for &byte in words.remainder() {
            self.write_u64(u64::from(byte));
        }
    }

    fn write_u64(&mut self, word: u64) {
        let product = u128::from(self.0 ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        self.0 = product as u64 ^ (product >> 64) as u64;
    }

    fn write_u128(&mut self, word: u128) {
        self.write_u64(word as u64);
        self.write_u64((word >> 64) as u64);
    }

    fn write_usize(&mut self, word: usize) {
        self.write_u64(word as u64);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// The one place where an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// In no place: the slot is free.
    Free,
    /// In its model's queue.
    Queued,
    /// In a group that came back: when it may run, and its number.
    Again(u64, u64),
    /// In a batch that a worker holds.
    Leased(BatchId),
}

/// What is known of an item beyond what its queue needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) spec: ItemSpec,
    pub(crate) run: RunId,
    pub(crate) run_slot: u32,
    pub(crate) model: u32,
    /// Its deadline; for an interactive item without one, the time by which somebody expects it.
    pub(crate) due_ms: u64,
    pub(crate) phase: Phase,
    /// Leased while its run was cancelled: freed when the lease ends.
    pub(crate) cancelled: bool,
    /// Adopted with a batch, and its coordinator hasn't handed it in to this scheduler yet.
    pub(crate) unclaimed: bool,
    /// Failures by itself.
    pub(crate) attempts: u8,
    /// Crashes in company or alone, on a node other than the last one it crashed on.
    pub(crate) crashes: u8,
    /// Crashes alone, as a suspect.
    pub(crate) lone_crashes: u8,
    pub(crate) crashed_on: Option<NodeKey>,
}

impl Entry {
    pub(crate) fn new(spec: ItemSpec, run: RunId, run_slot: u32, model: u32, due_ms: u64) -> Self {
        Self {
            spec,
            run,
            run_slot,
            model,
            due_ms,
            phase: Phase::Queued,
            cancelled: false,
            unclaimed: false,
            attempts: spec.marks.attempts,
            crashes: spec.marks.crashes,
            lone_crashes: 0,
            crashed_on: None,
        }
    }

    pub(crate) fn assigned(&self) -> Assigned {
        Assigned { run: self.run, item: self.spec.item, tag: self.spec.tag }
    }

    pub(crate) fn marks(&self) -> Marks {
        Marks { attempts: self.attempts, crashes: self.crashes }
    }
}

/// What forming a batch reads of an item: kept apart from [`Entry`], so that a decision over tens of thousands of
/// queued items stays within the processor's caches.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Hot {
    /// Number of the item among its tenant's arrivals.
    pub(crate) seq: u64,
    pub(crate) tokens: u32,
    /// Slot of its tenant in the bulk queue of its model.
    pub(crate) tenant: u32,
    pub(crate) bucket: u8,
}

/// All outstanding items.
#[derive(Clone, Debug, Default)]
pub(crate) struct Arena {
    entries: Vec<Entry>,
    pub(crate) hot: Vec<Hot>,
    free: Vec<Handle>,
    index: Map<(RunId, ItemId), Handle>,
    /// Lists of a tenant's items in one bucket.
    pub(crate) by_bucket: Links,
    /// Lists of a tenant's items by arrival.
    pub(crate) by_arrival: Links,
    /// Lists of a run's items.
    pub(crate) by_run: Links,
}

impl Arena {
    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }

    pub(crate) fn find(&self, run: RunId, item: ItemId) -> Option<Handle> {
        self.index.get(&(run, item)).copied()
    }

    pub(crate) fn insert(&mut self, entry: Entry) -> Handle {
        let key = (entry.run, entry.spec.item);
        let handle = match self.free.pop() {
            Some(handle) => {
                self.entries[handle as usize] = entry;
                handle
            }
            None => {
                self.entries.push(entry);
                self.hot.push(Hot::default());
                self.by_bucket.grow();
                self.by_arrival.grow();
                self.by_run.grow();
                self.entries.len() as Handle - 1
            }
        };
        self.index.insert(key, handle);
        handle
    }

    /// The item is outstanding no more, though a lease may still hold its slot.
    pub(crate) fn forget(&mut self, handle: Handle) {
        let entry = &self.entries[handle as usize];
        self.index.remove(&(entry.run, entry.spec.item));
    }

    /// Frees the slot of an item that is forgotten and that nothing holds.
    pub(crate) fn free(&mut self, handle: Handle) {
        self.entries[handle as usize].phase = Phase::Free;
        self.free.push(handle);
    }

    #[inline]
    pub(crate) fn get(&self, handle: Handle) -> &Entry {
        &self.entries[handle as usize]
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, handle: Handle) -> &mut Entry {
        &mut self.entries[handle as usize]
    }

    /// Every slot that is in use, by handle.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Handle, &Entry)> {
        self.entries.iter().enumerate().filter(|(_, e)| e.phase != Phase::Free).map(|(i, e)| (i as Handle, e))
    }
}
