//! Workers come, change what they offer, drain and go.

use std::collections::VecDeque;

use domain::id::WorkerId;

use crate::cells::Cells;
use crate::cost::CostFit;
use crate::event::{Action, CancelReason, HeldBatch, ModelOffer};
use crate::item::NodeKey;
use crate::memory;
use crate::state::State;
use crate::worker::{Offer, Worker};

/// One life of one device.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Life {
    pub(crate) worker: WorkerId,
    pub(crate) node: NodeKey,
    pub(crate) epoch: u64,
}

impl State {
    pub(crate) fn worker_ready(
        &mut self,
        life: Life,
        credits: u32,
        offers: &[ModelOffer],
        free_bytes: u64,
        held: Vec<HeldBatch>,
        actions: &mut Vec<Action>,
    ) {
        let Life { worker: id, epoch, .. } = life;
        if self.workers.has_ended(id, epoch) {
            self.totals.stale += 1;
            return;
        }
        let mut learnt = Vec::new();
        let slot = match self.workers.slot(id) {
            Some(slot) => {
                let known = self.workers.get(slot).map_or(0, |worker| worker.epoch);
                if epoch < known {
                    self.totals.stale += 1;
                    return;
                }
                if epoch > known {
                    learnt = self.lose(slot, actions);
                    None
                } else {
                    Some(slot)
                }
            }
            None => None,
        };
        let newcomer = slot.is_none();
        let slot = match slot {
            Some(slot) => slot,
            None => match self.workers.insert(self.newcomer(life)) {
                Some(slot) => slot,
                None => return,
            },
        };
        self.set_offers(slot, offers, free_bytes, learnt);
        if let Some(worker) = self.workers.get_mut(slot) {
            worker.credits = credits.min(self.config.max_credits);
        }
        self.sync_ready(slot);
        self.reconcile(slot, held, newcomer, actions);
    }

    fn newcomer(&self, life: Life) -> Worker {
        Worker {
            id: life.worker,
            node: life.node,
            epoch: life.epoch,
            credits: 0,
            offers: Vec::new(),
            held: VecDeque::new(),
            draining: false,
            rests_until_ms: None,
            failures: 0,
            free_at_ns: self.now_ms.saturating_mul(1_000_000),
            spare_bytes: None,
            overbooked: false,
            since_ms: self.now_ms,
            busy_us: 0,
        }
    }

    /// Replaces what a worker offers, keeping what was learnt, in this life or the one before, of models that it goes
    /// on offering.
    fn set_offers(&mut self, slot: u32, offers: &[ModelOffer], free_bytes: u64, learnt: Vec<Offer>) {
        let spare_bytes = memory::spare_bytes(free_bytes, self.config.memory_share);
        let longest = self.config.max_item_tokens;
        let mut was = self.withdraw(slot);
        was.extend(learnt);
        let mut now: Vec<Offer> = Vec::with_capacity(offers.len().min(self.config.max_models as usize));
        for offer in offers.iter().take(self.config.max_models as usize) {
            let cap = offer.max_padded_tokens;
            if cap < longest || !memory::could_run(offer, offers, spare_bytes, longest) {
                continue;
            }
            let Some(model) = self.enter_model(offer.model) else { continue };
            if now.iter().any(|other| other.model == model) {
                continue;
            }
            let known = was.iter().position(|other| other.model == model).map(|at| was.swap_remove(at));
            let (fit, cells, last_used) = match known {
                Some(mut known) => {
                    known.cells.offer(cap);
                    (known.fit, known.cells, known.last_used)
                }
                None => {
                    let fit = CostFit::new(offer.prior.unwrap_or(self.config.prior), self.buckets.count());
                    (fit, Cells::new(cap, self.buckets.count()), 0)
                }
            };
            if self.models[model as usize].workers == 0 {
                self.models[model as usize].cost = fit.cost();
            }
            now.push(Offer {
                model,
                resident: offer.resident,
                load_ms: offer.load_ms,
                cells,
                fit,
                weights_bytes: i64::try_from(offer.weights_bytes).unwrap_or(i64::MAX),
                bytes_per_token: offer.bytes_per_padded_token,
                last_used,
                ready_key: None,
            });
        }
        self.install(slot, now, spare_bytes);
        let Some(worker) = self.workers.get_mut(slot) else { return };
        let draining = worker.draining;
        let staged: Vec<_> = worker.held.iter().skip(1).copied().collect();
        for offer in &worker.offers {
            self.models[offer.model as usize].workers += u32::from(!draining);
        }
        for id in staged {
            self.note_recallable(slot, id);
        }
    }

    /// Gives a worker its offers. What it holds may be loading while it reports, and counts as loaded.
    fn install(&mut self, slot: u32, offers: Vec<Offer>, spare_bytes: Option<i64>) {
        let Some(worker) = self.workers.get_mut(slot) else { return };
        (worker.offers, worker.spare_bytes) = (offers, spare_bytes);
        let held: Vec<(u32, i64)> = worker
            .held
            .iter()
            .filter_map(|id| self.batches.get(id))
            .map(|batch| (batch.model, batch.activation_bytes))
            .collect();
        for &(model, _) in &held {
            if let Some(index) = worker.offers.iter().position(|offer| offer.model == model) {
                let last_used = worker.offers[index].last_used;
                worker.load(index, last_used);
            }
        }
        let needs = held.iter().map(|&(_, bytes)| bytes).max().unwrap_or(0);
        worker.overbooked = worker.spare_bytes.is_some_and(|spare| spare < needs);
    }

    /// Takes a worker out of everything that its offers put it in, and gives the offers back.
    pub(crate) fn withdraw(&mut self, slot: u32) -> Vec<Offer> {
        let Some(worker) = self.workers.get_mut(slot) else { return Vec::new() };
        let mut offers = std::mem::take(&mut worker.offers);
        for offer in &mut offers {
            let model = &mut self.models[offer.model as usize];
            if let Some(key) = offer.ready_key.take() {
                model.ready.remove(key, slot);
            }
            // A draining worker was counted off when it began to drain.
            model.workers -= u32::from(!worker.draining);
            for id in &worker.held {
                model.recallable.remove(id);
            }
        }
        offers
    }

    pub(crate) fn worker_lost(&mut self, id: WorkerId, epoch: u64, actions: &mut Vec<Action>) {
        match self.workers.slot(id) {
            Some(slot) if self.workers.get(slot).is_some_and(|worker| worker.epoch == epoch) => {
                self.lose(slot, actions);
            }
            _ => self.totals.stale += 1,
        }
    }

    /// Gives a worker nothing more, and asks it to hand back what it hasn't begun.
    pub(crate) fn drain(&mut self, id: WorkerId, actions: &mut Vec<Action>) {
        let Some(slot) = self.workers.slot(id) else { return };
        let Some(worker) = self.workers.get_mut(slot) else { return };
        if worker.draining {
            return;
        }
        worker.draining = true;
        for offer in &worker.offers {
            self.models[offer.model as usize].workers -= 1;
        }
        let staged: Vec<_> = worker.held.iter().skip(1).copied().collect();
        for batch in staged {
            self.forget_recallable(slot, batch);
            if let Some(batch) = self.batches.get_mut(&batch)
                && !batch.asked_back
            {
                batch.asked_back = true;
                let reason = CancelReason::Draining;
                actions.push(Action::CancelBatch { worker: id, lease: batch.lease, reason });
            }
        }
        self.sync_ready(slot);
        self.report_drained(slot, actions);
    }

    pub(crate) fn report_drained(&self, slot: u32, actions: &mut Vec<Action>) {
        if let Some(worker) = self.workers.get(slot)
            && worker.draining
            && worker.held.is_empty()
        {
            actions.push(Action::Drained { worker: worker.id, epoch: worker.epoch });
        }
    }
}
