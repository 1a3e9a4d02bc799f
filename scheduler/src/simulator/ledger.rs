//! What must hold end to end, kept apart from the core's own books: every message in and every action out is entered
//! here too, and the two must agree.

mod batches;
mod broken;
mod limits;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use broken::Broken;
use domain::id::TenantId;

use super::leader::{number, run_number};
use super::sim::Sim;
use crate::arena::Map;
use crate::event::{Action, CancelReason, Event, Failure, Lease, Refusal};
use crate::item::{Assigned, Class};
use crate::state::State;

/// What the ledger needs to know of an event.
#[derive(Debug)]
pub(super) enum Seen {
    Nothing,
    Submit { run: u32, term: u64, items: Arc<[u32]> },
    Cancel { run: u32, term: u64 },
    Ready { device: u32, epoch: u64, held: Vec<(Lease, Vec<u32>)> },
    Done { device: u32, lease: Lease },
    Failed { device: u32, lease: Lease, failure: Failure },
    Lost { device: u32, epoch: u64 },
    Drain { device: u32 },
    Limit { tenant: TenantId, device_ms_per_s: Option<u32> },
}

impl Seen {
    pub(super) fn of(event: &Event) -> Self {
        match event {
            Event::WorkerReady { worker, epoch, held, .. } => {
                let items = |items: &[Assigned]| items.iter().map(|item| item.tag as u32).collect();
                let held = held.iter().map(|held| (held.lease, items(&held.items))).collect();
                Self::Ready { device: number(*worker), epoch: *epoch, held }
            }
            Event::BatchDone { worker, lease, .. } => Self::Done { device: number(*worker), lease: *lease },
            Event::BatchFailed { worker, lease, failure } => {
                Self::Failed { device: number(*worker), lease: *lease, failure: *failure }
            }
            Event::WorkerLost { worker, epoch } => Self::Lost { device: number(*worker), epoch: *epoch },
            Event::CancelRun { run, term } => Self::Cancel { run: run_number(*run), term: term.n },
            Event::Drain { worker } => Self::Drain { device: number(*worker) },
            Event::SetLimit { tenant, device_ms_per_s } => {
                Self::Limit { tenant: *tenant, device_ms_per_s: *device_ms_per_s }
            }
            _ => Self::Nothing,
        }
    }
}

/// A batch that a worker may answer for.
#[derive(Clone, Debug)]
struct Live {
    device: u32,
    lease: Lease,
    was: Option<Lease>,
    items: Vec<u32>,
}

/// A worker as the core should know it.
#[derive(Clone, Debug, Default)]
struct Known {
    epoch: Option<u64>,
    ended: u64,
    draining: bool,
    held: Vec<u64>,
}

/// The order in which one tenant brought bulk items for one model, and which have left.
#[derive(Clone, Debug, Default)]
struct Order {
    items: Vec<u32>,
    gone: Vec<bool>,
    head: usize,
    left: u32,
    dropped: u32,
}

impl Order {
    fn leave(&mut self, seq: u32) {
        self.gone[seq as usize] = true;
        self.left += 1;
        while self.gone.get(self.head).is_some_and(|gone| *gone) {
            self.head += 1;
        }
        if self.head == self.gone.len() {
            self.dropped = 0;
        }
    }
}

/// What one leader was seen doing.
#[derive(Clone, Debug)]
pub(super) struct Ledger {
    live: Map<u64, Live>,
    known: Vec<Known>,
    outstanding: u64,
    orders: BTreeMap<(u32, u32), Order>,
    /// Highest term seen of a run, and the one it was cancelled under.
    terms: Map<u32, (u64, u64)>,
    of_run: Map<u32, u32>,
    /// Outstanding items that no batch holds, by model.
    waiting: Vec<u32>,
    /// Tenants that have a limit.
    limits: BTreeMap<u32, limits::Bucket>,
}

type Check = Result<(), Broken>;

impl Ledger {
    pub(super) fn new(devices: usize) -> Self {
        Self {
            live: Map::default(),
            known: vec![Known::default(); devices],
            outstanding: 0,
            orders: BTreeMap::new(),
            terms: Map::default(),
            of_run: Map::default(),
            waiting: Vec::new(),
            limits: BTreeMap::new(),
        }
    }

    /// Enters one event and what came of it.
    pub(super) fn see(&mut self, sim: &mut Sim<'_>, core: &State, seen: &Seen, actions: &[Action]) -> Check {
        for action in actions {
            if let Action::WorkerHung { worker, epoch } = action {
                self.end_life(sim, number(*worker), *epoch);
            }
        }
        let done = self.enter(sim, core, seen, actions)?;
        let mut completed = false;
        for action in actions {
            match action {
                Action::Run { worker, lease, padded_len, items, hedge, .. } => {
                    if !hedge {
                        self.charge(sim, core, number(*worker), items)?;
                    }
                    self.hand_out(sim, core, number(*worker), *lease, *padded_len, items, *hedge)?;
                }
                Action::Adopted { worker, was, lease } => {
                    let empty = actions.iter().any(|other| {
                        matches!(other, Action::CancelBatch { lease: other, reason: CancelReason::Superseded, .. } if other == lease)
                    });
                    self.adopt(sim, number(*worker), *was, *lease, seen, empty)?;
                }
                Action::Completed { items, unwanted, .. } => {
                    completed = true;
                    self.complete(sim, items, unwanted, done.as_deref().unwrap_or_default())?;
                }
                Action::ItemFailed { item, reason } => self.fail(sim, item.tag as u32, *reason, seen)?,
                Action::Drained { worker, .. } => {
                    let held = &self.known[number(*worker) as usize].held;
                    if !held.is_empty() {
                        return Err(Broken::Undrained { device: number(*worker), batches: held.len() as u32 });
                    }
                }
                _ => {}
            }
        }
        if !completed && let Some(&item) = done.iter().flatten().next() {
            return Err(Broken::Item { item, what: "was done under a good lease, and its result was dropped" });
        }
        let core_outstanding = core.arena.len() as u64;
        if core_outstanding != self.outstanding {
            let what = "items outstanding";
            return Err(Broken::Count { what, core: core_outstanding, ledger: self.outstanding });
        }
        Ok(())
    }

    /// The event's own effect; the items of a batch that was done, where one was.
    fn enter(
        &mut self,
        sim: &mut Sim<'_>,
        core: &State,
        seen: &Seen,
        actions: &[Action],
    ) -> Result<Option<Vec<u32>>, Broken> {
        match seen {
            Seen::Nothing => {}
            Seen::Submit { run, term, items } => self.submit(sim, core, (*run, *term), items, actions)?,
            Seen::Cancel { run, term } => self.cancel(sim, *run, *term),
            Seen::Ready { device, epoch, .. } => {
                let known = &self.known[*device as usize];
                let (before, ended) = (known.epoch, known.ended);
                if *epoch > ended && before.is_none_or(|before| *epoch > before) {
                    if let Some(before) = before {
                        self.end_life(sim, *device, before);
                    }
                    let known = &mut self.known[*device as usize];
                    (known.epoch, known.draining) = (Some(*epoch), false);
                }
            }
            Seen::Done { device, lease } => {
                let items = self.close(sim, *device, *lease);
                return Ok(
                    items.map(|items| items.into_iter().filter(|&item| sim.items[item as usize].outstanding).collect())
                );
            }
            Seen::Failed { device, lease, failure } => {
                if let Some(items) = self.close(sim, *device, *lease) {
                    self.came_back(sim, &items, matches!(failure, Failure::Error | Failure::OutOfMemory));
                }
            }
            Seen::Lost { device, epoch } => {
                if self.known[*device as usize].epoch == Some(*epoch) {
                    self.end_life(sim, *device, *epoch);
                }
            }
            Seen::Drain { device } => {
                let known = &mut self.known[*device as usize];
                known.draining = known.epoch.is_some();
            }
            Seen::Limit { tenant, device_ms_per_s } => self.limit(*tenant, *device_ms_per_s, sim.now_us / 1_000),
        }
        Ok(None)
    }

    fn submit(
        &mut self,
        sim: &mut Sim<'_>,
        core: &State,
        (run, term): (u32, u64),
        items: &[u32],
        actions: &[Action],
    ) -> Check {
        let (highest, cancelled) = self.terms.get(&run).copied().unwrap_or((0, 0));
        let fresh = items.iter().filter(|&&item| !sim.items[item as usize].outstanding).count() as u32;
        let answer = actions.iter().find_map(|action| match action {
            Action::Accepted { run: of, accepted, duplicates } if run_number(*of) == run => {
                Some(Ok((*accepted, *duplicates)))
            }
            Action::Refused { run: of, reason, .. } if run_number(*of) == run => Some(Err(*reason)),
            _ => None,
        });
        let config = core.config();
        let of_run = self.of_run.get(&run).copied().unwrap_or(0);
        match answer {
            None => return Err(Broken::Count { what: "answers to a page", core: 0, ledger: 1 }),
            Some(Err(reason)) => {
                let true_reason = match reason {
                    Refusal::StaleTerm => term < highest,
                    Refusal::Cancelled => term <= cancelled,
                    Refusal::RunFull => of_run + fresh > config.max_items_per_run,
                    Refusal::QueueFull => self.outstanding + u64::from(fresh) > u64::from(config.max_items),
                    Refusal::TooManyNames => true,
                };
                if matches!(reason, Refusal::RunFull | Refusal::QueueFull) {
                    // There was no room, but whoever asked speaks for the run from now on.
                    self.terms.insert(run, (highest.max(term), cancelled));
                }
                return if true_reason { Ok(()) } else { Err(Broken::WronglyRefused { run, reason }) };
            }
            Some(Ok((accepted, duplicates))) => {
                if term < highest || term <= cancelled {
                    return Err(Broken::Stale { run, term, newer: highest.max(cancelled) });
                }
                self.terms.insert(run, (term, cancelled));
                let hopeless = fresh - fresh.min(accepted);
                let failed = actions.iter().filter(|action| matches!(action, Action::ItemFailed { .. })).count() as u32;
                if accepted + duplicates + hopeless != items.len() as u32 || hopeless > failed {
                    let (core, ledger) = (u64::from(accepted), u64::from(fresh));
                    return Err(Broken::Count { what: "items of a page", core, ledger });
                }
            }
        }
        let is_refused = |number: u32, action: &Action| match action {
            Action::ItemFailed { item, .. } => item.tag as u32 == number,
            _ => false,
        };
        for &number in items {
            let item = &mut sim.items[number as usize];
            if item.outstanding {
                item.claimed = true;
            } else if !actions.iter().any(|action| is_refused(number, action)) {
                self.accept(sim, number, true);
            }
        }
        Ok(())
    }

    fn accept(&mut self, sim: &mut Sim<'_>, number: u32, claimed: bool) {
        let item = &mut sim.items[number as usize];
        let run = &sim.runs[item.run as usize];
        (item.outstanding, item.claimed, item.failed_in) = (true, claimed, 0);
        self.outstanding += 1;
        *self.of_run.entry(item.run).or_default() += 1;
        let model = run.model as usize;
        if self.waiting.len() <= model {
            self.waiting.resize(model + 1, 0);
        }
        self.waiting[model] += 1;
        item.ordered = run.class == Class::Bulk && claimed;
        if item.ordered {
            let order = self.orders.entry((run.tenant, run.model)).or_default();
            item.seq = order.items.len() as u32;
            order.items.push(number);
            order.gone.push(false);
        }
    }

    /// The item is outstanding no more.
    fn end(&mut self, sim: &mut Sim<'_>, number: u32) {
        let item = &mut sim.items[number as usize];
        item.outstanding = false;
        self.outstanding -= 1;
        if let Some(of_run) = self.of_run.get_mut(&item.run) {
            *of_run -= 1;
        }
        if item.running == 0 {
            self.waiting[sim.runs[item.run as usize].model as usize] -= 1;
        }
        self.leave_order(sim, number, true);
    }

    fn leave_order(&mut self, sim: &mut Sim<'_>, number: u32, dropped: bool) {
        let item = &mut sim.items[number as usize];
        let run = &sim.runs[item.run as usize];
        if std::mem::take(&mut item.ordered)
            && let Some(order) = self.orders.get_mut(&(run.tenant, run.model))
        {
            order.dropped += u32::from(dropped);
            order.leave(item.seq);
        }
    }

    fn cancel(&mut self, sim: &mut Sim<'_>, run: u32, term: u64) {
        let (highest, cancelled) = self.terms.get(&run).copied().unwrap_or((0, 0));
        if term < highest {
            return;
        }
        self.terms.insert(run, (term, cancelled.max(term)));
        let of = &sim.runs[run as usize];
        for item in of.first..of.first + of.count {
            if sim.items[item as usize].outstanding {
                self.end(sim, item);
            }
        }
    }

    /// Takes a batch out; its items, if it was held under this lease.
    fn close(&mut self, sim: &mut Sim<'_>, device: u32, lease: Lease) -> Option<Vec<u32>> {
        let held = &self.known[device as usize].held;
        let id = held
            .iter()
            .copied()
            .find(|id| self.live.get(id).is_some_and(|live| live.lease == lease || live.was == Some(lease)))?;
        self.known[device as usize].held.retain(|&other| other != id);
        self.take_back(sim, id)
    }

    fn take_back(&mut self, sim: &mut Sim<'_>, id: u64) -> Option<Vec<u32>> {
        let live = self.live.remove(&id)?;
        for &number in &live.items {
            let item = &mut sim.items[number as usize];
            item.running -= 1;
            if item.batch == id {
                (item.batch, item.twin) = (item.twin, 0);
            } else if item.twin == id {
                item.twin = 0;
            }
            if item.running == 0 && item.outstanding {
                self.waiting[sim.runs[item.run as usize].model as usize] += 1;
            }
        }
        Some(live.items)
    }

    /// Items of a batch that was not done: those that nobody has claimed are let go.
    fn came_back(&mut self, sim: &mut Sim<'_>, items: &[u32], failed: bool) {
        for &number in items {
            let item = &mut sim.items[number as usize];
            if failed && item.running == 0 {
                item.failed_in = items.len() as u32;
            }
            if item.outstanding && !item.claimed && item.running == 0 {
                self.end(sim, number);
            }
        }
    }

    fn end_life(&mut self, sim: &mut Sim<'_>, device: u32, epoch: u64) {
        let known = &mut self.known[device as usize];
        known.epoch = None;
        known.ended = known.ended.max(epoch);
        for (place, id) in std::mem::take(&mut known.held).into_iter().enumerate() {
            if let Some(items) = self.take_back(sim, id) {
                if place == 0 {
                    for &item in &items {
                        let item = &mut sim.items[item as usize];
                        item.crashes = item.crashes.saturating_add(1);
                    }
                }
                self.came_back(sim, &items, false);
            }
        }
    }
}
