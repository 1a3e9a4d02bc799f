//! Where every outstanding item lives, once; queues and leases hold its handle.
//!
//! What is known of an item lies in four arrays, by how often it is touched: where it is; what it is called; what leaving
//! a queue from the middle needs; and the rest. Of what a decision over tens of thousands of queued items hands out it
//! touches the first, a quarter of a cache line each; names it finds in the queues.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

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

/// What an item is called, as queues and messages have it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Name {
    pub(crate) item: ItemId,
    pub(crate) tag: u64,
    pub(crate) run_slot: u32,
    /// When it came, modulo 2^32.
    pub(crate) since_ms: u32,
}

impl Name {
    /// As messages have it.
    #[inline]
    pub(crate) fn assigned(&self, runs: &Runs) -> Assigned {
        Assigned { run: runs.id(self.run_slot), item: self.item, tag: self.tag }
    }
}

/// Where an item is: all that a decision touches of it here.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// Of its group or batch.
    number: u64,
    run_slot: u32,
    at: At,
    /// Leased or in a group while its run was cancelled: freed when that ends.
    cancelled: bool,
}

const _: () = assert!(size_of::<Place>() == 16);

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
    names: Vec<Name>,
    places: Vec<Place>,
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

    /// How many are found by name, of those that are outstanding.
    pub(crate) fn named(&self) -> usize {
        self.index.len().saturating_sub(self.graves.len())
    }

    pub(crate) fn find(&self, run_slot: u32, item: &ItemId) -> Option<Handle> {
        let same = |&handle: &Handle| {
            let name = &self.names[handle as usize];
            name.item == *item && name.run_slot == run_slot && self.places[handle as usize].at != At::Free
        };
        self.index.find(hash(run_slot, item), same).copied()
    }

    pub(crate) fn insert(&mut self, entry: Entry, run_slot: u32, now_ms: u64) -> Handle {
        self.bury();
        let ItemSpec { item, tag, tokens, .. } = entry.spec;
        let name = Name { item, tag, run_slot, since_ms: now_ms as u32 };
        let place = Place { number: 0, run_slot, at: At::Queue, cancelled: false };
        let handle = match self.free.pop() {
            Some(handle) => {
                let at = handle as usize;
                self.lives[at] = self.lives[at].wrapping_add(1);
                (self.entries[at], self.names[at], self.places[at]) = (entry, name, place);
                handle
            }
            None => {
                self.entries.push(entry);
                self.names.push(name);
                self.places.push(place);
                self.lives.push(0);
                self.hot.push(Hot::default());
                self.entries.len() as Handle - 1
            }
        };
        self.hot[handle as usize].tokens = tokens;
        let Self { index, names, .. } = self;
        let hash_of = |&handle: &Handle| hash(names[handle as usize].run_slot, &names[handle as usize].item);
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
        let name = &self.names[handle as usize];
        if let Ok(entry) = self.index.find_entry(hash(name.run_slot, &name.item), |&other| other == handle) {
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
        self.places[handle as usize].at = At::Free;
        self.free.push(handle);
    }

    /// The item is outstanding no more and nothing holds it. Answers the slot of its run.
    #[inline]
    pub(crate) fn end(&mut self, handle: Handle) -> u32 {
        let place = &mut self.places[handle as usize];
        place.at = At::Free;
        self.len -= 1;
        self.graves.push(handle);
        place.run_slot
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
        let place = &self.places[handle as usize];
        match place.at {
            At::Free => Phase::Free,
            At::Queue => Phase::Queued,
            At::Group => Phase::Again(place.number),
            At::Batch => Phase::Leased(BatchId(place.number)),
        }
    }

    #[inline]
    pub(crate) fn run_slot(&self, handle: Handle) -> u32 {
        self.places[handle as usize].run_slot
    }

    /// Tells this item from others that had or will have its slot.
    #[inline]
    pub(crate) fn life(&self, handle: Handle) -> u32 {
        self.lives[handle as usize]
    }

    /// What it is called.
    #[inline]
    pub(crate) fn name(&self, handle: Handle) -> Name {
        self.names[handle as usize]
    }

    /// Leased or in a group while its run was cancelled.
    #[inline]
    pub(crate) fn is_cancelled(&self, handle: Handle) -> bool {
        self.places[handle as usize].cancelled
    }

    pub(crate) fn cancel(&mut self, handle: Handle) {
        self.places[handle as usize].cancelled = true;
    }

    #[inline]
    pub(crate) fn place(&mut self, handle: Handle, phase: Phase) {
        let place = &mut self.places[handle as usize];
        (place.at, place.number) = match phase {
            Phase::Free => (At::Free, 0),
            Phase::Queued => (At::Queue, 0),
            Phase::Again(group) => (At::Group, group),
            Phase::Leased(batch) => (At::Batch, batch.0),
        };
    }

    /// The item as messages name it.
    #[inline]
    pub(crate) fn assigned(&self, handle: Handle, runs: &Runs) -> Assigned {
        self.names[handle as usize].assigned(runs)
    }

    /// Puts items into a batch.
    pub(crate) fn lease(&mut self, items: &[Handle], batch: BatchId) {
        for &handle in items {
            let place = &mut self.places[handle as usize];
            debug_assert!(place.at != At::Free, "only what is outstanding is leased");
            (place.at, place.number) = (At::Batch, batch.0);
        }
    }

    /// The item's coordinator names it anew.
    pub(crate) fn set_tag(&mut self, handle: Handle, tag: u64) {
        self.names[handle as usize].tag = tag;
    }

    /// Every slot that is in use, by handle.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Handle, &Entry)> {
        let all = self.entries.iter().zip(&self.places).enumerate();
        all.filter(|(_, (_, place))| place.at != At::Free).map(|(at, (entry, _))| (at as Handle, entry))
    }
}
