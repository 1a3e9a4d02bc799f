//! A small text: items that somebody waits for.
//!
//! They go to the scheduler as interactive ones with a deadline, so they stand ahead of every book; what can't be done
//! in time is refused at the door. Nothing is kept: inputs lie in a scope of their own while the answer is being made,
//! under an intent like an upload's without a row, so that whoever mends clears away what a crash leaves.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cluster::body::runs::{CancelItems, ItemClass, ModelRef, SubmitItems, SubmitReply, SubmittedItem};
use cluster::body::{Fault, MAX_INLINE_BYTES, Payload, Scope};
use cluster::link::CallContext;
use domain::id::{Digest, ItemId, RunId, Term, UploadId};
use domain::manifest::{Manifest, Segment};
use domain::passage::Encoded;
use store::StoreError;
use store::rows::IntentBody;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::{Result, busy, halted};
use crate::projects::{drop_intent, put_intent};
use crate::run::coordinator::Arrival;
use crate::run::{BeginningGuard, MAX_OWN_BLOB_BYTES, RunContext, RunName, decode};
use crate::storage::blob_scope;
use crate::store_fault;

/// How long whoever asks waits for the devices.
pub const WITHIN: Duration = Duration::from_secs(8);
/// How long the scheduler may take to say whether it takes items.
const SUBMIT: Duration = Duration::from_secs(2);
/// Without a result for this long the items are handed in again: the scheduler ignores what it has.
const AGAIN: Duration = Duration::from_secs(2);
/// An answer that lies as a blob is fetched by then.
const FETCHED: Duration = Duration::from_secs(30);
/// Messages that may wait for one text: a batch an item at worst, and some more.
const MAILBOX: usize = 64;

/// Small texts that wait for results, by the run that stands for each.
#[derive(Clone, Default)]
pub struct Waiting(Arc<Mutex<HashMap<RunId, mpsc::Sender<Arrival>>>>);

impl Waiting {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<RunId, mpsc::Sender<Arrival>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands what came for a run to the text that waits for it; gives it back where none does.
    ///
    /// # Errors
    /// What came.
    pub fn tell(&self, run: RunId, arrival: Arrival) -> std::result::Result<(), Box<Arrival>> {
        match self.lock().get(&run) {
            // A mailbox that is full has more than was asked for.
            Some(mailbox) => {
                let _ = mailbox.try_send(arrival);
                Ok(())
            }
            None => Err(Box::new(arrival)),
        }
    }

    /// Another scheduler leads: all hand in again.
    pub fn leader_began(&self) {
        for mailbox in self.lock().values() {
            let _ = mailbox.try_send(Arrival::LeaderBegan);
        }
    }

    /// How many wait.
    pub fn count(&self) -> usize {
        self.lock().len()
    }
}

/// A small text while it is being answered. [`Asking::end`] clears up; what it can't is left to the intent.
pub(super) struct Asking {
    name: RunName,
    term: Term,
    waiting: Waiting,
    inbox: mpsc::Receiver<Arrival>,
    _mark: BeginningGuard,
    /// The answer lies in the scope, and is still to be fetched.
    answered_by_blob: bool,
}

impl Drop for Asking {
    fn drop(&mut self) {
        self.waiting.lock().remove(&self.name.run);
    }
}

impl Asking {
    pub(super) async fn begin(context: &RunContext, scope: Scope) -> Result<Self> {
        let mark = context.beginning.mark(scope.project.0)?;
        let intent = IntentBody::Upload { tenant: scope.tenant, upload: UploadId(scope.project.0) };
        put_intent(context, scope.project.0, intent).await?;
        let run = RunId(uuid::Uuid::now_v7().as_u128());
        let (mailbox, inbox) = mpsc::channel(MAILBOX);
        let waiting = context.analyses.waiting.clone();
        waiting.lock().insert(run, mailbox);
        let term = Term { incarnation: context.records.identity().incarnation, n: 1 };
        Ok(Self { name: RunName { run, scope }, term, waiting, inbox, _mark: mark, answered_by_blob: false })
    }

    /// Has all items of a manifest encoded, within the time that somebody waits.
    ///
    /// # Errors
    /// `analysis-busy` where that can't be; why an item can't be done.
    pub(super) async fn encode(
        &mut self,
        context: &RunContext,
        manifest: &Manifest,
        inputs: Vec<u8>,
    ) -> Result<HashMap<ItemId, Encoded>> {
        let until = Instant::now() + WITHIN;
        let inputs = context.put_bytes(self.name.scope, inputs).await.map_err(halted)?;
        let wanted: HashSet<ItemId> = manifest.passages.iter().map(|passage| passage.item).collect();
        let mut encoded: HashMap<ItemId, Encoded> = HashMap::new();
        self.submit(context, manifest, inputs, &encoded, until).await?;
        while encoded.len() < wanted.len() {
            let now = Instant::now();
            if now >= until {
                return Err(busy(2_000));
            }
            match timeout_at(until.min(now + AGAIN), self.inbox.recv()).await {
                Ok(Some(Arrival::Done(done))) => {
                    let segment: Segment = decode(&self.bytes(context, done.results).await?).map_err(halted)?;
                    encoded.extend(segment.items.into_iter().filter(|(item, _)| wanted.contains(item)));
                }
                Ok(Some(Arrival::Failed(failed))) if failed.code == "deadline-missed" => return Err(busy(2_000)),
                Ok(Some(Arrival::Failed(failed))) => return Err(Fault::new(&failed.code, failed.detail)),
                Ok(Some(Arrival::Marked(_))) => {}
                Ok(Some(Arrival::LeaderBegan)) | Err(_) => {
                    self.submit(context, manifest, inputs, &encoded, until).await?;
                }
                Ok(None) => return Err(Fault::new("stopping", "the node is stopping")),
            }
        }
        Ok(encoded)
    }

    /// Hands in what is not encoded yet.
    async fn submit(
        &self,
        context: &RunContext,
        manifest: &Manifest,
        inputs: Digest,
        encoded: &HashMap<ItemId, Encoded>,
        until: Instant,
    ) -> Result<()> {
        let mut items: Vec<SubmittedItem> = Vec::new();
        for p in manifest.passages.iter().filter(|p| !encoded.contains_key(&p.item)) {
            if !items.iter().any(|item| item.item == p.item) {
                items.push(SubmittedItem { item: p.item, tokens: p.tokens, offset: p.offset, len: p.len });
            }
        }
        let left = until.saturating_duration_since(Instant::now());
        let submit = SubmitItems {
            run: self.name.run,
            run_term: self.term,
            core: context.core,
            class: ItemClass::Interactive,
            deadline_in_ms: Some(u32::try_from(left.as_millis()).unwrap_or(u32::MAX)),
            scope: self.name.scope,
            inputs,
            model: ModelRef { digest: manifest.model, profile: manifest.profile },
            items,
        };
        let within = CallContext { term: self.term, ..CallContext::within(SUBMIT.min(left)) };
        match context.scheduler.call(submit, within).await? {
            SubmitReply::Taken => Ok(()),
            SubmitReply::Full { retry_after_ms } => Err(busy(retry_after_ms)),
            SubmitReply::StepDown => Err(Fault::new("internal", "the scheduler knows this text under a later term")),
        }
    }

    async fn bytes(&self, context: &RunContext, results: Payload) -> Result<Vec<u8>> {
        match results {
            Payload::Inline(bytes) => Ok(bytes),
            Payload::Bulk(digest) => {
                let blob = context.blobs.get(blob_scope(self.name.scope), digest, MAX_OWN_BLOB_BYTES).await;
                blob.map(|bytes| bytes.to_vec()).map_err(|e: StoreError| store_fault(&e))
            }
        }
    }

    /// An answer in the message, or on the bulk plane where it is large; and its size.
    pub(super) async fn payload(&mut self, context: &RunContext, json: Vec<u8>) -> Result<(Payload, u64)> {
        let bytes = json.len() as u64;
        if json.len() <= MAX_INLINE_BYTES {
            return Ok((Payload::Inline(json), bytes));
        }
        let digest = context.put_bytes(self.name.scope, json).await.map_err(halted)?;
        self.answered_by_blob = true;
        Ok((Payload::Bulk(digest), bytes))
    }

    /// Lets go of all that was kept for the text; later, if its answer is still to be fetched.
    pub(super) async fn end(self, context: &Arc<RunContext>) {
        context.scheduler.cast(CancelItems { run: self.name.run, run_term: self.term }, self.term);
        if self.answered_by_blob {
            let context = context.clone();
            tokio::spawn(async move {
                tokio::time::sleep(FETCHED).await;
                self.clear(&context).await;
            });
            return;
        }
        self.clear(context).await;
    }

    async fn clear(&self, context: &RunContext) {
        let Scope { project, .. } = self.name.scope;
        let cleared = context.blobs.delete_scope(blob_scope(self.name.scope)).await.map_err(|e| store_fault(&e));
        let cleared = match cleared {
            Ok(()) => drop_intent(context, project.0).await,
            Err(fault) => Err(fault),
        };
        if let Err(fault) = cleared {
            tracing::info!(%fault, "what was kept for a text is cleared away later");
        }
    }
}
