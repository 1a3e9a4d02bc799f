//! The thin shell round the scheduler's pure core: envelopes become events, actions become envelopes.
//!
//! The core decides everything; this actor has the clock, the addresses and the inputs' whereabouts. One
//! message a batch, never one an item.

pub mod leadership;
mod names;

use std::collections::HashMap;
use std::time::Duration;

use cluster::body::Fault;
use cluster::body::runs::{ItemClass, ItemsDone, ItemsFailed, SubmitItems, SubmitReply};
use cluster::body::workers::{
    BatchDone, BatchFailed, BatchFailure, BatchGroup, BatchItem, BatchLease, CancelBatch, RunBatch, WorkerReady,
};
use cluster::envelope::Envelope;
use cluster::link::{Address, Wire};
use cluster::message::Message;
use domain::id::{RunId, Term, WorkerId};
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort, SupervisionEvent, pg};
use scheduler::{
    Action, Assigned, BatchId, Class, Config, Event, Failure, ItemFailure, ItemSpec, Lease, Marks, ModelOffer, NodeKey,
    Refusal, Snapshot, State,
};

use crate::clock::since_boot_ms;
use crate::entrance::{self, Said, answer};
use names::{Models, Runs, pack, unpack};

/// How often the core is told that time has passed.
const TICK: Duration = Duration::from_millis(100);

/// What the actor is told.
pub enum SchedulerMessage {
    /// By another role.
    Said(Box<Said>),
    /// Time has passed.
    Tick,
    /// A metrics reader asks.
    Snapshot(RpcReplyPort<Snapshot>),
}

impl ractor::Message for SchedulerMessage {}

impl From<Said> for SchedulerMessage {
    fn from(said: Said) -> Self {
        Self::Said(Box::new(said))
    }
}

/// What a scheduler needs to start.
pub struct SchedulerStart {
    /// Scope of the process groups.
    pub scope: String,
    /// The term that it leads under.
    pub term: Term,
    /// Limits and policy.
    pub config: Config,
    /// How envelopes travel.
    pub wire: Wire,
}

/// The actor.
pub struct SchedulerActor;

/// The actor's state.
pub struct SchedulerState {
    scope: String,
    term: Term,
    wire: Wire,
    core: State,
    models: Models,
    runs: Runs,
    workers: HashMap<WorkerId, (u64, Address)>,
    /// Results that arrived, until the core says which of them are wanted.
    arrived: HashMap<BatchId, BatchDone>,
    /// Why a batch failed last, to be told with the items that are given up for it.
    last_fault: Option<(String, String)>,
    actions: Vec<Action>,
}

impl Actor for SchedulerActor {
    type Msg = SchedulerMessage;
    type State = SchedulerState;
    type Arguments = SchedulerStart;

    async fn pre_start(
        &self,
        me: ActorRef<SchedulerMessage>,
        start: SchedulerStart,
    ) -> Result<SchedulerState, ActorProcessingErr> {
        pg::monitor_scope(start.scope.clone(), me.get_cell());
        me.send_interval(TICK, || SchedulerMessage::Tick);
        Ok(SchedulerState {
            core: State::new(start.config, start.term),
            scope: start.scope,
            term: start.term,
            wire: start.wire,
            models: Models::default(),
            runs: Runs::default(),
            workers: HashMap::new(),
            arrived: HashMap::new(),
            last_fault: None,
            actions: Vec::new(),
        })
    }

    async fn handle(
        &self,
        _: ActorRef<SchedulerMessage>,
        message: SchedulerMessage,
        state: &mut SchedulerState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            SchedulerMessage::Said(said) => state.said(*said),
            SchedulerMessage::Tick => state.step(Event::Tick),
            SchedulerMessage::Snapshot(reply) => {
                let _ = reply.send(state.core.snapshot());
            }
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<SchedulerMessage>,
        event: SupervisionEvent,
        state: &mut SchedulerState,
    ) -> Result<(), ActorProcessingErr> {
        if let SupervisionEvent::ProcessGroupChanged(pg::GroupChangeMessage::Leave(_, group, cells)) = event
            && group == entrance::WORKER
        {
            let gone: Vec<WorkerId> = state
                .workers
                .iter()
                .filter(|(_, (_, address))| cells.iter().any(|cell| cell.get_id() == address.actor().get_id()))
                .map(|(worker, _)| *worker)
                .collect();
            for worker in gone {
                state.lose(worker);
            }
        }
        Ok(())
    }
}

impl SchedulerState {
    fn said(&mut self, said: Said) {
        let Said { envelope: Envelope { message, .. }, reply } = said;
        match message {
            Message::SubmitItems(submit) => {
                let result = self.submit(submit);
                if let Some(reply) = reply {
                    answer(reply, self.term, result.map(Message::from));
                }
            }
            Message::CancelItems(cancel) => {
                self.step(Event::CancelRun { run: cancel.run, term: cancel.run_term });
                self.runs.forget(cancel.run, cancel.run_term);
            }
            Message::WorkerReady(ready) => self.ready(&ready),
            Message::BatchDone(done) => self.done(done),
            Message::BatchFailed(failed) => self.failed(failed),
            Message::DrainWorker(drain) => self.step(Event::Drain { worker: drain.worker }),
            other => {
                if let Some(reply) = reply {
                    answer(reply, self.term, Err(Fault::unsupported(other.kind())));
                }
            }
        }
    }

    fn submit(&mut self, submit: SubmitItems) -> Result<SubmitReply, Fault> {
        let Some(model) = self.models.key(submit.model) else {
            return Ok(SubmitReply::Full { retry_after_ms: 1_000 });
        };
        let class = match submit.class {
            ItemClass::Interactive => Class::Interactive,
            ItemClass::Bulk => Class::Bulk,
        };
        let now = since_boot_ms();
        let mut items = Vec::with_capacity(submit.items.len());
        for item in &submit.items {
            let tag = pack(item.offset, item.len)
                .ok_or_else(|| Fault::new("bad-request", "an item's input lies beyond what a blob may hold"))?;
            items.push(ItemSpec {
                item: item.item,
                tenant: submit.scope.tenant,
                model,
                class,
                tokens: item.tokens,
                deadline_ms: submit.deadline_in_ms.map(|ms| now + u64::from(ms)),
                marks: Marks::default(),
                tag,
            });
        }
        if !self.runs.remember(&submit) {
            return Ok(SubmitReply::Full { retry_after_ms: 1_000 });
        }
        let mut answer = SubmitReply::Taken;
        self.core_step(Event::Submit { run: submit.run, term: submit.run_term, items });
        for action in std::mem::take(&mut self.actions) {
            match action {
                Action::Refused { reason: Refusal::StaleTerm | Refusal::Cancelled, .. } => {
                    answer = SubmitReply::StepDown;
                }
                Action::Refused { retry_after_ms, .. } => {
                    let retry_after_ms = u32::try_from(retry_after_ms).unwrap_or(u32::MAX);
                    answer = SubmitReply::Full { retry_after_ms };
                }
                other => self.act(other),
            }
        }
        Ok(answer)
    }

    fn ready(&mut self, ready: &WorkerReady) {
        if self.workers.get(&ready.worker).is_none_or(|(epoch, _)| *epoch != ready.epoch) {
            let name = entrance::worker_name(ready.worker);
            let Some(actor) = entrance::find(&self.scope, entrance::WORKER, &name) else {
                tracing::warn!(worker = %ready.worker, "a worker that nobody can find");
                return;
            };
            tracing::info!(worker = %ready.worker, epoch = ready.epoch, "worker joined");
            self.workers.insert(ready.worker, (ready.epoch, Address::new(actor, self.wire)));
        }
        let mut models = Vec::with_capacity(ready.models.len());
        for offer in &ready.models {
            let Some(model) = self.models.key(offer.model) else { continue };
            let prior = (offer.ns_per_token > 0).then(|| scheduler::cost::Cost {
                ns_per_token: f64::from(offer.ns_per_token),
                ns_per_token_squared: 0.0,
            });
            models.push(ModelOffer {
                model,
                resident: offer.resident,
                load_ms: offer.load_ms,
                max_padded_tokens: offer.max_padded_tokens,
                weights_bytes: offer.weights_bytes,
                bytes_per_padded_token: offer.bytes_per_padded_token,
                prior,
            });
        }
        self.step(Event::WorkerReady {
            worker: ready.worker,
            // One machine only: devices are told apart by worker.
            node: NodeKey(ready.worker.0 as u64),
            epoch: ready.epoch,
            credits: ready.credits,
            models,
            free_memory_bytes: ready.free_bytes,
            held: Vec::new(),
        });
    }

    fn done(&mut self, done: BatchDone) {
        let (worker, lease, elapsed_us) = (done.worker, core_lease(done.lease), done.elapsed_us);
        self.arrived.insert(lease.batch, done);
        self.step(Event::BatchDone { worker, lease, elapsed_us });
        // What was not wanted by now never will be.
        self.arrived.remove(&lease.batch);
    }

    fn failed(&mut self, failed: BatchFailed) {
        let failure = match failed.failure {
            BatchFailure::OutOfMemory => Failure::OutOfMemory,
            BatchFailure::Error => Failure::Error,
            BatchFailure::Rejected => Failure::Rejected,
            BatchFailure::Released => Failure::Released,
        };
        if failure != Failure::Released {
            tracing::warn!(worker = %failed.worker, ?failure, code = failed.code, detail = failed.detail, "batch failed");
        }
        self.last_fault = Some((failed.code, failed.detail));
        self.step(Event::BatchFailed { worker: failed.worker, lease: core_lease(failed.lease), failure });
    }

    fn lose(&mut self, worker: WorkerId) {
        if let Some((epoch, _)) = self.workers.remove(&worker) {
            tracing::warn!(%worker, epoch, "worker lost");
            self.step(Event::WorkerLost { worker, epoch });
        }
    }

    fn core_step(&mut self, event: Event) {
        scheduler::step(&mut self.core, event, since_boot_ms(), &mut self.actions);
    }

    fn step(&mut self, event: Event) {
        self.core_step(event);
        for action in std::mem::take(&mut self.actions) {
            self.act(action);
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Run { worker, lease, model, items, .. } => self.run(worker, lease, model, &items),
            Action::Completed { batch, items, unwanted } => self.deliver(batch, &items, &unwanted),
            Action::ItemFailed { item, reason } => self.item_failed(item, reason),
            Action::CancelBatch { worker, lease, reason } => {
                tracing::debug!(%worker, ?reason, batch = lease.batch.0, "batch called back");
                if let Some((_, address)) = self.workers.get(&worker) {
                    address.cast(CancelBatch { lease: wire_lease(lease) }, self.term);
                }
            }
            Action::WorkerHung { worker, epoch } => {
                tracing::error!(%worker, epoch, "worker hung: its device does not come back");
                self.workers.remove(&worker);
            }
            Action::Drained { worker, epoch } => tracing::info!(%worker, epoch, "worker drained"),
            Action::Accepted { .. } | Action::Refused { .. } => {}
            // Nothing is adopted, as workers don't say yet what they hold; they keep every model that they offer.
            Action::Adopted { .. } | Action::Unload { .. } | Action::Marked { .. } => {}
        }
    }

    fn run(&mut self, worker: WorkerId, lease: Lease, model: scheduler::ModelKey, items: &[Assigned]) {
        let (Some((_, address)), Some(model)) = (self.workers.get(&worker), self.models.get(model)) else {
            return;
        };
        let mut groups: Vec<BatchGroup> = Vec::new();
        for assigned in items {
            let Some(source) = self.runs.get(assigned.run) else { continue };
            let (offset, len) = unpack(assigned.tag);
            let item = BatchItem { item: assigned.item, offset, len };
            match groups.iter_mut().find(|group| group.run == assigned.run) {
                Some(group) => group.items.push(item),
                None => groups.push(BatchGroup {
                    run: assigned.run,
                    scope: source.scope,
                    inputs: source.inputs,
                    items: vec![item],
                }),
            }
        }
        address.cast(RunBatch { lease: wire_lease(lease), model, groups }, self.term);
    }

    /// Hands results to the coordinators of those runs whose items are wanted.
    fn deliver(&mut self, batch: BatchId, items: &[Assigned], unwanted: &[u32]) {
        let Some(done) = self.arrived.remove(&batch) else { return };
        let wanted = |(place, _): &(usize, &Assigned)| unwanted.binary_search(&(*place as u32)).is_err();
        for group in done.groups {
            if items.iter().enumerate().filter(wanted).any(|(_, assigned)| assigned.run == group.run) {
                let done = ItemsDone { run: group.run, scheduler_term: self.term, results: group.results };
                self.tell_core(group.run, done);
            }
        }
    }

    fn item_failed(&mut self, item: Assigned, reason: ItemFailure) {
        let (code, detail) = match (reason, &self.last_fault) {
            (ItemFailure::Error, Some(fault)) => fault.clone(),
            (ItemFailure::TooLong, _) => ("item-too-long".into(), "a passage is longer than any device takes".into()),
            (ItemFailure::DeadlineMissed, _) => ("deadline-missed".into(), "no time was left for it".into()),
            (ItemFailure::OutOfMemory, _) => ("out-of-memory".into(), "a passage fits no device's memory".into()),
            (ItemFailure::Crashes | ItemFailure::Error, _) => {
                ("worker-crashed".into(), "workers died on a passage of this book; their logs say why".into())
            }
        };
        tracing::warn!(run = %item.run, item = %item.item.0, ?reason, code, "item given up");
        let failed = ItemsFailed { run: item.run, scheduler_term: self.term, items: vec![item.item], code, detail };
        self.tell_core(item.run, failed);
    }

    fn tell_core(&self, run: RunId, message: impl Into<Message>) {
        let Some(source) = self.runs.get(run) else { return };
        match entrance::find(&self.scope, entrance::CORE, &entrance::core_name(source.core)) {
            Some(core) => Address::new(core, self.wire).cast(message, self.term),
            None => tracing::debug!(%run, "results for a core that is gone; another one will ask again"),
        }
    }
}

fn core_lease(lease: BatchLease) -> Lease {
    Lease { batch: BatchId(lease.batch), attempt: lease.attempt, epoch: lease.epoch, term: lease.term }
}

fn wire_lease(lease: Lease) -> BatchLease {
    BatchLease { batch: lease.batch.0, attempt: lease.attempt, epoch: lease.epoch, term: lease.term }
}
