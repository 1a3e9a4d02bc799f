//! What an earlier leader's batches and results are now.
//!
//! A worker goes on under the lease that it was given; the core knows the batch under one of its own. And where the
//! results of such a batch come in before its coordinator hands the same items in again, the two cross: those items are
//! then taken as done, once.

use std::collections::{HashMap, HashSet};

use cluster::body::workers::BatchLease;
use domain::id::{ItemId, RunId, WorkerId};
use scheduler::{Assigned, BatchId, Lease};

use super::inbound::core_lease;

/// Results remembered at most: some thousand batches. Beyond that an item may be done twice, which is allowed.
const MAX_DELIVERED: usize = 131_072;

/// Empty for a leader that follows nobody, and again once all that was taken over has ended.
#[derive(Default)]
pub(super) struct Takeover {
    /// The core's lease of a batch, by the one that its worker has.
    leases: HashMap<BatchLease, (WorkerId, Lease)>,
    /// The worker's lease of a batch, by the core's number of it.
    was: HashMap<BatchId, BatchLease>,
    /// Delivered from batches that were taken over, and not handed in again since.
    delivered: HashSet<(RunId, ItemId)>,
}

impl Takeover {
    pub(super) fn adopted(&mut self, worker: WorkerId, was: BatchLease, lease: Lease) {
        self.leases.insert(was, (worker, lease));
        self.was.insert(lease.batch, was);
    }

    /// The core's lease of what a worker holds under `was`.
    pub(super) fn lease_of(&self, was: &BatchLease) -> Option<Lease> {
        self.leases.get(was).map(|(_, lease)| *lease)
    }

    /// The lease that the worker knows a batch by.
    pub(super) fn was(&self, lease: &Lease) -> Option<BatchLease> {
        self.was.get(&lease.batch).copied()
    }

    /// The worker has answered for a batch.
    pub(super) fn ended(&mut self, lease: Lease) {
        if !self.leases.is_empty() {
            self.drop_where(|was, _| core_lease(*was) == lease);
        }
    }

    pub(super) fn forget_worker(&mut self, worker: WorkerId) {
        self.drop_where(|_, holder| holder == worker);
    }

    fn drop_where(&mut self, gone: impl Fn(&BatchLease, WorkerId) -> bool) {
        self.leases.retain(|was, (holder, _)| !gone(was, *holder));
        let leases = &self.leases;
        self.was.retain(|_, was| leases.contains_key(was));
    }

    pub(super) fn delivered(&mut self, items: &[Assigned]) {
        if self.delivered.len() + items.len() <= MAX_DELIVERED {
            self.delivered.extend(items.iter().map(|assigned| (assigned.run, assigned.item)));
        }
    }

    /// Whether the item was delivered since the takeover. Says so once: whoever asks for it again has not got it.
    pub(super) fn was_delivered(&mut self, run: RunId, item: ItemId) -> bool {
        !self.delivered.is_empty() && self.delivered.remove(&(run, item))
    }
}
