//! The door: what is let in, what is told to come again, what leaves before its turn.

use domain::id::{RunId, TenantId, Term};

use crate::arena::{Entry, Handle, Phase};
use crate::event::{Action, BatchId, CancelReason, ItemFailure, Refusal};
use crate::item::{Assigned, Class, ItemSpec, ModelKey};
use crate::model::{Model, rank};
use crate::state::State;

/// Bounds on what a refused coordinator is told to wait.
const RETRY_AFTER_MS: (f64, f64) = (50.0, 60_000.0);
/// What it is told while nobody serves the model.
const RETRY_WITHOUT_WORKERS_MS: u64 = 1_000;

/// Items looked at that go ahead of one with a deadline.
const LOOK_AHEAD: usize = 64;

impl State {
    pub(crate) fn submit(&mut self, run: RunId, term: Term, items: Vec<ItemSpec>, actions: &mut Vec<Action>) {
        let run_slot = match self.admit(run, term, &items) {
            Ok(slot) => slot,
            Err(reason) => {
                let retry_after_ms = match reason {
                    Refusal::StaleTerm | Refusal::Cancelled => 0,
                    _ => self.retry_after_ms(&items),
                };
                self.totals.refused += 1;
                actions.push(Action::Refused { run, reason, retry_after_ms });
                return;
            }
        };
        let at = actions.len();
        let (mut accepted, mut duplicates) = (0, 0);
        for spec in items {
            if let Some(known) = self.arena.find(run_slot, &spec.item) {
                self.recognise(known, spec);
                duplicates += 1;
                continue;
            }
            let spec = ItemSpec { tokens: spec.tokens.max(1), ..spec };
            match self.hopeless(&spec) {
                Some(reason) => {
                    let item = Assigned { run, item: spec.item, tag: spec.tag };
                    actions.push(Action::ItemFailed { item, reason });
                }
                None => {
                    self.enqueue(run, run_slot, spec);
                    accepted += 1;
                }
            }
        }
        self.totals.accepted += u64::from(accepted);
        actions.insert(at, Action::Accepted { run, accepted, duplicates });
    }

    /// An item that was adopted with its batch gets its coordinator back.
    fn recognise(&mut self, item: Handle, spec: ItemSpec) {
        let longest = self.config.max_item_tokens;
        let entry = self.arena.get_mut(item);
        if entry.unclaimed {
            let (model, class) = (entry.spec.model, entry.spec.class);
            entry.unclaimed = false;
            let (tag, tokens) = (spec.tag, spec.tokens.clamp(1, longest));
            entry.spec = ItemSpec { model, class, tokens, ..spec };
            (entry.attempts, entry.crashes) = (spec.marks.attempts, spec.marks.crashes);
            self.arena.set_tag(item, tag);
            self.arena.hot[item as usize].tokens = tokens;
        }
    }

    /// Whether the page may come in: the run's slot if so.
    fn admit(&mut self, run: RunId, term: Term, items: &[ItemSpec]) -> Result<u32, Refusal> {
        let slot = self.runs.enter(run, term).ok_or(Refusal::TooManyNames)?;
        self.runs.admit(slot, term)?;
        let fresh = items.iter().filter(|spec| self.arena.find(slot, &spec.item).is_none()).count();
        if self.runs.get(slot).outstanding as usize + fresh > self.config.max_items_per_run as usize {
            return Err(Refusal::RunFull);
        }
        if self.arena.len() + fresh > self.config.max_items as usize {
            return Err(Refusal::QueueFull);
        }
        let mut names: Vec<_> = items.iter().map(|spec| (spec.model, spec.tenant)).collect();
        names.sort_unstable();
        names.dedup();
        let mut rest = names.as_slice();
        while let Some(&(model, _)) = rest.first() {
            let (same, others) = rest.split_at(rest.partition_point(|&(other, _)| other == model));
            let index = self.enter_model(model).ok_or(Refusal::TooManyNames)?;
            self.make_room(index, same)?;
            rest = others;
        }
        Ok(slot)
    }

    /// Makes room for the tenants of a page, in order and each of them once, among those of a model.
    fn make_room(&mut self, model: u32, page: &[(ModelKey, TenantId)]) -> Result<(), Refusal> {
        let bulk = &mut self.models[model as usize].bulk;
        let known = bulk.known_with(page.iter().map(|&(_, tenant)| tenant));
        let over = known.saturating_sub(self.config.max_tenants as usize);
        let comes = |tenant| page.binary_search_by_key(&tenant, |&(_, other)| other).is_ok();
        if bulk.sweep(over, comes) == over { Ok(()) } else { Err(Refusal::TooManyNames) }
    }

    /// Why an item can't be done at all.
    fn hopeless(&self, spec: &ItemSpec) -> Option<ItemFailure> {
        if spec.tokens > self.config.max_item_tokens {
            return Some(ItemFailure::TooLong);
        }
        let deadline_ms = spec.deadline_ms?;
        let model = self.model_of.get(&spec.model).map(|&index| &self.models[index as usize]);
        let needs_ms = model.filter(|model| model.workers > 0).map_or(0.0, |model| {
            let ahead_ns = self.ahead_ns(model, spec.class, deadline_ms);
            (model.cost.item_ns(spec.tokens) + ahead_ns / f64::from(model.workers)) / 1e6
        });
        let left_ms = deadline_ms.saturating_sub(self.now_ms);
        (left_ms == 0 || (left_ms as f64) < needs_ms).then_some(ItemFailure::DeadlineMissed)
    }

    /// Predicted device time of what goes ahead of an item with this deadline: at least that, as only so much of it is
    /// looked at.
    fn ahead_ns(&self, model: &Model, class: Class, deadline_ms: u64) -> f64 {
        let item_ns = |item: Handle| model.cost.item_ns(self.arena.hot[item as usize].tokens);
        let urgent: f64 = match class {
            Class::Interactive => model.interactive.due_by(deadline_ms).take(LOOK_AHEAD).map(item_ns).sum(),
            Class::Bulk => {
                let waiting = model.waiting[rank(Class::Interactive)];
                model.cost.sum_ns(&waiting)
            }
        };
        let endangered = model.bulk.deadlines.range(..=(deadline_ms, Handle::MAX)).take(LOOK_AHEAD);
        match class {
            Class::Interactive => urgent,
            Class::Bulk => urgent + endangered.map(|&(_, item)| item_ns(item)).sum::<f64>(),
        }
    }

    fn enqueue(&mut self, run: RunId, run_slot: u32, spec: ItemSpec) {
        // Entered by `admit`; the map is asked again rather than carrying an index an item through the page.
        let Some(model) = self.enter_model(spec.model) else { return };
        self.wake_model(model);
        let due_ms = spec.deadline_ms.unwrap_or(self.now_ms.saturating_add(self.config.interactive_target_ms));
        let item = self.arena.insert(Entry::new(spec, run, model, due_ms), run_slot, self.now_ms);
        self.runs.gained(run_slot, item, &self.arena);
        if let Some(deadline_ms) = spec.deadline_ms {
            self.deadlines.insert((deadline_ms, item));
        }
        let standing = self.standing(spec.tenant, model);
        self.mark(model);
        let bucket = self.buckets.of(spec.tokens);
        let model = &mut self.models[model as usize];
        model.waiting[rank(spec.class)].add(spec.tokens);
        match spec.class {
            Class::Interactive => model.interactive.push(&mut self.arena, item, bucket, due_ms),
            Class::Bulk => model.bulk.push(&mut self.arena, item, bucket, standing),
        }
    }

    /// How long until about as much has been done as the page asks for.
    fn retry_after_ms(&self, items: &[ItemSpec]) -> u64 {
        let serving = items.iter().find_map(|spec| {
            let &model = self.model_of.get(&spec.model)?;
            let model = &self.models[model as usize];
            (model.workers > 0).then_some(model)
        });
        let Some(model) = serving else { return RETRY_WITHOUT_WORKERS_MS };
        let page_ns: f64 = items.iter().map(|spec| model.cost.item_ns(spec.tokens)).sum();
        (page_ns / 1e6 / f64::from(model.workers)).clamp(RETRY_AFTER_MS.0, RETRY_AFTER_MS.1) as u64
    }

    pub(crate) fn cancel_run(&mut self, run: RunId, term: Term, actions: &mut Vec<Action>) {
        let Some(slot) = self.runs.enter(run, term) else { return };
        let entry = self.runs.get_mut(slot);
        if term < entry.term {
            self.totals.stale += 1;
            return;
        }
        entry.term = term;
        entry.cancelled = Some(term);
        let items: Vec<Handle> = self.runs.get(slot).items(&self.arena).collect();
        self.totals.cancelled += items.len() as u64;
        let mut groups = Vec::new();
        let mut batches = Vec::new();
        for item in items {
            let entry = *self.arena.get(item);
            match self.arena.phase(item) {
                Phase::Free => {}
                Phase::Queued => {
                    self.unqueue(item);
                    self.retire(item);
                }
                Phase::Again(number) => {
                    groups.push((entry.model, entry.spec.class, entry.ready_ms, number));
                    self.arena.cancel(item);
                }
                Phase::Leased(batch) => {
                    batches.push(batch);
                    self.unlist(item);
                }
            }
        }
        groups.sort_unstable();
        groups.dedup();
        for (model, class, ready_ms, number) in groups {
            self.thin_group(model, class, (ready_ms, number));
        }
        batches.sort_unstable();
        batches.dedup();
        for batch in batches {
            self.let_go_if_unwanted(batch, actions);
        }
    }

    /// Drops the cancelled items of a group.
    fn thin_group(&mut self, model: u32, class: Class, key: (u64, u64)) {
        let groups = &mut self.models[model as usize].again[rank(class)];
        let Some(mut group) = groups.remove(&key) else { return };
        let arena = &self.arena;
        let (gone, kept): (Vec<Handle>, Vec<Handle>) = group.items.iter().partition(|&&item| arena.is_cancelled(item));
        group.items = kept;
        if !group.items.is_empty() {
            groups.insert(key, group);
        }
        for item in gone {
            let tokens = self.arena.get(item).spec.tokens;
            self.models[model as usize].waiting[rank(class)].sub(tokens);
            self.retire(item);
        }
    }

    fn let_go_if_unwanted(&mut self, id: BatchId, actions: &mut Vec<Action>) {
        let twin = self.batches.get(&id).and_then(|batch| batch.twin);
        for id in [Some(id), twin].into_iter().flatten() {
            self.let_one_go(id, actions);
        }
    }

    fn let_one_go(&mut self, id: BatchId, actions: &mut Vec<Action>) {
        let Some(batch) = self.batches.get_mut(&id) else { return };
        if !batch.items.iter().all(|&item| self.arena.is_cancelled(item)) {
            return;
        }
        if let Some(worker) = self.workers.get(batch.worker) {
            let (worker, lease) = (worker.id, batch.lease);
            batch.asked_back = true;
            actions.push(Action::CancelBatch { worker, lease, reason: CancelReason::RunCancelled });
        }
    }

    /// Takes a queued item out of its queue, unserved.
    pub(crate) fn unqueue(&mut self, item: Handle) {
        let entry = *self.arena.get(item);
        let model = &mut self.models[entry.model as usize];
        model.waiting[rank(entry.spec.class)].sub(entry.spec.tokens);
        match entry.spec.class {
            Class::Interactive => model.interactive.remove(&self.arena, item, entry.due_ms),
            Class::Bulk => model.bulk.discard(&self.arena, item, self.now_ms),
        }
        if let Some(deadline_ms) = entry.spec.deadline_ms {
            self.deadlines.remove(&(deadline_ms, item));
        }
    }

    /// Gives up queued items whose deadline has passed.
    pub(crate) fn expire_deadlines(&mut self, actions: &mut Vec<Action>) {
        while let Some(&(deadline_ms, item)) = self.deadlines.first() {
            if deadline_ms > self.now_ms {
                break;
            }
            self.unqueue(item);
            self.give_up(item, ItemFailure::DeadlineMissed, actions);
        }
    }

    /// An item that nothing holds fails for good.
    pub(crate) fn give_up(&mut self, item: Handle, reason: ItemFailure, actions: &mut Vec<Action>) {
        let assigned = self.arena.assigned(item, &self.runs);
        self.totals.failed += 1;
        self.retire(item);
        actions.push(Action::ItemFailed { item: assigned, reason });
    }
}
