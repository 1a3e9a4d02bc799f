//! The runs that items belong to: who may speak for them, how much they have outstanding.

use std::collections::BTreeSet;

use domain::id::{RunId, Term};

use crate::arena::Map;
use crate::event::Refusal;
use crate::list::List;

/// One run.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) id: RunId,
    /// Highest coordinator term seen.
    pub(crate) term: Term,
    /// Cancelled under this term and all before it.
    pub(crate) cancelled: Option<Term>,
    pub(crate) outstanding: u32,
    pub(crate) items: List,
    idle_since: u64,
}

/// All runs that are known, a bounded number: the one that idles longest makes room for a new one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Runs {
    slots: Vec<Run>,
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

    pub(crate) fn get_mut(&mut self, slot: u32) -> &mut Run {
        &mut self.slots[slot as usize]
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Run> {
        self.slots.iter()
    }

    /// The slot of a run for which `term` speaks; a new one where it isn't known. `None`: no room for a new one.
    pub(crate) fn enter(&mut self, id: RunId, term: Term) -> Option<u32> {
        if let Some(&slot) = self.slot_of.get(&id) {
            return Some(slot);
        }
        let run = Run { id, term, cancelled: None, outstanding: 0, items: List::EMPTY, idle_since: self.stamp };
        let slot = if self.slots.len() < self.capacity {
            self.slots.push(run);
            self.slots.len() as u32 - 1
        } else {
            let (_, slot) = self.idle.pop_first()?;
            self.slot_of.remove(&self.slots[slot as usize].id);
            self.slots[slot as usize] = run;
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

    /// One more item is outstanding.
    pub(crate) fn gained(&mut self, slot: u32) {
        let run = &mut self.slots[slot as usize];
        if run.outstanding == 0 {
            self.idle.remove(&(run.idle_since, slot));
        }
        run.outstanding += 1;
    }

    /// One item fewer is outstanding.
    pub(crate) fn lost(&mut self, slot: u32) {
        let run = &mut self.slots[slot as usize];
        run.outstanding -= 1;
        if run.outstanding == 0 {
            run.idle_since = self.stamp;
            self.idle.insert((self.stamp, slot));
            self.stamp += 1;
        }
    }
}
