//! Who is ready for a model: found by least expected finish without looking at everybody.

use std::collections::BTreeSet;

use crate::event::Action;
use crate::memory;
use crate::state::State;
use crate::worker::Worker;

/// Ready devices of each kind that are compared for one batch.
const EACH: usize = 2;
/// Most devices that are compared for one batch.
pub(crate) const CANDIDATES: usize = 3 * EACH;
/// Tokens by which the speed of devices is compared.
const REFERENCE_TOKENS: u32 = 128;

/// How a ready device stands. Within each kind the best one is known whatever the time and the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stand {
    /// It idles and has the model: the fastest is best.
    Idle = 0,
    /// It idles and would have to load the model: the one that loads and runs an item soonest is best.
    Cold = 1,
    /// It runs something and can stage one more: the one that is done soonest is best.
    Busy = 2,
}

/// Devices with a free credit and room in memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ready {
    sets: [BTreeSet<(u64, u32)>; 3],
}

impl Ready {
    pub(crate) fn len(&self) -> usize {
        self.sets.iter().map(BTreeSet::len).sum()
    }

    pub(crate) fn holds(&self, (stand, rank): (Stand, u64), slot: u32) -> bool {
        self.sets[stand as usize].contains(&(rank, slot))
    }

    fn insert(&mut self, (stand, rank): (Stand, u64), slot: u32) {
        self.sets[stand as usize].insert((rank, slot));
    }

    pub(crate) fn remove(&mut self, (stand, rank): (Stand, u64), slot: u32) {
        self.sets[stand as usize].remove(&(rank, slot));
    }

    /// The fastest few that idle and have the model.
    pub(crate) fn idle(&self) -> impl Iterator<Item = u32> + '_ {
        self.sets[Stand::Idle as usize].iter().map(|&(_, slot)| slot)
    }
}

impl State {
    /// The few devices among which the next batch of a model finishes soonest, soonest first.
    pub(crate) fn soonest(&self, model: usize) -> [Option<u32>; CANDIDATES] {
        let queue = &self.models[model];
        let tokens: u64 = queue.waiting.iter().map(|waiting| waiting.tokens).sum();
        let share = tokens as f64 / f64::from(REFERENCE_TOKENS);
        let budget_ns = f64::from(self.config.batch_budget_ms) * 1e6;
        let now_ns = self.now_ms.saturating_mul(1_000_000);
        let mut found = [(u64::MAX, u32::MAX); CANDIDATES];
        let best = queue.ready.sets.iter().flat_map(|set| set.iter().take(EACH));
        for (place, &(_, slot)) in found.iter_mut().zip(best) {
            let Some(worker) = self.workers.get(slot) else { continue };
            let Some(offer) = worker.offers.iter().find(|offer| offer.model as usize == model) else { continue };
            let runs_ns = (offer.item_ns(REFERENCE_TOKENS) * share).min(budget_ns) as u64;
            let waits_ns = worker.free_at_ns.saturating_sub(now_ns);
            *place = (waits_ns.saturating_add(offer.load_ns()).saturating_add(runs_ns), slot);
        }
        found.sort_unstable();
        found.map(|(_, slot)| (slot != u32::MAX).then_some(slot))
    }

    /// Puts a worker into the ready sets of its models, or takes it out, as its state demands.
    pub(crate) fn sync_ready(&mut self, slot: u32) {
        let Some(worker) = self.workers.get(slot) else { return };
        let takes_work = worker.takes_work();
        for index in 0..worker.offers.len() {
            let Some(worker) = self.workers.get(slot) else { return };
            let key = (takes_work && self.room(worker, index).is_some()).then(|| stand(worker, index));
            let Some(offer) = self.workers.get_mut(slot).and_then(|worker| worker.offers.get_mut(index)) else {
                return;
            };
            let was = std::mem::replace(&mut offer.ready_key, key);
            if was == key {
                continue;
            }
            let ready = &mut self.models[offer.model as usize].ready;
            if let Some(was) = was {
                ready.remove(was, slot);
            }
            if let Some(key) = key {
                ready.insert(key, slot);
                self.dirty.insert(offer.model);
            }
        }
    }

    /// What a worker's memory leaves for a model now; `None` if it can't take it.
    pub(crate) fn room(&self, worker: &Worker, index: usize) -> Option<memory::Room> {
        let held = worker.held.iter().filter_map(|id| self.batches.get(id));
        let running_bytes = held.clone().map(|batch| batch.activation_bytes).max().unwrap_or(0);
        let in_use = |model: u32| held.clone().any(|batch| batch.model == model);
        memory::room(worker, index, self.config.max_item_tokens, running_bytes, in_use)
    }

    /// Makes the room that a batch needs and takes it.
    pub(crate) fn load(&mut self, slot: u32, index: usize, room: &memory::Room, actions: &mut Vec<Action>) {
        let Some(worker) = self.workers.get_mut(slot) else { return };
        for &other in &room.unload {
            worker.unload(other);
            let model = self.models[worker.offers[other].model as usize].key;
            actions.push(Action::Unload { worker: worker.id, model });
        }
        worker.load(index, self.next_batch);
    }
}

fn stand(worker: &Worker, index: usize) -> (Stand, u64) {
    let offer = &worker.offers[index];
    let item_ns = offer.item_ns(REFERENCE_TOKENS) as u64;
    match (worker.held.is_empty(), offer.resident) {
        (true, true) => (Stand::Idle, item_ns),
        (true, false) => (Stand::Cold, item_ns.saturating_add(offer.load_ns())),
        (false, _) => (Stand::Busy, worker.free_at_ns.saturating_add(item_ns).saturating_add(offer.load_ns())),
    }
}
