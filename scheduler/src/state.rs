//! All that the core remembers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::id::{TenantId, Term};
use domain::scheduling::TermBegan;

use crate::arena::{Arena, Handle, Map, Phase};
use crate::bucket::Buckets;
use crate::config::Config;
use crate::event::{BatchId, Lease};
use crate::fairness::Window;
use crate::item::{Assigned, Class, ModelKey};
use crate::limits::Limit;
use crate::model::{Group, Model, rank};
use crate::run::Runs;
use crate::snapshot::Totals;
use crate::worker::Workers;

/// A batch that a worker holds.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    pub(crate) lease: Lease,
    /// The lease of an earlier scheduler that it was adopted from.
    pub(crate) was: Option<Lease>,
    pub(crate) worker: u32,
    pub(crate) model: u32,
    pub(crate) class: Class,
    /// Empty once its items are done elsewhere.
    pub(crate) items: Vec<Handle>,
    pub(crate) assigned: Arc<[Assigned]>,
    pub(crate) padded_len: u32,
    pub(crate) predicted_ns: f64,
    /// Memory that it is predicted to need beside the weights.
    pub(crate) activation_bytes: i64,
    pub(crate) load_ms: u32,
    /// When the lease runs out; set when it is its turn on the worker.
    pub(crate) expires_ms: Option<u64>,
    /// When it is late; set with the former.
    pub(crate) late_ms: Option<u64>,
    /// Another batch of the same items, ...
    pub(crate) twin: Option<BatchId>,
    /// ... to which they belong if this one is the hedge.
    pub(crate) hedge: bool,
    /// The worker was asked to let it go.
    pub(crate) asked_back: bool,
    /// The model and the class of the work for which it was asked back.
    pub(crate) recalled_for: Option<(u32, Class)>,
    /// Until when it may make way for a newcomer; `None` if it never did.
    pub(crate) patient_until_ms: Option<u64>,
}

/// The scheduler at one moment. Only [`step`](crate::step()) changes it.
#[derive(Clone, Debug)]
pub struct State {
    pub(crate) config: Config,
    pub(crate) term: Term,
    pub(crate) now_ms: u64,
    pub(crate) buckets: Buckets,
    pub(crate) arena: Arena,
    pub(crate) runs: Runs,
    pub(crate) models: Vec<Model>,
    pub(crate) model_of: BTreeMap<ModelKey, u32>,
    pub(crate) workers: Workers,
    pub(crate) batches: Map<BatchId, Batch>,
    /// Running batches by when their lease runs out.
    pub(crate) expiries: BTreeSet<(u64, BatchId)>,
    /// Running batches that aren't late yet, by when they are.
    pub(crate) lateness: BTreeSet<(u64, BatchId)>,
    /// Device time handed out, predicted, ...
    pub(crate) handed_ns: f64,
    /// ... and of that, to hedges.
    pub(crate) hedged_ns: f64,
    /// Workers that rest, by until when.
    pub(crate) resting: BTreeSet<(u64, u32)>,
    /// Queued items that have a deadline.
    pub(crate) deadlines: BTreeSet<(u64, Handle)>,
    /// Weights that were set, other than the default.
    pub(crate) weights: BTreeMap<TenantId, u32>,
    pub(crate) next_batch: u64,
    pub(crate) next_group: u64,
    pub(crate) leased: u32,
    /// Longest that one turn on a device was ever predicted to take.
    pub(crate) widest_turn_ns: f64,
    pub(crate) totals: Totals,
    /// Nothing is handed out before.
    pub(crate) collect_until_ms: Option<u64>,
    pub(crate) terms: Vec<TermBegan>,
    /// Tenants' limits, ...
    pub(crate) limits: BTreeMap<TenantId, Limit>,
    /// ... and those that had their fill, by until when.
    pub(crate) parked: BTreeSet<(u64, TenantId)>,
    /// Models for which work or a device has come since the last look.
    pub(crate) dirty: BTreeSet<u32>,
    /// Models whose work that came back may run again then.
    pub(crate) retries: BTreeSet<(u64, u32)>,
    /// How large to allocate the next batch.
    pub(crate) last_batch_items: usize,
    /// Where messages are put together; empty between events but for its room.
    pub(crate) message: Vec<Assigned>,
}

impl State {
    /// An empty scheduler of this term. `config` is clamped to what can work.
    pub fn new(config: Config, term: Term) -> Self {
        let config = config.clamped();
        Self {
            buckets: Buckets::new(&config),
            runs: Runs::new(config.max_runs),
            workers: Workers::new(config.max_workers),
            term,
            now_ms: 0,
            arena: Arena::default(),
            models: Vec::new(),
            model_of: BTreeMap::new(),
            batches: Map::default(),
            expiries: BTreeSet::new(),
            lateness: BTreeSet::new(),
            handed_ns: 0.0,
            hedged_ns: 0.0,
            resting: BTreeSet::new(),
            deadlines: BTreeSet::new(),
            weights: BTreeMap::new(),
            next_batch: 1,
            next_group: 1,
            leased: 0,
            widest_turn_ns: f64::from(config.batch_budget_ms) * 1e6,
            totals: Totals::default(),
            collect_until_ms: None,
            terms: Vec::new(),
            limits: BTreeMap::new(),
            parked: BTreeSet::new(),
            dirty: BTreeSet::new(),
            retries: BTreeSet::new(),
            last_batch_items: 0,
            message: Vec::new(),
            config,
        }
    }

    /// The configuration in force.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The term under which leases are given.
    pub fn term(&self) -> Term {
        self.term
    }

    /// When time alone next changes something: a pause ends, a lease runs out, a deadline passes. A shell that hands
    /// in [`Event::Tick`](crate::Event::Tick) then and after every other event needs no periodic one.
    pub fn next_wake_ms(&self) -> Option<u64> {
        let firsts = [
            self.expiries.first().map(|&(at_ms, _)| at_ms),
            self.resting.first().map(|&(at_ms, _)| at_ms),
            self.lateness.first().map(|&(at_ms, _)| at_ms),
            self.deadlines.first().map(|&(at_ms, _)| at_ms),
            self.parked.first().map(|&(at_ms, _)| at_ms).filter(|&at_ms| at_ms < u64::MAX),
            self.retries.first().map(|&(at_ms, _)| at_ms),
            self.collect_until_ms,
        ];
        firsts.into_iter().flatten().min()
    }

    pub(crate) fn weight(&self, tenant: TenantId) -> u32 {
        self.weights.get(&tenant).copied().unwrap_or(self.config.default_weight)
    }

    pub(crate) fn set_weight(&mut self, tenant: TenantId, weight: u32) {
        let weight = weight.max(1);
        if weight == self.config.default_weight {
            self.weights.remove(&tenant);
        } else if self.weights.contains_key(&tenant) || self.weights.len() < self.config.max_tenants as usize {
            self.weights.insert(tenant, weight);
        } else {
            return;
        }
        for model in &mut self.models {
            model.bulk.set_weight(tenant, weight);
        }
    }

    pub(crate) fn window(&self) -> Window {
        let budget_ns = f64::from(self.config.batch_budget_ms) * 1e6;
        Window { batch_ns: self.widest_turn_ns, slack_ns: self.config.fairness_slack_batches * budget_ns }
    }

    /// The dense index of a model; a new one where there is room.
    pub(crate) fn enter_model(&mut self, key: ModelKey) -> Option<u32> {
        if let Some(&model) = self.model_of.get(&key) {
            return Some(model);
        }
        if self.models.len() >= self.config.max_models as usize {
            return None;
        }
        let model = self.models.len() as u32;
        self.models.push(Model::new(key, self.buckets.count(), &self.config));
        self.model_of.insert(key, model);
        Some(model)
    }

    /// Work or a device has come for this model.
    pub(crate) fn mark(&mut self, model: u32) {
        self.dirty.insert(model);
    }

    /// What came back may run again when its pause is over.
    pub(crate) fn end_pauses(&mut self) {
        while let Some(&(ready_ms, model)) = self.retries.first() {
            if ready_ms > self.now_ms {
                break;
            }
            self.retries.pop_first();
            self.mark(model);
        }
    }

    /// A model that had nothing to do earns no credit for it against the others.
    pub(crate) fn wake_model(&mut self, model: u32) {
        let idle = |model: &Model| model.waiting.iter().all(|waiting| waiting.items == 0);
        if !idle(&self.models[model as usize]) {
            return;
        }
        let least = self.models.iter().filter(|model| !idle(model)).map(|model| model.clock_ns).min();
        let model = &mut self.models[model as usize];
        model.clock_ns = model.clock_ns.max(least.unwrap_or(0));
    }

    /// Puts items that come back into a group of their own.
    pub(crate) fn run_again(&mut self, model: u32, class: Class, ready_ms: u64, group: Group) {
        if group.items.is_empty() {
            return;
        }
        self.wake_model(model);
        if ready_ms > self.now_ms {
            self.retries.insert((ready_ms, model));
        }
        self.mark(model);
        let number = self.next_group;
        self.next_group += 1;
        let model = &mut self.models[model as usize];
        for &item in &group.items {
            self.arena.place(item, Phase::Again(number));
            let entry = self.arena.get_mut(item);
            entry.ready_ms = ready_ms;
            model.waiting[rank(class)].add(entry.spec.tokens);
        }
        model.again[rank(class)].insert((ready_ms, number), group);
    }

    /// The item is outstanding no more and nothing holds it: out of its run, out of the arena.
    pub(crate) fn retire(&mut self, item: Handle) {
        let slot = self.arena.end(item);
        self.runs.lost(slot, 1);
    }

    /// The item is outstanding no more, but a lease still holds its slot.
    pub(crate) fn unlist(&mut self, item: Handle) {
        self.runs.lost(self.arena.run_slot(item), 1);
        self.arena.forget(item);
    }
}
