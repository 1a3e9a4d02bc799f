//! Work meets devices: while anything could run somewhere, it is handed out.

use std::sync::Arc;

use crate::arena::{Handle, Phase};
use crate::batch::{self, Limits};
use crate::event::{Action, BatchId, CancelReason, Lease};
use crate::item::{Assigned, Class};
use crate::model::{Group, rank};
use crate::state::{Batch, State};

/// Ready devices tried for one batch. The first one takes it unless it is to be avoided, then the second does.
const CANDIDATES: usize = 4;
/// Urgent items for which one staged batch is asked back.
const URGENT_PER_RECALL: u32 = 64;
/// How many times its loading time a model must be behind before a device changes over to it.
const SWAP_RELUCTANCE: u64 = 4;

/// What is to be handed out.
struct Formed {
    class: Class,
    items: Vec<Handle>,
    tries: u16,
}

impl State {
    /// Hands out work until no device that is ready could do any of it.
    pub(crate) fn dispatch(&mut self, actions: &mut Vec<Action>) {
        if self.collect_until_ms.is_some() {
            return;
        }
        while let Some(model) = self.dirty.pop_first() {
            let model = model as usize;
            while self.models[model].has_work(self.now_ms) && self.place(model, actions) {}
            self.recall(model, actions);
        }
    }

    fn place(&mut self, model: usize, actions: &mut Vec<Action>) -> bool {
        let mut candidates = [None; CANDIDATES];
        for (candidate, &(_, _, slot)) in candidates.iter_mut().zip(&self.models[model].ready) {
            *candidate = Some(slot);
        }
        candidates.into_iter().flatten().any(|slot| self.pull(slot, actions))
    }

    /// Gives one worker one batch, if there is one for it.
    fn pull(&mut self, slot: u32, actions: &mut Vec<Action>) -> bool {
        let Some(worker) = self.workers.get(slot) else { return false };
        let now_ms = self.now_ms;
        let order = |index: usize| {
            let offer = &worker.offers[index];
            let model = &self.models[offer.model as usize];
            let load_ns = if offer.resident { 0 } else { u64::from(offer.load_ms) * 1_000_000 * SWAP_RELUCTANCE };
            (!model.has_urgent(now_ms), model.clock_ns.saturating_add(load_ns), index)
        };
        let mut wanted: Vec<usize> = (0..worker.offers.len())
            .filter(|&index| self.models[worker.offers[index].model as usize].has_work(now_ms))
            .collect();
        if wanted.len() > 1 {
            wanted.sort_unstable_by_key(|&index| order(index));
        }
        for index in wanted {
            if let Some(formed) = self.form(slot, index) {
                self.hand_out(slot, index, formed, actions);
                return true;
            }
        }
        false
    }

    /// Urgent groups, urgent items, groups, items.
    fn form(&mut self, slot: u32, index: usize) -> Option<Formed> {
        let offer = &self.workers.get(slot)?.offers[index];
        let longest_ns = offer.fit.cost().item_ns(self.config.max_item_tokens);
        self.widest_turn_ns = self.widest_turn_ns.max(longest_ns);
        let (id, model, window) = (self.workers.get(slot)?.id, offer.model as usize, self.window());
        let others = self.models[model].ready.len() > 1;
        for class in [Class::Interactive, Class::Bulk] {
            let group = self.models[model].take_group(class, self.now_ms, id, others);
            let offer = &self.workers.get(slot)?.offers[index];
            let budget_ms = match class {
                Class::Interactive => self.config.interactive_budget_ms,
                Class::Bulk => self.config.batch_budget_ms,
            };
            let limits = Limits {
                buckets: &self.buckets,
                cells: &offer.cells,
                cost: offer.fit.cost(),
                budget_ns: f64::from(budget_ms) * 1e6,
                max_items: self.config.max_batch_items,
                max_padding_share: self.config.max_padding_share,
                age_bound: u64::from(self.config.age_bound_items),
                window,
                now_ms: self.now_ms,
            };
            if let Some(group) = group {
                let longest = group.items.iter().map(|&item| self.arena.get(item).spec.tokens).max()?;
                let cap = limits.cap(self.buckets.of(longest));
                return Some(self.cut(model, class, group, cap));
            }
            let mut items = Vec::with_capacity(self.last_batch_items);
            let queues = &mut self.models[model];
            match class {
                Class::Interactive => queues.interactive.form(&self.arena, &limits, &mut items),
                Class::Bulk => batch::form(&mut queues.bulk, &mut self.arena, &limits, &mut items),
            }
            if !items.is_empty() {
                self.last_batch_items = items.len();
                return Some(Formed { class, items, tries: 0 });
            }
        }
        None
    }

    /// As much of a group as the device takes; the rest stays a group.
    fn cut(&mut self, model: usize, class: Class, mut group: Group, cap: usize) -> Formed {
        if group.items.len() > cap {
            let rest = group.items.split_off(cap);
            let number = self.next_group;
            self.next_group += 1;
            for &item in &rest {
                self.arena.place(item, Phase::Again(self.now_ms, number));
            }
            self.models[model].again[rank(class)].insert((self.now_ms, number), Group { items: rest, ..group });
        }
        Formed { class, items: group.items, tries: group.tries }
    }

    fn hand_out(&mut self, slot: u32, index: usize, formed: Formed, actions: &mut Vec<Action>) {
        let Formed { class, items, tries } = formed;
        let Some(worker) = self.workers.get_mut(slot) else { return };
        let offer = &mut worker.offers[index];
        let id = BatchId(self.next_batch);
        self.next_batch += 1;
        let lease = Lease { batch: id, attempt: tries.saturating_add(1), epoch: worker.epoch, term: self.term };
        let load_ms = if offer.resident { 0 } else { offer.load_ms };
        offer.resident = true;
        let model = &mut self.models[offer.model as usize];
        let (mut tokens, mut longest) = (0, 0);
        for &item in &items {
            self.arena.place(item, Phase::Leased(id));
            let length = self.arena.hot[item as usize].tokens;
            tokens += u64::from(length);
            longest = longest.max(length);
            model.waiting[rank(class)].sub(length);
        }
        if !self.deadlines.is_empty() {
            for &item in &items {
                if let Some(deadline_ms) = self.arena.get(item).spec.deadline_ms {
                    self.deadlines.remove(&(deadline_ms, item));
                }
            }
        }
        let arena = &self.arena;
        let assigned: Arc<[Assigned]> = items.iter().map(|&item| arena.assigned(item)).collect();
        let padded_len = self.buckets.padded(longest);
        let cost = offer.fit.cost();
        let limited = if self.limits.is_empty() { Vec::new() } else { items.clone() };
        let predicted_ns = offer.fit.cost().item_ns(padded_len) * items.len() as f64;
        let padded_tokens = u64::from(padded_len) * items.len() as u64;
        let memory = offer.cells.cap(self.buckets.of(longest));
        debug_assert!(items.len() == 1 || padded_tokens <= u64::from(memory), "memory is never overcommitted");
        model.clock_ns = model.clock_ns.saturating_add(predicted_ns as u64);
        let budget_ns = f64::from(self.config.batch_budget_ms) * 1e6;
        let fill = (padded_tokens as f64 / f64::from(memory)).max(predicted_ns / budget_ns).min(1.0);
        self.totals.fill += fill;
        self.totals.batches += 1;
        self.totals.reruns += u64::from(tries > 0);
        self.totals.tokens += tokens;
        self.totals.padded_tokens += padded_tokens;
        self.leased += items.len() as u32;
        let run = Action::Run {
            worker: worker.id,
            lease,
            model: model.key,
            padded_len,
            items: assigned.clone(),
            hedge: false,
        };
        actions.push(run);
        let batch = Batch {
            lease,
            was: None,
            assigned,
            worker: slot,
            model: offer.model,
            class,
            items,
            padded_len,
            predicted_ns,
            load_ms,
            expires_ms: None,
            asked_back: false,
            recalled_for: None,
        };
        worker.held.push_back(id);
        self.batches.insert(id, batch);
        self.charge_limits(&limited, cost);
        self.begin_first(slot);
        self.note_recallable(slot, id);
        self.sync_ready(slot);
    }

    /// The lease of a worker's first batch runs from when it becomes the first.
    pub(crate) fn begin_first(&mut self, slot: u32) {
        let Some(&first) = self.workers.get(slot).and_then(|worker| worker.held.front()) else { return };
        let Some(batch) = self.batches.get_mut(&first) else { return };
        if batch.expires_ms.is_some() {
            return;
        }
        let predicted_ms = batch.predicted_ns / 1e6 * self.config.lease_factor;
        let lease_ms = self.config.min_lease_ms.max(predicted_ms as u64).saturating_add(u64::from(batch.load_ms));
        let expires_ms = self.now_ms.saturating_add(lease_ms);
        batch.expires_ms = Some(expires_ms);
        self.expiries.insert((expires_ms, first));
        self.forget_recallable(slot, first);
    }

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
    fn recall(&mut self, index: usize, actions: &mut Vec<Action>) {
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

    /// Puts a worker into the ready sets of its models, or takes it out, as its state demands.
    pub(crate) fn sync_ready(&mut self, slot: u32) {
        let Some(worker) = self.workers.get_mut(slot) else { return };
        let takes_work = worker.takes_work();
        let held = worker.held.len() as u32;
        for offer in &mut worker.offers {
            let ready: &mut _ = &mut self.models[offer.model as usize].ready;
            let key = takes_work.then(|| (held, offer.slowness_ns()));
            if offer.ready_key == key {
                continue;
            }
            if let Some((held, slowness_ns)) = offer.ready_key {
                ready.remove(&(held, slowness_ns, slot));
            }
            if let Some((held, slowness_ns)) = key {
                self.dirty.insert(offer.model);
                ready.insert((held, slowness_ns, slot));
            }
            offer.ready_key = key;
        }
    }
}
