//! The thin shell round the scheduler's pure core: envelopes become events, actions become envelopes.
//!
//! The core decides everything; this actor has the clock, the addresses and the inputs' whereabouts. One
//! message a batch, never one an item.
//!
//! | module | holds |
//! |---|---|
//! | `inbound` | what workers and coordinators say, as events |
//! | `outbound` | the core's actions, as messages |
//! | [`leadership`] | who leads: a lease as a value that is handed in |
//! | [`shares`] | what tenants may have, as it was set at run time |
//! | `takeover` | what an earlier leader's batches and results are now |
//! | `names` | what the core's small numbers stand for |
//! | [`recording`] | a trace of what the core was told, for replaying it |
//! | `view` | the live picture, for people and metrics |

mod inbound;
pub mod leadership;
mod names;
mod outbound;
pub mod recording;
pub mod shares;
mod takeover;
mod view;

use std::collections::HashMap;
use std::time::Duration;

use cluster::body::runs::{SchedulingReply, SetShare, WaitsReply};
use cluster::body::workers::{BatchDone, DevicesReply};
use cluster::body::{Done, Fault};
use cluster::envelope::Envelope;
use cluster::link::{Address, Wire};
use cluster::message::Message;
use domain::id::{Term, WorkerId};
use domain::scheduling::{DeviceLoad, TermBegan};
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort, SupervisionEvent, pg};
use scheduler::{Action, Config, Event, NodeKey, Snapshot, State};

use crate::clock::since_boot_ms;
use crate::entrance::{self, Said, answer};
use names::{Models, Runs};
use recording::{Recording, TraceSettings};
use shares::Shares;
use takeover::Takeover;

/// How often the core is told that time has passed.
const TICK: Duration = Duration::from_millis(100);

/// What the actor is told.
pub enum SchedulerMessage {
    /// By another role.
    Said(Box<Said>),
    /// Time has passed.
    Tick,
    /// Somebody wants the core's own picture.
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
    /// For a leader that follows another one: the changes of term that are known. It collects what runs
    /// before it hands anything out.
    pub follows: Option<Vec<TermBegan>>,
    /// Where to record what the core is told.
    pub trace: Option<TraceSettings>,
    /// What was set for tenants so far, and is from now on.
    pub shares: Shares,
}

/// The actor.
pub struct SchedulerActor;

/// A worker, as the shell knows it.
struct KnownWorker {
    epoch: u64,
    node: NodeKey,
    address: Address,
    /// How its device stood when it last said so.
    load: Option<DeviceLoad>,
}

/// The actor's state.
pub struct SchedulerState {
    scope: String,
    term: Term,
    /// When the term began.
    began_ms: u64,
    wire: Wire,
    core: State,
    models: Models,
    runs: Runs,
    workers: HashMap<WorkerId, KnownWorker>,
    /// Results of the batch that the core is being told of, until it says which of them are wanted.
    arrived: Option<BatchDone>,
    takeover: Takeover,
    /// Why a batch failed last, to be told with the items that are given up for it.
    last_fault: Option<(String, String)>,
    /// Empty between events; kept for its allocation.
    actions: Vec<Action>,
    recording: Option<Recording>,
    shares: Shares,
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
        let core = State::new(start.config, start.term);
        let recording = start.trace.and_then(|settings| Recording::begin(&settings, &core));
        let mut state = SchedulerState {
            core,
            scope: start.scope,
            term: start.term,
            began_ms: since_boot_ms(),
            wire: start.wire,
            models: Models::default(),
            runs: Runs::default(),
            workers: HashMap::new(),
            arrived: None,
            takeover: Takeover::default(),
            last_fault: None,
            actions: Vec::new(),
            recording,
            shares: start.shares,
        };
        for event in state.shares.events() {
            state.step(event);
        }
        if let Some(past) = start.follows {
            state.step(Event::TakeOver { past });
        }
        Ok(state)
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
            let is_gone = |known: &KnownWorker| cells.iter().any(|c| c.get_id() == known.address.actor().get_id());
            let gone = state.workers.iter().filter(|(_, known)| is_gone(known)).map(|(worker, _)| *worker);
            for worker in gone.collect::<Vec<_>>() {
                state.lose(worker);
            }
        }
        Ok(())
    }

    async fn post_stop(
        &self,
        _: ActorRef<SchedulerMessage>,
        state: &mut SchedulerState,
    ) -> Result<(), ActorProcessingErr> {
        if let Some(recording) = state.recording.take() {
            recording.finish();
        }
        Ok(())
    }
}

impl SchedulerState {
    fn said(&mut self, said: Said) {
        let Said { envelope: Envelope { message, .. }, reply } = said;
        let result = match message {
            Message::SubmitItems(submit) => self.submit(submit, &[]).map(Message::from),
            Message::SubmitMarked(marked) => self.submit(marked.submit, &marked.marks).map(Message::from),
            Message::GetScheduling(_) => Ok(SchedulingReply { scheduling: self.view() }.into()),
            Message::GetWaits(_) => Ok(WaitsReply { waits: self.waits() }.into()),
            Message::SetShare(set) => self.set_share(set).map(Message::from),
            Message::GetDevices(_) => Ok(DevicesReply { devices: self.devices() }.into()),
            Message::DeviceStands(stands) => {
                if let Some(known) = self.workers.get_mut(&stands.load.worker) {
                    known.load = Some(stands.load);
                }
                return;
            }
            Message::CancelItems(cancel) => {
                self.step(Event::CancelRun { run: cancel.run, term: cancel.run_term });
                self.runs.forget(cancel.run, cancel.run_term);
                return;
            }
            Message::WorkerReady(ready) => return self.ready(&ready),
            Message::WorkerPresent(present) => return self.present(present),
            Message::BatchDone(done) => return self.done(done),
            Message::BatchFailed(failed) => return self.failed(failed),
            Message::DrainWorker(drain) => return self.step(Event::Drain { worker: drain.worker }),
            other => Err(Fault::unsupported(other.kind())),
        };
        if let Some(reply) = reply {
            answer(reply, self.term, result);
        }
    }

    fn set_share(&mut self, set: SetShare) -> Result<Done, Fault> {
        if !self.shares.keep(set.tenant, set.share) {
            return Err(Fault::new("conflict", "shares are set for as many tenants as can be; set one back to normal"));
        }
        tracing::info!(tenant = %set.tenant, share = ?set.share, "a tenant's share is set");
        for event in shares::events(set.tenant, set.share) {
            self.step(event);
        }
        Ok(Done {})
    }

    fn lose(&mut self, worker: WorkerId) {
        if let Some(KnownWorker { epoch, .. }) = self.workers.remove(&worker) {
            tracing::warn!(%worker, epoch, "worker lost");
            self.takeover.forget_worker(worker);
            self.step(Event::WorkerLost { worker, epoch });
        }
    }

    /// Tells the core; what it does about it lies in `actions`.
    fn core_step(&mut self, event: Event) {
        let now_ms = since_boot_ms();
        if let Some(recording) = &mut self.recording {
            recording.event(now_ms, &event);
        }
        scheduler::step(&mut self.core, event, now_ms, &mut self.actions);
        if let Some(recording) = &mut self.recording {
            recording.acted(&self.actions);
        }
    }

    fn step(&mut self, event: Event) {
        self.core_step(event);
        let mut actions = std::mem::take(&mut self.actions);
        for action in actions.drain(..) {
            self.act(action);
        }
        self.actions = actions;
    }
}
