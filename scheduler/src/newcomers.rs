//! A tenant that comes back from idling isn't made to wait for what others were handed while it was away.
//!
//! Coming back it is lifted to the floor, which lies below those that were served last by as much as they were given
//! then. While it is behind by more than the slack its batch comes first, of all its lengths, the longest before the
//! others, and others' items fill what it leaves; and where no credit is free, a staged batch makes way for it once.
//! Until it has caught up it goes first; after that its counter alone decides. It catches up later by what it saved: the
//! device time that was its due while it idled, some batches' worth at most, is charged to that and not to its counter.
//! So it waits for the batch that runs and for none that is staged, also when it comes often and little at a time; its
//! share stays what was its due, and no batch is put off for longer than it takes to spend what can be saved.

use crate::event::{Action, BatchId, CancelReason};
use crate::fairness::{BulkQueue, TenantQueue};
use crate::item::Class;
use crate::model::rank;
use crate::state::{Batch, State};

/// Staged batches looked at for one that may make way.
const LOOK_AHEAD: usize = 16;
/// Tenants in order of their counters looked at for one that is no newcomer.
const LOOK_AHEAD_TENANTS: usize = 64;
/// A staged batch that is predicted to begin sooner than this is left alone: the word would come too late.
const NOTICE_NS: u64 = 5_000_000;

impl TenantQueue {
    fn is_behind(&self, rival: u64, slack: u64) -> bool {
        if self.hurried {
            self.counter <= rival.saturating_add(slack)
        } else {
            self.counter.saturating_add(slack) < rival
        }
    }
}

impl BulkQueue {
    /// The first tenant that came back and has work.
    fn first_newcomer(&mut self) -> Option<u32> {
        while let Some(&slot) = self.newcomers.front() {
            let tenant = &mut self.tenants[slot as usize];
            if tenant.backlog > 0 && !tenant.parked {
                return Some(slot);
            }
            self.settle_newcomer();
        }
        None
    }

    /// The first newcomer is one no more.
    fn settle_newcomer(&mut self) {
        if let Some(slot) = self.newcomers.pop_front() {
            let tenant = &mut self.tenants[slot as usize];
            (tenant.newcomer, tenant.hurried) = (false, false);
        }
    }

    /// The first newcomer that is behind everybody else, the least of whom has the counter `rival`.
    pub(crate) fn behind(&mut self, rival: Option<u64>, slack: u64) -> Option<u32> {
        while let Some(slot) = self.first_newcomer() {
            let tenant = &mut self.tenants[slot as usize];
            if rival.is_some_and(|rival| tenant.is_behind(rival, slack)) {
                tenant.hurried = true;
                return Some(slot);
            }
            self.settle_newcomer();
        }
        None
    }

    /// The least counter of a tenant that is no newcomer, as far as it is looked for.
    pub(crate) fn least_of_others(&self) -> Option<u64> {
        let mut ranked = self.ranking.iter().take(LOOK_AHEAD_TENANTS);
        ranked.find(|&(slot, _)| !self.tenants[slot as usize].newcomer).map(|(_, rank)| rank.counter)
    }

    /// A newcomer was found behind and hasn't been served since.
    pub(crate) fn hurries(&mut self) -> bool {
        self.first_newcomer().is_some_and(|slot| self.tenants[slot as usize].hurried)
    }
}

impl State {
    /// No credit is free: a staged batch of tenants that are ahead makes way for a newcomer.
    pub(crate) fn make_way(&mut self, index: usize, actions: &mut Vec<Action>) {
        let slack = self.window().slack_ns as u64;
        let model = &mut self.models[index];
        if model.recalls[rank(Class::Bulk)] > 0 {
            return;
        }
        let Some(newcomer) = model.bulk.first_newcomer() else { return };
        let model = &self.models[index];
        let tenant = &model.bulk.tenants[newcomer as usize];
        let mut staged = model.recallable.iter().take(LOOK_AHEAD).filter_map(|id| self.batches.get(id));
        let makes_way = |batch: &&Batch| {
            batch.model as usize == index
                && batch.patient_until_ms.is_none_or(|until_ms| self.now_ms < until_ms)
                && self.begins_in_ns(batch) >= NOTICE_NS
                && self.least_counter(batch).is_some_and(|rival| tenant.is_behind(rival, slack))
        };
        let Some(id) = staged.find(makes_way).map(|batch| batch.lease.batch) else { return };
        self.models[index].bulk.tenants[newcomer as usize].hurried = true;
        self.ask_back(id, index, Class::Bulk, actions);
    }

    /// Until when a batch that was let go may make way again: as long as what can be saved lasts.
    pub(crate) fn patience(&self, batch: &Batch) -> Option<u64> {
        let lasts_ms = f64::from(self.config.batch_budget_ms) * self.config.saved_batches.max(1.0);
        let until_ms = self.now_ms.saturating_add(lasts_ms as u64);
        let made_way = matches!(batch.recalled_for, Some((_, Class::Bulk)));
        batch.patient_until_ms.or(made_way.then_some(until_ms))
    }

    /// Asks a worker to let a staged batch go, for work of this class and model.
    pub(crate) fn ask_back(&mut self, id: BatchId, index: usize, class: Class, actions: &mut Vec<Action>) {
        let Some(batch) = self.batches.get_mut(&id) else { return };
        batch.asked_back = true;
        batch.recalled_for = Some((index as u32, class));
        self.models[index].recalls[rank(class)] += 1;
        let (slot, lease) = (batch.worker, batch.lease);
        self.forget_recallable(slot, id);
        if let Some(worker) = self.workers.get(slot) {
            actions.push(Action::CancelBatch { worker: worker.id, lease, reason: CancelReason::Recalled });
        }
    }

    /// When a staged batch is predicted to begin.
    fn begins_in_ns(&self, batch: &Batch) -> u64 {
        let free_ns = self.workers.get(batch.worker).map_or(0, |worker| worker.free_at_ns);
        let now_ns = self.now_ms.saturating_mul(1_000_000);
        free_ns.saturating_sub(batch.predicted_ns as u64).saturating_sub(now_ns)
    }

    /// The least counter of the tenants whose items these are.
    fn least_counter(&self, batch: &Batch) -> Option<u64> {
        let bulk = &self.models[batch.model as usize].bulk;
        let tenants = batch.items.iter().map(|&item| self.arena.hot[item as usize].tenant);
        tenants.map(|slot| bulk.tenants[slot as usize].counter).min()
    }
}
