//! The devices: what they offer, what they hold, when they rest.

use std::collections::VecDeque;

use domain::id::WorkerId;

use crate::arena::Map;
use crate::cells::Cells;
use crate::cost::CostFit;
use crate::event::BatchId;
use crate::item::NodeKey;
use crate::ready::Stand;

/// One model on one device.
#[derive(Clone, Debug)]
pub(crate) struct Offer {
    pub(crate) model: u32,
    pub(crate) resident: bool,
    pub(crate) load_ms: u32,
    pub(crate) cells: Cells,
    pub(crate) fit: CostFit,
    /// Memory of its weights, ...
    pub(crate) weights_bytes: i64,
    /// ... and of its activations.
    pub(crate) bytes_per_token: u32,
    /// Number of the last batch that needed it.
    pub(crate) last_used: u64,
    /// How the worker stands among those that are ready for the model.
    pub(crate) ready_key: Option<(Stand, u64)>,
}

impl Offer {
    /// Predicted time of an item.
    pub(crate) fn item_ns(&self, tokens: u32) -> f64 {
        self.fit.cost().item_ns(tokens)
    }

    /// Time until it can run.
    pub(crate) fn load_ns(&self) -> u64 {
        if self.resident { 0 } else { u64::from(self.load_ms) * 1_000_000 }
    }
}

/// One device.
#[derive(Clone, Debug)]
pub(crate) struct Worker {
    pub(crate) id: WorkerId,
    pub(crate) node: NodeKey,
    pub(crate) epoch: u64,
    pub(crate) credits: u32,
    pub(crate) offers: Vec<Offer>,
    /// Batches in the order in which they were given; the first one runs.
    pub(crate) held: VecDeque<BatchId>,
    pub(crate) draining: bool,
    /// Gets nothing before this time.
    pub(crate) rests_until_ms: Option<u64>,
    /// Batches of its own choosing that failed since one went well.
    pub(crate) failures: u32,
    /// When it is predicted to have done all that it holds.
    pub(crate) free_at_ns: u64,
    /// Memory for loading and running; `None` when unknown.
    pub(crate) spare_bytes: Option<i64>,
    /// It reported less memory than what it holds needs, which nobody here can help.
    pub(crate) overbooked: bool,
    pub(crate) since_ms: u64,
    pub(crate) busy_us: u64,
}

impl Worker {
    pub(crate) fn takes_work(&self) -> bool {
        !self.draining && self.rests_until_ms.is_none() && (self.held.len() as u32) < self.credits
    }

    pub(crate) fn offer_mut(&mut self, model: u32) -> Option<&mut Offer> {
        self.offers.iter_mut().find(|offer| offer.model == model)
    }
}

/// All devices that are known, and the last life of those that were lost.
#[derive(Clone, Debug, Default)]
pub(crate) struct Workers {
    slots: Vec<Option<Worker>>,
    free: Vec<u32>,
    slot_of: Map<WorkerId, u32>,
    ended: Map<WorkerId, u64>,
    ended_order: VecDeque<(WorkerId, u64)>,
    capacity: usize,
}

impl Workers {
    pub(crate) fn new(capacity: u32) -> Self {
        Self { capacity: capacity as usize, ..Self::default() }
    }

    pub(crate) fn slot(&self, id: WorkerId) -> Option<u32> {
        self.slot_of.get(&id).copied()
    }

    pub(crate) fn get(&self, slot: u32) -> Option<&Worker> {
        self.slots.get(slot as usize)?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, slot: u32) -> Option<&mut Worker> {
        self.slots.get_mut(slot as usize)?.as_mut()
    }

    /// By slot.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &Worker)> {
        self.slots.iter().enumerate().filter_map(|(slot, worker)| Some((slot as u32, worker.as_ref()?)))
    }

    /// Whether this life of a worker is known to be over.
    pub(crate) fn has_ended(&self, id: WorkerId, epoch: u64) -> bool {
        self.ended.get(&id).is_some_and(|&ended| epoch <= ended)
    }

    /// `None`: as many are known as may be.
    pub(crate) fn insert(&mut self, worker: Worker) -> Option<u32> {
        if self.slot_of.len() >= self.capacity {
            return None;
        }
        let id = worker.id;
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slots[slot as usize] = Some(worker);
                slot
            }
            None => {
                self.slots.push(Some(worker));
                self.slots.len() as u32 - 1
            }
        };
        self.slot_of.insert(id, slot);
        Some(slot)
    }

    /// Takes a worker out; messages of this life and earlier ones count as late from now on.
    pub(crate) fn remove(&mut self, slot: u32) -> Option<Worker> {
        let worker = self.slots.get_mut(slot as usize)?.take()?;
        self.slot_of.remove(&worker.id);
        self.free.push(slot);
        self.end(worker.id, worker.epoch);
        Some(worker)
    }

    fn end(&mut self, id: WorkerId, epoch: u64) {
        self.ended.insert(id, epoch);
        self.ended_order.push_back((id, epoch));
        while self.ended_order.len() > self.capacity {
            if let Some((id, epoch)) = self.ended_order.pop_front()
                && self.ended.get(&id) == Some(&epoch)
            {
                self.ended.remove(&id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_lives_that_ended_are_remembered_as_there_may_be_workers() {
        let mut workers = Workers::new(3);
        (0..10).for_each(|n| workers.end(WorkerId(n), 5));
        assert_eq!((workers.ended.len(), workers.ended_order.len()), (3, 3));
        assert!((7..10).all(|n| workers.has_ended(WorkerId(n), 5)));
        // One that ended twice is forgotten by the later time.
        workers.end(WorkerId(9), 6);
        workers.end(WorkerId(10), 5);
        workers.end(WorkerId(11), 5);
        assert!(workers.has_ended(WorkerId(9), 6));
        workers.end(WorkerId(12), 5);
        assert!(!workers.has_ended(WorkerId(9), 5));
    }
}
