//! The simulated leader: a shell round the core like the real one, which checks on the way what it sees.

use std::sync::Arc;

use domain::id::WorkerId;

use super::ledger::{Broken, Ledger, Seen};
use super::sim::{Fate, Sim, What, item_id, run_id, tenant_id, term_of, worker_id};
use super::{coordinator, device};
use crate::event::{Action, CancelReason, Event};
use crate::invariants;
use crate::item::{Assigned, ItemSpec};
use crate::model::rank;
use crate::state::State;
use crate::step::step;
use crate::trace::{self, Recorder};

/// Events between two full checks.
const FULL_CHECK_EVERY: u64 = 1_000;
/// A trace that is kept to be replayed is no longer than this.
const MAX_TRACE_BYTES: u64 = 256 << 20;

/// What the leader is told.
#[derive(Clone, Debug)]
pub(super) enum ToLeader {
    /// A page of a coordinator's.
    Submit { run: u32, term: u64, page: u32, items: Arc<[u32]> },
    /// Anything else.
    Event(Event),
}

/// Whoever leads.
pub(super) struct Leader {
    pub(super) core: State,
    pub(super) ledger: Ledger,
    actions: Vec<Action>,
    /// When the core wants to be woken, as planned.
    wake_us: u64,
    recorder: Option<Recorder<Vec<u8>>>,
    events: u64,
}

impl Sim<'_> {
    /// Somebody takes the lead, over from another one or as the first.
    pub(super) fn lead(&mut self, takes_over: bool) {
        if self.leader.is_some() {
            return;
        }
        self.term += 1;
        let core = State::new(self.scenario.config, term_of(self.term));
        let mut recorder = None;
        if self.options.replay {
            recorder = Recorder::begin(Vec::new(), &core, MAX_TRACE_BYTES).ok();
        }
        for item in &mut self.items {
            (item.outstanding, item.running, item.batch, item.twin) = (false, 0, 0, 0);
            (item.failed_in, item.ordered) = (0, false);
        }
        let ledger = Ledger::new(self.scenario.devices as usize);
        let leader = Leader { core, ledger, actions: Vec::new(), wake_us: u64::MAX, recorder, events: 0 };
        self.leader = Some(leader);
        self.log.note(self.now_us, "somebody leads: term", [self.term, 0, 0]);
        if !takes_over {
            return;
        }
        self.stats.load.mark(self.now_us, "new leader");
        let past = self.past.clone();
        self.tell_leader(ToLeader::Event(Event::TakeOver { past }));
        for (tenant, weight) in self.weights.clone() {
            self.tell_leader(ToLeader::Event(Event::SetWeight { tenant: tenant_id(tenant), weight }));
        }
        for (tenant, device_ms_per_s) in self.limits.clone() {
            let device_ms_per_s = Some(device_ms_per_s);
            self.tell_leader(ToLeader::Event(Event::SetLimit { tenant: tenant_id(tenant), device_ms_per_s }));
        }
        let term = self.term;
        for device in 0..self.devices.len() as u32 {
            if self.devices[device as usize].up {
                self.say_to_worker(device, device::Told::Follow { term });
            }
            if self.devices[device as usize].draining {
                self.tell_leader_in(400_000, ToLeader::Event(Event::Drain { worker: worker_id(device) }));
            }
        }
        for run in 0..self.runs.len() as u32 {
            if !self.runs[run as usize].is_over() {
                self.say_to_coordinator(run, coordinator::Told::Follow);
            }
        }
    }

    /// The leader is gone, and what it knew.
    pub(super) fn lose_leader(&mut self) {
        let Some(leader) = self.leader.take() else { return };
        self.past = leader.core.terms.clone();
        self.retire_leader(leader);
    }

    /// Adds up what a leader did, and replays it if it was recorded.
    pub(super) fn retire_leader(&mut self, leader: Leader) {
        let totals = &leader.core.totals;
        self.stats.batches += totals.batches;
        self.stats.tokens += totals.tokens;
        self.stats.padded_tokens += totals.padded_tokens;
        self.stats.fill += totals.fill;
        self.stats.hedges += totals.hedges;
        self.stats.hedges_won += totals.hedges_won;
        self.stats.adopted += totals.adopted;
        let Some(recorder) = leader.recorder else { return };
        let replayed = recorder.finish().and_then(|bytes| {
            let replayed = trace::replay(bytes.as_slice(), |_, _, _| {});
            if self.options.keep_trace {
                self.trace = Some(bytes);
            }
            replayed
        });
        match replayed {
            Ok(replayed) => self.stats.replayed += replayed.events,
            Err(error) => self.breaks(Broken::Replay { what: error.to_string() }),
        }
    }

    pub(super) fn wake_leader(&mut self) {
        let due = self.leader.as_ref().is_some_and(|leader| leader.wake_us <= self.now_us);
        if due {
            if let Some(leader) = &mut self.leader {
                leader.wake_us = u64::MAX;
            }
            self.tell_leader(ToLeader::Event(Event::Tick));
        }
    }

    pub(super) fn tell_leader(&mut self, told: ToLeader) {
        // Taken out while it acts, so that it and the world can both be changed.
        let Some(mut leader) = self.leader.take() else { return };
        if let ToLeader::Event(Event::WorkerReady { worker, epoch, .. }) = &told
            && leader.core.workers.has_ended(*worker, *epoch)
        {
            // It doesn't know yet that it was given up.
            self.say_to_worker(number(*worker), device::Told::Rejoin { epoch: *epoch });
        }
        let (event, seen, page) = self.as_event(told);
        let now_ms = self.now_ms();
        if let Some(recorder) = &mut leader.recorder {
            // Writing into memory can't fail.
            let _ = recorder.event(now_ms, &event);
        }
        let mut actions = std::mem::take(&mut leader.actions);
        step(&mut leader.core, event, now_ms, &mut actions);
        leader.events += 1;
        if let Some(recorder) = &mut leader.recorder {
            let _ = recorder.acted(&actions);
        }
        if self.options.checks {
            self.check(&mut leader, &seen, &actions);
        }
        for action in actions.drain(..) {
            self.act(action, page);
        }
        leader.actions = actions;
        self.plan_wake(&mut leader);
        self.leader = Some(leader);
    }

    fn plan_wake(&mut self, leader: &mut Leader) {
        if let Some(wake_ms) = leader.core.next_wake_ms() {
            let now_ms = self.now_ms();
            if wake_ms <= now_ms {
                self.breaks(Broken::Spins { wake_ms, now_ms });
            }
            let wake_us = wake_ms.saturating_mul(1_000);
            if wake_us < leader.wake_us {
                leader.wake_us = wake_us;
                self.queue.push(wake_us, What::Wake);
            }
        }
    }

    /// The event that a message becomes, and what of it the checks need to see.
    fn as_event(&self, told: ToLeader) -> (Event, Seen, u32) {
        match told {
            ToLeader::Submit { run, term, page, items } => {
                let specs = items.iter().map(|&item| self.spec(item)).collect();
                let event = Event::Submit { run: run_id(run), term: term_of(term), items: specs };
                (event, Seen::Submit { run, term, items }, page)
            }
            ToLeader::Event(event) => {
                let seen = if self.options.checks { Seen::of(&event) } else { Seen::Nothing };
                (event, seen, 0)
            }
        }
    }

    fn spec(&self, number: u32) -> ItemSpec {
        let item = &self.items[number as usize];
        let run = &self.runs[item.run as usize];
        ItemSpec {
            item: item_id(number),
            tenant: tenant_id(run.tenant),
            model: crate::item::ModelKey(run.model),
            class: run.class,
            tokens: item.tokens,
            deadline_ms: (item.deadline_ms > 0).then_some(u64::from(item.deadline_ms)),
            marks: item.marks,
            tag: u64::from(number),
        }
    }

    /// The sums at every event, everything every thousand.
    fn check(&mut self, leader: &mut Leader, seen: &Seen, actions: &[Action]) {
        let sums = invariants::check_sums(&leader.core);
        if let Err(violation) = sums {
            self.breaks(Broken::Core(violation));
        }
        if let Err(broken) = leader.ledger.see(self, &leader.core, seen, actions) {
            self.breaks(broken);
        }
        if leader.events.is_multiple_of(FULL_CHECK_EVERY) {
            self.check_all(leader);
        }
    }

    pub(super) fn check_all(&mut self, leader: &mut Leader) {
        if let Err(violation) = invariants::check(&leader.core) {
            self.breaks(Broken::Core(violation));
        }
        if let Err(broken) = leader.ledger.check(self, &leader.core) {
            self.breaks(broken);
        }
        self.stats.full_checks += 1;
        for model in &leader.core.models {
            let batch = f64::from(self.scenario.config.batch_budget_ms) * 1e6;
            for tenant in model.bulk.tenants.iter().filter(|tenant| tenant.backlog > 0) {
                let above = tenant.counter.saturating_sub(model.bulk.floor) as f64;
                let batches = above / batch * f64::from(tenant.weight) / 100.0;
                self.stats.spread = self.stats.spread.max(batches);
            }
        }
    }

    fn act(&mut self, action: Action, page: u32) {
        match action {
            Action::Run { worker, lease, model, padded_len, items, .. } => {
                self.handed_out(&items);
                self.say_to_worker(number(worker), device::Told::Run { lease, model, padded_len, items });
            }
            Action::Adopted { worker, was, lease } => {
                self.say_to_worker(number(worker), device::Told::Adopted { was, lease });
            }
            Action::Unload { worker, model } => {
                let term = term_of(self.term);
                self.say_to_worker(number(worker), device::Told::Unload { model, term });
            }
            Action::Completed { items, unwanted, .. } => self.deliver(&items, &unwanted),
            Action::Marked { items } => {
                for (assigned, marks) in items {
                    let item = assigned.tag as u32;
                    let told = coordinator::Told::Marked { item, marks };
                    self.say_to_coordinator(self.items[item as usize].run, told);
                }
            }
            Action::Accepted { run, .. } if page != u32::MAX => {
                self.say_to_coordinator(run_number(run), coordinator::Told::Accepted { page });
            }
            Action::Refused { run, reason, retry_after_ms } if page != u32::MAX => {
                let told = coordinator::Told::Refused { page, reason, retry_after_ms };
                self.say_to_coordinator(run_number(run), told);
            }
            Action::Accepted { .. } | Action::Refused { .. } => {}
            Action::ItemFailed { item, reason } => {
                let item = item.tag as u32;
                let told = coordinator::Told::ItemFailed { item, reason };
                self.say_to_coordinator(self.items[item as usize].run, told);
            }
            Action::CancelBatch { worker, lease, reason } => {
                self.log.note(
                    self.now_us,
                    "batch called back: device, batch",
                    [number(worker).into(), lease.batch.0, 0],
                );
                self.stats.faulted.called_back += u64::from(reason == CancelReason::Recalled);
                self.say_to_worker(number(worker), device::Told::Cancel { lease, reason });
            }
            Action::WorkerHung { worker, epoch } => {
                self.stats.faulted.taken_for_hung += 1;
                self.log.note(self.now_us, "taken for hung: device, epoch", [number(worker).into(), epoch, 0]);
                self.say_to_worker(number(worker), device::Told::Rejoin { epoch });
            }
            Action::Drained { worker, epoch } => {
                self.say_to_worker(number(worker), device::Told::Leave { epoch });
            }
        }
    }

    /// Notes how long items waited before they were handed out for the first time.
    fn handed_out(&mut self, items: &[Assigned]) {
        for assigned in items {
            let item = &mut self.items[assigned.tag as usize];
            if !item.waited {
                item.waited = true;
                let class = rank(self.runs[item.run as usize].class);
                self.stats.waits[class].add(self.now_us.saturating_sub(item.sent_us));
            }
        }
    }

    /// Hands results to the coordinators of their runs, one message a run.
    fn deliver(&mut self, items: &[Assigned], unwanted: &[u32]) {
        let mut unwanted = unwanted.iter().copied().peekable();
        let mut wanted: Vec<(u32, u32)> = Vec::with_capacity(items.len());
        for (place, assigned) in items.iter().enumerate() {
            if unwanted.next_if_eq(&(place as u32)).is_none() {
                wanted.push((self.items[assigned.tag as usize].run, assigned.tag as u32));
            }
        }
        wanted.sort_unstable();
        for of_run in wanted.chunk_by(|a, b| a.0 == b.0) {
            let results = of_run.iter().map(|&(_, item)| item).collect();
            self.say_to_coordinator(of_run[0].0, coordinator::Told::Results(results));
        }
    }

    /// All work is done: nothing may be left over anywhere.
    pub(super) fn close(&mut self) {
        if let Some(mut leader) = self.leader.take() {
            if self.options.checks {
                self.check_all(&mut leader);
            }
            self.retire_leader(leader);
        }
        let unfinished =
            self.items.iter().position(|item| !matches!(item.fate, Fate::Committed | Fate::Failed | Fate::Cancelled));
        if let Some(item) = unfinished {
            self.breaks(Broken::Unfinished { item: item as u32 });
        }
    }
}

pub(super) fn number(worker: WorkerId) -> u32 {
    (worker.0 - 1) as u32
}

pub(super) fn run_number(run: domain::id::RunId) -> u32 {
    (run.0 - 1) as u32
}

pub(super) fn tenant_number(tenant: domain::id::TenantId) -> u32 {
    (tenant.0 - 1) as u32
}
