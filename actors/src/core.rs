//! The core's gateway actor: answers requests, finds coordinators, mends what a crash left.
//!
//! Every request is a task of its own, a bounded number at a time, so that one that waits for events holds
//! up nobody. Runs that are to be driven are found by their intents, at start and every few seconds: a
//! coordinator that stopped for want of a store or a scheduler is simply started again.
//!
//! | module | holds |
//! |---|---|
//! | here | the actor, its coordinators and intents, the first messages |
//! | `leaving` | erasing an account with all that it has |
//! | `accounts` | the answers to what is asked of accounts |
//! | `reach` | the answers to what is asked of texts, and of events of many projects |
//! | `sharing` | the answers to what is asked of who has a project |
//! | `work` | the answers to all else that is done to projects |

mod accounts;
mod leaving;
mod reach;
mod sharing;
mod work;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cluster::body::projects::{EventsReply, ProjectReply, ProjectsReply, RunReply};
use cluster::body::work::RunKind;
use cluster::body::{Fault, Scope};
use cluster::envelope::Envelope;
use cluster::link::CallContext;
use cluster::message::Message;
use domain::id::{RunId, TenantId, Term, WebhookId};
use domain::project::Act;
use domain::run::RunSettings;
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort, SupervisionEvent};
use store::rows::{INTENT_SHARDS, IntentBody, IntentRow, LIST_MAX};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tracing::Instrument;

use crate::accounts::exports;
use crate::accounts::leaving::clear_unconfirmed;
use crate::edits;
use crate::entrance::{Said, answer};
use crate::keeping::sweep;
use crate::projects::changes::{self, Due};
use crate::projects::runs::{self, Mend};
use crate::projects::{self, listing, views};
use crate::relay::events_after;
use crate::run::coordinator::{Arrival, Coordinator, CoordinatorMessage, CoordinatorStart, End};
use crate::run::{RunContext, RunName};
use crate::{links, store_fault, uploads, webhooks};

/// Requests answered at a time, those included that wait for events.
const MAX_REQUESTS: usize = 16_384;
/// Runs driven at a time; others wait, their rows safe.
const MAX_COORDINATORS: usize = 64;
/// How often intents are looked through.
const MEND: Duration = Duration::from_secs(3);
/// How long after its start a node first looks for blobs that nothing names: other things come first.
const SWEEP_FIRST: Duration = Duration::from_secs(30);
/// How long a cancelled run's coordinator may take to stop.
const CANCEL: Duration = Duration::from_secs(8);
/// How long coordinators may take to give their leases back when the node stops.
const STOP: Duration = Duration::from_secs(3);
/// How long the scheduler may take to say how it stands.
const SCHEDULING: Duration = Duration::from_secs(2);
/// Longest wait for events.
const MAX_WAIT_MS: u32 = 30_000;
/// Most events in one answer.
const MAX_EVENTS: u32 = 1_000;

/// What the core is told.
pub enum CoreMessage {
    /// By another role.
    Said(Box<Said>),
    /// Drive a run, unless somebody does.
    Drive(RunName),
    /// Tell a webhook what is new, unless somebody does.
    Notify {
        /// The account that pays.
        tenant: TenantId,
        /// The webhook.
        webhook: WebhookId,
    },
    /// Look through the intents.
    Mend,
    /// Look for blobs that nothing names.
    Sweep,
    /// The node stops: give all leases back, drive nothing more; answered when that is done.
    Stop(RpcReplyPort<()>),
}

impl ractor::Message for CoreMessage {}

impl From<Said> for CoreMessage {
    fn from(said: Said) -> Self {
        Self::Said(Box::new(said))
    }
}

/// The actor.
pub struct Core;

/// The coordinators of this node, by run.
type Coordinators = Arc<Mutex<HashMap<RunId, ActorRef<CoordinatorMessage>>>>;

/// What requests share.
#[derive(Clone)]
struct Shared {
    context: Arc<RunContext>,
    coordinators: Coordinators,
    me: ActorRef<CoreMessage>,
}

/// The actor's state.
pub struct CoreState {
    shared: Shared,
    requests: Arc<Semaphore>,
    ended: mpsc::Sender<(RunName, End)>,
    mending: Arc<Semaphore>,
    /// Who tells webhooks what is new.
    notifying: JoinSet<()>,
    stopping: bool,
}

impl Actor for Core {
    type Msg = CoreMessage;
    type State = CoreState;
    type Arguments = Arc<RunContext>;

    async fn pre_start(
        &self,
        me: ActorRef<CoreMessage>,
        context: Arc<RunContext>,
    ) -> Result<CoreState, ActorProcessingErr> {
        let shared = Shared { context, coordinators: Coordinators::default(), me: me.clone() };
        let (ended, endings) = mpsc::channel(MAX_COORDINATORS);
        tokio::spawn(see_off(shared.clone(), endings));
        me.cast(CoreMessage::Mend)?;
        me.send_interval(MEND, || CoreMessage::Mend);
        me.send_after(SWEEP_FIRST, || CoreMessage::Sweep);
        me.send_interval(shared.context.keeping.sweep_every, || CoreMessage::Sweep);
        let requests = Arc::new(Semaphore::new(MAX_REQUESTS));
        let (mending, notifying) = (Arc::new(Semaphore::new(1)), JoinSet::new());
        Ok(CoreState { shared, requests, ended, mending, notifying, stopping: false })
    }

    async fn handle(
        &self,
        me: ActorRef<CoreMessage>,
        message: CoreMessage,
        state: &mut CoreState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            CoreMessage::Said(said) => state.said(*said),
            CoreMessage::Drive(name) => state.drive(&me, name).await,
            CoreMessage::Notify { tenant, webhook } => state.notify(tenant, webhook),
            CoreMessage::Mend => {
                // One look at a time; the next one finds what this one does not.
                if state.stopping {
                    return Ok(());
                }
                if let Ok(permit) = state.mending.clone().try_acquire_owned() {
                    let shared = state.shared.clone();
                    tokio::spawn(async move {
                        if let Err(fault) = mend(&shared).await {
                            tracing::warn!(%fault, "intents could not be looked through");
                        }
                        drop(permit);
                    });
                }
            }
            CoreMessage::Sweep => {
                if !state.stopping {
                    let context = state.shared.context.clone();
                    tokio::spawn(async move {
                        sweep::by_itself(&context).await;
                        clear_unconfirmed(&context).await;
                    });
                }
            }
            CoreMessage::Stop(reply) => {
                state.stopping = true;
                // An attempt under way is made again: its event was not told as far as anybody knows.
                state.notifying.abort_all();
                let actors: Vec<_> = lock(&state.shared.coordinators).values().cloned().collect();
                tokio::spawn(async move {
                    let stops = actors.iter().map(|actor| actor.call(CoordinatorMessage::Stop, Some(STOP)));
                    futures_util::future::join_all(stops).await;
                    let _ = reply.send(());
                });
            }
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<CoreMessage>,
        event: SupervisionEvent,
        state: &mut CoreState,
    ) -> Result<(), ActorProcessingErr> {
        // A coordinator that is gone is forgotten here; if its run has not ended, its intent starts another.
        let gone = match event {
            SupervisionEvent::ActorFailed(cell, error) => {
                tracing::error!(%error, "a coordinator died");
                cell
            }
            SupervisionEvent::ActorTerminated(cell, ..) => cell,
            _ => return Ok(()),
        };
        lock(&state.shared.coordinators).retain(|_, actor| actor.get_id() != gone.get_id());
        Ok(())
    }
}

fn lock(coordinators: &Coordinators) -> std::sync::MutexGuard<'_, HashMap<RunId, ActorRef<CoordinatorMessage>>> {
    coordinators.lock().unwrap_or_else(PoisonError::into_inner)
}

impl CoreState {
    fn said(&mut self, said: Said) {
        let Said { envelope, reply } = said;
        match (envelope.message, reply) {
            (Message::ItemsDone(done), None) => self.arrived(done.run, Arrival::Done(done)),
            (Message::ItemsFailed(failed), None) => self.arrived(failed.run, Arrival::Failed(failed)),
            (Message::ItemsMarked(marked), None) => self.arrived(marked.run, Arrival::Marked(marked)),
            (Message::LeaderBegan(_), None) => {
                self.shared.context.analyses.waiting.leader_began();
                for actor in lock(&self.shared.coordinators).values() {
                    let _ = actor.cast(CoordinatorMessage::LeaderBegan);
                }
            }
            (message, Some(reply)) => {
                let Ok(permit) = self.requests.clone().try_acquire_owned() else {
                    let fault = Fault::new("unavailable", "too many requests at a time").retry_after(500);
                    answer(reply, Term::default(), Err(fault));
                    return;
                };
                let envelope = Envelope { message, ..envelope };
                let (shared, trace) = (self.shared.clone(), envelope.trace);
                let span = tracing::debug_span!("core", %trace, kind = envelope.message.kind());
                let work = async move {
                    let result = shared.answer(envelope).await;
                    answer(reply, Term::default(), result);
                    drop(permit);
                };
                tokio::spawn(work.instrument(span));
            }
            (other, None) => tracing::debug!(kind = other.kind(), "a cast that a core does not take"),
        }
    }

    /// Results go to whoever waits for them: a small text, or the run's coordinator.
    fn arrived(&self, run: RunId, arrival: Arrival) {
        let Err(arrival) = self.shared.context.analyses.waiting.tell(run, arrival) else { return };
        match *arrival {
            Arrival::Done(done) => self.forward(run, CoordinatorMessage::Done(done)),
            Arrival::Failed(failed) => self.forward(run, CoordinatorMessage::Failed(failed)),
            Arrival::Marked(marked) => self.forward(run, CoordinatorMessage::Marked(marked)),
            Arrival::LeaderBegan => {}
        }
    }

    fn forward(&self, run: RunId, message: CoordinatorMessage) {
        match lock(&self.shared.coordinators).get(&run) {
            Some(actor) => {
                let _ = actor.cast(message);
            }
            None => tracing::debug!(%run, "results for a run that nobody drives here"),
        }
    }

    fn notify(&mut self, tenant: TenantId, webhook: WebhookId) {
        // Those that ended are forgotten here: there are no more than webhooks that anybody asked about.
        while self.notifying.try_join_next().is_some() {}
        let context = self.shared.context.clone();
        let Some(driven) = context.webhooks.drive(webhook).filter(|_| !self.stopping) else { return };
        self.notifying.spawn(async move {
            if let Err(fault) = webhooks::deliver::deliver(&context, tenant, webhook).await {
                tracing::warn!(%fault, %webhook, "a webhook waits for better times");
            }
            drop(driven);
        });
    }

    async fn drive(&mut self, me: &ActorRef<CoreMessage>, name: RunName) {
        {
            let coordinators = lock(&self.shared.coordinators);
            if self.stopping || coordinators.contains_key(&name.run) || coordinators.len() >= MAX_COORDINATORS {
                return;
            }
        }
        let start = CoordinatorStart { context: self.shared.context.clone(), name, ended: self.ended.clone() };
        match Actor::spawn_linked(None, Coordinator, start, me.get_cell()).await {
            Ok((actor, _)) => {
                lock(&self.shared.coordinators).insert(name.run, actor);
            }
            Err(error) => tracing::error!(%error, run = %name.run, "a coordinator could not be started"),
        }
    }
}

/// Clears up after coordinators that ended. Their actors are forgotten when they stop, not here: by then
/// the run may have another one.
async fn see_off(shared: Shared, mut endings: mpsc::Receiver<(RunName, End)>) {
    while let Some((name, end)) = endings.recv().await {
        match end {
            End::Final => {
                if let Err(fault) = projects::drop_intent(&shared.context, name.run.0).await {
                    tracing::debug!(%fault, "an intent stays for the next look");
                }
            }
            End::Later(fault) => {
                tracing::warn!(run = %name.run, %fault, "a run waits for better times");
                shared.context.trouble.send_replace(Some(fault));
            }
            End::Lost => tracing::info!(run = %name.run, "a run went to another coordinator"),
        }
    }
}

/// Looks through the intents: drives runs that nobody drives, finishes deletions.
async fn mend(shared: &Shared) -> Result<(), Fault> {
    for shard in 0..INTENT_SHARDS {
        let intents = shared.context.records.intent_list(shard, LIST_MAX).await.map_err(|e| store_fault(&e))?;
        for intent in intents.into_iter().filter(|intent| !shared.context.beginning.holds(intent.id)) {
            let mended = match intent.body {
                IntentBody::Run { tenant, project, run } => {
                    shared.mend_run(RunName { run, scope: Scope { tenant, project } }).await
                }
                IntentBody::DeleteProject { tenant, project } => shared.erase(Scope { tenant, project }).await,
                IntentBody::Upload { tenant, upload } => uploads::mend(&shared.context, tenant, upload).await,
                IntentBody::Webhook { tenant, webhook } => shared.mend_webhook(tenant, webhook).await,
                IntentBody::EraseAccount { account, not_before_ms } => {
                    shared.erase_account_if_due(&intent, account, not_before_ms).await
                }
                IntentBody::Export { account } => exports::mend(&shared.context, &intent, account).await,
                IntentBody::EraseProject { tenant, project, not_before_ms } => {
                    shared.erase_if_due(&intent, Scope { tenant, project }, not_before_ms).await
                }
            };
            // One intent that can't be mended now must not hold up the others.
            if let Err(fault) = mended {
                tracing::warn!(%fault, intent = ?intent.id, "an intent stays for the next look");
            }
        }
    }
    Ok(())
}

impl Shared {
    async fn mend_run(&self, name: RunName) -> Result<(), Fault> {
        if lock(&self.coordinators).contains_key(&name.run) {
            return Ok(());
        }
        match runs::mend_run(&self.context, name).await? {
            Mend::Drive => {
                let _ = self.me.cast(CoreMessage::Drive(name));
                Ok(())
            }
            Mend::Cancel => self.cancel(name.run).await,
            Mend::Wait => Ok(()),
            Mend::Drop => projects::drop_intent(&self.context, name.run.0).await,
        }
    }

    async fn answer(&self, envelope: Envelope) -> Result<Message, Fault> {
        let context = self.context.as_ref();
        match envelope.message {
            Message::GetProject(ask) => {
                let row = projects::find(context, ask.principal, ask.project).await?;
                Ok(ProjectReply { project: views::view(context, &row).await? }.into())
            }
            Message::ReachProject(ask) => Ok(crate::accounts::sharing::reach(context, &ask).await?.into()),
            Message::EventsAfter(ask) => {
                projects::find(context, ask.principal, ask.project).await?;
                let wait = Duration::from_millis(u64::from(ask.wait_ms.min(MAX_WAIT_MS)));
                let limit = ask.limit.clamp(1, MAX_EVENTS);
                let (records, bells) = (context.records.as_ref(), &context.bells);
                let events = events_after(records, bells, ask.project, ask.after, limit, wait).await;
                Ok(EventsReply { events: events.map_err(|e| store_fault(&e))? }.into())
            }
            // Boxed: a request's task has room for the largest of its answers, and thousands ask for the three above.
            other => Box::pin(self.answer_projects(other)).await,
        }
    }

    async fn answer_projects(&self, message: Message) -> Result<Message, Fault> {
        let context = self.context.as_ref();
        Ok(match message {
            Message::CreateProject(ask) => {
                let (row, name) = projects::create(&self.context, &ask).await?;
                let _ = self.me.cast(CoreMessage::Drive(name));
                ProjectReply { project: views::view(context, &row).await? }.into()
            }
            Message::CreateFromUpload(ask) => {
                let (row, name) = uploads::create_project(&self.context, &ask).await?;
                let _ = self.me.cast(CoreMessage::Drive(name));
                ProjectReply { project: views::view(context, &row).await? }.into()
            }
            Message::ListProjects(ask) => {
                ProjectsReply { projects: listing::all(context, ask.principal).await? }.into()
            }
            Message::DeleteProject(ask) => self.discard(ask.principal, ask.project, None, true).await?.into(),
            Message::StartRun(ask) => {
                let kind = RunKind::With { settings: RunSettings::default(), revision: None };
                let name = self.begin(ask.principal, ask.project, &kind).await?;
                RunReply { run: views::view_run(context, name).await? }.into()
            }
            Message::CancelRun(ask) => {
                let row = projects::find(context, ask.principal, ask.project).await?;
                let was_final = runs::run_row(context, &row, ask.run).await?.state.is_final();
                self.cancel(ask.run).await?;
                if !was_final {
                    let what = Act::RunCancelled { run: ask.run };
                    projects::note(context, ask.principal, ask.project, what).await;
                }
                let scope = Scope { tenant: ask.principal.tenant, project: ask.project };
                RunReply { run: views::view_run(context, RunName { run: ask.run, scope }).await? }.into()
            }
            Message::GetScheduling(ask) => context.scheduler.call(ask, CallContext::within(SCHEDULING)).await?.into(),
            Message::GetWaits(ask) => context.scheduler.call(ask, CallContext::within(SCHEDULING)).await?.into(),
            Message::SetShare(ask) => context.scheduler.call(ask, CallContext::within(SCHEDULING)).await?.into(),
            Message::GetDevices(ask) => context.scheduler.call(ask, CallContext::within(SCHEDULING)).await?.into(),
            Message::GetArtefact(ask) => edits::artefact(context, ask.principal, ask.project, &ask.name).await?.into(),
            Message::SignFile(ask) => links::sign(context, &ask).await?.into(),
            Message::OpenSigned(ask) => links::open(context, &ask).await?.into(),
            other => return self.answer_work(other).await,
        })
    }

    /// Removes a deleted project's run from its coordinator, then all that the project holds.
    async fn erase(&self, scope: Scope) -> Result<(), Fault> {
        let row = self.context.records.project_get(scope.tenant, scope.project).await;
        if let Some(run) = row.map_err(|e| store_fault(&e))?.filter(|row| row.deleted).and_then(|row| row.run) {
            self.cancel(run).await?;
        }
        changes::erase(&self.context, scope).await
    }

    /// Erases a project whose deletion can't be undone any more.
    async fn erase_if_due(&self, intent: &IntentRow, scope: Scope, not_before_ms: u64) -> Result<(), Fault> {
        match changes::due(&self.context, intent, scope, not_before_ms).await? {
            Due::NotYet => return Ok(()),
            Due::Erase => self.erase(scope).await?,
            Due::Never => {}
        }
        projects::drop_intent(&self.context, intent.id).await
    }

    /// Ends a run: by its coordinator if somebody drives it, else by its row alone.
    async fn cancel(&self, run: RunId) -> Result<(), Fault> {
        let actor = lock(&self.coordinators).get(&run).cloned();
        if let Some(actor) = actor
            && let Ok(ractor::rpc::CallResult::Timeout) = actor.call(CoordinatorMessage::Cancel, Some(CANCEL)).await
        {
            return Err(Fault::new("unavailable", "the run does not stop yet; try again").retry_after(1_000));
        }
        // Nobody drives it now, whatever the coordinator made of its end.
        runs::cancel_row(&self.context, run).await
    }
}
