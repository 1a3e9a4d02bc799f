//! The runs that items belong to: who may speak for them, how much they have outstanding.

use std::collections::BTreeSet;

use domain::id::{RunId, Term};

use crate::arena::{Arena, Handle, Map, Phase};
use crate::event::Refusal;

/// Gone items that a run may still list, beyond as many as it has.
const MEMBERS_SLACK: usize = 64;

/// One run.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) id: RunId,
    /// Highest coordinator term seen.
    pub(crate) term: Term,
    /// Cancelled under this term and all before it.
    pub(crate) cancelled: Option<Term>,
    pub(crate) outstanding: u32,
    /// Items of this run, some of them gone: slot and the slot's life.
    members: Vec<(Handle, u32)>,
    idle_since: u64,
}

/// All runs that are known, a bounded number: the one that idles longest makes room for a new one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Runs {
    slots: Vec<Run>,
    /// Their names by slot, close together: messages are full of them.
    ids: Vec<RunId>,
    slot_of: Map<RunId, u32>,
    idle: BTreeSet<(u64, u32)>,
    stamp: u64,
    capacity: usize,
}

impl Runs {
    pub(crate) fn new(capacity: u32) -> Self {
        Self { capacity: capacity as usize, ..Self::default() }
    }

    pub(crate) fn get(&self, slot: u32) -> &Run {
        &self.slots[slot as usize]
    }

    #[inline]
    pub(crate) fn id(&self, slot: u32) -> RunId {
        self.ids[slot as usize]
    }

    /// The slot of a run that is known.
    pub(crate) fn slot(&self, id: RunId) -> Option<u32> {
        self.slot_of.get(&id).copied()
    }

    pub(crate) fn get_mut(&mut self, slot: u32) -> &mut Run {
        &mut self.slots[slot as usize]
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Run> {
        self.slots.iter()
    }

    /// The slot of a run for which `term` speaks; a new one where it isn't known. `None`: no room for a new one.
    pub(crate) fn enter(&mut self, id: RunId, term: Term) -> Option<u32> {
        if let Some(slot) = self.slot(id) {
            return Some(slot);
        }
        let run = Run { id, term, cancelled: None, outstanding: 0, members: Vec::new(), idle_since: self.stamp };
        let slot = if self.slots.len() < self.capacity {
            self.slots.push(run);
            self.ids.push(id);
            self.slots.len() as u32 - 1
        } else {
            let (_, slot) = self.idle.pop_first()?;
            self.slot_of.remove(&self.slots[slot as usize].id);
            (self.slots[slot as usize], self.ids[slot as usize]) = (run, id);
            slot
        };
        self.slot_of.insert(id, slot);
        self.idle.insert((self.stamp, slot));
        self.stamp += 1;
        Some(slot)
    }

    /// Whether `term` may submit; raises the run's term if so.
    pub(crate) fn admit(&mut self, slot: u32, term: Term) -> Result<(), Refusal> {
        let run = self.get_mut(slot);
        if run.cancelled.is_some_and(|cancelled| term <= cancelled) {
            return Err(Refusal::Cancelled);
        }
        if term < run.term {
            return Err(Refusal::StaleTerm);
        }
        run.term = term;
        Ok(())
    }

    /// An item of this run is outstanding.
    pub(crate) fn gained(&mut self, slot: u32, item: Handle, arena: &Arena) {
        let run = &mut self.slots[slot as usize];
        if run.outstanding == 0 {
            self.idle.remove(&(run.idle_since, slot));
        }
        run.outstanding += 1;
        if run.members.len() > MEMBERS_SLACK + 2 * run.outstanding as usize {
            run.members.retain(|&member| is_member(arena, member));
        }
        run.members.push((item, arena.life(item)));
    }

    /// Items that are outstanding no more.
    #[inline]
    pub(crate) fn lost(&mut self, slot: u32, count: u32) {
        if count == 0 {
            return;
        }
        let run = &mut self.slots[slot as usize];
        run.outstanding -= count;
        if run.outstanding == 0 {
            run.members.clear();
            run.idle_since = self.stamp;
            self.idle.insert((self.stamp, slot));
            self.stamp += 1;
        }
    }
}

impl Run {
    /// What is outstanding of it.
    pub(crate) fn items<'a>(&'a self, arena: &'a Arena) -> impl Iterator<Item = Handle> + 'a {
        self.members.iter().filter(|&&member| is_member(arena, member)).map(|&(item, _)| item)
    }
}

fn is_member(arena: &Arena, (item, life): (Handle, u32)) -> bool {
    arena.life(item) == life && !arena.is_cancelled(item) && arena.phase(item) != Phase::Free
}
