//! Staged bulk batches make way for what is urgent.
//!
//! No capacity is held in reserve: where urgent work finds no free credit, a batch that is staged and hasn't begun is
//! asked back. A worker that has begun it just runs on.

use crate::event::{Action, BatchId, CancelReason};
use crate::item::Class;
use crate::model::rank;
use crate::state::State;

/// Urgent items for which one staged batch is asked back.
const URGENT_PER_RECALL: u32 = 64;

impl State {
    /// A staged bulk batch can be asked back for any model that its worker serves.
    pub(crate) fn note_recallable(&mut self, slot: u32, id: BatchId) {
        let staged = self
            .batches
            .get(&id)
            .is_some_and(|batch| batch.expires_ms.is_none() && batch.class == Class::Bulk && !batch.asked_back);
        if let Some(worker) = self.workers.get(slot).filter(|_| staged) {
            for offer in &worker.offers {
                self.models[offer.model as usize].recallable.insert(id);
            }
        }
    }

    pub(crate) fn forget_recallable(&mut self, slot: u32, id: BatchId) {
        if let Some(worker) = self.workers.get(slot) {
            for offer in &worker.offers {
                self.models[offer.model as usize].recallable.remove(&id);
            }
        }
    }

    /// Where urgent work finds no free credit, staged bulk batches are asked back for it.
    pub(crate) fn recall(&mut self, index: usize, actions: &mut Vec<Action>) {
        while self.models[index].has_urgent(self.now_ms) {
            let model = &mut self.models[index];
            let urgent = model.waiting[rank(Class::Interactive)].items;
            if model.recalls > urgent / URGENT_PER_RECALL {
                return;
            }
            let Some(&id) = model.recallable.first() else { return };
            model.recalls += 1;
            let Some(batch) = self.batches.get_mut(&id) else { return };
            batch.asked_back = true;
            batch.recalled_for = Some(index as u32);
            let (slot, lease) = (batch.worker, batch.lease);
            self.forget_recallable(slot, id);
            if let Some(worker) = self.workers.get(slot) {
                actions.push(Action::CancelBatch { worker: worker.id, lease, reason: CancelReason::Recalled });
            }
        }
    }
}
