//! A batch that is late runs a second time where a device idles; whichever answers first counts.
//!
//! Late means some times what was predicted. Hedges take a small share of all device time at most, only devices that
//! have the model and nothing else to do, and never an item that is suspected of killing its worker.

use crate::arena::Phase;
use crate::event::{Action, BatchId, CancelReason};
use crate::placement::Order;
use crate::state::{Batch, State};

/// Devices looked at for one that isn't on the late one's node.
const LOOK_AHEAD: usize = 8;

impl State {
    /// A batch is running: notes when it is late.
    pub(crate) fn expect(&mut self, id: BatchId) {
        let Some(batch) = self.batches.get_mut(&id) else { return };
        if self.config.hedge_share <= 0.0 || batch.items.is_empty() || batch.twin.is_some() {
            return;
        }
        let late_ms = (batch.predicted_ns / 1e6 * self.config.hedge_after_factor) as u64;
        let late_ms = late_ms.max(self.config.hedge_after_ms).saturating_add(u64::from(batch.load_ms));
        let late_ms = self.now_ms.saturating_add(late_ms);
        batch.late_ms = Some(late_ms);
        self.lateness.insert((late_ms, id));
    }

    /// Notes which batches are late by now.
    pub(crate) fn find_late(&mut self) {
        while let Some(&(late_ms, id)) = self.lateness.first() {
            if late_ms > self.now_ms {
                break;
            }
            self.lateness.pop_first();
            if let Some(batch) = self.batches.get(&id) {
                let model = batch.model;
                self.models[model as usize].late.insert((late_ms, id));
                self.mark(model);
            }
        }
    }

    /// A batch is expected no more.
    pub(crate) fn expect_no_more(&mut self, batch: &mut Batch) {
        if let Some(late_ms) = batch.late_ms.take() {
            let id = batch.lease.batch;
            self.lateness.remove(&(late_ms, id));
            self.models[batch.model as usize].late.remove(&(late_ms, id));
        }
    }

    /// Runs late batches of a model again on devices that have nothing to do, within the budget.
    pub(crate) fn hedge(&mut self, model: usize, actions: &mut Vec<Action>) {
        while !self.models[model].has_work(self.now_ms) {
            let Some(&(late_ms, id)) = self.models[model].late.first() else { return };
            let Some(slot) = self.hedger(model, id) else { return };
            if !self.hedge_on(slot, id, actions) {
                return;
            }
            self.models[model].late.remove(&(late_ms, id));
        }
    }

    /// An idle device for a late batch: the fastest, on another node if there is one.
    fn hedger(&self, model: usize, id: BatchId) -> Option<u32> {
        let late = self.workers.get(self.batches.get(&id)?.worker)?;
        let mut idle = self.models[model].ready.idle().take(LOOK_AHEAD);
        let first = idle.next()?;
        let elsewhere = |slot: &u32| self.workers.get(*slot).is_some_and(|worker| worker.node != late.node);
        Some(if elsewhere(&first) { first } else { idle.find(elsewhere).unwrap_or(first) })
    }

    /// `false`: the budget doesn't allow it yet. What can't be hedged at all is left alone.
    fn hedge_on(&mut self, slot: u32, id: BatchId, actions: &mut Vec<Action>) -> bool {
        let (Some(batch), Some(worker)) = (self.batches.get(&id), self.workers.get(slot)) else { return true };
        let Some(index) = worker.offers.iter().position(|offer| offer.model == batch.model) else { return true };
        let offer = &worker.offers[index];
        let bucket = self.buckets.of(batch.padded_len);
        let padded_tokens = batch.padded_len.saturating_mul(batch.items.len() as u32);
        let fits = self.room(worker, index).is_some_and(|room| padded_tokens <= room.tokens)
            && (padded_tokens <= offer.cells.cap(bucket) || batch.items.len() == 1);
        let predicted_ns = offer.fit.padded_item_ns(batch.padded_len, bucket) * batch.items.len() as f64;
        let affordable = self.hedged_ns + predicted_ns <= self.config.hedge_share * self.handed_ns;
        let innocent = batch.items.iter().all(|&item| {
            !self.arena.is_cancelled(item) && self.arena.get(item).crashes < self.config.suspect_after_crashes
        });
        if !fits || !innocent {
            return true;
        }
        if !affordable {
            return false;
        }
        let order = Order {
            class: batch.class,
            items: batch.items.clone(),
            assigned: batch.assigned.clone(),
            padded_len: batch.padded_len,
            tries: batch.lease.attempt,
            load_ns: 0,
            hedges: Some(id),
            patient_until_ms: None,
        };
        let twin = BatchId(self.next_batch);
        self.hedged_ns += predicted_ns;
        self.totals.hedges += 1;
        self.hand_out(slot, index, order, actions);
        if let Some(batch) = self.batches.get_mut(&id) {
            batch.twin = Some(twin);
        }
        true
    }

    /// One of two that run the same items is done: the other one's answer only frees its credit from now on.
    pub(crate) fn drop_twin(&mut self, done: &Batch, actions: &mut Vec<Action>) {
        let Some(mut twin) = done.twin.and_then(|twin| self.batches.remove(&twin)) else { return };
        self.totals.hedges_won += u64::from(done.hedge);
        let (slot, lease) = (twin.worker, twin.lease);
        self.expect_no_more(&mut twin);
        self.forget_recallable(slot, lease.batch);
        if !twin.hedge {
            self.leased -= twin.items.len() as u32;
        }
        (twin.twin, twin.items) = (None, Vec::new());
        if let Some(worker) = self.workers.get(slot) {
            let reason = CancelReason::Superseded;
            actions.push(Action::CancelBatch { worker: worker.id, lease, reason });
        }
        twin.asked_back = true;
        self.batches.insert(lease.batch, twin);
    }

    /// One of two that run the same items came to nothing: the other one has them alone.
    pub(crate) fn leave_to_twin(&mut self, failed: &mut Batch) {
        let Some(id) = failed.twin.take() else { return };
        let Some(twin) = self.batches.get_mut(&id) else { return };
        twin.twin = None;
        if std::mem::replace(&mut twin.hedge, false) {
            for &item in &failed.items {
                self.arena.place(item, Phase::Leased(id));
            }
            self.leased += failed.items.len() as u32;
        }
        failed.items.clear();
    }
}
