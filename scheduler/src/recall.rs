//! Staged bulk batches make way for what is urgent.
//!
//! No capacity is held in reserve: where urgent work finds no free credit, a batch that is staged and hasn't begun is
//! asked back. A worker that has begun it just runs on.

use crate::event::{Action, BatchId};
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
            let model = &self.models[index];
            let urgent = model.waiting[rank(Class::Interactive)].items;
            if model.recalls[rank(Class::Interactive)] > urgent / URGENT_PER_RECALL {
                return;
            }
            let Some(&id) = model.recallable.first() else { return };
            self.ask_back(id, index, Class::Interactive, actions);
        }
    }

    /// A batch that was asked back ended, or began before the word came: whoever asked may ask for another one.
    pub(crate) fn end_recall(&mut self, recalled_for: Option<(u32, Class)>) {
        if let Some((model, class)) = recalled_for {
            self.models[model as usize].recalls[rank(class)] -= 1;
        }
    }
}
