//! A scheduler that follows another one takes over what runs.
//!
//! It knows nothing at first. Within a collection window it hands out nothing: workers say what they hold, which is
//! adopted under a new lease, and coordinators hand in again what is outstanding. An adopted item that no coordinator
//! has claimed yet is delivered when it is done, but never run again: its coordinator, if it still has one, hands it in.

use domain::id::{Term, WorkerId};
use domain::scheduling::TermBegan;

use crate::arena::{Entry, Handle, Phase};
use crate::event::{Action, BatchId, CancelReason, HeldBatch, Lease};
use crate::item::{Assigned, Class, ItemSpec, Marks};
use crate::snapshot::MOST_TERMS;
use crate::state::{Batch, State};

impl State {
    /// Begins the collection window.
    pub(crate) fn take_over(&mut self, mut past: Vec<TermBegan>) {
        self.collect_until_ms = Some(self.now_ms.saturating_add(self.config.collection_window_ms));
        past.drain(..past.len().saturating_sub(MOST_TERMS - 1));
        past.push(TermBegan { term: self.term, at_ms: self.now_ms, adopted_batches: 0, adopted_items: 0 });
        self.terms = past;
    }

    /// Ends the window when its time has come; all that waited is placed.
    pub(crate) fn end_collection(&mut self) {
        if self.collect_until_ms.is_some_and(|until_ms| until_ms <= self.now_ms) {
            self.collect_until_ms = None;
        }
    }

    /// Compares what a worker says it holds with what is known of it.
    pub(crate) fn reconcile(&mut self, slot: u32, held: Vec<HeldBatch>, newcomer: bool, actions: &mut Vec<Action>) {
        let Some((worker, epoch)) = self.workers.get(slot).map(|worker| (worker.id, worker.epoch)) else { return };
        for batch in held.into_iter().take(self.config.max_credits as usize) {
            let was = batch.lease;
            if was.epoch != epoch || was.term > self.term {
                continue;
            }
            if was.term == self.term {
                if self.batches.get(&was.batch).is_none_or(|known| known.lease != was) {
                    actions.push(Action::CancelBatch { worker, lease: was, reason: CancelReason::Superseded });
                }
                continue;
            }
            if let Some(lease) = self.adopted_as(slot, was) {
                actions.push(Action::Adopted { worker, was, lease });
            } else if newcomer || self.collect_until_ms.is_some() {
                self.adopt(slot, worker, batch, actions);
            } else {
                actions.push(Action::CancelBatch { worker, lease: was, reason: CancelReason::Superseded });
            }
        }
    }

    /// The lease that a batch of another scheduler's is held under now.
    pub(crate) fn adopted_as(&self, slot: u32, was: Lease) -> Option<Lease> {
        let held = &self.workers.get(slot)?.held;
        held.iter().filter_map(|id| self.batches.get(id)).find(|batch| batch.was == Some(was)).map(|batch| batch.lease)
    }

    fn adopt(&mut self, slot: u32, worker: WorkerId, held: HeldBatch, actions: &mut Vec<Action>) {
        let Some(&model) = self.model_of.get(&held.model) else { return };
        let Some(holder) = self.workers.get(slot) else { return };
        let offered = holder.offers.iter().any(|offer| offer.model == model);
        if !offered || holder.held.len() as u32 >= self.config.max_credits {
            actions.push(Action::CancelBatch { worker, lease: held.lease, reason: CancelReason::Superseded });
            return;
        }
        let (was, id) = (held.lease, BatchId(self.next_batch));
        self.next_batch += 1;
        let lease = Lease { batch: id, attempt: was.attempt, epoch: was.epoch, term: self.term };
        let padded_len = held.padded_len.clamp(1, self.config.max_item_tokens);
        // What runs elsewhere already, or finds no room, is let run out here: its answer only frees the credit.
        let items = if self.is_adoptable(&held.items) { self.claim(&held, model, padded_len, id) } else { Vec::new() };
        let padded_tokens = u64::from(padded_len) * held.items.len() as u64;
        let bucket = self.buckets.of(padded_len);
        let Some(holder) = self.workers.get_mut(slot) else { return };
        let Some(index) = holder.offers.iter().position(|offer| offer.model == model) else { return };
        let offer = &holder.offers[index];
        let predicted_ns = offer.fit.padded_item_ns(padded_len, bucket) * held.items.len() as f64;
        let activation_bytes = offer.activation_bytes(padded_tokens);
        holder.load(index, id.0);
        holder.overbooked |= holder.spare_bytes.is_some_and(|spare| spare < activation_bytes);
        holder.free_at_ns = holder.free_at_ns.saturating_add(predicted_ns as u64);
        self.handed_ns += predicted_ns;
        self.leased += items.len() as u32;
        self.totals.adopted += 1;
        if let Some(change) = self.terms.last_mut() {
            change.adopted_batches += 1;
            change.adopted_items += items.len() as u32;
        }
        actions.push(Action::Adopted { worker, was, lease });
        let asked_back = items.is_empty();
        if asked_back {
            actions.push(Action::CancelBatch { worker, lease, reason: CancelReason::Superseded });
        }
        self.batches.insert(
            id,
            Batch {
                lease,
                was: Some(was),
                worker: slot,
                model,
                class: Class::Bulk,
                items,
                assigned: held.items.into(),
                padded_len,
                predicted_ns,
                activation_bytes,
                load_ms: 0,
                expires_ms: None,
                late_ms: None,
                twin: None,
                hedge: false,
                asked_back,
                recalled_for: None,
                patient_until_ms: None,
            },
        );
        if let Some(worker) = self.workers.get_mut(slot) {
            worker.held.push_back(id);
        }
        self.begin_first(slot);
        self.note_recallable(slot, id);
        self.sync_ready(slot);
    }

    /// Whether none of these items is running elsewhere, and all find room.
    fn is_adoptable(&self, items: &[Assigned]) -> bool {
        let room = self.config.max_items as usize - self.arena.len();
        let mut names: Vec<_> = items.iter().map(|item| (item.run, item.item)).collect();
        names.sort_unstable();
        names.dedup();
        names.len() == items.len()
            && items.len() <= room.min(self.config.max_batch_items as usize)
            && items.iter().all(|item| {
                let known = self.runs.slot(item.run).and_then(|slot| self.arena.find(slot, &item.item));
                known.is_none_or(|known| self.arena.phase(known) == Phase::Queued)
            })
    }

    /// Takes the items into the batch: those that are queued out of their queue, the others as yet unclaimed.
    fn claim(&mut self, held: &HeldBatch, model: u32, padded_len: u32, id: BatchId) -> Vec<Handle> {
        let slots: Option<Vec<u32>> =
            held.items.iter().map(|item| self.runs.enter(item.run, Term::default())).collect();
        let Some(slots) = slots else { return Vec::new() };
        let mut items = Vec::with_capacity(held.items.len());
        for (assigned, run_slot) in held.items.iter().zip(slots) {
            let item = match self.arena.find(run_slot, &assigned.item) {
                Some(item) => {
                    self.unqueue(item);
                    item
                }
                None => {
                    let spec = ItemSpec {
                        item: assigned.item,
                        tenant: domain::id::TenantId::LOCAL,
                        model: held.model,
                        class: Class::Bulk,
                        tokens: padded_len,
                        deadline_ms: None,
                        marks: Marks::default(),
                        tag: assigned.tag,
                    };
                    let item = self.arena.insert(Entry::new(spec, assigned.run, model, 0), run_slot, self.now_ms);
                    self.arena.get_mut(item).unclaimed = true;
                    self.runs.gained(run_slot, item, &self.arena);
                    self.totals.accepted += 1;
                    item
                }
            };
            self.arena.place(item, Phase::Leased(id));
            self.arena.get_mut(item).spec.class = Class::Bulk;
            items.push(item);
        }
        items
    }
}
