//! Where every outstanding item lives, once; queues and leases hold its handle.
//!
//! What is known of an item lies in four arrays, by how often it is touched: its card, which is copied into messages;
//! its spot, which says where it is; what forming a batch reads; and the rest. A decision over tens of thousands of
//! queued items thus touches two cache lines of each that it hands out, and none of the others.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use domain::id::{ItemId, RunId};
use hashbrown::HashTable;

use crate::event::BatchId;
use crate::item::{Assigned, ItemSpec, Marks, NodeKey};

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

fn hash(run: RunId, item: ItemId) -> u64 {
    let mut hasher = IdHasher::default();
    hasher.write_u128(run.0);
    // The id is a digest: eight bytes of it tell items apart.
    hasher.write(&item.0.0[..8]);
    hasher.finish()
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

/// Where an item is, and whose.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spot {
    pub(crate) phase: Phase,
    pub(crate) run_slot: u32,
    /// Counts the items that had this slot.
    pub(crate) life: u32,
    /// Leased while its run was cancelled: freed when the lease ends.
    pub(crate) cancelled: bool,
}

/// What is copied into messages: one cache line.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Card(Assigned);

/// What is seldom asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) spec: ItemSpec,
    pub(crate) run: RunId,
    pub(crate) model: u32,
    /// Its deadline; for an interactive item without one, the time by which somebody expects it.
    pub(crate) due_ms: u64,
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
    /// When it came: the low half of the milliseconds, which waits don't outlast.
    pub(crate) since_ms: u32,
    /// Slot of its tenant in the bulk queue of its model.
    pub(crate) tenant: u32,
    pub(crate) bucket: u8,
}

/// All outstanding items.
#[derive(Clone, Debug, Default)]
pub(crate) struct Arena {
    entries: Vec<Entry>,
    cards: Vec<Card>,
    pub(crate) spots: Vec<Spot>,
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

    pub(crate) fn find(&self, run: RunId, item: ItemId) -> Option<Handle> {
        let same = |&handle: &Handle| {
            let card = &self.cards[handle as usize].0;
            card.item == item && card.run == run && self.spots[handle as usize].phase != Phase::Free
        };
        self.index.find(hash(run, item), same).copied()
    }

    pub(crate) fn insert(&mut self, entry: Entry, run_slot: u32, now_ms: u64) -> Handle {
        self.bury();
        let card = Card(Assigned { run: entry.run, item: entry.spec.item, tag: entry.spec.tag });
        let mut spot = Spot { phase: Phase::Queued, run_slot, life: 0, cancelled: false };
        let handle = match self.free.pop() {
            Some(handle) => {
                let at = handle as usize;
                spot.life = self.spots[at].life.wrapping_add(1);
                (self.entries[at], self.cards[at], self.spots[at]) = (entry, card, spot);
                handle
            }
            None => {
                self.entries.push(entry);
                self.cards.push(card);
                self.spots.push(spot);
                self.hot.push(Hot::default());
                self.entries.len() as Handle - 1
            }
        };
        let hot = &mut self.hot[handle as usize];
        (hot.tokens, hot.since_ms) = (entry.spec.tokens, now_ms as u32);
        let Self { index, cards, .. } = self;
        let hash_of = |&handle: &Handle| hash(cards[handle as usize].0.run, cards[handle as usize].0.item);
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
        let card = &self.cards[handle as usize].0;
        if let Ok(entry) = self.index.find_entry(hash(card.run, card.item), |&other| other == handle) {
            entry.remove();
        }
    }

    /// The item is outstanding no more, though a lease still holds its slot.
    pub(crate) fn forget(&mut self, handle: Handle) {
        self.spots[handle as usize].cancelled = true;
        self.len -= 1;
        self.unindex(handle);
    }

    /// Frees the slot of an item that is forgotten and that nothing holds.
    pub(crate) fn free(&mut self, handle: Handle) {
        self.spots[handle as usize].phase = Phase::Free;
        self.free.push(handle);
    }

    /// The item is outstanding no more and nothing holds it. Answers the slot of its run.
    #[inline]
    pub(crate) fn end(&mut self, handle: Handle) -> u32 {
        let spot = &mut self.spots[handle as usize];
        spot.phase = Phase::Free;
        self.len -= 1;
        self.graves.push(handle);
        spot.run_slot
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
    pub(crate) fn spot(&self, handle: Handle) -> &Spot {
        &self.spots[handle as usize]
    }

    #[inline]
    pub(crate) fn place(&mut self, handle: Handle, phase: Phase) {
        self.spots[handle as usize].phase = phase;
    }

    #[inline]
    pub(crate) fn assigned(&self, handle: Handle) -> Assigned {
        self.cards[handle as usize].0
    }

    /// The item's coordinator names it anew.
    pub(crate) fn set_tag(&mut self, handle: Handle, tag: u64) {
        self.cards[handle as usize].0.tag = tag;
    }

    /// Every slot that is in use, by handle.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Handle, &Entry, &Spot)> {
        let all = self.entries.iter().zip(&self.spots).enumerate();
        all.filter(|(_, (_, spot))| spot.phase != Phase::Free).map(|(at, (e, spot))| (at as Handle, e, spot))
    }
}
