//! The coordinator of one run: takes its lease, drives its stages, gives it back.
//!
//! The actor itself only receives; a task of its own walks through the stages in plain order, so that the
//! order can be read. Results that arrive meanwhile wait in a channel that is as long as what may be
//! outstanding.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use cluster::body::Fault;
use cluster::body::runs::{ItemsDone, ItemsFailed, ItemsMarked};
use domain::run::{RunState, Stage};
use futures_util::FutureExt;
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use tokio::sync::{mpsc, watch};
use tracing::Instrument;

use super::row::OwnedRun;
use super::understanding::MAX_OUTSTANDING;
use super::{Halt, RunContext, RunName, composing, reading, understanding};

/// Tries to write a run's last state down.
const SETTLE_TRIES: u32 = 3;

/// What a coordinator is told.
pub enum CoordinatorMessage {
    /// The scheduler has results.
    Done(ItemsDone),
    /// The scheduler gave items up.
    Failed(ItemsFailed),
    /// The scheduler says what went wrong with items so far.
    Marked(ItemsMarked),
    /// Another scheduler leads, and knows nothing of this run.
    LeaderBegan,
    /// Somebody wants the run to end; answered when it has.
    Cancel(RpcReplyPort<()>),
    /// The node stops, the run goes on elsewhere or later; answered when its lease is given back.
    Stop(RpcReplyPort<()>),
    /// The stages are over, one way or another.
    Ended(End),
}

impl ractor::Message for CoordinatorMessage {}

/// What others want of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    GoOn,
    Cancel,
    Stop,
}

/// How a coordinator's work ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The run is in a final state.
    Final,
    /// Another coordinator has it, or it is gone.
    Lost,
    /// Try again later.
    Later(Fault),
}

/// Results, as the stages take them from the channel.
pub enum Arrival {
    /// Results.
    Done(ItemsDone),
    /// Items given up.
    Failed(ItemsFailed),
    /// What went wrong with items so far.
    Marked(ItemsMarked),
    /// Another scheduler leads.
    LeaderBegan,
}

/// The actor.
pub struct Coordinator;

/// What the actor needs to start.
pub struct CoordinatorStart {
    /// What all runs share.
    pub context: Arc<RunContext>,
    /// Which run.
    pub name: RunName,
    /// Told when it is over.
    pub ended: mpsc::Sender<(RunName, End)>,
}

/// The actor's state.
pub struct CoordinatorState {
    name: RunName,
    arrivals: mpsc::Sender<Arrival>,
    wish: watch::Sender<Wish>,
    waiting: Vec<RpcReplyPort<()>>,
    ended: mpsc::Sender<(RunName, End)>,
    driver: tokio::task::JoinHandle<()>,
}

impl Actor for Coordinator {
    type Msg = CoordinatorMessage;
    type State = CoordinatorState;
    type Arguments = CoordinatorStart;

    async fn pre_start(
        &self,
        me: ActorRef<CoordinatorMessage>,
        start: CoordinatorStart,
    ) -> Result<CoordinatorState, ActorProcessingErr> {
        let (arrivals, inbox) = mpsc::channel(MAX_OUTSTANDING);
        let (wish, wishes) = watch::channel(Wish::GoOn);
        let span = tracing::info_span!("run", run = %start.name.run, project = %start.name.scope.project);
        let (context, name) = (start.context, start.name);
        let driver = async move {
            // A defect of the stages must not leave a coordinator behind that never ends.
            let driven = AssertUnwindSafe(drive(context, name, inbox, wishes)).catch_unwind().await;
            let end = driven.unwrap_or_else(|_| {
                End::Later(Fault::new("internal", "this book hit a defect of the program; its log says where"))
            });
            // The actor may be stopping; then its stop says that it ended.
            let _ = me.cast(CoordinatorMessage::Ended(end));
        };
        let driver = tokio::spawn(driver.instrument(span));
        Ok(CoordinatorState { name, arrivals, wish, waiting: Vec::new(), ended: start.ended, driver })
    }

    async fn handle(
        &self,
        me: ActorRef<CoordinatorMessage>,
        message: CoordinatorMessage,
        state: &mut CoordinatorState,
    ) -> Result<(), ActorProcessingErr> {
        let arrival = match message {
            CoordinatorMessage::Done(done) => Arrival::Done(done),
            CoordinatorMessage::Failed(failed) => Arrival::Failed(failed),
            CoordinatorMessage::Marked(marked) => Arrival::Marked(marked),
            CoordinatorMessage::LeaderBegan => Arrival::LeaderBegan,
            CoordinatorMessage::Cancel(reply) => {
                state.waiting.push(reply);
                let _ = state.wish.send(Wish::Cancel);
                return Ok(());
            }
            CoordinatorMessage::Stop(reply) => {
                state.waiting.push(reply);
                let _ = state.wish.send(Wish::Stop);
                return Ok(());
            }
            CoordinatorMessage::Ended(end) => {
                for reply in state.waiting.drain(..) {
                    let _ = reply.send(());
                }
                let _ = state.ended.send((state.name, end)).await;
                me.stop(None);
                return Ok(());
            }
        };
        // Each message but the rare ones holds an outstanding item at least, so there is room but for doubles;
        // what does not fit brings no result and is handed in again.
        if state.arrivals.try_send(arrival).is_err() {
            tracing::debug!(run = %state.name.run, "results that were not taken");
        }
        Ok(())
    }

    async fn post_stop(
        &self,
        _: ActorRef<CoordinatorMessage>,
        state: &mut CoordinatorState,
    ) -> Result<(), ActorProcessingErr> {
        state.driver.abort();
        Ok(())
    }
}

/// Drives a run to a final state, or until it can't go on here.
async fn drive(
    context: Arc<RunContext>,
    name: RunName,
    mut inbox: mpsc::Receiver<Arrival>,
    mut wishes: watch::Receiver<Wish>,
) -> End {
    let mut run = match OwnedRun::take(context.clone(), name).await {
        Ok(run) => run,
        Err(halt) => return end_of(halt),
    };
    if run.row().state.is_final() {
        run.release().await;
        return End::Final;
    }
    let halted = tokio::select! {
        done = stages(&context, name, &mut run, &mut inbox) => done,
        halt = wished(&mut wishes) => Err(halt),
    };
    let end = match halted {
        Ok(()) => End::Final,
        Err(halt) => settle(&mut run, halt).await,
    };
    understanding::forget(&context, name, &run);
    run.release().await;
    tracing::info!(?end, "coordinator done");
    end
}

/// Returns once the run is not to go on here.
async fn wished(wishes: &mut watch::Receiver<Wish>) -> Halt {
    match wishes.wait_for(|wish| *wish != Wish::GoOn).await.map(|wish| *wish) {
        Ok(Wish::Cancel) => Halt::Cancelled,
        _ => Halt::Later(Fault::new("stopping", "the node is stopping")),
    }
}

async fn stages(
    context: &Arc<RunContext>,
    name: RunName,
    run: &mut OwnedRun,
    inbox: &mut mpsc::Receiver<Arrival>,
) -> Result<(), Halt> {
    let manifest = reading::read(context, name, run).await?;
    understanding::understand(context, name, run, &manifest, inbox).await?;
    composing::compose(context, name, run, &manifest).await
}

/// Writes down why a run stopped, where that is final.
async fn settle(run: &mut OwnedRun, halt: Halt) -> End {
    let stage = match run.row().state {
        RunState::Working { stage } => stage,
        _ => Stage::Reading,
    };
    let state = match halt {
        Halt::Fail(fault) => {
            tracing::warn!(%fault, ?stage, "run failed");
            RunState::Failed { stage, code: fault.code, reason: fault.detail }
        }
        Halt::Cancelled => RunState::Cancelled,
        other => return end_of(other),
    };
    // The stages may have been broken off in the middle of a write, which commits all the same: then the
    // first try finds a newer row, and the next one starts from it.
    for _ in 0..SETTLE_TRIES {
        if let Err(halt) = run.refresh().await {
            return end_of(halt);
        }
        if run.row().state.is_final() {
            return End::Final;
        }
        match run.move_to(state.clone()).await {
            Ok(()) => return End::Final,
            Err(Halt::Lost) => {}
            Err(halt) => return end_of(halt),
        }
    }
    End::Lost
}

fn end_of(halt: Halt) -> End {
    match halt {
        Halt::Later(fault) => End::Later(fault),
        Halt::Lost => End::Lost,
        Halt::Fail(fault) => End::Later(fault),
        Halt::Cancelled => End::Later(Fault::new("cancelled", "cancelled before its lease was taken")),
    }
}
