//! A small world around the core: devices that run, fail, vanish and answer late, and a ledger of every item.

#![allow(dead_code, reason = "each test file uses its part of it")]

pub mod trouble;

use std::collections::{BTreeMap, BTreeSet};

use domain::id::{Digest, ItemId, RunId, TenantId, Term, WorkerId};
use scheduler::cost::Cost;
use scheduler::{
    Action, Class, Config, Event, Failure, ItemFailure, ItemSpec, Lease, Marks, ModelKey, ModelOffer, NodeKey, State,
    invariants, step,
};

/// xorshift64*: what a seed gives is the same everywhere.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Self {
        let mut rng = Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        for _ in 0..8 {
            rng.next();
        }
        rng
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }

    pub fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    pub fn chance(&mut self, share: f64) -> bool {
        self.share() < share
    }

    /// Passage lengths: lognormal around `median`.
    pub fn tokens(&mut self, median: f64) -> u32 {
        let (u, v) = (self.share().max(1e-12), self.share());
        let normal = (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos();
        (median * (0.8 * normal).exp()).clamp(4.0, 512.0) as u32
    }
}

pub const MODEL: ModelKey = ModelKey(1);
pub const TERM: Term = Term { incarnation: 1, n: 1 };

pub fn worker(n: u64) -> WorkerId {
    WorkerId(u128::from(n))
}

pub fn run(n: u64) -> RunId {
    RunId(u128::from(n))
}

/// An item id without hashing: distinct for distinct numbers.
pub fn item_id(n: u64) -> ItemId {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&n.to_le_bytes());
    ItemId(Digest(bytes))
}

pub fn bulk(n: u64, tenant: u64, tokens: u32) -> ItemSpec {
    ItemSpec {
        item: item_id(n),
        tenant: TenantId(u128::from(tenant)),
        model: MODEL,
        class: Class::Bulk,
        tokens,
        deadline_ms: None,
        marks: Marks::default(),
        tag: n,
    }
}

pub fn offer(model: ModelKey) -> ModelOffer {
    ModelOffer {
        model,
        resident: true,
        load_ms: 500,
        max_padded_tokens: 16_384,
        weights_bytes: 0,
        bytes_per_padded_token: 0,
        prior: Some(Cost { ns_per_token: 10_000.0, ns_per_token_squared: 20.0 }),
    }
}

pub fn ready(id: u64, epoch: u64, credits: u32) -> Event {
    Event::WorkerReady {
        worker: worker(id),
        node: NodeKey(id),
        epoch,
        credits,
        models: vec![offer(MODEL)],
        free_memory_bytes: 0,
        held: Vec::new(),
    }
}

/// A batch in a worker's hands.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    pub lease: Lease,
    pub model: ModelKey,
    pub padded_len: u32,
    pub items: Vec<(RunId, ItemId)>,
}

/// How an item ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Completed,
    Failed(ItemFailure),
    Cancelled,
}

/// The core, the devices' hands, and what became of every item.
pub struct World {
    pub state: State,
    pub now_ms: u64,
    pub history: Vec<(Event, u64)>,
    pub answers: Vec<Action>,
    pub hands: BTreeMap<WorkerId, Vec<Held>>,
    pub epochs: BTreeMap<WorkerId, u64>,
    pub outstanding: BTreeSet<(RunId, ItemId)>,
    pub ended: BTreeMap<(RunId, ItemId), End>,
    /// How often each item was handed out.
    pub handed_out: BTreeMap<(RunId, ItemId), u32>,
    /// Handed out, in order: tenant ledger for overtaking.
    pub actions: Vec<Action>,
    /// When the core wanted to be woken next, after each event.
    pub wakes: Vec<Option<u64>>,
}

impl World {
    pub fn new(config: Config) -> Self {
        Self {
            state: State::new(config, TERM),
            now_ms: 0,
            history: Vec::new(),
            answers: Vec::new(),
            hands: BTreeMap::new(),
            epochs: BTreeMap::new(),
            outstanding: BTreeSet::new(),
            ended: BTreeMap::new(),
            handed_out: BTreeMap::new(),
            actions: Vec::new(),
            wakes: Vec::new(),
        }
    }

    /// One event; what it brought is in `answers`, and applied to the ledger.
    pub fn tell(&mut self, event: Event) -> &[Action] {
        self.history.push((event.clone(), self.now_ms));
        self.answers.clear();
        let submitted: Vec<(RunId, ItemId)> = match &event {
            Event::Submit { run, items, .. } => items.iter().map(|spec| (*run, spec.item)).collect(),
            _ => Vec::new(),
        };
        let cancelled = match &event {
            Event::CancelRun { run, .. } => Some(*run),
            _ => None,
        };
        step(&mut self.state, event, self.now_ms, &mut self.answers);
        self.wakes.push(self.state.next_wake_ms());
        let answers = self.answers.clone();
        let door = |action: &Action| matches!(action, Action::Accepted { .. } | Action::Refused { .. });
        // What comes before the door's answer happened before the page came in.
        let (before, after) = answers.split_at(answers.iter().position(door).unwrap_or(0));
        before.iter().for_each(|action| self.apply(action));
        let refused = after.iter().any(|action| matches!(action, Action::Refused { .. }));
        for key in submitted.into_iter().filter(|_| !refused) {
            let failed =
                |action: &Action| matches!(action, Action::ItemFailed { item, .. } if (item.run, item.item) == key);
            if self.outstanding.contains(&key) || !after.iter().any(failed) {
                self.outstanding.insert(key);
                self.ended.remove(&key);
            }
        }
        if let Some(run) = cancelled {
            let gone: Vec<_> = self.outstanding.iter().filter(|(of, _)| *of == run).copied().collect();
            for key in gone {
                self.outstanding.remove(&key);
                self.ended.insert(key, End::Cancelled);
            }
        }
        after.iter().for_each(|action| self.apply(action));
        self.actions.extend(answers);
        &self.answers
    }

    fn apply(&mut self, action: &Action) {
        match action {
            Action::Run { worker, lease, model, padded_len, items, .. } => {
                assert_eq!(self.epochs.get(worker), Some(&lease.epoch), "a lease for a life that is over");
                let items: Vec<_> = items.iter().map(|item| (item.run, item.item)).collect();
                for key in &items {
                    assert!(self.outstanding.contains(key), "{key:?} was handed out and is not outstanding");
                    *self.handed_out.entry(*key).or_default() += 1;
                }
                let held = Held { lease: *lease, model: *model, padded_len: *padded_len, items };
                self.hands.entry(*worker).or_default().push(held);
            }
            Action::Completed { items, unwanted, .. } => {
                for (place, item) in items.iter().enumerate() {
                    if !unwanted.contains(&(place as u32)) {
                        self.end((item.run, item.item), End::Completed);
                    }
                }
            }
            Action::ItemFailed { item, reason } => {
                let key = (item.run, item.item);
                if self.outstanding.contains(&key) {
                    self.end(key, End::Failed(*reason));
                }
            }
            Action::WorkerHung { worker, epoch } => {
                // In the same step a new life may have begun.
                if self.epochs.get(worker) == Some(epoch) {
                    self.epochs.remove(worker);
                    self.hands.remove(worker);
                }
            }
            Action::Accepted { .. }
            | Action::Refused { .. }
            | Action::CancelBatch { .. }
            | Action::Adopted { .. }
            | Action::Unload { .. }
            | Action::Marked { .. }
            | Action::Drained { .. } => {}
        }
    }

    fn end(&mut self, key: (RunId, ItemId), end: End) {
        assert!(self.outstanding.remove(&key), "{key:?} ended as {end:?} and was not outstanding");
        assert_eq!(self.ended.insert(key, end), None, "{key:?} ended twice");
    }

    pub fn join(&mut self, id: u64, epoch: u64, credits: u32) {
        self.epochs.insert(worker(id), epoch);
        self.hands.insert(worker(id), Vec::new());
        self.tell(ready(id, epoch, credits));
    }

    pub fn lose(&mut self, id: u64) {
        let epoch = self.epochs.remove(&worker(id)).expect("a worker that is there");
        self.hands.remove(&worker(id));
        self.tell(Event::WorkerLost { worker: worker(id), epoch });
    }

    pub fn submit(&mut self, of: u64, items: Vec<ItemSpec>) {
        self.tell(Event::Submit { run: run(of), term: TERM, items });
    }

    /// Time passes until the worker, which says nothing in its first life, is taken for lost.
    pub fn wait_until_hung(&mut self, id: u64) {
        let hung = Action::WorkerHung { worker: worker(id), epoch: 1 };
        while !self.actions.contains(&hung) {
            self.now_ms = self.state.next_wake_ms().expect("the lease has an end");
            self.tell(Event::Tick);
        }
    }

    /// The worker finishes its first batch.
    pub fn finish(&mut self, id: u64, elapsed_us: u64) -> Held {
        let held = self.hands.get_mut(&worker(id)).expect("a worker that is there").remove(0);
        self.tell(Event::BatchDone { worker: worker(id), lease: held.lease, elapsed_us });
        held
    }

    /// The worker fails its first batch.
    pub fn fail(&mut self, id: u64, failure: Failure) -> Held {
        let held = self.hands.get_mut(&worker(id)).expect("a worker that is there").remove(0);
        self.tell(Event::BatchFailed { worker: worker(id), lease: held.lease, failure });
        held
    }

    pub fn holds(&self, id: u64) -> &[Held] {
        self.hands.get(&worker(id)).map_or(&[], Vec::as_slice)
    }

    /// Worker 1 fails whatever holds an item of run 1 and finishes all else, until nothing is left; how many batches ran.
    pub fn run_out(&mut self, poison: u64) -> u32 {
        let mut runs = 0;
        while !self.outstanding.is_empty() {
            if self.holds(1).is_empty() {
                self.now_ms = self.state.next_wake_ms().expect("something is to come");
                self.tell(Event::Tick);
                continue;
            }
            runs += 1;
            if self.holds(1)[0].items.contains(&(run(1), item_id(poison))) {
                self.fail(1, Failure::Error);
            } else {
                self.finish(1, 1_000);
            }
            self.check();
        }
        runs
    }

    pub fn end_of(&self, of: u64, item: u64) -> Option<End> {
        self.ended.get(&(run(of), item_id(item))).copied()
    }

    pub fn check(&self) {
        invariants::check(&self.state).unwrap_or_else(|violation| panic!("{}: {violation}", violation.code()));
        let outstanding = self.state.snapshot().outstanding_items as usize;
        assert_eq!(outstanding, self.outstanding.len(), "the ledger and the core disagree");
    }
}
