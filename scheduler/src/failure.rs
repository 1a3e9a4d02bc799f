//! Leases end: well, badly, or because a worker is gone.
//!
//! Items of a batch that failed on its own account run again in halves, so that a poison item stands alone after
//! 2·⌈log₂ n⌉ runs more and only a failure by itself counts against an item. Items of a worker that is gone come back
//! at once and lose no attempt; those it was running become suspects after two such losses on different workers, and
//! run alone from then on.

use domain::id::WorkerId;

use crate::arena::Handle;
use crate::event::{Action, BatchId, CancelReason, Failure, ItemFailure, Lease};
use crate::item::NodeKey;
use crate::model::Group;
use crate::state::{Batch, State};
use crate::worker::Offer;

/// Fresh batches that fail in a row before a worker is taken for the cause.
const FAILURES_BEFORE_REST: u32 = 2;
/// Further crashes on one node that count like one on another: where there is only one node, an item that kills its
/// workers must be found out too.
const CRASHES_THERE: u8 = 2;

impl State {
    pub(crate) fn batch_done(&mut self, worker: WorkerId, lease: Lease, elapsed_us: u64, actions: &mut Vec<Action>) {
        let Some(batch) = self.close(worker, lease) else { return };
        self.drop_twin(&batch, actions);
        let ran = batch.assigned.len() as u32;
        let padded_tokens = batch.padded_len.saturating_mul(ran);
        let bucket = self.buckets.of(batch.padded_len);
        if let Some(worker) = self.workers.get_mut(batch.worker) {
            worker.failures = 0;
            worker.busy_us = worker.busy_us.saturating_add(elapsed_us);
            if let Some(offer) = worker.offer_mut(batch.model) {
                offer.fit.learn(ran, batch.padded_len, bucket, elapsed_us);
                offer.cells.went_well(bucket, padded_tokens);
                self.models[batch.model as usize].learn(offer.fit.cost());
            }
        }
        let mut unwanted = Vec::new();
        let (mut run, mut ended) = (0, 0);
        for (place, &item) in batch.items.iter().enumerate() {
            if self.arena.is_cancelled(item) {
                unwanted.push(place as u32);
                self.arena.free(item);
                continue;
            }
            // Neighbours in a batch are mostly of one run.
            let slot = self.arena.end(item);
            if slot != run {
                self.runs.lost(run, ended);
                (run, ended) = (slot, 0);
            }
            ended += 1;
        }
        self.runs.lost(run, ended);
        let wanted = batch.items.len() - unwanted.len();
        self.totals.completed += wanted as u64;
        if wanted > 0 {
            actions.push(Action::Completed { batch: batch.lease.batch, items: batch.assigned, unwanted });
        }
        self.sync_ready(batch.worker);
        self.report_drained(batch.worker, actions);
    }

    pub(crate) fn batch_failed(&mut self, worker: WorkerId, lease: Lease, failure: Failure, actions: &mut Vec<Action>) {
        let Some(mut batch) = self.close(worker, lease) else { return };
        let sent = batch.assigned.len() as u32;
        self.leave_to_twin(&mut batch);
        let items = self.still_wanted(std::mem::take(&mut batch.items));
        let tries = lease.attempt;
        match failure {
            Failure::Released => {
                let patient_until_ms = self.patience(&batch);
                let group = Group { items, tries: tries.saturating_sub(1), avoid: None, patient_until_ms };
                self.run_again(batch.model, batch.class, self.now_ms, group);
            }
            Failure::Rejected => {
                self.rest(batch.worker);
                let group = Group {
                    items,
                    tries: tries.saturating_sub(1),
                    avoid: Some(worker),
                    patient_until_ms: batch.patient_until_ms,
                };
                self.run_again(batch.model, batch.class, self.now_ms, group);
            }
            Failure::OutOfMemory => {
                let (buckets, padded_tokens) = (&self.buckets, sent.saturating_mul(batch.padded_len));
                if let Some(holder) = self.workers.get_mut(batch.worker)
                    && let Some(offer) = holder.offer_mut(batch.model)
                {
                    offer.cells.too_much(buckets.of(batch.padded_len), padded_tokens, buckets);
                }
                self.split(&batch, items, sent, worker, ItemFailure::OutOfMemory, actions);
            }
            Failure::Error => {
                if tries == 1 && !items.is_empty() {
                    self.suspect_worker(batch.worker);
                }
                self.split(&batch, items, sent, worker, ItemFailure::Error, actions);
            }
        }
        self.sync_ready(batch.worker);
        self.report_drained(batch.worker, actions);
    }

    /// Runs a failed batch again in halves, or a single item again after a pause until its attempts are spent.
    fn split(
        &mut self,
        batch: &Batch,
        mut items: Vec<Handle>,
        sent: u32,
        avoid: WorkerId,
        reason: ItemFailure,
        actions: &mut Vec<Action>,
    ) {
        let (tries, avoid) = (batch.lease.attempt, Some(avoid));
        if sent > 1 {
            let second = items.split_off(items.len().div_ceil(2));
            for items in [items, second] {
                self.run_again(
                    batch.model,
                    batch.class,
                    self.now_ms,
                    Group { items, tries, avoid, patient_until_ms: None },
                );
            }
            return;
        }
        for item in items {
            let entry = self.arena.get_mut(item);
            entry.attempts = entry.attempts.saturating_add(1);
            let attempts = entry.attempts;
            if attempts >= self.config.max_attempts {
                self.give_up(item, reason, actions);
            } else {
                self.report_marks([item].iter(), actions);
                let ready_ms = self.now_ms.saturating_add(self.backoff_ms(u32::from(attempts)));
                self.run_again(
                    batch.model,
                    batch.class,
                    ready_ms,
                    Group { items: vec![item], tries, avoid, patient_until_ms: None },
                );
            }
        }
    }

    /// Takes a worker out and brings back what it held. Answers what was learnt of the device.
    pub(crate) fn lose(&mut self, slot: u32, actions: &mut Vec<Action>) -> Vec<Offer> {
        let learnt = self.withdraw(slot);
        let Some(worker) = self.workers.remove(slot) else { return learnt };
        if let Some(until_ms) = worker.rests_until_ms {
            self.resting.remove(&(until_ms, slot));
        }
        for (place, id) in worker.held.into_iter().enumerate() {
            let Some(mut batch) = self.take_batch(id) else { continue };
            let alone = batch.items.len() == 1;
            if place == 0 {
                self.blame_all(&batch, worker.node, alone);
            }
            self.leave_to_twin(&mut batch);
            let mut items = self.still_wanted(std::mem::take(&mut batch.items));
            let mut suspects = Vec::new();
            if place == 0 {
                let suspect_after = self.config.suspect_after_crashes;
                items.retain(|&item| {
                    let suspect = self.arena.get(item).crashes >= suspect_after;
                    if suspect {
                        suspects.push(item);
                    }
                    !suspect
                });
                self.report_marks(items.iter().chain(&suspects), actions);
            }
            let tries = batch.lease.attempt;
            self.run_again(
                batch.model,
                batch.class,
                self.now_ms,
                Group { items, tries, avoid: None, patient_until_ms: None },
            );
            for item in suspects {
                if self.arena.get(item).lone_crashes >= self.config.max_lone_crashes {
                    self.give_up(item, ItemFailure::Crashes, actions);
                } else {
                    let group = Group { items: vec![item], tries, avoid: Some(worker.id), patient_until_ms: None };
                    self.run_again(batch.model, batch.class, self.now_ms, group);
                }
            }
        }
        learnt
    }

    fn blame_all(&mut self, batch: &Batch, node: NodeKey, alone: bool) {
        for &item in &batch.items {
            self.blame(item, node, alone);
        }
    }

    /// Notes that an item was running when a worker went.
    fn blame(&mut self, item: Handle, node: NodeKey, alone: bool) {
        let suspect_after = self.config.suspect_after_crashes;
        let entry = self.arena.get_mut(item);
        if alone && entry.crashes >= suspect_after {
            entry.lone_crashes = entry.lone_crashes.saturating_add(1);
        }
        let elsewhere = entry.crashed_on != Some(node);
        entry.crashed_again = if elsewhere { 0 } else { entry.crashed_again + 1 };
        if elsewhere || entry.crashed_again >= CRASHES_THERE {
            entry.crashes = entry.crashes.saturating_add(1);
            (entry.crashed_on, entry.crashed_again) = (Some(node), 0);
        }
    }

    /// Tells coordinators what a later scheduler should know of their items.
    fn report_marks<'a>(&self, items: impl Iterator<Item = &'a Handle>, actions: &mut Vec<Action>) {
        let marked = |&item: &Handle| (self.arena.assigned(item, &self.runs), self.arena.get(item).marks());
        let items: Vec<_> = items.map(marked).collect();
        if !items.is_empty() {
            actions.push(Action::Marked { items });
        }
    }

    /// Gives up leases that ran out: a worker that is silent for so long is taken for lost.
    pub(crate) fn expire_leases(&mut self, actions: &mut Vec<Action>) {
        while let Some(&(expires_ms, id)) = self.expiries.first() {
            if expires_ms > self.now_ms {
                break;
            }
            let Some(batch) = self.batches.get(&id) else { break };
            let (slot, lease) = (batch.worker, batch.lease);
            let Some((worker, epoch)) = self.workers.get(slot).map(|worker| (worker.id, worker.epoch)) else { break };
            actions.push(Action::CancelBatch { worker, lease, reason: CancelReason::Expired });
            actions.push(Action::WorkerHung { worker, epoch });
            self.lose(slot, actions);
        }
    }

    /// Ends the lease that this worker holds, if it is this very one.
    fn close(&mut self, worker: WorkerId, lease: Lease) -> Option<Batch> {
        let worker_slot = self.workers.slot(worker);
        let held = worker_slot.filter(|&slot| {
            self.batches.get(&lease.batch).is_some_and(|batch| batch.lease == lease && batch.worker == slot)
        });
        if held.is_none()
            && let Some(lease) = worker_slot.and_then(|slot| self.adopted_as(slot, lease))
        {
            return self.close(worker, lease);
        }
        let Some(slot) = held else {
            self.totals.stale += 1;
            return None;
        };
        self.forget_recallable(slot, lease.batch);
        let batch = self.take_batch(lease.batch)?;
        if let Some(worker) = self.workers.get_mut(slot) {
            worker.held.retain(|&held| held != lease.batch);
        }
        self.forecast(slot);
        self.begin_first(slot);
        Some(batch)
    }

    /// When the worker will be done with what it still holds.
    fn forecast(&mut self, slot: u32) {
        let Some(worker) = self.workers.get_mut(slot) else { return };
        let left = worker.held.iter().filter_map(|id| self.batches.get(id));
        let left_ns: u64 = left.map(|batch| batch.predicted_ns as u64).sum();
        worker.free_at_ns = self.now_ms.saturating_mul(1_000_000).saturating_add(left_ns);
    }

    /// Takes a batch out of every table but its worker's.
    fn take_batch(&mut self, id: BatchId) -> Option<Batch> {
        let mut batch = self.batches.remove(&id)?;
        self.expect_no_more(&mut batch);
        if !batch.hedge {
            self.leased -= batch.items.len() as u32;
        }
        if let Some(expires_ms) = batch.expires_ms {
            self.expiries.remove(&(expires_ms, id));
        }
        self.end_recall(batch.recalled_for);
        Some(batch)
    }

    /// Frees the items whose run was cancelled meanwhile, and those that were adopted and never claimed.
    fn still_wanted(&mut self, mut items: Vec<Handle>) -> Vec<Handle> {
        items.retain(|&item| {
            let (cancelled, unclaimed) = (self.arena.is_cancelled(item), self.arena.get(item).unclaimed);
            if cancelled {
                self.arena.free(item);
            } else if unclaimed {
                self.totals.cancelled += 1;
                self.retire(item);
            }
            !cancelled && !unclaimed
        });
        items
    }

    fn suspect_worker(&mut self, slot: u32) {
        let Some(worker) = self.workers.get_mut(slot) else { return };
        worker.failures = worker.failures.saturating_add(1);
        if worker.failures >= FAILURES_BEFORE_REST {
            self.rest(slot);
        }
    }

    /// Gives a worker nothing for a while, longer each time until a batch goes well.
    fn rest(&mut self, slot: u32) {
        let Some(worker) = self.workers.get(slot) else { return };
        let until_ms = self.now_ms.saturating_add(self.backoff_ms(worker.failures));
        let Some(worker) = self.workers.get_mut(slot) else { return };
        worker.failures = worker.failures.saturating_add(1);
        if let Some(until_ms) = worker.rests_until_ms.replace(until_ms) {
            self.resting.remove(&(until_ms, slot));
        }
        self.resting.insert((until_ms, slot));
    }

    /// Ends the pauses that are over.
    pub(crate) fn wake_workers(&mut self) {
        while let Some(&(until_ms, slot)) = self.resting.first() {
            if until_ms > self.now_ms {
                break;
            }
            self.resting.pop_first();
            if let Some(worker) = self.workers.get_mut(slot) {
                worker.rests_until_ms = None;
            }
            self.sync_ready(slot);
        }
    }

    fn backoff_ms(&self, failures: u32) -> u64 {
        let doublings = failures.saturating_sub(1).min(20);
        self.config.backoff_ms.saturating_mul(1 << doublings).min(self.config.max_backoff_ms)
    }
}
