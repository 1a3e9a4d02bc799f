//! The devices: what they offer, what they hold, when they rest.

use std::collections::{BTreeMap, VecDeque};

use domain::id::WorkerId;

use crate::cells::Cells;
use crate::cost::CostFit;
use crate::event::{BatchId, ModelOffer};
use crate::item::NodeKey;

/// Length by which the speed of devices is compared.
const REFERENCE_TOKENS: u32 = 128;

/// One model on one device.
#[derive(Clone, Debug)]
pub(crate) struct Offer {
    pub(crate) model: u32,
    pub(crate) resident: bool,
    pub(crate) load_ms: u32,
    pub(crate) cells: Cells,
    pub(crate) fit: CostFit,
    /// Under which key the worker stands in the model's ready set.
    pub(crate) ready_key: Option<(u32, u64)>,
}

impl Offer {
    /// Nanoseconds for one item of middling length, loading included: orders devices that are equally empty.
    pub(crate) fn slowness_ns(&self) -> u64 {
        let load_ms = if self.resident { 0 } else { self.load_ms };
        self.fit.cost().item_ns(REFERENCE_TOKENS) as u64 + u64::from(load_ms) * 1_000_000
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
    slot_of: BTreeMap<WorkerId, u32>,
    ended: BTreeMap<WorkerId, u64>,
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

    /// By id.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &Worker)> {
        self.slot_of.values().filter_map(|&slot| Some((slot, self.get(slot)?)))
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

/// What a device takes at once of a model, after its memory: `None` if not even one item of `longest` tokens.
pub(crate) fn padded_tokens(offer: &ModelOffer, free_bytes: u64, share: f64, longest: u32) -> Option<u32> {
    let mut cap = u64::from(offer.max_padded_tokens);
    if free_bytes > 0 && offer.bytes_per_padded_token > 0 {
        let weights = if offer.resident { 0 } else { offer.weights_bytes };
        let usable = ((free_bytes as f64 * share) as u64).saturating_sub(weights);
        cap = cap.min(usable / u64::from(offer.bytes_per_padded_token));
    }
    (cap >= u64::from(longest)).then_some(u32::try_from(cap).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::ModelKey;

    fn offer(resident: bool) -> ModelOffer {
        ModelOffer {
            model: ModelKey(1),
            resident,
            load_ms: 0,
            max_padded_tokens: 16_384,
            weights_bytes: 500_000,
            bytes_per_padded_token: 100,
            prior: None,
        }
    }

    #[test]
    fn memory_caps_what_is_offered_and_weights_count_until_they_are_loaded() {
        assert_eq!(padded_tokens(&offer(true), 1_000_000, 0.9, 512), Some(9_000));
        assert_eq!(padded_tokens(&offer(false), 1_000_000, 0.9, 512), Some(4_000));
        assert_eq!(padded_tokens(&offer(false), 600_000, 0.9, 512), None);
        assert_eq!(padded_tokens(&offer(false), 0, 0.9, 512), Some(16_384), "unknown memory caps nothing");
    }
}
