//! The core with one device that pulls: what forming batches is measured on.

use domain::id::{Term, WorkerId};
use scheduler::cost::Cost;
use scheduler::{Action, Config, Event, Lease, ModelKey, ModelOffer, NodeKey, State, step};

use crate::prototype::BUDGET;
use crate::trace::{Traced, run_of};

const TERM: Term = Term { incarnation: 1, n: 1 };
const WORKER: WorkerId = WorkerId(1);
const MODEL: ModelKey = ModelKey(1);

/// A batch that was handed out.
#[derive(Clone, Copy, Debug)]
pub struct Handed {
    pub lease: Lease,
    pub padded_len: u32,
    pub items: usize,
}

/// The core, its queue kept at one depth.
pub struct Core<'a> {
    state: State,
    actions: Vec<Action>,
    now_ms: u64,
    trace: &'a [Traced],
    next: usize,
    /// Handed in and not handed out.
    queued: usize,
    depth: usize,
}

impl<'a> Core<'a> {
    /// Filled to `depth`, no batch handed out yet. Tokens alone limit a batch, as they do the prototype's.
    pub fn new(trace: &'a [Traced], depth: usize) -> Self {
        Self::with_age_bound(trace, depth, 4 * depth as u32)
    }

    /// The same with another bound on overtaking.
    pub fn with_age_bound(trace: &'a [Traced], depth: usize, age_bound_items: u32) -> Self {
        let config = Config {
            max_items: 2 * depth as u32 + 8_192,
            max_items_per_run: u32::MAX,
            age_bound_items,
            batch_budget_ms: 60_000,
            max_batch_items: 4_096,
            max_credits: 1,
            ..Config::default()
        };
        let state = State::new(config, TERM);
        let mut core = Self { state, actions: Vec::new(), now_ms: 0, trace, next: 0, queued: 0, depth };
        core.offer(0);
        core.refill();
        core
    }

    fn tell(&mut self, event: Event) {
        self.actions.clear();
        step(&mut self.state, event, self.now_ms, &mut self.actions);
    }

    fn handed(&mut self) -> Option<Handed> {
        let handed = self.actions.iter().find_map(|action| match action {
            Action::Run { lease, padded_len, items, .. } => {
                Some(Handed { lease: *lease, padded_len: *padded_len, items: items.len() })
            }
            _ => None,
        })?;
        self.queued -= handed.items;
        Some(handed)
    }

    /// What the items of the batch were marked with that the last step handed out.
    pub fn tags(&self) -> impl Iterator<Item = u64> {
        let items = self.actions.iter().find_map(|action| match action {
            Action::Run { items, .. } => Some(items),
            _ => None,
        });
        items.into_iter().flat_map(|items| items.iter().map(|item| item.tag))
    }

    /// What the device says of itself, made beforehand so that a measured pull does not pay for it.
    pub fn offer_event(credits: u32) -> Event {
        let models = vec![ModelOffer {
            model: MODEL,
            resident: true,
            load_ms: 0,
            max_padded_tokens: BUDGET as u32,
            weights_bytes: 0,
            bytes_per_padded_token: 0,
            prior: Some(Cost { ns_per_token: 1_000.0, ns_per_token_squared: 0.001 }),
        }];
        Event::WorkerReady {
            worker: WORKER,
            node: NodeKey(1),
            epoch: 1,
            credits,
            models,
            free_memory_bytes: 0,
            held: Vec::new(),
        }
    }

    /// The device offers that many credits.
    pub fn offer(&mut self, credits: u32) -> Option<Handed> {
        self.pull(Self::offer_event(credits))
    }

    /// The device pulls, by an [`offer_event`](Self::offer_event).
    pub fn pull(&mut self, offer: Event) -> Option<Handed> {
        self.tell(offer);
        self.handed()
    }

    /// A batch is done; if the device has credit, the next one is handed out in the same step.
    pub fn done(&mut self, held: Handed) -> Option<Handed> {
        let elapsed_us = u64::from(held.padded_len) * held.items as u64;
        self.tell(Event::BatchDone { worker: WORKER, lease: held.lease, elapsed_us });
        self.handed()
    }

    /// Lets time pass and submits as many items as are missing to the depth, each tenant's in pages of its own.
    pub fn refill(&mut self) {
        self.now_ms += 10;
        let until = self.trace.len().min(self.next + self.depth - self.queued);
        let mut page = self.trace[self.next..until].to_vec();
        self.queued += page.len();
        self.next = until;
        page.sort_by_key(|item| item.tenant);
        for same in page.chunk_by(|a, b| a.tenant == b.tenant) {
            let items = same.iter().map(|item| item.spec(MODEL)).collect();
            self.tell(Event::Submit { run: run_of(same[0].tenant), term: TERM, items });
        }
    }

    /// Whether the queue could still be filled up.
    pub fn is_steady(&self) -> bool {
        self.next < self.trace.len()
    }
}
