//! The core's actions, as messages to workers and coordinators.

use cluster::body::runs::{ItemMarks, ItemsDone, ItemsFailed, ItemsMarked};
use cluster::body::workers::{BatchGroup, BatchItem, BatchLease, CancelBatch, RunBatch, UnloadModel, WorkerDrained};
use cluster::link::Address;
use cluster::message::Message;
use domain::id::{RunId, WorkerId};
use ractor::{ActorRef, pg};
use scheduler::{Action, Assigned, ItemFailure, Lease, Marks, ModelKey};

use super::SchedulerState;
use super::names::unpack;
use crate::entrance;

impl SchedulerState {
    pub(super) fn act(&mut self, action: Action) {
        match action {
            Action::Run { worker, lease, model, items, .. } => self.run(worker, lease, model, &items),
            Action::Completed { items, unwanted, .. } => self.deliver(&items, &unwanted),
            Action::ItemFailed { item, reason } => self.item_failed(item, reason),
            Action::Marked { items } => self.marked(&items),
            Action::CancelBatch { worker, lease, reason } => {
                tracing::debug!(%worker, ?reason, batch = lease.batch.0, "batch called back");
                let lease = self.takeover.was(&lease).unwrap_or_else(|| wire_lease(lease));
                self.tell_worker(worker, CancelBatch { lease });
            }
            Action::Adopted { worker, was, lease } => {
                tracing::info!(%worker, batch = was.batch.0, term = ?was.term, "a running batch was taken over");
                self.takeover.adopted(worker, wire_lease(was), lease);
            }
            Action::WorkerHung { worker, epoch } => {
                tracing::error!(%worker, epoch, "worker hung: its device does not come back");
                self.takeover.forget_worker(worker);
                self.workers.remove(&worker);
            }
            Action::Drained { worker, epoch } => {
                tracing::info!(%worker, epoch, "worker drained");
                self.tell_worker(worker, WorkerDrained { worker, epoch });
            }
            Action::Unload { worker, model } => {
                if let Some(model) = self.models.get(model) {
                    tracing::info!(%worker, model = %model.digest, "a model is let go to make room");
                    self.tell_worker(worker, UnloadModel { worker, model });
                }
            }
            Action::Accepted { .. } | Action::Refused { .. } => {}
        }
    }

    fn tell_worker(&self, worker: WorkerId, message: impl Into<Message>) {
        if let Some(known) = self.workers.get(&worker) {
            known.address.cast(message, self.term);
        }
    }

    fn run(&self, worker: WorkerId, lease: Lease, model: ModelKey, items: &[Assigned]) {
        let Some(model) = self.models.get(model) else { return };
        let mut groups: Vec<BatchGroup> = Vec::new();
        let mut at = 0;
        for assigned in items {
            let (offset, len) = unpack(assigned.tag);
            let item = BatchItem { item: assigned.item, offset, len };
            // Items of one run mostly follow one another.
            if groups.get(at).is_none_or(|group| group.run != assigned.run) {
                at = groups.iter().position(|group| group.run == assigned.run).unwrap_or(groups.len());
            }
            match groups.get_mut(at) {
                Some(group) => group.items.push(item),
                None => {
                    let Some(source) = self.runs.get(assigned.run) else { continue };
                    let mut same = Vec::with_capacity(items.len());
                    same.push(item);
                    let (run, scope, inputs) = (assigned.run, source.scope, source.inputs);
                    groups.push(BatchGroup { run, scope, inputs, items: same });
                }
            }
        }
        self.tell_worker(worker, RunBatch { lease: wire_lease(lease), model, groups });
    }

    /// Hands results to the coordinators of those runs whose items are wanted.
    fn deliver(&mut self, items: &[Assigned], unwanted: &[u32]) {
        let Some(done) = self.arrived.take() else { return };
        if done.lease.term != self.term {
            self.takeover.delivered(items);
        }
        let wanted = |(place, _): &(usize, &Assigned)| unwanted.binary_search(&(*place as u32)).is_err();
        for group in done.groups {
            if items.iter().enumerate().filter(wanted).any(|(_, assigned)| assigned.run == group.run) {
                let done = ItemsDone { run: group.run, scheduler_term: self.term, results: group.results };
                self.tell_core(group.run, done);
            }
        }
    }

    fn item_failed(&self, item: Assigned, reason: ItemFailure) {
        let (code, detail) = match (reason, &self.last_fault) {
            (ItemFailure::Error, Some(fault)) => fault.clone(),
            (ItemFailure::TooLong, _) => ("item-too-long".into(), "a passage is longer than any device takes".into()),
            (ItemFailure::DeadlineMissed, _) => ("deadline-missed".into(), "no time was left for it".into()),
            (ItemFailure::OutOfMemory, _) => ("out-of-memory".into(), "a passage fits no device's memory".into()),
            (ItemFailure::Crashes | ItemFailure::Error, _) => {
                ("worker-crashed".into(), "workers died on a passage of this book; their logs say why".into())
            }
        };
        tracing::warn!(run = %item.run, item = %item.item.0, ?reason, code, "item given up");
        let failed = ItemsFailed { run: item.run, scheduler_term: self.term, items: vec![item.item], code, detail };
        self.tell_core(item.run, failed);
    }

    fn marked(&self, items: &[(Assigned, Marks)]) {
        let mut items: Vec<&(Assigned, Marks)> = items.iter().collect();
        items.sort_by_key(|(assigned, _)| assigned.run);
        for same in items.chunk_by(|a, b| a.0.run == b.0.run) {
            let run = same[0].0.run;
            let mark = |(assigned, marks): &&(Assigned, Marks)| ItemMarks {
                item: assigned.item,
                attempts: marks.attempts,
                crashes: marks.crashes,
            };
            let marks = same.iter().map(mark).collect();
            self.tell_core(run, ItemsMarked { run, scheduler_term: self.term, marks });
        }
    }

    fn tell_core(&self, run: RunId, message: impl Into<Message>) {
        let Some(source) = self.runs.get(run) else {
            // Of a batch that was taken over, before its coordinator came: whichever core drives the run.
            let message = message.into();
            for core in pg::get_scoped_members(&self.scope, &entrance::CORE.to_owned()) {
                Address::new(ActorRef::from(core), self.wire).cast(message.clone(), self.term);
            }
            return;
        };
        match entrance::find(&self.scope, entrance::CORE, &entrance::core_name(source.core)) {
            Some(core) => Address::new(core, self.wire).cast(message, self.term),
            None => tracing::debug!(%run, "results for a core that is gone; another one will ask again"),
        }
    }
}

pub(super) fn wire_lease(lease: Lease) -> BatchLease {
    BatchLease { batch: lease.batch.0, attempt: lease.attempt, epoch: lease.epoch, term: lease.term }
}
