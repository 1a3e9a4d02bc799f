//! What workers and coordinators say, as events of the core.

use cluster::body::Fault;
use cluster::body::runs::{ItemClass, ItemMarks, SubmitItems, SubmitReply};
use cluster::body::workers::{
    BatchDone, BatchFailed, BatchFailure, BatchLease, HeldWork, LeaderBegan, WorkerPresent, WorkerReady,
};
use cluster::link::Address;
use domain::id::WorkerId;
use scheduler::cost::Cost;
use scheduler::{
    Action, Assigned, BatchId, Class, Event, Failure, HeldBatch, ItemSpec, Lease, Marks, ModelKey, ModelOffer, NodeKey,
    Refusal,
};

use super::names::pack;
use super::{KnownWorker, SchedulerState};
use crate::clock::since_boot_ms;
use crate::entrance;

impl SchedulerState {
    pub(super) fn submit(&mut self, submit: SubmitItems, marks: &[ItemMarks]) -> Result<SubmitReply, Fault> {
        let full = Ok(SubmitReply::Full { retry_after_ms: 1_000 });
        let Some(model) = self.models.key(submit.model) else { return full };
        let mut items = specs(&submit, model, since_boot_ms())?;
        for mark in marks {
            if let Some(spec) = items.iter_mut().find(|spec| spec.item == mark.item) {
                spec.marks = Marks { attempts: mark.attempts, crashes: mark.crashes };
            }
        }
        // Their results are on the way already.
        items.retain(|spec| !self.takeover.was_delivered(submit.run, spec.item));
        if !self.runs.remember(&submit) {
            return full;
        }
        let mut answer = SubmitReply::Taken;
        self.core_step(Event::Submit { run: submit.run, term: submit.run_term, items });
        let mut actions = std::mem::take(&mut self.actions);
        for action in actions.drain(..) {
            match action {
                Action::Refused { reason: Refusal::StaleTerm | Refusal::Cancelled, .. } => {
                    answer = SubmitReply::StepDown;
                }
                Action::Refused { retry_after_ms, .. } => {
                    let retry_after_ms = u32::try_from(retry_after_ms).unwrap_or(u32::MAX);
                    answer = SubmitReply::Full { retry_after_ms };
                }
                other => self.act(other),
            }
        }
        self.actions = actions;
        Ok(answer)
    }

    /// A worker presents itself, as it does every second.
    pub(super) fn ready(&mut self, ready: &WorkerReady) {
        let known = |lease: &BatchLease| lease.term == self.term || self.takeover.lease_of(lease).is_some();
        if !ready.held.iter().all(known) {
            // It holds what an earlier leader gave it, and has yet to say what that is.
            if let Some(actor) = entrance::find(&self.scope, entrance::WORKER, &entrance::worker_name(ready.worker)) {
                Address::new(actor, self.wire).cast(LeaderBegan { term: self.term }, self.term);
            }
            return;
        }
        let held = ready.held.iter().map(|lease| HeldBatch {
            lease: self.takeover.lease_of(lease).unwrap_or_else(|| core_lease(*lease)),
            // Of a batch of this leader's own the lease says all.
            model: ModelKey(0),
            padded_len: 0,
            items: Vec::new(),
        });
        let held = held.collect();
        let node = self.workers.get(&ready.worker).map_or_else(|| node_key(ready.worker.0), |known| known.node);
        self.offered(ready, node, held);
    }

    /// A worker presents itself in full.
    pub(super) fn present(&mut self, present: WorkerPresent) {
        let WorkerPresent { ready, node, held } = present;
        let held = held.into_iter().filter_map(|work| self.held_batch(work)).collect();
        self.offered(&ready, node_key(node), held);
    }

    fn held_batch(&mut self, work: HeldWork) -> Option<HeldBatch> {
        let model = self.models.key(work.model)?;
        let mut items = Vec::new();
        for group in &work.groups {
            for item in &group.items {
                items.push(Assigned { run: group.run, item: item.item, tag: pack(item.offset, item.len)? });
            }
        }
        let lease = self.takeover.lease_of(&work.lease).unwrap_or_else(|| core_lease(work.lease));
        Some(HeldBatch { lease, model, padded_len: work.padded_len, items })
    }

    fn offered(&mut self, ready: &WorkerReady, node: NodeKey, held: Vec<HeldBatch>) {
        if self.workers.get(&ready.worker).is_none_or(|known| known.epoch != ready.epoch)
            && !self.meet(ready.worker, ready.epoch, node)
        {
            return;
        }
        let mut models = Vec::with_capacity(ready.models.len());
        for offer in &ready.models {
            let Some(model) = self.models.key(offer.model) else { continue };
            let prior = (offer.ns_per_token > 0)
                .then(|| Cost { ns_per_token: f64::from(offer.ns_per_token), ns_per_token_squared: 0.0 });
            models.push(ModelOffer {
                model,
                resident: offer.resident,
                load_ms: offer.load_ms,
                max_padded_tokens: offer.max_padded_tokens,
                weights_bytes: offer.weights_bytes,
                bytes_per_padded_token: offer.bytes_per_padded_token,
                prior,
            });
        }
        self.step(Event::WorkerReady {
            worker: ready.worker,
            node,
            epoch: ready.epoch,
            credits: ready.credits,
            models,
            free_memory_bytes: ready.free_bytes,
            held,
        });
    }

    /// Keeps a worker's address; false if nobody of that name can be found.
    fn meet(&mut self, worker: WorkerId, epoch: u64, node: NodeKey) -> bool {
        let Some(actor) = entrance::find(&self.scope, entrance::WORKER, &entrance::worker_name(worker)) else {
            tracing::warn!(%worker, "a worker that nobody can find");
            return false;
        };
        tracing::info!(%worker, epoch, "worker joined");
        self.workers.insert(worker, KnownWorker { epoch, node, address: Address::new(actor, self.wire), load: None });
        true
    }

    pub(super) fn done(&mut self, done: BatchDone) {
        let (worker, lease, elapsed_us) = (done.worker, core_lease(done.lease), done.elapsed_us);
        self.arrived = Some(done);
        self.step(Event::BatchDone { worker, lease, elapsed_us });
        // What was not wanted by now never will be.
        self.arrived = None;
        self.takeover.ended(lease);
    }

    pub(super) fn failed(&mut self, failed: BatchFailed) {
        let failure = match failed.failure {
            BatchFailure::OutOfMemory => Failure::OutOfMemory,
            BatchFailure::Error => Failure::Error,
            BatchFailure::Rejected => Failure::Rejected,
            BatchFailure::Released => Failure::Released,
        };
        if failure != Failure::Released {
            tracing::warn!(worker = %failed.worker, ?failure, code = failed.code, detail = failed.detail, "batch failed");
        }
        self.last_fault = Some((failed.code, failed.detail));
        let lease = core_lease(failed.lease);
        self.step(Event::BatchFailed { worker: failed.worker, lease, failure });
        self.takeover.ended(lease);
    }
}

fn specs(submit: &SubmitItems, model: ModelKey, now_ms: u64) -> Result<Vec<ItemSpec>, Fault> {
    let class = match submit.class {
        ItemClass::Interactive => Class::Interactive,
        ItemClass::Bulk => Class::Bulk,
    };
    let deadline_ms = submit.deadline_in_ms.map(|ms| now_ms + u64::from(ms));
    let spec = |item: &cluster::body::runs::SubmittedItem| {
        let tag = pack(item.offset, item.len)
            .ok_or_else(|| Fault::new("bad-request", "an item's input lies beyond what a blob may hold"))?;
        let (tenant, tokens, marks) = (submit.scope.tenant, item.tokens, Marks::default());
        Ok(ItemSpec { item: item.item, tenant, model, class, tokens, deadline_ms, marks, tag })
    };
    submit.items.iter().map(spec).collect()
}

/// Nodes are only told apart.
fn node_key(node: u128) -> NodeKey {
    NodeKey(node as u64 ^ (node >> 64) as u64)
}

pub(super) fn core_lease(lease: BatchLease) -> Lease {
    Lease { batch: BatchId(lease.batch), attempt: lease.attempt, epoch: lease.epoch, term: lease.term }
}
