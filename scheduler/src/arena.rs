//! Where every outstanding item lives, once; queues and leases hold its handle.
//!
//! What is known of an item lies in three arrays, by how often it is touched: its card, which says what it is called
//! and where it is; what leaving a queue from the middle needs; and the rest. A decision over tens of thousands of
//! queued items thus touches one cache line of each that it hands out, and none of the others.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use domain::id::{ItemId, RunId};
use hashbrown::HashTable;

use crate::event::BatchId;
use crate::item::{Assigned, ItemSpec, Marks, NodeKey};
use crate::run::Runs;

/// Index of an item in the arena.
pub(crate) type Handle = u32;

/// Mixes words by multiplying and folding. Its keys are digests and ids of our own making, not text that somebody could
/// choose so that it collides.
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

/// A hash map without random keys. Nothing may depend on its order, and nothing iterates over it to decide.
pub(crate) type Map<K, V> = HashMap<K, V, BuildHasherDefault<IdHasher>>;

fn hash(run_slot: u32, item: &ItemId) -> u64 {
    let mut hasher = IdHasher::default();
    // The id is a digest: eight bytes of it tell items apart.
    hasher.write(&item.0.0[..8]);
    hasher.write_u64(u64::from(run_slot));
    hasher.finish()
}

/// The one place where an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// In no place: the slot is free.
    Free,
    /// In its model's queue.
    Queued,
    /// In the group of this number, which came back.
    Again(u64),
    /// In a batch that a worker holds.
    Leased(BatchId),
}

/// What a decision touches of an item: one cache line.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Card {
    item: ItemId,
    tag: u64,
    /// Of its group or batch.
    number: u64,
    run_slot: u32,
    /// Slot of its tenant in the bulk queue of its model.
    tenant: u32,
    /// When it came, modulo 2^32.
    since_ms: u32,
    at: At,
    /// Leased or in a group while its run was cancelled: freed when that ends.
    cancelled: bool,
}

const _: () = assert!(size_of::<Card>() == 64);

/// A [`Phase`] without its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Free,
    Queue,
    Group,
    Batch,
}

/// What is seldom asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) spec: ItemSpec,
    pub(crate) run: RunId,
    pub(crate) model: u32,
    /// Its deadline; for an interactive item without one, the time by which somebody expects it.
    pub(crate) due_ms: u64,
    /// While it is in a group: when that may run.
    pub(crate) ready_ms: u64,
    /// Adopted with a batch, and its coordinator hasn't handed it in to this scheduler yet.
    pub(crate) unclaimed: bool,
    /// Failures by itself.
    pub(crate) attempts: u8,
    /// Crashes in company or alone, on a node other than the last one it crashed on.
    pub(crate) crashes: u8,
    /// Crashes alone, as a suspect.
    pub(crate) lone_crashes: u8,
    pub(crate) crashed_on: Option<NodeKey>,
    /// Further crashes on that node, since the last one that counted.
    pub(crate) crashed_again: u8,
}

impl Entry {
    pub(crate) fn new(spec: ItemSpec, run: RunId, model: u32, due_ms: u64) -> Self {
        Self {
            spec,
            run,
            model,
            due_ms,
            ready_ms: 0,
            unclaimed: false,
            attempts: spec.marks.attempts,
            crashes: spec.marks.crashes,
            lone_crashes: 0,
            crashed_on: None,
            crashed_again: 0,
        }
    }

    pub(crate) fn marks(&self) -> Marks {
        Marks { attempts: self.attempts, crashes: self.crashes }
    }
}

/// What queues know of an item.
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
    cards: Vec<Card>,
    /// Counts the items that had each slot.
    lives: Vec<u32>,
    pub(crate) hot: Vec<Hot>,
    free: Vec<Handle>,
    /// Slots that are free but for the index, which is put right when the next item comes: that costs a cache miss an
    /// item, which a decision need not wait for.
    graves: Vec<Handle>,
    index: HashTable<Handle>,
    len: usize,
}

impl Arena {
    /// Items that are outstanding.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn find(&self, run_slot: u32, item: &ItemId) -> Option<Handle> {
        let same = |&handle: &Handle| {
            let card = &self.cards[handle as usize];
            card.item == *item && card.run_slot == run_slot && card.at != At::Free
        };
        self.index.find(hash(run_slot, item), same).copied()
    }

    pub(crate) fn insert(&mut self, entry: Entry, run_slot: u32, now_ms: u64) -> Handle {
        self.bury();
        let ItemSpec { item, tag, tokens, .. } = entry.spec;
        let since_ms = now_ms as u32;
        let card = Card { item, tag, number: 0, run_slot, tenant: 0, since_ms, at: At::Queue, cancelled: false };
        let handle = match self.free.pop() {
            Some(handle) => {
                let at = handle as usize;
                self.lives[at] = self.lives[at].wrapping_add(1);
                (self.entries[at], self.cards[at]) = (entry, card);
                handle
            }
            None => {
                self.entries.push(entry);
                self.cards.push(card);
                self.lives.push(0);
                self.hot.push(Hot::default());
                self.entries.len() as Handle - 1
            }
        };
        self.hot[handle as usize].tokens = tokens;
        let Self { index, cards, .. } = self;
        let hash_of = |&handle: &Handle| hash(cards[handle as usize].run_slot, &cards[handle as usize].item);
        index.insert_unique(hash_of(&handle), handle, hash_of);
        self.len += 1;
        handle
    }

    /// Takes what has ended out of the index.
    fn bury(&mut self) {
        while let Some(handle) = self.graves.pop() {
            self.unindex(handle);
            self.free.push(handle);
        }
    }

    fn unindex(&mut self, handle: Handle) {
        let card = &self.cards[handle as usize];
        if let Ok(entry) = self.index.find_entry(hash(card.run_slot, &card.item), |&other| other == handle) {
            entry.remove();
        }
    }

    /// The item is outstanding no more, though a lease still holds its slot.
    pub(crate) fn forget(&mut self, handle: Handle) {
        self.cancel(handle);
        self.len -= 1;
        self.unindex(handle);
    }

    /// Frees the slot of an item that is forgotten and that nothing holds.
    pub(crate) fn free(&mut self, handle: Handle) {
        self.cards[handle as usize].at = At::Free;
        self.free.push(handle);
    }

    /// The item is outstanding no more and nothing holds it. Answers the slot of its run.
    #[inline]
    pub(crate) fn end(&mut self, handle: Handle) -> u32 {
        let card = &mut self.cards[handle as usize];
        card.at = At::Free;
        self.len -= 1;
        self.graves.push(handle);
        card.run_slot
    }

    #[inline]
    pub(crate) fn get(&self, handle: Handle) -> &Entry {
        &self.entries[handle as usize]
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, handle: Handle) -> &mut Entry {
        &mut self.entries[handle as usize]
    }

    #[inline]
    pub(crate) fn phase(&self, handle: Handle) -> Phase {
        let card = &self.cards[handle as usize];
        match card.at {
            At::Free => Phase::Free,
            At::Queue => Phase::Queued,
            At::Group => Phase::Again(card.number),
            At::Batch => Phase::Leased(BatchId(card.number)),
        }
    }

    #[inline]
    pub(crate) fn run_slot(&self, handle: Handle) -> u32 {
        self.cards[handle as usize].run_slot
    }

    /// Tells this item from others that had or will have its slot.
    #[inline]
    pub(crate) fn life(&self, handle: Handle) -> u32 {
        self.lives[handle as usize]
    }

    /// It is queued by the tenant in this slot of its model's bulk queue.
    pub(crate) fn queued_by(&mut self, handle: Handle, tenant: u32) {
        self.cards[handle as usize].tenant = tenant;
    }

    /// Who queued it, and when it came, modulo 2^32 ms.
    #[inline]
    pub(crate) fn waits_since(&self, handle: Handle) -> (u32, u32) {
        let card = &self.cards[handle as usize];
        (card.tenant, card.since_ms)
    }

    /// Leased or in a group while its run was cancelled.
    #[inline]
    pub(crate) fn is_cancelled(&self, handle: Handle) -> bool {
        self.cards[handle as usize].cancelled
    }

    pub(crate) fn cancel(&mut self, handle: Handle) {
        self.cards[handle as usize].cancelled = true;
    }

    #[inline]
    pub(crate) fn place(&mut self, handle: Handle, phase: Phase) {
        let card = &mut self.cards[handle as usize];
        (card.at, card.number) = match phase {
            Phase::Free => (At::Free, 0),
            Phase::Queued => (At::Queue, 0),
            Phase::Again(group) => (At::Group, group),
            Phase::Leased(batch) => (At::Batch, batch.0),
        };
    }

    /// The item as messages name it.
    #[inline]
    pub(crate) fn assigned(&self, handle: Handle, runs: &Runs) -> Assigned {
        let card = &self.cards[handle as usize];
        Assigned { run: runs.id(card.run_slot), item: card.item, tag: card.tag }
    }

    /// Puts items into a batch, and writes what its message says of them.
    pub(crate) fn lease(&mut self, items: &[Handle], batch: BatchId, runs: &Runs) -> Arc<[Assigned]> {
        // Their cards lie far apart, and mostly not in the cache. A loop that does little with each has many of them
        // fetched at once; the one that copies them would wait for a few at a time.
        for &handle in items {
            let card = &mut self.cards[handle as usize];
            debug_assert!(card.at != At::Free, "only what is outstanding is leased");
            (card.at, card.number) = (At::Batch, batch.0);
        }
        items.iter().map(|&handle| self.assigned(handle, runs)).collect()
    }

    /// The item's coordinator names it anew.
    pub(crate) fn set_tag(&mut self, handle: Handle, tag: u64) {
        self.cards[handle as usize].tag = tag;
    }

    /// Every slot that is in use, by handle.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Handle, &Entry)> {
        let all = self.entries.iter().zip(&self.cards).enumerate();
        all.filter(|(_, (_, card))| card.at != At::Free).map(|(at, (entry, _))| (at as Handle, entry))
    }
}
