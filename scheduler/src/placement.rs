//! Work meets devices: while anything could run somewhere, it is handed out.

use std::sync::Arc;

use crate::arena::{Handle, Phase};
use crate::batch::{self, Chosen, Limits};
use crate::event::{Action, BatchId, Lease};
use crate::item::{Assigned, Class};
use crate::memory;
use crate::model::{Group, rank};
use crate::state::{Batch, State};

/// How many times its loading time a model must be behind before a device changes over to it.
const SWAP_RELUCTANCE: u64 = 4;

/// A batch for one worker.
pub(crate) struct Order {
    pub(crate) class: Class,
    pub(crate) items: Vec<Handle>,
    pub(crate) assigned: Arc<[Assigned]>,
    pub(crate) padded_len: u32,
    pub(crate) tries: u16,
    pub(crate) load_ns: u64,
    /// The late batch whose items these are.
    pub(crate) hedges: Option<BatchId>,
    pub(crate) patient_until_ms: Option<u64>,
}

/// What is to be handed out.
struct Formed {
    class: Class,
    chosen: Chosen,
    tries: u16,
    patient_until_ms: Option<u64>,
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
            self.make_way(model, actions);
            self.hedge(model, actions);
        }
    }

    fn place(&mut self, model: usize, actions: &mut Vec<Action>) -> bool {
        self.soonest(model).into_iter().flatten().any(|slot| self.pull(slot, actions))
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
            .filter(|&index| worker.offers[index].ready_key.is_some())
            .filter(|&index| self.models[worker.offers[index].model as usize].has_work(now_ms))
            .collect();
        if wanted.len() > 1 {
            wanted.sort_unstable_by_key(|&index| order(index));
        }
        for index in wanted {
            let Some(room) = self.workers.get(slot).and_then(|worker| self.room(worker, index)) else { continue };
            if let Some(formed) = self.form(slot, index, room.tokens) {
                self.give(slot, index, &room, formed, actions);
                return true;
            }
        }
        false
    }

    /// Urgent groups, urgent items, groups, items.
    fn form(&mut self, slot: u32, index: usize, room_tokens: u32) -> Option<Formed> {
        let offer = &self.workers.get(slot)?.offers[index];
        let longest_ns = offer.fit.cost().item_ns(self.config.max_item_tokens);
        self.widest_turn_ns = self.widest_turn_ns.max(longest_ns);
        let (id, model, window) = (self.workers.get(slot)?.id, offer.model as usize, self.window());
        let others = self.models[model].ready.len() > 1;
        for class in [Class::Interactive, Class::Bulk] {
            let budget_ms = match class {
                Class::Interactive => self.config.interactive_budget_ms,
                Class::Bulk => self.config.batch_budget_ms,
            };
            let first = class == Class::Bulk && self.models[model].newcomer_first(self.now_ms, budget_ms);
            let group = if first { None } else { self.models[model].take_group(class, self.now_ms, id, others) };
            let offer = &self.workers.get(slot)?.offers[index];
            let limits = Limits {
                buckets: &self.buckets,
                cells: &offer.cells,
                cost: offer.fit.cost(),
                fit: &offer.fit,
                room_tokens,
                budget_ns: f64::from(budget_ms) * 1e6,
                max_items: self.config.max_batch_items,
                max_padding_share: self.config.max_padding_share,
                age_bound: u64::from(self.config.age_bound_items),
                patience_turnovers: self.config.patience_turnovers,
                window,
                now_ms: self.now_ms,
            };
            if let Some(group) = group {
                let longest = group.items.iter().map(|&item| self.arena.get(item).spec.tokens).max()?;
                let cap = limits.cap(self.buckets.of(longest));
                return Some(self.cut(model, class, group, cap));
            }
            let mut chosen = Chosen::with_room(self.last_batch_items, std::mem::take(&mut self.message));
            let (queues, arena, runs) = (&mut self.models[model], &self.arena, &self.runs);
            let mut behind = false;
            match class {
                Class::Interactive => queues.interactive.form(arena, runs, &limits, &mut chosen),
                Class::Bulk => behind = batch::form(&mut queues.bulk, arena, runs, &limits, &mut chosen),
            }
            if chosen.items.is_empty() {
                self.message = chosen.message;
            } else {
                self.last_batch_items = chosen.items.len();
                if class == Class::Interactive {
                    self.note_waits(model, &chosen.items);
                }
                return Some(Formed { class, chosen, tries: 0, patient_until_ms: behind.then_some(0) });
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
                self.arena.place(item, Phase::Again(number));
                self.arena.get_mut(item).ready_ms = self.now_ms;
            }
            self.models[model].again[rank(class)].insert((self.now_ms, number), Group { items: rest, ..group });
        }
        let Group { items, tries, patient_until_ms, .. } = group;
        let mut chosen = Chosen::with_room(items.len(), std::mem::take(&mut self.message));
        for item in items {
            chosen.push(item, self.arena.hot[item as usize].tokens, self.arena.assigned(item, &self.runs));
        }
        Formed { class, chosen, tries, patient_until_ms }
    }

    fn give(&mut self, slot: u32, index: usize, room: &memory::Room, formed: Formed, actions: &mut Vec<Action>) {
        let Some(load_ns) = self.workers.get(slot).map(|worker| worker.offers[index].load_ns()) else { return };
        self.load(slot, index, room, actions);
        let Formed { class, chosen: Chosen { items, message, sums, longest }, tries, patient_until_ms } = formed;
        let Some(offer) = self.workers.get(slot).map(|worker| &worker.offers[index]) else { return };
        let (cost, model_index) = (offer.fit.cost(), offer.model);
        let id = BatchId(self.next_batch);
        self.models[model_index as usize].waiting[rank(class)].sub_all(&sums);
        self.forget_deadlines(&items);
        let padded_len = self.buckets.padded(longest);
        let limited = if self.limits.is_empty() { Vec::new() } else { items.clone() };
        self.arena.lease(&items, id);
        let assigned = Arc::from(message.as_slice());
        self.message = message;
        self.message.clear();
        self.leased += items.len() as u32;
        self.totals.reruns += u64::from(tries > 0);
        self.totals.tokens += sums.tokens;
        let order = Order { class, items, assigned, padded_len, tries, load_ns, hedges: None, patient_until_ms };
        let predicted_ns = self.hand_out(slot, index, order, actions);
        let model = &mut self.models[model_index as usize];
        model.clock_ns = model.clock_ns.saturating_add(predicted_ns as u64);
        self.charge_limits(&limited, cost);
    }

    /// Items wait no more that may have had a deadline.
    fn forget_deadlines(&mut self, items: &[Handle]) {
        if self.deadlines.is_empty() {
            return;
        }
        for &item in items {
            if let Some(deadline_ms) = self.arena.get(item).spec.deadline_ms {
                self.deadlines.remove(&(deadline_ms, item));
            }
        }
    }

    /// Gives a worker the lease of a batch, and the batch. Answers how long it is predicted to take.
    pub(crate) fn hand_out(&mut self, slot: u32, index: usize, order: Order, actions: &mut Vec<Action>) -> f64 {
        let Order { class, items, assigned, padded_len, tries, load_ns, hedges, patient_until_ms } = order;
        let Some(worker) = self.workers.get_mut(slot) else { return 0.0 };
        let offer = &worker.offers[index];
        let id = BatchId(self.next_batch);
        self.next_batch += 1;
        let lease = Lease { batch: id, attempt: tries.saturating_add(1), epoch: worker.epoch, term: self.term };
        let bucket = self.buckets.of(padded_len);
        let predicted_ns = offer.fit.padded_item_ns(padded_len, bucket) * items.len() as f64;
        let padded_tokens = u64::from(padded_len) * items.len() as u64;
        let memory = offer.cells.cap(bucket);
        debug_assert!(items.len() == 1 || padded_tokens <= u64::from(memory), "memory is never overcommitted");
        let activation_bytes = offer.activation_bytes(padded_tokens);
        let (model, key) = (offer.model, self.models[offer.model as usize].key);
        let (load_ms, worker_id) = ((load_ns / 1_000_000) as u32, worker.id);
        let begins_ns = worker.free_at_ns.max(self.now_ms.saturating_mul(1_000_000));
        worker.free_at_ns = begins_ns.saturating_add(load_ns).saturating_add(predicted_ns as u64);
        worker.held.push_back(id);
        let budget_ns = f64::from(self.config.batch_budget_ms) * 1e6;
        self.totals.fill += (padded_tokens as f64 / f64::from(memory)).max(predicted_ns / budget_ns).min(1.0);
        self.totals.batches += 1;
        self.totals.padded_tokens += padded_tokens;
        self.handed_ns += predicted_ns;
        let (hedge, items_out) = (hedges.is_some(), assigned.clone());
        actions.push(Action::Run { worker: worker_id, lease, model: key, padded_len, items: items_out, hedge });
        let batch = Batch {
            lease,
            was: None,
            worker: slot,
            model,
            class,
            items,
            assigned,
            padded_len,
            predicted_ns,
            activation_bytes,
            load_ms,
            expires_ms: None,
            late_ms: None,
            twin: hedges,
            hedge,
            asked_back: false,
            recalled_for: None,
            patient_until_ms,
        };
        self.batches.insert(id, batch);
        self.begin_first(slot);
        self.note_recallable(slot, id);
        self.sync_ready(slot);
        predicted_ns
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
        let recalled_for = batch.recalled_for.take();
        self.end_recall(recalled_for);
        self.expiries.insert((expires_ms, first));
        self.expect(first);
        self.forget_recallable(slot, first);
    }
}
